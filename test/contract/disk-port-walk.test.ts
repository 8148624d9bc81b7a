import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDisk } from '../../src/disk/disk.ts';
import { verifyRoot } from '../../src/disk/root.ts';
import { walkInventory } from '../../src/disk/walk.ts';
import { SINGLE_USE } from '../../src/disk/walkers.ts';
import type { LocalFile } from '../../src/sync/types.ts';
import { entriesOf, type TemporaryLibrary, temporaryLibrary } from '../support/temporary-library.ts';

const NFC = 'caf\u00e9';
const NFD = 'cafe\u0301';

let photos: TemporaryLibrary;
let disk: ReturnType<typeof openDisk>;

beforeEach(() => {
  photos = temporaryLibrary({ excludes: ['*.xmp', 'private/'] });
  disk = openDisk(photos.library);
});

afterEach(async () => {
  await disk.close();
  photos[Symbol.dispose]();
});

async function walk(album: string | null = null) {
  const inventory = disk.walk(album, new AbortController().signal);
  const files = await entriesOf(inventory);
  const vouchesFor = (path: string) => inventory.vouchesFor(`photos/${path}`);
  return { files, paths: files.map((file) => file.path), problems: inventory.problems(), vouchesFor };
}

/** A walk that sends every file by itself, so that a test can change the disk under it. */
function slowWalk() {
  const ends: Promise<unknown>[] = [];
  const request = {
    prefix: 'photos/',
    album: null,
    excludes: [],
    batchSize: 1,
    walkers: SINGLE_USE,
    verifyRoot: () => verifyRoot(photos.library.root),
    onWorkerEnd: (ended: Promise<unknown>) => ends.push(ended),
  };
  const abort = new AbortController();
  return { inventory: walkInventory(request, abort.signal), abort, ends };
}

