import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseMtime } from '../../src/bucket/fetch-facts.ts';
import { objectMetadata } from '../../src/bucket/upload.ts';
import type { UploadRequest } from '../../src/sync/ports.ts';

describe('the modification time in metadata', () => {
  test.each([
    ['1700000000', 1_700_000_000_000_000_000n],
    ['1700000000.25', 1_700_000_000_250_000_000n],
    ['1700000000.123456789', 1_700_000_000_123_456_789n],
    ['0', 0n],
    ['0.000000001', 1n],
    ['-0.5', -500_000_000n],
    ['-1.000000001', -1_000_000_001n],
    ['253402300799.999999999', 253_402_300_799_999_999_999n],
  ])('%s is exact', (text, ns) => {
    expect(parseMtime(text)).toBe(ns);
  });

  test.each([
    undefined,
    '',
    'yesterday',
    '2023-11-14T22:13:20Z',
    '1700000000000',
    '253402300800',
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
    const latest = 253_402_300_799_999_999_999n;
    fc.assert(
      fc.property(fc.bigInt({ min: -latest, max: latest }), (mtimeNs) => {
        const request = { file: { facts: { mtimeNs } } } as UploadRequest;
        expect(parseMtime(objectMetadata(request, undefined)['mtime'])).toBe(mtimeNs);
      }),
    );
  });
});
