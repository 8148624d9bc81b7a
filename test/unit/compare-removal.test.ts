import { describe, expect, test } from 'vitest';
import { decideRemoval } from '../../src/sync/removal.ts';
import type { BucketObject, CatalogRow, LocalFile, Triple } from '../../src/sync/types.ts';

const key = 'photos/a.jpg';
const facts = { size: 3, mtimeNs: 5n, device: 1n, inode: 2n };
const local: LocalFile = { key, path: 'a.jpg', ...facts };
const row: CatalogRow = {
  id: 'r',
  albumId: 'l',
  key,
  path: 'a.jpg',
  ...facts,
  birthNs: null,
  md5: 'm',
  etag: 'e',
  partSize: null,
  state: 'synced',
  orphanedAtMs: null,
  deleting: false,
};
const object: BucketObject = { key, size: 3, etag: 'e', lastModifiedMs: 1, storageClass: 'STANDARD' };

test('the object of a photo in agreement is removed, under the conditions of what was seen', () => {
  expect(decideRemoval({ key, local, row, object })).toMatchObject({
    kind: 'delete',
    local: facts,
    row: { id: 'r', etag: 'e', md5: 'm' },
    object: { size: 3, etag: 'e' },
  });
});

test.each<[string, Omit<Triple, 'key'>]>([
  ['a file alone', { local }],
  ['a row alone', { row }],
  ['file and row', { local, row }],
])('%s has no object to remove', (_name, sides) => {
  expect(decideRemoval({ key, ...sides })).toBeNull();
});

describe('what might be the only copy is left alone', () => {
  test.each<[string, Omit<Triple, 'key'>, RegExp]>([
    ['an object that nobody knows', { object }, /its file is not on disk/],
    ['an object whose file is gone', { row, object }, /its file is not on disk/],
    ['an object without a record', { local, object }, /not the one on record/],
    ['an object never agreed on', { local, row: { ...row, etag: null }, object }, /not the one on record/],
    ['an object that was replaced', { local, row, object: { ...object, etag: 'x' } }, /not the one on record/],
    ['an object of another size', { local, row, object: { ...object, size: 4 } }, /not the one on record/],
    ['a file edited since', { local: { ...local, mtimeNs: 6n }, row, object }, /its file has changed/],
    ['a file of another size', { local: { ...local, size: 4 }, row, object }, /its file has changed/],
    ['two files of one name', { local: { ...local, twins: ['A.jpg'] }, row, object }, /several files/],
  ])('%s', (_name, sides, reason) => {
    const action = decideRemoval({ key, ...sides });
    expect(action).toMatchObject({ kind: 'report', what: 'conflict', reason: expect.stringMatching(reason) });
    // Without them the row is not touched either.
    expect(action).not.toHaveProperty('local');
    expect(action).not.toHaveProperty('row');
  });
});
