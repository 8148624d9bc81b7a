import { describe, expect, test } from 'vitest';
import { RollcallError } from '../../src/errors.ts';
import type { CatalogRow, FileFacts } from '../../src/sync/types.ts';
import { judge } from '../../src/sync/verify-judge.ts';
import type { BucketSays, DiskSays } from '../../src/sync/verify-sides.ts';

const facts: FileFacts = { size: 3, mtimeNs: 1n, device: 1n, inode: 2n };
const row: CatalogRow = {
  id: '00000000-0000-4000-8000-000000000001',
  albumId: '00000000-0000-4000-8000-000000000002',
  key: 'p/a.jpg',
  path: 'a.jpg',
  ...facts,
  birthNs: null,
  md5: 'right',
  etag: 'e1',
  partSize: null,
  state: 'synced',
  orphanedAtMs: null,
  deleting: false,
};

const DISKS: Record<string, DiskSays> = {
  right: { kind: 'read', md5: 'right', facts },
  wrong: { kind: 'read', md5: 'wrong', facts },
  changed: { kind: 'changed', facts },
  gone: { kind: 'gone' },
  none: { kind: 'not expected' },
  unread: { kind: 'unread', error: new RollcallError('FILE_UNREADABLE', 'EIO') },
};
const BUCKETS: Record<string, BucketSays> = {
  right: { kind: 'read', md5: 'right', proved: true },
  wrong: { kind: 'read', md5: 'wrong', proved: true },
  unproved: { kind: 'read', md5: 'other', proved: false },
  corrupt: { kind: 'corrupt', message: 'short' },
  same: { kind: 'other', same: true },
  other: { kind: 'other', same: false },
  missing: { kind: 'missing' },
  archived: { kind: 'archived' },
  unread: { kind: 'unread', error: new RollcallError('OBJECT_DENIED', 'denied') },
};

function judged(disk: string, bucket: string, of: Partial<CatalogRow> = {}) {
  const verdict = judge({ ...row, ...of }, DISKS[disk]!, BUCKETS[bucket]!, 's3://b/p/a.jpg');
  const codes = [...verdict.damage, ...verdict.unread].map(({ code }) => code);
  return { outcome: verdict.outcome, codes, md5: verdict.md5, whole: verdict.whole, damage: verdict.damage };
}

//  disk       bucket      outcome       codes
const TABLE: readonly (readonly [string, string, string, ...string[]])[] = [
  ['right', 'right', 'whole'],
  ['right', 'wrong', 'damaged', 'OBJECT_DAMAGED'],
  ['right', 'unproved', 'damaged', 'OBJECT_DAMAGED'],
  ['right', 'corrupt', 'damaged', 'OBJECT_DAMAGED'],
  ['right', 'same', 'changed'],
  ['right', 'other', 'damaged', 'OBJECT_CHANGED'],
  ['right', 'missing', 'damaged', 'OBJECT_MISSING'],
  ['right', 'archived', 'archived'],
  ['right', 'unread', 'unreadable', 'OBJECT_DENIED'],
  ['wrong', 'right', 'damaged', 'DISK_DAMAGED'],
  ['wrong', 'wrong', 'damaged', 'DISK_DAMAGED', 'OBJECT_DAMAGED'],
  ['wrong', 'same', 'changed'],
  ['wrong', 'other', 'damaged', 'DISK_DAMAGED', 'OBJECT_CHANGED'],
  ['wrong', 'missing', 'damaged', 'DISK_DAMAGED', 'OBJECT_MISSING'],
  ['wrong', 'archived', 'damaged', 'DISK_DAMAGED'],
  ['wrong', 'unread', 'damaged', 'DISK_DAMAGED', 'OBJECT_DENIED'],
  ['changed', 'right', 'changed'],
  ['changed', 'wrong', 'damaged', 'OBJECT_DAMAGED'],
  ['changed', 'same', 'changed'],
  ['changed', 'other', 'damaged', 'OBJECT_CHANGED'],
  ['changed', 'missing', 'damaged', 'OBJECT_MISSING'],
  ['gone', 'right', 'gone'],
  ['gone', 'archived', 'gone'],
  ['gone', 'missing', 'damaged', 'OBJECT_MISSING'],
  ['none', 'right', 'whole'],
  ['none', 'same', 'changed'],
  ['none', 'missing', 'damaged', 'OBJECT_MISSING'],
  ['none', 'archived', 'archived'],
  ['unread', 'right', 'unreadable', 'FILE_UNREADABLE'],
  ['unread', 'missing', 'damaged', 'OBJECT_MISSING', 'FILE_UNREADABLE'],
  ['unread', 'unread', 'unreadable', 'FILE_UNREADABLE', 'OBJECT_DENIED'],
];

test.each(TABLE)('disk %s, bucket %s: %s', (disk, bucket, outcome, ...codes) => {
  expect(judged(disk, bucket)).toMatchObject({ outcome, codes, md5: null });
});

test('whole are only photos of which both sides were read and are right', () => {
  const whole = Object.keys(DISKS).flatMap((disk) =>
    Object.keys(BUCKETS).flatMap((bucket) => (judged(disk, bucket).whole ? [`${disk} ${bucket}`] : [])),
  );
  expect(whole).toEqual(['right right']);
});

describe('a row without an MD5', () => {
  const bare = { md5: null };

  test('learns the one that disk and bucket agree on, unless the file is another inode by now', () => {
    expect(judged('right', 'right', bare)).toMatchObject({ outcome: 'whole', md5: 'right' });
    expect(judged('right', 'right', { ...bare, inode: 9n })).toMatchObject({ outcome: 'whole', md5: null });
    expect(judged('gone', 'right', bare)).toMatchObject({ outcome: 'gone', md5: null });
    expect(judged('right', 'missing', bare)).toMatchObject({ md5: null });
  });

  test('is spoken for by an ETag that proves the content, and by no other', () => {
    expect(judged('right', 'wrong', bare)).toMatchObject({ codes: ['DISK_DAMAGED'], md5: null });
    expect(judged('right', 'unproved', bare)).toMatchObject({ codes: ['SIDES_DIFFER'], md5: null });
    expect(judged('right', 'corrupt', bare)).toMatchObject({ codes: ['OBJECT_DAMAGED'], md5: null });
  });
});

test('damage that was found before is not forgotten because it cannot be looked at', () => {
  expect(judged('unread', 'right', { damaged: 'disk' }).codes).toEqual(['DISK_DAMAGED', 'FILE_UNREADABLE']);
  expect(judged('right', 'unread', { damaged: 'both' }).codes).toEqual(['OBJECT_DAMAGED', 'OBJECT_DENIED']);
  expect(judged('right', 'archived', { damaged: 'object' }).codes).toEqual(['OBJECT_DAMAGED']);
  expect(judged('right', 'right', { damaged: 'both' }).codes).toEqual([]);
});

test('what is on neither side is lost, and said to be', () => {
  expect(judged('gone', 'missing').damage[0]?.message).toMatch(/^LOST/);
  expect(judged('none', 'missing', { state: 'lost' }).damage[0]?.message).toMatch(/^LOST/);
  expect(judged('unread', 'missing').damage[0]?.message).not.toMatch(/^LOST/);
  expect(judged('changed', 'missing').damage[0]?.message).not.toMatch(/^LOST/);
});
