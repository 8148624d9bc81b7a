import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { CopyObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ArchivedObject } from '../../src/sync/browse.ts';
import type { RestoreRequest } from '../../src/sync/bucket-port.ts';
import { startTestS3, type TestS3 } from '../support/s3.ts';
import { createWorld, type World } from '../support/world.ts';

let s3: TestS3;
let world: World;
beforeAll(async () => {
  s3 = await startTestS3({ restoreDelayMs: { Standard: 3_600_000, Bulk: 0 } });
  world = await createWorld({}, { bucketOf: { s3 } });
});
afterAll(async () => {
  await world?.close();
  await s3?.close();
});
beforeEach(async () => {
  world.proxy.reset();
  world.proxy.fail(() => null);
  await world.wipe();
  await world.query('DELETE FROM "ArchivedObject"');
});

const signal = () => AbortSignal.timeout(150_000);
const restore = (request: Partial<RestoreRequest & { library: string }> = {}) =>
  world.service.restore({ library: 'test', days: 7, tier: 'Standard', ...request }, signal());
const look = (library = 'test') => world.service.restoreStatus({ library }, signal());
const asks = () => world.proxy.seen.filter(({ method, query }) => method === 'POST' && query.has('restore'));
const facts = (objects: readonly ArchivedObject[]) =>
  Object.fromEntries(objects.map(({ key, status }) => [key, status]));

/** Photos whose renames wait for their archived objects. */
async function waiting(...names: string[]): Promise<void> {
  for (const name of names) world.write(`2014/${name}`);
  await world.sync();
  for (const name of names) await archive(`photos/2014/${name}`);
  renameSync(join(world.root, '2014'), join(world.root, '2015'));
  expect(await world.sync()).toMatchObject({ actions: { waiting: names.length } });
}

async function archive(key: string): Promise<void> {
  const request = { Bucket: s3.bucket, Key: key, CopySource: `${s3.bucket}/${key}`, StorageClass: 'DEEP_ARCHIVE' };
  await s3.client.send(new CopyObjectCommand({ ...request, StorageClass: 'DEEP_ARCHIVE' }));
}

