import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  RestoreObjectCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterEach, expect, test } from 'vitest';
import { type S3ServerOptions, startS3Server } from '../../src/embedded/s3/server.ts';
import { startTestS3, type TestS3, testClient } from '../support/s3.ts';

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(options: Partial<S3ServerOptions> = {}): Promise<TestS3> {
  const s3 = await startTestS3(options);
  closers.push(() => s3.close());
  return s3;
}

/** Options for a server in a folder that outlives it. */
async function options(): Promise<S3ServerOptions> {
  const dataDir = await mkdtemp(join(tmpdir(), 'rollcall-s3-'));
  closers.push(() => rm(dataDir, { recursive: true }));
  return { dataDir, port: 0, accessKeyId: 'id', secretAccessKey: 'secret', region: 'eu-west-1' };
}

async function bodyFiles(dir: string): Promise<number> {
  const entries = await readdir(join(dir, 'bodies'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).length;
}

test('objects and buckets are there again after a restart, whatever the port', async () => {
  const where = await options();
  const first = await startS3Server(where);
  await first.createBucket('photos');
  await first.createBucket('photos');
  const Body = randomBytes(200_000);
  const client = testClient({ ...where, endpoint: first.endpoint });
  await client.send(new PutObjectCommand({ Bucket: 'photos', Key: 'a', Body }));
  await first.close();
  const second = await startS3Server(where);
  closers.push(() => second.close());
  const again = testClient({ ...where, endpoint: second.endpoint });
  const got = await again.send(new GetObjectCommand({ Bucket: 'photos', Key: 'a' }));
  expect(Buffer.from(await got.Body!.transformToByteArray()).equals(Body)).toBe(true);
});

test('a taken port is told as EADDRINUSE, and the folder is free again', async () => {
  const s3 = await start();
  const where = await options();
  await expect(startS3Server({ ...where, port: s3.server.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  const server = await startS3Server(where);
  await server.close();
});

test('a folder that another server uses is refused', async () => {
  const s3 = await start();
  await expect(startS3Server({ ...(await options()), dataDir: s3.dir })).rejects.toThrow('in use by another process');
});

test('it listens on loopback only', async () => {
  const host = '0.0.0.0' as '127.0.0.1';
  await expect(startS3Server({ ...(await options()), host })).rejects.toThrow('127.0.0.1 only');
});

test('what a key pair may not do is denied, whether or not the key is there, and bodyless for HEAD', async () => {
  const pair = { accessKeyId: 'limited', secretAccessKey: 'limited-secret' };
  const deny: NonNullable<S3ServerOptions['extraCredentials']>[number]['deny'] = ({ operation, key }) =>
    key.startsWith('private/') || operation === 'ListObjectsV2';
  const s3 = await start({ extraCredentials: [{ ...pair, deny }] });
  const client = testClient({ ...s3, ...pair });
  const Bucket = s3.bucket;
  for (const Key of ['open', 'private/there']) await s3.client.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
  const denied = { name: 'AccessDenied', $metadata: { httpStatusCode: 403 } };
  await client.send(new HeadObjectCommand({ Bucket, Key: 'open' }));
  await expect(client.send(new GetObjectCommand({ Bucket, Key: 'private/there' }))).rejects.toMatchObject(denied);
  await expect(client.send(new GetObjectCommand({ Bucket, Key: 'private/missing' }))).rejects.toMatchObject(denied);
  await expect(client.send(new ListObjectsV2Command({ Bucket }))).rejects.toMatchObject(denied);
  const CopySource = `${Bucket}/private/there`;
  await expect(client.send(new CopyObjectCommand({ Bucket, Key: 'mine', CopySource }))).rejects.toMatchObject(denied);
  const head = new HeadObjectCommand({ Bucket, Key: 'private/there' });
  await expect(client.send(head)).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
  const answer = await fetch(await getSignedUrl(client, head), { method: 'HEAD' });
  expect([answer.status, await answer.text()]).toEqual([403, '']);
  const Objects = [{ Key: 'open' }, { Key: 'private/there' }];
  const deleted = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
  expect(deleted.Deleted).toEqual([{ Key: 'open' }]);
  expect(deleted.Errors).toMatchObject([{ Key: 'private/there', Code: 'AccessDenied' }]);
});

test('a restore takes its time, ends at a midnight, and may be prolonged', async () => {
  let now = Date.UTC(2026, 0, 10, 12);
  const s3 = await start({ clock: () => now, restoreDelayMs: { Bulk: 1000, Standard: 500 } });
  const where = { Bucket: s3.bucket, Key: 'cold' };
  const client = testClient({ ...s3, clockOffsetMs: now - Date.now() });
  const restore = (days: number, tier: 'Bulk' | 'Standard') =>
    client.send(
      new RestoreObjectCommand({ ...where, RestoreRequest: { Days: days, GlacierJobParameters: { Tier: tier } } }),
    );
  const state = async () => (await client.send(new HeadObjectCommand(where))).Restore;
  await client.send(new PutObjectCommand({ ...where, Body: 'ice', StorageClass: 'DEEP_ARCHIVE' }));
  expect(await state()).toBeUndefined();
  expect((await restore(2, 'Bulk')).$metadata.httpStatusCode).toBe(202);
  now += 999;
  expect(await state()).toBe('ongoing-request="true"');
  await expect(restore(2, 'Bulk')).rejects.toMatchObject({ name: 'RestoreAlreadyInProgress' });
  now += 1;
  expect(await state()).toBe('ongoing-request="false", expiry-date="Tue, 13 Jan 2026 00:00:00 GMT"');
  expect((await restore(5, 'Standard')).$metadata.httpStatusCode).toBe(200);
  expect(await state()).toBe('ongoing-request="false", expiry-date="Fri, 16 Jan 2026 00:00:00 GMT"');
});

test('an upload whose sender vanishes leaves nothing, and a refused one neither', async () => {
  const s3 = await start();
  const url = new URL(await getSignedUrl(s3.client, new PutObjectCommand({ Bucket: s3.bucket, Key: 'cut' })));
  const socket = connect(s3.server.port, '127.0.0.1');
  socket.write(`PUT ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Length: 5000000\r\n\r\n`);
  await new Promise((resolve) => socket.write(Buffer.alloc(1_000_000), resolve));
  await expect.poll(() => bodyFiles(s3.dir)).toBe(1);
  socket.destroy();
  await expect.poll(() => bodyFiles(s3.dir)).toBe(0);
  const wrong = new PutObjectCommand({
    ...{ Bucket: s3.bucket, Key: 'wrong' },
    ...{ Body: Buffer.alloc(500_000), ContentMD5: Buffer.alloc(16).toString('base64') },
  });
  await expect(s3.client.send(wrong)).rejects.toMatchObject({ name: 'BadDigest' });
  expect(await bodyFiles(s3.dir)).toBe(0);
  expect((await s3.client.send(new ListObjectsV2Command({ Bucket: s3.bucket }))).KeyCount).toBe(0);
});

test('a client that sends nothing for too long is cut off', async () => {
  const s3 = await start({ idleTimeoutMs: 100 });
  const socket = connect(s3.server.port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\n');
  await new Promise((resolve) => socket.once('close', resolve).resume());
});

test('closing waits for no client that hangs, and what was stored is whole', async () => {
  const where = await options();
  const server = await startS3Server(where);
  await server.createBucket('photos');
  const client = testClient({ ...where, endpoint: server.endpoint });
  const Body = randomBytes(3_000_000);
  await client.send(new PutObjectCommand({ Bucket: 'photos', Key: 'big', Body }));
  const hanging = await client.send(new GetObjectCommand({ Bucket: 'photos', Key: 'big' }));
  const url = new URL(await getSignedUrl(client, new PutObjectCommand({ Bucket: 'photos', Key: 'half' })));
  const socket = connect(server.port, '127.0.0.1').on('error', () => undefined);
  socket.write(`PUT ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Length: 9\r\n\r\nhalf`);
  await server.close();
  (hanging.Body as unknown as { destroy(): void }).destroy();
  client.destroy();
  const again = await startS3Server(where);
  closers.push(() => again.close());
  const list = await testClient({ ...where, endpoint: again.endpoint }).send(
    new ListObjectsV2Command({ Bucket: 'photos' }),
  );
  expect(list.Contents?.map((one) => one.Key)).toEqual(['big']);
});
