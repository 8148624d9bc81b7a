import { copyFileSync, linkSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../../src/sync/types.ts';
import { move, objectsOf, rotate, treeOf, writesOf } from '../support/tree.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld({ dedupeCopy: true });
});
afterAll(() => world.close());
afterEach(async () => {
  await world.wipe();
  world.proxy.reset();
});

const mv = (from: string, to: string) => move(world.root, from, to);
const turn = (...paths: string[]) => rotate(world.root, ...paths);
const at = (path: string) => join(world.root, path);
const bucket = () => objectsOf(world.s3.client, world.bucket, 'photos/');

/** Each photo's id by its path. */
async function ids(): Promise<Record<string, string>> {
  const rows = await world.rows();
  for (const { path, key } of rows) expect(key).toBe(`photos/${path.normalize('NFC')}`);
  return Object.fromEntries(rows.map(({ path, id }) => [path, id]));
}

/** Each album's id by its path; only those that have photos. */
async function albums(): Promise<Record<string, string>> {
  const rows = await world.query<{ path: string; id: string; photo: string }>(
    'SELECT a.path, a.id, p.path AS photo FROM "Album" a JOIN "Photo" p ON p."albumId" = a.id',
  );
  for (const { path, photo } of rows) expect(photo.replace(/(^|\/)[^/]+$/, '') || '.').toBe(path);
  return Object.fromEntries(rows.map(({ path, id }) => [path, id]));
}

/** Writes these, each with bytes of its own, syncs, and answers their ids. */
async function synced(...paths: string[]): Promise<Record<string, string>> {
  for (const path of paths) world.write(path);
  await world.sync();
  world.proxy.reset();
  return ids();
}

/** Disk and bucket hold the same, all is recorded, nothing is left over, and another sync does nothing. */
async function expectSettled(request: Parameters<World['sync']>[0] = {}): Promise<void> {
  expect(await bucket()).toEqual(treeOf(world.root));
  expect(Object.values(await world.states()).every((state) => state === 'synced')).toBe(true);
  await expectQuiet(request);
}

async function expectQuiet(request: Parameters<World['sync']>[0] = {}): Promise<void> {
  expect(await world.query('SELECT * FROM "Leftover"')).toEqual([]);
  const before = await world.rows();
  const report = await world.sync(request);
  const { skipped: _skipped, ...actions } = report.actions;
  expect(Object.entries(actions).filter(([, count]) => count > 0)).toEqual([]);
  expect(report.photos.moved).toBe(0);
  expect(writesOf(report)).toBe(0);
  expect(await world.rows()).toEqual(before);
}

function expectMoved(report: Report, moved: number): void {
  expect(report).toMatchObject({
    status: 'succeeded',
    photos: { moved, new: 0, orphaned: 0, changed: 0 },
    actions: { moved, uploaded: 0, reuploaded: 0, marked: 0, deleted: 0, downloaded: 0, conflicts: 0, failed: 0 },
    bytes: { uploaded: 0, downloaded: 0 },
    requests: { put: 0 },
  });
}

/** Requests that the bucket saw. */
const copies = () => world.proxy.seen.filter(({ headers }) => headers['x-amz-copy-source'] !== undefined);
const bulkDeletes = () => world.proxy.seen.filter(({ method, query }) => method === 'POST' && query.has('delete'));
const singleDeletes = () => world.proxy.seen.filter(({ method }) => method === 'DELETE');

