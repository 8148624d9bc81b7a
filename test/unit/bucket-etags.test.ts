import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ContentHash,
  candidatePartSizes,
  copyPartSize,
  isMd5Etag,
  multipartEtag,
  partCountOf,
  sameEtag,
  unquoted,
  uploadPartSize,
} from '../../src/bucket/etags.ts';

const MIB = 1024 * 1024;
const md5 = (bytes: Uint8Array): Buffer => createHash('md5').update(bytes).digest();

describe('reading an ETag', () => {
  test.each([
    ['"abc"', 'abc'],
    ['abc', 'abc'],
    ['W/"abc"', 'abc'],
    ['""', ''],
    [undefined, ''],
  ])('%j without its quotes is %j', (etag, expected) => {
    expect(unquoted(etag)).toBe(expected);
  });

  test('an MD5 and a multipart ETag are told apart', () => {
    const plain = 'd41d8cd98f00b204e9800998ecf8427e';
    expect([isMd5Etag(plain), partCountOf(plain)]).toEqual([true, null]);
    expect([isMd5Etag(`${plain}-12`), partCountOf(`${plain}-12`)]).toEqual([false, 12]);
    expect([isMd5Etag('xyz-1'), partCountOf('xyz-1')]).toEqual([false, null]);
  });

  test('ETags that differ in case are the same, and an empty one is no other', () => {
    expect(sameEtag('ABC', 'abc')).toBe(true);
    expect(sameEtag('abc', 'abd')).toBe(false);
    expect(sameEtag('', '')).toBe(false);
  });
});

describe('the parts of a copy', () => {
  const GIB = 1024 * MIB;
  const LIMIT = 5 * GIB;
  const etag = (parts: number): string => `${'a'.repeat(32)}-${parts}`;

  test.each([
    ['those that are recorded', 6 * GIB, 60, 103 * MIB, 103 * MIB],
    ['those that other tools use', 6 * GIB, 768, null, 8 * MIB],
    ['likely ones where the recorded ones do not fit the ETag', 6 * GIB, 61, 512 * MIB, 101 * MIB],
    ['large ones where the recorded ones are more than one request copies', 12 * GIB, 2, 6 * GIB, 512 * MIB],
    ['large ones where the source has no parts', 6 * GIB, null, null, 512 * MIB],
    ['large ones where the source has one', 6 * GIB, 1, null, 512 * MIB],
    ['larger ones where 10,000 would not do', 6 * 1024 * GIB, null, null, 630 * MIB],
  ])('are %s', (_what, size, parts, recorded, expected) => {
    const source = { size, etag: parts === null ? 'a'.repeat(32) : etag(parts) };
    expect(copyPartSize(source, recorded, LIMIT)).toBe(expected);
  });

  test('are of a size that S3 takes, whatever is recorded', () => {
    const sizes = fc.integer({ min: LIMIT + 1, max: 40 * 1024 * GIB });
    const recorded = fc.option(fc.integer({ min: 1, max: 10 * GIB }));
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 10_000 }), recorded, (size, parts, known) => {
        const part = copyPartSize({ size, etag: etag(parts) }, known, LIMIT);
        return part >= 5 * MIB && part <= LIMIT && Math.ceil(size / part) <= 10_000;
      }),
    );
  });
});

describe('part sizes', () => {
  test.each([
    [16 * MIB + 1, 16 * MIB],
    [160_000 * MIB, 16 * MIB],
    [160_000 * MIB + 1, 17 * MIB],
    [5 * 1024 * 1024 * MIB, 525 * MIB],
  ])('a file of %d bytes goes up in parts of %d', (size, expected) => {
    expect(uploadPartSize(size)).toBe(expected);
  });

  test('any file fits into 10,000 parts of whole MiB', () => {
    fc.assert(
      fc.property(fc.integer({ min: 16 * MIB + 1, max: 50_000_000 * MIB }), (size) => {
        const part = uploadPartSize(size);
        return part >= 16 * MIB && part % MIB === 0 && Math.ceil(size / part) <= 10_000;
      }),
    );
  });

  test('the recorded part size comes first, and every candidate cuts the file into that many parts', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 * MIB }), fc.integer({ min: 1, max: 5000 * MIB }), (size, part) => {
        const parts = Math.ceil(size / part);
        const candidates = candidatePartSizes(size, parts, part);
        expect(candidates[0]).toBe(part);
        expect(new Set(candidates.map((candidate) => Math.ceil(size / candidate)))).toEqual(new Set([parts]));
      }),
    );
  });

  test('what aws, rclone and s3cmd use is among the candidates', () => {
    const size = 1000 * MIB;
    for (const part of [5, 8, 15, 16, 50, 64, 100]) {
      expect(candidatePartSizes(size, Math.ceil(size / (part * MIB)), null)).toContain(part * MIB);
    }
  });

  test('include every whole number of MiB where only a few fit', () => {
    expect(candidatePartSizes(26 * MIB + 5, 3, null).map((size) => size / MIB)).toEqual(
      expect.arrayContaining([9, 10, 11, 12, 13]),
    );
    expect(candidatePartSizes(27 * MIB, 3, null)).toContain(9 * MIB);
  });

  test('a recorded part size that cannot give the number of parts is no candidate', () => {
    expect(candidatePartSizes(100 * MIB, 7, 5 * MIB)).not.toContain(5 * MIB);
  });
});

describe('hashing content', () => {
  test('a multipart ETag is the MD5 of the MD5s, and the number of parts', () => {
    const parts = [Buffer.from('first'), Buffer.from('second')].map(md5);
    expect(multipartEtag(parts)).toBe(`${md5(Buffer.concat(parts)).toString('hex')}-2`);
  });

  test('however the bytes arrive, the hashes are those of the bytes cut into parts', () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    const sizes = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 4 });
    const chunk = fc.integer({ min: 1, max: 70 });
    fc.assert(
      fc.property(bytes, sizes, chunk, (content, partSizes, step) => {
        const hash = new ContentHash(partSizes);
        for (let at = 0; at < content.length; at += step) hash.update(Buffer.from(content.subarray(at, at + step)));
        const expected = new Map(partSizes.map((size) => [size, multipartEtag(partsOf(content, size).map(md5))]));
        expect(hash.digest()).toEqual({ md5: md5(content).toString('hex'), etags: expected });
      }),
    );
  });
});

function partsOf(content: Uint8Array, size: number): Uint8Array[] {
  const count = Math.max(1, Math.ceil(content.length / size));
  return Array.from({ length: count }, (_, index) => content.subarray(index * size, (index + 1) * size));
}
