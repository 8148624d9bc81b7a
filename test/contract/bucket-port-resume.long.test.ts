/**
 * Uploads in parts that were cut off, as BucketPort promises to go on with them: against the embedded server or the one
 * at CONTRACT_S3_ENDPOINT, behind a proxy that cuts them off.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import pMap from 'p-map';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type OpenedClient, openS3Client } from '../../src/bucket/client.ts';
import { BucketRequests } from '../../src/bucket/requests.ts';
import { S3Service } from '../../src/bucket/s3-service.ts';
import { heldParts } from '../../src/bucket/unfinished.ts';
import { RollcallError } from '../../src/errors.ts';
import type { BucketFeatures, UploadMemory, UploadRequest } from '../../src/sync/bucket-port.ts';
import { codeOf } from '../support/code-of.ts';
import { contractS3, lacks, md5 } from '../support/contract-s3.ts';
import { Uploads } from '../support/contract-s3-uploads.ts';
import { type Fault, type FaultProxy, type SeenRequest, startFaultProxy } from '../support/fault-proxy.ts';
import { openTestFile } from '../support/open-file.ts';
import { type TestMemory, testMemory } from '../support/upload-memory.ts';

const MIB = 1024 * 1024;
const PART = 16 * MIB;
const live = new AbortController().signal;
const s3 = contractS3();
const up = () => new Uploads(s3());
/** Three parts, the last a small one. */
const content = randomBytes(2 * PART + 5);
let proxy: FaultProxy;
let opened: OpenedClient;
let folder: string;
let features: BucketFeatures;

beforeAll(async () => {
  const { endpoint, region, accessKeyId, secretAccessKey } = s3().target;
  proxy = await startFaultProxy(endpoint);
  const credentials = { accessKeyId, secretAccessKey };
  opened = openS3Client({ endpoint: proxy.endpoint, region, forcePathStyle: true, credentials }, { maxSockets: 8 });
  folder = await mkdtemp(join(tmpdir(), 'rollcall-resume-'));
  features = await newService().learn('probed/', null, live);
});

afterEach(() => proxy.reset());

afterAll(async () => {
  opened?.close();
  await proxy?.close();
  await rm(folder, { recursive: true, force: true });
});

/** One part at a time, so that it is certain which ones a cut leaves. */
const newService = (): S3Service =>
  new S3Service(opened.client, { endpoint: proxy.endpoint, bucket: s3().bucket }, { partConcurrency: 1 });

/** One photo of three parts, and what is remembered of its uploads. */
interface Photo {
  readonly key: string;
  readonly path: string;
  readonly memory: TestMemory;
}

async function newPhoto(bytes: Buffer = content): Promise<Photo> {
  const name = randomBytes(6).toString('hex');
  await writeFile(join(folder, name), bytes);
  return { key: `photos/${name}.mov`, path: join(folder, name), memory: testMemory() };
}

async function upload({ key, path, memory }: Photo, more: Partial<UploadRequest> = {}, signal = live) {
  const service = newService();
  await service.learn('photos/', features, live);
  const file = await openTestFile(path);
  try {
    const request = { key, file, contentType: 'video/quicktime', condition: { absent: true as const }, memory };
    return await service.upload({ ...request, ...more }, signal);
  } finally {
    await file.close();
  }
}

/** Stops the upload once so many parts were confirmed. */
async function cutAfter(photo: Photo, parts: number, more: Partial<UploadRequest> = {}): Promise<void> {
  const stop = new AbortController();
  const memory: UploadMemory = {
    recall: () => photo.memory.recall(),
    begun: (begun) => photo.memory.begun(begun),
    isOurs: (uploadId) => photo.memory.isOurs(uploadId),
    forget: (uploadId) => photo.memory.forget(uploadId),
    confirmed: async (uploadId, part) => {
      await photo.memory.confirmed(uploadId, part);
      if (part.number === parts) stop.abort(new RollcallError('CANCELLED', 'enough'));
    },
  };
  expect(await codeOf(upload(photo, { memory, ...more }, stop.signal))).toBe('CANCELLED');
  proxy.reset();
}

const isPart = ({ method, query }: SeenRequest): boolean => method === 'PUT' && query.has('partNumber');
const isBegin = ({ method, query }: SeenRequest): boolean => method === 'POST' && query.has('uploads');
const isParts = ({ method, query }: SeenRequest): boolean => method === 'GET' && query.has('uploadId');
const isComplete = ({ method, query }: SeenRequest): boolean => method === 'POST' && query.has('uploadId');
/** Numbers of the parts that were sent since the last reset. */
const sentParts = (): number[] => proxy.seen.filter(isPart).map(({ query }) => Number(query.get('partNumber')));
const begun = (): number => proxy.seen.filter(isBegin).length;