describe('a photo that was renamed', () => {
  test('is copied on the server, keeps its id, and its old object goes', async () => {
    const before = await synced('a.jpg', 'other.jpg');
    mv('a.jpg', 'b.jpg');
    expectMoved(await world.sync(), 1);
    expect(await ids()).toEqual({ 'b.jpg': before['a.jpg'], 'other.jpg': before['other.jpg'] });
    expect(copies()).toHaveLength(1);
    await expectSettled();
  });

  test('only in the case of its letters is renamed in the bucket too', async () => {
    const before = await synced('IMG_1.JPG');
    mv('IMG_1.JPG', 'img_1.jpg');
    expectMoved(await world.sync(), 1);
    expect(await ids()).toEqual({ 'img_1.jpg': before['IMG_1.JPG'] });
    await expectSettled();
  });

  test('to a name that is hard on keys, and back, is found each time', async () => {
    const hard = 'a+b %20 ä😀 \'"&<c>?#.jpg';
    const before = await synced('a.jpg');
    mv('a.jpg', `x y/${hard}`);
    expectMoved(await world.sync(), 1);
    expect(await ids()).toEqual({ [`x y/${hard}`]: before['a.jpg'] });
    await expectSettled();
    mv(`x y/${hard}`, 'a.jpg');
    expectMoved(await world.sync(), 1);
    expect(await ids()).toEqual(before);
    await expectSettled();
  });

  test('into another album is that album’s from then on', async () => {
    const before = await synced('x/a.jpg', 'x/stays.jpg', 'y/b.jpg');
    const albumsBefore = await albums();
    mv('x/a.jpg', 'y/a.jpg');
    expectMoved(await world.sync(), 1);
    expect(await ids()).toMatchObject({ 'y/a.jpg': before['x/a.jpg'], 'y/b.jpg': before['y/b.jpg'] });
    expect(await albums()).toEqual(albumsBefore);
    await expectSettled();
  });

  test('within its album is seen by a run over that album', async () => {
    const before = await synced('x/a.jpg', 'y/b.jpg');
    mv('x/a.jpg', 'x/c.jpg');
    expectMoved(await world.sync({ album: 'x' }), 1);
    expect(await ids()).toMatchObject({ 'x/c.jpg': before['x/a.jpg'] });
    await expectSettled();
  });

  test('makes room for a new one of its old name', async () => {
    const before = await synced('a.jpg');
    mv('a.jpg', 'b.jpg');
    world.write('a.jpg', 'a new photo', 1_650_000_000);
    const report = await world.sync();
    expect(report).toMatchObject({
      photos: { moved: 1, new: 1, orphaned: 0, existing: 0 },
      actions: { moved: 1, uploaded: 1, marked: 0, conflicts: 0 },
      bytes: { uploaded: 'a new photo'.length },
    });
    const after = await ids();
    expect(after['b.jpg']).toBe(before['a.jpg']);
    expect(after['a.jpg']).not.toBe(before['a.jpg']);
    await expectSettled();
  });

  test('keeps what its object says of itself: metadata, content type, storage class', async () => {
    await synced('a.jpg');
    // The same bytes, so the same ETag: for the catalog it is the object that was recorded.
    const about = {
      ContentType: 'image/x-special',
      CacheControl: 'max-age=60',
      Metadata: { mtime: '1500000000.5', note: 'by hand' },
      StorageClass: 'STANDARD_IA' as const,
    };
    await world.s3.client.send(
      new PutObjectCommand({ Bucket: world.bucket, Key: 'photos/a.jpg', Body: 'bytes of a.jpg', ...about }),
    );
    mv('a.jpg', 'b.png');
    expectMoved(await world.sync(), 1);
    const head = await world.s3.client.send(new HeadObjectCommand({ Bucket: world.bucket, Key: 'photos/b.png' }));
    expect(head).toMatchObject(about);
    await expectSettled();
  });

  test('across file systems, or by a program that copies and deletes, is told by its content', async () => {
    const before = await synced('a.jpg', 'x/b.jpg', 'stays.jpg');
    for (const [from, to] of [
      ['a.jpg', 'new/a.jpg'],
      ['x/b.jpg', 'c.jpg'],
    ] as const) {
      mkdirSync(join(at(to), '..'), { recursive: true });
      copyFileSync(at(from), at(to));
    }
    world.remove('a.jpg');
    world.remove('x/b.jpg');
    // Fresh copies are too young to be read.
    world.clock.nowMs += 60_000;
    expectMoved(await world.sync(), 2);
    expect(await ids()).toEqual({
      'new/a.jpg': before['a.jpg'],
      'c.jpg': before['x/b.jpg'],
      'stays.jpg': before['stays.jpg'],
    });
    await expectSettled();
  });

  test('is no new photo in a two-way sync either: nothing comes back down', async () => {
    const both = { direction: 'both' } as const;
    world.write('x/a.jpg');
    world.write('b.jpg');
    await world.sync(both);
    const before = await ids();
    mv('x/a.jpg', 'y/a.jpg');
    const report = await world.sync(both);
    expectMoved(report, 1);
    expect(report).toMatchObject({ files_downloaded: 0, files_uploaded: 0 });
    expect(await ids()).toEqual({ 'y/a.jpg': before['x/a.jpg'], 'b.jpg': before['b.jpg'] });
    await expectSettled(both);
  });

  test('and renamed again before the next sync has moved once', async () => {
    const before = await synced('a.jpg');
    mv('a.jpg', 'b.jpg');
    mv('b.jpg', 'deep/down/c.jpg');
    expectMoved(await world.sync(), 1);
    expect(await ids()).toEqual({ 'deep/down/c.jpg': before['a.jpg'] });
    await expectSettled();
  });

  test('is renamed only when asked to be: otherwise it is a new photo and an orphan', async () => {
    const before = await synced('a.jpg', 'b.jpg');
    mv('a.jpg', 'c.jpg');
    const report = await world.sync({ moves: false });
    expect(report).toMatchObject({
      photos: { moved: 0, new: 1, orphaned: 1 },
      actions: { moved: 0, marked: 1, deleted: 0 },
    });
    expect(report.actions.uploaded + report.actions.copied).toBe(1);
    expect(await world.states()).toEqual({ 'a.jpg': 'orphaned', 'b.jpg': 'synced', 'c.jpg': 'synced' });
    expect(await ids()).toMatchObject(before);
    expect(await bucket()).toMatchObject({ 'a.jpg': 'bytes of a.jpg', 'c.jpg': 'bytes of a.jpg' });
  });
});

