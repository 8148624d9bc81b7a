/** Downloads where the disk is hostile: exchanged folders, no hard links, no room, no permission. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync, symlinkSync } from 'node:fs';
import { link, open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { identityOf } from '../../src/disk/facts.ts';
import { receiveFile } from '../../src/disk/receive.ts';
import { writeFault } from '../../src/disk/receive-faults.ts';
import { HeldFolder } from '../../src/disk/receive-folder.ts';
import { type Placement, placeNew } from '../../src/disk/receive-place.ts';
import { Remains } from '../../src/disk/receive-remains.ts';
import { verifyRoot } from '../../src/disk/root.ts';
import { openBelow } from '../support/open-below.ts';
import { type TemporaryLibrary, temporaryLibrary } from '../support/temporary-library.ts';

const CHILD = fileURLToPath(new URL('../support/receive-child.ts', import.meta.url));
const { signal } = new AbortController();
const code = (expected: string) => expect.objectContaining({ code: expected });

let photos: TemporaryLibrary;

beforeEach(() => {
  photos = temporaryLibrary();
});

afterEach(() => {
  expect(openBelow(photos.folder)).toEqual([]);
  photos[Symbol.dispose]();
});

const names = (folder = photos.library.root) => readdirSync(folder, { recursive: true }).map(String).sort();

async function begin(path: string, where: { descriptors?: string } = {}) {
  const root = await verifyRoot(photos.library.root);
  return receiveFile({ root, path, replacing: null, remains: new Remains(), ...where }, signal);
}

describe.each([
  ['held by descriptor', {}],
  ['reached by path', { descriptors: '/nowhere' }],
])('a folder that is %s', (_, where) => {
  test('takes a download', async () => {
    const incoming = await begin('a/b/x.jpg', where);
    await incoming.write(Buffer.from('x'));
    expect(await incoming.commit(0n)).toMatchObject({ path: 'a/b/x.jpg', facts: { size: 1 } });
    const failed = await begin('c/d/x.jpg', where);
    await failed.discard();
    expect(names()).toEqual(['a', 'a/b', 'a/b/x.jpg']);
  });

  test.each(['a', 'a/b'])('is not written through when %s becomes a link meanwhile', async (swapped) => {
    mkdirSync(photos.at('a/b'), { recursive: true });
    mkdirSync(`${photos.folder}/outside/b`, { recursive: true });
    const incoming = await begin('a/b/x.jpg', where);
    await incoming.write(Buffer.from('first '));
    renameSync(photos.at(swapped), photos.at('aside'));
    symlinkSync(`${photos.folder}/outside`, photos.at(swapped));
    await incoming.write(Buffer.from('second'));
    await expect(incoming.commit(0n)).rejects.toThrow(code('FILE_UNWRITABLE'));
    await incoming.discard();
    expect(names(`${photos.folder}/outside`)).toEqual(['b']);
    expect(names().filter((name) => name.endsWith('x.jpg'))).toEqual([]);
  });

  test('gets nothing when it is moved within the library meanwhile', async () => {
    const incoming = await begin('a/x.jpg', where);
    renameSync(photos.at('a'), photos.at('b'));
    await expect(incoming.commit(0n)).rejects.toThrow(code('FILE_UNWRITABLE'));
    await incoming.discard();
    expect(existsSync(photos.at('b/x.jpg'))).toBe(false);
  });
});

const showsDescriptors = existsSync('/proc/self/fd');

test.runIf(showsDescriptors)('a folder that is a link again and again never lets a byte outside', async () => {
  mkdirSync(photos.at('a'));
  mkdirSync(`${photos.folder}/outside`);
  symlinkSync(`${photos.folder}/outside`, photos.at('link'));
  const stopSwapping = await swapInParallel(photos.library.root);
  const outcomes = new Set<string>();
  const isEnough = (i: number) => i >= 300 && outcomes.has('placed') && outcomes.has('FILE_UNWRITABLE');
  for (let i = 0; !isEnough(i); i++) outcomes.add(await takeIn(() => begin(`a/${i}.jpg`)));
  await stopSwapping();
  expect(names(`${photos.folder}/outside`)).toEqual([]);
  expect(['placed', 'FILE_UNWRITABLE', 'FILE_UNSTABLE']).toEqual(expect.arrayContaining([...outcomes]));
});

/** A thread in which `a` is a folder and a link in turn; a folder that is made in between is put aside. */
async function swapInParallel(root: string): Promise<() => Promise<void>> {
  const code = `
    const { mkdirSync, renameSync } = require('node:fs');
    const { parentPort, workerData: { root, stop } } = require('node:worker_threads');
    let made = 0;
    // Whoever made a folder there may take it away again at any moment.
    const putAside = (name) => {
      try { renameSync(root + '/a', root + '/' + name); return true; }
      catch (error) { if (error.code !== 'ENOENT') throw error; return false; }
    };
    const bring = (name) => {
      try { renameSync(root + '/' + name, root + '/a'); }
      catch { putAside('made' + made++); bring(name); }
    };
    const wait = (ms) => Atomics.wait(stop, 0, 0, Math.random() * ms);
    while (Atomics.load(stop, 0) === 0) {
      if (!putAside('aside')) mkdirSync(root + '/aside');
      bring('link'); wait(3);
      renameSync(root + '/a', root + '/link'); bring('aside'); wait(9);
    }`;
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(code, { eval: true, workerData: { root, stop } });
  const failed = new Promise<never>((_, reject) => worker.once('error', reject));
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  await Promise.race([new Promise((resolve) => worker.once('online', resolve)), failed]);
  return async () => {
    Atomics.store(stop, 0, 1);
    Atomics.notify(stop, 0);
    await Promise.race([exited, failed]);
  };
}

