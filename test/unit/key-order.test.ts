import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareKeys } from '../../src/sync/key-order.ts';

const bytes = (a: string, b: string) => Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));

test('astral characters come after U+FFFD, as in UTF-8, not before it as in UTF-16', () => {
  expect(compareKeys('\u{1F600}', '\uFFFD')).toBeGreaterThan(0);
  expect('\u{1F600}' < '\uFFFD').toBe(true);
});

test('a slash sorts after a dot and a hyphen and before a digit', () => {
  const sorted = ['a/b', 'a.jpg', 'a-b', 'a0', 'a b', 'a'].sort(compareKeys);
  expect(sorted).toEqual(['a', 'a b', 'a-b', 'a.jpg', 'a/b', 'a0']);
});

test('any two well-formed strings compare as their UTF-8 bytes do', () => {
  const key = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(key, key, key, (prefix, a, b) => {
      expect(Math.sign(compareKeys(prefix + a, prefix + b))).toBe(bytes(prefix + a, prefix + b));
    }),
    { numRuns: 2_000 },
  );
});