describe('photos that exchange their names', () => {
  test('in pairs come out right', async () => {
    const before = await synced('a.jpg', 'x/b.jpg');
    turn('a.jpg', 'x/b.jpg');
    expectMoved(await world.sync(), 2);
    expect(await ids()).toEqual({ 'a.jpg': before['x/b.jpg'], 'x/b.jpg': before['a.jpg'] });
    await expectSettled();
  });

  test('in a circle of three come out right, by way of a temporary key that does not stay', async () => {
    const before = await synced('a.jpg', 'x/b.jpg', 'c.jpg', 'apart.jpg');
    turn('a.jpg', 'x/b.jpg', 'c.jpg');
    expectMoved(await world.sync(), 3);
    expect(await ids()).toEqual({
      'x/b.jpg': before['a.jpg'],
      'c.jpg': before['x/b.jpg'],
      'a.jpg': before['c.jpg'],
      'apart.jpg': before['apart.jpg'],
    });
    expect(copies().filter(({ path }) => path.includes('.rollcall-move-'))).toHaveLength(1);
    await expectSettled();
  });

  test('though neither size nor date tells them apart come out right', async () => {
    const names = ['a.raw', 'b.raw', 'c.raw', 'd.raw', 'e.raw'];
    for (const name of names) world.write(name, `same size, ${name}`);
    await world.sync();
    const before = await ids();
    turn('a.raw', 'b.raw');
    turn('c.raw', 'd.raw', 'e.raw');
    expectMoved(await world.sync(), 5);
    expect((await ids())['d.raw']).toBe(before['c.raw']);
    await expectSettled();
  });

  test('one after the other along a chain come out right', async () => {
    const before = await synced('a.jpg', 'b.jpg', 'c.jpg');
    mv('c.jpg', 'd.jpg');
    mv('b.jpg', 'c.jpg');
    mv('a.jpg', 'b.jpg');
    expectMoved(await world.sync(), 3);
    expect(await ids()).toEqual({ 'b.jpg': before['a.jpg'], 'c.jpg': before['b.jpg'], 'd.jpg': before['c.jpg'] });
    await expectSettled();
  });

  test('because all of an album were numbered anew by one come out right', async () => {
    const name = (n: number) => `trip/img${String(n).padStart(3, '0')}.jpg`;
    for (let n = 1; n <= 20; n++) world.write(name(n), `photo no. ${String(n).padStart(3, '0')}`);
    await world.sync();
    const before = await ids();
    for (let n = 20; n >= 1; n--) mv(name(n), name(n + 1));
    expectMoved(await world.sync(), 20);
    const after = await ids();
    for (let n = 1; n <= 20; n++) expect(after[name(n + 1)]).toBe(before[name(n)]);
    await expectSettled();
    for (let n = 1; n <= 20; n++) mv(name(n + 1), name(n));
    expectMoved(await world.sync(), 20);
    expect(await ids()).toEqual(before);
    await expectSettled();
  });
});

