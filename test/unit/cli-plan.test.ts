import { expect, test } from 'vitest';
import { planLines } from '../../src/cli/plan.ts';
import { plain } from '../../src/cli/screen.ts';
import type { Action, RowFacts } from '../../src/sync/actions.ts';
import type { SavedPlan } from '../../src/sync/plan-file.ts';
import type { FileFacts } from '../../src/sync/types.ts';

const local: FileFacts = { size: 1_000_000, mtimeNs: 1n, device: 1n, inode: 1n };
const row: RowFacts = { id: 'id', size: 1, mtimeNs: 1n, md5: null, etag: null, partSize: null, state: 'synced' };

function planOf(actions: readonly Action[], album: string | null = null): SavedPlan {
  return {
    version: 1,
    createdAt: '2026-11-20T12:00:00.000Z',
    library: { id: 'id', name: 'mine', bucket: 'my-bucket', prefix: 'photos/' },
    album,
    policy: {
      direction: 'up',
      compare: 'existence',
      overwrite: 'known',
      orphans: 'mark',
      deleteNow: false,
      moves: true,
      dryRun: false,
    },
    photosInScope: 1,
    maxDelete: { count: 10 },
    actions,
    albums: [],
  };
}

function named(path: string, reason: string) {
  return { key: `photos/${path}`, path, reason };
}

const stored = { size: 1, etag: 'e', storageClass: 'STANDARD' };
const former = (path: string) => ({ key: `photos/${path}`, path });
const upload = (path: string): Action => ({ kind: 'upload', ...named(path, 'new'), local });

test('a plan without actions says so in one line', () => {
  expect(planLines(planOf([]), false, plain)).toEqual(['mine → s3://my-bucket/photos/: nothing pending', '']);
});

test('a plan of renames alone does not claim that nothing at all is pending', () => {
  const { policy, ...plan } = planOf([]);
  const lines = planLines({ ...plan, policy: { ...policy, moves: 'only' } }, false, plain);
  expect(lines).toEqual(['mine → s3://my-bucket/photos/: no renames pending', '']);
});

test('pending changes are grouped by kind, the alarming first and deletions last, each with its reason', () => {
  const actions: Action[] = [
    { kind: 'wait', what: 'move', ...named('2014/k.jpg', 'must be restored'), object: stored, row },
    { kind: 'move', ...named('2024/l.jpg', 'was'), from: former('2023/l.jpg'), row, local, object: stored },
    { kind: 'move', ...named('m.jpg', 'was'), from: former('n.jpg'), row, local, object: stored, via: 'photos/x' },
    { kind: 'move', ...named('o.jpg', 'was'), from: former('p.jpg'), row, local, object: stored, edited: true },
    { kind: 'leftover', ...named('q.jpg', 'left over'), object: stored, photo: { id: 'id', key: 'k', etag: 'e' } },
    {
      kind: 'copy',
      ...named('r.jpg', 'same bytes as s.jpg'),
      local,
      md5: 'm',
      from: { id: 'id', key: 's.jpg', size: 1, partSize: null, etag: 'e' },
    },
    { kind: 'delete', ...named('gone.jpg', 'gone for 31 days'), row },
    { kind: 'mark', ...named('away.jpg', 'not on disk'), row, state: 'orphaned' },
    { kind: 'download', ...named('i.jpg', 'only in the bucket'), object: { size: 5_000, etag: 'e' } },
    upload('a.jpg'),
    upload('日本.jpg'),
    { kind: 'reupload', ...named('b.jpg', 'missing from the bucket'), local, row },
    { kind: 'adopt', ...named('c.jpg', 'same size'), local, object: { size: 1, etag: 'e' }, otherwise: 'conflict' },
    { kind: 'update', ...named('d.jpg', 'is back'), row, change: { state: 'synced' } },
    { kind: 'report', what: 'unstable', code: 'FILE_UNSTABLE', ...named('e.jpg', 'changed just now') },
    { kind: 'report', what: 'conflict', code: 'CONFLICT', ...named('f.jpg', 'both changed') },
    { kind: 'report', what: 'lost', code: 'LOST', ...named('g.jpg', 'still lost'), row },
    { kind: 'mark', ...named('h.jpg', 'nowhere'), row, state: 'lost' },
  ];
  expect(
    planLines(planOf(actions, '2024'), false, plain).join('\n'),
  ).toBe(`mine, album 2024 → s3://my-bucket/photos/: 18 pending

Lost: gone from disk and bucket both (2)
  g.jpg  still lost
  h.jpg  nowhere

Conflicts: left alone, for you to decide (1)
  f.jpg  both changed

Still changing: left for the next run (1)
  e.jpg  changed just now

Waiting: archived, to be restored first with rollcall restore (1)
  2014/k.jpg  must be restored

Move: renamed on disk, so renamed in the bucket without uploading (2)
  2023/l.jpg → 2024/l.jpg
  n.jpg → m.jpg            names exchanged: makes room first

Move and upload: renamed, and changed on disk or missing from the bucket (1, 1.0 MB)
  p.jpg → o.jpg

Finish a move: the old object goes (1)
  q.jpg  left over

Download (1, 5.0 kB)
  i.jpg  only in the bucket

Copy in the bucket, which holds the same bytes under another name (1)
  r.jpg  same bytes as s.jpg

Upload (2, 2.0 MB)
  a.jpg     new
  日本.jpg  new

Upload again (1, 1.0 MB)
  b.jpg  missing from the bucket

Adopt: in the bucket already, to be recorded (1)
  c.jpg  same size

Correct the record (1)
  d.jpg  is back

Mark as orphaned: gone from disk, the object stays (1)
  away.jpg  not on disk

DELETE from the bucket (1)
  gone.jpg  gone for 31 days
`);
});

test('of each kind the first twenty are printed, and all on request', () => {
  const plan = planOf(Array.from({ length: 1_154 }, (_, i) => upload(`${i}.jpg`)));
  const short = planLines(plan, false, plain);
  expect(short.filter((line) => line.includes('.jpg'))).toHaveLength(20);
  expect(short).toContain('  … and 1,134 more (--all prints every one)');
  const long = planLines(plan, true, plain);
  expect(long.filter((line) => line.includes('.jpg'))).toHaveLength(1_154);
  expect(long.join('\n')).not.toContain('more (--all');
});

test('a plan of 300,000 actions can be printed whole', () => {
  const plan = planOf(Array.from({ length: 300_000 }, (_, i) => upload(`${i}.jpg`)));
  expect(planLines(plan, true, plain)).toHaveLength(300_004);
});
