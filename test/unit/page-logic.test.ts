import { describe, expect, test } from 'vitest';
import { isPagePath, PAGE_PATHS } from '../../src/http/page-paths.ts';
import type { Album } from '../../src/web/api/types.ts';
import { albumName, findAlbums } from '../../src/web/logic/album-list.ts';
import { albumOfPath, causesOf } from '../../src/web/logic/failures.ts';
import {
  formatAge,
  formatBytes,
  formatDuration,
  formatExposure,
  formatTaken,
  formatUsd,
} from '../../src/web/logic/format.ts';
import { arrowTarget, columnsFor } from '../../src/web/logic/grid.ts';
import {
  isElsewhere,
  libraryChange,
  newLibrary,
  placeOfForm,
  trialNotes,
  withSlash,
} from '../../src/web/logic/library-form.ts';
import { addPage, EMPTY, grow, NOTHING, renew, wanted } from '../../src/web/logic/pages.ts';
import { mayPass, tell } from '../../src/web/logic/problems.ts';
import { hrefOf, placeOf, VIEWS } from '../../src/web/logic/routes.ts';
import { STATE_ORDER, sumStates, troubles, verdict } from '../../src/web/logic/states.ts';
import { choicesOf, requestOf } from '../../src/web/logic/sync-choices.ts';
import { LIBRARY } from '../support/http-parts.ts';

const NONE = { pending: 0, synced: 0, missing: 0, orphaned: 0, lost: 0, archived: 0, conflict: 0, failed: 0 };

function album(path: string, change: Partial<Album> = {}): Album {
  return { id: path, libraryId: 'a', path, photos: 1, bytes: 1, states: { ...NONE, synced: 1 }, ...change };
}

describe('addresses of the page', () => {
  test('are those that the server answers with the page', () => {
    expect(Object.values(VIEWS).toSorted()).toEqual([...PAGE_PATHS].toSorted());
    for (const path of Object.values(VIEWS)) expect(isPagePath(path.replace(':id', 'x'))).toBe(true);
  });

  test.each([
    '/api',
    '/api/runs',
    '/openapi.json',
    '/docs',
    '/metrics',
    '/albums/',
    '/albums/a/b',
    '/assets',
    '/assets/../x',
    '/x',
  ])('%s is none of them', (path) => {
    expect(isPagePath(path)).toBe(false);
  });

  test('say what they show, and come back as they were', () => {
    const href = hrefOf('album', 'a/b ü', { state: 'lost', order: '', photo: null });
    expect(href).toBe('/albums/a%2Fb%20%C3%BC?state=lost');
    const { pathname, search } = new URL(href, 'http://localhost');
    expect(placeOf(pathname, search)).toEqual({ view: 'album', id: 'a/b ü', query: { state: 'lost' } });
    expect(placeOf('/', '')).toEqual({ view: 'overview', id: '', query: {} });
    expect(placeOf('/albums/%', '').view).toBeNull();
    expect(placeOf('/nothing', '').view).toBeNull();
  });
});

describe('formatting', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [1234, '1.2 kB'],
    [999_949, '1 MB'],
    [123_456_789, '123 MB'],
    [4e12, '4 TB'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  test.each([
    [0, '0 ms'],
    [412, '412 ms'],
    [4_120, '4.1 s'],
    [59_400, '59 s'],
    [60_000, '1 min'],
    [200_000, '3 min 20 s'],
    [7_500_000, '2 h 5 min'],
    [200 * 3_600_000, '8 days 8 h'],
  ])('%d ms are %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  test('tells ages, those to come too', () => {
    const now = Date.parse('2026-01-02T03:04:05Z');
    const at = (seconds: number) => formatAge(new Date(now + seconds * 1000).toISOString(), now);
    expect([at(-3), at(3), at(-30), at(-300), at(10_800), at(-3 * 86_400)]).toEqual([
      'just now',
      'any moment',
      '30 s ago',
      '5 min ago',
      'in 3 h',
      '3 days ago',
    ]);
  });

  test('shows when a photo was taken by the clock that was there', () => {
    expect(formatTaken('2024-07-01T10:00:00.000Z', 120)).toContain('12:00:00');
    expect(formatTaken('2024-07-01T10:00:00.000Z', -90)).toMatch(/8:30:00.*UTC−01:30/);
    expect(formatTaken('2024-07-01T10:00:00.000Z', null)).not.toContain('UTC');
  });

  test('never lets a small cost look like none', () => {
    expect([0, 0.00001, 0.01, 12.3456].map(formatUsd)).toEqual(['$0', 'under $0.01', '$0.01', '$12.35']);
    expect([1 / 250, 2].map(formatExposure)).toEqual(['1/250 s', '2 s']);
  });
});

