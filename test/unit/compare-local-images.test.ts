import { expect, test } from 'vitest';
import { localKeysOf } from '../../src/sync/local-images.ts';
import type { Scope } from '../../src/sync/types.ts';

const library = {
  id: 'l',
  name: 'l',
  root: '/srv/p',
  bucket: 'b',
  prefix: 'photos/',
  excludes: [],
  sync: 'up',
} as const;
const keys = (album: string | null, filename: string, localPath: string, root: string = library.root) => [
  ...localKeysOf([{ filename, localPath }], { library: { ...library, root }, album } satisfies Scope),
];

test.each<[string, string | null, string, string, string]>([
  ['relative to the root', '2024', 'a.jpg', '2024/a.jpg', 'photos/2024/a.jpg'],
  ['absolute and inside the root', '2024', 'a.jpg', '/srv/p/2024/a.jpg', 'photos/2024/a.jpg'],
  ['in the root itself', '.', 'a.jpg', 'a.jpg', 'photos/a.jpg'],
  ['in decomposed Unicode', '.', 'caf\u00e9.jpg', 'cafe\u0301.jpg', 'photos/caf\u00e9.jpg'],
  ['anywhere in a library', null, 'a.jpg', 'x/y/a.jpg', 'photos/x/y/a.jpg'],
])('takes a path %s', (_name, album, filename, localPath, key) => {
  expect(keys(album, filename, localPath)).toEqual([key]);
});

test('takes a root that ends in a slash, as / does', () => {
  expect(keys('.', 'a.jpg', '/a.jpg', '/')).toEqual(['photos/a.jpg']);
});

test.each([
  ['outside of the root', '/etc/passwd'],
  ['in a folder whose name begins like the root', '/srv/photos/2024/a.jpg'],
  ['that climbs out', '2024/../../a.jpg'],
  ['that climbs within the root', '2024/../2024/a.jpg'],
  ['of another album', '2023/a.jpg'],
  ['of a folder in the album', '2024/x/a.jpg'],
  ['with an empty part', '2024//a.jpg'],
  ['that is the album', '2024'],
])('refuses a path %s and names the field', (_name, localPath) => {
  const given = { code: 'BAD_INPUT', field: 'localImages.0.localPath' };
  expect(() => keys('2024', 'a.jpg', localPath)).toThrow(expect.objectContaining(given));
});

test('refuses a name that is not the name of the file', () => {
  const given = { code: 'BAD_INPUT', field: 'localImages.0.filename' };
  expect(() => keys('2024', 'b.jpg', '2024/a.jpg')).toThrow(expect.objectContaining(given));
});
