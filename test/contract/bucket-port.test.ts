/**
 * What BucketPort promises (src/sync/ports.ts), against the embedded server or the one at CONTRACT_S3_ENDPOINT. A
 * server that honours less is held to the same promises: only the guards against races may be weaker.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OpenedClient, openS3Client } from '../../src/bucket/client.ts';
import { isProbeKey } from '../../src/bucket/probe-object.ts';
import { S3Service } from '../../src/bucket/s3-service.ts';
import { RollcallError } from '../../src/errors.ts';
import type { BucketFeatures, UploadRequest, WriteCondition } from '../../src/sync/bucket-port.ts';
import type { Inventory } from '../../src/sync/ports.ts';
import type { BucketObject } from '../../src/sync/types.ts';
import { codeOf } from '../support/code-of.ts';
import { byteOrder, contractS3, md5 } from '../support/contract-s3.ts';
import { openTestFile } from '../support/open-file.ts';

const MIB = 1024 * 1024;
const live = new AbortController().signal;
const s3 = contractS3();
let opened: OpenedClient;
let folder: string;

beforeAll(async () => {
  const { endpoint, region, accessKeyId, secretAccessKey } = s3().target;
  const credentials = { accessKeyId, secretAccessKey };
  opened = openS3Client({ endpoint, region, forcePathStyle: true, credentials }, { maxSockets: 16 });
  folder = await mkdtemp(join(tmpdir(), 'rollcall-bucket-port-'));
});

afterAll(async () => {
  opened?.close();
  await rm(folder, { recursive: true, force: true });
});

const serviceFor = (bucket: string = s3().bucket): S3Service =>
  new S3Service(opened.client, { endpoint: s3().target.endpoint, bucket }, { partConcurrency: 2 });

/** Relies on nothing but what every server does. */
const LEAST: BucketFeatures = {
  createOnly: false,
  replaceOnly: 'none',
  createOnlyMultipart: false,
  deleteOnly: false,
  deleteManyOnly: false,
  copyCreateOnly: false,
  contentMd5: true,
  checksums: false,
};

async function ready(known: BucketFeatures | null = null): Promise<S3Service> {
  const service = serviceFor();
  await service.learn('probes/', known, live);
  return service;
}

interface Sent extends Partial<Omit<UploadRequest, 'file' | 'key' | 'condition'>> {
  readonly content: Uint8Array | string;
  readonly condition?: WriteCondition;
  readonly mtime?: Date;
}

async function upload(service: S3Service, key: string, sent: Sent) {
  const { content, condition = { absent: true }, mtime, ...more } = sent;
  const path = join(folder, randomBytes(8).toString('hex'));
  await writeFile(path, content);
  if (mtime !== undefined) await utimes(path, mtime, mtime);
  const file = await openTestFile(path);
  try {
    return await service.upload({ key, file, contentType: 'image/jpeg', condition, ...more }, live);
  } finally {
    await file.close();
    await rm(path);
  }
}

async function compare(
  service: S3Service,
  key: string,
  content: Uint8Array | string,
  partSize: number | null = null,
  recorded: string | null = null,
) {
  const path = join(folder, randomBytes(8).toString('hex'));
  await writeFile(path, content);
  const file = await openTestFile(path);
  const object = await service.head(key, live);
  try {
    return await service.compare(file, object!, { md5: recorded, partSize }, live);
  } finally {
    await file.close();
    await rm(path);
  }
}

async function collect(inventory: Inventory<BucketObject>): Promise<BucketObject[]> {
  const objects: BucketObject[] = [];
  for await (const batch of inventory.batches) objects.push(...batch);
  return objects;
}