describe('a walk', () => {
  test('yields every file with its facts, its path as the disk spells it and its key in NFC', async () => {
    photos.write(`2024/${NFD}.jpg`, 'x'.repeat(12), 1_700_000_000.5);
    const { files, problems } = await walk();
    const { dev, ino, birthtimeNs } = statSync(photos.at(`2024/${NFD}.jpg`), { bigint: true });
    expect(files).toEqual<LocalFile[]>([
      {
        key: `photos/2024/${NFC}.jpg`,
        path: `2024/${NFD}.jpg`,
        size: 12,
        mtimeNs: 1_700_000_000_500_000_000n,
        device: BigInt.asIntN(64, dev),
        inode: BigInt.asIntN(64, ino),
        ...(birthtimeNs > 0n && { birthNs: birthtimeNs }),
      },
    ]);
    expect(problems).toEqual([]);
  });

  test('counts the names of a file that has several, in the library or out of it', async () => {
    for (const path of ['a.jpg', 'b.jpg', 'c.jpg']) photos.write(path);
    linkSync(photos.at('a.jpg'), photos.at('z.jpg'));
    linkSync(photos.at('b.jpg'), `${photos.folder}/elsewhere.jpg`);
    const { files } = await walk();
    expect(files.map(({ path, links }) => [path, links])).toEqual([
      ['a.jpg', 2],
      ['b.jpg', 2],
      ['c.jpg', undefined],
      ['z.jpg', 2],
    ]);
    expect(files[0]?.inode).toBe(files[3]?.inode);
  });

  test('goes in the byte order of keys: a folder sorts as if its name ended in a slash', async () => {
    const ordered = ['a b', 'a!/x', 'a-b/x', 'a.jpg', 'a/b', 'a/b-/x', 'a/b.jpg', 'a0', 'b', '\uffee', '😀'];
    for (const path of ordered.toReversed()) photos.write(path);
    expect((await walk()).paths).toEqual(ordered);
  });

  test('of an empty root is empty and vouches for every key it could have', async () => {
    const { paths, problems, vouchesFor } = await walk();
    expect(paths).toEqual([]);
    expect(problems).toEqual([]);
    expect(vouchesFor('gone/photo.jpg')).toBe(true);
  });

  test('vouches neither for keys of another library nor for keys that no file can have', async () => {
    const { vouchesFor } = await walk();
    expect(disk.walk(null, AbortSignal.timeout(0)).vouchesFor('photos-old/x.jpg')).toBe(false);
    expect(vouchesFor('../x.jpg')).toBe(false);
    expect(vouchesFor(`${NFD}.jpg`)).toBe(false);
  });

  test('leaves excluded files and folders out without a word, and vouches for none of them', async () => {
    for (const path of ['a.jpg', 'a.xmp', 'x.part', 'private/p.jpg', 'b/@eaDir/t.jpg', 'b/temp_1/y.jpg', 'b/z.jpg']) {
      photos.write(path);
    }
    const { paths, problems, vouchesFor } = await walk();
    expect(paths).toEqual(['a.jpg', 'b/z.jpg']);
    expect(problems).toEqual([]);
    for (const hidden of ['old.xmp', 'private/q.jpg', 'b/private/q.jpg', 'b/@eaDir/u.jpg', 'b/temp_1/z.jpg']) {
      expect(vouchesFor(hidden), hidden).toBe(false);
    }
    expect(vouchesFor('b/gone.jpg')).toBe(true);
  });

  test('merges folders whose names differ only in normalisation', async () => {
    for (const path of [`${NFC}/b`, `${NFD}/a`, `${NFD}/c`, `${NFC}/sub/x`, `${NFD}/sub/w`, 'cafe/z', 'cafz']) {
      photos.write(path);
    }
    const { files } = await walk();
    expect(files.map((file) => file.key)).toEqual(
      ['cafe/z', 'cafz', `${NFC}/a`, `${NFC}/b`, `${NFC}/c`, `${NFC}/sub/w`, `${NFC}/sub/x`].map((p) => `photos/${p}`),
    );
    expect(files.map((file) => file.path)).toContain(`${NFD}/sub/w`);
  });

  test('yields files that share a key once, with their other spellings', async () => {
    photos.write(`a/${NFD}.jpg`, 'decomposed');
    photos.write(`a/${NFC}.jpg`, 'nfc');
    photos.write(`${NFC}/x`);
    photos.write(`${NFD}/x`);
    const { files } = await walk();
    expect(files).toMatchObject([
      { key: `photos/a/${NFC}.jpg`, path: `a/${NFC}.jpg`, size: 3, twins: [`a/${NFD}.jpg`] },
      { key: `photos/${NFC}/x`, path: `${NFC}/x`, twins: [`${NFD}/x`] },
    ]);
  });

  test('keeps a file and a folder apart that differ only in normalisation', async () => {
    photos.write(NFC);
    photos.write(`${NFD}/x`);
    photos.write(`${NFC}-`);
    const { files, problems } = await walk();
    expect(files.map((file) => file.key)).toEqual([NFC, `${NFC}-`, `${NFC}/x`].map((path) => `photos/${path}`));
    expect(problems).toEqual([]);
  });

  test('follows a link to a file inside the root', async () => {
    photos.write('real/x.jpg', 'twelve bytes');
    mkdirSync(photos.at('links'));
    symlinkSync('../real/x.jpg', photos.at('links/y.jpg'));
    const { files, problems } = await walk();
    expect(files).toMatchObject([
      { path: 'links/y.jpg', size: 12 },
      { path: 'real/x.jpg', size: 12 },
    ]);
    expect(files[0]?.inode).toBe(files[1]?.inode);
    expect(problems).toEqual([]);
  });

  test('skips links that leave the root, lead nowhere, in a circle or to a folder, and vouches for nothing there', async () => {
    writeFileSync(`${photos.folder}/outside.jpg`, 'secret');
    mkdirSync(`${photos.folder}/library-2`);
    writeFileSync(`${photos.folder}/library-2/neighbour.jpg`, 'secret');
    photos.write('real/x.jpg');
    symlinkSync(`${photos.folder}/outside.jpg`, photos.at('leaves.jpg'));
    symlinkSync(`${photos.folder}/library-2/neighbour.jpg`, photos.at('neighbour.jpg'));
    symlinkSync('nowhere.jpg', photos.at('dangles.jpg'));
    symlinkSync('circle.jpg', photos.at('circle.jpg'));
    symlinkSync('real', photos.at('folder'));
    symlinkSync(photos.folder, photos.at('up'));
    const links = ['circle.jpg', 'dangles.jpg', 'folder', 'leaves.jpg', 'neighbour.jpg', 'up'];
    const { paths, problems, vouchesFor } = await walk();
    expect(paths).toEqual(['real/x.jpg']);
    expect(problems.map(({ path, hides, code }) => ({ path, hides, code }))).toEqual(
      links.map((path) => ({ path, hides: false, code: 'FILE_SKIPPED' })),
    );
    for (const link of links) expect(vouchesFor(link), link).toBe(false);
    expect(vouchesFor('folder/x.jpg')).toBe(false);
    expect(vouchesFor('up/deep/down.jpg')).toBe(false);
    expect(vouchesFor('real/gone.jpg')).toBe(true);
  });

  test('works below a root that is itself a link', async () => {
    photos.write('a/x.jpg');
    symlinkSync('x.jpg', photos.at('a/y.jpg'));
    symlinkSync('library', `${photos.folder}/entrance`);
    const other = openDisk({ ...photos.library, root: `${photos.folder}/entrance` });
    const inventory = other.walk(null, new AbortController().signal);
    expect((await entriesOf(inventory)).map((file) => file.path)).toEqual(['a/x.jpg', 'a/y.jpg']);
    expect(inventory.problems()).toEqual([]);
    await other.close();
  });

  test('skips what is neither file nor folder', async () => {
    execFileSync('mkfifo', [photos.at('pipe.jpg')]);
    const { paths, problems, vouchesFor } = await walk();
    expect(paths).toEqual([]);
    expect(problems).toMatchObject([{ path: 'pipe.jpg', hides: false }]);
    expect(vouchesFor('pipe.jpg')).toBe(false);
  });

  test('reports names that cannot be keys and goes on', async () => {
    const long = `${'d'.repeat(200)}/`.repeat(5);
    photos.write('a\\b.jpg');
    photos.write('c\\d/e.jpg');
    photos.write(`${long}${'f'.repeat(50)}`);
    photos.write(`${long}g`);
    photos.write('ok.jpg');
    const { paths, problems, vouchesFor } = await walk();
    expect(paths).toEqual([`${long}g`, 'ok.jpg']);
    expect(problems.map(({ path, code, hides }) => ({ path, code, hides }))).toEqual([
      { path: 'a\\b.jpg', code: 'NAME_INVALID', hides: false },
      { path: 'c\\d', code: 'NAME_INVALID', hides: false },
      { path: `${long}${'f'.repeat(50)}`, code: 'NAME_TOO_LONG', hides: false },
    ]);
    expect(vouchesFor('a/b.jpg')).toBe(true);
  });

  test.runIf(process.platform === 'linux')(
    'reports names that are not UTF-8, and takes none of them for the U+FFFD that they are shown with',
    async () => {
      const latin1 = Buffer.concat([Buffer.from(`${photos.at('a')}/caf`), Buffer.from([0xe9]), Buffer.from('.jpg')]);
      photos.write('a/caf\ufffd.jpg', 'a real replacement character');
      photos.write('a/ok.jpg');
      writeFileSync(latin1, 'x');
      const { files, problems, vouchesFor } = await walk();
      expect(files).toMatchObject([{ path: 'a/caf\ufffd.jpg', size: 28 }, { path: 'a/ok.jpg' }]);
      expect(problems).toMatchObject([{ path: 'a/caf\ufffd.jpg', code: 'NAME_INVALID', hides: false }]);
      // It may be this photo, named in another encoding.
      expect(vouchesFor(`a/${NFC}.jpg`)).toBe(false);
      expect(vouchesFor(`a/${NFC}/x.jpg`)).toBe(false);
      expect(vouchesFor('a/gone.jpg')).toBe(true);
      expect(vouchesFor(`${NFC}/gone.jpg`)).toBe(true);
    },
  );

  test('comes in batches of 2,000 files', async () => {
    for (let i = 0; i < 4_500; i++) photos.write(`album-${i % 3}/${i}.jpg`, '');
    const sizes: number[] = [];
    for await (const batch of disk.walk(null, new AbortController().signal).batches) sizes.push(batch.length);
    expect(sizes).toEqual([2_000, 2_000, 500]);
  });
});

