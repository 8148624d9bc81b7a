import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { printPlan, readPlan, type SavedPlan } from '../../src/sync/plan-file.ts';
import type { Fault, SeenRequest } from '../support/fault-proxy.ts';
import { move, objectsOf, rotate, treeOf, writesOf } from '../support/tree.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld({ dedupeCopy: true });
});
afterAll(() => world.close());
afterEach(async () => {
  world.proxy.reset();
  await world.wipe();
});

const mv = (from: string, to: string) => move(world.root, from, to);
const bucket = () => objectsOf(world.s3.client, world.bucket, 'photos/');

async function ids(): Promise<Record<string, string>> {
  return Object.fromEntries((await world.rows()).map(({ path, id }) => [path, id]));
}

async function synced(...paths: string[]): Promise<Record<string, string>> {
  for (const path of paths) world.write(path);
  await world.sync();
  world.proxy.reset();
  return ids();
}

/** Everything agrees, and another sync does nothing. */
async function expectSettled(): Promise<void> {
  expect(await bucket()).toEqual(treeOf(world.root));
  expect(await world.query('SELECT * FROM "Leftover"')).toEqual([]);
  const report = await world.sync();
  expect(writesOf(report)).toBe(0);
  expect(report).toMatchObject({ status: 'succeeded', photos: { moved: 0, orphaned: 0 }, actions: { conflicts: 0 } });
}

const isCopy = ({ headers }: SeenRequest) => headers['x-amz-copy-source'] !== undefined;
const isDelete = ({ method, query }: SeenRequest) => method === 'DELETE' || (method === 'POST' && query.has('delete'));

/** The first request of this kind meets this fault. */
function once(matches: (request: SeenRequest) => boolean, fault: Fault): void {
  let met = false;
  world.proxy.fail((request) => {
    if (met || !matches(request)) return null;
    met = true;
    return fault;
  });
}

/** A library with every kind of rename in it. */
async function upheaval(): Promise<Record<string, string>> {
  const names = ['1', '2', '3', '4', '5', 'edited'].map((name) => `old/${name}.jpg`);
  const before = await synced(...names, 'a.jpg', 'b.jpg', 'gone.jpg', 'edited.jpg', 'stays.jpg');
  mv('old', 'new');
  rotate(world.root, 'new/1.jpg', 'new/2.jpg');
  rotate(world.root, 'new/3.jpg', 'new/4.jpg', 'new/5.jpg');
  world.write('new/edited.jpg', 'moved and edited', 1_650_000_000);
  mv('b.jpg', 'c.jpg');
  mv('a.jpg', 'b.jpg');
  world.remove('gone.jpg');
  world.write('edited.jpg', 'edited', 1_650_000_000);
  world.write('new/fresh.jpg', 'fresh');
  world.write('new/copy.jpg', 'bytes of stays.jpg', 1_650_000_000);
  return before;
}

async function planned(request: Parameters<World['sync']>[0] = {}): Promise<SavedPlan> {
  const plans: SavedPlan[] = [];
  const hooks = { onPlan: (plan: SavedPlan) => void plans.push(plan) };
  await world.service.sync({ library: 'test', dryRun: true, ...request }, hooks, AbortSignal.timeout(150_000));
  return readPlan(printPlan(plans[0]!));
}
const apply = (plan: SavedPlan) => world.service.apply(plan, {}, AbortSignal.timeout(150_000));

describe('a dry run', () => {
  test('plans what the run then does, and touches nothing', async () => {
    await upheaval();
    const [rows, objects] = [await world.rows(), await bucket()];
    const albums = await world.query('SELECT * FROM "Album" ORDER BY id');
    const dry = await world.sync({ dryRun: true });
    expect(dry.status).toBe('planned');
    expect(writesOf(dry)).toBe(0);
    expect(await world.rows()).toEqual(rows);
    expect(await bucket()).toEqual(objects);
    expect(await world.query('SELECT * FROM "Album" ORDER BY id')).toEqual(albums);

    const real = await world.sync();
    expect(real.photos).toEqual(dry.photos);
    expect(real.actions).toEqual(dry.actions);
    expect(real.bytes).toEqual(dry.bytes);
    const done = await world.query<{ kind: string; path: string; outcome: string }>(
      'SELECT kind, path, outcome FROM "RunAction" WHERE "runId" = $1',
      [real.runId],
    );
    expect(done.every(({ outcome }) => outcome === 'done')).toBe(true);
    const lines = (actions: readonly { kind: string; path: string }[] = []) =>
      actions.map(({ kind, path }) => `${kind} ${path}`).sort();
    expect(lines(done)).toEqual(lines(dry.plan));
    expect(lines(done).filter((line) => line.startsWith('move '))).toHaveLength(8);
  });

  test('counts a rename as one photo that moved, not as one that came and one that went', async () => {
    await synced('a.jpg', 'stays.jpg');
    mv('a.jpg', 'b.jpg');
    const report = await world.sync({ dryRun: true });
    expect(report).toMatchObject({
      photos: { moved: 1, new: 0, orphaned: 0, existing: 1 },
      actions: { moved: 1, uploaded: 0, marked: 0 },
    });
    expect(report.plan).toMatchObject([{ kind: 'move', path: 'b.jpg', from: { path: 'a.jpg' } }]);
  });
});

