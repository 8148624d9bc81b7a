import { describe, expect, test } from 'vitest';
import type { Action } from '../../src/sync/actions.ts';
import { classify } from '../../src/sync/classify.ts';
import { decide } from '../../src/sync/decide.ts';
import { policyOf } from '../../src/sync/policy.ts';
import type { Rules } from '../../src/sync/rules.ts';
import type { SyncRequest } from '../../src/sync/service.ts';
import type { BucketObject, CatalogRow, LocalFile, Triple } from '../../src/sync/types.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const OLD = BigInt(NOW - 864_000_000) * 1_000_000n;
const file: LocalFile = { key: 'p/a.jpg', path: 'a.jpg', size: 100, mtimeNs: OLD, device: 1n, inode: 2n };
const edit: LocalFile = { ...file, size: 150, mtimeNs: OLD + 1n };
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
  md5: 'm',
  etag: 'e1',
  partSize: null,
  state: 'synced',
  orphanedAtMs: null,
  deleting: false,
};
const ours: BucketObject = { key: 'p/a.jpg', size: 100, etag: 'e1', lastModifiedMs: NOW, storageClass: 'STANDARD' };
const theirs = (size: number): BucketObject => ({ ...ours, size, etag: 'f' });

function decided(triple: Omit<Triple, 'key'>, request: SyncRequest): string {
  const whole = { key: triple.object?.key ?? 'p/a.jpg', ...triple };
  const rules: Rules = {
    policy: policyOf(request),
    settings: { stableSeconds: 2, orphanGraceDays: 30 },
    nowMs: NOW,
    pathOf: (key) => (key.includes('..') ? { fault: 'it would leave the root' } : { path: key.slice('p/'.length) }),
  };
  return short(decide(whole, classify(whole, { disk: true, bucket: true }), rules));
}

function short(action: Action | null): string {
  if (action === null) return 'nothing';
  if (action.kind === 'adopt') return `compare or ${action.otherwise}`;
  if (action.kind === 'reupload' && action.unlessOther) return `complete it or ${action.unlessOther}`;
  if (action.kind === 'reupload') return action.object ? 'send over it' : 'send again';
  if (action.kind === 'download') return action.local ? 'fetch over it' : 'fetch';
  if (action.kind === 'report') return action.what;
  if (action.kind === 'update' && action.change.state === 'missing') return 'note that it is missing';
  return action.kind === 'mark' ? `mark ${action.state}` : action.kind;
}

type Requests = readonly (readonly [string, SyncRequest])[];
const REQUESTS: Requests = [
  ['up', { direction: 'up' }],
  ['down', { direction: 'down' }],
  ['both', { direction: 'both' }],
  ['both/known', { direction: 'both', overwrite: 'known' }],
  ['down/source', { direction: 'down', overwrite: 'source' }],
];

// One line a situation, one column a request.
const TABLE: readonly [string, Omit<Triple, 'key'>, readonly [string, string, string, string, string]][] = [
  //                                                   up               down             both             both/known       down/source
  ['only on disk', { local: file }, ['upload', 'nothing', 'upload', 'upload', 'nothing']],
  ['only in the bucket', { object: ours }, ['nothing', 'fetch', 'fetch', 'fetch', 'fetch']],
  ['in agreement', { local: file, row, object: ours }, ['nothing', 'nothing', 'nothing', 'nothing', 'nothing']],
  [
    'object gone',
    { local: file, row },
    ['send again', 'note that it is missing', 'send again', 'send again', 'note that it is missing'],
  ],
  [
    'object gone, and told before',
    { local: file, row: { ...row, state: 'missing' } },
    ['send again', 'nothing', 'send again', 'send again', 'nothing'],
  ],
  ['file gone', { row, object: ours }, ['mark orphaned', 'fetch', 'fetch', 'fetch', 'fetch']],
  ['both gone', { row }, ['mark lost', 'mark lost', 'mark lost', 'mark lost', 'mark lost']],
  [
    'on both, never agreed, one size',
    { local: file, object: theirs(100) },
    ['compare or conflict', 'compare or conflict', 'compare or conflict', 'compare or conflict', 'compare or download'],
  ],
  [
    'on both, never agreed, object longer',
    { local: file, object: theirs(160) },
    ['conflict', 'conflict', 'conflict', 'conflict', 'fetch over it'],
  ],
  [
    'on both, never agreed, object shorter',
    { local: file, object: theirs(60) },
    ['complete it or conflict', 'conflict', 'conflict', 'complete it or conflict', 'fetch over it'],
  ],
  [
    'edited on disk',
    { local: edit, row, object: ours },
    ['send over it', 'conflict', 'conflict', 'send over it', 'fetch over it'],
  ],
  [
    'touched on disk',
    { local: { ...file, mtimeNs: OLD + 1n }, row, object: ours },
    ['send over it', 'compare or conflict', 'compare or conflict', 'send over it', 'compare or download'],
  ],
  [
    'edited in the bucket, longer',
    { local: file, row, object: theirs(160) },
    ['conflict', 'fetch over it', 'conflict', 'fetch over it', 'fetch over it'],
  ],
  [
    'edited in the bucket, one size',
    { local: file, row, object: theirs(100) },
    ['compare or conflict', 'compare or download', 'compare or conflict', 'compare or download', 'compare or download'],
  ],
  [
    'shorter in the bucket',
    { local: file, row, object: theirs(60) },
    ['complete it or conflict', 'compare or download', 'conflict', 'complete it or download', 'fetch over it'],
  ],
  [
    'edited on both',
    { local: edit, row, object: theirs(160) },
    ['conflict', 'conflict', 'conflict', 'conflict', 'fetch over it'],
  ],
];