describe('a folder that was renamed', () => {
  test('with a hundred photos keeps album and photos: a hundred copies, one request that deletes, no bytes', async () => {
    for (let i = 0; i < 100; i++) world.write(`old name/${i}.jpg`, `photo ${i}`);
    world.write('other/x.jpg');
    await world.sync();
    const [before, albumsBefore] = [await ids(), await albums()];
    world.proxy.reset();
    mv('old name', 'new name');
    expectMoved(await world.sync(), 100);
    expect([copies().length, bulkDeletes().length, singleDeletes().length]).toEqual([100, 1, 0]);
    const after = await ids();
    for (let i = 0; i < 100; i++) expect(after[`new name/${i}.jpg`]).toBe(before[`old name/${i}.jpg`]);
    expect(Object.keys(after)).toHaveLength(101);
    expect(await albums()).toEqual({ 'new name': albumsBefore['old name'], other: albumsBefore['other'] });
    await expectSettled();
  });

  test('with albums in it keeps each of them', async () => {
    const before = await synced('2024/a.jpg', '2024/summer/b.jpg', '2024/winter/deep/c.jpg');
    const albumsBefore = await albums();
    mv('2024', 'years/twenty-four');
    expectMoved(await world.sync(), 3);
    expect(Object.values(await ids()).sort()).toEqual(Object.values(before).sort());
    expect(await albums()).toEqual(
      Object.fromEntries(Object.entries(albumsBefore).map(([p, id]) => [p.replace('2024', 'years/twenty-four'), id])),
    );
    await expectSettled();
  });

  test('exchanges places with another, names of photos in common', async () => {
    const before = await synced('x/1.jpg', 'x/2.jpg', 'y/1.jpg', 'y/3.jpg');
    const albumsBefore = await albums();
    turn('x', 'y');
    expectMoved(await world.sync(), 4);
    expect(await ids()).toEqual({
      'y/1.jpg': before['x/1.jpg'],
      'y/2.jpg': before['x/2.jpg'],
      'x/1.jpg': before['y/1.jpg'],
      'x/3.jpg': before['y/3.jpg'],
    });
    expect(await albums()).toEqual({ x: albumsBefore['y'], y: albumsBefore['x'] });
    await expectSettled();
  });

  test('while photos in it were renamed, swapped and added keeps its album', async () => {
    const before = await synced('x/a.jpg', 'x/b.jpg', 'x/c.jpg');
    const albumsBefore = await albums();
    mv('x', 'y');
    turn('y/a.jpg', 'y/b.jpg');
    mv('y/c.jpg', 'y/d.jpg');
    world.write('y/new.jpg');
    const report = await world.sync();
    expect(report).toMatchObject({ photos: { moved: 3, new: 1 }, actions: { moved: 3, uploaded: 1, marked: 0 } });
    expect(await ids()).toMatchObject({
      'y/b.jpg': before['x/a.jpg'],
      'y/a.jpg': before['x/b.jpg'],
      'y/d.jpg': before['x/c.jpg'],
    });
    expect(await albums()).toEqual({ y: albumsBefore['x'] });
    await expectSettled();
  });

  test('of which a photo stayed behind leaves the album to that one', async () => {
    const before = await synced('x/a.jpg', 'x/b.jpg');
    const albumsBefore = await albums();
    mv('x/a.jpg', 'y/a.jpg');
    expectMoved(await world.sync(), 1);
    const after = await albums();
    expect(after['x']).toBe(albumsBefore['x']);
    expect(after['y']).not.toBe(albumsBefore['x']);
    expect(await ids()).toEqual({ 'y/a.jpg': before['x/a.jpg'], 'x/b.jpg': before['x/b.jpg'] });
    await expectSettled();
  });
});

