import { describe, expect, test } from 'vitest';
import { openDisk } from '../../src/disk/disk.ts';
import { compileExcludes } from '../../src/disk/excludes.ts';

const library = { id: '1', name: 'l', root: '/nowhere', bucket: 'b', prefix: '', excludes: [], sync: 'up' } as const;

describe('temporary names', () => {
  const { coversFile, matches } = compileExcludes([]);

  test.each([
    'temp_1.jpg',
    'a/temp_x/photo.jpg',
    'a/.~lock.jpg',
    'x.part',
    'x.tmp',
    'a/.DS_Store',
    'Thumbs.db',
    'a/@eaDir/x/y.jpg',
  ])('never sync: %s', (path) => {
    expect(coversFile(path)).toBe(true);
  });

  test.each(['temp.jpg', 'my_temp_1.jpg', 'x.partial', 'part', 'DS_Store', '@eaDir', '.hidden.jpg', 'a/~x'])(
    'but names that only look similar do: %s',
    (path) => {
      expect(coversFile(path)).toBe(false);
    },
  );

  test('a folder is known by its own name', () => {
    expect(matches('a/@eaDir', true)).toBe(true);
    expect(matches('a/@eaDir', false)).toBe(false);
  });

  test('cannot be taken back by a library', () => {
    expect(compileExcludes(['!*.tmp']).coversFile('x.tmp')).toBe(true);
  });
});

describe('a library excludes in gitignore syntax', () => {
  test.each([
    [['*.xmp'], 'a/b.xmp', true],
    [['*.xmp'], 'a/b.XMP', false],
    [['/raw'], 'raw/x.nef', true],
    [['/raw'], 'a/raw/x.nef', false],
    [['private/'], 'a/private/b/c.jpg', true],
    [['private/'], 'a/private', false],
    [['2024/**/draft*'], '2024/a/b/draft1.jpg', true],
    [['*.jpg', '!keep.jpg'], 'a/keep.jpg', false],
    [['a/', '!a/keep.jpg'], 'a/keep.jpg', true],
    [['[ab].jpg'], 'b.jpg', true],
    [['\\#1.jpg'], '#1.jpg', true],
    [['cafe\u0301/'], 'caf\u00e9/x.jpg', true],
  ])('%j decides on %s', (patterns, path, excluded) => {
    expect(compileExcludes(patterns).coversFile(path)).toBe(excluded);
  });

  test('and gives the same answer however often it is asked', () => {
    const { coversFile } = compileExcludes(['*.xmp']);
    for (let i = 0; i < 25_000; i++) expect(coversFile(`a/${i}.${i % 2 ? 'xmp' : 'jpg'}`)).toBe(i % 2 === 1);
  });

  test.each(['', '  ', '!', '/', '# comment', 'a\nb', 'x\\', 'a[b', 'a\0'])(
    'a pattern that matches nothing is refused: %j',
    (pattern) => {
      const refusal = expect.objectContaining({ code: 'BAD_INPUT', field: 'excludes' });
      expect(() => openDisk({ ...library, excludes: ['*.xmp', pattern] })).toThrow(refusal);
      expect(() => openDisk(library, { alsoExclude: [pattern] })).toThrow(refusal);
    },
  );
});
