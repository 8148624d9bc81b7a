/** Requests that go around most of the SDK: seen by a proxy, they are the same requests, and what fails goes the long way. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type OpenedClient, openS3Client } from '../../src/bucket/client.ts';
import { S3Service } from '../../src/bucket/s3-service.ts';
import type { CopyRequest } from '../../src/sync/bucket-port.ts';
import { contractS3, md5 } from '../support/contract-s3.ts';
import { type FaultProxy, type SeenRequest, startFaultProxy } from '../support/fault-proxy.ts';
import { openTestFile } from '../support/open-file.ts';

const live = new AbortController().signal;
const s3 = contractS3();
let proxy: FaultProxy;
let opened: OpenedClient;
let folder: string;
let service: S3Service;
let uploads = 0;

beforeAll(async () => {
  proxy = await startFaultProxy(s3().target.endpoint);
  folder = await mkdtemp(join(tmpdir(), 'rollcall-short-way-'));
});

beforeEach(async () => {
  const { region, accessKeyId, secretAccessKey } = s3().target;
  const credentials = { accessKeyId, secretAccessKey };
  opened = openS3Client({ endpoint: proxy.endpoint, region, forcePathStyle: true, credentials }, { maxSockets: 16 });
  service = new S3Service(opened.client, { endpoint: proxy.endpoint, bucket: s3().bucket }, { partConcurrency: 2 });
  await service.learn('photos/', null, live);
});

afterEach(() => {
  opened.close();
  proxy.reset();
});

afterAll(async () => {
  await proxy?.close();
  await rm(folder, { recursive: true, force: true });
});

const isShort = ({ headers }: SeenRequest) => headers['amz-sdk-invocation-id'] === undefined;

async function upload(key: string, content: string) {
  const path = join(folder, `file-${++uploads}`);
  await writeFile(path, content);
  const file = await openTestFile(path);
  try {
    const condition = { absent: true } as const;
    return await service.upload({ key, file, contentType: 'image/jpeg', condition }, live);
  } finally {
    await file.close();
  }
}

/** What is in the bucket, asked without a detour. */
async function stored(key: string) {
  const got = await s3().client.send(new GetObjectCommand({ Bucket: s3().bucket, Key: key }));
  return { content: await got.Body?.transformToString(), type: got.ContentType };
}

/** Two requests: the first goes the long way and shows where the short one leads. */
async function opensShortWay(): Promise<void> {
  await upload(`photos/first-${uploads}.jpg`, 'first');
  await upload(`photos/second-${uploads}.jpg`, 'second');
  expect(
    proxy.seen
      .filter(({ method }) => method === 'PUT')
      .map(isShort)
      .slice(-2),
  ).toContain(true);
  proxy.reset();
}

const ODD_KEYS = [
  'photos/a b+c%d.jpg',
  "photos/it's (1) *!*.jpg",
  'photos/été/😀 & <x>.jpg',
  'photos/a;b=c?d#e.jpg',
  'photos/"quoted".jpg',
  'photos/~tilde_-.jpg',
];

