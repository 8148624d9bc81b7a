import { createHash, createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChunkedDecoder } from '../../src/embedded/s3/chunked.ts';
import { S3Error } from '../../src/embedded/s3/errors.ts';
import { signingKey } from '../../src/embedded/s3/sigv4.ts';
import type { ChunkSigning } from '../../src/embedded/s3/types.ts';

// The example that AWS publishes with its description of chunked uploads.
const SEED: ChunkSigning = {
  key: signingKey('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', '20130524/us-east-1/s3/aws4_request'),
  date: '20130524T000000Z',
  scope: '20130524/us-east-1/s3/aws4_request',
  seedSignature: '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
};

test('the published chunks are accepted, and nothing else in their place', () => {
  const framed = Buffer.concat([
    Buffer.from('10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n'),
    Buffer.alloc(65_536, 'a'),
    Buffer.from('\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n'),
    Buffer.alloc(1024, 'a'),
    Buffer.from('\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n'),
  ]);
  const decoder = new ChunkedDecoder(SEED, false);
  expect(Buffer.concat(decoder.push(framed)).equals(Buffer.alloc(66_560, 'a'))).toBe(true);
  decoder.end();
  framed[66_000] = 0;
  expect(() => new ChunkedDecoder(SEED, false).push(framed)).toThrow(
    expect.objectContaining({ code: 'SignatureDoesNotMatch' }),
  );
});

test('framing means the same wherever the network cuts it', () => {
  const payload = randomBytes(30_000);
  const signed = fc.boolean();
  const cuts = fc.array(fc.integer({ min: 0, max: 31_000 }), { maxLength: 12 });
  fc.assert(
    fc.property(signed, cuts, (sign, at) => {
      const framed = frameChunks(payload, { chunk: 8192, signing: sign ? SEED : null, trailers: [['x-amz-a', 'b']] });
      const decoder = new ChunkedDecoder(sign ? SEED : null, true);
      const edges = [0, ...at.filter((edge) => edge < framed.length).sort((a, b) => a - b), framed.length];
      const pieces = edges.slice(1).flatMap((end, i) => decoder.push(framed.subarray(edges[i], end)));
      decoder.end();
      expect(Buffer.concat(pieces).equals(payload)).toBe(true);
      expect([...decoder.trailers]).toEqual([['x-amz-a', 'b']]);
    }),
    { numRuns: 60 },
  );
});

test('cut off anywhere, a framed body is incomplete', () => {
  const framed = frameChunks(Buffer.alloc(9000, 'x'), { chunk: 8192, signing: SEED, trailers: [['x-amz-a', 'b']] });
  for (const length of [0, 1, 5, 90, 8000, framed.length - 200, framed.length - 3, framed.length - 1]) {
    const decoder = new ChunkedDecoder(SEED, true);
    decoder.push(framed.subarray(0, length));
    expect(() => decoder.end(), `${length} bytes`).toThrow(expect.objectContaining({ code: 'IncompleteBody' }));
  }
});

test.each([
  ['a size that is no number', 'zz\r\n'],
  ['a size beyond all bounds', 'ffffffffffffffff\r\n'],
  ['a line without end', 'a'.repeat(2000)],
  ['a chunk longer than its size', '3\r\nabcdef\r\n'],
  ['small chunks but the last', '3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n'],
  ['a trailer that is none', '0\r\nnonsense\r\n\r\n'],
  [
    'trailers without end',
    `0\r\n${'a:b\r\n'.repeat(10)}${Array.from({ length: 50 }, (_, i) => `t${i}:b\r\n`).join('')}`,
  ],
  ['bytes after the end', '0\r\n\r\nmore'],
])('%s is refused', (_what, framed) => {
  expect(() => new ChunkedDecoder(null, true).push(Buffer.from(framed))).toThrow(S3Error);
});

interface ChunkFraming {
  readonly chunk: number;
  /** Null: chunks without signatures. */
  readonly signing: ChunkSigning | null;
  readonly trailers: readonly (readonly [string, string])[];
}

const sha256 = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex');

/** The payload in chunks of one size, the last one shorter, then the trailers. */
function frameChunks(payload: Buffer, { chunk, signing, trailers }: ChunkFraming): Buffer {
  let previous = signing?.seedSignature ?? '';
  const sign = (kind: string, hashes: string): string => {
    const text = `AWS4-HMAC-SHA256-${kind}\n${signing?.date}\n${signing?.scope}\n${previous}\n${hashes}`;
    previous = signing === null ? '' : createHmac('sha256', signing.key).update(text).digest('hex');
    return previous;
  };
  const line = (data: Buffer): string => {
    const signature = signing === null ? '' : `;chunk-signature=${sign('PAYLOAD', `${sha256('')}\n${sha256(data)}`)}`;
    return `${data.length.toString(16)}${signature}\r\n`;
  };
  const pieces: (Buffer | string)[] = [];
  for (let at = 0; at < payload.length; at += chunk) {
    const data = payload.subarray(at, at + chunk);
    pieces.push(line(data), data, '\r\n');
  }
  pieces.push(line(Buffer.alloc(0)), ...trailers.map(([name, value]) => `${name}:${value}\r\n`));
  if (signing !== null && trailers.length > 0) {
    const hash = sha256(trailers.map(([name, value]) => `${name}:${value}\n`).join(''));
    pieces.push(`x-amz-trailer-signature:${sign('TRAILER', hash)}\r\n`);
  }
  pieces.push('\r\n');
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece as string)));
}
