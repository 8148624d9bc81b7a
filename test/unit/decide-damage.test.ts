/** What a sync makes of damage that a verify has found. */
import { describe, expect, test } from 'vitest';
import type { Action } from '../../src/sync/actions.ts';
import { classify } from '../../src/sync/classify.ts';
import { damagedSide, damageText } from '../../src/sync/damage.ts';
import { decide } from '../../src/sync/decide.ts';
import { decideReupload } from '../../src/sync/reupload.ts';
import type { Rules } from '../../src/sync/rules.ts';
import type {
  BucketObject,
  CatalogRow,
  Compare,
  DamagedSide,
  Direction,
  LocalFile,
  Overwrite,
} from '../../src/sync/types.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const OLD = BigInt(NOW - 864_000_000) * 1_000_000n;

const local: LocalFile = { key: 'p/a.jpg', path: 'a.jpg', size: 100, mtimeNs: OLD, device: 1n, inode: 2n };
const object: BucketObject = { key: 'p/a.jpg', size: 100, etag: 'e1', lastModifiedMs: NOW, storageClass: 'STANDARD' };
const row: CatalogRow = {
  id: '00000000-0000-4000-8000-000000000001',
  albumId: '00000000-0000-4000-8000-000000000002',
  key: 'p/a.jpg',
  path: 'a.jpg',
  size: 100,
  mtimeNs: OLD,
  device: 1n,
  inode: 2n,
  birthNs: null,
  md5: null,
  etag: 'e1',
  partSize: null,
  state: 'synced',
  orphanedAtMs: null,
  deleting: false,
};

const OVERWRITES: readonly Overwrite[] = ['never', 'known', 'newer', 'source'];

interface Case {
  readonly damaged?: DamagedSide;
  readonly direction?: Direction;
  readonly compare?: Compare;
  readonly overwrite?: Overwrite;
  readonly local?: Partial<LocalFile>;
  readonly object?: Partial<BucketObject> | null;
}

function rulesOf({ direction = 'up', compare = 'content', overwrite = 'known' }: Case): Rules {
  const policy = {
    direction,
    compare,
    overwrite,
    orphans: 'mark',
    deleteNow: false,
    moves: true,
    dryRun: false,
  } as const;
  return { policy, settings: { stableSeconds: 2, orphanGraceDays: 30 }, nowMs: NOW, pathOf: () => ({ fault: 'none' }) };
}

function decided(given: Case, how: typeof decide = decide): Action | null {
  const found = given.object === null ? {} : { object: { ...object, ...given.object } };
  const known = { ...row, ...(given.damaged && { damaged: given.damaged }) };
  const triple = { key: 'p/a.jpg', local: { ...local, ...given.local }, row: known, ...found };
  return how(triple, classify(triple, { disk: true, bucket: true }), rulesOf(given));
}

/** Does it put the file's bytes over an object that is there, whatever they are? */
function replaces(action: Action | null): boolean {
  if (action?.kind === 'adopt') return action.otherwise === 'replace';
  return action?.kind === 'reupload' && action.object !== undefined && !action.damaged;
}

describe('a file that was found damaged', () => {
  const everyPolicy = (['up', 'down', 'both'] as const).flatMap((direction) =>
    (['existence', 'content'] as const).flatMap((compare) =>
      OVERWRITES.map((overwrite) => ({ direction, compare, overwrite })),
    ),
  );

  test('takes the place of no object, under any policy', () => {
    for (const policy of everyPolicy) {
      for (const found of [{}, { etag: 'e2' }, { etag: 'e2', size: 101 }, { etag: 'e2', size: 50 }]) {
        for (const inode of [2n, 3n]) {
          for (const damaged of ['disk', 'both'] as const) {
            const action = decided({ ...policy, damaged, object: found, local: { inode } });
            expect(replaces(action), JSON.stringify({ ...policy, ...found, action: action?.kind })).toBe(false);
          }
        }
      }
    }
  });

  test('would, without the note: that is what the note is for', () => {
    expect(replaces(decided({}))).toBe(true);
    expect(replaces(decided({ object: { etag: 'e2' }, overwrite: 'source' }))).toBe(true);
  });

  test('is read again by a comparison of contents: it may have been mended', () => {
    expect(decided({ damaged: 'disk' })).toMatchObject({ kind: 'adopt', otherwise: 'conflict' });
    expect(decided({ damaged: 'disk', compare: 'existence' })).toBeNull();
  });

  test('gives way to its object where the bucket is the source', () => {
    const down = { damaged: 'disk', direction: 'down', overwrite: 'source' } as const;
    expect(decided(down)).toMatchObject({ kind: 'adopt', otherwise: 'download' });
  });

  test('was edited when its date is another: it goes up', () => {
    const edited = { mtimeNs: OLD + 5_000_000_000n };
    expect(decided({ damaged: 'disk', local: edited })).toMatchObject({ kind: 'reupload', object: { etag: 'e1' } });
  });

  test('is better than nothing where there is no object', () => {
    expect(decided({ damaged: 'disk', object: null })).toMatchObject({ kind: 'reupload' });
  });
});

describe('an object that was found damaged', () => {
  test.each([
    ['up', 'known', true],
    ['up', 'source', true],
    ['both', 'known', true],
    ['up', 'never', false],
    ['up', 'newer', false],
    ['both', 'never', false],
    ['down', 'known', false],
    ['down', 'source', false],
  ] as const)('direction %s, overwrite %s: is replaced: %s', (direction, overwrite, mended) => {
    const action = decided({ damaged: 'object', direction, overwrite, compare: 'existence' });
    if (mended) expect(action).toMatchObject({ kind: 'reupload', damaged: true, object: { etag: 'e1' } });
    else expect(action).toBeNull();
  });

  test('is not replaced by a file that was found damaged too, nor by one that is still being written', () => {
    expect(decided({ damaged: 'both', compare: 'existence' })).toBeNull();
    const settings = { stableSeconds: 20 * 86_400, orphanGraceDays: 30 };
    const triple = { key: 'p/a.jpg', local, row: { ...row, damaged: 'object' } as const, object };
    const rules = { ...rulesOf({}), settings };
    const action = decide(triple, classify(triple, { disk: true, bucket: true }), rules);
    expect(action).toMatchObject({ kind: 'report', what: 'unstable' });
  });

  test('is re-uploaded too, and nothing else that is there', () => {
    expect(decided({ damaged: 'object' }, decideReupload)).toMatchObject({ kind: 'reupload', damaged: true });
    for (const damaged of ['disk', 'both'] as const) expect(decided({ damaged }, decideReupload)).toBeNull();
    expect(decided({}, decideReupload)).toBeNull();
    expect(decided({ local: { size: 101 } }, decideReupload)).toBeNull();
    expect(decided({ object: { etag: 'e2' } }, decideReupload)).toBeNull();
  });
});

test('what a row keeps is a line for each thing that is wrong, and nothing for nothing', () => {
  expect(damageText([])).toBeNull();
  const disk = { code: 'DISK_DAMAGED', message: 'a: b' } as const;
  const text = damageText([disk, { code: 'OBJECT_MISSING', message: 'DISK_DAMAGED: no' }]);
  expect(text).toBe('DISK_DAMAGED: a: b\nOBJECT_MISSING: DISK_DAMAGED: no');
  expect(damagedSide(text)).toBe('disk');
  expect(damagedSide(null)).toBeNull();
  expect(damagedSide('no code')).toBeNull();
});