describe('a walk of one album', () => {
  test('covers the files directly in it and vouches for no others', async () => {
    for (const path of [
      'root.jpg',
      '2024/x.jpg',
      '2024/summer/y.jpg',
      '2024/summer/sub/z.jpg',
      '2024/summer-2/w.jpg',
    ]) {
      photos.write(path);
    }
    const summer = await walk('2024/summer');
    expect(summer.paths).toEqual(['2024/summer/y.jpg']);
    expect(summer.vouchesFor('2024/summer/gone.jpg')).toBe(true);
    expect(summer.vouchesFor('2024/summer/sub/gone.jpg')).toBe(false);
    expect(summer.vouchesFor('2024/gone.jpg')).toBe(false);
    const root = await walk('.');
    expect(root.paths).toEqual(['root.jpg']);
    expect(root.vouchesFor('gone.jpg')).toBe(true);
    expect(root.vouchesFor('2024/x.jpg')).toBe(false);
  });

  test('finds its folder however the disk spells it, all spellings of it', async () => {
    photos.write(`${NFD}/${NFD}/a.jpg`);
    photos.write(`${NFD}/${NFC}/b.jpg`);
    photos.write(`${NFC}/${NFD}/c.jpg`);
    const { files } = await walk(`${NFC}/${NFC}`);
    expect(files.map((file) => file.key)).toEqual(['a', 'b', 'c'].map((name) => `photos/${NFC}/${NFC}/${name}.jpg`));
  });

  test('whose folder is gone is empty and vouches for it', async () => {
    photos.write('2024/x.jpg');
    for (const album of ['2024/summer', '2023/summer', '2024/x.jpg']) {
      const { paths, problems, vouchesFor } = await walk(album);
      expect({ paths, problems }).toEqual({ paths: [], problems: [] });
      expect(vouchesFor(`${album}/y.jpg`)).toBe(true);
    }
  });

  test('behind a link or an exclude vouches for nothing', async () => {
    photos.write('real/summer/x.jpg');
    photos.write('private/x.jpg');
    symlinkSync('real', photos.at('2024'));
    const linked = await walk('2024/summer');
    expect(linked.paths).toEqual([]);
    expect(linked.problems).toMatchObject([{ path: '2024', hides: false }]);
    expect(linked.vouchesFor('2024/summer/x.jpg')).toBe(false);
    const excluded = await walk('private');
    expect(excluded.paths).toEqual([]);
    expect(excluded.vouchesFor('private/x.jpg')).toBe(false);
  });

  test('must be named by a path below the root', () => {
    for (const album of ['', '..', 'a/../b', '/a', 'a/', NFD]) {
      expect(() => disk.walk(album, new AbortController().signal)).toThrow(
        expect.objectContaining({ code: 'BAD_INPUT', field: 'album' }),
      );
    }
  });

  test('is known to have a folder, or not', async () => {
    photos.write(`2024/${NFD}/x.jpg`);
    symlinkSync('2024', photos.at('link'));
    const { signal } = new AbortController();
    const answers = ['.', '2024', `2024/${NFC}`, 'link', '2023', '2024/x', `2024/${NFC}/x.jpg`].map((album) =>
      disk.hasFolder(album, signal),
    );
    expect(await Promise.all(answers)).toEqual([true, true, true, true, false, false, false]);
  });
});

