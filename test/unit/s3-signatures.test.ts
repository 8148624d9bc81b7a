import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { Authenticator } from '../../src/embedded/s3/authenticate.ts';
import { expectedSignatures, signingKey } from '../../src/embedded/s3/sigv4.ts';
import type { RequestHead } from '../../src/embedded/s3/types.ts';

// The examples that AWS publishes with its description of Signature Version 4 for S3.
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const SCOPE = '20130524/us-east-1/s3/aws4_request';
const DATE = '20130524T000000Z';
const NOW = Date.UTC(2013, 4, 24);
const HOST = 'examplebucket.s3.amazonaws.com';
const EMPTY = createHash('sha256').digest('hex');
const KEY = signingKey(SECRET, SCOPE);

function head(method: string, rawPath: string, headers: Record<string, string>, query: [string, string][] = []) {
  const map = new Map(Object.entries({ host: HOST, ...headers }));
  return {
    ...{ method, rawPath, bucket: 'examplebucket', key: rawPath.slice(1) },
    ...{ headers: map, queryPairs: query, query: new Map(query) },
  } satisfies RequestHead;
}

function sign(request: RequestHead, payloadHash: string): string {
  const signedHeaders = [...request.headers.keys()].sort();
  return expectedSignatures(KEY, request, { date: DATE, scope: SCOPE, signedHeaders, payloadHash })[0] ?? '';
}

test.each([
  [
    'a GET of a range',
    head('GET', '/test.txt', { range: 'bytes=0-9', 'x-amz-content-sha256': EMPTY, 'x-amz-date': DATE }),
    EMPTY,
    'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  ],
  [
    'a PUT of a key with an odd character',
    head('PUT', '/test%24file.text', {
      date: 'Fri, 24 May 2013 00:00:00 GMT',
      'x-amz-content-sha256': createHash('sha256').update('Welcome to Amazon S3.').digest('hex'),
      'x-amz-date': DATE,
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
    }),
    createHash('sha256').update('Welcome to Amazon S3.').digest('hex'),
    '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  ],
  [
    'a subresource without a value',
    head('GET', '/', { 'x-amz-content-sha256': EMPTY, 'x-amz-date': DATE }, [['lifecycle', '']]),
    EMPTY,
    'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  ],
  [
    'a query that is not in order',
    head('GET', '/', { 'x-amz-content-sha256': EMPTY, 'x-amz-date': DATE }, [
      ['prefix', 'J'],
      ['max-keys', '2'],
    ]),
    EMPTY,
    '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  ],
])('the published signature of %s is the one computed', (_what, request, hash, signature) => {
  expect(sign(request, hash)).toBe(signature);
});

test('the published presigned address goes through while it lasts', () => {
  const request = head('GET', '/test.txt', {}, [
    ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
    ['X-Amz-Credential', `AKIAIOSFODNN7EXAMPLE/${SCOPE}`],
    ['X-Amz-Date', DATE],
    ['X-Amz-Expires', '86400'],
    ['X-Amz-SignedHeaders', 'host'],
    ['X-Amz-Signature', 'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404'],
  ]);
  const authenticator = new Authenticator(
    [{ accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: SECRET }],
    'us-east-1',
  );
  expect(authenticator.authenticate(request, NOW + 86_400_000).payload).toEqual({ kind: 'plain', sha256: null });
  expect(() => authenticator.authenticate(request, NOW + 86_401_000)).toThrow('expired');
  expect(() => authenticator.authenticate(request, NOW - 16 * 60_000)).toThrow('not yet valid');
});

test('a header is good for a quarter of an hour either way', () => {
  const request = head('GET', '/a', { 'x-amz-content-sha256': EMPTY, 'x-amz-date': DATE });
  const signature = sign(request, EMPTY);
  request.headers.set(
    'authorization',
    `AWS4-HMAC-SHA256 Credential=id/${SCOPE},SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=${signature}`,
  );
  const authenticator = new Authenticator([{ accessKeyId: 'id', secretAccessKey: SECRET }], 'us-east-1');
  for (const offset of [-900_000, 0, 900_000]) {
    expect(authenticator.authenticate(request, NOW + offset).credentials.accessKeyId).toBe('id');
  }
  for (const offset of [-900_001, 900_001]) {
    expect(() => authenticator.authenticate(request, NOW + offset)).toThrow(
      expect.objectContaining({ code: 'RequestTimeTooSkewed' }),
    );
  }
});