describe('preflight', () => {
  test('learns what the bucket honours and leaves nothing behind', async () => {
    const features = await serviceFor().learn('probed/', null, live);
    expect(features.contentMd5).toBe(true);
    if (process.env['CONTRACT_S3_ENDPOINT'] === undefined) {
      expect(features).toEqual({
        createOnly: true,
        replaceOnly: 'quoted',
        createOnlyMultipart: true,
        deleteOnly: true,
        deleteManyOnly: true,
        copyCreateOnly: true,
        contentMd5: true,
        checksums: true,
      });
    }
    expect(await s3().keys('probed/')).toEqual([]);
    const { Uploads = [] } = await s3().client.send(new ListMultipartUploadsCommand({ Bucket: s3().bucket }));
    expect(Uploads).toEqual([]);
  });

  test('writes nothing when the features are known', async () => {
    const service = serviceFor();
    expect(await service.learn('photos/', LEAST, live)).toEqual(LEAST);
    expect(service.requests()).toEqual({ head: 0, list: 0, get: 0, put: 0, copy: 0, delete: 0 });
  });

  test('asks again where nothing at all was honoured, since so answers a bucket that denied the probe', async () => {
    const nothing: BucketFeatures = { ...LEAST, contentMd5: false };
    expect((await serviceFor().learn('photos/', nothing, live)).contentMd5).toBe(true);
  });

  test.each(['deleteManyOnly', 'copyCreateOnly'])(
    'asks again where an older version did not learn %s',
    async (name) => {
      const { [name as keyof BucketFeatures]: _, ...older } = LEAST;
      const learnt = await serviceFor().learn('photos/', older as BucketFeatures, live);
      expect(learnt).toEqual(await serviceFor().learn('photos/', null, live));
      expect(learnt.createOnly).toBe(true);
    },
  );

  test('a bucket that is not there is missing', async () => {
    expect(await codeOf(serviceFor('rollcall-nowhere').preflight('photos/', live))).toBe('BUCKET_MISSING');
  });

  test('wrong credentials are named as such', async () => {
    const { endpoint, region, accessKeyId, secretAccessKey } = s3().target;
    for (const credentials of [
      { accessKeyId, secretAccessKey: `${secretAccessKey}x` },
      { accessKeyId: `${accessKeyId}x`, secretAccessKey },
    ]) {
      const wrong = openS3Client({ endpoint, region, forcePathStyle: true, credentials }, { maxSockets: 2 });
      const service = new S3Service(wrong.client, { endpoint, bucket: s3().bucket }, { partConcurrency: 1 });
      expect(await codeOf(service.preflight('photos/', live))).toBe('BUCKET_CREDENTIALS');
      expect(await codeOf(service.objectExists('photos/a.jpg', live))).toMatch(/OBJECT_DENIED|BUCKET_CREDENTIALS/);
      wrong.close();
    }
  });
});

describe('existence', () => {
  test('is true for an object and false for none, one HEAD each', async () => {
    await s3().put('exists/here.jpg', 'x');
    const service = await ready(LEAST);
    expect(await service.objectExists('exists/here.jpg', live)).toBe(true);
    expect(await service.objectExists('exists/not-here.jpg', live)).toBe(false);
    expect(service.requests()).toMatchObject({ head: 2, get: 0 });
  });

  test('a missing bucket is never a missing object', async () => {
    expect(await codeOf(serviceFor('rollcall-nowhere').objectExists('a.jpg', live))).toBe('BUCKET_MISSING');
  });

  test('without a preflight the bucket is looked for once, at the first missing object', async () => {
    const service = serviceFor();
    expect(await service.objectExists('exists/none-1', live)).toBe(false);
    expect(await service.objectExists('exists/none-2', live)).toBe(false);
    expect(service.requests().head).toBe(3);
  });

  test('a batch answers every key, and one that cannot be asked for does not stop the others', async () => {
    await s3().put('exists/batch.jpg', 'x');
    const missing = Array.from({ length: 30 }, (_, index) => `exists/none-${index}`);
    const tooLong = 'k'.repeat(1100);
    const answers = await (await ready(LEAST)).objectsExist(['exists/batch.jpg', tooLong, ...missing], 8, live);
    expect(answers.get('exists/batch.jpg')).toBe(true);
    expect(missing.map((key) => answers.get(key))).toEqual(missing.map(() => false));
    expect(answers.get(tooLong)).not.toBe(true);
    expect(answers.size).toBe(32);
  });

  test('an aborted batch throws the reason', async () => {
    const stop = new AbortController();
    const asked = (await ready(LEAST)).objectsExist(['a', 'b', 'c'], 1, stop.signal);
    stop.abort(new RollcallError('LOCK_LOST', 'the lock is lost'));
    expect(await codeOf(asked)).toBe('LOCK_LOST');
  });
});

