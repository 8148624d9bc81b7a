import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SAMPLE_CONFIG } from '../../src/cli/init.ts';
import { parseTargets, pathFrom } from '../../src/cli/targets-file.ts';

const BASES = { folder: '/etc/rollcall', home: '/home/me' };
const parse = (...lines: string[]) => parseTargets(lines.join('\n'), BASES);
const faultOf = (line: string) => {
  const { targets, faults } = parse(line);
  expect(targets).toEqual([]);
  expect(faults).toHaveLength(1);
  expect(faults[0]?.line).toBe(1);
  return faults[0]?.message;
};

describe('a line of the config file', () => {
  test('is a folder, a bucket, a prefix and excludes', () => {
    expect(parse('/srv/photos | my-photos | archive/ | private/, *.xmp')).toEqual({
      targets: [
        {
          line: 1,
          written: '/srv/photos',
          folder: '/srv/photos',
          bucket: 'my-photos',
          prefix: 'archive/',
          excludes: ['private/', '*.xmp'],
        },
      ],
      faults: [],
    });
  });

  test('may leave the excludes out, which is not the same as having none', () => {
    expect(parse('/a | my-photos | p/').targets[0]).not.toHaveProperty('excludes');
    expect(parse('/a | my-photos | p/ |').targets[0]?.excludes).toEqual([]);
    expect(parse('/a | my-photos | p/ | , *.tif ,,').targets[0]?.excludes).toEqual(['*.tif']);
  });

  test.each([
    ['', ''],
    ['photos', 'photos/'],
    ['photos/2024', 'photos/2024/'],
    ['a b/+%/ü/', 'a b/+%/ü/'],
  ])('with the prefix "%s" means "%s"', (prefix, meant) => {
    expect(parse(`/a | my-photos | ${prefix}`).targets[0]?.prefix).toBe(meant);
  });

  test.each([
    ['~', '/home/me'],
    ['~/Pictures', '/home/me/Pictures'],
    ['Pictures', '/etc/rollcall/Pictures'],
    ['../Pictures/', '/etc/Pictures'],
    ['.', '/etc/rollcall'],
    ['/srv/my photos, all', '/srv/my photos, all'],
    ['/srv/#1', '/srv/#1'],
    ['./~tilde', '/etc/rollcall/~tilde'],
  ])('with the folder %s means %s', (written, folder) => {
    expect(parse(`${written} | my-photos |`).targets[0]).toMatchObject({ written, folder });
  });

  test('takes spaces and tabs around its fields or none at all', () => {
    const { targets } = parse('  /a\t|my-photos|  p ', '/b|my-photos|q|x');
    expect(targets.map(({ folder, prefix }) => [folder, prefix])).toEqual([
      ['/a', 'p/'],
      ['/b', 'q/'],
    ]);
  });
});

describe('the file', () => {
  test('may have comments, blank lines, CRLF and a byte order mark, and lines keep their numbers', () => {
    const text = '\uFEFF# photos\r\n\r\n/a | my-photos | a\r\n   # more\r\n  \r\n/b | my-photos | b | *.tif\r\n';
    expect(parseTargets(text, BASES)).toMatchObject({
      targets: [
        { line: 3, folder: '/a', prefix: 'a/' },
        { line: 6, folder: '/b', prefix: 'b/', excludes: ['*.tif'] },
      ],
      faults: [],
    });
  });

  test('may begin with a target right behind the byte order mark', () => {
    expect(parseTargets('\uFEFF/a | my-photos | a', BASES).targets[0]).toMatchObject({ line: 1, folder: '/a' });
  });

  test('with nothing in it names no target and is not wrong', () => {
    for (const text of ['', '\n\n', '# nothing yet']) {
      expect(parseTargets(text, BASES)).toEqual({ targets: [], faults: [] });
    }
  });

  test('keeps its good lines when others are bad', () => {
    const { targets, faults } = parse('/a | my-photos | a', 'what is this', '/b | my-photos | b');
    expect(targets.map(({ line }) => line)).toEqual([1, 3]);
    expect(faults).toEqual([{ line: 2, message: expect.stringMatching(/^must have three or four fields/) }]);
  });

  test('that `rollcall init` writes names no target before it is edited, and good ones once a # is taken away', () => {
    expect(parseTargets(SAMPLE_CONFIG, BASES)).toEqual({ targets: [], faults: [] });
    const { targets, faults } = parseTargets(SAMPLE_CONFIG.replaceAll(/^#(?=[~/])/gm, ''), BASES);
    expect(faults).toEqual([]);
    expect(targets.length).toBeGreaterThan(1);
  });

  test('is read to its end whatever it holds, and each line that says something is a target or a fault', () => {
    const field = fc.oneof(fc.constantFrom('', ' ', 'my-photos', '/a', '~', 'p/', '..', '#', '|'), fc.string());
    const line = fc.array(field, { maxLength: 6 }).map((fields) => fields.join('|').replaceAll(/[\r\n]/g, ''));
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const said = lines.flatMap((one, index) => {
          const content = (index === 0 ? one.replace(/^\uFEFF/, '') : one).trim();
          return content === '' || content.startsWith('#') ? [] : [index + 1];
        });
        const { targets, faults } = parse(...lines);
        expect([...targets, ...faults].map((one) => one.line).sort((a, b) => a - b)).toEqual(said);
      }),
    );
  });
});

