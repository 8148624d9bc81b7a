import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { bucketName, contractS3, failureOf, needs } from '../support/contract-s3.ts';
import { pathOf } from '../support/contract-s3-http.ts';

describe('S3 server, buckets', () => {
  const s3 = contractS3();

  test('a bucket that was made is found by HEAD and among all buckets', async () => {
    const Bucket = await s3().makeBucket();
    expect((await s3().client.send(new HeadBucketCommand({ Bucket }))).$metadata.httpStatusCode).toBe(200);
    const { Buckets = [], Owner } = await s3().client.send(new ListBucketsCommand({}));
    const mine = Buckets.find((bucket) => bucket.Name === Bucket);
    expect(mine?.CreationDate).toBeInstanceOf(Date);
    expect(Owner?.ID).toBeTruthy();
  });

  test('a fresh bucket lists no keys and no uploads', async () => {
    const Bucket = await s3().makeBucket();
    expect(await s3().keys('', Bucket)).toEqual([]);
    const { Uploads = [] } = await s3().client.send(new ListMultipartUploadsCommand({ Bucket }));
    expect(Uploads).toEqual([]);
  });

  test('making a bucket that one already has leaves its objects alone', async () => {
    await s3().put('kept', 'kept');
    // us-east-1 answers 200 for compatibility, every other region 409.
    const again = await s3().raw.send({ method: 'PUT', path: pathOf(s3().bucket) });
    expect([200, 'BucketAlreadyOwnedByYou']).toContain(again.code ?? again.status);
    expect((await s3().read('kept')).toString()).toBe('kept');
  });

  test('a bucket may be made with the region named in the body', async () => {
    const Bucket = bucketName();
    const region = `<LocationConstraint>${s3().target.region}</LocationConstraint>`;
    const body = `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${region}</CreateBucketConfiguration>`;
    const made = await s3().raw.send({ method: 'PUT', path: pathOf(Bucket), body });
    // AWS wants us-east-1 to be left out; the servers that stand in for it take it.
    expect([200, 'InvalidLocationConstraint']).toContain(made.code ?? made.status);
    if (made.status === 200) await s3().client.send(new DeleteBucketCommand({ Bucket }));
  });

  test.each([
    'ab',
    'Upper-Case',
    'under_score',
    'ends-with-',
    '-starts-with',
    'two..dots',
    'x'.repeat(64),
    '192.168.5.4',
  ])('the bucket name %s is refused', async (name) => {
    const answer = await s3().raw.send({ method: 'PUT', path: pathOf(name) });
    expect([answer.status, answer.code]).toEqual([400, 'InvalidBucketName']);
  });

  test('a bucket with objects in it is not deleted', async () => {
    const Bucket = await s3().makeBucket();
    await s3().client.send(new PutObjectCommand({ Bucket, Key: 'deep/down/below', Body: 'x' }));
    const refusal = await failureOf(s3().client.send(new DeleteBucketCommand({ Bucket })));
    expect(refusal).toEqual({ name: 'BucketNotEmpty', status: 409 });
    expect(await s3().keys('', Bucket)).toEqual(['deep/down/below']);
  });

  test('an emptied bucket is deleted, and is then missing', async () => {
    const Bucket = bucketName();
    await s3().client.send(new CreateBucketCommand({ Bucket }));
    await s3().client.send(new PutObjectCommand({ Bucket, Key: 'a/b', Body: 'x' }));
    await s3().client.send(new DeleteObjectCommand({ Bucket, Key: 'a/b' }));
    const deleted = await s3().client.send(new DeleteBucketCommand({ Bucket }));
    expect(deleted.$metadata.httpStatusCode).toBe(204);
    const missing = { name: 'NotFound', status: 404 };
    expect(await failureOf(s3().client.send(new HeadBucketCommand({ Bucket })))).toEqual(missing);
    const { Buckets = [] } = await s3().client.send(new ListBucketsCommand({}));
    expect(Buckets.map((bucket) => bucket.Name)).not.toContain(Bucket);
  });

  test('everything but HEAD names a missing bucket NoSuchBucket', async () => {
    const [Bucket, Key] = [bucketName(), 'k'];
    const { client } = s3();
    const noBucket = { name: 'NoSuchBucket', status: 404 };
    expect(await failureOf(client.send(new ListObjectsV2Command({ Bucket })))).toEqual(noBucket);
    expect(await failureOf(client.send(new GetObjectCommand({ Bucket, Key })))).toEqual(noBucket);
    expect(await failureOf(client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' })))).toEqual(noBucket);
    expect(await failureOf(client.send(new DeleteObjectCommand({ Bucket, Key })))).toEqual(noBucket);
    expect(await failureOf(client.send(new ListMultipartUploadsCommand({ Bucket })))).toEqual(noBucket);
    expect(await failureOf(client.send(new DeleteBucketCommand({ Bucket })))).toEqual(noBucket);
    const notFound = { name: 'NotFound', status: 404 };
    expect(await failureOf(client.send(new HeadObjectCommand({ Bucket, Key })))).toEqual(notFound);
  });

  test('the location of a bucket is told', async () => {
    const answer = await s3().client.send(new GetBucketLocationCommand({ Bucket: s3().bucket }));
    expect([undefined, '', s3().target.region]).toContain(answer.LocationConstraint);
  });

  needs('bucket-region')('HEAD of a bucket tells its region', async () => {
    const answer = await s3().raw.send({ method: 'HEAD', path: pathOf(s3().bucket) });
    expect(answer.headers['x-amz-bucket-region']).toBe(s3().target.region);
  });

  test('a bucket path with a slash at its end is the bucket', async () => {
    await s3().put('found');
    const answer = await s3().raw.send({ method: 'GET', path: `${pathOf(s3().bucket)}/`, query: { 'list-type': '2' } });
    expect(answer.body.toString()).toContain('<Key>found</Key>');
  });
});