function failEvery(fault: Fault, isIt: (request: SeenRequest) => boolean): void {
  proxy.fail((request) => (isIt(request) ? fault : null));
}

const refusal = (status: number, code: string): Fault => ({
  kind: 'answer',
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message></Message></Error>`,
});

async function unfinished(): Promise<number> {
  const { Uploads = [] } = await s3().client.send(new ListMultipartUploadsCommand({ Bucket: s3().bucket }));
  return Uploads.length;
}

/** The object holds the file's bytes, nothing is left of the uploads and nothing is remembered. */
async function expectWhole({ key, memory }: Photo, bytes = content): Promise<void> {
  expect(md5(await s3().read(key))).toBe(md5(bytes));
  expect([await unfinished(), memory.uploads]).toEqual([0, []]);
}

const uploadIdOf = ({ memory }: Photo): string => memory.uploads[0]!.uploadId;

describe('an upload in parts that is cut off', () => {
  test('keeps its parts, and the next one sends only those that are missing', async () => {
    const photo = await newPhoto();
    await cutAfter(photo, 2);
    expect(photo.memory.uploads).toMatchObject([{ partSize: PART, parts: [{ number: 1 }, { number: 2 }] }]);
    expect(await unfinished()).toBe(1);

    const [sent, resumed]: [number[], number[]] = [[], []];
    const onBytes = (bytes: number) => void sent.push(bytes);
    const onResumed = (bytes: number) => void resumed.push(bytes);
    const done = await upload(photo, { onBytes, onResumed });
    expect(done).toMatchObject({ sent: true, md5: md5(content), partSize: PART, resumed: 2 * PART });
    expect([sentParts(), begun(), sent, resumed]).toEqual([[3], 0, [5], [PART, PART]]);
    await expectWhole(photo);
  });

  test('keeps them too when the network fails', async () => {
    const photo = await newPhoto();
    failEvery({ kind: 'break-before' }, (request) => isPart(request) && request.query.get('partNumber') !== '1');
    expect(await codeOf(upload(photo))).toBe('BUCKET_UNREACHABLE');
    proxy.reset();
    expect(await upload(photo)).toMatchObject({ resumed: PART });
    expect(sentParts()).toEqual([2, 3]);
    await expectWhole(photo);
  });

  test('needs nothing sent when all parts are there and only its completion is missing', async () => {
    const photo = await newPhoto();
    failEvery(refusal(403, 'AccessDenied'), isComplete);
    expect(await codeOf(upload(photo))).toBe('OBJECT_DENIED');
    proxy.reset();
    expect(await upload(photo)).toMatchObject({ sent: true, resumed: content.length });
    expect(sentParts()).toEqual([]);
    await expectWhole(photo);
  });

  test('has parts that arrived and were not noted any more: the server tells of them', async () => {
    const photo = await newPhoto();
    await cutAfter(photo, 2);
    photo.memory.uploads[0]!.parts.length = 0;
    expect(await upload(photo)).toMatchObject({ resumed: 2 * PART });
    expect(sentParts()).toEqual([3]);
    await expectWhole(photo);
  });

  test('is left to the try that has taken it over', async () => {
    const photo = await newPhoto();
    photo.memory.ours = false;
    await s3().put(photo.key, 'in the way');
    expect(await codeOf(upload(photo))).toBe('OBJECT_PRECONDITION');
    expect([photo.memory.uploads.length, await unfinished()]).toEqual([1, 1]);
    await up().abort(photo.key, uploadIdOf(photo));
  });
});

describe('going on with an upload', () => {
  test('sends a part again whose bytes on the server are others by now, or fewer', async () => {
    const photo = await newPhoto();
    await cutAfter(photo, 2);
    await up().part(photo.key, uploadIdOf(photo), 1, randomBytes(PART));
    await up().part(photo.key, uploadIdOf(photo), 2, content.subarray(PART, PART + 5 * MIB));
    expect((await upload(photo)).resumed).toBeUndefined();
    expect([sentParts(), begun()]).toEqual([[1, 2, 3], 0]);
    await expectWhole(photo);
  });

  test('sends again what the file holds other bytes of, whatever size and date say', async () => {
    const photo = await newPhoto();
    await cutAfter(photo, 2);
    const other = Buffer.from(content);
    other.writeUInt8(other[PART]! ^ 1, PART);
    await writeFile(photo.path, other);
    expect(await upload(photo)).toMatchObject({ md5: md5(other), resumed: PART });
    expect([sentParts(), begun()]).toEqual([[2, 3], 0]);
    await expectWhole(photo, other);
  });

  test.each([
    ['known beforehand', true],
    ['found when the file is read', false],
  ])('is not done for bytes with another MD5 than it was begun for, %s', async (_how, known) => {
    const photo = await newPhoto();
    await cutAfter(photo, 2, { md5: md5(content) });
    const other = Buffer.from(content);
    other.writeUInt8(other[0]! ^ 1, 0);
    await writeFile(photo.path, other);
    expect((await upload(photo, known ? { md5: md5(other) } : {})).resumed).toBeUndefined();
    expect(begun()).toBe(1);
    const said = (await newService().head(photo.key, live))?.metadata['md5chksum'];
    expect(said).toBe(known ? Buffer.from(md5(other), 'hex').toString('base64') : undefined);
    await expectWhole(photo, other);
  });

  test('begins afresh for another version of the file, and aborts the old one', async () => {
    const photo = await newPhoto();
    await cutAfter(photo, 1);
    photo.memory.sameVersion = false;
    expect((await upload(photo)).resumed).toBeUndefined();
    expect([sentParts(), begun()]).toEqual([[1, 2, 3], 1]);
    await expectWhole(photo);
  });

  test('begins afresh when the server knows nothing of it', async () => {
    const photo = await newPhoto();
    await cutAfter(photo, 1);
    await up().abort(photo.key, uploadIdOf(photo));
    expect((await upload(photo)).resumed).toBeUndefined();
    expect(begun()).toBe(1);
    await expectWhole(photo);
  });

  test.each([
    ['its first part is sent', isPart],
    ['it is completed', isComplete],
  ])('begins afresh when it is gone by the time that %s', async (_when, isIt) => {
    const photo = await newPhoto();
    await cutAfter(photo, 2);
    const uploadId = uploadIdOf(photo);
    let met = false;
    proxy.fail((request) => {
      if (met || !isIt(request)) return null;
      met = true;
      return { kind: 'after', first: () => up().abort(photo.key, uploadId) };
    });
    // Ceph says of a completion without an upload that another one is under way: the next try finds out.
    if (isIt === isComplete && lacks('strict-multipart'))
      expect(await codeOf(upload(photo))).toBe('OBJECT_UNAVAILABLE');
    expect((await upload(photo)).resumed).toBeUndefined();
    expect(begun()).toBe(1);
    await expectWhole(photo);
  });

  test('begins afresh when the server says that it holds a part which it does not', async () => {
    const photo = await newPhoto();
    await cutAfter(photo, 1);
    const invented = createHash('md5')
      .update(content.subarray(PART, 2 * PART))
      .digest('hex');
    const part = `<Part><PartNumber>2</PartNumber><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;${invented}&quot;</ETag><Size>${PART}</Size></Part>`;
    const body = (xml: string): string => xml.replace('</ListPartsResult>', `${part}</ListPartsResult>`);
    failEvery({ kind: 'rewrite', body }, isParts);
    expect((await upload(photo)).resumed).toBeUndefined();
    expect(begun()).toBe(1);
    await expectWhole(photo);
  });

  test('begins afresh where parts may not be listed', async () => {
    const photo = await newPhoto();
    await cutAfter(photo, 2);
    failEvery(refusal(403, 'AccessDenied'), isParts);
    expect((await upload(photo)).resumed).toBeUndefined();
    await expectWhole(photo);
  });

  test('gives nothing up while the server cannot answer', async () => {
    const photo = await newPhoto();
    await cutAfter(photo, 2);
    failEvery(refusal(500, 'InternalError'), isParts);
    expect(await codeOf(upload(photo))).toBe('OBJECT_UNAVAILABLE');
    expect([photo.memory.uploads.length, await unfinished(), begun()]).toEqual([1, 1, 0]);
    proxy.reset();
    expect(await upload(photo)).toMatchObject({ resumed: 2 * PART });
    await expectWhole(photo);
  });

  test('ends it for good when the key is taken by others, or the file changes', async () => {
    const photo = await newPhoto();
    await cutAfter(photo, 2);
    failEvery({ kind: 'after', first: () => utimes(photo.path, 1, 1) }, isPart);
    expect(await codeOf(upload(photo))).toBe('FILE_UNSTABLE');
    expect([photo.memory.uploads, await unfinished()]).toEqual([[], 0]);

    proxy.reset();
    await cutAfter(photo, 2);
    await s3().put(photo.key, 'in the way');
    expect(await codeOf(upload(photo))).toBe('OBJECT_PRECONDITION');
    expect([photo.memory.uploads, await unfinished()]).toEqual([[], 0]);
  });
});

describe('unfinished uploads', () => {
  test('are listed by prefix, with when something was added to them last, and can be ended, twice too', async () => {
    const service = newService();
    const before = Date.now() - 2_000;
    const ids = [];
    for (const key of ['listed/b', 'listed/a', 'listed elsewhere/c']) ids.push(await up().begin(key));
    await up().part('listed/b', ids[0]!, 1, 'x');
    const seen = [];
    for await (const batch of service.unfinishedUploads('listed/', live)) seen.push(...batch);
    expect(seen).toMatchObject([
      { key: 'listed/a', uploadId: ids[1] },
      { key: 'listed/b', uploadId: ids[0] },
    ]);
    expect(seen[1]!.startedAtMs).toBeGreaterThan(before);
    expect(await service.lastPartAt(seen[0]!, live)).toBe(seen[0]!.startedAtMs);
    expect(await service.lastPartAt(seen[1]!, live)).toBeGreaterThanOrEqual(seen[1]!.startedAtMs - 1_000);
    for (const one of [...seen, ...seen, { key: 'listed elsewhere/c', uploadId: ids[2]! }]) {
      await service.abortUpload(one, live);
    }
    expect(await service.lastPartAt(seen[0]!, live)).toBeNull();
    expect(await unfinished()).toBe(0);
  });

  test('come in pages of a thousand, and so do their parts', async () => {
    const numbers = Array.from({ length: 1_005 }, (_, index) => index + 1);
    const key = 'paged/of many parts';
    const UploadId = await up().begin(key);
    const begin = async (number: number) => ({ key: `paged/${number}`, uploadId: await up().begin(`paged/${number}`) });
    const others = await pMap(numbers, begin, { concurrency: 16 });
    await pMap(numbers, (number) => up().part(key, UploadId, number, 'x'), { concurrency: 16 });

    const requests = new BucketRequests(opened.client, { endpoint: proxy.endpoint, bucket: s3().bucket });
    const held = await heldParts(requests, { ...up().at(key), UploadId }, live);
    expect([...held.keys()]).toEqual(numbers);
    const seen: string[] = [];
    for await (const batch of newService().unfinishedUploads('paged/', live)) seen.push(...batch.map((one) => one.key));
    expect(seen.toSorted()).toEqual([key, ...others.map((one) => one.key)].toSorted());
    const service = newService();
    await pMap([{ key, uploadId: UploadId }, ...others], (one) => service.abortUpload(one, live), { concurrency: 16 });
    expect(await unfinished()).toBe(0);
  });

  test('are not taken for none where they may not be listed', async () => {
    failEvery(refusal(403, 'AccessDenied'), ({ query }) => query.has('uploads'));
    const read = async () => {
      for await (const _ of newService().unfinishedUploads('listed/', live));
    };
    expect(await codeOf(read())).toBe('BUCKET_DENIED');
    await expect(read()).rejects.toThrow('s3:ListBucketMultipartUploads');
  });
});

describe('a copy in parts', () => {
  test('is remembered while it is under way, and forgotten when it is done or has failed', async () => {
    await s3().put('copies/from', content);
    const remembered: number[] = [];
    const memory = testMemory();
    const { endpoint } = proxy;
    const options = { partConcurrency: 2, wholeCopyLimit: PART };
    const service = new S3Service(opened.client, { endpoint, bucket: s3().bucket }, options);
    await service.learn('photos/', features, live);
    const from = { key: 'copies/from', size: content.length, etag: md5(content), storageClass: 'STANDARD' };
    const copy = (to: string) =>
      service.copy({ from, to, condition: { absent: true }, md5: md5(content), partSize: null, memory }, live);
    const isPartCopy = (request: SeenRequest) => isPart(request);
    const first = async () => void remembered.push(memory.uploads.length);
    failEvery({ kind: 'after', first }, isPartCopy);
    await copy('copies/to');
    expect(new Set(remembered)).toEqual(new Set([1]));
    expect([memory.uploads, await unfinished()]).toEqual([[], 0]);
    failEvery(refusal(403, 'AccessDenied'), isPartCopy);
    expect(await codeOf(copy('copies/other'))).toBe('OBJECT_DENIED');
    expect([memory.uploads, await unfinished()]).toEqual([[], 0]);
  });
});
