/** BucketPort.fetch on a bad day: a real server behind a proxy that cuts, falsifies or withholds what it answers. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type OpenedClient, openS3Client } from '../../src/bucket/client.ts';
import { S3Service } from '../../src/bucket/s3-service.ts';
import { RollcallError } from '../../src/errors.ts';
import type { FetchedObject } from '../../src/sync/bucket-port.ts';
import { contractS3, md5 } from '../support/contract-s3.ts';
import { type Fault, type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';

const MIB = 1024 * 1024;
const live = new AbortController().signal;
const s3 = contractS3();
let proxy: FaultProxy;
let opened: OpenedClient;
/** Does not bear a silence of 300 ms. */
let impatient: OpenedClient;

beforeAll(async () => {
  proxy = await startFaultProxy(s3().target.endpoint);
  opened = openedTo(proxy.endpoint);
  // Longer than a busy machine keeps this process from reading what has come.
  impatient = openedTo(proxy.endpoint, { idleTimeoutMs: 3_000 });
});

/** One socket: a connection that a fetch left open or reading would keep every later request waiting. */
function openedTo(endpoint: string, more: { readonly idleTimeoutMs?: number } = {}): OpenedClient {
  const { region, accessKeyId, secretAccessKey } = s3().target;
  const credentials = { accessKeyId, secretAccessKey };
  return openS3Client({ endpoint, region, forcePathStyle: true, credentials }, { maxSockets: 1, ...more });
}

afterEach(async () => {
  proxy.reset();
  expect(await newService().objectExists('any', live)).toBe(false);
});

afterAll(async () => {
  opened?.close();
  impatient?.close();
  await proxy?.close();
});

const newService = (client = opened.client, endpoint = proxy.endpoint): S3Service =>
  new S3Service(client, { endpoint, bucket: s3().bucket }, { partConcurrency: 1 });

/** What befalls the GETs, one after the other; those after the last go through. */
function befall(...faults: (Fault | null)[]): void {
  let met = 0;
  proxy.fail(({ method }) => (method === 'GET' ? (faults[met++] ?? null) : null));
}

const firstBytes =
  (count: number) =>
  (body: Buffer): Buffer =>
    body.subarray(0, count);
const breakAfter = (count: number): Fault => ({ kind: 'cut', body: firstBytes(count), ending: 'break' });
const gotten = () => proxy.seen.filter(({ method }) => method === 'GET');
const ranges = (): (string | undefined)[] => gotten().map(({ headers }) => headers.range);

interface Stored {
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  readonly content: Buffer;
}

async function store(content: Buffer | string, more: object = {}): Promise<Stored> {
  const key = randomBytes(6).toString('hex');
  const bytes = Buffer.from(content);
  await s3().put(key, bytes, more);
  return { key, size: bytes.length, etag: md5(bytes), content: bytes };
}

interface Outcome {
  readonly fetched?: FetchedObject;
  readonly error?: unknown;
  readonly bytes: Buffer;
  /** GETs that were counted. */
  readonly gets: number;
}

async function fetch(
  object: Omit<Stored, 'content'>,
  onChunk: (chunk: Uint8Array) => unknown = () => {},
  { signal = live, client = opened }: { readonly signal?: AbortSignal; readonly client?: OpenedClient } = {},
): Promise<Outcome> {
  const service = newService(client.client);
  const chunks: Uint8Array[] = [];
  const sink = async (chunk: Uint8Array): Promise<void> => {
    chunks.push(chunk);
    await onChunk(chunk);
  };
  const settled = await service.fetch(object, null, sink, signal).then(
    (fetched) => ({ fetched }),
    (error: unknown) => ({ error }),
  );
  return { ...settled, bytes: Buffer.concat(chunks), gets: service.requests().get };
}