describe('a disk that changes during the walk', () => {
  test('a file that vanishes is gone', async () => {
    for (let i = 10; i < 60; i++) photos.write(`a/${i}.jpg`);
    const { inventory } = slowWalk();
    await inventory.batches[Symbol.asyncIterator]().next();
    rmSync(photos.at('a/59.jpg'));
    const rest = await entriesOf(inventory);
    expect(rest).toHaveLength(48);
    expect(inventory.problems()).toEqual([]);
    expect(inventory.vouchesFor('photos/a/59.jpg')).toBe(true);
  });

  test('a folder that vanishes is gone', async () => {
    for (let i = 10; i < 60; i++) photos.write(`a/b/${i}.jpg`);
    photos.write('z.jpg');
    const { inventory } = slowWalk();
    await inventory.batches[Symbol.asyncIterator]().next();
    rmSync(photos.at('a'), { recursive: true });
    const rest = await entriesOf(inventory);
    expect(rest.at(-1)?.path).toBe('z.jpg');
    expect(rest.length).toBeLessThan(20);
    expect(inventory.problems()).toEqual([]);
    expect(inventory.vouchesFor('photos/a/b/59.jpg')).toBe(true);
  });

  test('a folder that another replaces, as when a disk is unmounted from it, proves nothing', async () => {
    for (let i = 10; i < 60; i++) photos.write(`a/b/${i}.jpg`);
    photos.write('z.jpg');
    const { inventory } = slowWalk();
    await inventory.batches[Symbol.asyncIterator]().next();
    renameSync(photos.at('a'), `${photos.folder}/unmounted`);
    mkdirSync(photos.at('a'));
    const rest = await entriesOf(inventory);
    expect(rest.at(-1)?.path).toBe('z.jpg');
    expect(inventory.problems()).toMatchObject([{ path: 'a', code: 'FOLDER_UNREADABLE', hides: true }]);
    expect(inventory.vouchesFor('photos/a/b/59.jpg')).toBe(false);
    expect(inventory.vouchesFor('photos/gone.jpg')).toBe(true);
  });

  test.each(['replaced', 'gone'])('a root that is %s ends the walk and proves nothing', async (fate) => {
    for (let i = 10; i < 60; i++) photos.write(`a/${i}.jpg`);
    const { inventory } = slowWalk();
    const first = await inventory.batches[Symbol.asyncIterator]().next();
    renameSync(photos.library.root, `${photos.folder}/unmounted`);
    if (fate === 'replaced') mkdirSync(photos.library.root);
    const rest = await entriesOf(inventory);
    expect(first.value).toHaveLength(1);
    expect(rest.length).toBeLessThan(20);
    expect(inventory.problems()).toMatchObject([{ path: '.', code: 'FOLDER_UNREADABLE', hides: true }]);
    expect(inventory.vouchesFor('photos/a/10.jpg')).toBe(false);
    expect(inventory.vouchesFor('photos/a/gone.jpg')).toBe(false);
  });
});