describe('a saved plan', () => {
  test('of renames does what it said, once', async () => {
    const before = await upheaval();
    const plan = await planned({ orphans: 'delete', deleteNow: true });
    const report = await apply(plan);
    expect(report).toMatchObject({ status: 'succeeded', actions: { moved: 7, uploaded: 2, failed: 0, conflicts: 0 } });
    const after = await ids();
    expect(after).toMatchObject({
      'new/1.jpg': before['old/2.jpg'],
      'new/2.jpg': before['old/1.jpg'],
      'new/3.jpg': before['old/5.jpg'],
      'new/4.jpg': before['old/3.jpg'],
      'new/5.jpg': before['old/4.jpg'],
      'new/edited.jpg': before['old/edited.jpg'],
      'b.jpg': before['a.jpg'],
      'c.jpg': before['b.jpg'],
    });
    await expectSettled();
    expect(await apply(plan)).toMatchObject({ status: 'partial', actions: { moved: 0, uploaded: 0, deleted: 0 } });
    await expectSettled();
  });

  test('leaves a photo that was renamed once more, and what was to come to its place', async () => {
    await synced('a.jpg', 'b.jpg', 'stays.jpg');
    mv('b.jpg', 'c.jpg');
    mv('a.jpg', 'b.jpg');
    const plan = await planned();
    mv('c.jpg', 'd.jpg');
    const report = await apply(plan);
    expect(report.actions.moved).toBe(0);
    expect(await bucket()).toEqual({
      'a.jpg': 'bytes of a.jpg',
      'b.jpg': 'bytes of b.jpg',
      'stays.jpg': 'bytes of stays.jpg',
    });
    await world.sync();
    await expectSettled();
  });

  test('leaves an object that is another by now', async () => {
    await synced('a.jpg', 'stays.jpg');
    mv('a.jpg', 'b.jpg');
    const plan = await planned();
    await world.put('photos/a.jpg', 'theirs');
    await apply(plan);
    expect((await bucket())['a.jpg']).toBe('theirs');
    expect((await bucket())['b.jpg'] ?? 'bytes of a.jpg').toBe('bytes of a.jpg');
  });
});