describe('errors', () => {
  test('say what happened and what to do', () => {
    const problem = Object.assign(new Error('a sync of it is running'), { code: 'SYNC_IN_PROGRESS', field: 'album' });
    expect(tell(problem)).toMatchObject({
      what: 'A sync of it is running.',
      advice: expect.stringContaining('cancel it'),
      code: 'SYNC_IN_PROGRESS',
      field: 'album',
    });
  });

  test('of a server that is away say so, and others show nothing of their inside', () => {
    expect(tell(Object.assign(new TypeError('fetch failed'), { code: 'OFFLINE' })).advice).toContain('rollcall serve');
    expect(tell(new Error('x is not a function')).what).not.toContain('function');
    expect(tell('thrown text').what).toBe('Something went wrong.');
  });
});

describe('an answer is waited for', () => {
  test('where the server or what it leans on may come back, and nowhere else', () => {
    const withStatus = (status: number) => Object.assign(new Error(), { status, code: 'X' });
    expect([502, 503, 504].every((status) => mayPass(withStatus(status)))).toBe(true);
    expect(mayPass(Object.assign(new TypeError(), { code: 'OFFLINE' }))).toBe(true);
    expect([withStatus(404), withStatus(500), new Error(), null].some(mayPass)).toBe(false);
  });
});

describe('the verdict', () => {
  test.each([
    [{}, 'quiet', 'No photos'],
    [{ synced: 3 }, 'good', 'All 3 photos are safe'],
    [{ synced: 1 }, 'good', 'The photo is safe'],
    [{ synced: 3, pending: 1 }, 'quiet', '1 photo waits'],
    [{ synced: 3, conflict: 2 }, 'warn', '2 photos need'],
    [{ synced: 3, conflict: 2, missing: 1 }, 'bad', '1 photo is not safe'],
    [{ missing: 1, lost: 1 }, 'bad', '1 photo can be found nowhere'],
  ] as const)('on %j is %s', (states, tone, text) => {
    const said = verdict({ ...NONE, ...states });
    expect(said.tone).toBe(tone);
    expect(said.text).toContain(text);
  });

  test('adds up what libraries hold', () => {
    expect(
      sumStates([
        { ...NONE, lost: 1 },
        { ...NONE, lost: 2, synced: 3 },
      ]),
    ).toEqual({ ...NONE, lost: 3, synced: 3 });
    expect(troubles({ ...NONE, synced: 5, archived: 1, orphaned: 2, failed: 1 })).toBe(3);
    expect(STATE_ORDER[0]).toBe('lost');
  });
});

describe('the list of albums', () => {
  const albums = [
    album('2024/b10', { photos: 5 }),
    album('2024/b9', { bytes: 9 }),
    album('2023/Été', { states: { ...NONE, missing: 2 } }),
    album('.', { libraryId: 'b' }),
  ];
  const find = (change: Partial<Parameters<typeof findAlbums>[1]>) =>
    findAlbums(albums, { search: '', sort: 'path', libraryId: null, troubled: false, ...change }).map(
      ({ path }) => path,
    );

  test('is in the order of names, numbers as numbers', () => {
    expect(find({})).toEqual(['.', '2023/Été', '2024/b9', '2024/b10']);
  });

  test('is searched by every word, in any case and spelling of accents', () => {
    expect(find({ search: 'B 2024' })).toEqual(['2024/b9', '2024/b10']);
    expect(find({ search: 'e\u0301te\u0301' })).toEqual(['2023/Été']);
    expect(find({ search: '2024 2023' })).toEqual([]);
  });

  test('can be sorted and cut down', () => {
    expect(find({ sort: 'photos' })[0]).toBe('2024/b10');
    expect(find({ sort: 'bytes' })[0]).toBe('2024/b9');
    expect(find({ sort: 'trouble' })[0]).toBe('2023/Été');
    expect(find({ troubled: true })).toEqual(['2023/Été']);
    expect(find({ libraryId: 'b' })).toEqual(['.']);
    expect(albumName('2024/summer')).toEqual({ folder: '2024/', name: 'summer' });
  });
});

describe('pages of a list', () => {
  test('are asked for as far as somebody looks, and a little further', () => {
    const page = (count: number, nextCursor: string | null) => ({
      items: Array.from({ length: count }, () => 1),
      nextCursor,
    });
    expect(wanted(EMPTY, 0)).toBe(200);
    const first = addPage(EMPTY, page(200, 'x'));
    expect(wanted(first, 0)).toBe(0);
    expect(wanted(first, 1)).toBe(200);
    expect(wanted(first, 40_000)).toBe(1000);
    expect(wanted(addPage(first, page(3, null)), 40_000)).toBe(0);
    expect(wanted(addPage(EMPTY, page(0, null)), 10)).toBe(0);
  });
});

describe('a list that is asked for anew', () => {
  const page = (from: number, count: number, nextCursor: string | null) => ({
    items: Array.from({ length: count }, (_, at) => from + at),
    nextCursor,
  });

  test('shows what comes as it comes', () => {
    const first = grow<number>(NOTHING, page(0, 200, 'x'), 0);
    expect(first.shown.items).toHaveLength(200);
    expect(grow(first, page(200, 200, 'y'), 300).shown.items).toHaveLength(400);
  });

  test('keeps showing what was there until as much has come again, or there is no more', () => {
    const before = grow(grow<number>(NOTHING, page(0, 200, 'x'), 0), page(200, 200, 'y'), 300);
    const again = renew(before);
    expect([again.list.started, again.shown.items.length]).toEqual([false, 400]);
    const part = grow(again, page(1000, 200, 'z'), 300);
    expect(part.shown).toBe(before.shown);
    expect(grow(part, page(1200, 300, 'q'), 300).shown.items[0]).toBe(1000);
    expect(grow(again, page(1000, 3, null), 300).shown.items).toEqual([1000, 1001, 1002]);
  });
});

