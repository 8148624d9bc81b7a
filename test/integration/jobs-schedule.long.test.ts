import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CopyObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openQueueConnections } from '../../src/catalog/queue-connections.ts';
import { reconcileAll } from '../../src/jobs/reconcile.ts';
import { checkRestores } from '../../src/jobs/restore-check.ts';
import { sumLibraries, sumTasks } from '../../src/sync/sum-tasks.ts';
import { createQueueWorld, type QueueWorld } from '../support/queue-world.ts';
import { startTestS3, type TestS3 } from '../support/s3.ts';

const RESTORE_MS = 60_000;
let aheadMs = 0;
let s3: TestS3;
let w: QueueWorld;
let connections: ReturnType<typeof openQueueConnections>;

beforeAll(async () => {
  const restoreDelayMs = { Expedited: RESTORE_MS, Standard: RESTORE_MS, Bulk: RESTORE_MS };
  s3 = await startTestS3({ restoreDelayMs, clock: () => Date.now() + aheadMs });
  w = await createQueueWorld({}, { bucketOf: { s3 } });
  const sums = { libraries: sumLibraries, tasks: sumTasks };
  connections = openQueueConnections({ url: w.databaseUrl, maxConnections: 2 }, sums);
});
afterAll(async () => {
  await connections?.close();
  await w?.close();
  await s3?.close();
});
beforeEach(async () => {
  aheadMs = 0;
  await w.wipe();
  await w.query('DELETE FROM "Run"');
  await w.query('DELETE FROM "ArchivedObject"');
  w.lines.length = 0;
});

const signal = () => AbortSignal.timeout(150_000);
const log = {
  debug: () => {},
  info: () => {},
  warn: (_: object, line: string) => void w.lines.push(line),
  error: () => {},
};
const parts = () => ({
  queue: w.queue,
  tasks: connections.tasks,
  service: w.service,
  libraries: w.catalog.libraries,
  log,
});
const ended = async (kind: string) => {
  const run = (await w.runs()).find((one) => one.kind === kind && one.parentId === null);
  if (run === undefined) throw new Error(`no run of kind ${kind}`);
  return w.queue.ended(run.id, signal());
};

describe('a reconciliation', () => {
  test('finds what drifted apart, repairs it, and tells what is lost and what nobody knows', async () => {
    for (const photo of ['missing', 'lost', 'edited', 'same']) w.write(`a/${photo}.jpg`);
    await w.run();
    await w.deleteObject('photos/a/missing.jpg');
    await w.deleteObject('photos/a/lost.jpg');
    w.remove('a/lost.jpg');
    w.write('a/edited.jpg', 'edited on disk', 1_650_000_000);
    await w.put('photos/a/nobody.jpg', 'of nobody');
    await reconcileAll(parts(), signal());
    const report = await ended('reconcile');
    expect(report).toMatchObject({
      photos: { existing: 3, lost: 1, untracked: 1 },
      actions: { reuploaded: 2, marked: 1, deleted: 0, downloaded: 0 },
    });
    expect(report.warnings.join()).toContain('LOST');
    expect(await w.read('photos/a/edited.jpg')).toBe('edited on disk');
    expect(await w.keys()).toContain('photos/a/nobody.jpg');
    expect(await w.states()).toMatchObject({ 'a/missing.jpg': 'synced', 'a/lost.jpg': 'lost' });
  });

  test('goes the way that each library goes', async () => {
    await w.catalog.libraries.update(w.library.id, { sync: 'both' });
    try {
      await w.put('photos/a/afar.jpg', 'from afar');
      await reconcileAll(parts(), signal());
      expect(await ended('reconcile')).toMatchObject({ actions: { downloaded: 1 } });
    } finally {
      await w.catalog.libraries.update(w.library.id, { sync: 'up' });
    }
  });

  test('is not begun while the last one is under way', async () => {
    const lock = await w.catalog.port.lock({ library: w.library, album: null }, signal());
    await reconcileAll(parts(), signal());
    await reconcileAll(parts(), signal());
    expect((await w.runs()).filter(({ kind }) => kind === 'reconcile')).toHaveLength(1);
    expect(w.lines.join()).toContain('not begun again');
    await lock.release();
    await ended('reconcile');
  });

  test('of one library that is under way keeps no other from being reconciled', async () => {
    const { bucket, root, excludes } = w.library;
    const other = await w.catalog.libraries.create({ name: 'other', root, bucket, prefix: 'other/', excludes });
    const lock = await w.catalog.port.lock({ library: w.library, album: null }, signal());
    try {
      const { runId } = await w.queue.enqueue({ kind: 'reconcile', library: w.library.id });
      await reconcileAll(parts(), signal());
      const runs = (await w.runs()).filter(({ kind, parentId }) => kind === 'reconcile' && parentId === null);
      expect(runs.map(({ libraryId }) => libraryId).sort()).toEqual([other.id, w.library.id].sort());
      expect(w.lines.join()).toContain(`the last one of ${w.library.name} has not ended yet`);
      for (const { id } of runs) if (id !== runId) await w.queue.ended(id, signal());
      await lock.release();
      await w.queue.ended(runId, signal());
    } finally {
      await lock.release();
      await w.catalog.libraries.remove(other.id);
    }
  });

  test('forgets two-way syncs that changed nothing and are a week old, but for the latest', async () => {
    w.write('a/1.jpg');
    const ids: string[] = [];
    for (let n = 0; n < 4; n++) ids.push((await w.sync({ direction: 'both' })).runId);
    const daysAgo = (id: string | undefined, days: number) =>
      w.query(
        `UPDATE "Run" SET "startedAt" = now() - make_interval(days => $2), "finishedAt" = now() - make_interval(days => $2)
          WHERE "id" = $1`,
        [id, days],
      );
    for (const [n, days] of [40, 30, 20, 10].entries()) await daysAgo(ids[n], days);
    expect(await connections.tasks.forgetQuietRuns(7, signal())).toBe(2);
    // The first one uploaded something; the last one is what health goes by.
    expect((await w.runs()).map(({ id }) => id)).toEqual([ids[0], ids[3]]);
  });
});

