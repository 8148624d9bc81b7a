import { mkdirSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { printPlan, readPlan, type SavedPlan } from '../../src/sync/plan-file.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world?.close());
beforeEach(() => world.wipe());

const mv = (from: string, to: string) => renameSync(join(world.root, from), join(world.root, to));
const signal = () => AbortSignal.timeout(150_000);
const NOW = { orphans: 'delete', deleteNow: true } as const;

async function synced(...paths: string[]): Promise<void> {
  for (const path of paths) world.write(path);
  expect(await world.sync()).toMatchObject({ status: 'succeeded', actions: { uploaded: paths.length } });
}

test('a photo whose new name is a stranger’s in the bucket keeps its object, deletions asked for or not', async () => {
  await synced('b.jpg', 's.jpg');
  await world.put('photos/c.jpg', 'somebody else');
  mv('b.jpg', 'c.jpg');
  expect(await world.sync(NOW)).toMatchObject({ status: 'partial', actions: { conflicts: 1, deleted: 0 } });
  expect(await world.read('photos/b.jpg')).toBe('bytes of b.jpg');
  expect(await world.read('photos/c.jpg')).toBe('somebody else');
  world.write('b.jpg', 'a new photo under the old name');
  await world.sync(NOW);
  expect(await world.read('photos/b.jpg')).toBe('bytes of b.jpg');
  await world.deleteObject('photos/c.jpg');
  expect(await world.sync(NOW)).toMatchObject({ status: 'succeeded', actions: { moved: 1, uploaded: 1 } });
  expect(await world.read('photos/c.jpg')).toBe('bytes of b.jpg');
  expect(await world.read('photos/b.jpg')).toBe('a new photo under the old name');
});

test('renames alone are done where another file has taken the old name, and that file is left for a sync', async () => {
  await synced('a.jpg', 's.jpg');
  mv('a.jpg', 'b.jpg');
  world.write('a.jpg', 'another photo');
  expect(await world.sync({ moves: 'only' })).toMatchObject({ actions: { moved: 1, uploaded: 0, unstable: 0 } });
  expect(await world.keys()).toEqual(['photos/b.jpg', 'photos/s.jpg']);
  expect(await world.sync()).toMatchObject({ actions: { uploaded: 1, moved: 0 } });
});

test('renames alone upload nothing, also of a photo that was edited as well', async () => {
  await synced('a.jpg', 's.jpg');
  mv('a.jpg', 'b.jpg');
  writeFileSync(join(world.root, 'b.jpg'), 'edited');
  utimesSync(join(world.root, 'b.jpg'), 1_650_000_000, 1_650_000_000);
  expect(await world.sync({ moves: 'only' })).toMatchObject({ bytes: { uploaded: 0 }, actions: { uploaded: 0 } });
  expect(await world.keys()).toEqual(['photos/a.jpg', 'photos/s.jpg']);
});

test('a renamed photo is one photo to the limit of deletions', async () => {
  const names = Array.from({ length: 60 }, (_, i) => `${String(i).padStart(2, '0')}.jpg`);
  await synced(...names);
  for (const name of names.slice(0, 40)) mv(name, `renamed ${name}`);
  for (const name of names.slice(40)) world.remove(name);
  await expect(world.sync(NOW)).rejects.toMatchObject({ code: 'GUARD_MAX_DELETE' });
  expect(await world.keys()).toHaveLength(60);
});

test('a file that rotted is not brought back to the bucket as if it were the photo', async () => {
  await synced('a.jpg', 's.jpg');
  const path = join(world.root, 'a.jpg');
  const { atime, mtime } = statSync(path);
  writeFileSync(path, 'bytes Of a.jpg');
  utimesSync(path, atime, mtime);
  await world.deleteObject('photos/a.jpg');
  const [before] = await world.rows();
  expect(await world.sync()).toMatchObject({ status: 'partial', failures: [{ path: 'a.jpg', code: 'DISK_DAMAGED' }] });
  expect(await world.keys()).toEqual(['photos/s.jpg']);
  expect((await world.rows())[0]).toMatchObject({ md5: before!.md5, state: 'missing' });
  writeFileSync(path, 'bytes of a.jpg');
  utimesSync(path, atime, mtime);
  expect(await world.sync()).toMatchObject({ status: 'succeeded', actions: { reuploaded: 1 } });
});

test('a photo that is copied elsewhere and removed a moment ago is not taken for deleted', async () => {
  await synced('a.jpg', 's.jpg');
  const [before] = await world.rows();
  world.remove('a.jpg');
  world.write('2025/a.jpg', 'bytes of a.jpg', world.clock.nowMs / 1_000);
  for (const request of [NOW, { direction: 'both', orphans: 'download' }] as const) {
    const report = await world.sync(request);
    expect(report).toMatchObject({ actions: { deleted: 0, downloaded: 0, uploaded: 0, unstable: 2 } });
    expect(await world.keys()).toEqual(['photos/a.jpg', 'photos/s.jpg']);
  }
  world.clock.nowMs += 10_000;
  expect(await world.sync(NOW)).toMatchObject({ actions: { moved: 1, deleted: 0 }, bytes: { uploaded: 0 } });
  expect(await world.keys()).toEqual(['photos/2025/a.jpg', 'photos/s.jpg']);
  expect(await world.rows()).toMatchObject([{ id: before!.id, path: '2025/a.jpg' }, { path: 's.jpg' }]);
  world.clock.nowMs -= 10_000;
});

test('a photo that was renamed while its object was lost is brought back under its new name, and is no loss', async () => {
  await synced('a.jpg', 'b.jpg', 's.jpg');
  const ids = (await world.rows()).map(({ id }) => id);
  await world.deleteObject('photos/b.jpg');
  world.remove('b.jpg');
  expect((await world.sync({ moves: false })).warnings[0]).toMatch(/^LOST/);
  await world.deleteObject('photos/a.jpg');
  mv('a.jpg', 'new a.jpg');
  // Another inode, from a backup: its content tells.
  world.write('new b.jpg', 'bytes of b.jpg');
  const report = await world.sync();
  expect(report).toMatchObject({ warnings: [], photos: { moved: 2, lost: 0 }, actions: { uploaded: 2 } });
  expect(await world.states()).toEqual({ 'new a.jpg': 'synced', 'new b.jpg': 'synced', 's.jpg': 'synced' });
  expect((await world.rows()).map(({ id }) => id)).toEqual(ids);
  expect(await world.keys()).toEqual(['photos/new a.jpg', 'photos/new b.jpg', 'photos/s.jpg']);
  expect(await world.sync()).toMatchObject({ photos: { moved: 0 }, actions: { skipped: 3 } });
});

test('a second machine with the same renames says of nothing that it is lost', async () => {
  const other = await createWorld({}, { bucketOf: world });
  try {
    for (const machine of [world, other]) {
      for (const name of ['old/a.jpg', 'stays.jpg']) machine.write(name);
      await machine.sync();
      mkdirSync(join(machine.root, 'new'));
      renameSync(join(machine.root, 'old/a.jpg'), join(machine.root, 'new/a.jpg'));
    }
    await world.sync();
    const report = await other.sync();
    expect(report).toMatchObject({ status: 'succeeded', warnings: [], photos: { lost: 0 }, bytes: { uploaded: 0 } });
    expect(await other.states()).toEqual({ 'new/a.jpg': 'synced', 'stays.jpg': 'synced' });
    expect(await world.keys()).toEqual(['photos/new/a.jpg', 'photos/stays.jpg']);
  } finally {
    await other.close();
  }
});

test('two photos exchange their names in a folder whose key leaves no room for another', async () => {
  const folder = `${'d'.repeat(240)}/${'e'.repeat(240)}/${'f'.repeat(240)}/${'g'.repeat(240)}`;
  await synced(`${folder}/a.jpg`, `${folder}/b.jpg`, 's.jpg');
  mv(`${folder}/a.jpg`, 'aside');
  mv(`${folder}/b.jpg`, `${folder}/a.jpg`);
  mv('aside', `${folder}/b.jpg`);
  expect(await world.sync()).toMatchObject({ status: 'succeeded', actions: { moved: 2 }, bytes: { uploaded: 0 } });
  expect(await world.read(`photos/${folder}/a.jpg`)).toBe(`bytes of ${folder}/b.jpg`);
  expect(await world.keys()).toEqual([`photos/${folder}/a.jpg`, `photos/${folder}/b.jpg`, 'photos/s.jpg']);
  expect(await world.sync()).toMatchObject({ actions: { skipped: 3 } });
});

test('a file that a tool wrote anew with the same size and date is read, and a conflict if it is another', async () => {
  await synced('a.jpg', 'b.jpg', 's.jpg');
  for (const [name, content] of [
    ['a.jpg', 'bytes Of a.jpg'],
    ['b.jpg', 'bytes of b.jpg'],
  ] as const) {
    const { atime, mtime } = statSync(join(world.root, name));
    writeFileSync(join(world.root, 'new'), content);
    utimesSync(join(world.root, 'new'), atime, mtime);
    mv('new', name);
  }
  const report = await world.sync();
  expect(report).toMatchObject({ status: 'partial', actions: { reuploaded: 0, skipped: 2, moved: 0 } });
  expect(report.conflicts).toMatchObject([{ path: 'a.jpg', message: expect.stringContaining('touch') }]);
  expect(await world.read('photos/a.jpg')).toBe('bytes of a.jpg');
  utimesSync(join(world.root, 'a.jpg'), 1_650_000_000, 1_650_000_000);
  expect(await world.sync()).toMatchObject({ status: 'succeeded', actions: { reuploaded: 1, skipped: 2 } });
  expect(await world.sync()).toMatchObject({ actions: { reuploaded: 0, skipped: 3 } });
});

test('an album keeps its id where renames are stopped by a failure, and goes when they are done', async () => {
  await synced('old/a.jpg', 'old/b.jpg', 's.jpg');
  const albumOf = async (path: string) =>
    (await world.query<{ id: string }>('SELECT "id" FROM "Album" WHERE "path" = $1', [path]))[0]?.id;
  const id = await albumOf('old');
  mv('old', 'new');
  const refused = { kind: 'answer', status: 403, body: '<Error><Code>AccessDenied</Code></Error>' } as const;
  world.proxy.fail(({ headers }) => (headers['x-amz-copy-source'] === undefined ? null : refused));
  const stopped = await world.sync();
  world.proxy.reset();
  expect(stopped).toMatchObject({ status: 'partial', actions: { moved: 0, failed: 2 } });
  expect(await albumOf('old')).toBe(id);
  expect(await albumOf('new')).toBeUndefined();
  expect(await world.sync()).toMatchObject({ status: 'succeeded', actions: { moved: 2 } });
  expect(await albumOf('new')).toBe(id);
  expect(await albumOf('old')).toBeUndefined();
});

test('a saved plan in which a new file took a renamed one’s place does both', async () => {
  await synced('a.jpg', 's.jpg');
  const [before] = await world.rows();
  mv('a.jpg', 'b.jpg');
  world.write('a.jpg', 'a new photo');
  const plans: SavedPlan[] = [];
  await world.service.sync({ library: 'test', dryRun: true }, { onPlan: (plan) => void plans.push(plan) }, signal());
  const report = await world.service.apply(readPlan(printPlan(plans[0]!)), {}, signal());
  expect(report).toMatchObject({ status: 'succeeded', actions: { moved: 1, uploaded: 1, unstable: 0 } });
  expect(await world.read('photos/a.jpg')).toBe('a new photo');
  expect(await world.read('photos/b.jpg')).toBe('bytes of a.jpg');
  const rows = await world.rows();
  expect(rows.find(({ path }) => path === 'b.jpg')?.id).toBe(before!.id);
  expect(await world.sync()).toMatchObject({ actions: { skipped: 3 } });
});