describe.each([
  ['with the safeguards that the bucket honours', null],
  ['with no safeguard of the server’s', LEAST],
])('uploading %s', (_title, known) => {
  let service: S3Service;
  const key = (): string => `up/${randomBytes(6).toString('hex')}.jpg`;
  beforeAll(async () => {
    service = await ready(known);
  });

  test('stores the bytes, the content type and the times as rclone writes them', async () => {
    const at = key();
    const seen: number[] = [];
    const mtime = new Date(1_700_000_000_250);
    const done = await upload(service, at, { content: 'a photo', mtime, onBytes: (bytes) => seen.push(bytes) });
    const etag = md5('a photo');
    expect(done).toEqual({ etag, md5: etag, partSize: null, size: 7, storageClass: 'STANDARD', sent: true });
    expect((await s3().read(at)).toString()).toBe('a photo');
    const head = await service.head(at, live);
    expect(head?.metadata['mtime']).toBe('1700000000.25');
    expect(head).toMatchObject({ size: 7, etag });
    expect(seen).toEqual([7]);
  });

  test('an empty file is an object of no bytes', async () => {
    const at = key();
    expect(await upload(service, at, { content: '' })).toMatchObject({ size: 0, etag: md5(''), sent: true });
    expect(await service.head(at, live)).toMatchObject({ size: 0 });
  });

  test('a new object never replaces one that is there', async () => {
    const at = key();
    await s3().put(at, 'somebody else’s');
    expect(await codeOf(upload(service, at, { content: 'mine' }))).toBe('OBJECT_PRECONDITION');
    expect((await s3().read(at)).toString()).toBe('somebody else’s');
  });

  test('the very same bytes that are there already are an agreement, and nothing is sent', async () => {
    const at = key();
    await s3().put(at, 'the same');
    expect(await upload(service, at, { content: 'the same' })).toMatchObject({ sent: false, etag: md5('the same') });
  });

  test('only the version that was seen is replaced', async () => {
    const at = key();
    await s3().put(at, 'two');
    const gone = { etag: md5('one') };
    expect(await codeOf(upload(service, at, { content: 'three', condition: gone }))).toBe('OBJECT_PRECONDITION');
    expect((await s3().read(at)).toString()).toBe('two');
    const seen = { etag: md5('two') };
    expect(await upload(service, at, { content: 'three', condition: seen })).toMatchObject({ sent: true });
    expect((await s3().read(at)).toString()).toBe('three');
  });

  test('a version that is gone is not replaced', async () => {
    const condition = { etag: md5('gone') };
    expect(await codeOf(upload(service, key(), { content: 'x', condition }))).toBe('OBJECT_PRECONDITION');
  });

  test('bytes that are not those whose MD5 was known are not sent', async () => {
    const at = key();
    expect(await codeOf(upload(service, at, { content: 'x', md5: md5('y') }))).toBe('FILE_UNSTABLE');
    expect(await service.objectExists(at, live)).toBe(false);
  });

  test('a large file goes up in parts, with an ETag that can be recomputed', async () => {
    const at = key();
    const content = randomBytes(33 * MIB + 5);
    const seen: number[] = [];
    const done = await upload(service, at, { content, md5: md5(content), onBytes: (bytes) => seen.push(bytes) });
    expect(done).toMatchObject({ md5: md5(content), partSize: 16 * MIB, size: content.length, sent: true });
    expect(done.etag).toMatch(/^[0-9a-f]{32}-3$/);
    expect(await service.head(at, live)).toMatchObject({ size: content.length, etag: done.etag });
    expect(md5(await s3().read(at))).toBe(md5(content));
    expect(seen.toSorted((a, b) => a - b)).toEqual([MIB + 5, 16 * MIB, 16 * MIB]);
    expect(await compare(service, at, content)).toMatchObject({ match: 'same', partSize: 16 * MIB });
    expect(await upload(service, at, { content })).toMatchObject({ sent: false, etag: done.etag });
  });

  test('a large file never replaces another version, and leaves no parts behind', async () => {
    const at = key();
    await s3().put(at, 'in the way');
    const content = randomBytes(17 * MIB);
    expect(await codeOf(upload(service, at, { content }))).toBe('OBJECT_PRECONDITION');
    const condition = { etag: md5('not this') };
    expect(await codeOf(upload(service, at, { content, condition }))).toBe('OBJECT_PRECONDITION');
    expect((await s3().read(at)).toString()).toBe('in the way');
    const { Uploads = [] } = await s3().client.send(new ListMultipartUploadsCommand({ Bucket: s3().bucket }));
    expect(Uploads).toEqual([]);
    const seen = { etag: md5('in the way') };
    expect(await upload(service, at, { content, condition: seen })).toMatchObject({ sent: true, size: 17 * MIB });
  });

  test('an object is removed only in the version that was seen', async () => {
    const at = key();
    await s3().put(at, 'x');
    expect(await service.remove(at, md5('y'), live)).toBe('changed');
    expect(await service.objectExists(at, live)).toBe(true);
    expect(await service.remove(at, md5('x'), live)).toBe('deleted');
    expect(await service.objectExists(at, live)).toBe(false);
    expect(await service.remove(at, md5('x'), live)).toBe('missing');
  });
});

