/** Values that somebody might send who means harm, or whose program is broken. */
import fc from 'fast-check';

/** Names that have hurt programs before. */
export const HOSTILE_TEXTS: readonly string[] = [
  '',
  ' ',
  '.',
  '..',
  '...',
  '/',
  '//',
  '../../../etc/passwd',
  'a/../../b',
  'a//b',
  'a/',
  '/etc/passwd',
  '..\\..\\windows\\win.ini',
  'C:\\Windows',
  '\\\\server\\share',
  '%2e%2e%2f%2e%2e%2fetc/passwd',
  '%00',
  '%',
  '%zz',
  'CON',
  'nul.txt',
  'com1.jpg',
  'name.',
  'name ',
  'a:b',
  '\0',
  'a\0b',
  'a\0.jpg',
  'line\nbreak',
  'line\r\nSet-Cookie: a=b',
  '\u001b[2J\u001b[31mred',
  '\u009b2J',
  '\u202egpj.exe',
  '\ufeffbom',
  '\ud800',
  'a\udfffb',
  '\udc00\ud800',
  '\u{1F600}',
  '\u{10FFFF}\uFFFF',
  'e\u0301',
  'é',
  'Photo.jpg',
  'photo.jpg',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'null',
  'undefined',
  'NaN',
  'true',
  '-1',
  '0',
  '1e309',
  '9007199254740993',
  '99999999999999999999999999',
  '\'; DROP TABLE "Photo"; --',
  '" OR 1=1 --',
  '$1',
  '{{7*7}}',
  '<script>alert(1)</script>',
  '00000000-0000-0000-0000-000000000000',
  '0d1f0a52-6f0f-4d39-bd0c-1c7c7c7b0a01',
  '0D1F0A52-6F0F-4D39-BD0C-1C7C7C7B0A01',
  'a'.repeat(1_024),
  'a'.repeat(1_025),
  '\u{1F600}'.repeat(300),
  `${'deep/'.repeat(400)}a`,
  'x'.repeat(70_000),
  '!!**[[]]{{}}',
  '[',
  '\\',
  '(a+)+$',
];

/** Any sequence of UTF-16 units, lone surrogates among them. */
const units = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0, max: 0xffff })), { maxLength: 40 })
  .map((codes) => String.fromCharCode(...codes));

export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...HOSTILE_TEXTS) },
  // Where something else is asked for first: a folder, a prefix, an absolute path, a path below one that there is.
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom('', '/', '/tmp/', '2024/', 'a'),
        fc.constantFrom(...HOSTILE_TEXTS),
        fc.constantFrom('', '/', '.jpg'),
      )
      .map((parts) => parts.join('')),
  },
  { weight: 1, arbitrary: units },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
);

/** JSON text, so that what JavaScript objects cannot hold (a key `__proto__`, a number too large) can be said. */
export const hostileJson: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: hostileText.map(jsonText) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'null',
      'true',
      'false',
      '0',
      '-0',
      '-1',
      '1.5',
      '1e308',
      '1e999',
      '-1e999',
      '9007199254740993',
      '[]',
      '{}',
      '[null]',
      '[[[[]]]]',
      '{"__proto__":{"admin":true}}',
      '{"constructor":{"prototype":{"admin":true}}}',
      '{"toString":1,"length":-1}',
      '{"toJSON":1}',
      '{"then":1}',
      `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
      `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`,
      `[${'"a",'.repeat(20_000)}"a"]`,
      `{${Array.from({ length: 5_000 }, (_, i) => `"k${i}":1`).join(',')}}`,
    ),
  },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: hostileText.map((name) => `{${jsonText(name)}:1}`) },
  {
    weight: 1,
    arbitrary: fc.array(hostileText, { maxLength: 4 }).map((texts) => `[${texts.map(jsonText).join(',')}]`),
  },
);

/** A lone surrogate is written as an escape, which JSON allows. */
function jsonText(text: string): string {
  return JSON.stringify(text);
}

/** Whole bodies: not JSON, not UTF-8, not an object, too much of it. */
export const hostileBody: fc.Arbitrary<Buffer> = fc.oneof(
  fc.constantFrom(
    Buffer.from(''),
    Buffer.from(' '),
    Buffer.from('{'),
    Buffer.from('{"album":'),
    Buffer.from('nul'),
    Buffer.from('{}{}'),
    Buffer.from('{"album":"a","album":"b"}'),
    Buffer.from('{"album":"\xff\xfe"}', 'latin1'),
    Buffer.from('{"album":"\xed\xa0\x80"}', 'latin1'),
    Buffer.from('{"album":"\xc0\xae\xc0\xae/"}', 'latin1'),
    Buffer.from('\ufeff{"dryRun":true}'),
    Buffer.from('{"dryRun":true}', 'utf16le'),
    Buffer.from('[1,2,3]'),
    Buffer.from('"text"'),
    Buffer.from('NaN'),
    Buffer.from("{'album':'a'}"),
    Buffer.from('\0\0\0\0'),
    Buffer.from(`${'['.repeat(300_000)}`),
    Buffer.from(`${'{"a":'.repeat(100_000)}`),
    Buffer.from(`"${'x'.repeat(900_000)}"`),
    Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]),
    Buffer.from('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'),
    Buffer.from('--x\r\nContent-Disposition: form-data; name="album"\r\n\r\na\r\n--x--'),
  ),
  hostileJson.map((json) => Buffer.from(json)),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
);

/** A value as a piece of a request's address: encoded as a browser would, doubly, or as bytes that mean nothing. */
export const hostilePiece: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: hostileText.map(percentEncoded) },
  { weight: 1, arbitrary: hostileText.map((text) => percentEncoded(percentEncoded(text))) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '%ff',
      '%c0%ae%c0%ae%c0%af',
      '%ed%a0%80',
      '%e2%82',
      '%',
      '%2',
      '%zz',
      '%00',
      '%u0041',
      '..%2f..%2f',
      '..%5c..%5c',
      '%2e%2e',
      ';a=b',
      '\xff\xfe',
      'a\tb',
      '\x01',
      '[]',
      '{id}',
      '*',
      '~',
      '|',
      '^',
      '"',
      "'",
    ),
  },
);

/** UTF-8 in percent signs; a lone surrogate as the three bytes that it would have. */
export function percentEncoded(text: string): string {
  let out = '';
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0xd800 && code <= 0xdfff) {
      const bytes = [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)];
      out += bytes.map((byte) => `%${byte.toString(16)}`).join('');
    } else {
      out += encodeURIComponent(character);
    }
  }
  return out;
}

/** What a header's value can hold on the wire, one character a byte; no line break, which would end it. */
export const hostileHeader: fc.Arbitrary<string> = fc.oneof(
  hostileText.map((text) =>
    Buffer.from(text)
      .toString('latin1')
      .replaceAll(/[\r\n\0]/g, ' ')
      .slice(0, 8_000),
  ),
  fc.constantFrom('respond-async;wait=99999999999', ',,,,;;==', '"', '\\', '\t', 'a'.repeat(12_000), '\x7f', '\x01'),
);