describe('a photo that was renamed and edited', () => {
  /** Other bytes in the very same file. */
  const edit = (path: string, content: string) => {
    const { ino } = statSync(at(path));
    world.write(path, content, 1_650_000_000);
    expect(statSync(at(path)).ino).toBe(ino);
  };

  test('keeps its id; its bytes are uploaded and its old object goes', async () => {
    const before = await synced('a.jpg', 'b.jpg');
    mv('a.jpg', 'x/c.jpg');
    edit('x/c.jpg', 'edited, and longer than it was');
    const report = await world.sync();
    expect(report).toMatchObject({
      status: 'succeeded',
      photos: { moved: 1, new: 0, orphaned: 0 },
      actions: { marked: 0, conflicts: 0, failed: 0 },
      bytes: { uploaded: 'edited, and longer than it was'.length },
      requests: { put: 1, copy: 0 },
    });
    expect(await ids()).toEqual({ 'x/c.jpg': before['a.jpg'], 'b.jpg': before['b.jpg'] });
    await expectSettled();
  });

  test.each(['newer', 'source'] as const)('keeps its id under overwrite: %s too', async (overwrite) => {
    const before = await synced('a.jpg', 'b.jpg');
    mv('a.jpg', 'c.jpg');
    edit('c.jpg', 'edited');
    expect((await world.sync({ overwrite })).photos.moved).toBe(1);
    expect(await ids()).toEqual({ 'c.jpg': before['a.jpg'], 'b.jpg': before['b.jpg'] });
    await expectSettled({ overwrite });
  });

  test('is a new one where nothing that exists may be replaced: the old version stays', async () => {
    const before = await synced('a.jpg', 'b.jpg');
    mv('a.jpg', 'c.jpg');
    edit('c.jpg', 'edited');
    const report = await world.sync({ overwrite: 'never' });
    expect(report).toMatchObject({ photos: { moved: 0, new: 1, orphaned: 1 }, actions: { uploaded: 1, marked: 1 } });
    expect(await ids()).toMatchObject(before);
    expect(await bucket()).toMatchObject({ 'a.jpg': 'bytes of a.jpg', 'c.jpg': 'edited' });
  });

  test('a moment ago is left alone until it holds still', async () => {
    const before = await synced('a.jpg', 'b.jpg');
    mv('a.jpg', 'c.jpg');
    edit('c.jpg', 'half-way');
    const justNow = Date.now() / 1000;
    world.clock.nowMs = justNow * 1000;
    world.write('c.jpg', 'half-way', justNow);
    const report = await world.sync();
    expect(report).toMatchObject({ actions: { unstable: 2, marked: 0, uploaded: 0, deleted: 0 } });
    expect(await bucket()).toMatchObject({ 'a.jpg': 'bytes of a.jpg' });
    world.clock.nowMs += 60_000;
    expect((await world.sync()).photos.moved).toBe(1);
    expect(await ids()).toEqual({ 'c.jpg': before['a.jpg'], 'b.jpg': before['b.jpg'] });
    await expectSettled();
  });

  test('in a swap keeps its id, and so does the other', async () => {
    const before = await synced('a.jpg', 'b.jpg');
    turn('a.jpg', 'b.jpg');
    edit('b.jpg', 'was a, and is edited');
    const report = await world.sync();
    expect(report).toMatchObject({ photos: { moved: 2 }, bytes: { uploaded: 'was a, and is edited'.length } });
    expect(await ids()).toEqual({ 'a.jpg': before['b.jpg'], 'b.jpg': before['a.jpg'] });
    await expectSettled();
  });
});

