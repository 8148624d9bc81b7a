import { expect, test } from 'vitest';
import { comparisonLines } from '../../src/cli/comparison.ts';
import { plain } from '../../src/cli/screen.ts';
import type { Compared } from '../../src/sync/service.ts';

const library = {
  id: 'l',
  name: 'Family',
  root: '/p',
  bucket: 'b',
  prefix: 'photos/',
  excludes: [],
  sync: 'up',
} as const;
const NOTHING = { missing_in_s3: [], missing_locally: [], different: [], identical: [] };
const printed = (lists: Partial<Compared['lists']>, { all = false, album = null as string | null } = {}) =>
  comparisonLines({ library, album, lists: { ...NOTHING, ...lists } }, all, plain).join('\n');

test('names what differs, with sizes and reasons, and counts what agrees', () => {
  const lists: Compared['lists'] = {
    missing_in_s3: [{ filename: 'long name.jpg', localPath: 'x/long name.jpg', size: 1_500_000 }],
    missing_locally: [{ filename: 'b.jpg', s3Key: 'photos/x/b.jpg', size: 12 }],
    different: [
      { filename: 'c.jpg', reason: 'content_mismatch', localMd5: 'm', s3Etag: 'e' },
      { filename: 'd.jpg', reason: 'size_mismatch', localMd5: 'm', s3Etag: 'e' },
      { filename: 'e.jpg', reason: 'unknown', localMd5: null, s3Etag: 'e-2' },
    ],
    identical: [{ filename: 'f.jpg', size: 1 }],
  };
  expect(printed(lists, { album: 'x' })).toBe(`Family, album x = s3://b/photos/, by content:
Missing in S3 (1)
  long name.jpg  1.5 MB
Missing locally (1)
  b.jpg  12 B
Different (3)
  c.jpg  other content
  d.jpg  another size
  e.jpg  its ETag does not tell, or it changed meanwhile
Identical (1)
`);
});

test('names the first 20 of a list, and every one of each list when asked to', () => {
  const identical = Array.from({ length: 25 }, (_, i) => ({ filename: `same${i}.jpg`, size: 1 }));
  const missing_locally = identical.map(({ filename, size }) => ({ filename, s3Key: filename, size }));
  const some = printed({ identical, missing_locally });
  expect(some.match(/same\d+\.jpg/g)).toHaveLength(20);
  expect(some).toContain('  … and 5 more (--all prints every one)\n');
  expect(printed({ identical, missing_locally }, { all: true }).match(/same\d+\.jpg/g)).toHaveLength(50);
});

test('prints no control character of a name', () => {
  const missing_locally = [{ filename: 'a\u001b[2J.jpg', s3Key: 'x', size: 1 }];
  expect(printed({ missing_locally })).toContain('a\\x1b[2J.jpg');
});
