/** What is read off a listing's address, held against the addresses that the SDK itself makes for objects. */
import { HeadObjectCommand, ListObjectsV2Command, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { type Address, encoded, pathBefore, pathOfBucket } from '../../src/bucket/address.ts';

const KEY = "photos/été/it's (1)+*.jpg";

/** The address that the SDK would send this to. */
async function addressOf(config: S3ClientConfig, command: HeadObjectCommand | ListObjectsV2Command): Promise<Address> {
  const seen = Promise.withResolvers<Address>();
  const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' };
  const client = new S3Client({ region: 'eu-central-1', credentials, maxAttempts: 1, ...config });
  client.middlewareStack.add(
    () => async (args) => {
      seen.resolve(args.request as Address);
      throw new Error('not sent');
    },
    { step: 'deserialize', priority: 'low', name: 'look' },
  );
  await client.send(command as HeadObjectCommand).catch(seen.reject);
  client.destroy();
  return seen.promise;
}

const CLIENTS: Readonly<Record<string, S3ClientConfig>> = {
  AWS: {},
  'AWS, with paths': { forcePathStyle: true },
  'AWS, dual stack': { useDualstackEndpoint: true },
  'an endpoint with a name': { endpoint: 'https://s3.example.com' },
  'an endpoint with a name and a port, with paths': { endpoint: 'https://s3.example.com:9000', forcePathStyle: true },
  'an IP address': { endpoint: 'http://127.0.0.1:9000', forcePathStyle: true },
  'an endpoint below a folder': { endpoint: 'https://example.com/storage/s3' },
  'an endpoint below a folder, with paths': { endpoint: 'https://example.com/storage/s3', forcePathStyle: true },
  'an endpoint below a folder of the name of the bucket': { endpoint: 'https://example.com/photos' },
  'an endpoint whose name begins like the bucket': { endpoint: 'https://photos.example.com', forcePathStyle: true },
};

const BUCKETS = ['photos', 'my-photos.2024', 'example'];

describe.each(Object.entries(CLIENTS))('the address of a listing from %s', (name, config) => {
  test.each(BUCKETS)('of the bucket %s leads to its objects, or tells nothing', async (bucket) => {
    const listing = await addressOf(config, new ListObjectsV2Command({ Bucket: bucket, Prefix: 'photos/' }));
    const object = await addressOf(config, new HeadObjectCommand({ Bucket: bucket, Key: KEY }));
    const path = pathOfBucket(listing, bucket);
    if (path === null) return expect(name).toMatch(/^an endpoint below a folder/);
    expect(listing.hostname).toBe(object.hostname);
    expect(path).toBe(pathBefore(object, KEY));
    expect(path + encoded(KEY)).toBe(object.path);
  });
});

test('an address that names the bucket nowhere tells nothing', () => {
  expect(pathOfBucket({ hostname: 'abc.s3-accesspoint.eu-central-1.amazonaws.com', path: '/' }, 'photos')).toBeNull();
  expect(pathOfBucket({ hostname: 's3.example.com', path: '/photos-2/' }, 'photos')).toBeNull();
});