describe('an object that somebody else put there', () => {
  test('under the old name is no photo of ours: the file is uploaded, theirs stays', async () => {
    const before = await synced('a.jpg', 'stays.jpg');
    await world.put('photos/a.jpg', 'theirs');
    mv('a.jpg', 'b.jpg');
    const report = await world.sync();
    expect(report).toMatchObject({ photos: { moved: 0 }, actions: { moved: 0, uploaded: 1, failed: 0 } });
    expect(await bucket()).toEqual({ ...treeOf(world.root), 'a.jpg': 'theirs' });
    expect((await ids())['a.jpg']).toBe(before['a.jpg']);
    expect((await world.states())['a.jpg']).toBe('orphaned');
    expect(writesOf(await world.sync())).toBe(0);
  });

  test('under the old name while it was copied is not moved, and not deleted', async () => {
    await synced('a.jpg', 'stays.jpg');
    mv('a.jpg', 'b.jpg');
    once(isCopy, { kind: 'after', first: () => world.put('photos/a.jpg', 'theirs') });
    await world.sync();
    expect((await bucket())['a.jpg']).toBe('theirs');
    expect((await bucket())['b.jpg'] ?? 'bytes of a.jpg').toBe('bytes of a.jpg');
    await world.sync();
    expect(await bucket()).toEqual({ ...treeOf(world.root), 'a.jpg': 'theirs' });
    expect(writesOf(await world.sync())).toBe(0);
  });

  test('under the old name once it was copied is not deleted', async () => {
    const before = await synced('a.jpg', 'stays.jpg');
    mv('a.jpg', 'b.jpg');
    once(isDelete, { kind: 'after', first: () => world.put('photos/a.jpg', 'theirs') });
    expect((await world.sync()).actions).toMatchObject({ moved: 1 });
    expect(await bucket()).toEqual({ ...treeOf(world.root), 'a.jpg': 'theirs' });
    expect((await ids())['b.jpg']).toBe(before['a.jpg']);
    const next = await world.sync();
    expect(next).toMatchObject({ photos: { moved: 0, untracked: 1 } });
    expect(writesOf(next)).toBe(0);
    expect(await world.query('SELECT * FROM "Leftover"')).toEqual([]);
  });

  test('under the new name is a conflict, and nothing is lost', async () => {
    await synced('a.jpg', 'stays.jpg');
    await world.put('photos/b.jpg', 'theirs, and another length');
    mv('a.jpg', 'b.jpg');
    for (let run = 0; run < 2; run++) {
      expect(await world.sync()).toMatchObject({ status: 'partial', actions: { conflicts: 1, moved: 0, uploaded: 0 } });
      expect(await bucket()).toMatchObject({ 'a.jpg': 'bytes of a.jpg', 'b.jpg': 'theirs, and another length' });
    }
    await world.deleteObject('photos/b.jpg');
    await world.sync();
    expect(await bucket()).toMatchObject(treeOf(world.root));
  });

  test('under the new name just before the copy is a conflict, and nothing is lost', async () => {
    await synced('a.jpg', 'stays.jpg');
    mv('a.jpg', 'b.jpg');
    once(isCopy, { kind: 'after', first: () => world.put('photos/b.jpg', 'theirs') });
    const report = await world.sync();
    expect(report).toMatchObject({ status: 'partial', actions: { conflicts: 1, moved: 0 } });
    expect(await bucket()).toMatchObject({ 'a.jpg': 'bytes of a.jpg', 'b.jpg': 'theirs' });
    const again = await world.sync();
    expect(again.actions).toMatchObject({ conflicts: 1, moved: 0, deleted: 0 });
    expect(await bucket()).toMatchObject({ 'a.jpg': 'bytes of a.jpg', 'b.jpg': 'theirs' });
  });

  test('under the new name with the very same bytes is the photo: nothing is copied', async () => {
    const before = await synced('a.jpg', 'stays.jpg');
    await world.put('photos/b.jpg', 'bytes of a.jpg');
    mv('a.jpg', 'b.jpg');
    const report = await world.sync();
    expect(report).toMatchObject({ status: 'succeeded', photos: { moved: 1 }, requests: { put: 0, copy: 0 } });
    expect((await ids())['b.jpg']).toBe(before['a.jpg']);
    await expectSettled();
  });

  test('in the middle of a circle costs none of its photos', async () => {
    await synced('a.jpg', 'b.jpg', 'c.jpg', 'stays.jpg');
    rotate(world.root, 'a.jpg', 'b.jpg', 'c.jpg');
    let copies = 0;
    world.proxy.fail((request) => {
      if (!isCopy(request)) return null;
      copies += 1;
      return copies === 2 ? { kind: 'after', first: () => world.put('photos/b.jpg', 'theirs') } : null;
    });
    await world.sync();
    world.proxy.reset();
    await world.sync();
    const objects = Object.values(await bucket());
    expect(objects).toContain('theirs');
    const known = await world.rows();
    for (const bytes of Object.values(treeOf(world.root))) {
      expect(objects.includes(bytes) || known.some(({ state }) => state === 'conflict'), bytes).toBe(true);
    }
  });
});