describe('a request by the short way', () => {
  test.each(ODD_KEYS)('finds and writes %s under the very key', async (key) => {
    await opensShortWay();
    expect(await service.head(key, live)).toBeNull();
    const written = await upload(key, key);
    expect(proxy.seen.every(isShort)).toBe(true);
    expect(written).toMatchObject({ etag: md5(key), sent: true });
    expect(await stored(key)).toEqual({ content: key, type: 'image/jpeg' });
  });

  test('tells the same of an object as the long one', async () => {
    const written = await upload('photos/same.jpg', 'the same');
    expect(written.sent).toBe(true);
    const other = new S3Service(opened.client, service.identity, { partConcurrency: 2 });
    const long = await other.head('photos/same.jpg', live);
    const short = await other.head('photos/same.jpg', live);
    expect(proxy.seen.slice(-2).map(isShort)).toEqual([false, true]);
    expect(short).toEqual(long);
    expect(short?.metadata).toMatchObject({ mtime: expect.any(String) });
  });

  test.each(['2026-11-21 10:00:00', 'Sat, 21 Nov 2026 10:00:00', 'Sat, 41 Nov 2026 10:00:00 GMT', 'yesterday', ''])(
    'leaves a time of %j to the SDK, which does not make up another',
    async (time) => {
      await opensShortWay();
      await upload(`photos/${md5(time)}.jpg`, 'timed');
      proxy.reset();
      const headers = { 'last-modified': time };
      proxy.fail((request) => (isShort(request) ? { kind: 'rewrite', headers } : null));
      const before = Date.now() - 60_000;
      expect((await service.head(`photos/${md5(time)}.jpg`, live))?.lastModifiedMs).toBeGreaterThan(before);
      expect(proxy.seen.map(isShort)).toEqual([true, false]);
      proxy.fail(() => ({ kind: 'rewrite', headers }));
      await expect(service.head(`photos/${md5(time)}.jpg`, live)).rejects.toThrow(
        expect.objectContaining({ code: 'OBJECT_UNAVAILABLE' }),
      );
    },
  );

  test('never writes over an object that must not be there', async () => {
    await opensShortWay();
    await upload('photos/taken.jpg', 'mine');
    await expect(upload('photos/taken.jpg', 'yours')).rejects.toThrow(
      expect.objectContaining({ code: 'OBJECT_PRECONDITION' }),
    );
    expect(await stored('photos/taken.jpg')).toMatchObject({ content: 'mine' });
    expect(proxy.seen.every(isShort)).toBe(true);
  });

  test('leads to the bucket, not below it, when what opened it was a copy into a folder', async () => {
    await upload('same.jpg', 'the one');
    const other = new S3Service(opened.client, service.identity, { partConcurrency: 2 });
    await other.learn('photos/', null, live);
    const from = await s3().client.send(new HeadObjectCommand({ Bucket: s3().bucket, Key: 'same.jpg' }));
    const source = { key: 'same.jpg', size: 7, etag: md5('the one'), storageClass: 'STANDARD' };
    expect(from.ContentLength).toBe(source.size);
    const condition = { absent: true } as const;
    await other.copy({ from: source, to: 'folder/same.jpg', condition, md5: null, partSize: null }, live);
    expect(await other.head('same.jpg', live)).toMatchObject({ key: 'same.jpg', size: 7 });
    expect(await other.objectExists('folder/same.jpg', live)).toBe(true);
    expect(await other.objectExists('folder/folder/same.jpg', live)).toBe(false);
    expect(proxy.seen.slice(-3).map(({ path }) => path)).toEqual(
      ['same.jpg', 'folder/same.jpg', 'folder/folder/same.jpg'].map((key) => `/${s3().bucket}/${key}`),
    );
    expect(proxy.seen.slice(-3).every(isShort)).toBe(true);
  });

  test.each(['', 'photos/', 'photos/a b+c%d/'])(
    'is opened by a listing of %j, which comes before the rest',
    async (prefix) => {
      await upload('photos/listed.jpg', 'listed');
      const other = new S3Service(opened.client, service.identity, { partConcurrency: 2 });
      proxy.reset();
      for await (const _ of other.list(prefix, { shallow: false }, live).batches);
      expect(await other.head('photos/listed.jpg', live)).toMatchObject({ size: 6 });
      expect(await other.head('listed.jpg', live)).toBeNull();
      expect(proxy.seen.map(isShort)).toEqual([false, true, true]);
    },
  );

  test('is opened by an object that is not there, too', async () => {
    const other = new S3Service(opened.client, service.identity, { partConcurrency: 2 });
    expect(await other.objectExists('photos/none-0.jpg', live)).toBe(false);
    proxy.reset();
    for (let n = 1; n < 4; n++) expect(await other.objectExists(`photos/none-${n}.jpg`, live)).toBe(false);
    expect(proxy.seen.map(isShort)).toEqual([true, true, true]);
  });

  test('is not taken for a bucket that is not there', async () => {
    const bucket = `${s3().bucket}-none`;
    const other = new S3Service(opened.client, { ...service.identity, bucket }, { partConcurrency: 2 });
    const missing = expect.objectContaining({ code: 'BUCKET_MISSING' });
    for (let n = 0; n < 3; n++) await expect(other.objectExists(`photos/none-${n}.jpg`, live)).rejects.toEqual(missing);
  });

  test('is counted like any other', async () => {
    await opensShortWay();
    const before = service.requests();
    await service.head('photos/none.jpg', live);
    await upload('photos/counted.jpg', 'counted');
    expect(service.requests()).toEqual({ ...before, head: before.head + 1, put: before.put + 1 });
  });

  test.each([
    ['a server that is busy', { kind: 'answer', status: 503, body: '' }],
    ['a connection that breaks', { kind: 'break-before' }],
    ['an answer that is lost', { kind: 'break-after' }],
    ['a clock that is said to be wrong', { kind: 'answer', status: 403, body: '' }],
  ] as const)('goes the long way after %s, and comes to the same', async (_what, fault) => {
    await opensShortWay();
    proxy.fail((request, nth) => (nth === 1 && isShort(request) ? fault : null));
    const content = `after ${fault.kind} ${uploads}`;
    const written = await upload(`photos/${md5(content)}.jpg`, content);
    expect(written.etag).toBe(md5(content));
    expect(proxy.seen.slice(0, 2).map(isShort)).toEqual([true, false]);
    expect(await stored(`photos/${md5(content)}.jpg`)).toMatchObject({ content });
  });

  test('is left alone for a while once the server is busy: the SDK paces what it sends', async () => {
    await opensShortWay();
    proxy.fail((_request, nth) => (nth === 1 ? { kind: 'answer', status: 503, body: '' } : null));
    for (let n = 0; n < 3; n++) expect(await service.objectExists(`photos/busy-${n}.jpg`, live)).toBe(false);
    expect(proxy.seen.map(isShort)).toEqual([true, false, false, false]);
  });

  test('is left alone for a while once its form was refused three times in a row', async () => {
    await opensShortWay();
    const denied = { kind: 'answer', status: 403, body: '' } as const;
    proxy.fail((request) => (isShort(request) ? denied : null));
    for (let n = 0; n < 5; n++) expect(await service.objectExists(`photos/form-${n}.jpg`, live)).toBe(false);
    expect(proxy.seen.map(isShort)).toEqual([true, false, true, false, true, false, false, false]);
  });

  test('believes no answer that tells of no version', async () => {
    await opensShortWay();
    await upload('photos/untagged.jpg', 'untagged');
    proxy.fail(() => ({ kind: 'rewrite', headers: { etag: '' } }));
    await expect(service.head('photos/untagged.jpg', live)).rejects.toThrow(
      expect.objectContaining({ code: 'OBJECT_UNAVAILABLE' }),
    );
  });

  test('takes "denied" for no answer to whether something is there', async () => {
    await opensShortWay();
    proxy.fail(() => ({ kind: 'answer', status: 403, body: '' }));
    await expect(service.objectExists('photos/denied.jpg', live)).rejects.toThrow(
      expect.objectContaining({ code: 'OBJECT_DENIED' }),
    );
  });

  test('ends when its signal aborts, with the reason', async () => {
    await opensShortWay();
    const abort = new AbortController();
    const reason = new Error('enough');
    proxy.fail(() => ({
      kind: 'after',
      first: async () => {
        abort.abort(reason);
      },
    }));
    await expect(service.head('photos/slow.jpg', abort.signal)).rejects.toBe(reason);
  });

  const hashesOf = () => proxy.seen.map(({ headers }) => headers['x-amz-content-sha256']);
  const UNSIGNED = 'UNSIGNED-PAYLOAD';

  test('signs no body that its MD5 guards: one that is spoiled on the way is refused, and sent again', async () => {
    await opensShortWay();
    proxy.fail((_request, nth) => (nth === 1 ? { kind: 'spoil', body: (body) => Buffer.from(body).fill('x') } : null));
    expect(await upload('photos/guarded.jpg', 'guarded')).toMatchObject({ etag: md5('guarded'), sent: true });
    expect(await stored('photos/guarded.jpg')).toMatchObject({ content: 'guarded' });
    expect(proxy.seen.map(isShort)).toEqual([true, false]);
    expect(hashesOf()[0]).toBe(UNSIGNED);
  });

  test('believes no server that takes an unsigned body for another than its MD5 tells', async () => {
    await opensShortWay();
    const spoiltAnswer = { kind: 'answer', status: 200, headers: { etag: `"${md5('deliops')}"` } } as const;
    proxy.fail(({ headers }) => (headers['x-amz-content-sha256'] === UNSIGNED ? spoiltAnswer : null));
    await s3().put('photos/spoiled.jpg', 'deliops');
    await expect(upload('photos/spoiled.jpg', 'spoiled')).rejects.toThrow(
      expect.objectContaining({ code: 'OBJECT_UNVERIFIED' }),
    );
    expect(hashesOf()[0]).toBe(UNSIGNED);
  });

  test('signs bodies while no ETag has come out as their MD5', async () => {
    const etag = '0123456789abcdef0123456789abcdef';
    const headers = { etag: `"${etag}"`, 'x-amz-server-side-encryption': 'aws:kms' };
    proxy.fail(() => ({ kind: 'rewrite', headers }));
    for (const name of ['a', 'b', 'c']) {
      expect(await upload(`photos/kms-${name}.jpg`, name)).toMatchObject({ etag, md5: md5(name), sent: true });
    }
    expect(proxy.seen.filter(({ method }) => method === 'PUT').map(isShort)).toContain(true);
    expect(hashesOf()).not.toContain(UNSIGNED);
  });

  test('signs bodies once one was refused that is not: a policy may want that', async () => {
    await opensShortWay();
    const denied = { kind: 'answer', status: 403, body: '' } as const;
    proxy.fail(({ headers }) => (headers['x-amz-content-sha256'] === UNSIGNED ? denied : null));
    for (const name of ['a', 'b', 'c']) {
      expect(await upload(`photos/signed-${name}.jpg`, name)).toMatchObject({ etag: md5(name), sent: true });
    }
    expect(proxy.seen.map(isShort)).toEqual([true, false, true, true]);
    expect(hashesOf().map((hash) => hash === UNSIGNED)).toEqual([true, false, false, false]);
  });

  test('signs bodies where the server is not known to verify their MD5', async () => {
    const features = await service.learn('photos/', null, live);
    await service.learn('photos/', { ...features, contentMd5: false }, live);
    await opensShortWay();
    await upload('photos/unguarded.jpg', 'unguarded');
    expect(proxy.seen.map(isShort)).toEqual([true]);
    expect(hashesOf()).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
  });

  /** As the engine asks for one. */
  function copyOf(from: string, to: string, content: string, more: Partial<CopyRequest> = {}): CopyRequest {
    const source = { key: from, size: content.length, etag: md5(content), storageClass: 'STANDARD' };
    return { from: source, to, condition: { absent: true }, md5: null, partSize: null, ...more };
  }

  test.each(ODD_KEYS)('copies %s to the very key, with what is known of it', async (key) => {
    const [from, to] = [`${key} from`, `${key} to`];
    await opensShortWay();
    await upload(from, 'copied');
    const known = await service.head(from, live);
    const copied = await service.copy(copyOf(from, to, 'copied'), live);
    expect(copied).toMatchObject({ etag: md5('copied'), copied: true, storageClass: 'STANDARD' });
    expect(await stored(to)).toEqual({ content: 'copied', type: 'image/jpeg' });
    expect((await service.head(to, live))?.metadata).toEqual(known?.metadata);
    expect(proxy.seen.every(isShort)).toBe(true);
  });

  test('copies under another type and time, where those are wanted', async () => {
    await opensShortWay();
    await upload('photos/as.jpg', 'as');
    const as = { contentType: 'image/png', mtimeNs: 1_700_000_000_500_000_000n };
    await service.copy(copyOf('photos/as.jpg', 'photos/as.png', 'as', { as, md5: md5('as') }), live);
    expect(await stored('photos/as.png')).toEqual({ content: 'as', type: 'image/png' });
    expect((await service.head('photos/as.png', live))?.metadata).toMatchObject({ mtime: '1700000000.5' });
    expect(proxy.seen.every(isShort)).toBe(true);
  });

  test('copies neither over an object that must not be there nor another version than was seen', async () => {
    await opensShortWay();
    await upload('photos/source.jpg', 'source');
    await upload('photos/target.jpg', 'target');
    const refused = expect.objectContaining({ code: 'OBJECT_PRECONDITION' });
    const over = copyOf('photos/source.jpg', 'photos/target.jpg', 'source');
    await expect(service.copy(over, live)).rejects.toEqual(refused);
    const other = copyOf('photos/source.jpg', 'photos/free.jpg', 'ecruos');
    await expect(service.copy(other, live)).rejects.toEqual(refused);
    expect(await stored('photos/target.jpg')).toMatchObject({ content: 'target' });
    expect(await service.objectExists('photos/free.jpg', live)).toBe(false);
  });

  const ERROR = '<Error><Code>InternalError</Code><Message>We encountered an error</Message></Error>';

  test.each([
    ['holds an error', { kind: 'answer', status: 200, body: ERROR }],
    ['holds an error after the result of a copy', { kind: 'rewrite', body: (body: string) => body + ERROR }],
    ['ends in the middle', { kind: 'rewrite', body: (body: string) => body.slice(0, -9) }],
    ['is lost', { kind: 'break-after' }],
  ] as const)('believes no answer to a copy that %s', async (_what, fault) => {
    await opensShortWay();
    const from = `photos/believed-${uploads}.jpg`;
    await upload(from, 'believed');
    proxy.reset();
    const before = service.retries();
    const copies = () => proxy.seen.filter(({ headers }) => headers['x-amz-copy-source'] !== undefined);
    proxy.fail(({ headers }) => (headers['x-amz-copy-source'] && copies().length === 1 ? fault : null));
    const to = `photos/believed-${uploads}-copy.jpg`;
    expect(await service.copy(copyOf(from, to, 'believed'), live)).toMatchObject({ etag: md5('believed') });
    expect(copies().map(isShort)).toEqual([true, false]);
    expect(service.retries()).toBe(before + 1);
    expect(await stored(to)).toMatchObject({ content: 'believed' });
  });

  test('gives up a server that falls silent, and asks once more', async () => {
    await opensShortWay();
    const { region, accessKeyId, secretAccessKey } = s3().target;
    const credentials = { accessKeyId, secretAccessKey };
    const impatient = openS3Client(
      { endpoint: proxy.endpoint, region, forcePathStyle: true, credentials },
      // Longer than a busy machine keeps this process from reading what has come.
      { maxSockets: 16, idleTimeoutMs: 3_000 },
    );
    const other = new S3Service(impatient.client, service.identity, { partConcurrency: 2 });
    try {
      expect(await other.objectExists('photos/silent-1.jpg', live)).toBe(false);
      await upload('photos/silent.jpg', 'silent');
      expect(await other.objectExists('photos/silent.jpg', live)).toBe(true);
      proxy.reset();
      proxy.fail((_request, nth) => (nth === 1 ? { kind: 'hang', when: 'after' } : null));
      expect(await other.objectExists('photos/silent.jpg', live)).toBe(true);
      expect(proxy.seen.map(isShort)).toEqual([true, false]);
    } finally {
      impatient.close();
    }
  });

  test('ends at once when its signal aborts, also while it waits for a connection', async () => {
    await opensShortWay();
    const { region, accessKeyId, secretAccessKey } = s3().target;
    const credentials = { accessKeyId, secretAccessKey };
    const narrow = openS3Client(
      { endpoint: proxy.endpoint, region, forcePathStyle: true, credentials },
      { maxSockets: 1 },
    );
    const other = new S3Service(narrow.client, service.identity, { partConcurrency: 2 });
    try {
      await upload('photos/narrow.jpg', 'narrow');
      expect(await other.objectExists('photos/narrow.jpg', live)).toBe(true);
      const seen = Promise.withResolvers<void>();
      proxy.fail(() => {
        seen.resolve();
        return { kind: 'hang', when: 'before' };
      });
      const [first, second] = [new AbortController(), new AbortController()];
      const [one, two] = [first, second].map(({ signal }) => other.head('photos/narrow.jpg', signal));
      await seen.promise;
      second.abort(new Error('enough of the second'));
      await expect(two).rejects.toThrow('enough of the second');
      first.abort(new Error('enough of the first'));
      await expect(one).rejects.toThrow('enough of the first');
      proxy.reset();
      expect(await other.objectExists('photos/narrow.jpg', live)).toBe(true);
    } finally {
      narrow.close();
    }
  });
});
