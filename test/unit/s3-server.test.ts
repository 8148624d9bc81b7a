import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestS3, type TestS3 } from '../support/s3.ts';

let s3: TestS3;

beforeAll(async () => {
  s3 = await startTestS3();
});

afterAll(() => s3.close());

test('an object comes back as it was put, is listed, and is gone after its deletion', async () => {
  const Bucket = s3.bucket;
  const Body = Buffer.alloc(300_000, 'photo');
  const Metadata = { mtime: '1700000000' };
  const put = await s3.client.send(
    new PutObjectCommand({ Bucket, Key: 'a b/ü+😀.jpg', Body, Metadata, ContentType: 'image/jpeg' }),
  );
  const head = await s3.client.send(new HeadObjectCommand({ Bucket, Key: 'a b/ü+😀.jpg' }));
  expect(head).toMatchObject({ ContentLength: 300_000, ETag: put.ETag, Metadata, ContentType: 'image/jpeg' });
  const got = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'a b/ü+😀.jpg' }));
  expect(Buffer.from(await got.Body!.transformToByteArray()).equals(Body)).toBe(true);
  const list = await s3.client.send(new ListObjectsV2Command({ Bucket }));
  expect(list.Contents?.map((one) => [one.Key, one.Size])).toEqual([['a b/ü+😀.jpg', 300_000]]);
  await s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'a b/ü+😀.jpg' }));
  await expect(s3.client.send(new HeadObjectCommand({ Bucket, Key: 'a b/ü+😀.jpg' }))).rejects.toMatchObject({
    name: 'NotFound',
  });
});

test('many objects go in one request', async () => {
  const Bucket = s3.bucket;
  const keys = Array.from({ length: 50 }, (_, i) => `many/${i}&<.jpg`);
  await Promise.all(keys.map((Key) => s3.client.send(new PutObjectCommand({ Bucket, Key, Body: Key }))));
  const Delete = { Objects: keys.map((Key) => ({ Key })) };
  const result = await s3.client.send(new DeleteObjectsCommand({ Bucket, Delete }));
  expect(result.Deleted?.map((one) => one.Key)).toEqual(keys);
  expect((await s3.client.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(0);
});
