import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openDisk } from '../../src/disk/disk.ts';
import type { IncomingFile } from '../../src/sync/ports.ts';
import type { FileFacts } from '../../src/sync/types.ts';
import { openBelow } from '../support/open-below.ts';
import { entriesOf, type TemporaryLibrary, temporaryLibrary } from '../support/temporary-library.ts';

const { signal } = new AbortController();
const MTIME = 1_700_000_000_123_456_789n;
const NFC = 'Z\u00fcrich';
const NFD = 'Zu\u0308rich';

let photos: TemporaryLibrary;
let disk: ReturnType<typeof openDisk>;

beforeEach(() => {
  photos = temporaryLibrary();
  disk = openDisk(photos.library);
});

afterEach(async () => {
  vi.useRealTimers();
  expect(openBelow(photos.folder)).toEqual([]);
  await disk.close();
  photos[Symbol.dispose]();
});

/** All names in the library, temporary ones among them. */
const names = (folder = photos.library.root) => readdirSync(folder, { recursive: true }).map(String).sort();
const content = (path: string) => readFileSync(photos.at(path), 'utf8');
const code = (expected: string) => expect.objectContaining({ code: expected });

async function factsOf(path: string): Promise<FileFacts> {
  const facts = await disk.stat(path, signal);
  if (facts === null) throw new Error(`${path} is gone`);
  return facts;
}

async function begin(path: string, text: string, replacing: FileFacts | null = null): Promise<IncomingFile> {
  const incoming = await disk.receive(path, replacing, signal);
  await incoming.write(Buffer.from(text));
  return incoming;
}

async function receive(path: string, text: string, replacing: FileFacts | null = null) {
  const incoming = await begin(path, text, replacing);
  return incoming.commit(MTIME);
}

/** The download cannot be put in its place for this reason, and leaves nothing. */
async function expectRefused(incoming: IncomingFile, reason: string) {
  await expect(incoming.commit(MTIME)).rejects.toThrow(code(reason));
  await incoming.discard();
}

describe('a download that is committed', () => {
  test('is in its place with its bytes, and its facts are those that a look and a walk tell', async () => {
    const { facts, path } = await receive('2024/summer/x.jpg', 'the photo');
    expect(path).toBe('2024/summer/x.jpg');
    expect(content(path)).toBe('the photo');
    expect(facts).toEqual(await factsOf(path));
    const walked = await entriesOf(disk.walk(null, signal));
    expect(walked).toEqual([{ key: 'photos/2024/summer/x.jpg', path, ...facts }]);
  });

  test('may be empty, and lie in the root itself', async () => {
    const incoming = await disk.receive('empty.jpg', null, signal);
    await incoming.assertRoom(0);
    await expect(incoming.assertRoom(Number.MAX_SAFE_INTEGER)).rejects.toThrow(code('DISK_FULL'));
    const { facts } = await incoming.commit(MTIME);
    expect(facts.size).toBe(0);
    expect(names()).toEqual(['empty.jpg']);
  });

  test('was invisible until then: to a walk, and under its name', async () => {
    const incoming = await begin('a/x.jpg', 'half of it');
    expect(existsSync(photos.at('a/x.jpg'))).toBe(false);
    expect(names()).toEqual(['a', expect.stringMatching(/^a\/\.~rollcall-[0-9a-f]{16}\.part$/)]);
    expect(await entriesOf(disk.walk(null, signal))).toEqual([]);
    await incoming.commit(MTIME);
    expect(names()).toEqual(['a', 'a/x.jpg']);
  });

  test('holds every byte of many chunks of any size, each on disk before the next is asked for', async () => {
    const incoming = await disk.receive('large.bin', null, signal);
    const hash = createHash('md5');
    let size = 0;
    for (const length of [1, 0, 65_536, 3_000_001, 7, 1_048_576]) {
      const chunk = randomBytes(length);
      hash.update(chunk);
      size += length;
      await incoming.write(chunk);
      expect(lstatSync(photos.at(names()[0]!)).size).toBe(size);
    }
    await incoming.commit(MTIME);
    const written = createHash('md5').update(readFileSync(photos.at('large.bin')));
    expect(written.digest('hex')).toBe(hash.digest('hex'));
  });

  test('has the modification time it was given, to an eighth of a microsecond, before 1970 too', async () => {
    const ns = fc.bigInt({ min: -2_000_000_000_000_000_000n, max: 4_000_000_000_000_000_000n });
    await fc.assert(
      fc.asyncProperty(ns, async (mtimeNs) => {
        rmSync(photos.at('x.jpg'), { force: true });
        const incoming = await disk.receive('x.jpg', null, signal);
        const { facts } = await incoming.commit(mtimeNs);
        const stats = lstatSync(photos.at('x.jpg'), { bigint: true });
        expect(facts.mtimeNs).toBe(stats.mtimeNs);
        expect(Math.abs(Number(facts.mtimeNs - mtimeNs))).toBeLessThanOrEqual(
          mtimeNs > 2_147_483_648_000_000_000n ? 240 : 121,
        );
      }),
      { numRuns: 50 },
    );
  });

  test('is as readable as any new file', async () => {
    writeFileSync(photos.at('usual'), '');
    await receive('x.jpg', 'x');
    expect(statSync(photos.at('x.jpg')).mode).toBe(statSync(photos.at('usual')).mode);
  });

  test('cannot be discarded any more', async () => {
    const incoming = await begin('a/x.jpg', 'stays');
    await incoming.commit(MTIME);
    await incoming.discard();
    expect(content('a/x.jpg')).toBe('stays');
  });
});

