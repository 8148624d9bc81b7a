import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ActionRecord } from '../../src/sync/catalog-port.ts';
import type { Progress } from '../../src/sync/service.ts';
import { sumReports } from '../../src/sync/tally.ts';
import type { Library, Report } from '../../src/sync/types.ts';
import { never, openTestCatalog, type TestCatalog } from '../support/catalog.ts';

let world: TestCatalog;
let library: Library;
beforeAll(async () => {
  world = await openTestCatalog();
  library = await world.makeLibrary();
});
afterAll(() => world.close());

const NOBODY = randomUUID();

function progress(runId: string, change: Partial<Progress> = {}): Progress {
  return {
    ...{ runId, library: library.name, phase: 'working', scanned: 10, lastPath: 'a.jpg' },
    actions: { done: 1, total: 4 },
    bytes: { done: 100, total: 400 },
    ...change,
  };
}

function begin(more: { album?: string; parentId?: string; kind?: string } = {}): Promise<string> {
  const { album = null, kind = 'sync', ...rest } = more;
  return world.catalog.port.beginRun({ library, album, kind, policy: {}, ...rest });
}

/** As the queue makes them. */
async function queued(tasks: readonly string[] = [], parentId: string | null = null, over: Library | null = library) {
  const id = randomUUID();
  await world.sql(
    `INSERT INTO "Run" ("id", "libraryId", "parentId", "kind", "status", "policy") VALUES ($1, $2, $3, 'sync', 'queued', '{}')`,
    [id, over?.id ?? null, parentId],
  );
  for (const album of tasks) {
    await world.sql(`INSERT INTO "AlbumTask" ("runId", "album", "status") VALUES ($1, $2, 'queued')`, [id, album]);
  }
  return id;
}

async function statesOf(runId: string): Promise<string[]> {
  const rows = await world.sql(`SELECT "status" FROM "AlbumTask" WHERE "runId" = $1 ORDER BY "album"`, [runId]);
  return rows.map((row) => String(row['status']));
}

function report(runId: string, counts: Partial<Report['actions']>, bytes: number): Report {
  const empty = sumReports(runId, [], 5);
  return { ...empty, actions: { ...empty.actions, ...counts }, bytes: { uploaded: bytes, downloaded: 0 } };
}

test('the runs of a library that are no part of another over it: of one over several, its own part', async () => {
  const own = await world.makeLibrary();
  const start = (more: { album?: string; parentId?: string }) =>
    world.catalog.port.beginRun({ library: own, album: null, kind: 'sync', policy: {}, ...more });
  const several = await world.catalog.port.beginRun({ library: null, album: null, kind: 'sync', policy: {} });
  const part = await start({ parentId: several });
  await start({ parentId: part, album: 'a' });
  const alone = await start({});
  await start({ parentId: alone, album: 'b' });
  const { runs } = world.catalog.browser;
  const outermost = async (limit: number, cursor?: string) =>
    runs({ libraryId: own.id, parentId: null }, { limit, ...(cursor !== undefined && { cursor }) });
  expect((await outermost(10)).items.map(({ id }) => id).toSorted()).toEqual([part, alone].toSorted());
  const first = await outermost(1);
  const second = await outermost(1, first.nextCursor!);
  expect([...first.items, ...second.items].map(({ id }) => id).toSorted()).toEqual([part, alone].toSorted());
  expect(second.nextCursor).toBeNull();
});

