import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Spreader } from '../../src/sync/spread.ts';
import { createQueueWorld, type QueueWorld } from '../support/queue-world.ts';
import { move } from '../support/tree.ts';

let w: QueueWorld;
/** Between the survey and an album's run. */
let beforePart = () => {};

beforeAll(async () => {
  const spreader = (real: Spreader): Spreader => ({
    ...real,
    part: (...asked) => {
      beforePart();
      return real.part(...asked);
    },
  });
  w = await createQueueWorld({}, { spreader });
});
afterAll(() => w.close());
beforeEach(async () => {
  await w.wipe();
  await w.query('DELETE FROM "Run"');
  w.proxy.reset();
  beforePart = () => {};
});

describe("a library's sync that is spread over its albums", () => {
  test('adds up to what one run over the whole library would have said', async () => {
    for (const album of ['a', 'b', 'c/d', '.']) {
      for (const photo of ['1.jpg', '2.jpg', '3.jpg']) w.write(album === '.' ? photo : `${album}/${photo}`);
    }
    const first = await w.run();
    expect(first).toMatchObject({ status: 'succeeded', photos: { new: 12 }, actions: { uploaded: 12, skipped: 0 } });
    expect(await w.keys()).toHaveLength(12);

    w.write('a/4.jpg');
    w.remove('b/1.jpg');
    const second = await w.run();
    expect(second).toMatchObject({
      status: 'succeeded',
      photos: { new: 1, existing: 11, orphaned: 1, moved: 0 },
      actions: { uploaded: 1, skipped: 11, marked: 1 },
    });
    expect((await w.tasks(second.runId)).map(({ album }) => album)).toEqual(['', 'a', 'b']);
  });

  test('costs no run and no request for albums that have nothing to do', async () => {
    for (let album = 0; album < 20; album++) w.write(`album-${album}/1.jpg`);
    await w.run();
    w.proxy.reset();
    const again = await w.run();
    expect(again).toMatchObject({ photos: { existing: 20 }, actions: { skipped: 20 }, requests: { list: 1, head: 0 } });
    expect(w.proxy.seen).toHaveLength(1);
    expect(await w.tasks(again.runId)).toHaveLength(1);
  });

  test('counts a renamed photo once, though the album it came to has a run of its own', async () => {
    for (const photo of ['1.jpg', '2.jpg', '3.jpg']) w.write(`a/${photo}`);
    w.write('b/1.jpg');
    await w.run();
    move(w.root, 'a/1.jpg', 'b/came.jpg');
    w.write('b/new.jpg');
    w.proxy.reset();
    const report = await w.run();
    expect(report).toMatchObject({
      status: 'succeeded',
      photos: { new: 1, existing: 3, moved: 1, orphaned: 0 },
      actions: { moved: 1, uploaded: 1, skipped: 3 },
      bytes: { uploaded: 'bytes of b/new.jpg'.length },
      requests: { copy: 1 },
    });
    expect((await w.tasks(report.runId)).map(({ album }) => album)).toEqual(['', 'b']);
    expect(await w.states()).toMatchObject({ 'b/came.jpg': 'synced', 'b/new.jpg': 'synced' });
  });

  test('refuses as a whole what deletes too much of the library, and touches nothing', async () => {
    for (let photo = 10; photo < 40; photo++) w.write(`a/${photo}.jpg`);
    w.write('b/1.jpg');
    await w.run();
    for (let photo = 10; photo < 30; photo++) w.remove(`a/${photo}.jpg`);
    w.write('b/2.jpg');
    const report = await w.run({ orphans: 'delete', deleteNow: true });
    expect(report).toMatchObject({ status: 'refused', error: { code: 'GUARD_MAX_DELETE' } });
    expect(report.actions).toMatchObject({ deleted: 0, uploaded: 0 });
    expect(await w.keys()).toHaveLength(31);
    expect((await w.tasks(report.runId)).map(({ status, attempts }) => ({ status, attempts }))).toEqual([
      { status: 'failed', attempts: 1 },
    ]);
  });

  test('deletes a whole album where that is little of the library', async () => {
    for (let photo = 10; photo < 70; photo++) w.write(`a/${photo}.jpg`);
    for (let photo = 10; photo < 22; photo++) w.write(`b/${photo}.jpg`);
    await w.run();
    w.remove('b');
    const report = await w.run({ orphans: 'delete', deleteNow: true });
    expect(report).toMatchObject({ status: 'succeeded', photos: { orphaned: 12 }, actions: { deleted: 12 } });
    expect(await w.keys()).toHaveLength(60);
    expect(report.warnings).toEqual([]);
  });

  test('never marks or deletes what was still there when the library was surveyed', async () => {
    for (const photo of ['1.jpg', '2.jpg', '3.jpg']) w.write(`a/${photo}`);
    await w.run();
    w.remove('a/1.jpg');
    beforePart = () => w.remove('a/2.jpg');
    const report = await w.run({ orphans: 'delete', deleteNow: true });
    expect(report).toMatchObject({ actions: { deleted: 1 } });
    expect(await w.states()).toEqual({ 'a/2.jpg': 'synced', 'a/3.jpg': 'synced' });
    expect(await w.keys()).toHaveLength(2);
  });

  test('refuses an empty root', async () => {
    w.write('a/1.jpg');
    await w.run();
    w.remove('a');
    expect(await w.run()).toMatchObject({ status: 'refused', error: { code: 'GUARD_EMPTY_ROOT' } });
    expect(await w.states()).toEqual({ 'a/1.jpg': 'synced' });
  });

  test('syncs both ways, albums that only the bucket has among them', async () => {
    w.write('here/1.jpg');
    await w.put('photos/there/2.jpg', 'from afar');
    const report = await w.run({ direction: 'both' });
    expect(report).toMatchObject({
      status: 'succeeded',
      actions: { uploaded: 1, downloaded: 1 },
      files_uploaded: 1,
      files_downloaded: 1,
    });
    expect(readFileSync(join(w.root, 'there/2.jpg'), 'utf8')).toBe('from afar');
    const again = await w.run({ direction: 'both' });
    expect(again).toMatchObject({ actions: { skipped: 2 }, files_skipped_download: 2, files_skipped_upload: 2 });
    expect(await w.tasks(again.runId)).toHaveLength(1);
  });

  test('a dry run answers the plan of the library in one piece', async () => {
    w.write('a/1.jpg');
    w.write('b/2.jpg');
    const report = await w.run({ dryRun: true });
    expect(report).toMatchObject({ status: 'planned', photos: { new: 2 } });
    expect(report.plan?.map(({ path }) => path)).toEqual(['a/1.jpg', 'b/2.jpg']);
    expect(await w.keys()).toEqual([]);
  });

  test('a conflict is told by the survey and costs its album nothing', async () => {
    w.write('a/1.jpg', 'of the disk');
    await w.put('photos/a/1.jpg', 'of the bucket, longer');
    const report = await w.run();
    expect(report).toMatchObject({ status: 'partial', photos: { new: 1 }, actions: { conflicts: 1 } });
    expect(report.conflicts).toMatchObject([{ path: 'a/1.jpg' }]);
    expect(await w.tasks(report.runId)).toHaveLength(1);
  });
});