describe('folders', () => {
  test.each([NFC, NFD])('that exist are used as the disk spells them: %j', async (spelled) => {
    mkdirSync(photos.at(`2024/${spelled}`), { recursive: true });
    const { path } = await receive(`2024/${NFC}/new/x.jpg`, 'x');
    expect(path).toBe(`2024/${spelled}/new/x.jpg`);
    expect(names()).toContain(path);
    expect(readdirSync(photos.at('2024'))).toEqual([spelled]);
  });

  test('that are links, inside the library or out of it, are never followed', async () => {
    mkdirSync(`${photos.folder}/outside`);
    mkdirSync(photos.at('inside'));
    symlinkSync(`${photos.folder}/outside`, photos.at('out'));
    symlinkSync('inside', photos.at('in'));
    symlinkSync('nowhere', photos.at('dangling'));
    for (const path of ['out/x.jpg', 'out/deep/x.jpg', 'in/x.jpg', 'dangling/x.jpg']) {
      await expect(disk.receive(path, null, signal), path).rejects.toThrow(code('FILE_UNWRITABLE'));
    }
    expect(names()).toEqual(['dangling', 'in', 'inside', 'out']);
    expect(names(`${photos.folder}/outside`)).toEqual([]);
  });

  test('cannot be made where a file is', async () => {
    photos.write('a/file');
    await expect(disk.receive('a/file/x.jpg', null, signal)).rejects.toThrow(/file is a file and not a folder/);
    await expect(disk.receive('a/file/deep/x.jpg', null, signal)).rejects.toThrow(code('FILE_UNWRITABLE'));
  });

  test('are not made under another root than the one that was verified', async () => {
    await disk.verifyRoot(signal);
    renameSync(photos.library.root, `${photos.folder}/unmounted`);
    mkdirSync(photos.library.root);
    const refusal = { code: 'FILE_UNWRITABLE', message: expect.stringContaining('unmounted') };
    await expect(disk.receive('a/x.jpg', null, signal)).rejects.toMatchObject(refusal);
    rmSync(photos.library.root, { recursive: true });
    await expect(disk.receive('a/x.jpg', null, signal)).rejects.toThrow(code('FILE_UNWRITABLE'));
    expect(existsSync(photos.library.root)).toBe(false);
  });

  test('whose names no file system takes are refused by their reason', async () => {
    for (const path of [`new/deep/${'x'.repeat(256)}/x.jpg`, `new/deep/${'x'.repeat(256)}`]) {
      const refusal = { code: 'FILE_UNWRITABLE', message: expect.stringContaining('too long') };
      await expect(disk.receive(path, null, signal)).rejects.toMatchObject(refusal);
    }
    expect(names()).toEqual([]);
  });

  test.each(['../x.jpg', '/etc/x.jpg', 'a/../../x.jpg', 'a//x.jpg', '', 'a/', 'a\\..\\x.jpg'])(
    'are not looked for by a path like %j',
    async (path) => {
      await expect(disk.receive(path, null, signal)).rejects.toThrow(code('NAME_INVALID'));
    },
  );
});