describe('a walk that is left early', () => {
  test('ends its worker when the consumer stops, and vouches only for what was passed', async () => {
    for (let i = 10; i < 60; i++) photos.write(`a/${i}.jpg`);
    const { inventory, ends } = slowWalk();
    for await (const [file] of inventory.batches) if (file?.path === 'a/12.jpg') break;
    expect(ends).toHaveLength(1);
    await expect(ends[0]).resolves.toBe(1);
    expect(inventory.vouchesFor('photos/a/11-gone.jpg')).toBe(true);
    expect(inventory.vouchesFor('photos/a/13-gone.jpg')).toBe(false);
  });

  test('rejects with the reason of an abort, while it waits and before it begins', async () => {
    for (let i = 10; i < 60; i++) photos.write(`a/${i}.jpg`);
    const reason = new Error('enough');
    const { inventory, abort, ends } = slowWalk();
    const batches = inventory.batches[Symbol.asyncIterator]();
    await batches.next();
    abort.abort(reason);
    await expect(batches.next()).rejects.toBe(reason);
    await ends[0];
    await expect(entriesOf(disk.walk(null, AbortSignal.abort(reason)))).rejects.toBe(reason);
  });

  test('throws a guard when there is no root to walk', async () => {
    rmSync(photos.library.root, { recursive: true });
    await expect(walk()).rejects.toMatchObject({ code: 'GUARD_ROOT_MISSING' });
  });
});
