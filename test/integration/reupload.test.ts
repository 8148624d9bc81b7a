import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { ReuploadRequest } from '../../src/sync/service.ts';
import { never } from '../support/catalog.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterEach(async () => {
  world.proxy.reset();
  await world.wipe();
  await world.query('DELETE FROM "Run"');
});
afterAll(() => world.close());

const reupload = (request: ReuploadRequest = { library: 'test' }) => world.service.reupload(request, {}, never);

async function idOf(path: string): Promise<string> {
  const row = (await world.rows()).find((one) => one.path === path);
  if (row === undefined) throw new Error(`no row of ${path}`);
  return row.id;
}

/** Photos of two albums, of which two objects are lost and one never became whole. */
async function lose(): Promise<void> {
  for (const path of ['x/kept.jpg', 'x/lost.jpg', 'y/lost.jpg', 'y/partial.jpg']) world.write(path);
  await world.sync();
  await world.deleteObject('photos/x/lost.jpg');
  await world.deleteObject('photos/y/lost.jpg');
  await world.put('photos/y/partial.jpg', 'bytes of y/p');
}

test('sends what is missing or incomplete, once, as a run of its own kind', async () => {
  await lose();
  const report = await reupload();
  expect(report).toMatchObject({
    status: 'succeeded',
    actions: { reuploaded: 3, uploaded: 0, skipped: 1, failed: 0 },
    requests: { put: 3, delete: 0, copy: 0 },
  });
  expect(await world.read('photos/y/partial.jpg')).toBe('bytes of y/partial.jpg');
  expect(Object.values(await world.states())).toEqual(['synced', 'synced', 'synced', 'synced']);
  const [run] = await world.query('SELECT kind, status, album FROM "Run" WHERE id = $1', [report.runId]);
  expect(run).toEqual({ kind: 'reupload', status: 'succeeded', album: null });
  const actions = await world.query('SELECT kind, path FROM "RunAction" WHERE "runId" = $1 ORDER BY path', [
    report.runId,
  ]);
  expect(actions).toEqual(['x/lost.jpg', 'y/lost.jpg', 'y/partial.jpg'].map((path) => ({ kind: 'reupload', path })));
  expect((await reupload()).requests).toMatchObject({ put: 0 });
});

test('touches nothing else: no edit, no new file, no orphan, no rename', async () => {
  for (const path of ['edited.jpg', 'orphan.jpg', 'renamed.jpg', 'lost.jpg']) world.write(path);
  await world.sync();
  await world.deleteObject('photos/lost.jpg');
  world.write('edited.jpg', 'edited', 1_650_000_000);
  world.remove('orphan.jpg');
  renameSync(join(world.root, 'renamed.jpg'), join(world.root, 'to.jpg'));
  world.write('new.jpg');
  const id = await idOf('renamed.jpg');

  expect(await reupload()).toMatchObject({
    status: 'succeeded',
    actions: { reuploaded: 1, uploaded: 0, marked: 0, moved: 0 },
  });
  expect(await world.keys()).toEqual(['edited', 'lost', 'orphan', 'renamed'].map((name) => `photos/${name}.jpg`));
  expect(await world.read('photos/edited.jpg')).toBe('bytes of edited.jpg');
  expect(await world.states()).toEqual({
    'edited.jpg': 'synced',
    'lost.jpg': 'synced',
    'orphan.jpg': 'synced',
    'renamed.jpg': 'synced',
  });
  // The rename is still one for the next sync.
  expect(await world.sync()).toMatchObject({ actions: { moved: 1, uploaded: 1, reuploaded: 1, marked: 1 } });
  expect(await idOf('to.jpg')).toBe(id);
});

test('a photo that never got into the bucket goes up', async () => {
  world.write('a.jpg');
  world.proxy.fail(({ method }) => (method === 'PUT' ? { kind: 'answer', status: 403 } : null));
  await world.sync();
  world.proxy.reset();
  expect(await reupload()).toMatchObject({ status: 'succeeded', actions: { uploaded: 1 } });
  expect(await world.states()).toEqual({ 'a.jpg': 'synced' });
});

test('an edited photo whose object is missing goes up as it is now', async () => {
  world.write('a.jpg');
  await world.sync();
  await world.deleteObject('photos/a.jpg');
  world.write('a.jpg', 'edited', 1_650_000_000);
  expect(await reupload()).toMatchObject({ actions: { reuploaded: 1 } });
  expect(await world.read('photos/a.jpg')).toBe('edited');
  expect((await world.sync()).requests.put).toBe(0);
});

