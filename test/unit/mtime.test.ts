import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mtimeText, objectMtimeNs, parseMtime } from '../../src/sync/mtime.ts';

describe('the modification time in metadata', () => {
  test.each([
    ['1700000000', 1_700_000_000_000_000_000n],
    ['1700000000.25', 1_700_000_000_250_000_000n],
    ['1700000000.123456789', 1_700_000_000_123_456_789n],
    ['0', 0n],
    ['0.000000001', 1n],
    ['-0.5', -500_000_000n],
    ['-1.000000001', -1_000_000_001n],
    ['9223372035.999999999', 9_223_372_035_999_999_999n],
  ])('%s is exact', (text, ns) => {
    expect(parseMtime(text)).toBe(ns);
  });

  test.each([
    undefined,
    '',
    'yesterday',
    '2023-11-14T22:13:20Z',
    '1700000000000',
    '9223372036',
    '1700000000.',
    '.5',
    '1,5',
    '1e9',
    '+1',
    ' 1',
    '1 ',
    '0x10',
    '1.0000000001',
    '--1',
    'NaN',
    '٣',
  ])('%j is none', (text) => {
    expect(parseMtime(text)).toBeNull();
  });

  test('comes back as it was uploaded', () => {
    const latest = 9_223_372_035_999_999_999n;
    fc.assert(
      fc.property(fc.bigInt({ min: -latest, max: latest }), (mtimeNs) => {
        expect(parseMtime(mtimeText(mtimeNs))).toBe(mtimeNs);
      }),
    );
  });

  test('gives way to LastModified where there is none', () => {
    expect(objectMtimeNs({}, 7)).toBe(7_000_000n);
    expect(objectMtimeNs({ mtime: 'nonsense' }, 7)).toBe(7_000_000n);
    expect(objectMtimeNs({ mtime: '1.5' }, 7)).toBe(1_500_000_000n);
  });
});
