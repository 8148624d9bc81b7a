import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { printPlan, readPlan, type SavedPlan } from '../../src/sync/plan-file.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.close());

/** What a run wrote to the bucket. */
const writes = ({
  requests: { put, copy, delete: deletes },
}: {
  requests: Record<'put' | 'copy' | 'delete', number>;
}) => put + copy + deletes;

describe('a first sync', () => {
  test('uploads every photo, records it, and says so', async () => {
    world.write('a.jpg', 'aaa');
    world.write('2024/summer/b.jpg', 'bbbb');
    const report = await world.sync();
    expect(report).toMatchObject({
      status: 'succeeded',
      photos: { new: 2, existing: 0 },
      actions: { uploaded: 2, skipped: 0, failed: 0 },
      bytes: { uploaded: 7 },
      requests: { list: 1, head: 0, put: 2 },
      failures: [],
    });
    expect(await world.keys()).toEqual(['photos/2024/summer/b.jpg', 'photos/a.jpg']);
    expect(await world.read('photos/a.jpg')).toBe('aaa');
    expect(await world.states()).toEqual({ '2024/summer/b.jpg': 'synced', 'a.jpg': 'synced' });
  });

  test('carries the modification time and the content type', async () => {
    world.write('a.jpg', 'aaa', 1_700_000_000.25);
    await world.sync();
    const head = await fetchHead(world, 'photos/a.jpg');
    expect(head.ContentType).toBe('image/jpeg');
    expect(Number(head.Metadata?.['mtime'])).toBe(1_700_000_000.25);
  });

  test('of names that are hard on keys puts each under its own, and finds each again', async () => {
    const names = [
      'a b.jpg',
      'a+b.jpg',
      'a%20b.jpg',
      'a\'b".jpg',
      'ä😀.jpg',
      'a&b<c>.jpg',
      'a?b#c.jpg',
      '.hidden.jpg',
      'a.b',
    ];
    for (const name of names) world.write(name);
    const first = await world.sync();
    expect(first.actions).toMatchObject({ uploaded: names.length, failed: 0 });
    expect(await world.keys()).toHaveLength(names.length);
    expect((await world.sync()).actions).toMatchObject({ uploaded: 0, skipped: names.length });
  });

  test('leaves out temporary files', async () => {
    for (const name of [
      'temp_a.jpg',
      '.~b.jpg',
      'c.part',
      'd.tmp',
      '.DS_Store',
      'Thumbs.db',
      '@eaDir/e.jpg',
      'f.jpg',
    ]) {
      world.write(name);
    }
    await world.sync();
    expect(await world.keys()).toEqual(['photos/f.jpg']);
  });
});