test('of one album it is one album', async () => {
  await lose();
  expect(await reupload({ library: 'test', album: 'x' })).toMatchObject({ actions: { reuploaded: 1 } });
  expect(await world.keys()).not.toContain('photos/y/lost.jpg');
  await expect(reupload({ library: 'test', album: 'nowhere' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('of chosen photos it is those, a run for each album under one that adds them up', async () => {
  await lose();
  await world.deleteObject('photos/x/kept.jpg');
  const photoIds = [await idOf('x/lost.jpg'), await idOf('y/lost.jpg'), (await idOf('y/lost.jpg')).toUpperCase()];
  const report = await reupload({ photoIds });
  expect(report).toMatchObject({ status: 'succeeded', actions: { reuploaded: 2, failed: 0 } });
  expect(await world.keys()).not.toContain('photos/x/kept.jpg');
  expect(await world.read('photos/y/partial.jpg')).toBe('bytes of y/p');
  const parts = await world.query('SELECT album, kind FROM "Run" WHERE "parentId" = $1 ORDER BY album', [report.runId]);
  expect(parts).toEqual(['x', 'y'].map((album) => ({ album, kind: 'reupload' })));
});

test('of one photo it is one run over its album, found by its name whatever its spelling', async () => {
  const path = 'é/\u0065\u0301.jpg'.normalize('NFD');
  world.write(path);
  world.write('a.jpg');
  await world.sync();
  const [key] = (await world.keys()).filter((one) => !one.endsWith('a.jpg'));
  await world.deleteObject(key ?? '');
  await world.deleteObject('photos/a.jpg');
  const report = await reupload({ photoIds: [await idOf(path)] });
  expect(report).toMatchObject({ status: 'succeeded', actions: { reuploaded: 1 } });
  expect(await world.keys()).toEqual([key]);
  const [run] = await world.query('SELECT album, "parentId" FROM "Run" WHERE id = $1', [report.runId]);
  expect(run).toEqual({ album: 'é'.normalize('NFC'), parentId: null });
});

test('a photo that nobody knows is named, before anything is sent', async () => {
  await lose();
  const unknown = randomUUID();
  const photoIds = [await idOf('x/lost.jpg'), unknown];
  await expect(reupload({ photoIds })).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining(unknown),
  });
  await expect(reupload({ photoIds: ['no id at all'] })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await world.keys()).not.toContain('photos/x/lost.jpg');
  expect(await world.query(`SELECT FROM "Run" WHERE "kind" = 'reupload'`)).toEqual([]);
});

test.each([
  ['more than 10,000 photos', { photoIds: Array.from({ length: 10_001 }, () => randomUUID()) }],
  ['no photo', { photoIds: [] }],
  ['photos and an album', { photoIds: [randomUUID()], album: 'x' }],
  ['photos and a library', { photoIds: [randomUUID()], library: 'test' }],
])('%s is refused', async (_what, request) => {
  await expect(reupload(request)).rejects.toMatchObject({ code: 'BAD_INPUT', field: 'photoIds' });
});

test('a photo that is gone from disk too is told as lost, and only told', async () => {
  await lose();
  world.remove('x/lost.jpg');
  const report = await reupload({ photoIds: [await idOf('x/lost.jpg')] });
  expect(report).toMatchObject({ photos: { lost: 1 }, actions: { reuploaded: 0, marked: 0 } });
  expect(report.warnings[0]).toMatch(/^LOST, gone from disk and bucket both: x\/lost\.jpg/);
  expect(await world.states()).toMatchObject({ 'x/lost.jpg': 'synced' });
});

test('a photo that an exclude hides is left alone, and that is said', async () => {
  await lose();
  const { id } = world.library;
  const photoIds = [await idOf('x/lost.jpg')];
  await world.catalog.libraries.update(id, { excludes: ['lost.jpg'] });
  const report = await reupload({ photoIds });
  await world.catalog.libraries.update(id, { excludes: [] });
  expect(report).toMatchObject({ actions: { reuploaded: 0 }, photos: { lost: 0 } });
  expect(report.warnings).toEqual([expect.stringContaining('x/lost.jpg')]);
});

test('an unmounted disk is refused', async () => {
  await lose();
  rmSync(world.root, { recursive: true });
  mkdirSync(world.root);
  await expect(reupload()).rejects.toMatchObject({ code: 'GUARD_EMPTY_ROOT' });
  expect(Object.values(await world.states())).toEqual(['synced', 'synced', 'synced', 'synced']);
});

test('waits for nobody: what is being synced is refused, and stops no other album', async () => {
  await lose();
  const photoIds = [await idOf('x/lost.jpg'), await idOf('y/lost.jpg')];
  const lock = await world.catalog.port.lock({ library: world.library, album: 'x' }, never);
  try {
    await expect(reupload({ photoIds: photoIds.slice(0, 1) })).rejects.toMatchObject({ code: 'SYNC_IN_PROGRESS' });
    const report = await reupload({ photoIds });
    expect(report).toMatchObject({ status: 'partial', actions: { reuploaded: 1 } });
    expect(report.failures).toMatchObject([{ path: 'x', code: 'SYNC_IN_PROGRESS' }]);
  } finally {
    await lock.release();
  }
  expect(await world.keys()).toContain('photos/y/lost.jpg');
  expect(await world.keys()).not.toContain('photos/x/lost.jpg');
});

test('of everything it is every library', async () => {
  await lose();
  const root = join(world.root, '../other');
  mkdirSync(root);
  writeFileSync(join(root, 'o.jpg'), 'other');
  const other = await world.catalog.libraries.create({
    ...{ name: 'other', root, bucket: world.bucket, prefix: 'other/', excludes: [] },
  });
  utimesSync(join(root, 'o.jpg'), 1_600_000_000, 1_600_000_000);
  try {
    await world.sync({ library: 'other' });
    await world.deleteObject('other/o.jpg');
    expect(await reupload({})).toMatchObject({ status: 'succeeded', actions: { reuploaded: 4 } });
    expect(await world.keys()).toContain('other/o.jpg');
  } finally {
    await world.catalog.libraries.remove(other.id);
    rmSync(root, { recursive: true });
  }
});
