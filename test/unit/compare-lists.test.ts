import { expect, test } from 'vitest';
import { type Contents, type InBucket, Lists, type OnDisk, placeOf } from '../../src/sync/compare-lists.ts';
import type { Scope } from '../../src/sync/types.ts';

const DISK: readonly OnDisk[] = ['file', 'none', 'left out'];
const BUCKET: readonly InBucket[] = ['object', 'none', 'unseen'];
const CONTENTS: readonly Contents[] = ['same', 'other size', 'different', 'unknown'];

// One line a case. `-`: the contents have no say, because there is only one of the two.
const EXPECTED = `
file      object  same        identical
file      object  other_size  size_mismatch
file      object  different   content_mismatch
file      object  unknown     unknown
file      none    -           missing_in_s3
file      unseen  -           null
none      object  -           missing_locally
none      none    -           null
none      unseen  -           null
left_out  object  -           null
left_out  none    -           null
left_out  unseen  -           null`
  .trim()
  .split('\n')
  .map((line) => {
    const [disk = '', bucket, contents = '', place] = line.split(/\s+/);
    return { disk: disk.replace('_', ' '), bucket, contents: contents.replace('_', ' '), place };
  });

test('every case belongs to the list that the table says, and the table says every case', () => {
  for (const disk of DISK) {
    for (const bucket of BUCKET) {
      for (const contents of CONTENTS) {
        const cases = EXPECTED.filter(
          (known) =>
            known.disk === disk && known.bucket === bucket && (known.contents === '-' || known.contents === contents),
        );
        expect(cases, `${disk} ${bucket} ${contents}`).toHaveLength(1);
        expect(String(placeOf(disk, bucket, contents)), `${disk} ${bucket} ${contents}`).toBe(cases[0]?.place);
      }
    }
  }
});

const library = { id: 'l', name: 'l', root: '/p', bucket: 'b', prefix: 'photos/', excludes: [], sync: 'up' } as const;
const local = { key: 'photos/x/a.jpg', path: 'x/a.jpg', size: 3, mtimeNs: 1n, device: 1n, inode: 1n };
const object = { key: 'photos/x/b.jpg', size: 4, etag: 'e', lastModifiedMs: 1, storageClass: 'STANDARD' };

test.each<[string, Scope, string, string]>([
  ['an album by their names in it', { library, album: 'x' }, 'a.jpg', 'b.jpg'],
  ['a library by their paths', { library, album: null }, 'x/a.jpg', 'x/b.jpg'],
])('names files of %s', (_of, scope, file, other) => {
  const lists = new Lists(scope);
  lists.add({ key: local.key, local }, 'missing_in_s3', null);
  lists.add({ key: local.key, local, object }, 'identical', 'md5');
  lists.add({ key: local.key, local, object }, 'unknown', null);
  lists.add({ key: object.key, object }, 'missing_locally', null);
  lists.add({ key: object.key, object }, null, null);
  expect(lists.comparison).toEqual({
    missing_in_s3: [{ filename: file, localPath: 'x/a.jpg', size: 3 }],
    missing_locally: [{ filename: other, s3Key: 'photos/x/b.jpg', size: 4 }],
    different: [{ filename: file, reason: 'unknown', localMd5: null, s3Etag: 'e' }],
    identical: [{ filename: file, size: 3 }],
  });
});
