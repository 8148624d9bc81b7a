/** The bucket of the comparison, through the SDK. */
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';

export interface Endpoint {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly bucket: string;
}

/** Answers where it is, as the server says. */
export function makeBucket(s3: Endpoint, signal: AbortSignal): Promise<string | null> {
  return withClient(s3, async (client) => {
    const made = await client.send(new CreateBucketCommand({ Bucket: s3.bucket }), { abortSignal: signal });
    return made.Location ?? null;
  });
}

/** With everything that is in it. */
export async function removeBucket(s3: Endpoint): Promise<void> {
  await emptyPrefix(s3, '');
  await withClient(s3, (client) => client.send(new DeleteBucketCommand({ Bucket: s3.bucket })));
}

export async function countObjects(s3: Endpoint, prefix: string): Promise<number> {
  return withClient(s3, (client) => eachPage(client, s3, prefix, async () => {}));
}

/** Takes all objects below the prefix away; answers how many there were. */
export function emptyPrefix(s3: Endpoint, prefix: string): Promise<number> {
  return withClient(s3, (client) =>
    eachPage(client, s3, prefix, async (keys) => {
      const Delete = { Objects: keys.map((Key) => ({ Key })), Quiet: true };
      const { Errors: [error] = [] } = await client.send(new DeleteObjectsCommand({ Bucket: s3.bucket, Delete }));
      if (error) throw new Error(`${error.Key} could not be removed: ${error.Code}`);
    }),
  );
}

/** Answers how many objects there are. */
async function eachPage(
  client: S3Client,
  { bucket }: Endpoint,
  prefix: string,
  use: (keys: readonly string[]) => Promise<void>,
): Promise<number> {
  let objects = 0;
  for (let after: string | undefined; ; ) {
    const command = new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, StartAfter: after });
    const { Contents = [], IsTruncated } = await client.send(command);
    const keys = Contents.flatMap(({ Key }) => Key ?? []);
    if (keys.length > 0) await use(keys);
    objects += keys.length;
    after = keys.at(-1);
    if (!IsTruncated || after === undefined) return objects;
  }
}

async function withClient<Answer>(s3: Endpoint, use: (client: S3Client) => Promise<Answer>): Promise<Answer> {
  const { endpoint, region, accessKeyId, secretAccessKey } = s3;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  try {
    return await use(client);
  } finally {
    client.destroy();
  }
}