describe('what is there is never overwritten', () => {
  test.each([
    ['a file', (at: string) => writeFileSync(at, 'mine')],
    ['a folder', (at: string) => mkdirSync(at)],
    ['a link to nothing', (at: string) => symlinkSync('nowhere', at)],
  ])('%s, neither at the beginning nor when it came meanwhile', async (_, make) => {
    mkdirSync(photos.at('a'));
    const incoming = await begin('a/x.jpg', 'theirs');
    make(photos.at('a/x.jpg'));
    const before = lstatSync(photos.at('a/x.jpg'), { bigint: true });
    await expectRefused(incoming, 'FILE_EXISTS');
    await expect(disk.receive('a/x.jpg', null, signal)).rejects.toThrow(code('FILE_EXISTS'));
    expect(lstatSync(photos.at('a/x.jpg'), { bigint: true })).toEqual(before);
    expect(names()).toEqual(['a', 'a/x.jpg']);
  });

  test('a file whose name is the same in another normal form', async () => {
    photos.write(`${NFD}.jpg`);
    await expect(disk.receive(`${NFC}.jpg`, null, signal)).rejects.toThrow(code('FILE_EXISTS'));
  });

  test('of many downloads to one name exactly one comes to it, whole', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, (_, i) => begin('new/x.jpg', `photo ${i}`)));
    const placed = await Promise.allSettled(all.map((incoming) => incoming.commit(MTIME)));
    await Promise.all(all.map((incoming) => incoming.discard()));
    const winners = placed.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []));
    expect(winners).toHaveLength(1);
    expect(content('new/x.jpg')).toBe(`photo ${winners[0]}`);
    for (const result of placed) if (result.status === 'rejected') expect(result.reason.code).toBe('FILE_EXISTS');
    expect(names()).toEqual(['new', 'new/x.jpg']);
  });
});

/** The same size and time: only the inode tells. It is made first, for an inode that is free is given again. */
function exchangeForTwin(at: string): void {
  writeFileSync(`${at}.twin`, 'old');
  utimesSync(`${at}.twin`, 9, 9);
  renameSync(`${at}.twin`, at);
}

function exchangeForFolder(at: string): void {
  unlinkSync(at);
  mkdirSync(at);
}