describe('a connection that breaks', () => {
  const content = randomBytes(3 * MIB);

  test('before the answer is asked for again', async () => {
    const object = await store(content);
    befall({ kind: 'break-before' });
    const { fetched, bytes, gets } = await fetch(object);
    expect(fetched).toMatchObject({ md5: object.etag });
    expect([bytes.equals(content), gets]).toEqual([true, 2]);
  });

  test('in the middle is resumed where it stopped, each time for the same version', async () => {
    const object = await store(content);
    befall(breakAfter(100_000), breakAfter(1), breakAfter(MIB));
    const { fetched, bytes, gets } = await fetch(object);
    expect(fetched).toMatchObject({ md5: object.etag, partSize: null });
    expect([bytes.equals(content), gets]).toEqual([true, 4]);
    expect(ranges()).toEqual([undefined, 'bytes=100000-', 'bytes=100001-', `bytes=${100_001 + MIB}-`]);
    expect(gotten().map(({ headers }) => headers['if-match'])).toEqual(Array(4).fill(`"${object.etag}"`));
  });

  test('after the headers starts over', async () => {
    const object = await store(content);
    befall(breakAfter(0));
    expect((await fetch(object)).bytes.equals(content)).toBe(true);
    expect(ranges()).toEqual([undefined, undefined]);
  });

  test('after the last byte has brought all there is', async () => {
    const object = await store('all of it');
    befall({ kind: 'cut', body: (body) => body, ending: 'break', unsized: true });
    expect(await fetch(object)).toMatchObject({ fetched: { md5: object.etag }, gets: 1 });
  });

  test('in every attempt without a byte between them is given up', async () => {
    const object = await store(content);
    befall(breakAfter(50_000), ...Array<Fault>(20).fill(breakAfter(0)));
    const { error, bytes, gets } = await fetch(object);
    expect(error).toMatchObject({ code: 'OBJECT_UNAVAILABLE', retryable: true });
    expect(String(error)).toMatch(/cannot read s3:.* broke 5 times, .* after 50000 of 3145728 bytes/);
    expect([bytes.equals(content.subarray(0, 50_000)), gets]).toEqual([true, 5]);
  });

  test('again and again is not given up while bytes come', async () => {
    const large = randomBytes(7 * MIB);
    const object = await store(large);
    befall(...Array<Fault>(6).fill(breakAfter(MIB)));
    const { bytes, gets } = await fetch(object);
    expect([bytes.equals(large), gets]).toEqual([true, 7]);
  });

  test('or falls silent is noticed by its silence and resumed', async () => {
    const object = await store(content);
    befall({ kind: 'cut', body: firstBytes(200_000), ending: 'silence' });
    const { bytes } = await fetch(object, undefined, { client: impatient });
    expect(bytes.equals(content)).toBe(true);
    expect(ranges()).toEqual([undefined, 'bytes=200000-']);
  });

  test('because the sink was slow does no harm', async () => {
    const object = await store(content);
    let slept = false;
    const slowly = async (): Promise<void> => {
      if (!slept) await delay(5_000);
      slept = true;
    };
    const { bytes, fetched } = await fetch(object, slowly, { client: impatient });
    expect(fetched).toMatchObject({ md5: object.etag });
    expect(bytes.equals(content)).toBe(true);
  });
});

describe('a version never mixes with another', () => {
  const content = Buffer.alloc(300_000, 'old');

  test('when the object is replaced while it is fetched', async () => {
    const object = await store(content);
    const first = (): Promise<unknown> => s3().put(object.key, Buffer.alloc(300_000, 'new'));
    befall(breakAfter(100_000), { kind: 'after', first });
    const { error, bytes } = await fetch(object);
    expect(error).toMatchObject({ code: 'OBJECT_PRECONDITION' });
    expect(bytes.equals(content.subarray(0, 100_000))).toBe(true);
  });

  test('when the server ignores the condition, at the beginning', async () => {
    const object = await store(content);
    befall({ kind: 'rewrite', headers: { etag: `"${md5('new')}"` } });
    const { error, bytes } = await fetch(object);
    expect(error).toMatchObject({ code: 'OBJECT_PRECONDITION' });
    expect(bytes).toHaveLength(0);
  });

  test('when the server ignores the condition, in the middle', async () => {
    const object = await store(content);
    befall(breakAfter(100_000), { kind: 'rewrite', headers: { etag: `"${md5('new')}"` } });
    const { error, bytes } = await fetch(object);
    expect(error).toMatchObject({ code: 'OBJECT_PRECONDITION', retryable: true });
    expect(bytes).toHaveLength(100_000);
  });

  test('when the object has become shorter than what was fetched of it', async () => {
    const object = await store(content);
    befall(breakAfter(100_000), { kind: 'answer', status: 416 });
    expect((await fetch(object)).error).toMatchObject({ code: 'OBJECT_PRECONDITION' });
  });

  test.each([
    ['answers a range with the whole', { status: 200 }],
    ['answers with another range', { status: 206, headers: { 'content-range': 'bytes 0-299999/300000' } }],
  ])('when the server %s', async (_what, { status, headers = {} }: { status: number; headers?: object }) => {
    const object = await store(content);
    const whole = { kind: 'answer', status, headers: { etag: `"${object.etag}"`, ...headers } } as const;
    befall(breakAfter(100_000), { ...whole, body: content.toString() });
    const { error, bytes } = await fetch(object);
    expect(error).toMatchObject({ code: 'OBJECT_UNAVAILABLE', retryable: true });
    expect(bytes).toHaveLength(100_000);
  });

  test('when the server does not say which one it sends', async () => {
    const object = await store(content);
    befall({ kind: 'answer', status: 200, body: content.toString() });
    const { error, bytes } = await fetch(object);
    expect(error).toMatchObject({ code: 'OBJECT_UNVERIFIED' });
    expect(bytes).toHaveLength(0);
  });
});

