import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { openQueueConnections } from '../../src/catalog/queue-connections.ts';
import { RollcallError } from '../../src/errors.ts';
import type { Spreader } from '../../src/sync/spread.ts';
import { sumLibraries, sumTasks } from '../../src/sync/sum-tasks.ts';
import { createQueueWorld, type QueueWorld } from '../support/queue-world.ts';

let w: QueueWorld;
/** What befalls the engine's runs over albums. */
let part: (real: Spreader['part'], ...asked: Parameters<Spreader['part']>) => ReturnType<Spreader['part']>;
const usually: typeof part = (real, ...asked) => real(...asked);

beforeAll(async () => {
  const spreader = (real: Spreader): Spreader => ({ ...real, part: (...asked) => part(real.part, ...asked) });
  w = await createQueueWorld({ stableSeconds: 0 }, { spreader });
});
afterAll(() => w.close());
beforeEach(async () => {
  part = usually;
  await w.wipe();
  await w.query('DELETE FROM "Run"');
});
afterEach(() => w.proxy.reset());

const signal = () => AbortSignal.timeout(150_000);

async function until(what: () => Promise<boolean>, seconds = 100): Promise<void> {
  const endMs = performance.now() + seconds * 1_000;
  while (!(await what())) {
    if (performance.now() > endMs) throw new Error('it did not come about');
    await pause(50);
  }
}

describe('what fails', () => {
  test('is tried again after a pause when the bucket was out of reach, and the attempts add up', async () => {
    w.write('b/1.jpg');
    await w.run();
    for (let photo = 0; photo < 6; photo++) w.write(`a/${photo}.jpg`);
    let sent = 0;
    w.proxy.fail(({ method }) => (method === 'PUT' && ++sent > 3 ? { kind: 'break-before' } : null));
    const { runId } = await w.queue.enqueue({ library: 'test' });
    await until(async () => (await w.runs()).some(({ album, status }) => album === 'a' && status === 'partial'));
    expect((await w.runs()).find(({ id }) => id === runId)).toMatchObject({ status: 'running', report: null });
    w.proxy.reset();
    const report = await w.queue.ended(runId, signal());
    expect(report).toMatchObject({
      status: 'succeeded',
      actions: { uploaded: 6, skipped: 1, failed: 0 },
      bytes: { uploaded: 6 * 'bytes of a/0.jpg'.length },
      failures: [],
    });
    expect(report.photos.new + report.photos.existing).toBe(7);
    const [task] = (await w.tasks(runId)).filter(({ album }) => album === 'a');
    expect(task?.status).toBe('done');
    expect(task?.attempts).toBeGreaterThan(1);
    expect(await w.keys()).toHaveLength(7);
    expect(await w.rows()).toHaveLength(7);
  });

  test('is not tried again when it would fail in the same way', async () => {
    w.write('a/1.jpg');
    w.write('a/2.jpg');
    w.proxy.fail(({ method, path }) =>
      method === 'PUT' && path.endsWith('1.jpg')
        ? { kind: 'answer', status: 403, body: '<Error><Code>AccessDenied</Code></Error>' }
        : null,
    );
    const report = await w.run();
    expect(report).toMatchObject({ status: 'partial', actions: { uploaded: 1, failed: 1 } });
    expect(report.failures).toMatchObject([{ path: 'a/1.jpg', code: 'OBJECT_DENIED' }]);
    expect((await w.tasks(report.runId)).map(({ attempts }) => attempts)).toEqual([1, 1]);
  });

  test('is given up in the end: it is among the failures, and its job among the dead', async () => {
    w.write('a/1.jpg');
    w.write('b/1.jpg');
    const before = await w.queue.depth(signal());
    const limited = Promise.withResolvers<void>();
    part = async (real, asked, ...more) => {
      if (asked.scope.album !== 'a') return real(asked, ...more);
      await limited.promise;
      throw new RollcallError('BUCKET_UNREACHABLE', 'made to order');
    };
    const { runId } = await w.queue.enqueue({ library: 'test' });
    await until(async () => (await w.tasks(runId)).some(({ attempts, album }) => attempts === 1 && album === 'a'));
    // Seven attempts take minutes: the one after this is the last.
    await w.query(`UPDATE pgboss.job SET retry_limit = 1 WHERE name = 'sync-album' AND state < 'completed'`);
    limited.resolve();
    const report = await w.queue.ended(runId, signal());
    expect(report).toMatchObject({ status: 'partial', actions: { uploaded: 1 } });
    expect(report.failures).toEqual([{ path: 'a', code: 'BUCKET_UNREACHABLE', message: 'made to order' }]);
    expect((await w.tasks(runId)).find(({ album }) => album === 'a')).toMatchObject({
      status: 'failed',
      attempts: 2,
      lastError: 'BUCKET_UNREACHABLE: made to order',
    });
    const dead = async () => (await w.queue.depth(signal())).find(({ queue }) => queue === 'sync-album')?.dead ?? 0;
    await until(async () => (await dead()) === (before.find(({ queue }) => queue === 'sync-album')?.dead ?? 0) + 1);
  });
});

