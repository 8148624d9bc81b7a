/** Signature Version 4: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html */
import { createHash, createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { decode } from './request-head.ts';
import type { RequestHead } from './types.ts';

export const ALGORITHM = 'AWS4-HMAC-SHA256';

/** What a signature is made over, beside the request itself. */
export interface SigningFacts {
  /** As in x-amz-date: 20130524T000000Z. */
  readonly date: string;
  /** date/region/s3/aws4_request */
  readonly scope: string;
  readonly signedHeaders: readonly string[];
  readonly payloadHash: string;
}

/** The key that requests of one day and region are signed with. */
export function signingKey(secret: string, scope: string): KeyObject {
  let key = Buffer.from(`AWS4${secret}`, 'utf8');
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest();
  return createSecretKey(key);
}

/**
 * Signatures that are right for the request: over its path as it was sent and, where that differs, over the path
 * encoded as AWS does it, since clients may send a character bare that they signed encoded.
 */
export function expectedSignatures(key: KeyObject, head: RequestHead, facts: SigningFacts): string[] {
  const paths = new Set([head.rawPath, encodePath(head.rawPath)]);
  return [...paths].map((path) => {
    const hash = createHash('sha256')
      .update(canonicalRequest(head, path, facts), 'latin1')
      .digest('hex');
    const text = `${ALGORITHM}\n${facts.date}\n${facts.scope}\n${hash}`;
    return createHmac('sha256', key).update(text).digest('hex');
  });
}

/** Compares without telling by its time how much was right. */
export function isOneOf(signature: string, expected: readonly string[]): boolean {
  const given = Buffer.from(signature);
  return expected.some((one) => one.length === given.length && timingSafeEqual(Buffer.from(one), given));
}

// Header values hold a byte a character, so the whole text is hashed as latin1; the rest of it is ASCII.
function canonicalRequest(head: RequestHead, path: string, facts: SigningFacts): string {
  const names = facts.signedHeaders;
  const headers = names.map((name) => `${name}:${collapse(head.headers.get(name) ?? '')}\n`).join('');
  return [head.method, path, canonicalQuery(head.queryPairs), headers, names.join(';'), facts.payloadHash].join('\n');
}

function canonicalQuery(pairs: readonly (readonly [string, string])[]): string {
  return pairs
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function encodePath(rawPath: string): string {
  return rawPath
    .split('/')
    .map((segment) => encode(decode(segment)))
    .join('/');
}

/** Percent-encodes all but the unreserved characters of RFC 3986. */
export function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function collapse(value: string): string {
  return value.trim().replace(/ {2,}/g, ' ');
}