describe('comparing', () => {
  test('an object put whole is the same or different by its ETag', async () => {
    await s3().put('compare/plain', 'bytes');
    const service = await ready(LEAST);
    expect(await compare(service, 'compare/plain', 'bytes')).toEqual({
      match: 'same',
      md5: md5('bytes'),
      partSize: null,
    });
    expect(await compare(service, 'compare/plain', 'other')).toMatchObject({ match: 'different', md5: md5('other') });
    expect(await compare(service, 'compare/plain', 'longer bytes')).toMatchObject({ match: 'different' });
  });

  test('an object put in parts of a usual size is recognised without knowing the size', async () => {
    const content = randomBytes(12 * MIB);
    await multipart('compare/eight', content, 8 * MIB);
    const service = await ready(LEAST);
    expect(await compare(service, 'compare/eight', content)).toMatchObject({ match: 'same', partSize: 8 * MIB });
  });

  test('an object put in parts of an odd size is recognised by the recorded size only', async () => {
    const content = randomBytes(12 * MIB);
    const odd = 7 * MIB + 12_345;
    await multipart('compare/odd', content, odd);
    const service = await ready(LEAST);
    expect(await compare(service, 'compare/odd', content)).toMatchObject({ match: 'unknown', partSize: null });
    expect(await compare(service, 'compare/odd', content, odd)).toMatchObject({ match: 'same', partSize: odd });
  });

  test('the MD5 on record of the very version settles that a file differs, and no request is sent for it', async () => {
    const content = randomBytes(12 * MIB);
    await multipart('compare/recorded', content, 7 * MIB + 1);
    const service = await ready(LEAST);
    const record = md5(content);
    const before = service.requests().head;
    const other = randomBytes(12 * MIB);
    expect(await compare(service, 'compare/recorded', other, null, record)).toMatchObject({ match: 'different' });
    // One is the test's own.
    expect(service.requests().head).toBe(before + 1);
    // A record that agrees is no proof of what the bucket holds.
    expect(await compare(service, 'compare/recorded', content, null, record)).toMatchObject({ match: 'unknown' });
  });

  test('the MD5 that rclone keeps with an object settles what the ETag does not', async () => {
    const content = randomBytes(12 * MIB);
    const Metadata = { md5chksum: Buffer.from(md5(content), 'hex').toString('base64') };
    await multipart('compare/rclone', content, 7 * MIB + 1, Metadata);
    const service = await ready(LEAST);
    expect(await compare(service, 'compare/rclone', content)).toMatchObject({ match: 'same' });
    expect(await compare(service, 'compare/rclone', randomBytes(12 * MIB))).toMatchObject({ match: 'different' });
  });

  test('an object that was replaced meanwhile is not compared', async () => {
    await s3().put('compare/replaced', 'new');
    const path = join(folder, 'replaced');
    await writeFile(path, 'old');
    const file = await openTestFile(path);
    const object = { key: 'compare/replaced', size: 3, etag: md5('abc') };
    const compared = (await ready(LEAST)).compare(file, object, { md5: null, partSize: null }, live);
    expect(await codeOf(compared)).toBe('OBJECT_PRECONDITION');
    await file.close();
  });
});

