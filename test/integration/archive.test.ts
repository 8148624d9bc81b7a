import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { CopyObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { SyncRequest } from '../../src/sync/service.ts';
import { startTestS3, type TestS3 } from '../support/s3.ts';
import { createWorld, type World } from '../support/world.ts';

/** The server's clock is put forward by more than a restore takes, and by less than makes it refuse signatures. */
const RESTORE_MS = 60_000;
let aheadMs = 0;

let s3: TestS3;
let world: World;
beforeAll(async () => {
  const restoreDelayMs = { Expedited: RESTORE_MS, Standard: RESTORE_MS, Bulk: RESTORE_MS };
  s3 = await startTestS3({ restoreDelayMs, clock: () => Date.now() + aheadMs });
  world = await createWorld({}, { bucketOf: { s3 } });
});
afterAll(async () => {
  await world?.close();
  await s3?.close();
});
beforeEach(() => {
  aheadMs = 0;
  return world.wipe();
});

const signal = () => AbortSignal.timeout(150_000);
const mv = (from: string, to: string) => renameSync(join(world.root, from), join(world.root, to));
const head = (key: string) => s3.client.send(new HeadObjectCommand({ Bucket: s3.bucket, Key: key }));
const restore = () => world.service.restore({ library: 'test', days: 7, tier: 'Standard' }, signal());
const status = () => world.service.restoreStatus({ library: 'test' }, signal());

/** As a lifecycle rule does: the same object, its ETag too, in another class. */
async function archive(key: string, StorageClass: 'GLACIER' | 'DEEP_ARCHIVE' = 'DEEP_ARCHIVE'): Promise<void> {
  const CopySource = `${s3.bucket}/${key}`;
  await s3.client.send(new CopyObjectCommand({ Bucket: s3.bucket, Key: key, CopySource, StorageClass }));
}

async function untilRestored(): Promise<void> {
  aheadMs = 2 * RESTORE_MS;
  expect((await status()).map((one) => one.status)).toEqual(['restored']);
}

test('a rename that meets an archived object waits, is restored when asked, and the next sync completes it', async () => {
  world.write('a.jpg');
  await world.sync();
  const [before] = await world.rows();
  await archive('photos/a.jpg');
  mv('a.jpg', 'b.jpg');

  const met = await world.sync();
  expect(met).toMatchObject({
    status: 'succeeded',
    photos: { moved: 1, new: 0, orphaned: 0 },
    actions: { waiting: 1, moved: 0, uploaded: 0, marked: 0, failed: 0 },
    bytes: { uploaded: 0 },
  });
  expect(await world.keys()).toEqual(['photos/a.jpg']);
  expect(await world.states()).toEqual({ 'a.jpg': 'archived' });
  expect(await status()).toMatchObject([{ key: 'photos/a.jpg', status: 'waiting', what: 'move' }]);

  expect(await restore()).toMatchObject([{ key: 'photos/a.jpg', status: 'in progress' }]);
  expect(await world.sync()).toMatchObject({ actions: { waiting: 1, moved: 0, uploaded: 0 } });
  await untilRestored();
  const [restored] = await status();
  expect(Date.parse(restored!.restoredUntil!)).toBeGreaterThan(Date.now());

  expect(await world.sync()).toMatchObject({ actions: { waiting: 0, moved: 1, uploaded: 0 }, bytes: { uploaded: 0 } });
  expect(await world.keys()).toEqual(['photos/b.jpg']);
  expect((await head('photos/b.jpg')).StorageClass).toBe('DEEP_ARCHIVE');
  expect(await world.rows()).toMatchObject([{ id: before!.id, path: 'b.jpg', state: 'synced' }]);
  expect(await status()).toEqual([]);
  expect(await world.sync()).toMatchObject({ actions: { moved: 0, waiting: 0, uploaded: 0 } });
});

test('a download that meets an archived object waits, and is completed when it is restored', async () => {
  await world.put('photos/only-there.jpg', 'bytes in the bucket');
  await archive('photos/only-there.jpg', 'GLACIER');
  const down: Partial<SyncRequest> = { direction: 'both' };
  expect(await world.sync(down)).toMatchObject({ actions: { waiting: 1, downloaded: 0, failed: 0 } });
  expect(await status()).toMatchObject([{ status: 'waiting', what: 'download', photoId: null }]);
  await restore();
  await untilRestored();
  expect(await world.sync(down)).toMatchObject({ actions: { waiting: 0, downloaded: 1 } });
  expect(await status()).toEqual([]);
});

test('renaming back what waits is no rename any more, and clears it', async () => {
  world.write('a.jpg');
  await world.sync();
  await archive('photos/a.jpg');
  mv('a.jpg', 'b.jpg');
  await world.sync();
  mv('b.jpg', 'a.jpg');
  expect(await world.sync()).toMatchObject({ actions: { waiting: 0, moved: 0, uploaded: 0, updated: 1 } });
  expect(await world.states()).toEqual({ 'a.jpg': 'synced' });
  expect(await status()).toEqual([]);
});

test('a photo that takes the name of one that waits, waits with it: the archived bytes are not overwritten', async () => {
  world.write('a.jpg');
  world.write('b.jpg');
  await world.sync();
  await archive('photos/b.jpg');
  mv('b.jpg', 'c.jpg');
  mv('a.jpg', 'b.jpg');
  expect(await world.sync()).toMatchObject({ actions: { waiting: 2, moved: 0, uploaded: 0, reuploaded: 0 } });
  expect(await world.keys()).toEqual(['photos/a.jpg', 'photos/b.jpg']);
  expect(await status()).toMatchObject([{ key: 'photos/b.jpg' }]);
  await restore();
  await untilRestored();
  expect(await world.sync()).toMatchObject({ actions: { waiting: 0, moved: 2, uploaded: 0 } });
  expect(await world.keys()).toEqual(['photos/b.jpg', 'photos/c.jpg']);
  expect((await head('photos/c.jpg')).StorageClass).toBe('DEEP_ARCHIVE');
  expect((await head('photos/b.jpg')).StorageClass).toBeUndefined();
});

test('an unchanged archived photo needs no restore, no HEAD and no reading', async () => {
  world.write('a.jpg');
  await world.sync();
  await archive('photos/a.jpg');
  expect(await world.sync({ library: 'test' })).toMatchObject({
    actions: { skipped: 1, waiting: 0 },
    requests: { head: 0, get: 0, put: 0 },
  });
});

test('a dry run says what would wait and notes nothing', async () => {
  world.write('a.jpg');
  await world.sync();
  await archive('photos/a.jpg');
  mv('a.jpg', 'b.jpg');
  const report = await world.sync({ dryRun: true });
  expect(report).toMatchObject({
    actions: { waiting: 1 },
    plan: [{ kind: 'wait', what: 'move', to: { path: 'b.jpg' } }],
  });
  expect(await status()).toEqual([]);
});