describe('what came is not believed', () => {
  const garbled: Fault = { kind: 'rewrite', body: (body) => body.replace('b', 'd') };
  const crc32OfAbc = 'NSRBwg==';
  /** An object that is encrypted with a key of KMS: its ETag looks like an MD5 and tells nothing of the content. */
  const encrypted = { key: 'encrypted', size: 3, etag: md5('what is stored of it') };
  const decrypted = (body: string, headers: Readonly<Record<string, string>>): Fault => ({
    kind: 'answer',
    status: 200,
    headers: { etag: `"${encrypted.etag}"`, 'x-amz-server-side-encryption': 'aws:kms', ...headers },
    body,
  });

  test('when it is not what the ETag tells', async () => {
    const object = await store('abc');
    befall(garbled);
    const { error } = await fetch(object);
    expect(error).toMatchObject({ code: 'OBJECT_UNVERIFIED', retryable: true });
    expect(String(error)).toContain('the MD5 that the ETag tells');
  });

  test('when a piece of it is wrong after a break', async () => {
    const object = await store('aaaaabbbbb');
    befall(breakAfter(5), garbled);
    expect((await fetch(object)).error).toMatchObject({ code: 'OBJECT_UNVERIFIED' });
  });

  test('when it is not what the checksum tells, where the ETag tells nothing', async () => {
    befall(decrypted('adc', { 'x-amz-checksum-crc32': crc32OfAbc }));
    const { error } = await fetch(encrypted);
    expect(error).toMatchObject({ code: 'OBJECT_UNVERIFIED' });
    expect(String(error)).toContain('CRC-32');
  });

  test('when it is not what the MD5 in the metadata tells, where the ETag tells nothing', async () => {
    befall(decrypted('adc', { 'x-amz-meta-md5chksum': Buffer.from(md5('abc'), 'hex').toString('base64') }));
    expect((await fetch(encrypted)).error).toMatchObject({ code: 'OBJECT_UNVERIFIED' });
  });

  test('when there is less of it, or more', async () => {
    const object = await store('abc');
    befall({ kind: 'cut', body: firstBytes(2), ending: 'end', unsized: true });
    expect((await fetch(object)).error).toMatchObject({ code: 'OBJECT_UNVERIFIED' });
    befall({ kind: 'cut', body: (body) => Buffer.concat([body, body]), ending: 'end', unsized: true });
    const { error, bytes } = await fetch(object);
    expect(error).toMatchObject({ code: 'OBJECT_UNVERIFIED' });
    expect(bytes.length).toBeLessThanOrEqual(3);
    befall({ kind: 'rewrite', body: (body) => `${body}d` });
    expect((await fetch(object)).error).toMatchObject({ code: 'OBJECT_UNVERIFIED' });
  });

  test('and is, when the server tells no length but the bytes are right', async () => {
    const object = await store('abc');
    befall({ kind: 'cut', body: (body) => body, ending: 'end', unsized: true });
    expect(await fetch(object)).toMatchObject({ fetched: { md5: object.etag }, gets: 1 });
  });

  test.each([
    ['its checksum', { 'x-amz-checksum-crc32': crc32OfAbc }],
    ['its size alone, where a checksum is of parts', { 'x-amz-checksum-crc32': 'AAAAAA==-2' }],
    ['its size alone, where nothing else is told', {}],
  ])('and is, when an encrypted object has %s', async (_what, headers: Record<string, string>) => {
    befall(decrypted('abc', headers));
    expect(await fetch(encrypted)).toMatchObject({ fetched: { md5: md5('abc'), partSize: null }, gets: 1 });
  });
});