describe('a machine on which the library is not mounted', () => {
  const missing = () => Promise.reject(new RollcallError('GUARD_ROOT_MISSING', 'not mounted here'));

  test('leaves it to others, without an attempt lost', async () => {
    w.write('a/1.jpg');
    let turns = 0;
    part = (real, ...asked) => (++turns < 3 ? missing() : real(...asked));
    const report = await w.run({ album: 'a' });
    expect(report).toMatchObject({ status: 'succeeded', actions: { uploaded: 1 }, failures: [] });
    expect(await w.tasks(report.runId)).toMatchObject([{ attempts: 3 }]);
  });

  test('refuses the run when no other has it either', async () => {
    w.write('a/1.jpg');
    part = missing;
    const report = await w.run({ album: 'a' });
    expect(report).toMatchObject({ error: { code: 'GUARD_ROOT_MISSING' }, actions: { uploaded: 0 } });
    expect(await w.tasks(report.runId)).toMatchObject([{ status: 'failed', attempts: 4 }]);
  });
});

describe('what another run is at', () => {
  test('is waited for, and no attempt is lost', async () => {
    w.write('a/1.jpg');
    const lock = await w.catalog.port.lock({ library: w.library, album: 'a' }, signal());
    const { runId } = await w.queue.enqueue({ library: 'test', album: 'a' });
    await until(async () => (await w.tasks(runId)).some(({ attempts }) => attempts >= 2));
    await lock.release();
    expect(await w.queue.ended(runId, signal())).toMatchObject({ status: 'succeeded', actions: { uploaded: 1 } });
    const jobs = await w.query<{ tries: number }>(
      `SELECT DISTINCT (retry_limit - retry_count)::int AS tries FROM pgboss.job WHERE data ->> 'taskId' IN
         (SELECT id::text FROM "AlbumTask" WHERE "runId" = $1)`,
      [runId],
    );
    expect(jobs).toEqual([{ tries: 6 }]);
  });

  test('is not waited for without end', async () => {
    w.write('a/1.jpg');
    await w.restart({ longestWaitMs: 2_000 });
    onTestFinished(() => w.restart());
    const lock = await w.catalog.port.lock({ library: w.library, album: 'a' }, signal());
    const report = await w.run({ album: 'a' });
    expect(report).toMatchObject({ status: 'failed', error: { code: 'SYNC_IN_PROGRESS' } });
    await lock.release();
  });
});