describe('the second sync', () => {
  test('changes nothing and sends nothing', async () => {
    for (let i = 0; i < 30; i++) world.write(`album/${i}.jpg`);
    await world.sync();
    const rows = await world.rows();
    const report = await world.sync();
    expect(report.actions).toMatchObject({ uploaded: 0, reuploaded: 0, updated: 0, marked: 0, skipped: 30 });
    expect(writes(report)).toBe(0);
    expect(report.requests.head).toBe(0);
    expect(await world.rows()).toEqual(rows);
  });

  test('uploads again an object that was deleted behind its back, and says so', async () => {
    world.write('a.jpg');
    world.write('b.jpg');
    await world.sync();
    await world.deleteObject('photos/a.jpg');
    const report = await world.sync();
    expect(report.actions).toMatchObject({ reuploaded: 1, skipped: 1 });
    expect(world.logged).toContain('Existing photo missing from S3, will re-upload: a.jpg');
    expect(await world.keys()).toEqual(['photos/a.jpg', 'photos/b.jpg']);
  });

  test('marks the row of a deleted file as orphaned and keeps its object', async () => {
    world.write('a.jpg');
    world.write('b.jpg');
    await world.sync();
    world.remove('a.jpg');
    const report = await world.sync();
    expect(report).toMatchObject({ photos: { orphaned: 1 }, actions: { marked: 1, deleted: 0 } });
    expect(await world.states()).toEqual({ 'a.jpg': 'orphaned', 'b.jpg': 'synced' });
    expect(await world.keys()).toEqual(['photos/a.jpg', 'photos/b.jpg']);
    expect((await world.sync()).actions.marked).toBe(0);
  });

  test('takes an orphan back when its file returns', async () => {
    world.write('a.jpg');
    world.write('b.jpg');
    await world.sync();
    world.remove('a.jpg');
    await world.sync();
    world.write('a.jpg');
    const report = await world.sync();
    expect(writes(report)).toBe(0);
    expect(await world.states()).toEqual({ 'a.jpg': 'synced', 'b.jpg': 'synced' });
  });

  test('names a photo that is gone from disk and bucket as lost, first thing', async () => {
    world.write('a.jpg');
    world.write('b.jpg');
    await world.sync();
    world.remove('a.jpg');
    await world.deleteObject('photos/a.jpg');
    for (let run = 0; run < 2; run++) {
      const report = await world.sync();
      expect(report.photos.lost).toBe(1);
      expect(report.warnings[0]).toContain('LOST, gone from disk and bucket both: a.jpg');
      expect((await world.states())['a.jpg']).toBe('lost');
    }
    expect((await world.sync({ orphans: 'delete', deleteNow: true })).actions.deleted).toBe(1);
    expect((await world.sync()).photos.lost).toBe(0);
  });

  test('replaces the object of an edited file, and only that', async () => {
    world.write('a.jpg', 'first');
    world.write('b.jpg');
    await world.sync();
    world.write('a.jpg', 'edited', 1_650_000_000);
    const report = await world.sync();
    expect(report).toMatchObject({ photos: { changed: 1 }, actions: { reuploaded: 1, skipped: 1 } });
    expect(await world.read('photos/a.jpg')).toBe('edited');
  });

  test('sees an edit that kept the size', async () => {
    world.write('a.jpg', 'aaaa');
    await world.sync();
    world.write('a.jpg', 'bbbb', 1_650_000_000);
    expect((await world.sync()).actions.reuploaded).toBe(1);
    expect(await world.read('photos/a.jpg')).toBe('bbbb');
  });

  test('uploads nothing for a file that was only touched, and remembers its new time', async () => {
    world.write('a.jpg', 'aaaa');
    await world.sync();
    world.write('a.jpg', 'aaaa', 1_650_000_000);
    const touched = await world.sync();
    expect(touched.actions).toMatchObject({ reuploaded: 0, updated: 1, skipped: 1 });
    expect(writes(touched)).toBe(0);
    expect((await world.sync()).actions).toMatchObject({ updated: 0, skipped: 1 });
  });
});

describe('after the catalog was wiped', () => {
  test('everything is adopted and nothing uploaded', async () => {
    world.write('a.jpg');
    world.write('2024/b.jpg');
    world.write('empty.jpg', '');
    await world.sync();
    await world.query('DELETE FROM "Photo"');
    const report = await world.sync();
    expect(report).toMatchObject({
      photos: { new: 3 },
      actions: { adopted: 3, skipped: 3, uploaded: 0, reuploaded: 0 },
      bytes: { uploaded: 0 },
    });
    expect(writes(report)).toBe(0);
    expect((await world.sync()).actions).toMatchObject({ skipped: 3, adopted: 0 });
  });

  test('another photo of the same size under the same name is a conflict, not an adoption', async () => {
    world.write('a.jpg', 'mine');
    await world.put('photos/a.jpg', 'your');
    const report = await world.sync();
    expect(report).toMatchObject({
      actions: { conflicts: 1, adopted: 0, uploaded: 0 },
      conflicts: [{ path: 'a.jpg' }],
    });
    expect(await world.read('photos/a.jpg')).toBe('your');
    expect(await world.states()).toEqual({ 'a.jpg': 'conflict' });
    expect((await world.sync({ overwrite: 'source' })).actions.reuploaded).toBe(1);
    expect(await world.read('photos/a.jpg')).toBe('mine');
    expect(await world.states()).toEqual({ 'a.jpg': 'synced' });
  });
});

