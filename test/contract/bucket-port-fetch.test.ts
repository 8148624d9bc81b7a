/**
 * What BucketPort.fetch promises (src/sync/ports.ts), against the embedded server or the one at CONTRACT_S3_ENDPOINT
 * (see test/support/contract-s3.ts).
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  HeadObjectCommand,
  RestoreObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OpenedClient, openS3Client } from '../../src/bucket/client.ts';
import { S3Service } from '../../src/bucket/s3-service.ts';
import { RollcallError } from '../../src/errors.ts';
import type { FetchedObject } from '../../src/sync/bucket-port.ts';
import { contractS3, md5, needs, RESTORE_MS } from '../support/contract-s3.ts';

const MIB = 1024 * 1024;
const live = new AbortController().signal;
const s3 = contractS3();
let opened: OpenedClient;

beforeAll(() => {
  const { endpoint, region, accessKeyId, secretAccessKey } = s3().target;
  const credentials = { accessKeyId, secretAccessKey };
  opened = openS3Client({ endpoint, region, forcePathStyle: true, credentials }, { maxSockets: 4 });
});

afterAll(() => opened?.close());

const serviceFor = (bucket: string = s3().bucket): S3Service =>
  new S3Service(opened.client, { endpoint: s3().target.endpoint, bucket }, { partConcurrency: 1 });

interface Got {
  readonly fetched: FetchedObject;
  readonly bytes: Buffer;
}

/** Fetches the version that is there now. */
async function fetch(key: string, partSize: number | null = null): Promise<Got> {
  const service = serviceFor();
  const object = await service.head(key, live);
  const chunks: Uint8Array[] = [];
  const fetched = await service.fetch(object!, partSize, async (chunk) => void chunks.push(chunk), live);
  expect(service.requests()).toMatchObject({ head: 1, get: 1 });
  return { fetched, bytes: Buffer.concat(chunks) };
}

/** What a fetch that must fail fails with; nothing may have been taken. */
async function failure(object: { key: string; size: number; etag: string }, service = serviceFor()) {
  const error = await service.fetch(object, null, unwanted, live).then(
    () => new Error('it went through'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof RollcallError) return error;
  throw error;
}

const unwanted = async (): Promise<void> => {
  throw new Error('bytes of the wrong version were taken');
};

describe('fetching', () => {
  test('reads the bytes and tells what is to be recorded, by one GET', async () => {
    const content = randomBytes(3 * MIB + 17);
    const Metadata = { mtime: '1700000000.25' };
    await s3().put('plain.jpg', content, { ContentType: 'image/jpeg', Metadata });
    const { fetched, bytes } = await fetch('plain.jpg');
    expect(bytes.equals(content)).toBe(true);
    expect(fetched).toEqual({
      md5: md5(content),
      partSize: null,
      mtimeNs: 1_700_000_000_250_000_000n,
      contentType: 'image/jpeg',
      storageClass: 'STANDARD',
    });
  });

  test('takes the time from LastModified where the metadata tell none', async () => {
    await s3().put('untimed', 'x', { Metadata: { mtime: 'yesterday' } });
    const { LastModified } = await s3().client.send(new HeadObjectCommand({ Bucket: s3().bucket, Key: 'untimed' }));
    expect((await fetch('untimed')).fetched.mtimeNs).toBe(BigInt(LastModified!.getTime()) * 1_000_000n);
  });

  test('an object of no bytes is one, and the sink is not bothered', async () => {
    await s3().put('empty', '');
    const service = serviceFor();
    const object = { key: 'empty', size: 0, etag: md5('') };
    expect(await service.fetch(object, null, unwanted, live)).toMatchObject({ md5: md5(''), partSize: null });
  });

  test('a Content-Encoding is the business of whoever put the object: the bytes stay as they are', async () => {
    await s3().put('encoded', 'no gzip at all', { ContentEncoding: 'gzip', ContentType: 'image/svg+xml' });
    const { fetched, bytes } = await fetch('encoded');
    expect(bytes.toString()).toBe('no gzip at all');
    expect(fetched.contentType).toBe('image/svg+xml');
  });

  test.each([
    'a b+c%20d.jpg',
    'é/ﬁ/😀.jpg',
    'o\'q"<&>?#*:|\\.jpg',
    'tab\there',
    'a//b',
    'a/../b',
    './a',
    '/leading',
    'trailing/',
    `${'k'.repeat(1020)}.jpg`,
    `${'😀'.repeat(255)}.jpg`,
  ])('reads the object with exactly the key %j', async (key) => {
    await s3().put(key, key);
    expect((await fetch(key)).bytes.toString()).toBe(key);
  });

  test('a storage class that can be read at once is told', async () => {
    await s3().put('cool', 'x', { StorageClass: 'STANDARD_IA' });
    expect((await fetch('cool')).fetched.storageClass).toBe('STANDARD_IA');
  });

  test('each chunk is taken before the next one comes', async () => {
    const content = randomBytes(2 * MIB);
    await s3().put('chunks', content);
    const hash = createHash('md5');
    let [taking, chunks] = [0, 0];
    const sink = async (chunk: Uint8Array): Promise<void> => {
      expect(++taking).toBe(1);
      await new Promise(setImmediate);
      hash.update(chunk);
      chunks++;
      taking--;
    };
    const object = { key: 'chunks', size: content.length, etag: md5(content) };
    await serviceFor().fetch(object, null, sink, live);
    expect(hash.digest('hex')).toBe(md5(content));
    expect(chunks).toBeGreaterThan(4);
  });
});

describe('an object that was put in parts', () => {
  const content = randomBytes(12 * MIB + 3);
  const odd = 7 * MIB + 12_345;

  test('is proved by a part size that other tools use', async () => {
    await multipart('parts/eight', 8 * MIB);
    const { fetched, bytes } = await fetch('parts/eight');
    expect(fetched).toMatchObject({ md5: md5(content), partSize: 8 * MIB });
    expect(bytes.equals(content)).toBe(true);
  });

  test('is proved by the recorded part size, however odd', async () => {
    await multipart('parts/odd', odd);
    expect((await fetch('parts/odd', odd)).fetched).toMatchObject({ md5: md5(content), partSize: odd });
  });

  test('is proved by its size alone where nothing else tells the content', async () => {
    await multipart('parts/unknown', odd);
    expect((await fetch('parts/unknown')).fetched).toMatchObject({ md5: md5(content), partSize: null });
  });

  test('is held against the MD5 that rclone keeps with it', async () => {
    const kept = (bytes: Uint8Array) => ({ Metadata: { md5chksum: createHash('md5').update(bytes).digest('base64') } });
    await multipart('parts/kept', odd, kept(content));
    expect((await fetch('parts/kept')).fetched).toMatchObject({ md5: md5(content), partSize: null });
    await multipart('parts/other', odd, kept(randomBytes(1)));
    await expect(fetch('parts/other')).rejects.toMatchObject({ code: 'OBJECT_UNVERIFIED' });
  });

  needs('checksums')('is read whatever checksum the server tells', async () => {
    for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const) {
      const ChecksumType = ChecksumAlgorithm.startsWith('CRC') ? 'FULL_OBJECT' : 'COMPOSITE';
      await multipart(`parts/${ChecksumAlgorithm}`, odd, { ChecksumAlgorithm, ChecksumType });
      expect((await fetch(`parts/${ChecksumAlgorithm}`)).bytes.equals(content)).toBe(true);
    }
  });

  /** Puts it in parts of any size, as some other tool would. */
  async function multipart(key: string, partSize: number, more: Partial<CreateMultipartUploadCommandInput> = {}) {
    const at = { Bucket: s3().bucket, Key: key };
    const { UploadId } = await s3().client.send(new CreateMultipartUploadCommand({ ...at, ...more }));
    const Parts: object[] = [];
    for (let start = 0; start < content.length; start += partSize) {
      const PartNumber = Parts.length + 1;
      const Body = content.subarray(start, start + partSize);
      const { ChecksumAlgorithm } = more;
      const part = new UploadPartCommand({ ...at, UploadId, PartNumber, Body, ChecksumAlgorithm });
      const { ETag, $metadata: _, ServerSideEncryption: __, ...checksum } = await s3().client.send(part);
      Parts.push({ PartNumber, ETag, ...checksum });
    }
    await s3().client.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }));
  }
});