describe('a queued run', () => {
  test('over one album is that album alone', async () => {
    w.write('a/1.jpg');
    w.write('b/1.jpg');
    const report = await w.run({ album: 'a' });
    expect(report).toMatchObject({ status: 'succeeded', actions: { uploaded: 1 } });
    expect(await w.keys()).toEqual(['photos/a/1.jpg']);
  });

  test('over everything has a run for each library, and their sum', async () => {
    const { id: other } = await w.catalog.libraries.create({
      name: 'other',
      root: join(w.root, 'other'),
      bucket: w.bucket,
      prefix: 'other/',
      excludes: [],
    });
    w.write('other/x.jpg');
    w.write('a/1.jpg');
    const { runId } = await w.queue.enqueue({});
    expect((await w.runs()).map(({ status }) => status)).toContain('queued');
    const report = await w.queue.ended(runId, AbortSignal.timeout(150_000));
    // The one folder lies in the other.
    expect(report).toMatchObject({ runId, status: 'succeeded', photos: { new: 3 }, actions: { uploaded: 3 } });
    const runs = await w.runs();
    expect(runs.find(({ id }) => id === runId)).toMatchObject({ status: 'succeeded', parentId: null });
    expect(runs.filter(({ parentId }) => parentId === runId)).toHaveLength(2);
    await w.catalog.libraries.remove(other);
  });

  test('over everything where there is no library ends at once', async () => {
    const empty = await createQueueWorld();
    try {
      await empty.catalog.libraries.remove(empty.library.id);
      const { runId } = await empty.queue.enqueue({});
      expect(await empty.queue.ended(runId, AbortSignal.timeout(150_000))).toMatchObject({ status: 'succeeded' });
    } finally {
      await empty.close();
    }
  });

  test.each([
    [{ library: 'nobody' }, 'NOT_FOUND'],
    [{ library: 'test', album: 'nowhere' }, 'NOT_FOUND'],
    [{ library: 'test', album: '../etc' }, 'BAD_INPUT'],
    [{ library: 'test', maxDelete: 'many' }, 'BAD_INPUT'],
    [{ library: 'test', direction: 'down', moves: true }, 'BAD_INPUT'],
  ] as const)('for %j is refused when it is asked for: %s', async (request, code) => {
    await expect(w.queue.enqueue(request)).rejects.toMatchObject({ code });
    expect(await w.runs()).toEqual([]);
  });
});