describe('both sides changed', () => {
  beforeEach(async () => {
    world.write('a.jpg', 'agreed');
    await world.sync();
    world.write('a.jpg', 'disk edit', 1_650_000_000);
    await world.put('photos/a.jpg', 'bucket edit!');
  });
  test('is a conflict that touches neither side', async () => {
    const report = await world.sync();
    expect(report).toMatchObject({ status: 'partial', actions: { conflicts: 1, reuploaded: 0 } });
    expect(await world.read('photos/a.jpg')).toBe('bucket edit!');
    expect((await world.sync()).actions.conflicts).toBe(1);
  });
  test('is replaced when the source is told to win', async () => {
    expect((await world.sync({ overwrite: 'source' })).actions.reuploaded).toBe(1);
    expect(await world.read('photos/a.jpg')).toBe('disk edit');
  });
});

test('an incomplete object is replaced, unless nothing may be', async () => {
  world.write('a.jpg', 'whole photo');
  await world.put('photos/a.jpg', 'whole');
  expect((await world.sync({ overwrite: 'never' })).actions).toMatchObject({ conflicts: 1, reuploaded: 0 });
  expect((await world.sync()).actions.reuploaded).toBe(1);
  expect(await world.read('photos/a.jpg')).toBe('whole photo');
});

test('a shorter object that is another photo is a conflict, not an incomplete one', async () => {
  world.write('a.jpg', 'a whole photo');
  await world.put('photos/a.jpg', 'another');
  expect((await world.sync()).actions).toMatchObject({ conflicts: 1, reuploaded: 0 });
  expect(await world.read('photos/a.jpg')).toBe('another');
});

test('objects that nobody knows are counted and left alone', async () => {
  world.write('a.jpg');
  await world.put('photos/stranger.jpg', 'x');
  await world.put('elsewhere/b.jpg', 'y');
  await world.put('photos/folder/', '');
  const report = await world.sync();
  expect(report.photos.untracked).toBe(1);
  expect(await world.keys()).toHaveLength(4);
});

describe('an album run', () => {
  beforeEach(() => {
    world.write('2024/summer/a.jpg');
    world.write('2024/summer/deep/b.jpg');
    world.write('2024/c.jpg');
  });

  test('covers the files directly in the album', async () => {
    const report = await world.sync({ album: '2024/summer' });
    expect(report.actions.uploaded).toBe(1);
    expect(await world.keys()).toEqual(['photos/2024/summer/a.jpg']);
  });

  test('asks for a handful of photos by HEAD, and lists more than that', async () => {
    expect((await world.sync({ album: '2024/summer' })).requests).toMatchObject({ head: 2, list: 0 });
    for (let i = 0; i < 13; i++) world.write(`2024/summer/${i}.jpg`);
    await world.sync({ album: '2024/summer' });
    const report = await world.sync({ album: '2024/summer' });
    expect(report.requests).toMatchObject({ head: 0, list: 1 });
    expect(report.actions.skipped).toBe(14);
  });

  test('logs what it does in these words', async () => {
    await world.sync({ album: '2024/summer' });
    expect(world.logged).toEqual(
      expect.arrayContaining(['Processing 1 new photos in batches of 5', 'Uploading new photo: a.jpg']),
    );
    await world.sync({ album: '2024/summer' });
    expect(world.logged).toEqual([
      'Checking 1 existing photos for S3 presence',
      'Photo already exists in S3, skipping upload: a.jpg',
    ]);
  });

  test('of an album that does not exist is refused', async () => {
    await expect(world.sync({ album: '2025' })).rejects.toMatchObject({ code: 'NOT_FOUND', field: 'album' });
  });

  test('of an album whose folder was deleted marks its photos', async () => {
    await world.sync();
    world.remove('2024/summer');
    const report = await world.sync({ album: '2024/summer' });
    expect(report.actions.marked).toBe(1);
    expect(await world.states()).toMatchObject({
      '2024/summer/a.jpg': 'orphaned',
      '2024/summer/deep/b.jpg': 'synced',
    });
  });
});

