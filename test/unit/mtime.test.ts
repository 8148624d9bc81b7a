import { expect, test } from 'vitest';
import { mtimeNsOf } from '../../src/sync/mtime.ts';

test.each([
  ['1700000000.123456789', 1_700_000_000_123_456_789n],
  ['1700000000.5', 1_700_000_000_500_000_000n],
  ['1700000000', 1_700_000_000_000_000_000n],
  ['1700000000.1234567891', 1_700_000_000_123_456_789n],
  ['0', 0n],
  ['-1.5', -1_500_000_000n],
])('metadata mtime %s is %d ns', (mtime, ns) => {
  expect(mtimeNsOf({ mtime }, 7)).toBe(ns);
});

test.each(['', 'yesterday', '1e9', '1700000000.', ' 1', '999999999999999'])(
  'nonsense like %j leaves LastModified',
  (mtime) => {
    expect(mtimeNsOf({ mtime }, 7)).toBe(7_000_000n);
  },
);