describe('what is not a rename', () => {
  test('is a photo moved over another: that one’s object becomes a copy, and the old object of the first is kept', async () => {
    const before = await synced('a.jpg', 'b.jpg', 'c.jpg');
    mv('a.jpg', 'b.jpg');
    const report = await world.sync();
    expect(report).toMatchObject({
      photos: { moved: 0, orphaned: 1 },
      actions: { copied: 1, marked: 1, uploaded: 0, reuploaded: 0, deleted: 0, conflicts: 0 },
      bytes: { uploaded: 0 },
    });
    expect(await ids()).toEqual(before);
    expect(await world.states()).toEqual({ 'a.jpg': 'orphaned', 'b.jpg': 'synced', 'c.jpg': 'synced' });
    expect(await bucket()).toEqual({ ...treeOf(world.root), 'a.jpg': 'bytes of a.jpg' });
    await expectQuiet();
  });

  test('is one moved over another of its size and date: only the file itself tells, and its bytes are not lost', async () => {
    for (const name of ['a.raw', 'b.raw', 'c.raw']) world.write(name, `same size, ${name}`);
    await world.sync();
    mv('a.raw', 'b.raw');
    await world.sync({ orphans: 'delete', deleteNow: true });
    expect(await bucket()).toEqual(treeOf(world.root));
    await expectSettled();
  });

  test.each([
    ['of another size', 'quite another photo', 1_650_000_000],
    ['of the same size and date', 'BYTES OF A.JPG', 1_600_000_000],
  ])('is another photo %s that was given the number of a deleted one', async (_, content, mtime) => {
    const before = await synced('a.jpg', 'b.jpg');
    const { ino } = statSync(at('a.jpg'), { bigint: true });
    world.remove('a.jpg');
    let reused = false;
    for (let i = 0; i < 50 && !reused; i++) {
      writeFileSync(at(`try${i}`), '');
      reused = statSync(at(`try${i}`), { bigint: true }).ino === ino;
      if (reused) mv(`try${i}`, 'new.jpg');
    }
    for (let i = 0; i < 50; i++) rmSync(at(`try${i}`), { force: true });
    // A file system that never gives a number twice, or tells no births, has nothing to test here.
    if (!reused || statSync(at('b.jpg'), { bigint: true }).birthtimeNs === 0n) return;
    world.write('new.jpg', content, mtime);
    const report = await world.sync();
    expect(report).toMatchObject({ photos: { moved: 0, new: 1, orphaned: 1 }, actions: { uploaded: 1, marked: 1 } });
    expect(await ids()).toMatchObject(before);
    expect(await bucket()).toEqual({ ...treeOf(world.root), 'a.jpg': 'bytes of a.jpg' });
  });

  test('is a second name of the same file, made or taken away', async () => {
    const before = await synced('a.jpg', 'other.jpg');
    linkSync(at('a.jpg'), at('b.jpg'));
    const linked = await world.sync();
    expect(linked).toMatchObject({
      photos: { moved: 0, new: 1 },
      actions: { moved: 0, copied: 1, uploaded: 0, marked: 0 },
    });
    const both = await ids();
    expect(both).toMatchObject(before);
    await expectSettled();
    world.remove('a.jpg');
    expect(await world.sync()).toMatchObject({ photos: { moved: 0, orphaned: 1 }, actions: { moved: 0, marked: 1 } });
    expect(await ids()).toEqual(both);
  });

  test('is the exchange of one name of a file for another while a third stays', async () => {
    world.write('a.jpg');
    linkSync(at('a.jpg'), at('b.jpg'));
    await world.sync();
    const before = await ids();
    mv('a.jpg', 'c.jpg');
    const report = await world.sync({ orphans: 'delete', deleteNow: true });
    expect(report.bytes.uploaded).toBe(0);
    expect((await ids())['b.jpg']).toBe(before['b.jpg']);
    await expectSettled();
  });
});