describe('a pulse', () => {
  test('is what the history says of a run until the run has ended', async () => {
    const id = await begin();
    expect((await world.catalog.browser.run(id))?.progress).toBeNull();
    expect(await world.catalog.port.pulse(id, progress(id))).toEqual({ cancelled: false });
    const told = await world.catalog.browser.run(id);
    expect(told?.progress).toEqual({ ...progress(id), at: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/) });
    await world.catalog.port.finishRun(id, 'succeeded', sumReports(id, [], 5));
    await world.catalog.port.pulse(id, progress(id));
    expect(await world.catalog.browser.run(id)).toMatchObject({ status: 'succeeded', progress: null });
  });

  test('of a run that is gone with its library is no error', async () => {
    expect(await world.catalog.port.pulse(NOBODY, progress(NOBODY))).toEqual({ cancelled: false });
  });

  test('with a NUL or half a character in its path is told all the same', async () => {
    const id = await begin();
    await world.catalog.port.pulse(id, progress(id, { lastPath: 'a\0b\udc00' }));
    expect((await world.catalog.browser.run(id))?.progress?.lastPath).toBe('ab\u{fffd}');
  });

  test('learns that the run, the run it is a part of, or the one above that is to end', async () => {
    for (const level of [0, 1, 2]) {
      const top = await world.catalog.port.beginRun({ library: null, album: null, kind: 'sync', policy: {} });
      const middle = await begin({ parentId: top });
      const part = await begin({ parentId: middle, album: 'a' });
      const cancelled = [part, middle, top][level];
      expect(await world.catalog.port.pulse(part, progress(part))).toEqual({ cancelled: false });
      await world.sql(`UPDATE "Run" SET "cancelAt" = now() WHERE "id" = $1`, [cancelled]);
      expect(await world.catalog.port.pulse(part, progress(part))).toEqual({ cancelled: true });
    }
  });
});

describe('following a run', () => {
  test('answers nothing for an id that nothing has', async () => {
    expect(await world.catalog.browser.follow(NOBODY).read(never)).toBeNull();
    expect(await world.catalog.browser.follow('no uuid').read(never)).toBeNull();
  });

  test('tells a change from a heartbeat', async () => {
    const id = await begin();
    const follower = world.catalog.browser.follow(id);
    await world.catalog.port.pulse(id, progress(id));
    const first = await follower.read(never);
    expect(first).toMatchObject({ ...progress(id), status: 'running', cancelled: false, parts: [] });
    await world.sql('SELECT pg_sleep(0.01)');
    await world.catalog.port.pulse(id, progress(id));
    const still = await follower.read(never);
    expect(still?.heardMs).toBeGreaterThan(first?.heardMs ?? Number.POSITIVE_INFINITY);
    expect(still?.changedMs).toBe(first?.changedMs);
    await world.catalog.port.pulse(id, progress(id, { actions: { done: 2, total: 4 } }));
    const moved = await follower.read(never);
    expect(moved?.actions.done).toBe(2);
    expect(moved?.changedMs).toBeGreaterThan(first?.changedMs ?? Number.POSITIVE_INFINITY);
  });

  test('adds up the parts, those that have ended and those that wait included', async () => {
    const id = await queued(['', 'a', 'b', 'c', 'd']);
    await world.sql(`UPDATE "Run" SET "status" = 'running' WHERE "id" = $1`, [id]);
    const task = (album: string, status: string) =>
      world.sql(`UPDATE "AlbumTask" SET "status" = $3 WHERE "runId" = $1 AND "album" = $2`, [id, album, status]);
    const follower = world.catalog.browser.follow(id);
    const survey = await begin({ parentId: id, kind: 'survey' });
    const looked = { ...sumReports(survey, [], 5), photos: { ...sumReports('', [], 0).photos, existing: 40 } };
    await world.catalog.port.finishRun(survey, 'succeeded', looked);
    await task('', 'done');
    const a = await begin({ parentId: id, album: 'a' });
    await world.catalog.port.finishRun(a, 'partial', report(a, { uploaded: 2, adopted: 1, skipped: 9, failed: 1 }, 20));
    await task('a', 'done');
    const b = await begin({ parentId: id, album: 'b' });
    await world.catalog.port.pulse(b, progress(b, { lastPath: 'b/x.jpg' }));
    await task('b', 'running');
    await task('d', 'failed');
    const nothing = { done: 0, total: null };
    const expected = {
      status: 'running',
      phase: 'working',
      lastPath: 'b/x.jpg',
      actions: { done: 5, total: null },
      bytes: { done: 120, total: null },
      parts: [
        { runId: a, library: library.name, album: 'a', status: 'partial', actions: { done: 4, total: 4 } },
        { runId: b, album: 'b', status: 'running', actions: { done: 1, total: 4 }, bytes: { done: 100, total: 400 } },
        { runId: null, library: library.name, album: 'c', status: 'queued', actions: nothing },
        { runId: null, album: 'd', status: 'failed' },
        { runId: survey, album: null, status: 'succeeded' },
      ],
    };
    expect(await follower.read(never)).toMatchObject(expected);
    // What has ended is not read again, and still there.
    expect(await follower.read(never)).toMatchObject(expected);
    await world.catalog.port.finishRun(b, 'succeeded', report(b, { uploaded: 4 }, 400));
    await task('b', 'done');
    await task('c', 'cancelled');
    expect(await follower.read(never)).toMatchObject({ actions: { done: 8 }, bytes: { done: 420 } });
  });
});