describe('a version that may be replaced', () => {
  test('is replaced, and the new one is as readable', async () => {
    photos.write('a/x.jpg', 'old');
    chmodSync(photos.at('a/x.jpg'), 0o640);
    const old = await factsOf('a/x.jpg');
    const { facts } = await receive('a/x.jpg', 'new', old);
    expect(content('a/x.jpg')).toBe('new');
    expect(facts).toEqual(await factsOf('a/x.jpg'));
    expect(facts.inode).not.toBe(old.inode);
    expect(statSync(photos.at('a/x.jpg')).mode & 0o777).toBe(0o640);
    expect(names()).toEqual(['a', 'a/x.jpg']);
  });

  test.runIf(process.getuid?.() === 0)('keeps its owner when root replaces it', async () => {
    photos.write('x.jpg', 'old');
    chownSync(photos.at('x.jpg'), 1234, 5678);
    await receive('x.jpg', 'new', await factsOf('x.jpg'));
    expect(statSync(photos.at('x.jpg'))).toMatchObject({ uid: 1234, gid: 5678 });
  });

  test('is found as the disk spells it, and keeps the spelling', async () => {
    photos.write(`${NFD}/${NFD}.jpg`, 'old');
    const { path } = await receive(`${NFC}/${NFC}.jpg`, 'new', await factsOf(`${NFD}/${NFD}.jpg`));
    expect(path).toBe(`${NFD}/${NFD}.jpg`);
    expect(names()).toEqual([NFD, path]);
  });

  test.each([
    ['modified', (at: string) => utimesSync(at, 1, 1)],
    ['longer', (at: string) => writeFileSync(at, 'my own version')],
    ['another file', exchangeForTwin],
    ['gone', (at: string) => unlinkSync(at)],
    ['a folder', exchangeForFolder],
  ])('is left alone when it is %s by then', async (_, change) => {
    photos.write('x.jpg', 'old', 9);
    const seen = await factsOf('x.jpg');
    const incoming = await begin('x.jpg', 'new', seen);
    change(photos.at('x.jpg'));
    const before = names();
    await expectRefused(incoming, 'FILE_UNSTABLE');
    await expect(disk.receive('x.jpg', seen, signal)).rejects.toThrow(code('FILE_UNSTABLE'));
    expect(names()).toEqual(before.filter((name) => name === 'x.jpg'));
    if (lstatSync(photos.at('x.jpg'), { throwIfNoEntry: false })?.isFile()) expect(content('x.jpg')).not.toBe('new');
  });

  test('is left alone when it is a link, whatever that leads to', async () => {
    photos.write('real.jpg', 'old');
    symlinkSync('real.jpg', photos.at('x.jpg'));
    await expect(disk.receive('x.jpg', await factsOf('x.jpg'), signal)).rejects.toThrow(code('FILE_UNWRITABLE'));
    expect(content('real.jpg')).toBe('old');
  });

  test('never leaves its name without a file', async () => {
    photos.write('x.jpg', 'old');
    const look = `
      const { parentPort, workerData: { path, stop } } = require('node:worker_threads');
      const { existsSync } = require('node:fs');
      let looks = 0, gaps = 0;
      while (Atomics.load(stop, 0) === 0) { looks++; if (!existsSync(path)) gaps++; }
      parentPort.postMessage({ looks, gaps });`;
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(look, { eval: true, workerData: { path: photos.at('x.jpg'), stop } });
    const seen = new Promise<{ looks: number; gaps: number }>((resolve) => worker.once('message', resolve));
    await new Promise((resolve) => worker.once('online', resolve));
    for (let i = 0; i < 100; i++) await receive('x.jpg', `new ${i}`, await factsOf('x.jpg'));
    Atomics.store(stop, 0, 1);
    const { looks, gaps } = await seen;
    expect(looks).toBeGreaterThan(100);
    expect(gaps).toBe(0);
  });
});

