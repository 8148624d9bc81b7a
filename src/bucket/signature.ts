/**
 * Signature Version 4 of a request for a key, as Amazon's documentation describes it and the SDK's signer makes it: the
 * same bytes (test/unit/bucket-signature.test.ts) for a tenth of the processor's time, since what does not change from
 * one request to the next is kept.
 */
import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';

export interface SigningCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface SigningScope {
  readonly region: string;
  readonly service: string;
}

export interface Unsigned {
  readonly method: string;
  /** Percent-encoded, and without a query. */
  readonly path: string;
  /** In lower case, `host` among them. An `x-amz-content-sha256` stands for the body. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

export type SignedHeaders = Record<string, string>;

const ALGORITHM = 'AWS4-HMAC-SHA256';
const NO_BODY = hash('sha256', '');
/** What proxies and agents on the way may change; Amazon's signers leave the same out. */
const NOT_SIGNED = new Set([
  'authorization',
  'cache-control',
  'connection',
  'expect',
  'from',
  'keep-alive',
  'max-forwards',
  'pragma',
  'referer',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'x-amzn-trace-id',
]);
const NOT_SIGNED_KINDS = /^(?:proxy|sec)-/;
/** Values that are signed otherwise than they are sent. */
const TO_BE_TRIMMED = /[\r\n\t]| {2}|^ | $/;

/** Signs for one client: of the keys that are derived from its secret, that of the day is kept. */
export class Signer {
  #key: DerivedKey | null = null;

  /** The request's header fields and those that the signature adds. */
  sign(request: Unsigned, credentials: SigningCredentials, scope: SigningScope, atMs: number): SignedHeaders {
    const { method, path, body } = request;
    const date = stampOf(atMs);
    const headers: SignedHeaders = { ...request.headers, 'x-amz-date': date };
    if (credentials.sessionToken) headers['x-amz-security-token'] = credentials.sessionToken;
    headers['x-amz-content-sha256'] ??= body === undefined ? NO_BODY : hash('sha256', body);

    const names = Object.keys(headers).filter(isSigned).sort();
    const list = names.join(';');
    let canonical = `${method}\n${path}\n\n`;
    for (const name of names) canonical += `${name}:${canonicalValue(headers[name] ?? '')}\n`;
    canonical += `\n${list}\n${headers['x-amz-content-sha256']}`;

    const { key, place } = this.#keyOf(date.slice(0, 8), credentials, scope);
    const toSign = `${ALGORITHM}\n${date}\n${place}\n${hash('sha256', canonical)}`;
    const signature = createHmac('sha256', key).update(toSign).digest('hex');
    headers['authorization'] =
      `${ALGORITHM} Credential=${credentials.accessKeyId}/${place}, SignedHeaders=${list}, Signature=${signature}`;
    return headers;
  }

  #keyOf(day: string, { secretAccessKey: secret }: SigningCredentials, { region, service }: SigningScope): DerivedKey {
    const place = `${day}/${region}/${service}/aws4_request`;
    const known = this.#key;
    if (known !== null && known.secret === secret && known.place === place) return known;
    const derive = (key: Buffer, part: string) => createHmac('sha256', key).update(part).digest();
    const bytes = place.split('/').reduce(derive, Buffer.from(`AWS4${secret}`));
    // From bytes Node makes such an object for each signature anew, which takes most of its time.
    this.#key = { secret, place, key: createSecretKey(bytes) };
    return this.#key;
  }
}

interface DerivedKey {
  readonly secret: string;
  readonly place: string;
  readonly key: KeyObject;
}

/** `20261121T213005Z` */
function stampOf(ms: number): string {
  const iso = new Date(ms).toISOString();
  return `${iso.slice(0, 4)}${iso.slice(5, 7)}${iso.slice(8, 13)}${iso.slice(14, 16)}${iso.slice(17, 19)}Z`;
}

function isSigned(name: string): boolean {
  return !NOT_SIGNED.has(name) && !NOT_SIGNED_KINDS.test(name);
}

function canonicalValue(value: string): string {
  if (!TO_BE_TRIMMED.test(value)) return value;
  return value
    .replace(/[\r\n]/g, ' ')
    .replace(/[ \t]+/g, ' ')
    .replace(/^ | $/g, '');
}