describe('a refusal', () => {
  const refusal = (status: number, code: string, message = ''): Fault => ({
    kind: 'answer',
    status,
    headers: { 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`,
  });

  test.each([
    ['denial', refusal(403, 'AccessDenied', 'Access Denied'), 'OBJECT_DENIED'],
    ['a gone object', refusal(404, 'NoSuchKey'), 'OBJECT_MISSING'],
    ['archiving', refusal(403, 'InvalidObjectState'), 'OBJECT_ARCHIVED'],
  ] as [string, Fault, string][])('is told as such: %s', async (_what, fault, code) => {
    const object = await store('abc');
    befall(fault);
    expect(await fetch(object)).toMatchObject({ error: { code }, gets: 1 });
  });

  test('in the middle of a download is no less one', async () => {
    const object = await store('abcdef');
    befall(breakAfter(3), refusal(403, 'AccessDenied', 'Access Denied'));
    const { error, bytes, gets } = await fetch(object);
    expect(error).toMatchObject({ code: 'OBJECT_DENIED', cause: { message: 'Access Denied' } });
    expect([bytes.toString(), gets]).toEqual(['abc', 2]);
  });
});

describe('a fetch that is stopped', () => {
  const content = randomBytes(4 * MIB);
  const reason = new RollcallError('CANCELLED', 'enough');

  test.each([
    ['while bytes come', null],
    ['while the server is silent', { kind: 'cut', body: firstBytes(1000), ending: 'silence' }],
  ] as [string, Fault | null][])('ends at once and takes nothing more %s', async (_what, fault) => {
    const object = await store(content);
    befall(fault);
    const stop = new AbortController();
    let chunks = 0;
    const onChunk = (): void => {
      if (++chunks === 1) setImmediate(() => stop.abort(reason));
    };
    const slowly = async (): Promise<void> => {
      onChunk();
      while (!stop.signal.aborted) await new Promise(setImmediate);
    };
    const { error } = await fetch(object, fault === null ? slowly : onChunk, { signal: stop.signal });
    expect(error).toBe(reason);
    expect(chunks).toBe(1);
  });

  test('while it waits for another attempt asks no more', async () => {
    const object = await store(content);
    const stop = new AbortController();
    befall(breakAfter(10), ...Array<Fault>(9).fill(breakAfter(0)));
    const stopSoon = (): void => void setTimeout(() => stop.abort(reason), 50);
    const { error } = await fetch(object, stopSoon, { signal: stop.signal });
    expect(error).toBe(reason);
  });

  test('by a sink that fails throws what the sink threw, and does not ask again', async () => {
    const object = await store(content);
    const full = new RollcallError('DISK_FULL', 'no space left');
    const { error, gets } = await fetch(object, () => Promise.reject(full));
    expect(error).toBe(full);
    expect(gets).toBe(1);
  });
});

describe('an object of 200 MB', () => {
  const size = 200 * MIB;
  const piece = randomBytes(MIB);
  const content = (): Buffer => Buffer.concat(Array<Buffer>(200).fill(piece));

  test('is never further in memory than a few chunks, however slow the sink', async () => {
    const { key, etag } = await store(content());
    const relay = await startRelay(s3().target.endpoint);
    const direct = openedTo(relay.endpoint);
    const service = newService(direct.client, relay.endpoint);
    let taken = 0;
    let furthest = 0;
    const sink = async (chunk: Uint8Array): Promise<void> => {
      // Long enough for whatever reads ahead to do so: the sink is slow twice, at the beginning and in the middle.
      if (taken === 0 || Math.floor((taken + chunk.length) / size / 0.5) > Math.floor(taken / size / 0.5)) {
        await relay.settled();
        furthest = Math.max(furthest, relay.passed() - taken);
      }
      expect(chunk.length).toBeLessThanOrEqual(MIB);
      taken += chunk.length;
    };
    try {
      expect(await service.fetch({ key, size, etag }, null, sink, live)).toMatchObject({ md5: etag });
      expect(taken).toBe(size);
      expect(furthest).toBeGreaterThan(0);
      // Most of it lies in the buffers of the two sockets.
      expect(furthest).toBeLessThan(32 * MIB);
    } finally {
      direct.close();
      await relay.close();
    }
  });
});

/** A TCP relay that counts what it passed on to the client, no faster than the client takes it. */
async function startRelay(target: string) {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let passed = 0;
  const server: Server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    client.pipe(upstream);
    upstream.on('data', (chunk) => {
      passed += chunk.length;
      if (client.write(chunk)) return;
      upstream.pause();
      client.once('drain', () => upstream.resume());
    });
    upstream.on('end', () => client.end());
    client.on('close', () => upstream.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    passed: () => passed,
    /** Until nothing has been passed on for a while. */
    settled: async () => {
      for (let before = -1; before !== passed; ) {
        before = passed;
        await delay(100);
      }
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
