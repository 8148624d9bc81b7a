/** Who signed a request, and whether the signature, its time and its scope hold. */
import type { KeyObject } from 'node:crypto';
import { S3Error, type S3ErrorCode } from './errors.ts';
import { ALGORITHM, expectedSignatures, isOneOf, signingKey } from './sigv4.ts';
import type { Payload, RequestHead, S3Credentials } from './types.ts';

const LARGEST_SKEW_MS = 15 * 60_000;
const LONGEST_EXPIRY_S = 7 * 24 * 3600;
const UNSIGNED = 'UNSIGNED-PAYLOAD';

export interface Authenticated {
  readonly credentials: S3Credentials;
  readonly payload: Payload;
}

interface Claim {
  readonly accessKeyId: string;
  /** date/region/service/aws4_request */
  readonly scope: string;
  readonly date: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly payloadHash: string;
}

/** Checks signatures against the key pairs and the region it was made with. */
export class Authenticator {
  readonly #credentials: ReadonlyMap<string, S3Credentials>;
  readonly #region: string;
  /** Signing keys are good for a day; only the newest of each pair is kept. */
  readonly #keys = new Map<string, { readonly scope: string; readonly key: KeyObject }>();

  constructor(credentials: readonly S3Credentials[], region: string) {
    this.#credentials = new Map(credentials.map((pair) => [pair.accessKeyId, pair]));
    this.#region = region;
  }

  /** Throws the S3Error that AWS would answer. `now` is the server's clock. */
  authenticate(head: RequestHead, now: number): Authenticated {
    const authorization = head.headers.get('authorization');
    if (authorization !== undefined) {
      const claim = readHeader(authorization, head);
      checkSkew(claim.date, now);
      return this.#check(claim, head);
    }
    if (head.query.has('X-Amz-Signature') || head.query.has('X-Amz-Algorithm')) {
      const claim = readQuery(head);
      checkExpiry(claim.date, head.query.get('X-Amz-Expires') ?? '', now);
      return this.#check(claim, head);
    }
    throw new S3Error('AccessDenied');
  }

  #check(claim: Claim, head: RequestHead): Authenticated {
    const credentials = this.#credentials.get(claim.accessKeyId);
    if (credentials === undefined) {
      throw new S3Error('InvalidAccessKeyId', undefined, { AWSAccessKeyId: claim.accessKeyId });
    }
    this.#checkScope(claim, head.headers.has('authorization'));
    checkSignedHeaders(claim.signedHeaders, head);
    const key = this.#key(credentials, claim.scope);
    const expected = expectedSignatures(key, head, claim);
    if (!isOneOf(claim.signature, expected)) {
      throw new S3Error('SignatureDoesNotMatch', undefined, { AWSAccessKeyId: claim.accessKeyId });
    }
    return { credentials, payload: toPayload(claim, key) };
  }

  #checkScope(claim: Claim, inHeader: boolean): void {
    const code: S3ErrorCode = inHeader ? 'AuthorizationHeaderMalformed' : 'AuthorizationQueryParametersError';
    const [date, region, service, end] = claim.scope.split('/');
    if (service !== 's3' || end !== 'aws4_request' || date !== claim.date.slice(0, 8)) {
      throw new S3Error(code, `The credential scope "${claim.scope}" is not valid.`);
    }
    if (region !== this.#region) {
      const message = `The credential is malformed; the region '${region}' is wrong; expecting '${this.#region}'`;
      throw new S3Error(code, message, { Region: this.#region });
    }
  }

  #key(credentials: S3Credentials, scope: string): KeyObject {
    const known = this.#keys.get(credentials.accessKeyId);
    if (known?.scope === scope) return known.key;
    const key = signingKey(credentials.secretAccessKey, scope);
    this.#keys.set(credentials.accessKeyId, { scope, key });
    return key;
  }
}

function readHeader(authorization: string, head: RequestHead): Claim {
  const match = /^AWS4-HMAC-SHA256\s+(.*)$/s.exec(authorization);
  if (match === null) {
    throw new S3Error(
      'InvalidRequest',
      `The authorization mechanism you have provided is not supported. Please use ${ALGORITHM}.`,
    );
  }
  const fields = new Map<string, string>();
  for (const field of (match[1] ?? '').split(',')) {
    const equals = field.indexOf('=');
    fields.set(field.slice(0, equals).trim(), field.slice(equals + 1).trim());
  }
  const signature = fields.get('Signature');
  const signedHeaders = fields.get('SignedHeaders');
  const credential = splitCredential(fields.get('Credential'));
  if (signature === undefined || signedHeaders === undefined || credential === null) {
    throw new S3Error('AuthorizationHeaderMalformed');
  }
  const payloadHash = head.headers.get('x-amz-content-sha256');
  if (payloadHash === undefined) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
  }
  const date = head.headers.get('x-amz-date') ?? toAmzDate(head.headers.get('date'));
  return { ...credential, date, signedHeaders: signedHeaders.toLowerCase().split(';'), signature, payloadHash };
}

