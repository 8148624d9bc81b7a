import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDisk } from '../../src/disk/disk.ts';
import type { FileFacts } from '../../src/sync/types.ts';
import { type TemporaryLibrary, temporaryLibrary } from '../support/temporary-library.ts';

const { signal } = new AbortController();

let photos: TemporaryLibrary;
let disk: ReturnType<typeof openDisk>;

beforeEach(() => {
  photos = temporaryLibrary();
  disk = openDisk(photos.library);
});

afterEach(async () => {
  await disk.close();
  photos[Symbol.dispose]();
});

async function factsOf(path: string): Promise<FileFacts> {
  const facts = await disk.stat(path, signal);
  if (facts === null) throw new Error(`${path} is gone`);
  return facts;
}

const code = (expected: string) => expect.objectContaining({ code: expected });

describe('the root', () => {
  test('that is a readable folder is verified, an empty one too', async () => {
    await expect(disk.verifyRoot(signal)).resolves.toBeUndefined();
  });

  test('that is missing is named, with what to check', async () => {
    rmSync(photos.library.root, { recursive: true });
    await expect(disk.verifyRoot(signal)).rejects.toMatchObject({
      code: 'GUARD_ROOT_MISSING',
      message: expect.stringMatching(`${photos.library.root}.*mounted`),
    });
  });

  test('that is below a file is missing', async () => {
    writeFileSync(`${photos.folder}/file`, '');
    const below = openDisk({ ...photos.library, root: `${photos.folder}/file/photos` });
    await expect(below.verifyRoot(signal)).rejects.toThrow(code('GUARD_ROOT_MISSING'));
  });

  test('that is a file is no folder', async () => {
    writeFileSync(`${photos.folder}/file`, '');
    const file = openDisk({ ...photos.library, root: `${photos.folder}/file` });
    await expect(file.verifyRoot(signal)).rejects.toThrow(code('GUARD_ROOT_NOT_DIRECTORY'));
  });

  test('that cannot be looked up for another reason is unreadable', async () => {
    symlinkSync('circle', `${photos.folder}/circle`);
    const circle = openDisk({ ...photos.library, root: `${photos.folder}/circle` });
    await expect(circle.verifyRoot(signal)).rejects.toThrow(code('GUARD_ROOT_UNREADABLE'));
  });

  test('is not waited for after an abort', async () => {
    const reason = new Error('enough');
    await expect(disk.verifyRoot(AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe('stat', () => {
  test('tells the facts of a file, the same that a walk tells', async () => {
    photos.write('a/x.jpg', 'twelve bytes', 1_700_000_000.25);
    const { dev, ino, birthtimeNs } = statSync(photos.at('a/x.jpg'), { bigint: true });
    expect(await disk.stat('a/x.jpg', signal)).toEqual({
      size: 12,
      mtimeNs: 1_700_000_000_250_000_000n,
      device: BigInt.asIntN(64, dev),
      inode: BigInt.asIntN(64, ino),
      ...(birthtimeNs > 0n && { birthNs: birthtimeNs }),
    });
    for await (const [file] of disk.walk(null, signal).batches) expect(file).toMatchObject(await factsOf('a/x.jpg'));
  });

  test('is null for a file that is gone, alone or with its folder', async () => {
    photos.write('a/x.jpg');
    expect(await disk.stat('a/gone.jpg', signal)).toBeNull();
    expect(await disk.stat('gone/x.jpg', signal)).toBeNull();
    expect(await disk.stat('a/x.jpg/below-a-file', signal)).toBeNull();
  });

  test.each(['replaced', 'gone'])('throws rather than call a file gone when the root is %s', async (fate) => {
    await disk.verifyRoot(signal);
    renameSync(photos.library.root, `${photos.folder}/unmounted`);
    if (fate === 'replaced') mkdirSync(photos.library.root);
    await expect(disk.stat('a/x.jpg', signal)).rejects.toThrow(code('FILE_UNREADABLE'));
    await expect(disk.hasFolder('a', signal)).rejects.toThrow(code('FILE_UNREADABLE'));
  });

  test('throws for what a walk skips: it is there, but nothing can be said of it', async () => {
    photos.write('real/x.jpg');
    symlinkSync('real', photos.at('folder-link'));
    symlinkSync('nowhere', photos.at('dangling'));
    symlinkSync('/etc/hosts', photos.at('outside'));
    execFileSync('mkfifo', [photos.at('pipe')]);
    const paths = [
      'folder-link/x.jpg',
      'folder-link/gone.jpg',
      'dangling',
      'dangling/x.jpg',
      'outside',
      'pipe',
      'real',
    ];
    for (const path of paths) {
      await expect(disk.stat(path, signal), path).rejects.toThrow(code('FILE_UNREADABLE'));
    }
  });

  test('follows a link to a file inside the root', async () => {
    photos.write('real/x.jpg');
    symlinkSync('real/x.jpg', photos.at('link.jpg'));
    expect(await disk.stat('link.jpg', signal)).toEqual(await disk.stat('real/x.jpg', signal));
  });

  test('refuses a path that leaves the root', async () => {
    for (const path of ['../library/x.jpg', '/etc/hosts', 'a/../../x', '']) {
      await expect(disk.stat(path, signal)).rejects.toThrow(code('NAME_INVALID'));
    }
  });
});

describe('statAll', () => {
  test('tells of each path what stat does, in their order', async () => {
    photos.write('a/x.jpg');
    photos.write('a/b/y.jpg', 'y');
    photos.write('z.jpg');
    symlinkSync('a', photos.at('folder-link'));
    symlinkSync('a/x.jpg', photos.at('link.jpg'));
    const missing = ['a/gone.jpg', 'gone/x.jpg', 'gone/b/y.jpg', 'a/x.jpg/below-a-file'];
    const paths = ['a/b/y.jpg', ...missing, 'a/x.jpg', 'folder-link/x.jpg', 'a', '../z.jpg', 'link.jpg', 'z.jpg'];
    const alone = await Promise.all(paths.map((path) => disk.stat(path, signal).catch((error: unknown) => error)));
    expect(await disk.statAll(paths, signal)).toEqual(alone);
    expect(alone.slice(1, 5)).toEqual([null, null, null, null]);
    expect(alone.slice(6, 9)).toEqual([code('FILE_UNREADABLE'), code('FILE_UNREADABLE'), code('NAME_INVALID')]);
    expect(await disk.statAll([], signal)).toEqual([]);
  });

  test.each(['replaced', 'gone'])('calls nothing gone when the root is %s', async (fate) => {
    await disk.verifyRoot(signal);
    renameSync(photos.library.root, `${photos.folder}/unmounted`);
    if (fate === 'replaced') mkdirSync(photos.library.root);
    const looked = await disk.statAll(['a/x.jpg', 'y.jpg'], signal);
    expect(looked).toEqual([code('FILE_UNREADABLE'), code('FILE_UNREADABLE')]);
  });

  test('ends at an abort, with its reason', async () => {
    await expect(disk.statAll(['a/x.jpg'], AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });
});

describe('open', () => {
  test('reads exactly what is asked for, anywhere in the file', async () => {
    photos.write('a/x.bin', '0123456789');
    const file = await disk.open('a/x.bin', await factsOf('a/x.bin'), signal);
    expect(file.facts).toEqual(await factsOf('a/x.bin'));
    expect(String(await file.read(0, 10, signal))).toBe('0123456789');
    expect(String(await file.read(7, 2, signal))).toBe('78');
    expect(String(await file.read(10, 0, signal))).toBe('');
    const memory = Buffer.alloc(20, 'x');
    expect((await file.read(4, 3, signal, (bytes) => memory.subarray(8, 8 + bytes))).buffer).toBe(memory.buffer);
    expect(String(memory)).toBe('xxxxxxxx456xxxxxxxxx');
    await expect(file.read(8, 3, signal)).rejects.toThrow(code('FILE_UNSTABLE'));
    await file.verifyUnchanged();
    await file.close();
  });

  test('follows a link to a file inside the root', async () => {
    photos.write('real/x.jpg', 'real');
    symlinkSync('real/x.jpg', photos.at('link.jpg'));
    const file = await disk.open('link.jpg', await factsOf('link.jpg'), signal);
    expect(String(await file.read(0, 4, signal))).toBe('real');
    await file.verifyUnchanged();
    await file.close();
  });

  test.each<[string, (path: string) => void]>([
    ['longer', (path) => appendFileSync(path, '!')],
    ['shorter', (path) => truncateSync(path, 3)],
    ['modified', (path) => utimesSync(path, 1_700_000_001, 1_700_000_001)],
    [
      'replaced by an equal file',
      (path) => {
        copyFileSync(path, `${path}.new`);
        utimesSync(`${path}.new`, 1_700_000_000, 1_700_000_000);
        renameSync(`${path}.new`, path);
      },
    ],
    [
      'replaced by a folder',
      (path) => {
        unlinkSync(path);
        mkdirSync(path);
      },
    ],
  ])('refuses a file that has become %s, and notices it while it is open', async (_, change) => {
    photos.write('a/x.jpg', '0123456789', 1_700_000_000);
    const facts = await factsOf('a/x.jpg');
    const file = await disk.open('a/x.jpg', facts, signal);
    await file.verifyUnchanged();
    change(photos.at('a/x.jpg'));
    await expect(file.verifyUnchanged()).rejects.toThrow(code('FILE_UNSTABLE'));
    await file.close();
    await expect(disk.open('a/x.jpg', facts, signal)).rejects.toThrow(code('FILE_UNSTABLE'));
  });

  test('says that a file is gone, and that an open one was moved away', async () => {
    photos.write('a/x.jpg');
    const facts = await factsOf('a/x.jpg');
    const file = await disk.open('a/x.jpg', facts, signal);
    renameSync(photos.at('a/x.jpg'), photos.at('a/y.jpg'));
    await expect(file.verifyUnchanged()).rejects.toThrow(code('FILE_UNSTABLE'));
    await file.close();
    await expect(disk.open('a/x.jpg', facts, signal)).rejects.toThrow(code('FILE_GONE'));
  });

  test('does not call a file gone whose root is', async () => {
    photos.write('a/x.jpg');
    const facts = await factsOf('a/x.jpg');
    renameSync(photos.library.root, `${photos.folder}/unmounted`);
    mkdirSync(photos.library.root);
    await expect(disk.open('a/x.jpg', facts, signal)).rejects.toThrow(code('FILE_UNREADABLE'));
  });

  test('never reads outside of the root, not even the right inode', async () => {
    photos.write('a/x.jpg', 'inside');
    const facts = await factsOf('a/x.jpg');
    renameSync(photos.at('a'), `${photos.folder}/outside`);
    symlinkSync(`${photos.folder}/outside`, photos.at('a'));
    await expect(disk.open('a/x.jpg', facts, signal)).rejects.toThrow(code('FILE_UNREADABLE'));
    mkdirSync(photos.at('b'));
    symlinkSync(`${photos.folder}/outside/x.jpg`, photos.at('b/x.jpg'));
    await expect(disk.open('b/x.jpg', facts, signal)).rejects.toThrow(code('FILE_UNREADABLE'));
  });

  test('does not hang on a pipe that has taken the place of a file', async () => {
    photos.write('a/x.jpg');
    const facts = await factsOf('a/x.jpg');
    unlinkSync(photos.at('a/x.jpg'));
    execFileSync('mkfifo', [photos.at('a/x.jpg')]);
    await expect(disk.open('a/x.jpg', facts, signal)).rejects.toThrow(code('FILE_UNSTABLE'));
  });

  test('can be closed twice, and leaves no file open', async () => {
    photos.write('a/x.jpg');
    const facts = await factsOf('a/x.jpg');
    const before = openFiles();
    const file = await disk.open('a/x.jpg', facts, signal);
    expect(openFiles().length - before.length).toBe(process.platform === 'linux' ? 1 : 0);
    await file.close();
    await file.close();
    await expect(disk.open('a/x.jpg', { ...facts, size: 1 }, signal)).rejects.toThrow(code('FILE_UNSTABLE'));
    expect(openFiles()).toEqual(before);
  });

  test('and reading stop at an abort, with its reason', async () => {
    photos.write('a/x.jpg');
    const facts = await factsOf('a/x.jpg');
    const reason = new Error('enough');
    await expect(disk.open('a/x.jpg', facts, AbortSignal.abort(reason))).rejects.toBe(reason);
    const file = await disk.open('a/x.jpg', facts, signal);
    await expect(file.read(0, 1, AbortSignal.abort(reason))).rejects.toBe(reason);
    await file.close();
    const abort = new AbortController();
    const before = openFiles();
    const opening = disk.open('a/x.jpg', facts, abort.signal);
    abort.abort(reason);
    await expect(opening).rejects.toBe(reason);
    await expect.poll(openFiles).toEqual(before);
  });
});

/** What this process has open below the library. */
function openFiles(): string[] {
  if (process.platform !== 'linux') return [];
  const folder = `/proc/${process.pid}/fd`;
  return readdirSync(folder)
    .map((name) => targetOf(`${folder}/${name}`))
    .filter((target) => target.includes(photos.library.root));
}

/** Empty for what was closed since the folder was read: the test runner opens and closes files meanwhile. */
function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}