describe('the schedule', () => {
  const schedules = () =>
    w.query<{ name: string; cron: string; timezone: string }>('SELECT * FROM pgboss.schedule ORDER BY name');

  test('has the reconciliation in the time of the place, and none of it where it is turned off', async () => {
    await w.open({ concurrency: 0, schedule: { reconcile: '30 4 * * 1' } });
    const timezone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    expect(await schedules()).toMatchObject([
      { name: 'reconcile', cron: '30 4 * * 1', timezone },
      { name: 'restore-check', timezone },
    ]);
    await w.open({ concurrency: 0, schedule: null });
    expect(await schedules()).toHaveLength(2);
    await w.open({ concurrency: 0, schedule: { reconcile: null } });
    expect(await schedules()).toMatchObject([{ name: 'restore-check' }]);
  });

  test('tells when the reconciliation comes next, and that none does where it is turned off', async () => {
    const queue = await w.open({ concurrency: 0, schedule: { reconcile: '30 4 * * 1' } });
    const next = new Date(queue.nextReconcileAt() ?? '');
    expect([next.getDay(), next.getHours(), next.getMinutes()]).toEqual([1, 4, 30]);
    expect(next.getTime()).toBeGreaterThan(Date.now());
    expect(next.getTime()).toBeLessThan(Date.now() + 8 * 86_400_000);
    for (const schedule of [null, { reconcile: null }]) {
      expect((await w.open({ concurrency: 0, schedule })).nextReconcileAt()).toBeNull();
    }
  });

  test('takes no line that is none, and says which variable it came from', async () => {
    const wrong = w.open({ concurrency: 0, schedule: { reconcile: '99 3 * * *' } });
    await expect(wrong).rejects.toMatchObject({ code: 'BAD_CONFIG', field: 'RECONCILE_CRON' });
  });

  test('begins a reconciliation when its time comes', async () => {
    await w.open({ concurrency: 1, schedule: { reconcile: '* * * * *' } });
    const endMs = performance.now() + 100_000;
    while (!(await w.runs()).some(({ kind }) => kind === 'reconcile')) {
      if (performance.now() > endMs) throw new Error('its time did not come');
      await pause(200);
    }
    await w.open({ concurrency: 0, schedule: { reconcile: null } });
    expect(await ended('reconcile')).toMatchObject({ status: 'succeeded' });
  });
});

describe('the look at restores', () => {
  test('syncs a library when what it waits for can be read, and only then', async () => {
    w.write('a.jpg');
    await w.run();
    const CopySource = `${s3.bucket}/photos/a.jpg`;
    const archived = { Bucket: s3.bucket, Key: 'photos/a.jpg', CopySource, StorageClass: 'GLACIER' } as const;
    await s3.client.send(new CopyObjectCommand(archived));
    renameSync(join(w.root, 'a.jpg'), join(w.root, 'b.jpg'));
    expect(await w.run()).toMatchObject({ actions: { waiting: 1 }, photos: { moved: 1, new: 0, orphaned: 0 } });
    await w.service.restore({ library: 'test', days: 7, tier: 'Standard' }, signal());

    const runs = (await w.runs()).length;
    await checkRestores(parts(), signal());
    expect(await w.runs()).toHaveLength(runs);

    aheadMs = 2 * RESTORE_MS;
    await checkRestores(parts(), signal());
    const queued = (await w.runs()).filter(({ parentId }) => parentId === null).at(-1);
    expect(await w.queue.ended(queued?.id ?? '', signal())).toMatchObject({ actions: { moved: 1, waiting: 0 } });
    expect(await w.keys()).toEqual(['photos/b.jpg']);
    expect(await w.query('SELECT key FROM "ArchivedObject"')).toEqual([]);
  });
});

describe('the depth of the queue', () => {
  test('tells what waits and what is at work, by queue', async () => {
    // Nobody here looks at pictures, which reconciliations before this one have asked for.
    const [photos, ...others] = await w.queue.depth(signal());
    expect(photos).toMatchObject({ queue: 'process-photo', active: 0, dead: 0 });
    const quiet = { waiting: 0, active: 0, dead: 0 };
    const queues = ['reconcile', 'restore-check', 'sync-album', 'sync-library'];
    expect(others).toEqual(queues.map((queue) => ({ queue, ...quiet })));
    w.write('a/1.jpg');
    const lock = await w.catalog.port.lock({ library: w.library, album: 'a' }, signal());
    const { runId } = await w.queue.enqueue({ library: 'test', album: 'a' });
    const { waiting, active } = (await w.queue.depth(signal())).find(({ queue }) => queue === 'sync-album') ?? {};
    expect((waiting ?? 0) + (active ?? 0)).toBe(1);
    await lock.release();
    await w.queue.ended(runId, signal());
  });
});
