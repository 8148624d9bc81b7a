import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyOf, pathOf } from '../../src/disk/keys.ts';

describe('a path on disk becomes a key', () => {
  test.each([
    ['2024/summer/x.jpg', 'photos/2024/summer/x.jpg'],
    ['with space + % \' " & ; ?.jpg', 'photos/with space + % \' " & ; ?.jpg'],
    ['😀/emoji.png', 'photos/😀/emoji.png'],
    ['...', 'photos/...'],
    ['.hidden/..x', 'photos/.hidden/..x'],
    ['line\nbreak.jpg', 'photos/line\nbreak.jpg'],
  ])('%j', (path, key) => {
    expect(keyOf('photos/', path)).toEqual({ key });
  });

  test('in NFC, however the disk spells it', () => {
    expect(keyOf('photos/', 'Zu\u0308rich/cafe\u0301.jpg')).toEqual({ key: 'photos/Z\u00fcrich/caf\u00e9.jpg' });
  });

  test('of 1,024 bytes at most, counted in UTF-8', () => {
    const longest = `${'😀'.repeat(254)}x`;
    expect(Buffer.byteLength(`photos/${longest}`)).toBe(1_024);
    expect(keyOf('photos/', longest)).toEqual({ key: `photos/${longest}` });
    expect(keyOf('photos/', `${longest}x`)).toMatchObject({ fault: { code: 'NAME_TOO_LONG' } });
  });

  test.each(['a\\b.jpg', '../x', 'a/../x', './x', 'a//b', '/a', 'a/', '', '.', 'a\0b', 'lone \ud800.jpg'])(
    'but not %j',
    (path) => {
      expect(keyOf('photos/', path)).toMatchObject({ fault: { code: 'NAME_INVALID' } });
    },
  );
});

describe('a key from the bucket becomes a path', () => {
  test('when it lies under the prefix', () => {
    expect(pathOf('photos/', 'photos/2024/x.jpg')).toEqual({ path: '2024/x.jpg' });
    expect(pathOf('', '2024/x.jpg')).toEqual({ path: '2024/x.jpg' });
  });

  test.each([
    'photos-old/x.jpg',
    'photos/',
    'photos/../../etc/passwd',
    'photos/a/../b.jpg',
    'photos/./b.jpg',
    'photos//etc/passwd',
    'photos/a//b.jpg',
    'photos/folder/',
    'photos/a\\..\\..\\b.jpg',
    'photos/a\0.jpg',
    'photos/cafe\u0301.jpg',
    'photos/\udc00.jpg',
  ])('but %j has no place on disk, and the reason is told', (key) => {
    expect(pathOf('photos/', key)).toEqual({ path: null, reason: expect.stringMatching(/./) });
  });

  test('and every key of a path comes back as that path in NFC', () => {
    const text = fc.string({ unit: 'binary', maxLength: 30 });
    const prefix = fc.constantFrom('', 'photos/', 'a/b/');
    fc.assert(
      fc.property(prefix, fc.array(text, { minLength: 1, maxLength: 4 }), (under, parts) => {
        const path = parts.join('/');
        const keyed = keyOf(under, path);
        if ('key' in keyed) {
          expect(pathOf(under, keyed.key)).toEqual({ path: path.normalize('NFC') });
          expect(keyed.key.slice(under.length).split('/')).not.toContain('..');
        }
      }),
    );
  });
});