async function takeIn(begin: () => ReturnType<typeof receiveFile>): Promise<string> {
  try {
    await using incoming = await disposable(begin());
    await incoming.file.write(Buffer.from('x'));
    await incoming.file.commit(0n);
    return 'placed';
  } catch (thrown) {
    return (thrown as { code: string }).code;
  }
}

async function disposable(begun: ReturnType<typeof receiveFile>) {
  const file = await begun;
  return { file, [Symbol.asyncDispose]: () => file.discard() };
}

describe('where there are no hard links', () => {
  const placement = async (folder: HeldFolder): Promise<Placement> => {
    photos.write('.~rollcall-0123456789abcdef.part', 'new');
    return { folder, temporary: '.~rollcall-0123456789abcdef.part', name: 'x.jpg', path: 'x.jpg' };
  };
  const file = () => identityOf(lstatSync(photos.at('.~rollcall-0123456789abcdef.part'), { bigint: true }));
  const refuse = (errno: string) => async () => {
    throw Object.assign(new Error(errno), { code: errno });
  };
  let folder: HeldFolder;

  beforeEach(async () => {
    folder = await HeldFolder.open(photos.library.root);
  });

  afterEach(() => folder.close());

  test.each(['EPERM', 'ENOTSUP', 'EMLINK'])('(%s) a file is renamed to a free name', async (errno) => {
    await placeNew(await placement(folder), file(), refuse(errno));
    expect(names()).toEqual(['x.jpg']);
  });

  test('and to none that is taken, by a link to nothing either', async () => {
    symlinkSync('nowhere', photos.at('x.jpg'));
    await expect(placeNew(await placement(folder), file(), refuse('EPERM'))).rejects.toThrow(code('FILE_EXISTS'));
    expect(names()).toContain('.~rollcall-0123456789abcdef.part');
  });

  test('other faults are no reason to rename', async () => {
    await expect(placeNew(await placement(folder), file(), refuse('EIO'))).rejects.toThrow('EIO');
    expect(names()).toEqual(['.~rollcall-0123456789abcdef.part']);
  });

  test('a link that says it exists, because it was made a moment ago, is this download', async () => {
    const repeated: typeof link = async (from, to) => {
      await link(from, to);
      await link(from, to);
    };
    await placeNew(await placement(folder), file(), repeated);
    expect(names()).toEqual(['x.jpg']);
  });
});

describe('a disk without room', () => {
  /** Runs the download in a process of its own, started by this shell command. */
  const run = (shell: string, request: object): Record<string, string> => {
    const child = [process.execPath, CHILD, JSON.stringify({ root: photos.library.root, ...request })];
    return JSON.parse(execFileSync('sh', ['-c', shell, 'sh', ...child], { encoding: 'utf8' }));
  };

  test('for a file of this size (a limit) is no full disk, and leaves neither file nor folder', () => {
    const steps = run('ulimit -f 16; exec "$@"', { path: 'new/x.jpg', bytes: 1_000_000 });
    expect(steps).toEqual({ receive: 'done', write: expect.stringMatching(/^FILE_UNWRITABLE: /), discard: 'done' });
    expect(names()).toEqual([]);
    expect(run('ulimit -f 16; exec "$@"', { path: 'new/x.jpg', bytes: 1_000 })).toMatchObject({ commit: 'done' });
  });

  test('is told from what a full device answers', async () => {
    const full = await open('/dev/full', 'w');
    const answered: unknown = await full.write(Buffer.from('x')).catch((thrown: unknown) => thrown);
    await full.close();
    expect(writeFault('a/x.jpg', answered)).toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringMatching(/a\/x\.jpg.*full/),
      cause: answered,
    });
  });

  test('(a file system of its own) is DISK_FULL', (context) => {
    // In namespaces of its own, so that the mount goes with the process. Where that is forbidden, the tests above do.
    const script = (then: string) =>
      `exec unshare -rm sh -c 'mount -t tmpfs -o size=256k none "${photos.library.root}" && ${then}' sh "$@"`;
    try {
      execFileSync('sh', ['-c', script('true')], { stdio: 'ignore' });
    } catch {
      context.skip('this user may mount nothing');
    }
    const steps = run(script('exec "$@"'), { path: 'new/x.jpg', bytes: 1_000_000 });
    expect(steps).toEqual({ receive: 'done', write: expect.stringMatching(/^DISK_FULL: .*full/), discard: 'done' });
    expect(run(script('exec "$@"'), { path: 'new/x.jpg', bytes: 1_000 })).toMatchObject({ commit: 'done' });
  });
});

describe('a folder that may not be written', () => {
  test('is named, with its reason', () => {
    mkdirSync(photos.at('a'));
    for (const folder of [photos.folder, photos.library.root, photos.at('a')]) chmodSync(folder, 0o555);
    try {
      const request = { root: photos.library.root, bytes: 1, asNobody: true };
      for (const path of ['a/x.jpg', 'a/new/x.jpg', 'x.jpg']) {
        const child = [CHILD, JSON.stringify({ ...request, path })];
        const steps = JSON.parse(execFileSync(process.execPath, child, { encoding: 'utf8' }));
        expect(steps).toEqual({ receive: expect.stringMatching(`^FILE_UNWRITABLE: ${path} .*permission denied`) });
      }
    } finally {
      for (const folder of [photos.folder, photos.library.root, photos.at('a')]) chmodSync(folder, 0o755);
    }
    expect(names()).toEqual(['a']);
  });
});
