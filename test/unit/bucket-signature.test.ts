/** Signatures of our own, held against those of the SDK. */
import { S3Client } from '@aws-sdk/client-s3';
import { HttpRequest } from '@smithy/core/protocols';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Signer, type SigningCredentials, type SigningScope, type Unsigned } from '../../src/bucket/signature.ts';

/** Characters that a header field may have. */
const value = fc.stringMatching(/^[\t\x20-\x7e\xa0-\xff]*$/);
const name = fc.oneof(
  fc.stringMatching(/^x-amz-[a-z0-9-]{1,20}$/),
  fc.stringMatching(/^[a-z][a-z0-9_-]{0,12}$/),
  fc.constantFrom('content-md5', 'content-type', 'content-length', 'cache-control', 'user-agent', 'if-none-match'),
  fc.constantFrom('proxy-x', 'sec-x', 'expect', 'range', 'x-amzn-trace-id', 'x-amz-content-sha256'),
);
/** Of these the SDK makes its own. */
const GIVEN = new Set(['authorization', 'date', 'x-amz-date', '__proto__', 'x-amz-security-token']);
const headers = fc
  .dictionary(name, value, { noNullPrototype: true, maxKeys: 8 })
  .map((fields) => Object.fromEntries(Object.entries(fields).filter(([field]) => !GIVEN.has(field))));
const path = fc
  .array(fc.string({ unit: 'grapheme', minLength: 0, maxLength: 12 }), { minLength: 1, maxLength: 5 })
  .map((parts) => `/${parts.map(encodeURIComponent).join('/')}`);
const secret = fc.string({ minLength: 1, maxLength: 40 });
const credentials = fc.record(
  {
    accessKeyId: fc.stringMatching(/^[A-Z0-9]{1,20}$/),
    secretAccessKey: secret,
    sessionToken: fc.base64String({ maxLength: 60 }),
  },
  { requiredKeys: ['accessKeyId', 'secretAccessKey'] },
);
const scope = fc.record({
  region: fc.constantFrom('us-east-1', 'auto', 'eu-central-2'),
  service: fc.constantFrom('s3', 's3-outposts'),
});
const atMs = fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2099, 11, 31) });
const unsigned = fc.record(
  {
    method: fc.constantFrom('HEAD', 'PUT', 'GET', 'DELETE'),
    path,
    headers: headers.map((fields) => ({ ...fields, host: 's3.example.com:7480' })),
    body: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  },
  { requiredKeys: ['method', 'path', 'headers'] },
);

async function signedBySdk(
  { method, path: where, headers: fields, body }: Unsigned,
  who: SigningCredentials,
  { region, service }: SigningScope,
  at: number,
) {
  const client = new S3Client({ region: 'us-east-1', credentials: who });
  try {
    const signer = await client.config.signer();
    const request = new HttpRequest({ method, path: where, headers: { ...fields }, ...(body && { body }) });
    const options = { signingRegion: region, signingService: service, signingDate: new Date(at) };
    return { ...(await signer.sign(request, options)).headers };
  } finally {
    client.destroy();
  }
}

describe('a signature', () => {
  test('is the one that the SDK makes, whatever is signed, by whom and when', async () => {
    const signer = new Signer();
    await fc.assert(
      fc.asyncProperty(unsigned, credentials, scope, atMs, async (request, who, where, at) => {
        expect(signer.sign(request, who, where, at)).toEqual(await signedBySdk(request, who, where, at));
      }),
      { numRuns: 500 },
    );
  });

  test('is another one with other credentials, in another region and on another day, whatever was signed before', () => {
    const request = { method: 'HEAD', path: '/b/k', headers: { host: 'h' } };
    const day = Date.UTC(2026, 10, 21, 23, 59, 59);
    const first = { accessKeyId: 'A', secretAccessKey: 'one' };
    const here = { region: 'us-east-1', service: 's3' };
    const turns: [SigningCredentials, SigningScope, number][] = [
      [first, here, day],
      [{ ...first, secretAccessKey: 'two' }, here, day],
      [first, { ...here, region: 'eu-west-1' }, day],
      [first, here, day + 2_000],
      [{ ...first, sessionToken: 'T' }, here, day],
    ];
    const signer = new Signer();
    const kept = turns.map((turn) => signer.sign(request, ...turn)['authorization']);
    const fresh = turns.map((turn) => new Signer().sign(request, ...turn)['authorization']);
    expect(kept).toEqual(fresh);
    expect(new Set(kept).size).toBe(turns.length);
  });
});
