import { describe, expect, test } from 'vitest';
import type { Action } from '../../src/sync/actions.ts';
import { classify, type Finding, TRUTH_TABLE } from '../../src/sync/classify.ts';
import { decide } from '../../src/sync/decide.ts';
import type { Rules } from '../../src/sync/rules.ts';
import type { BucketObject, CatalogRow, LocalFile, Policy, Triple } from '../../src/sync/types.ts';

const DAY = 86_400_000;
const NOW = Date.parse('2026-11-20T12:00:00Z');
const OLD = BigInt(NOW - 10 * DAY) * 1_000_000n;

const local: LocalFile = { key: 'p/a.jpg', path: 'a.jpg', size: 100, mtimeNs: OLD, device: 1n, inode: 2n };
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
  md5: '0cc175b9c0f1b6a831c399e269772661',
  etag: 'e1',
  partSize: null,
  state: 'synced',
  orphanedAtMs: null,
  deleting: false,
};
const object: BucketObject = { key: 'p/a.jpg', size: 100, etag: 'e1', lastModifiedMs: NOW, storageClass: 'STANDARD' };

const rules = (policy: Partial<Policy> = {}): Rules => ({
  policy: {
    direction: 'up',
    compare: 'existence',
    overwrite: 'known',
    orphans: 'mark',
    deleteNow: false,
    moves: true,
    dryRun: false,
    ...policy,
  },
  settings: { stableSeconds: 2, orphanGraceDays: 30 },
  nowMs: NOW,
  pathOf: (key) => (key.includes('..') ? { fault: 'it would leave the root' } : { path: key.slice('p/'.length) }),
});

function decided(triple: Omit<Triple, 'key'>, policy: Partial<Policy> = {}): Action | null {
  const whole = { key: 'p/a.jpg', ...triple };
  return decide(whole, classify(whole, { disk: true, bucket: true }), rules(policy));
}

/** In short: the kind, and what makes the difference. */
function short(action: Action | null): string {
  if (action === null) return 'nothing';
  if (action.kind === 'adopt') return `adopt or ${action.otherwise}`;
  if (action.kind === 'reupload' && action.unlessOther) return `complete or ${action.unlessOther}`;
  if (action.kind === 'reupload') return action.object ? `replace ${action.object.etag}` : 'bring back';
  if (action.kind === 'report') return action.what;
  if (action.kind === 'mark') return `mark ${action.state}`;
  return action.kind;
}

describe('a photo on disk', () => {
  const edited = { ...local, size: 150 };
  const foreign = (size: number) => ({ ...object, size, etag: 'f' });
  const other = { ...row, md5: null };
  // finding, the three sides, then what each `overwrite` does: never, known, source
  const cases: [Finding, Omit<Triple, 'key'>, string, string, string][] = [
    ['upload', { local }, 'upload', 'upload', 'upload'],
    ['bring back', { local, row }, 'bring back', 'bring back', 'bring back'],
    ['in agreement', { local, row, object }, 'nothing', 'nothing', 'nothing'],
    ['adopt', { local, object }, 'adopt or conflict', 'adopt or conflict', 'adopt or replace'],
    [
      'adopt',
      { local, row: other, object: foreign(100) },
      'adopt or conflict',
      'adopt or conflict',
      'adopt or replace',
    ],
    ['incomplete', { local, object: foreign(60) }, 'conflict', 'complete or conflict', 'replace f'],
    ['incomplete', { local, row, object: foreign(60) }, 'conflict', 'complete or conflict', 'replace f'],
    ['edited', { local: edited, row, object }, 'conflict', 'replace e1', 'replace e1'],
    ['differs', { local, object: foreign(160) }, 'conflict', 'conflict', 'replace f'],
    ['differs', { local, row, object: foreign(160) }, 'conflict', 'conflict', 'replace f'],
    ['both changed', { local: edited, row, object: foreign(90) }, 'conflict', 'conflict', 'replace f'],
  ];
  for (const [finding, triple, never, known, source] of cases) {
    const sides = Object.keys(triple).join(' and ');
    for (const [overwrite, expected] of [
      ['never', never],
      ['known', known],
      ['source', source],
    ] as const) {
      test(`${finding} (${sides}), overwrite ${overwrite}: ${expected}`, () => {
        expect(classify({ key: 'p/a.jpg', ...triple }, { disk: true, bucket: true }).finding).toBe(finding);
        expect(short(decided(triple, { overwrite }))).toBe(expected);
      });
    }
  }

  test('the same bytes under a new ETag only correct the row', () => {
    const action = decided({ local, row, object: { ...object, etag: row.md5! } });
    expect(action).toMatchObject({ kind: 'update', change: { object: { etag: row.md5 } } });
  });

  test('every finding that a file can have is decided above', () => {
    const onDisk = TRUTH_TABLE.filter(({ disk }) => ['file', 'same', 'changed'].includes(disk));
    const findings = new Set(onDisk.map(({ finding }) => finding));
    expect(new Set([...cases.map(([finding]) => finding), 'leave'])).toEqual(findings);
  });

  test('younger than STABLE_SECONDS is left for the next run', () => {
    const young = { ...local, mtimeNs: BigInt(NOW - 1_500) * 1_000_000n };
    expect(short(decided({ local: young }))).toBe('unstable');
    expect(short(decided({ local: { ...local, mtimeNs: BigInt(NOW - 2_000) * 1_000_000n } }))).toBe('upload');
  });

  test('dated a moment ahead by another clock is left too', () => {
    expect(short(decided({ local: { ...local, mtimeNs: BigInt(NOW + 1_500) * 1_000_000n } }))).toBe('unstable');
  });

  test('dated in the future is not taken for being written', () => {
    expect(short(decided({ local: { ...local, mtimeNs: BigInt(NOW + DAY) * 1_000_000n } }))).toBe('upload');
  });

  test('young but in agreement is simply in agreement', () => {
    const mtimeNs = BigInt(NOW - 100) * 1_000_000n;
    expect(decided({ local: { ...local, mtimeNs }, row: { ...row, mtimeNs }, object })).toBeNull();
  });

  test('with a twin that would share its key is a conflict and names both', () => {
    const action = decided({ local: { ...local, twins: ['á.jpg'] } });
    expect(action).toMatchObject({ kind: 'report', code: 'NAME_COLLISION' });
    expect(action?.reason).toContain('á.jpg');
  });

  test.each(['orphaned', 'conflict', 'failed', 'missing', 'lost', 'pending'] as const)(
    'in agreement again after %s, its row is synced again',
    (state) => {
      expect(decided({ local, row: { ...row, state }, object })).toMatchObject({
        kind: 'update',
        change: { state: 'synced' },
      });
    },
  );

  test('in agreement under another inode only corrects the row', () => {
    const action = decided({ local: { ...local, inode: 9n }, row, object });
    expect(action).toMatchObject({ kind: 'update', change: { local: { inode: 9n } } });
  });
});