describe('the grid', () => {
  test('fills the width, with two columns at least', () => {
    expect(columnsFor(1168, 8)).toEqual({ columns: 7, side: 160 });
    expect(columnsFor(320, 8)).toEqual({ columns: 2, side: 156 });
    expect(columnsFor(0, 8).side).toBe(1);
  });

  test.each([
    ['ArrowRight', 0, 1],
    ['ArrowLeft', 0, null],
    ['ArrowDown', 1, 5],
    ['ArrowDown', 8, null],
    ['ArrowUp', 5, 1],
    ['Home', 5, 0],
    ['End', 5, 9],
    ['Enter', 5, null],
    ['ArrowDown', Number.NaN, null],
  ])('%s from %d leads to %s', (key, from, to) => {
    expect(arrowTarget(key, from, 4, 10)).toBe(to);
  });
});

describe('failures', () => {
  test('come by their cause, the most frequent first, with what to do', () => {
    const failure = (path: string, code: string) => ({ path, code, message: 'm' });
    const causes = causesOf([failure('a', 'X'), failure('b', 'DISK_FULL'), failure('c', 'DISK_FULL')]);
    expect(causes.map(({ code, failures }) => [code, failures.length])).toEqual([
      ['DISK_FULL', 2],
      ['X', 1],
    ]);
    expect(causes[0]?.advice).toContain('Make room');
    expect(causes[1]?.advice).toBeNull();
    expect([albumOfPath('a/b/c.jpg'), albumOfPath('c.jpg')]).toEqual(['a/b', '.']);
  });
});

describe('the check of a library', () => {
  const form = { ...LIBRARY, excludes: '', name: 'Family' };

  test('asks for the place as the form has it; of a new library, what is empty is left to the server', () => {
    expect(placeOfForm({ ...form, bucket: ' ', prefix: '' }, null)).toEqual({ root: '/srv/photos' });
    expect(placeOfForm({ ...form, prefix: '' }, LIBRARY)).toEqual({
      root: '/srv/photos',
      bucket: 'family',
      prefix: '',
    });
    expect(placeOfForm({ ...form, prefix: 'x' }, null)).toMatchObject({ prefix: 'x/' });
  });

  test('is needed where the library would be elsewhere', () => {
    expect(isElsewhere(LIBRARY, { ...form, name: 'Other', excludes: '*.xmp' })).toBe(false);
    expect(isElsewhere(LIBRARY, { ...form, root: '/elsewhere' })).toBe(true);
    expect(isElsewhere(LIBRARY, { ...form, prefix: 'other' })).toBe(true);
  });

  test('says of each side what it found', () => {
    expect(trialNotes({ root: { ok: true, bare: true }, bucket: { ok: true } })).toMatchObject({
      root: { tone: 'warn' },
      bucket: { tone: 'good' },
    });
    const bad = { ok: false, code: 'X', message: 'no' };
    expect(trialNotes({ root: bad, bucket: bad })).toEqual({
      root: { tone: 'bad', text: '❌ no' },
      bucket: { tone: 'bad', text: '❌ no' },
    });
  });
});

describe('forms', () => {
  test('send of a library only what was changed', () => {
    const form = { ...LIBRARY, excludes: LIBRARY.excludes.join('\n') };
    expect(libraryChange(LIBRARY, form)).toEqual({});
    expect(libraryChange(LIBRARY, { ...form, name: ' New ', excludes: '*.xmp\n\n private/ ' })).toEqual({
      name: 'New',
      excludes: ['*.xmp', 'private/'],
    });
  });

  test('leave the defaults of a new one to the server, and help with the slash', () => {
    const form = { name: 'a', root: '/srv/a ', bucket: '', prefix: '', excludes: '', sync: 'up' as const };
    expect(newLibrary(form)).toEqual({ name: 'a', root: '/srv/a', excludes: [], sync: 'up' });
    expect(newLibrary({ ...form, prefix: 'photos' })).toMatchObject({ prefix: 'photos/' });
    expect(['', 'a', 'a/'].map(withSlash)).toEqual(['', 'a/', 'a/']);
  });

  test('of a sync ask for what the address says and for nothing that it cannot', () => {
    expect(requestOf(choicesOf({ direction: 'both', orphans: 'burn', library: 'x' }), null)).toEqual({
      library: 'x',
      direction: 'both',
    });
    expect(requestOf(choicesOf({ library: 'x', compare: 'content' }), 'id')).toEqual({
      albumId: 'id',
      compare: 'content',
    });
  });
});
