import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type WatchOptions, watchLibrary } from '../../src/disk/watch.ts';
import { type TemporaryLibrary, temporaryLibrary } from '../support/temporary-library.ts';

/** How long an event may take on a machine that is busy with other things. */
const GENEROUS_MS = 30_000;

let photos: TemporaryLibrary;
let watch: { close(): Promise<void> } | null;
/** What was told, each change of anything as `null`. */
let told: (readonly string[] | null)[];
let warnings: string[];
let infos: string[];
let markers = 0;

beforeEach(() => {
  photos = temporaryLibrary();
  watch = null;
  told = [];
  warnings = [];
  infos = [];
});

afterEach(async () => {
  await watch?.close();
  expect(inotifyWatches()).toBe(0);
  photos[Symbol.dispose]();
});

/** Of this process; none where the system does not show them. */
function inotifyWatches(): number {
  if (!existsSync('/proc/self/fdinfo')) return 0;
  const lines = readdirSync('/proc/self/fdinfo').flatMap((descriptor) => {
    try {
      return readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8').split('\n');
    } catch {
      return [];
    }
  });
  return lines.filter((line) => line.startsWith('inotify')).length;
}

async function start(options: Partial<WatchOptions> = {}, signal = new AbortController().signal): Promise<void> {
  const { root } = photos.library;
  const log = {
    debug: () => {},
    info: (_: object, message: string) => void infos.push(message),
    warn: (_: object, message: string) => void warnings.push(message),
    error: () => {},
  };
  const onChange = (albums: ReadonlySet<string> | null) => void told.push(albums && [...albums].sort());
  watch = await watchLibrary(
    root,
    { excludes: [], debounceMs: 50, rootCheckMs: 50, log, onChange, ...options },
    signal,
  );
}

const eventually = (assertion: () => void) => vi.waitFor(assertion, { timeout: GENEROUS_MS, interval: 10 });

/** Makes a change of its own and waits until that is told, and with it all before it; answers what was told of. */
async function toldBefore(): Promise<string[]> {
  const marker = `marker-${markers++}`;
  mkdirSync(photos.at(marker));
  await eventually(() => expect(told.flat()).toContain(marker));
  expect(told).not.toContain(null);
  const albums = new Set(told.flatMap((one) => one ?? []));
  told = [];
  return [...albums].filter((album) => !album.startsWith('marker-')).sort();
}

describe('a change is told as the album in which it happened:', () => {
  beforeEach(async () => {
    for (const path of ['2024/summer/x.jpg', '2024/winter/y.jpg', 'top.jpg']) photos.write(path);
    await start();
  });

  test.each([
    ['nothing', () => {}, []],
    ['a new file', () => photos.write('2024/summer/new.jpg'), ['2024/summer']],
    ['a file that is written to', () => photos.write('2024/winter/y.jpg', 'more'), ['2024/winter']],
    ['a file that is removed', () => unlinkSync(photos.at('2024/summer/x.jpg')), ['2024/summer']],
    ['a file in the root', () => photos.write('new.jpg'), ['.']],
    ['a link', () => symlinkSync('x.jpg', photos.at('2024/summer/link.jpg')), ['2024/summer']],
    [
      'a file that moves',
      () => renameSync(photos.at('2024/summer/x.jpg'), photos.at('2024/winter/x.jpg')),
      ['2024/summer', '2024/winter'],
    ],
    [
      'a file that comes under a temporary name first',
      () => {
        photos.write('2024/summer/.~rollcall-0123456789abcdef.part');
        renameSync(photos.at('2024/summer/.~rollcall-0123456789abcdef.part'), photos.at('2024/summer/new.jpg'));
      },
      ['2024/summer'],
    ],
    ['a folder', () => mkdirSync(photos.at('new')), ['new']],
    ['folders in folders', () => photos.write('2025/a/b/deep.jpg'), ['2025', '2025/a', '2025/a/b']],
    [
      'a folder that is removed with all that is in it',
      () => rmSync(photos.at('2024'), { recursive: true }),
      ['2024', '2024/summer', '2024/winter'],
    ],
    [
      'a folder that moves',
      () => renameSync(photos.at('2024'), photos.at('old')),
      ['2024', '2024/summer', '2024/winter', 'old', 'old/summer', 'old/winter'],
    ],
    ['a folder whose name is not in NFC', () => photos.write('Zu\u0308rich/x.jpg'), ['Z\u00fcrich']],
  ])('%s', async (_, change, expected) => {
    change();
    expect(await toldBefore()).toEqual(expected);
  });

  test('what happens later in folders that came, moved, or exchanged their names', async () => {
    photos.write('2025/a/b/deep.jpg');
    renameSync(photos.at('2024/summer'), photos.at('aside'));
    renameSync(photos.at('2024/winter'), photos.at('2024/summer'));
    renameSync(photos.at('aside'), photos.at('2024/winter'));
    await toldBefore();
    for (const album of ['2025/a/b', '2025/a', '2024/summer', '2024/winter']) {
      photos.write(`${album}/new.jpg`);
      expect(await toldBefore()).toEqual([album]);
    }
    renameSync(photos.at('2025'), photos.at('later'));
    await toldBefore();
    photos.write('later/a/b/new.jpg', 'changed');
    expect(await toldBefore()).toEqual(['later/a/b']);
  });

  test('what happens in a folder that is a file for a while', async () => {
    rmSync(photos.at('2024/summer'), { recursive: true });
    photos.write('2024/summer');
    await toldBefore();
    photos.write('2024/summer', 'changed');
    expect(await toldBefore()).toEqual(['2024']);
    unlinkSync(photos.at('2024/summer'));
    photos.write('2024/summer/x.jpg');
    await toldBefore();
    photos.write('2024/summer/x.jpg', 'changed');
    expect(await toldBefore()).toEqual(['2024/summer']);
  });
});