describe('a photo gone from disk', () => {
  const foreign = { ...object, etag: 'f' };
  const marked = { ...row, state: 'orphaned' as const, orphanedAtMs: NOW - 31 * DAY };
  const fresh = { ...marked, orphanedAtMs: NOW - 29 * DAY };
  const cases: [string, Omit<Triple, 'key'>, Partial<Policy>, string][] = [
    ['is marked', { row, object }, {}, 'mark orphaned'],
    ['is marked once', { row: marked, object }, {}, 'nothing'],
    ['is not deleted before it was marked, when deleting', { row, object }, { orphans: 'delete' }, 'mark orphaned'],
    ['is not deleted within its days of grace', { row: fresh, object }, { orphans: 'delete' }, 'nothing'],
    ['is deleted after its days of grace', { row: marked, object }, { orphans: 'delete' }, 'delete'],
    ['is deleted at once when asked to', { row, object }, { orphans: 'delete', deleteNow: true }, 'delete'],
    ['is kept when deleteNow comes without orphans: delete', { row, object }, { deleteNow: true }, 'mark orphaned'],
    ['is never deleted when its object is another', { row: marked, object: foreign }, { orphans: 'delete' }, 'nothing'],
    ['and from the bucket is lost', { row }, {}, 'mark lost'],
    [
      'and known as lost is forgotten when asked to delete at once',
      { row: { ...row, state: 'lost' } },
      { orphans: 'delete', deleteNow: true },
      'delete',
    ],
    [
      'and known as lost is never forgotten by days of grace',
      { row: { ...row, state: 'lost' } },
      { orphans: 'delete' },
      'lost',
    ],
    ['and from the bucket is lost every time', { row: { ...row, state: 'lost' } }, {}, 'lost'],
    [
      'and from the bucket is lost also when deleting',
      { row: marked },
      { orphans: 'delete', deleteNow: true },
      'mark lost',
    ],
    ['whose deletion had begun loses only its row', { row: { ...marked, deleting: true } }, {}, 'delete'],
    [
      'whose deletion had begun is orphaned again when it is kept',
      { row: { ...fresh, deleting: true }, object },
      {},
      'mark orphaned',
    ],
  ];
  for (const [sentence, triple, policy, expected] of cases) {
    test(sentence, () => expect(short(decided(triple, policy))).toBe(expected));
  }
});

test('an object that nobody knows asks for nothing', () => {
  expect(decided({ object })).toBeNull();
});

test.each([
  ['disk', { row, object }],
  ['disk', { row }],
  ['bucket', { local }],
  ['bucket', { local, row }],
  ['bucket', { row }],
] as const)('when the %s could not be read, nothing follows from its silence', (side, triple) => {
  const whole = { key: 'p/a.jpg', ...triple };
  const vouching = { disk: side !== 'disk', bucket: side !== 'bucket' };
  expect(
    decide(whole, classify(whole, vouching), rules({ orphans: 'delete', deleteNow: true, overwrite: 'source' })),
  ).toBeNull();
});