describe('moves only', () => {
  test('renames, and uploads, marks and deletes nothing else', async () => {
    const before = await synced('a.jpg', 'deleted.jpg', 'edited.jpg', 'x/1.jpg', 'x/2.jpg');
    const albumsBefore = await albums();
    mv('a.jpg', 'b.jpg');
    mv('x', 'y');
    world.remove('deleted.jpg');
    world.write('edited.jpg', 'edited', 1_650_000_000);
    world.write('new.jpg');
    copyFileSync(at('b.jpg'), at('copied.jpg'));
    world.clock.nowMs += 60_000;
    const report = await world.sync({ moves: 'only', orphans: 'delete', deleteNow: true });
    expect(report).toMatchObject({
      status: 'succeeded',
      photos: { moved: 3 },
      actions: { moved: 3, uploaded: 0, reuploaded: 0, copied: 0, marked: 0, deleted: 0, failed: 0 },
      bytes: { uploaded: 0 },
      requests: { put: 0, copy: 3 },
    });
    expect(await bucket()).toEqual({
      'b.jpg': 'bytes of a.jpg',
      'deleted.jpg': 'bytes of deleted.jpg',
      'edited.jpg': 'bytes of edited.jpg',
      'y/1.jpg': 'bytes of x/1.jpg',
      'y/2.jpg': 'bytes of x/2.jpg',
    });
    expect(await ids()).toEqual({
      'b.jpg': before['a.jpg'],
      'deleted.jpg': before['deleted.jpg'],
      'edited.jpg': before['edited.jpg'],
      'y/1.jpg': before['x/1.jpg'],
      'y/2.jpg': before['x/2.jpg'],
    });
    expect((await albums())['y']).toBe(albumsBefore['x']);
    await expectQuiet({ moves: 'only' });
    expect(await world.sync()).toMatchObject({ actions: { uploaded: 1, copied: 1, reuploaded: 1, marked: 1 } });
  });
});

describe('the same content under another name', () => {
  test('is copied on the server, with its own date and content type', async () => {
    const before = await synced('a.jpg');
    world.write('album/copy.png', 'bytes of a.jpg', 1_650_000_000.5);
    const report = await world.sync();
    expect(report).toMatchObject({
      status: 'succeeded',
      photos: { new: 1, moved: 0 },
      actions: { copied: 1, uploaded: 0, moved: 0 },
      bytes: { uploaded: 0 },
      requests: { put: 0, copy: 1 },
    });
    const copy = await world.s3.client.send(
      new HeadObjectCommand({ Bucket: world.bucket, Key: 'photos/album/copy.png' }),
    );
    expect(copy.ContentType).toBe('image/png');
    expect(Number(copy.Metadata?.['mtime'])).toBe(1_650_000_000.5);
    expect((await ids())['a.jpg']).toBe(before['a.jpg']);
    await expectSettled();
  });

  test('put aside before the photo was edited is no new bytes: only the edit is', async () => {
    const before = await synced('a.jpg');
    world.write('a-original.jpg', 'bytes of a.jpg', 1_650_000_000);
    world.write('a.jpg', 'edited', 1_660_000_000);
    const report = await world.sync();
    expect(report).toMatchObject({ status: 'succeeded', bytes: { uploaded: 'edited'.length } });
    expect((await ids())['a.jpg']).toBe(before['a.jpg']);
    await expectSettled();
  });

  test('is uploaded where copies are turned off', async () => {
    await using plain = Object.assign(await createWorld({ dedupeCopy: false }), {
      async [Symbol.asyncDispose]() {
        await plain.close();
      },
    });
    plain.write('a.jpg', 'the same');
    await plain.sync();
    plain.write('b.jpg', 'the same');
    expect(await plain.sync()).toMatchObject({ actions: { uploaded: 1, copied: 0 }, requests: { put: 1, copy: 0 } });
    move(plain.root, 'b.jpg', 'c.jpg');
    expect(await plain.sync()).toMatchObject({ actions: { moved: 1, uploaded: 0 }, requests: { put: 0, copy: 1 } });
  });

  test('of nothing at all is not worth a copy: two empty files are two photos', async () => {
    const before = await synced('a.jpg');
    world.write('empty.jpg', '');
    await world.sync();
    world.write('empty too.jpg', '');
    expect((await world.sync()).status).toBe('succeeded');
    expect(await ids()).toMatchObject(before);
    await expectSettled();
  });
});
