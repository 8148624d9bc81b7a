import { randomBytes } from 'node:crypto';
import {
  CopyObjectCommand,
  type CopyObjectCommandInput,
  HeadObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { bucketName, contractS3, etagOf, failureOf, md5, needs } from '../support/contract-s3.ts';

const PRECONDITION_FAILED = { name: 'PreconditionFailed', status: 412 };
const WRONG = etagOf('something else');

describe('S3 server, copies', () => {
  const s3 = contractS3();
  const head = (Key: string, Bucket = s3().bucket) => s3().client.send(new HeadObjectCommand({ Bucket, Key }));
  const copy = (from: string, Key: string, more: Partial<CopyObjectCommandInput> = {}) => {
    const CopySource = `${s3().bucket}/${encodeURIComponent(from)}`;
    return s3().client.send(new CopyObjectCommand({ Bucket: s3().bucket, Key, CopySource, ...more }));
  };
  const described = { ContentType: 'image/jpeg', CacheControl: 'max-age=9', Metadata: { mtime: '17', place: 'sea' } };

  test('a copy has the bytes, the headers and the metadata', async () => {
    const body = randomBytes(300_000);
    await s3().put('source', body, described);
    const answer = await copy('source', 'copied');
    expect(answer.CopyObjectResult?.LastModified).toBeInstanceOf(Date);
    expect(await head('copied')).toMatchObject({ ...described, ETag: etagOf(body) });
    expect(md5(await s3().read('copied'))).toBe(md5(body));
    expect(md5(await s3().read('source'))).toBe(md5(body));
  });

  needs('result-etags')('the answer to a copy has the ETag in quotes', async () => {
    await s3().put('etag', 'hello');
    expect((await copy('etag', 'etag-copied')).CopyObjectResult?.ETag).toBe(etagOf('hello'));
  });

  test('a copy keeps the metadata whatever the request says, unless told to replace it', async () => {
    await s3().put('keep', 'x', described);
    await copy('keep', 'kept', { ContentType: 'text/plain', Metadata: { other: '1' } });
    expect(await head('kept')).toMatchObject(described);
  });

  test('a copy with new metadata has that and nothing of the old', async () => {
    await s3().put('old', 'x', described);
    const replaced = { ContentType: 'text/plain', Metadata: { other: '1' } };
    await copy('old', 'replaced', { MetadataDirective: 'REPLACE', ...replaced });
    const found = await head('replaced');
    expect(found).toMatchObject(replaced);
    expect([found.Metadata, found.CacheControl]).toEqual([replaced.Metadata, undefined]);
    expect((await s3().read('replaced')).toString()).toBe('x');
  });

  test('a copy replaces what was under the new key', async () => {
    await s3().put('over-source', 'new');
    await s3().put('over', 'old and longer', { Metadata: { a: '1' } });
    await copy('over-source', 'over');
    expect([(await s3().read('over')).toString(), (await head('over')).Metadata]).toEqual(['new', {}]);
  });

  test('a copy onto itself that changes nothing is refused', async () => {
    await s3().put('self', 'x', described);
    expect(await failureOf(copy('self', 'self'))).toEqual({ name: 'InvalidRequest', status: 400 });
  });

  test('a copy onto itself may replace the metadata', async () => {
    await s3().put('self-new', 'hello', described);
    await copy('self-new', 'self-new', { MetadataDirective: 'REPLACE', Metadata: { only: 'this' } });
    expect((await head('self-new')).Metadata).toEqual({ only: 'this' });
    expect((await s3().read('self-new')).toString()).toBe('hello');
  });

  test('a copy onto itself may change the storage class', async () => {
    await s3().put('self-class', 'hello', described);
    await copy('self-class', 'self-class', { StorageClass: 'STANDARD_IA' });
    expect(await head('self-class')).toMatchObject({ ...described, StorageClass: 'STANDARD_IA' });
    expect((await s3().read('self-class')).toString()).toBe('hello');
  });

  test('a copy goes into another bucket', async () => {
    const Bucket = await s3().makeBucket();
    await s3().put('far', 'hello', described);
    await copy('far', 'arrived', { Bucket });
    expect(await head('arrived', Bucket)).toMatchObject({ ...described, ETag: etagOf('hello') });
  });

  test('an empty object is copied', async () => {
    await s3().put('nil', '', { Metadata: { a: '1' } });
    await copy('nil', 'nil-copied');
    expect(await head('nil-copied')).toMatchObject({ ContentLength: 0, Metadata: { a: '1' } });
  });

  test('the source may start with a slash', async () => {
    await s3().put('slash', 'hello');
    await copy('', 'slash-copied', { CopySource: `/${s3().bucket}/slash` });
    expect((await s3().read('slash-copied')).toString()).toBe('hello');
  });

  test('a missing source says NoSuchKey and leaves what was there', async () => {
    await s3().put('safe', 'hello');
    expect(await failureOf(copy('missing', 'safe'))).toEqual({ name: 'NoSuchKey', status: 404 });
    expect((await s3().read('safe')).toString()).toBe('hello');
  });

  test('a missing bucket on either end says NoSuchBucket', async () => {
    const noBucket = { name: 'NoSuchBucket', status: 404 };
    expect(await failureOf(copy('', 'x', { CopySource: `${bucketName()}/x` }))).toEqual(noBucket);
    await s3().put('homeless', 'x');
    expect(await failureOf(copy('homeless', 'x', { Bucket: bucketName() }))).toEqual(noBucket);
  });

  test('the old bytes of a source stay in a copy made before they changed', async () => {
    await s3().put('changing', 'first');
    await copy('changing', 'snapshot');
    await s3().put('changing', 'second');
    expect((await s3().read('snapshot')).toString()).toBe('first');
    await s3().client.send(new PutObjectCommand({ Bucket: s3().bucket, Key: 'snapshot', Body: 'third' }));
    expect((await s3().read('changing')).toString()).toBe('second');
  });

  test('a copy goes through when its conditions on the source hold', async () => {
    const etag = await s3().put('condition', 'hello');
    const past = new Date('2001-01-01T00:00:00Z');
    await copy('condition', 'held-1', { CopySourceIfMatch: etag });
    await copy('condition', 'held-2', { CopySourceIfNoneMatch: WRONG });
    await copy('condition', 'held-3', { CopySourceIfModifiedSince: past });
    await copy('condition', 'held-4', { CopySourceIfUnmodifiedSince: new Date('2100-01-01T00:00:00Z') });
    expect(await s3().keys('held-')).toEqual(['held-1', 'held-2', 'held-3', 'held-4']);
  });

  needs('copy-conditions')('a copy is refused when a condition on the source fails', async () => {
    const etag = await s3().put('refusing', 'hello');
    const failing: Partial<CopyObjectCommandInput>[] = [
      { CopySourceIfMatch: WRONG },
      { CopySourceIfNoneMatch: etag },
      { CopySourceIfModifiedSince: new Date('2100-01-01T00:00:00Z') },
      { CopySourceIfUnmodifiedSince: new Date('2001-01-01T00:00:00Z') },
    ];
    for (const condition of failing) {
      expect(await failureOf(copy('refusing', 'refused', condition))).toEqual(PRECONDITION_FAILED);
    }
    expect(await s3().keys('refused')).toEqual([]);
  });

  needs('copy-if-none-match')('If-None-Match: * keeps a copy from replacing what is there', async () => {
    await s3().put('careful', 'new');
    await copy('careful', 'careful-copied', { IfNoneMatch: '*' });
    await s3().put('careful', 'newer');
    expect(await failureOf(copy('careful', 'careful-copied', { IfNoneMatch: '*' }))).toEqual(PRECONDITION_FAILED);
    expect((await s3().read('careful-copied')).toString()).toBe('new');
  });

  needs('copy-if-none-match')('If-Match lets a copy replace only the version it names', async () => {
    await s3().put('exact', 'new');
    const etag = await s3().put('exact-copied', 'old');
    expect(await failureOf(copy('exact', 'exact-copied', { IfMatch: WRONG }))).toEqual(PRECONDITION_FAILED);
    expect((await s3().read('exact-copied')).toString()).toBe('old');
    await copy('exact', 'exact-copied', { IfMatch: etag });
    expect((await s3().read('exact-copied')).toString()).toBe('new');
  });
});
