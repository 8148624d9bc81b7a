import { renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world?.close());
beforeEach(() => world.wipe());

const mv = (from: string, to: string) => renameSync(join(world.root, from), join(world.root, to));
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