describe('the end of a run', () => {
  test('comes once, with everything in it, when all its tasks end at the same time', async () => {
    let sums = 0;
    const counting = {
      libraries: sumLibraries,
      tasks: (...asked: Parameters<typeof sumTasks>) => {
        sums += 1;
        return sumTasks(...asked);
      },
    };
    const { tasks, close } = openQueueConnections({ url: w.databaseUrl, maxConnections: 20 }, counting);
    try {
      const made = Array.from({ length: 60 }, (_, n) => ({ id: crypto.randomUUID(), album: `album ${n}` }));
      const run = {
        id: crypto.randomUUID(),
        library: w.library,
        parentId: null,
        album: null,
        kind: 'sync',
        policy: {},
      };
      await tasks.queue([{ ...run, tasks: made }], async () => {});
      await Promise.all(
        made.map(async ({ id }) => {
          await tasks.begin(id);
          // Twice, as after an answer that was lost.
          const end = { status: 'failed', partId: null, error: { code: 'DISK_FULL', message: `of ${id}` } } as const;
          await Promise.all([tasks.end(id, end), tasks.end(id, end)]);
        }),
      );
      expect(sums).toBe(1);
      const report = await w.queue.ended(run.id, signal());
      expect(report.failures).toHaveLength(60);
      expect(report.status).toBe('failed');
    } finally {
      await close();
    }
  });

  test('is not taken for abandoned while it waits; a part whose process died is', async () => {
    const { tasks, close } = openQueueConnections(
      { url: w.databaseUrl, maxConnections: 2 },
      { libraries: sumLibraries, tasks: sumTasks },
    );
    try {
      const task = { id: crypto.randomUUID(), album: 'a' };
      const [all, one] = [crypto.randomUUID(), crypto.randomUUID()];
      const run = { album: null, kind: 'sync', policy: {} };
      await tasks.queue(
        [
          { ...run, id: all, library: null, parentId: null, tasks: [] },
          { ...run, id: one, library: w.library, parentId: all, tasks: [task] },
        ],
        async () => {},
      );
      const states = async () => Object.fromEntries((await w.runs()).map(({ id, status }) => [id, status]));
      expect(await w.catalog.closeAbandonedRuns(signal())).toBe(0);
      await tasks.begin(task.id);
      const dead = await w.catalog.port.beginRun({ ...run, library: w.library, album: 'a', parentId: one });
      await w.query(`UPDATE "Run" SET "startedAt" = now() - interval '2 days'`);
      await w.catalog.closeAbandonedRuns(signal());
      expect(await states()).toEqual({ [all]: 'running', [one]: 'running', [dead]: 'failed' });
      await tasks.end(task.id, { status: 'done', partId: null, error: null });
      expect(await states()).toEqual({ [all]: 'succeeded', [one]: 'succeeded', [dead]: 'failed' });
    } finally {
      await close();
    }
  });

  test('comes for a task whose job is gone, as a failure', async () => {
    w.write('a/1.jpg');
    const held = Promise.withResolvers<void>();
    part = async () => {
      await held.promise;
      throw new RollcallError('BUCKET_UNREACHABLE', 'made to order');
    };
    const { runId } = await w.queue.enqueue({ library: 'test' });
    await until(async () => (await w.tasks(runId)).some(({ album, status }) => album === 'a' && status === 'running'));
    await w.query(`DELETE FROM pgboss.job WHERE name = 'sync-album' AND state < 'completed'`);
    held.resolve();
    await w.query(`UPDATE "AlbumTask" SET "updatedAt" = now() - interval '5 minutes'`);
    await until(async () => {
      await w.query(`UPDATE "AlbumTask" SET "updatedAt" = now() - interval '5 minutes' WHERE "status" = 'queued'`);
      return (await w.tasks(runId)).every(({ status }) => status !== 'queued' && status !== 'running');
    });
    const report = await w.queue.ended(runId, signal());
    expect(report).toMatchObject({ status: 'partial', failures: [{ path: 'a', code: 'INTERNAL' }] });
  });

  test('comes for a task whose workers died one after the other, as a failure', async () => {
    w.write('a/1.jpg');
    part = (_real, _asked, _hooks, until) =>
      new Promise((_, reject) => until.addEventListener('abort', () => reject(until.reason), { once: true }));
    const { runId } = await w.queue.enqueue({ library: 'test' });
    await until(async () => (await w.tasks(runId)).some(({ album, status }) => album === 'a' && status === 'running'));
    await w.query(`UPDATE pgboss.job SET retry_limit = 0, heartbeat_on = now() - interval '1 hour'
      WHERE name = 'sync-album' AND state = 'active'`);
    await until(async () => {
      await w.query(`UPDATE "AlbumTask" SET "updatedAt" = now() - interval '5 minutes' WHERE "status" = 'running'`);
      return (await w.tasks(runId)).every(({ status }) => status !== 'queued' && status !== 'running');
    });
    const report = await w.queue.ended(runId, signal());
    expect(report).toMatchObject({ status: 'partial', failures: [{ path: 'a', code: 'INTERNAL' }] });
  });

  test('that was asked for comes: what goes stops, what waits is not begun', async () => {
    for (let album = 0; album < 6; album++) for (let p = 0; p < 4; p++) w.write(`album ${album}/${p}.jpg`);
    const asked = Promise.withResolvers<void>();
    w.proxy.fail(({ method }) => (method === 'PUT' ? { kind: 'after', first: () => asked.promise } : null));
    const { runId } = await w.queue.enqueue({ library: 'test' });
    await until(async () => (await w.runs()).some(({ album }) => album !== null));
    expect(await w.catalog.browser.cancel(runId)).toMatchObject({ id: runId });
    asked.resolve();
    const report = await w.queue.ended(runId, signal());
    expect(report.error).toMatchObject({ code: 'CANCELLED' });
    expect(['partial', 'failed']).toContain(report.status);
    const albums = (await w.runs()).filter(({ album }) => album !== null);
    expect(albums.length).toBeLessThan(6);
    const ended = await w.tasks(runId);
    expect(ended.every(({ status }) => status === 'done' || status === 'cancelled')).toBe(true);
    // The next sync goes on from there.
    w.proxy.reset();
    await w.run();
    expect(await w.keys()).toHaveLength(24);
  });
});

describe('a process that is stopped', () => {
  test('gives back what it has not finished, and another goes on without an attempt lost', async () => {
    for (let photo = 0; photo < 30; photo++) w.write(`a/${photo}.jpg`);
    w.proxy.fail(({ method }) => (method === 'PUT' ? { kind: 'after', first: () => pause(100) } : null));
    const { runId } = await w.queue.enqueue({ library: 'test' });
    await until(async () => (await w.rows()).length > 0);
    await w.restart();
    expect((await w.tasks(runId)).find(({ album }) => album === 'a')).toMatchObject({ attempts: 1 });
    w.proxy.reset();
    expect(await w.queue.ended(runId, signal())).toMatchObject({ status: 'succeeded', actions: { uploaded: 30 } });
    expect(await w.keys()).toHaveLength(30);
    const retries = await w.query(`SELECT DISTINCT retry_count::int AS n FROM pgboss.job WHERE name = 'sync-album'
      AND data ->> 'taskId' IN (SELECT id::text FROM "AlbumTask" WHERE "runId" = '${runId}')`);
    expect(retries).toEqual([{ n: 0 }]);
  });
});
