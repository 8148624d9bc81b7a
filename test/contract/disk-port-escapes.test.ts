/** Ways out of a library, tried from inside: links of both kinds, folders exchanged in mid-course, names that are one to some disks. */
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDisk } from '../../src/disk/disk.ts';
import type { FileFacts } from '../../src/sync/types.ts';
import { type TemporaryLibrary, temporaryLibrary } from '../support/temporary-library.ts';

const { signal } = new AbortController();
const MTIME = 1_700_000_000_000_000_000n;

let photos: TemporaryLibrary;
let disk: ReturnType<typeof openDisk>;
let outside: string;

beforeEach(() => {
  photos = temporaryLibrary();
  disk = openDisk(photos.library);
  outside = `${photos.folder}/outside`;
  mkdirSync(outside);
  writeFileSync(`${outside}/x.jpg`, 'mine, outside');
});
afterEach(async () => {
  await disk.close();
  photos[Symbol.dispose]();
});

const inside = (path: string) => readFileSync(photos.at(path), 'utf8');
const untouched = () => expect(readFileSync(`${outside}/x.jpg`, 'utf8')).toBe('mine, outside');

async function factsOf(path: string): Promise<FileFacts> {
  const facts = await disk.stat(path, signal);
  if (facts === null) throw new Error(`there is no ${path}`);
  return facts;
}

async function download(path: string, text: string, replacing: FileFacts | null = null): Promise<void> {
  const incoming = await disk.receive(path, replacing, signal);
  try {
    await incoming.write(Buffer.from(text));
    await incoming.commit(MTIME);
  } catch (thrown) {
    await incoming.discard();
    throw thrown;
  }
}

describe('a hard link to a file outside', () => {
  test('is broken by the download that replaces it, never written through', async () => {
    linkSync(`${outside}/x.jpg`, photos.at('x.jpg'));
    await download('x.jpg', 'from the bucket', await factsOf('x.jpg'));
    expect(inside('x.jpg')).toBe('from the bucket');
    untouched();
    expect(statSync(`${outside}/x.jpg`).nlink).toBe(1);
  });

  test('keeps its mode and time outside, whatever the one inside gets', async () => {
    linkSync(`${outside}/x.jpg`, photos.at('x.jpg'));
    const before = statSync(`${outside}/x.jpg`);
    await download('x.jpg', 'from the bucket', await factsOf('x.jpg'));
    const { mtimeMs, mode } = statSync(`${outside}/x.jpg`);
    expect([mtimeMs, mode]).toEqual([before.mtimeMs, before.mode]);
  });
});

describe('a folder that becomes a link to one outside', () => {
  const exchange = (folder: string) => {
    renameSync(photos.at(folder), `${photos.folder}/was`);
    symlinkSync(outside, photos.at(folder));
  };

  test('is not read through: not by a look, not by an opening, not by one that was open', async () => {
    photos.write('a/x.jpg', 'inside');
    const facts = await factsOf('a/x.jpg');
    const open = await disk.open('a/x.jpg', facts, signal);
    exchange('a');
    await expect(disk.stat('a/x.jpg', signal)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    await expect(disk.open('a/x.jpg', facts, signal)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    expect((await open.read(0, 6, signal)).toString()).toBe('inside');
    await expect(open.verifyUnchanged()).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    await open.close();
  });

  test('is not opened as another file of the same size and time', async () => {
    photos.write('a/x.jpg', 'mine, outside');
    const facts = await factsOf('a/x.jpg');
    const there = { ...facts, inode: BigInt(statSync(`${outside}/x.jpg`).ino) };
    exchange('a');
    await expect(disk.open('a/x.jpg', there, signal)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  });

  test.each(['before it begins', 'before its bytes', 'before its place'])(
    '%s, a download does not follow it',
    async (when) => {
      photos.write('a/old.jpg');
      if (when === 'before it begins') exchange('a');
      const begun = disk.receive('a/new.jpg', null, signal);
      if (when === 'before it begins') {
        await expect(begun).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' });
      } else {
        const incoming = await begun;
        if (when === 'before its bytes') exchange('a');
        await incoming.write(Buffer.from('from the bucket'));
        if (when === 'before its place') exchange('a');
        await expect(incoming.commit(MTIME)).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' });
        await incoming.discard();
      }
      expect(existsSync(`${outside}/new.jpg`)).toBe(false);
      untouched();
    },
  );

  test('and a file in it that is to be replaced there is left alone', async () => {
    photos.write('a/x.jpg', 'inside');
    const facts = await factsOf('a/x.jpg');
    const incoming = await disk.receive('a/x.jpg', facts, signal);
    await incoming.write(Buffer.from('from the bucket'));
    exchange('a');
    await expect(incoming.commit(MTIME)).rejects.toMatchObject({ code: expect.stringMatching(/^FILE_/) });
    await incoming.discard();
    untouched();
    expect(readFileSync(`${photos.folder}/was/x.jpg`, 'utf8')).toBe('inside');
  });

  test('nor is the root, exchanged as a whole', async () => {
    photos.write('x.jpg', 'inside');
    const facts = await factsOf('x.jpg');
    renameSync(photos.library.root, `${photos.folder}/was`);
    symlinkSync(outside, photos.library.root);
    await expect(disk.open('x.jpg', facts, signal)).rejects.toMatchObject({ code: expect.stringMatching(/^FILE_/) });
    await expect(disk.receive('x2.jpg', null, signal)).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' });
    expect(existsSync(`${outside}/x2.jpg`)).toBe(false);
    rmSync(photos.library.root);
    renameSync(`${photos.folder}/was`, photos.library.root);
  });
});

/** As disks of macOS and Windows are, as a rule. */
function takesCasesForOne(): boolean {
  using library = temporaryLibrary();
  library.write('Photo.jpg');
  return existsSync(library.at('photo.jpg'));
}

describe('names that differ by case alone', () => {
  test.runIf(takesCasesForOne())('are one name here: the second to come is refused, and replaces nothing', async () => {
    await download('Photo.jpg', 'the first');
    await expect(download('photo.jpg', 'the second')).rejects.toMatchObject({ code: 'FILE_EXISTS' });
    expect(inside('Photo.jpg')).toBe('the first');
  });

  test.runIf(!takesCasesForOne())('are two files here', async () => {
    await download('Photo.jpg', 'the first');
    await download('photo.jpg', 'the second');
    expect([inside('Photo.jpg'), inside('photo.jpg')]).toEqual(['the first', 'the second']);
  });

  test('of which one is put in place while the other is on its way, are settled by the disk: nothing is replaced', async () => {
    const incoming = await disk.receive('photo.jpg', null, signal);
    await incoming.write(Buffer.from('the second'));
    // What a disk that takes cases for one shows under the other name at that moment.
    photos.write(takesCasesForOne() ? 'Photo.jpg' : 'photo.jpg', 'the first');
    await expect(incoming.commit(MTIME)).rejects.toMatchObject({ code: 'FILE_EXISTS' });
    await incoming.discard();
    expect(inside('photo.jpg')).toBe('the first');
  });
});