function readQuery(head: RequestHead): Claim {
  const { query } = head;
  const signature = query.get('X-Amz-Signature');
  const signedHeaders = query.get('X-Amz-SignedHeaders');
  const credential = splitCredential(query.get('X-Amz-Credential'));
  const date = query.get('X-Amz-Date') ?? '';
  const known = query.get('X-Amz-Algorithm') === ALGORITHM;
  if (!known || signature === undefined || signedHeaders === undefined || credential === null) {
    throw new S3Error(
      'AuthorizationQueryParametersError',
      'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
    );
  }
  const payloadHash = query.get('X-Amz-Content-Sha256') ?? head.headers.get('x-amz-content-sha256') ?? UNSIGNED;
  return { ...credential, date, signedHeaders: signedHeaders.split(';'), signature, payloadHash };
}

function splitCredential(credential: string | undefined): { accessKeyId: string; scope: string } | null {
  const match = /^(.+?)\/([0-9]{8}\/[^/]*\/[^/]*\/[^/]*)$/.exec(credential ?? '');
  return match === null ? null : { accessKeyId: match[1] ?? '', scope: match[2] ?? '' };
}

function checkSkew(date: string, now: number): void {
  const at = parseAmzDate(date);
  if (Number.isNaN(at)) {
    throw new S3Error('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header');
  }
  if (Math.abs(at - now) <= LARGEST_SKEW_MS) return;
  throw new S3Error('RequestTimeTooSkewed', undefined, {
    RequestTime: date,
    ServerTime: new Date(now).toISOString(),
    MaxAllowedSkewMilliseconds: String(LARGEST_SKEW_MS),
  });
}

function checkExpiry(date: string, expires: string, now: number): void {
  const at = parseAmzDate(date);
  const seconds = /^[0-9]+$/.test(expires) ? Number(expires) : Number.NaN;
  if (Number.isNaN(at) || Number.isNaN(seconds) || seconds < 1 || seconds > LONGEST_EXPIRY_S) {
    throw new S3Error(
      'AuthorizationQueryParametersError',
      'X-Amz-Date must be a date and X-Amz-Expires a number of seconds, at most a week.',
    );
  }
  if (at - now > LARGEST_SKEW_MS) throw new S3Error('AccessDenied', 'Request is not yet valid');
  if (now > at + seconds * 1000) {
    throw new S3Error('AccessDenied', 'Request has expired', {
      'X-Amz-Expires': expires,
      Expires: new Date(at + seconds * 1000).toISOString(),
      ServerTime: new Date(now).toISOString(),
    });
  }
}

/** The host and every x-amz- header must be signed, or somebody else could have added them. */
function checkSignedHeaders(signed: readonly string[], head: RequestHead): void {
  const missing = [...head.headers.keys()].filter(
    (name) => (name === 'host' || name.startsWith('x-amz-')) && !signed.includes(name),
  );
  // A presigned request carries the payload's hash in the clear, as a client may add it without being able to sign.
  const presigned = head.query.has('X-Amz-Signature');
  const unsigned = missing.filter((name) => !(presigned && name === 'x-amz-content-sha256'));
  if (unsigned.length === 0) return;
  throw new S3Error('AccessDenied', 'There were headers present in the request which were not signed', {
    HeadersNotSigned: unsigned.join(', '),
  });
}

function toPayload(claim: Claim, key: KeyObject): Payload {
  const { payloadHash, scope, date, signature: seedSignature } = claim;
  const signer = { key, date, scope, seedSignature };
  switch (payloadHash) {
    case UNSIGNED:
      return { kind: 'plain', sha256: null };
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD':
      return { kind: 'chunked', trailer: false, signer };
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER':
      return { kind: 'chunked', trailer: true, signer };
    case 'STREAMING-UNSIGNED-PAYLOAD-TRAILER':
      return { kind: 'chunked', trailer: true, signer: null };
  }
  if (/^[0-9a-f]{64}$/i.test(payloadHash)) return { kind: 'plain', sha256: payloadHash.toLowerCase() };
  throw new S3Error(
    'InvalidArgument',
    'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING- value or a valid sha256 value.',
    { ArgumentName: 'x-amz-content-sha256', ArgumentValue: payloadHash },
  );
}

function parseAmzDate(date: string): number {
  const match = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(date);
  if (match === null) return Number.NaN;
  const [, year, month, day, hour, minute, second] = match.map(Number);
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
}

function toAmzDate(date: string | undefined): string {
  const at = Date.parse(date ?? '');
  return Number.isNaN(at) ? '' : new Date(at).toISOString().replace(/[-:]|\.\d{3}/g, '');
}
