import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bytes,
  clock,
  columnsOf,
  counted,
  cutEnd,
  cutStart,
  dollars,
  duration,
  oneLine,
  padded,
  printable,
} from '../../src/cli/text.ts';

describe('quantities', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [48_211_034, '48.2 MB'],
    [999_949, '999.9 kB'],
    [999_950, '1.0 MB'],
    [5e12, '5.0 TB'],
    [5e18, '5000.0 PB'],
  ])('%d bytes read %s', (n, text) => expect(bytes(n)).toBe(text));

  test.each([
    [0, '0 ms'],
    [999.4, '999 ms'],
    [2_412, '2.4 s'],
    [59_949, '59.9 s'],
    [59_950, '1 min 00 s'],
    [192_000, '3 min 12 s'],
    [3_599_499, '59 min 59 s'],
    [3_600_000, '1 h 00 min'],
    [7_500_000, '2 h 05 min'],
  ])('%d ms read %s', (ms, text) => expect(duration(ms)).toBe(text));

  test.each([
    [0, '0:00'],
    [20.2, '0:21'],
    [59.5, '1:00'],
    [725, '12:05'],
    [7500, '2:05:00'],
  ])('%d seconds to go read %s', (seconds, text) => expect(clock(seconds)).toBe(text));

  test.each([
    [0, '$0'],
    [0.00005, 'under $0.0001'],
    [0.01234, 'about $0.0123'],
    [12.345, 'about $12.35'],
  ])('%d USD read %s', (usd, text) => expect(dollars(usd)).toBe(text));

  test('counts have thousands separators and the right number', () => {
    expect(counted(1, 'photo')).toBe('1 photo');
    expect(counted(12345, 'photo')).toBe('12,345 photos');
  });
});

describe('names from disks and buckets', () => {
  test('cannot move the cursor, break the line or turn the writing direction', () => {
    expect(printable('a\u001B[2Jb\nc\u202Egpj.exe')).toBe('a\\x1b[2Jb\\x0ac\\u202egpj.exe');
  });

  test('keep everything else, ü, 日本 and 👨‍👩‍👧 included', () => {
    expect(printable('ü 日本 👨‍👩‍👧.jpg')).toBe('ü 日本 👨‍👩‍👧.jpg');
  });

  test('messages of several lines become one', () => {
    expect(oneLine('\nInvalid `x`:\n\n  cannot\treach it\n')).toBe('Invalid `x`: cannot reach it');
  });
});

describe('columns', () => {
  test.each([
    ['abc', 3],
    ['日本', 4],
    ['u\u0308', 1],
    ['👨‍👩‍👧', 2],
    ['⬆️', 2],
    ['🇩🇪', 2],
    ['', 0],
  ])('%s takes %d', (text, columns) => expect(columnsOf(text)).toBe(columns));

  test('padding counts columns, not characters', () => {
    expect(padded('日本', 6)).toBe('日本  ');
    expect(padded('long', 2)).toBe('long');
  });

  test('what is cut keeps its end or its start', () => {
    expect(cutStart('2024/summer/x.jpg', 10)).toBe('…mer/x.jpg');
    expect(cutEnd('2024/summer/x.jpg', 10)).toBe('2024/summ…');
    expect(cutStart('日本日本', 6)).toBe('…日本');
    expect(cutStart('日本日本', 8)).toBe('日本日本');
  });

  test('no cut text is ever wider than asked for', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '日', '👨‍👩‍👧', 'u\u0308', '/', '⬆️', ' ') });
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 30 }), (value, columns) => {
        expect(columnsOf(cutStart(value, columns))).toBeLessThanOrEqual(columns);
        expect(columnsOf(cutEnd(value, columns))).toBeLessThanOrEqual(columns);
      }),
    );
  });
});
