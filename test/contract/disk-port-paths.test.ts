import { mkdirSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDisk } from '../../src/disk/disk.ts';
import { keyOf, placeOf } from '../../src/disk/keys.ts';
import { type TemporaryLibrary, temporaryLibrary } from '../support/temporary-library.ts';

const { signal } = new AbortController();

let photos: TemporaryLibrary;
let disk: ReturnType<typeof openDisk>;

beforeEach(() => {
  photos = temporaryLibrary();
  disk = openDisk(photos.library);
});

afterEach(async () => {
  await disk.close();
  photos[Symbol.dispose]();
});

describe('a key from the bucket', () => {
  test.each([
    'photos/../x',
    'photos/a/../../x',
    'photos//etc/x',
    'photos/a//b',
    'photos/a/./b',
    'photos/.',
    'photos/..',
    'photos/a\0b',
    'photos/folder/',
    'photos/',
    '',
    'photos-old/x',
    'photos/a\\..\\..\\x',
    'photos/C:\\x',
    'photos/cafe\u0301.jpg',
    'photos/\u212a.jpg',
    'photos/lone \ud800',
    `photos/${'x'.repeat(256)}`,
    `photos/${'\u4e00'.repeat(86)}/x.jpg`,
  ])('like %j has no place here, and the reason is told', (key) => {
    expect(disk.pathOf(key)).toEqual({ fault: expect.stringMatching(/./) });
  });

  test.each(['temp_x', '.~x', 'a/.hidden', 'con', 'a:b', 'x ', '...', '..x', ' ', 'line\nbreak', 'x'.repeat(255)])(
    'has a place here under a name like %j',
    (path) => {
      expect(disk.pathOf(`photos/${path}`)).toEqual({ path });
    },
  );

  test.each([
    'con',
    'a/NUL.txt',
    'com1.jpg',
    'COM\u00b9',
    'lpt9',
    'a:b',
    'x.jpg:stream',
    'a?',
    'x.',
    'a /b',
    'a\u0001',
  ])('has none on Windows under a name like %j', (path) => {
    expect(placeOf('', path, 'win32')).toEqual({ fault: expect.stringMatching(/./) });
    expect(placeOf('', path, 'linux')).toEqual({ path });
  });

  test('that has a place comes back as the same key, from below the root', () => {
    const part = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.constantFrom('..', '.', '', '\\', 'a/b', '\0', '/etc'),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
        const key = `photos/${parts.join('/')}`;
        const place = disk.pathOf(key);
        if (!('path' in place)) return;
        expect(keyOf('photos/', place.path)).toEqual({ key });
        expect(place.path.split('/').some((one) => one === '' || one === '.' || one === '..')).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a root', () => {
  test('is bare when it holds nothing, or what a new file system holds', async () => {
    expect(await disk.isBare(signal)).toBe(true);
    mkdirSync(photos.at('lost+found'));
    expect(await disk.isBare(signal)).toBe(true);
    mkdirSync(photos.at('album'));
    expect(await disk.isBare(signal)).toBe(false);
  });
});