describe('asking for the end of a run', () => {
  test('of one that goes is noted, and its end left to it', async () => {
    const id = await begin();
    const asked = await world.catalog.browser.cancel(id);
    expect(asked).toMatchObject({ id, status: 'running', cancelAt: expect.any(String), finishedAt: null });
    // Again: it stays as it is.
    expect((await world.catalog.browser.cancel(id))?.cancelAt).toBe(asked?.cancelAt);
    expect(await world.catalog.port.pulse(id, progress(id))).toEqual({ cancelled: true });
  });

  test('of one that waits ends it at once, and it is not begun any more', async () => {
    const id = await queued(['', 'a']);
    const ended = await world.catalog.browser.cancel(id);
    expect(ended).toMatchObject({ status: 'failed', finishedAt: expect.any(String), cancelAt: expect.any(String) });
    expect(ended?.report).toMatchObject({ runId: id, status: 'failed', error: { code: 'CANCELLED' } });
    expect(await statesOf(id)).toEqual(['cancelled', 'cancelled']);
    await expect(
      world.catalog.port.beginRun({ id, library, album: null, kind: 'sync', policy: {} }),
    ).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('of one without tasks that waits ends it too', async () => {
    const id = await queued();
    expect(await world.catalog.browser.cancel(id)).toMatchObject({ status: 'failed' });
  });

  test('ends the tasks that nobody has begun, and leaves those that go to their workers', async () => {
    const id = await queued(['a', 'b']);
    await world.sql(`UPDATE "Run" SET "status" = 'running' WHERE "id" = $1`, [id]);
    await world.sql(`UPDATE "AlbumTask" SET "status" = 'running' WHERE "runId" = $1 AND "album" = 'a'`, [id]);
    const part = await begin({ parentId: id, album: 'a' });
    expect(await world.catalog.browser.cancel(id)).toMatchObject({ status: 'running' });
    expect(await statesOf(id)).toEqual(['running', 'cancelled']);
    expect(await world.catalog.port.pulse(part, progress(part))).toEqual({ cancelled: true });
  });

  test('of several libraries ends those that wait, and all of it when nothing goes', async () => {
    const top = await queued([], null, null);
    const [one, two] = [await queued([''], top), await queued([''], top, await world.makeLibrary())];
    const ended = await world.catalog.browser.cancel(top);
    expect(ended).toMatchObject({ status: 'failed', report: { error: { code: 'CANCELLED' } } });
    for (const id of [one, two]) {
      expect(await world.catalog.browser.run(id)).toMatchObject({
        status: 'failed',
        cancelAt: expect.any(String),
        report: { error: { code: 'CANCELLED' } },
      });
    }
  });

  test('of several libraries, one after the other in one process, ends nothing that goes', async () => {
    const top = await world.catalog.port.beginRun({ library: null, album: null, kind: 'sync', policy: {} });
    const part = await begin({ parentId: top });
    expect(await world.catalog.browser.cancel(top)).toMatchObject({ status: 'running', report: null });
    expect(await world.catalog.browser.run(part)).toMatchObject({ status: 'running', report: null });
  });

  test('is refused when it is over, and unknown when there is none', async () => {
    const id = await begin();
    await world.catalog.port.finishRun(id, 'succeeded', sumReports(id, [], 5));
    await expect(world.catalog.browser.cancel(id)).rejects.toMatchObject({ code: 'RUN_ENDED', field: 'id' });
    expect(await world.catalog.browser.cancel(NOBODY)).toBeNull();
    expect(await world.catalog.browser.cancel('no uuid')).toBeNull();
  });
});

describe('a queued run', () => {
  test('becomes a running one, under its own id, and is not begun once it is over', async () => {
    const id = await queued();
    const again = { id, library, album: null, kind: 'sync', policy: {} };
    expect(await world.catalog.port.beginRun(again)).toBe(id);
    expect(await world.catalog.browser.run(id)).toMatchObject({ status: 'running' });
    // By whoever takes over from a process that died.
    expect(await world.catalog.port.beginRun(again)).toBe(id);
    await world.catalog.port.finishRun(id, 'succeeded', sumReports(id, [], 5));
    await expect(world.catalog.port.beginRun(again)).rejects.toMatchObject({ code: 'RUN_ENDED' });
    await expect(world.catalog.port.beginRun({ ...again, id: NOBODY })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('the list of runs', () => {
  test('can be had of a library, a kind, a status, an album, and a parent', async () => {
    const other = await world.makeLibrary();
    const parent = await world.catalog.port.beginRun({ library: other, album: null, kind: 'reconcile', policy: {} });
    const part = await world.catalog.port.beginRun({
      ...{ library: other, album: '2024/été', kind: 'sync', policy: {}, parentId: parent },
    });
    await world.catalog.port.finishRun(part, 'partial', sumReports(part, [], 5));
    const ids = async (filter: Parameters<typeof world.catalog.browser.runs>[0]) => {
      const { items } = await world.catalog.browser.runs(filter, { limit: 100 });
      return items.map((run) => run.id);
    };
    // Both may have begun in the same millisecond: either may come first.
    expect((await ids({ libraryId: other.id })).toSorted()).toEqual([part, parent].toSorted());
    expect(await ids({ kind: 'reconcile' })).toEqual([parent]);
    expect(await ids({ libraryId: other.id, status: 'partial' })).toEqual([part]);
    expect(await ids({ album: '2024/été' })).toEqual([part]);
    expect(await ids({ parentId: parent })).toEqual([part]);
    expect(await ids({ parentId: parent, kind: 'verify' })).toEqual([]);
    expect(await ids({ parentId: 'no uuid' })).toEqual([]);
  });
});

describe('the actions of a run', () => {
  test('come in pages in the order in which they were recorded, all or those of one outcome', async () => {
    const id = await begin();
    const record = (n: number): ActionRecord => ({
      ...{ kind: 'upload', path: `${n}.jpg`, key: `photos/${n}.jpg`, bytes: 2 ** 40 },
      ...(n % 3 === 0 ? { outcome: 'failed', code: 'OBJECT_DENIED', message: 'no' } : { outcome: 'done' }),
    });
    await world.catalog.port.recordActions(
      id,
      Array.from({ length: 7 }, (_, n) => record(n)),
    );
    const { actions } = world.catalog.browser;
    const first = await actions(id, {}, { limit: 5 });
    expect(first?.items.map(({ path }) => path)).toEqual(['0.jpg', '1.jpg', '2.jpg', '3.jpg', '4.jpg']);
    expect(first?.items[0]).toEqual({
      ...record(0),
      id: expect.stringMatching(/^\d+$/),
      at: expect.stringMatching(/Z$/),
    });
    expect(first?.items[1]).toMatchObject({ code: null, message: null, bytes: 2 ** 40 });
    const rest = await actions(id, {}, { limit: 5, cursor: first?.nextCursor ?? '' });
    expect(rest?.items.map(({ path }) => path)).toEqual(['5.jpg', '6.jpg']);
    expect(rest?.nextCursor).toBeNull();
    const failed = await actions(id, { outcome: 'failed' }, { limit: 5 });
    expect(failed?.items.map(({ path }) => path)).toEqual(['0.jpg', '3.jpg', '6.jpg']);
    expect(await actions(id, { outcome: 'unstable' }, { limit: 5 })).toEqual({ items: [], nextCursor: null });
    expect(await actions(NOBODY, {}, { limit: 5 })).toBeNull();
    expect(await actions('no uuid', {}, { limit: 5 })).toBeNull();
    await expect(actions(id, {}, { limit: 5, cursor: 'x' })).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });
});