describe('what cannot be fetched', () => {
  test('another version than was asked for', async () => {
    await s3().put('replaced', 'new');
    const error = await failure({ key: 'replaced', size: 3, etag: md5('old') });
    expect(error.code).toBe('OBJECT_PRECONDITION');
    expect(error.message).toContain(`cannot read s3://${s3().bucket}/replaced: `);
  });

  test('an object that is gone', async () => {
    expect((await failure({ key: 'gone', size: 1, etag: md5('x') })).code).toBe('OBJECT_MISSING');
  });

  test('an object of a bucket that is not there', async () => {
    const error = await failure({ key: 'a', size: 1, etag: md5('x') }, serviceFor('rollcall-nowhere'));
    expect(error.code).toBe('BUCKET_MISSING');
  });

  test('an object of another size than was listed', async () => {
    await s3().put('resized', 'four');
    for (const size of [0, 3, 5]) {
      expect((await failure({ key: 'resized', size, etag: md5('four') })).code).toBe('OBJECT_UNVERIFIED');
    }
  });

  test('anything after an abort', async () => {
    const reason = new RollcallError('CANCELLED', 'enough');
    const service = serviceFor();
    const object = { key: 'a', size: 1, etag: md5('x') };
    await expect(service.fetch(object, null, unwanted, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(service.requests().get).toBe(0);
  });

  needs('restore', 'clock')('an archived object, until it is restored', async () => {
    for (const StorageClass of ['GLACIER', 'DEEP_ARCHIVE'] as const) {
      const key = `archived/${StorageClass}`;
      await s3().put(key, 'cold', { StorageClass });
      const error = await failure({ key, size: 4, etag: md5('cold') });
      expect(error).toMatchObject({ code: 'OBJECT_ARCHIVED', retryable: true });
      expect(error.message).toMatch(/must be restored .*rollcall restore/);
      const RestoreRequest = { Days: 1, GlacierJobParameters: { Tier: 'Standard' as const } };
      await s3().client.send(new RestoreObjectCommand({ Bucket: s3().bucket, Key: key, RestoreRequest }));
      expect((await failure({ key, size: 4, etag: md5('cold') })).code).toBe('OBJECT_ARCHIVED');
      s3().passTime(RESTORE_MS + 1000);
      const { fetched, bytes } = await fetch(key);
      expect(bytes.toString()).toBe('cold');
      expect(fetched.storageClass).toBe(StorageClass);
    }
  });
});