describe('nothing is told of', () => {
  test('temporary names, and of what the library excludes, when they come, change and go', async () => {
    photos.write('a/x.jpg');
    photos.write('a/cache/old.jpg');
    await start({ excludes: ['*.xmp', 'cache/', 'private'] });
    const hidden = ['a/temp_x', 'a/.~lock', 'a/x.part', 'a/x.tmp', 'a/.DS_Store', 'a/Thumbs.db', 'a/x.xmp'];
    const inHidden = ['a/@eaDir/x.jpg', 'a/cache/old.jpg', 'a/cache/b/new.jpg', 'private/x.jpg', 'temp_folder/x.jpg'];
    for (const path of [...hidden, ...inHidden]) photos.write(path, 'new');
    expect(await toldBefore()).toEqual([]);
    for (const path of [...hidden, ...inHidden]) photos.write(path, 'changed');
    expect(await toldBefore()).toEqual([]);
    for (const path of [...hidden, 'a/@eaDir', 'a/cache', 'private', 'temp_folder']) {
      rmSync(photos.at(path), { recursive: true });
    }
    expect(await toldBefore()).toEqual([]);
  });

  test('what lies behind links', async () => {
    mkdirSync(`${photos.folder}/outside`);
    symlinkSync(`${photos.folder}/outside`, photos.at('link'));
    await start();
    writeFileSync(`${photos.folder}/outside/x.jpg`, '');
    expect(await toldBefore()).toEqual([]);
  });

  test('anything after the end, by close or by abort', async () => {
    photos.write('a/x.jpg');
    const cancel = new AbortController();
    await start({}, cancel.signal);
    photos.write('a/x.jpg', 'changed');
    cancel.abort();
    expect(inotifyWatches()).toBe(0);
    const first = watch;
    await start();
    photos.write('a/x.jpg', 'changed again');
    await eventually(() => expect(told.flat()).toContain('a'));
    await watch?.close();
    await watch?.close();
    await first?.close();
    expect(inotifyWatches()).toBe(0);
  });

  test('and nothing is begun after an abort, or with an exclude that can match nothing', async () => {
    const reason = new Error('enough');
    await expect(start({}, AbortSignal.abort(reason))).rejects.toBe(reason);
    await expect(start({ excludes: ['['] })).rejects.toMatchObject({ code: 'BAD_INPUT' });
    const cancel = new AbortController();
    const starting = start({}, cancel.signal);
    cancel.abort(reason);
    await expect(starting).rejects.toBe(reason);
  });
});

describe('anything may have changed', () => {
  test('when more albums changed than are worth naming', async () => {
    await start();
    // Several times as many: a busy machine tells of them in several parts.
    for (let i = 0; i < 4_000; i++) mkdirSync(photos.at(String(i)));
    await eventually(() => expect(told).toContain(null));
  });

  test('when so many events came at once that some may be lost', async () => {
    photos.write('a/x.jpg');
    await start();
    for (let i = 0; i < 10_000; i++) writeFileSync(photos.at(`a/${i}.jpg`), '');
    await eventually(() => expect(told).toContain(null));
  });
});

/** Changes the album until that is told; while it is not told yet that anything may have changed, that is. */
async function untilToldOf(album: string): Promise<void> {
  const change = () => {
    photos.write(`${album}/x.jpg`, String(Math.random()));
    expect(told.flat()).toContain(album);
  };
  await vi.waitFor(change, { timeout: GENEROUS_MS, interval: 200 });
}

describe('a root', () => {
  test('that goes is a warning, and watched again when it is back', async () => {
    photos.write('a/x.jpg');
    await start();
    renameSync(photos.library.root, `${photos.folder}/elsewhere`);
    await eventually(() => expect(told.at(-1)).toBeNull());
    expect(warnings).toEqual([expect.stringContaining(photos.library.root)]);
    expect(inotifyWatches()).toBe(0);
    renameSync(`${photos.folder}/elsewhere`, photos.library.root);
    told = [];
    await eventually(() => expect(told).toContain(null));
    expect(infos).toHaveLength(1);
    await untilToldOf('a');
    expect(warnings).toHaveLength(1);
  });

  test('whose place another folder takes is that folder from then on', async () => {
    photos.write('a/x.jpg');
    await start();
    renameSync(photos.library.root, `${photos.folder}/elsewhere`);
    photos.write('b/x.jpg');
    await eventually(() => expect(infos).toHaveLength(1));
    writeFileSync(`${photos.folder}/elsewhere/a/x.jpg`, 'changed');
    await untilToldOf('b');
    expect(told.flat()).not.toContain('a');
  });

  test('that is missing at the start is waited for', async () => {
    rmSync(photos.library.root, { recursive: true });
    await start();
    expect(warnings).toHaveLength(1);
    photos.write('a/x.jpg');
    await eventually(() => expect(infos).toHaveLength(1));
    await untilToldOf('a');
  });

  test('may be a link', async () => {
    renameSync(photos.library.root, `${photos.folder}/real`);
    symlinkSync('real', photos.library.root);
    photos.write('a/x.jpg');
    await start();
    await untilToldOf('a');
    expect(warnings).toEqual([]);
  });
});