describe('a bad line is told what would be right:', () => {
  test.each([
    ['/a', /three or four fields, local_path \| bucket \| prefix \| excludes/],
    ['/a | my-photos', /the prefix may be empty/],
    ['/a | my-photos | p | x | y', /it has 5, and no field can contain \|/],
    [' | my-photos | p', /must begin with a folder, like ~\/Pictures/],
    ['"/my photos" | my-photos | p', /without quotes/],
    ['s3://my-photos | /a | p', /must begin with a folder/],
    ['~you/Pictures | my-photos | p', /only ~\/ is understood/],
    ['/a | | p', /must name a bucket in its second field/],
    ['/a | My-Photos | p', /3 to 63 of a-z, 0-9, \. and -/],
    ['/a | s3://my-photos | p', /by its name alone, like my-photos/],
    ['/a | my-photos | /p', /prefix that is wrong: it must not start with \/ or contain \/\//],
    ['/a | my-photos | p//q', /contain \/\//],
    ['/a | my-photos | p/../q', /must not contain \. or \.\./],
    ['/a | my-photos | u\u0308', /NFC/],
    [`/a | my-photos | ${'x'.repeat(513)}`, /at most 512 bytes/],
    ['/a\0b | my-photos | p', /control characters/],
    ['/Fotos/S\uFFFDden | my-photos | p', /save the file as UTF-8/],
  ])('%j', (line, message) => {
    expect(faultOf(line)).toMatch(message);
  });
});

describe('lines that contradict each other', () => {
  test.each([
    ['the same prefix', 'p', 'p/'],
    ['a prefix inside the other', 'p/', 'p/2024/'],
    ['no prefix, which is the whole bucket', '', 'p/'],
  ])('are both named and left out: %s', (_what, first, second) => {
    const { targets, faults } = parse(
      `/a | my-photos | ${first}`,
      '/c | other-photos | p/',
      `/b | my-photos | ${second}`,
    );
    expect(targets.map(({ line }) => line)).toEqual([2]);
    expect(faults).toEqual([
      { line: 1, message: expect.stringMatching(/^overlaps line 3 in bucket my-photos: give each a prefix/) },
      { line: 3, message: expect.stringMatching(/^overlaps line 1 in bucket my-photos/) },
    ]);
  });

  test('are not those whose prefixes only begin alike, or lie in different buckets', () => {
    const lines = ['/a | my-photos | photos', '/b | my-photos | photos-old', '/c | other-photos | photos'];
    expect(parse(...lines)).toMatchObject({ targets: [{ line: 1 }, { line: 2 }, { line: 3 }], faults: [] });
  });

  test('are those with the same folder, however it is written', () => {
    const { targets, faults } = parse('~/p | my-photos | a', '/home/me/x/../p/ | other-photos | b');
    expect(targets).toEqual([]);
    expect(faults).toEqual([
      { line: 1, message: 'names the same folder as line 2: keep one of them' },
      { line: 2, message: 'names the same folder as line 1: keep one of them' },
    ]);
  });

  test('are told of all the others, and of both faults', () => {
    const { faults } = parse('/a | my-photos | p', '/a | my-photos | p/q', '/b | my-photos | p/r');
    expect(faults.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^names the same folder as line 2: .*; overlaps lines 2, 3 in bucket my-photos/),
      expect.stringMatching(/^names the same folder as line 1: .*; overlaps line 1 in bucket/),
      expect.stringMatching(/^overlaps line 1 in bucket/),
    ]);
  });
});

describe('a path', () => {
  test('with ~ is in the home folder, and from the folder given otherwise', () => {
    expect(pathFrom('~/x.conf', '/cwd', '/home/me')).toBe('/home/me/x.conf');
    expect(pathFrom('x.conf', '/cwd', '/home/me')).toBe('/cwd/x.conf');
    expect(pathFrom('/x.conf', '/cwd', '/home/me')).toBe('/x.conf');
  });
});