describe('a download that fails', () => {
  test('leaves nothing, its folders neither, and may be discarded again and again', async () => {
    photos.write('2024/other.jpg');
    const incoming = await begin('2024/new/deep/x.jpg', 'half');
    await Promise.all([incoming.discard(), incoming.discard()]);
    await incoming.discard();
    expect(names()).toEqual(['2024', '2024/other.jpg']);
  });

  test('leaves the folders that it found, and those in which there is something by now', async () => {
    mkdirSync(photos.at('empty'));
    await (await begin('empty/x.jpg', 'half')).discard();
    const incoming = await begin('new/deep/x.jpg', 'half');
    photos.write('new/mine.jpg');
    await incoming.discard();
    expect(names()).toEqual(['empty', 'new', 'new/mine.jpg']);
  });

  test('takes no folder from the others that go there, and the last of them takes it', async () => {
    const all = await Promise.all(Array.from({ length: 6 }, (_, i) => begin(`a/b/${i}.jpg`, 'x')));
    for (const incoming of all.slice(1)) await incoming.discard();
    await all[0]!.commit(MTIME);
    expect(names()).toEqual(['a', 'a/b', 'a/b/0.jpg']);
    const others = await Promise.all(Array.from({ length: 6 }, (_, i) => begin(`c/d/${i}.jpg`, 'x')));
    await Promise.all(others.map((incoming) => incoming.discard()));
    expect(names()).toEqual(['a', 'a/b', 'a/b/0.jpg']);
  });

  test('beside others that come and go leaves exactly what was committed', async () => {
    const work = Array.from({ length: 60 }, async (_, i) => {
      const path = `${i % 3}/${i % 2}/${i}.jpg`;
      const incoming = await begin(path, path);
      if (i % 5 === 0) await incoming.commit(MTIME);
      await incoming.discard();
      return i % 5 === 0 ? [path] : [];
    });
    const committed = (await Promise.all(work)).flat();
    const files = names().filter((name) => lstatSync(photos.at(name)).isFile());
    expect(files).toEqual(committed.sort());
    for (const name of names())
      expect(
        [...committed].some((path) => path.startsWith(name)),
        name,
      ).toBe(true);
  });

  test('because its folder is gone says so', async () => {
    const incoming = await begin('a/x.jpg', 'x');
    rmSync(photos.at('a'), { recursive: true });
    await expectRefused(incoming, 'FILE_UNWRITABLE');
    expect(names()).toEqual([]);
  });

  test('after an abort leaves nothing, whatever was going on', async () => {
    const reason = new Error('enough');
    await expect(disk.receive('a/x.jpg', null, AbortSignal.abort(reason))).rejects.toBe(reason);
    for (const step of ['receive', 'write', 'commit'] as const) {
      const cancel = new AbortController();
      const begun = disk.receive('a/x.jpg', null, cancel.signal);
      if (step === 'receive') {
        cancel.abort(reason);
        await expect(begun).rejects.toBe(reason);
        continue;
      }
      const incoming = await begun;
      const ending = step === 'write' ? incoming.write(Buffer.alloc(5_000_000)) : incoming.commit(MTIME);
      cancel.abort(reason);
      await expect(ending).rejects.toBe(reason);
      await expect(incoming.write(Buffer.from('more'))).rejects.toBe(reason);
      await expect(incoming.commit(MTIME)).rejects.toBe(reason);
      await incoming.discard();
    }
    await vi.waitFor(() => expect(names()).toEqual([]), 60_000);
    await vi.waitFor(() => expect(openBelow(photos.folder)).toEqual([]), 60_000);
  });
});

describe('temporary files of runs that crashed', () => {
  const STALE = '.~rollcall-0123456789abcdef.part';
  const DAY_MS = 86_400_000;

  test('are removed after a day when a download comes to their folder; all else stays', async () => {
    for (const name of [STALE, '.~rollcall-mine.part', 'x.part', '.~lock.odt', 'photo.jpg']) photos.write(`a/${name}`);
    photos.write(`b/${STALE}`);
    mkdirSync(photos.at('a/.~rollcall-fedcba9876543210.part'));
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + DAY_MS + 60_000 });
    await receive('a/new.jpg', 'x');
    const left = ['.~lock.odt', '.~rollcall-fedcba9876543210.part', '.~rollcall-mine.part', 'new.jpg', 'photo.jpg'];
    expect(names(photos.at('a'))).toEqual([...left, 'x.part']);
    expect(names(photos.at('b'))).toEqual([STALE]);
  });

  test('are left for a day, since another process may be writing them, whatever their modification time', async () => {
    photos.write(`a/${STALE}`, 'half', 1);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + DAY_MS - 60_000 });
    await receive('a/new.jpg', 'x');
    expect(names(photos.at('a'))).toContain(STALE);
  });
});
