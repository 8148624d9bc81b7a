import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Arrival,
  asidePlace,
  type Departure,
  hardLinked,
  isAsideKey,
  mayBeSame,
  orderMoves,
  pairByContent,
  pairByInode,
  possiblePairs,
} from '../../src/sync/moves.ts';
import type { BucketObject, CatalogRow, LocalFile } from '../../src/sync/types.ts';

const MD5 = { a: 'a'.repeat(32), b: 'b'.repeat(32) };

function departure(name: string, facts: Partial<CatalogRow> = {}, gone = true): Departure {
  const key = `p/${name}`;
  const row: CatalogRow = {
    ...{ id: `row ${name}`, albumId: 'album', key, path: name, size: 100, mtimeNs: 5n, device: 1n, inode: 7n },
    ...{ birthNs: 3n, md5: MD5.a, etag: MD5.a, partSize: null, state: 'synced', orphanedAtMs: null, deleting: false },
    ...facts,
  };
  const object: BucketObject = {
    ...{ key, size: row.size, etag: row.etag ?? '', lastModifiedMs: 1, storageClass: 'STANDARD' },
  };
  const classified = { class: 'orphaned', presence: 'present', finding: 'orphan', changed: false } as const;
  return { found: { triple: { key, row, object }, classified, action: null }, row, object, gone };
}

function arrival(name: string, facts: Partial<LocalFile> = {}, more: Partial<Arrival> = {}): Arrival {
  const key = `p/${name}`;
  const local: LocalFile = { key, path: name, size: 100, mtimeNs: 5n, device: 1n, inode: 7n, birthNs: 3n, ...facts };
  const classified = { class: 'new', presence: 'missing', finding: 'upload', changed: false } as const;
  return { found: { triple: { key, local }, classified, action: null }, local, ...more };
}

const names = (pairs: readonly { departure: Departure; arrival: Arrival }[]) =>
  pairs.map((pair) => `${pair.departure.row.path} → ${pair.arrival.local.path}`).sort();

describe('a row whose file is gone and a new file are one photo renamed', () => {
  test('when device, inode, size and time agree', () => {
    expect(names(pairByInode([departure('a')], [arrival('b')], true))).toEqual(['a → b']);
  });

  test.each<[string, Partial<LocalFile>]>([
    ['is on another device', { device: 2n }],
    ['has another inode', { inode: 8n }],
    ['was born at another time: the number was given to another file', { birthNs: 4n }],
    ['has other names too', { links: 2 }],
  ])('but not when the file %s', (_what, facts) => {
    expect(pairByInode([departure('a')], [arrival('b', facts)], true)).toEqual([]);
  });

  test('also where no births are known', () => {
    const { birthNs, ...unborn } = arrival('b').local;
    expect(birthNs).toBe(3n);
    const file = { ...arrival('b'), local: unborn };
    expect(names(pairByInode([departure('a')], [file], true))).toEqual(['a → b']);
    expect(names(pairByInode([departure('a', { birthNs: null })], [arrival('b')], true))).toEqual(['a → b']);
  });

  test('and changed, when the birth proves that it is the same file and edits may replace', () => {
    const edited = arrival('b', { size: 101 });
    expect(pairByInode([departure('a')], [edited], true)).toMatchObject([{ edited: true }]);
    expect(pairByInode([departure('a')], [edited], false)).toEqual([]);
    expect(pairByInode([departure('a', { birthNs: null })], [edited], true)).toEqual([]);
  });

  test('but never when two files share the inode', () => {
    expect(pairByInode([departure('a')], [arrival('b'), arrival('c')], true)).toEqual([]);
    expect(pairByInode([departure('a'), departure('b')], [arrival('c')], true)).toEqual([]);
    expect(hardLinked([arrival('b'), arrival('c'), arrival('d', { inode: 9n })]).size).toBe(2);
  });

  test('when size and MD5 agree, those of one name first', () => {
    const files = [arrival('x/b', { inode: 1n }), arrival('x/a', { inode: 2n })];
    const md5s = new Map(files.map((file) => [file, MD5.a]));
    const gone = [departure('a'), departure('b')];
    expect(names(pairByContent(gone, files, md5s))).toEqual(['a → x/a', 'b → x/b']);
  });

  test('each only once', () => {
    const files = [arrival('b', { inode: 1n }), arrival('c', { inode: 2n })];
    const md5s = new Map(files.map((file) => [file, MD5.a]));
    expect(names(pairByContent([departure('a')], files, md5s))).toEqual(['a → b']);
  });
});