test('a dry run plans all and touches nothing', async () => {
  world.write('a.jpg');
  world.write('b.jpg');
  await world.sync();
  world.write('c.jpg');
  world.remove('b.jpg');
  const [rows, keys] = [await world.rows(), await world.keys()];
  const report = await world.sync({ dryRun: true });
  expect(report).toMatchObject({ status: 'planned', actions: { uploaded: 1, marked: 1, skipped: 1 } });
  expect(report.plan?.map(({ kind, path }) => `${kind} ${path}`)).toEqual(['mark b.jpg', 'upload c.jpg']);
  expect(writes(report)).toBe(0);
  expect(await world.rows()).toEqual(rows);
  expect(await world.keys()).toEqual(keys);
});

test('a dry run against a bucket never seen before writes nothing to it', async () => {
  world.write('a.jpg');
  const report = await world.sync({ dryRun: true });
  expect(writes(report)).toBe(0);
  expect(world.proxy.seen.map(({ method }) => method)).toEqual(world.proxy.seen.map(() => 'GET'));
});

describe('deleting orphans', () => {
  beforeEach(async () => {
    for (let i = 0; i < 20; i++) world.write(`${i}.jpg`);
    await world.sync();
  });

  test('waits for the days of grace, then removes object and row', async () => {
    world.remove('3.jpg');
    expect((await world.sync({ orphans: 'delete' })).actions).toMatchObject({ marked: 1, deleted: 0 });
    world.clock.nowMs += 29 * 86_400_000;
    expect((await world.sync({ orphans: 'delete' })).actions.deleted).toBe(0);
    world.clock.nowMs += 2 * 86_400_000;
    expect((await world.sync({ orphans: 'delete' })).actions.deleted).toBe(1);
    expect(await world.keys()).not.toContain('photos/3.jpg');
    expect(await world.rows()).toHaveLength(19);
  });

  test('at once when asked to', async () => {
    world.remove('3.jpg');
    const report = await world.sync({ orphans: 'delete', deleteNow: true });
    expect(report.actions).toMatchObject({ deleted: 1, marked: 0 });
    expect(await world.keys()).toHaveLength(19);
  });

  test('is refused as a whole when it would be too many', async () => {
    for (let i = 0; i < 10; i++) world.remove(`${i}.jpg`);
    const refused = world.sync({ orphans: 'delete', deleteNow: true });
    await expect(refused).rejects.toMatchObject({ code: 'GUARD_MAX_DELETE' });
    expect(await world.keys()).toHaveLength(20);
    expect(Object.values(await world.states())).toEqual(Array(20).fill('synced'));
    expect((await world.sync({ orphans: 'delete', deleteNow: true, maxDelete: '10' })).actions.deleted).toBe(10);
  });

  test('leaves an object that is no longer the one on record', async () => {
    world.remove('3.jpg');
    await world.put('photos/3.jpg', 'somebody else put this here');
    await world.sync({ orphans: 'delete', deleteNow: true });
    expect(await world.read('photos/3.jpg')).toBe('somebody else put this here');
  });

  test('marks many at once with a warning first, and refuses nothing', async () => {
    for (let i = 0; i < 10; i++) world.remove(`${i}.jpg`);
    const report = await world.sync();
    expect(report.actions.marked).toBe(10);
    expect(report.warnings[0]).toContain('10 of 20 photos are gone from disk at once');
  });
});