describe.each(TABLE)('%s', (_situation, triple, expected) => {
  test.each(REQUESTS.map(([name, request], i) => [name, expected[i], request] as const))(
    '%s: %s',
    (_name, action, request) => {
      expect(decided(triple, request)).toBe(action);
    },
  );
});

describe('the newer one wins', () => {
  const newerFile = { ...edit, mtimeNs: BigInt(NOW - 60_000) * 1_000_000n };
  const at = (object: BucketObject, ms: number) => ({ object, objectMtimeNs: BigInt(ms) * 1_000_000n });
  test.each([
    ['a newer file', NOW - 120_000, 'up', 'send over it'],
    ['a newer file', NOW - 120_000, 'down', 'conflict'],
    ['a newer file', NOW - 120_000, 'both', 'send over it'],
    ['a newer object', NOW - 30_000, 'up', 'conflict'],
    ['a newer object', NOW - 30_000, 'down', 'fetch over it'],
    ['a newer object', NOW - 30_000, 'both', 'fetch over it'],
    ['two of the same moment', NOW - 60_000, 'both', 'conflict'],
  ] as const)('%s (%d), %s: %s', (_what, objectMs, direction, expected) => {
    const triple = { local: newerFile, row, ...at(theirs(160), objectMs) };
    expect(decided(triple, { direction, overwrite: 'newer' })).toBe(expected);
  });

  test('by LastModified where the object carries no time', () => {
    expect(decided({ local: newerFile, row, object: theirs(160) }, { direction: 'both', overwrite: 'newer' })).toBe(
      'fetch over it',
    );
  });
});

test('a file gone from disk stays gone when the request says so', () => {
  expect(decided({ row, object: ours }, { direction: 'both', orphans: 'mark' })).toBe('mark orphaned');
  expect(decided({ row, object: ours }, { direction: 'both', orphans: 'delete', deleteNow: true })).toBe('delete');
});

test('orphans can be brought back by an upward sync too', () => {
  expect(decided({ row, object: ours }, { direction: 'up', orphans: 'download' })).toBe('fetch');
});

test('a key that would leave the root is reported, not fetched', () => {
  expect(decided({ object: { ...ours, key: 'p/../x' } }, { direction: 'both' })).toBe('conflict');
});

test('both directions have no source', () => {
  expect(() => policyOf({ direction: 'both', overwrite: 'source' })).toThrow(
    expect.objectContaining({ code: 'BAD_INPUT', field: 'overwrite' }),
  );
});

test('content compare reads a file in agreement whose MD5 is not on record, or that is another inode', () => {
  const content = { direction: 'up', compare: 'content' } as const;
  expect(decided({ local: file, row, object: ours }, content)).toBe('nothing');
  expect(decided({ local: file, row: { ...row, md5: null }, object: ours }, content)).toBe('compare or replace');
  expect(decided({ local: { ...file, inode: 9n }, row, object: ours }, content)).toBe('compare or replace');
});