describe('asking for what waits', () => {
  test('asks once for each object, however often it is run', async () => {
    await waiting('a.jpg', 'b.jpg');
    const first = await restore();
    expect(facts(first)).toEqual({ 'photos/2014/a.jpg': 'in progress', 'photos/2014/b.jpg': 'in progress' });
    for (const { requestedAt, lastError } of first) {
      expect(Math.abs(Date.parse(requestedAt ?? '') - Date.now())).toBeLessThan(60_000);
      expect(lastError).toBeNull();
    }
    expect(asks()).toHaveLength(2);
    expect(await restore()).toEqual(first);
    expect(asks()).toHaveLength(2);
  });

  test('one that is readable is neither asked for again nor prolonged', async () => {
    await waiting('a.jpg');
    await restore({ tier: 'Bulk' });
    const [readable] = await look();
    expect(readable).toMatchObject({ status: 'restored', restoredUntil: expect.any(String) });
    expect(await restore({ days: 30 })).toEqual([readable]);
    expect(asks()).toHaveLength(1);
  });

  test('one whose restored copy has gone again waits, and is asked for anew', async () => {
    await waiting('a.jpg');
    const [{ id }] = (await look()) as [ArchivedObject];
    const restoredUntil = '2020-01-01T00:00:00.000Z';
    await world.catalog.archive.update([{ id, status: 'restored', restoredUntil, lastError: null }]);
    expect(await look()).toMatchObject([{ status: 'waiting', restoredUntil }]);
    expect(await restore()).toMatchObject([{ status: 'in progress', restoredUntil: null }]);
    expect(asks()).toHaveLength(1);
  });

  test('one that is refused is failed with the reason, stops no other, and is asked for when asked again', async () => {
    await waiting('a.jpg', 'b.jpg', 'c.jpg');
    world.proxy.fail(({ method, path }) =>
      method === 'POST' && path.endsWith('/b.jpg')
        ? { kind: 'answer', status: 403, body: '<Error><Code>AccessDenied</Code><Message>no</Message></Error>' }
        : null,
    );
    const objects = await restore();
    expect(objects.map(({ status }) => status)).toEqual(['in progress', 'failed', 'in progress']);
    expect(objects[1]?.lastError).toMatch(/denied/);
    expect((await look()).map(({ status }) => status)).toEqual(['in progress', 'failed', 'in progress']);
    world.proxy.fail(() => null);
    expect(await restore()).toMatchObject([{}, { status: 'in progress', lastError: null }, {}]);
  });

  test('a tier that the class does not have is refused by the server, in words', async () => {
    await waiting('a.jpg');
    const [object] = await restore({ tier: 'Expedited' });
    expect(object).toMatchObject({ status: 'failed', requestedAt: null });
    expect(object?.lastError).toMatch(/Retrieval option|Expedited|DEEP_ARCHIVE/);
  });

  test('an object that is gone is failed, and so it is to who only looks', async () => {
    await waiting('a.jpg', 'b.jpg');
    await world.deleteObject('photos/2014/a.jpg');
    expect(facts(await look())).toEqual({ 'photos/2014/a.jpg': 'failed', 'photos/2014/b.jpg': 'waiting' });
    const [gone] = await restore();
    expect(gone?.lastError).toMatch(/not in the bucket any more/);
  });

  test('one that nobody may look at keeps what is known of it, and says so', async () => {
    await waiting('a.jpg');
    await restore();
    world.proxy.fail(({ method }) => (method === 'HEAD' ? { kind: 'answer', status: 403 } : null));
    expect(await look()).toMatchObject([{ status: 'in progress', lastError: expect.stringContaining('denied') }]);
    world.proxy.fail(() => null);
    expect(await look()).toMatchObject([{ status: 'in progress', lastError: null }]);
  });

  test.each([0, 366, 1.5, Number.NaN])('for %d days is refused before anything is sent', async (days) => {
    await waiting('a.jpg');
    world.proxy.reset();
    await expect(restore({ days })).rejects.toMatchObject({ code: 'BAD_INPUT', field: 'days' });
    expect(world.proxy.seen).toEqual([]);
  });

  test('a library that is not there is not "nothing waits"', async () => {
    await expect(restore({ library: 'nobody' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(look('nobody')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('of several libraries', () => {
  test('one whose bucket is gone stops no other, and is thrown at the end: nothing of it is taken for gone', async () => {
    const root = join(world.root, '..', 'other');
    mkdirSync(root, { recursive: true });
    const place = { root, bucket: 'no-such-bucket', prefix: 'p/', excludes: [] };
    const lost = await world.catalog.libraries.create({ name: 'aaa', ...place });
    const object = { key: 'p/x.jpg', storageClass: 'GLACIER', what: 'download', photoId: null } as const;
    await world.catalog.port.noteWaiting({ library: lost, album: null }, [object], []);
    await waiting('a.jpg');
    const all = world.service.restore({ days: 7, tier: 'Standard' }, signal());
    await expect(all).rejects.toMatchObject({ code: 'BUCKET_MISSING' });
    expect(await look()).toMatchObject([{ status: 'in progress' }]);
    const { items } = await world.catalog.archive.list({ libraryId: lost.id }, { limit: 10 });
    expect(items).toMatchObject([{ status: 'waiting', lastError: null }]);
    await world.query('DELETE FROM "ArchivedObject"');
    await world.catalog.libraries.remove(lost.id);
  });

  test('a stop records what was asked for until then, and asks for nothing twice', async () => {
    await waiting('a.jpg', 'b.jpg');
    const stop = new AbortController();
    const first = async () => {
      // The other one has been answered by then.
      await vi.waitFor(() => expect(world.logged.join()).toContain('Restore asked for'), { timeout: 100_000 });
      stop.abort(new DOMException('stop', 'AbortError'));
    };
    world.proxy.fail(({ method, path }) =>
      method === 'POST' && path.endsWith('/b.jpg') ? { kind: 'after', first } : null,
    );
    const asked = world.service.restore({ library: 'test', days: 7, tier: 'Standard' }, stop.signal);
    await expect(asked).rejects.toMatchObject({ code: 'CANCELLED' });
    const { items } = await world.catalog.archive.list({ libraryId: world.library.id }, { limit: 10 });
    expect(items).toMatchObject([
      { key: 'photos/2014/a.jpg', status: 'in progress', requestedAt: expect.any(String) },
      { key: 'photos/2014/b.jpg', status: 'waiting', requestedAt: null },
    ]);
    world.proxy.fail(() => null);
    expect((await restore()).map(({ status }) => status)).toEqual(['in progress', 'in progress']);
    expect(asks().filter(({ path }) => path.endsWith('/a.jpg'))).toHaveLength(1);
  });
});
