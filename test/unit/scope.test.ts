import { describe, expect, test } from 'vitest';
import { albumPath, allowedKeys } from '../../src/sync/scope.ts';

describe('an album path', () => {
  test.each([
    ['2024/summer', '2024/summer'],
    ['./2024/summer/', '2024/summer'],
    ['.', '.'],
    ['', '.'],
    ['./', '.'],
    ['caf\u0065\u0301', 'caf\u00e9'],
  ])('%j is read as %j', (text, path) => expect(albumPath(text)).toBe(path));

  test.each(['/', '/etc', '..', '../x', 'a/../b', 'a//b', 'a/./b', 'a\0b', 'a/..'])('%j is refused', (text) => {
    expect(() => albumPath(text)).toThrow(expect.objectContaining({ code: 'BAD_INPUT', field: 'album' }));
  });
});

describe('the keys of a plan', () => {
  const library = allowedKeys('photos/', null);
  const album = allowedKeys('photos/', '2024');
  test.each([
    ['photos/a.jpg', 'a.jpg', true],
    ['photos/2024/b/c.jpg', '2024/b/c.jpg', true],
    ['photos/caf\u00e9.jpg', 'caf\u0065\u0301.jpg', true],
    ['other/a.jpg', 'a.jpg', false],
    ['photos/a.jpg', 'b.jpg', false],
    ['photos/../a.jpg', '../a.jpg', false],
    ['photos//a.jpg', '/a.jpg', false],
  ])('%s for %s in the library: %s', (key, path, allowed) => expect(library(key, path)).toBe(allowed));
  test('of an album are those directly in it', () => {
    expect(album('photos/2024/a.jpg', '2024/a.jpg')).toBe(true);
    expect(album('photos/2024/b/a.jpg', '2024/b/a.jpg')).toBe(false);
    expect(album('photos/a.jpg', 'a.jpg')).toBe(false);
  });
});
