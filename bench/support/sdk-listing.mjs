// Measured beside the program: only lists a prefix to its end, through the client as the program configures it
// (`node sdk-listing.mjs <dist folder> <prefix>`), and prints how many keys it saw. What the program spends beyond
// this is its own.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [dist, prefix] = process.argv.slice(2);
const { openS3Client } = await import(pathToFileURL(`${dist}/bucket/client.js`).href);
const { ListObjectsV2Command } = createRequire(pathToFileURL(`${dist}/`).href)('@aws-sdk/client-s3');

const { S3_ENDPOINT: endpoint, S3_BUCKET, AWS_REGION: region } = process.env;
const { client, close } = openS3Client({ endpoint, region, forcePathStyle: true }, { maxSockets: 14 });
let keys = 0;
let token;
do {
  const command = new ListObjectsV2Command({
    Bucket: S3_BUCKET,
    Prefix: prefix,
    EncodingType: 'url',
    ContinuationToken: token,
  });
  const page = await client.send(command);
  keys += page.KeyCount ?? 0;
  token = page.NextContinuationToken;
} while (token !== undefined);
close();
process.stdout.write(`${keys}\n`);
