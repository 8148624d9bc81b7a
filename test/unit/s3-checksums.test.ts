import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CHECKSUM_ALGORITHMS, createChecksum, isChecksumValue } from '../../src/embedded/s3/checksums.ts';
import { combineCrc } from '../../src/embedded/s3/crc.ts';

// The check values of the catalogues of CRCs: over the digits 1 to 9.
test.each([
  ['CRC32', 'cbf43926'],
  ['CRC32C', 'e3069283'],
  ['CRC64NVME', 'ae8b14860a799888'],
  ['SHA1', 'f7c3bc1d808e04732adf679965ccc34ca7ae3441'],
  ['SHA256', '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225'],
] as const)('%s has its check value', (algorithm, hex) => {
  const digest = createChecksum(algorithm);
  digest.update(Buffer.from('123456789'));
  expect(digest.digest().toString('hex')).toBe(hex);
});

test.each(CHECKSUM_ALGORITHMS)('%s does not depend on how the bytes come', (algorithm) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 0, max: 200 }), (bytes, at) => {
      const data = Buffer.from(bytes);
      const [whole, pieces] = [createChecksum(algorithm), createChecksum(algorithm)];
      whole.update(data);
      pieces.update(data.subarray(0, at));
      pieces.update(data.subarray(at));
      expect(pieces.digest().equals(whole.digest())).toBe(true);
    }),
    { numRuns: 200 },
  );
});

test.each(['CRC32', 'CRC32C', 'CRC64NVME'] as const)('%s of two stretches follows from the two', (algorithm) => {
  const crc = (data: Buffer): bigint => {
    const digest = createChecksum(algorithm);
    digest.update(data);
    return BigInt(`0x${digest.digest().toString('hex')}`);
  };
  for (const [first, second] of [
    [0, 0],
    [5, 0],
    [0, 5],
    [1, 1],
    [1000, 1],
    [4097, 65_537],
  ] as const) {
    const [a, b] = [randomBytes(first), randomBytes(second)];
    expect(combineCrc(algorithm, crc(a), crc(b), b.length)).toBe(crc(Buffer.concat([a, b])));
  }
});

test('a value is a digest of the right length in plain base64, or none', () => {
  expect(isChecksumValue('CRC32', 'y/Q5Jg==')).toBe(true);
  for (const value of ['', 'y/Q5Jg', 'y_Q5Jg==', 'y/Q5JiY=', 'not base64!', 'y/Q5Jg==\n']) {
    expect(isChecksumValue('CRC32', value), value).toBe(false);
  }
});