describe('listing', () => {
  const odd = ['a b', 'a+b', 'a%20b', 'é', 'ﬁ', '😀', 'o\'q"<&>', 'tab\there', 'ends/', 'sub/deep/x', 'sub.x', 'z'];

  test('yields every key once, in UTF-8 byte order, with odd names intact', async () => {
    for (const name of odd) await s3().put(`odd/${name}`, name);
    const listing = (await ready(LEAST)).list('odd/', { shallow: false }, live);
    const objects = await collect(listing);
    expect(objects.map(({ key }) => key)).toEqual(odd.map((name) => `odd/${name}`).sort(byteOrder));
    expect(objects.find(({ key }) => key === 'odd/é')).toMatchObject({
      size: 2,
      etag: md5('é'),
      storageClass: 'STANDARD',
    });
    expect(listing.problems()).toEqual([]);
    expect(listing.vouchesFor('odd/zzz')).toBe(true);
    expect(listing.vouchesFor('elsewhere/x')).toBe(false);
  });

  test('leaves subfolders out when shallow, and vouches for none of them', async () => {
    await s3().putAll(['flat/', 'flat/a', 'flat/b/c', 'flat/b.x', 'flat/d/e/f', 'flatter']);
    const listing = (await ready(LEAST)).list('flat/', { shallow: true }, live);
    expect((await collect(listing)).map(({ key }) => key)).toEqual(['flat/', 'flat/a', 'flat/b.x']);
    expect([listing.vouchesFor('flat/zz'), listing.vouchesFor('flat/b/d')]).toEqual([true, false]);
  });

  test('goes through all pages, one request each', async () => {
    const keys = Array.from({ length: 2100 }, (_, index) => `pages/${String(index).padStart(5, '0')}`);
    await s3().putAll(keys);
    const service = serviceFor();
    expect((await collect(service.list('pages/', { shallow: false }, live))).map(({ key }) => key)).toEqual(keys);
    expect(service.requests()).toMatchObject({ list: 3, head: 0 });
  });

  test('an empty prefix is complete and vouches for all below it', async () => {
    const listing = serviceFor().list('nothing-here/', { shallow: false }, live);
    expect(await collect(listing)).toEqual([]);
    expect(listing.vouchesFor('nothing-here/x')).toBe(true);
  });

  test('never shows a probe object that a crash left behind', async () => {
    const stale = `stale/.rollcall-probe-${randomBytes(16).toString('hex')}`;
    await s3().putAll([stale, 'stale/photo.jpg']);
    expect(isProbeKey(stale)).toBe(true);
    const objects = await collect(serviceFor().list('stale/', { shallow: false }, live));
    expect(objects.map(({ key }) => key)).toEqual(['stale/photo.jpg']);
  });

  test('a missing bucket is an error, not an empty listing', async () => {
    const listing = serviceFor('rollcall-nowhere').list('x/', { shallow: false }, live);
    expect(await codeOf(collect(listing))).toBe('BUCKET_MISSING');
    expect(listing.vouchesFor('x/a')).toBe(false);
  });

  test('can be left early', async () => {
    await s3().put('early/a', 'x');
    for await (const batch of serviceFor().list('early/', { shallow: false }, live).batches) {
      expect(batch).toHaveLength(1);
      break;
    }
  });
});

/** Puts an object in parts of any size, as some other tool would. */
async function multipart(key: string, content: Buffer, partSize: number, metadata: Record<string, string> = {}) {
  const at = { Bucket: s3().bucket, Key: key };
  const { UploadId } = await s3().client.send(new CreateMultipartUploadCommand({ ...at, Metadata: metadata }));
  const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
  for (let start = 0; start < content.length; start += partSize) {
    const PartNumber = Parts.length + 1;
    const Body = content.subarray(start, start + partSize);
    const { ETag } = await s3().client.send(new UploadPartCommand({ ...at, UploadId, PartNumber, Body }));
    Parts.push({ PartNumber, ETag });
  }
  await s3().client.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }));
}