test('every run and each of its actions but the skips is in the history', async () => {
  world.write('a.jpg');
  world.write('b.jpg');
  const first = await world.sync();
  world.write('c.jpg');
  const second = await world.sync();
  const actions = await world.query<{ runId: string; kind: string; path: string; outcome: string }>(
    'SELECT "runId", kind, path, outcome FROM "RunAction" ORDER BY "runId" = $1 DESC, path',
    [first.runId],
  );
  expect(actions).toEqual([
    { runId: first.runId, kind: 'upload', path: 'a.jpg', outcome: 'done' },
    { runId: first.runId, kind: 'upload', path: 'b.jpg', outcome: 'done' },
    { runId: second.runId, kind: 'upload', path: 'c.jpg', outcome: 'done' },
  ]);
  const run = await world.catalog.browser.run(second.runId);
  expect(run).toMatchObject({ status: 'succeeded', report: { actions: { uploaded: 1, skipped: 2 } } });
});

async function fetchHead(of: World, key: string) {
  const { HeadObjectCommand } = await import('@aws-sdk/client-s3');
  return of.s3.client.send(new HeadObjectCommand({ Bucket: of.bucket, Key: key }));
}

describe('a saved plan', () => {
  /** The plan of a dry run, as it is saved. */
  async function planned(request: Parameters<World['sync']>[0] = {}) {
    const plans: SavedPlan[] = [];
    const hooks = { onPlan: (plan: SavedPlan) => void plans.push(plan) };
    await world.service.sync({ library: 'test', dryRun: true, ...request }, hooks, AbortSignal.timeout(150_000));
    return readPlan(printPlan(plans[0]!));
  }
  const apply = (plan: SavedPlan) => world.service.apply(plan, {}, AbortSignal.timeout(150_000));

  test('does exactly what it said, once', async () => {
    world.write('a.jpg');
    const plan = await planned();
    world.write('b.jpg');
    expect((await apply(plan)).actions.uploaded).toBe(1);
    expect(await world.keys()).toEqual(['photos/a.jpg']);
    const again = await apply(plan);
    expect(again).toMatchObject({ status: 'partial', actions: { uploaded: 0 }, failures: [{ code: 'PLAN_STALE' }] });
  });

  test('leaves a file that has changed since', async () => {
    world.write('a.jpg', 'as planned');
    const plan = await planned();
    world.write('a.jpg', 'edited since', 1_650_000_000);
    expect((await apply(plan)).actions).toMatchObject({ uploaded: 0, unstable: 1 });
    expect(await world.keys()).toEqual([]);
  });

  test('deletes as many as it was made for, and keeps an object that has changed since', async () => {
    for (let i = 0; i < 20; i++) world.write(`${i}.jpg`);
    await world.sync();
    for (let i = 0; i < 12; i++) world.remove(`${i}.jpg`);
    const plan = await planned({ orphans: 'delete', deleteNow: true, maxDelete: '12' });
    await world.put('photos/3.jpg', 'somebody else put this here');
    world.write('4.jpg');
    expect((await apply(plan)).actions).toMatchObject({ deleted: 10, conflicts: 2 });
    expect(await world.read('photos/3.jpg')).toBe('somebody else put this here');
    expect(await world.keys()).toContain('photos/4.jpg');
  });
});

test('an upload that cannot be proved fails for that, though it is in the way when it is tried again', async () => {
  world.write('a.jpg');
  world.proxy.fail(({ method, path }) => {
    if (!path.endsWith('/photos/a.jpg')) return null;
    if (method === 'PUT') return { kind: 'rewrite', headers: { etag: '"0123"' } };
    return method === 'HEAD' ? { kind: 'rewrite', headers: { etag: '"4567"' } } : null;
  });
  const report = await world.sync();
  expect(report).toMatchObject({ actions: { failed: 1, conflicts: 0 }, failures: [{ code: 'OBJECT_UNVERIFIED' }] });
  expect(await world.states()).toEqual({ 'a.jpg': 'failed' });
});