describe('a rename is possible', () => {
  const pair = (from: string, to: string, more: Partial<Arrival> = {}) => ({
    departure: departure(from),
    arrival: arrival(to, {}, more),
    edited: false,
  });
  const occupied = (name: string) => ({ occupant: departure(name).row });
  const never = () => false;

  test('to a free key, or to one that holds the same content', () => {
    const { object } = departure('a');
    expect(names(possiblePairs([pair('a', 'b')], never))).toEqual(['a → b']);
    expect(names(possiblePairs([pair('a', 'b', { object: { ...object, key: 'p/b' } })], never))).toEqual(['a → b']);
  });

  test('not over another photo, nor to an object of other content', () => {
    const other: BucketObject = { ...departure('a').object, key: 'p/b', etag: MD5.b };
    expect(possiblePairs([pair('a', 'b', occupied('b'))], never)).toEqual([]);
    expect(possiblePairs([pair('a', 'b', { object: other })], never)).toEqual([]);
  });

  test('over a photo that moves away itself, and only if that can', () => {
    const chain = [pair('a', 'b', occupied('b')), pair('b', 'c')];
    expect(names(possiblePairs(chain, never))).toEqual(['a → b', 'b → c']);
    expect(possiblePairs([pair('a', 'b', occupied('b')), pair('b', 'c', occupied('c'))], never)).toEqual([]);
    const swap = [pair('a', 'b', occupied('b')), pair('b', 'a', occupied('a'))];
    expect(names(possiblePairs(swap, never))).toEqual(['a → b', 'b → a']);
    expect(possiblePairs(swap, ({ arrival: { local } }) => local.path === 'a')).toEqual([]);
  });

  test('to an object whose ETag does not tell its content, which is compared then', () => {
    const parts: BucketObject = { ...departure('a').object, etag: `${MD5.b}-2` };
    expect(mayBeSame(departure('a'), parts)).toBe(true);
    expect(mayBeSame(departure('a'), { ...parts, size: 99 })).toBe(false);
  });
});

test('a temporary key lies beside the new one, is the same each time, and is known as one', () => {
  const id = '0198c1d2-0000-4000-8000-000000000001';
  const name = `.rollcall-move-${id}.tmp`;
  expect(asidePlace({ key: 'p/x/b.jpg', path: 'x/b.jpg' }, id)).toEqual({ key: `p/x/${name}`, path: `x/${name}` });
  expect(asidePlace({ key: 'b.jpg', path: 'b.jpg' }, id)).toEqual({ key: name, path: name });
  expect(isAsideKey(`p/x/${name}`)).toBe(true);
  expect(isAsideKey('p/x/rollcall-move.tmp')).toBe(false);
});

test('where its folder leaves no room for the name, a temporary key lies further up', () => {
  const id = '0198c1d2-0000-4000-8000-000000000001';
  const folders = `${'d'.repeat(250)}/${'e'.repeat(250)}/${'f'.repeat(250)}/${'g'.repeat(250)}/`;
  const to = { key: `photos/${folders}b.jpg`, path: `${folders}b.jpg` };
  const { key, path } = asidePlace(to, id);
  expect(key).toBe(`photos/${path}`);
  expect(path).toBe(`${'d'.repeat(250)}/${'e'.repeat(250)}/${'f'.repeat(250)}/.rollcall-move-${id}.tmp`);
});

interface Move {
  readonly key: string;
  readonly from: { readonly key: string };
  readonly via?: string;
}

/** What a bucket holds after the levels were carried out; fails when a key is taken or empty at its turn. */
function carriedOut(moves: readonly Move[]): Map<string, string> {
  const bucket = new Map(moves.map(({ from }) => [from.key, `content of ${from.key}`]));
  const place = (from: string, to: string) => {
    expect(bucket.has(to), `${to} is free`).toBe(false);
    const content = bucket.get(from);
    expect(content, `${from} holds something`).toBeDefined();
    bucket.set(to, content ?? '');
    return from;
  };
  for (const level of orderMoves(moves, (move) => ({ ...move, via: `aside ${move.key}` }))) {
    const old = level.map(({ move, step }) => {
      if (step === 'whole') return place(move.from.key, move.key);
      return step === 'aside' ? place(move.from.key, move.via ?? '') : place(move.via ?? '', move.key);
    });
    for (const key of old) bucket.delete(key);
  }
  return bucket;
}

test('renames of any shape, in the order given, come out right and never meet a key that is taken', () => {
  const places = fc.integer({ min: 1, max: 14 }).chain((n) => {
    const targets = fc.shuffledSubarray([...Array(n + 4).keys()], { minLength: n, maxLength: n });
    return fc.tuple(targets, fc.shuffledSubarray([...Array(n).keys()], { minLength: n, maxLength: n }));
  });
  fc.assert(
    fc.property(places, ([targets, order]) => {
      const moves = order
        .map((from) => ({ from: { key: `k${from}` }, key: `k${targets[from]}` }))
        .filter(({ from, key }) => from.key !== key);
      // A photo that stays is in nobody's way here: its key is nobody's target.
      const staying = new Set(targets.flatMap((to, from) => (to === from ? [`k${to}`] : [])));
      const free = moves.filter(({ key }) => !staying.has(key));
      const bucket = carriedOut(free);
      expect([...bucket].sort()).toEqual(free.map(({ from, key }) => [key, `content of ${from.key}`]).sort());
    }),
    { numRuns: 500 },
  );
});

test('a saved circle keeps the temporary key that it was given', () => {
  const moves: Move[] = [
    { from: { key: 'a' }, key: 'b' },
    { from: { key: 'b' }, key: 'a', via: 'aside' },
  ];
  const steps = orderMoves(moves, () => {
    throw new Error('one of them has a temporary key');
  });
  expect(steps.map((level) => level.map(({ step }) => step))).toEqual([['aside'], ['whole'], ['finish']]);
});