describe('the network', () => {
  test.each([
    ['a copy', isCopy],
    ['the deletion', isDelete],
  ])('may lose the answer to %s: the rename is done all the same', async (_, matches) => {
    const before = await synced('a.jpg', 'x/b.jpg', 'stays.jpg');
    rotate(world.root, 'a.jpg', 'x/b.jpg');
    once(matches, { kind: 'break-after' });
    expect(await world.sync()).toMatchObject({ status: 'succeeded', actions: { moved: 2, failed: 0 } });
    expect(await ids()).toMatchObject({ 'a.jpg': before['x/b.jpg'], 'x/b.jpg': before['a.jpg'] });
    await expectSettled();
  });

  test.each([
    ['copies', isCopy],
    ['deletions', isDelete],
  ])('may refuse %s for a run: the next one finishes', async (_, matches) => {
    const before = await synced('old/1.jpg', 'old/2.jpg', 'old/3.jpg', 'a.jpg', 'stays.jpg');
    mv('old', 'new');
    rotate(world.root, 'new/1.jpg', 'new/2.jpg', 'new/3.jpg');
    mv('a.jpg', 'b.jpg');
    const body = '<Error><Code>AccessDenied</Code><Message>no</Message></Error>';
    world.proxy.fail((request) => (matches(request) ? { kind: 'answer', status: 403, body } : null));
    const failed = await world.sync({ orphans: 'delete', deleteNow: true }).catch((error: unknown) => error);
    expect(failed).not.toMatchObject({ status: 'succeeded' });
    expect(Object.values(await bucket())).toEqual(expect.arrayContaining(Object.values(treeOf(world.root))));
    world.proxy.reset();
    await world.sync();
    expect(await ids()).toEqual({
      'new/2.jpg': before['old/1.jpg'],
      'new/3.jpg': before['old/2.jpg'],
      'new/1.jpg': before['old/3.jpg'],
      'b.jpg': before['a.jpg'],
      'stays.jpg': before['stays.jpg'],
    });
    await expectSettled();
  });

  test('may refuse one copy of a chain: what depends on it waits, the rest is done, and nothing is lost', async () => {
    const before = await synced('a.jpg', 'b.jpg', 'c.jpg', 'x.jpg', 'stays.jpg');
    mv('c.jpg', 'd.jpg');
    mv('b.jpg', 'c.jpg');
    mv('a.jpg', 'b.jpg');
    mv('x.jpg', 'y.jpg');
    const body = '<Error><Code>AccessDenied</Code><Message>no</Message></Error>';
    world.proxy.fail((request) =>
      isCopy(request) && request.path.endsWith('/d.jpg') ? { kind: 'answer', status: 403, body } : null,
    );
    const report = await world.sync({ orphans: 'delete', deleteNow: true });
    expect(report).toMatchObject({ status: 'partial', actions: { moved: 1, deleted: 0 } });
    expect(report.actions.failed).toBeGreaterThan(0);
    expect(await bucket()).toMatchObject({
      'a.jpg': 'bytes of a.jpg',
      'b.jpg': 'bytes of b.jpg',
      'c.jpg': 'bytes of c.jpg',
      'y.jpg': 'bytes of x.jpg',
    });
    world.proxy.reset();
    expect((await world.sync()).actions).toMatchObject({ moved: 3, failed: 0 });
    expect(await ids()).toMatchObject({ 'b.jpg': before['a.jpg'], 'c.jpg': before['b.jpg'], 'd.jpg': before['c.jpg'] });
    await expectSettled();
  });
});

test('an abort in the middle of many renames drains what runs, and the next run finishes', async () => {
  for (let i = 0; i < 40; i++) world.write(`old/${i}.jpg`, `photo ${i}`);
  await world.sync();
  const before = await ids();
  mv('old', 'new');
  const stop = new AbortController();
  let copies = 0;
  world.proxy.fail((request) => {
    if (isCopy(request) && ++copies === 12) stop.abort();
    return null;
  });
  const stopped = await world.sync({}, stop.signal);
  expect(stopped).toMatchObject({ status: 'partial', error: { code: 'CANCELLED' } });
  expect(stopped.actions.moved).toBeGreaterThan(0);
  world.proxy.reset();
  await world.sync();
  const after = await ids();
  for (let i = 0; i < 40; i++) expect(after[join('new', `${i}.jpg`)]).toBe(before[join('old', `${i}.jpg`)]);
  await expectSettled();
});

test('two machines that see the same renames of one library do not undo each other’s', async () => {
  const other = await createWorld({ dedupeCopy: true }, { bucketOf: world });
  try {
    for (const machine of [world, other]) machine.write('old/a.jpg', 'the same');
    for (const machine of [world, other]) machine.write('stays.jpg', 'stays');
    for (const machine of [world, other]) await machine.sync({ direction: 'both' });
    for (const machine of [world, other]) move(machine.root, 'old/a.jpg', 'new/a.jpg');
    for (const machine of [world, other]) {
      expect(await machine.sync({ direction: 'both' })).toMatchObject({ bytes: { uploaded: 0, downloaded: 0 } });
    }
    expect(await bucket()).toEqual(treeOf(world.root));
    for (const machine of [world, other]) {
      const report = await machine.sync({ direction: 'both' });
      expect(report).toMatchObject({ files_uploaded: 0, files_downloaded: 0, actions: { moved: 0, conflicts: 0 } });
      expect(treeOf(machine.root)).toEqual({ 'new/a.jpg': 'the same', 'stays.jpg': 'stays' });
    }
  } finally {
    await other.close();
  }
});
