/**
 * Addresses with which a browser reads an object by itself. They are signed here and not by the SDK, which takes 1.4 ms
 * for each (more than ten times as long) while a page may hold thousands; where the bucket is and who we are still is the
 * SDK's to say.
 */
import { createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getEndpointFromInstructions } from '@smithy/core/endpoints';
import { RollcallError } from '../errors.ts';
import type { BucketIdentity, PresignOptions } from '../sync/bucket-port.ts';
import { toRollcallError } from './errors.ts';

const ALGORITHM = 'AWS4-HMAC-SHA256';
/** What S3 takes at most. */
const WEEK_S = 7 * 24 * 3600;
/** Into so many stretches the life of an address is cut; within one of them it is signed as of its beginning. */
const STRETCHES = 4;

/** How a bucket is reached. */
interface Place {
  /** Scheme and host. */
  readonly origin: string;
  readonly host: string;
  /** What the path begins with: `/`, or with the bucket where that is not a part of the host. */
  readonly base: string;
  readonly region: string;
}

/** Signs for one bucket. */
export class Presigner {
  readonly #client: S3Client;
  readonly #identity: BucketIdentity;
  #place: Promise<Place> | null = null;
  /** Good for a day and a pair of credentials. */
  #key: { readonly of: string; readonly key: KeyObject } | null = null;

  constructor(client: S3Client, identity: BucketIdentity) {
    this.#client = client;
    this.#identity = identity;
  }

  /** See BucketPort.presign for what it promises. */
  async presign(key: string, { expiresSeconds, downloadName }: PresignOptions): Promise<string> {
    if (!(Number.isInteger(expiresSeconds) && expiresSeconds >= 1 && expiresSeconds <= WEEK_S)) {
      const message = `an address is good for a whole number of seconds from 1 to ${WEEK_S}`;
      throw new RollcallError('BAD_INPUT', message, { field: 'expiresSeconds' });
    }
    const { place, credentials } = await this.#resolve(key);
    const time = this.#timeFor(expiresSeconds);
    const scope = `${time.slice(0, 8)}/${place.region}/s3/aws4_request`;
    // In the order of their names, as they are signed.
    const query = [
      ['X-Amz-Algorithm', ALGORITHM],
      ['X-Amz-Credential', `${credentials.accessKeyId}/${scope}`],
      ['X-Amz-Date', time],
      ['X-Amz-Expires', String(expiresSeconds)],
      ...(credentials.sessionToken === undefined ? [] : [['X-Amz-Security-Token', credentials.sessionToken]]),
      ['X-Amz-SignedHeaders', 'host'],
      ...(downloadName === undefined ? [] : [['response-content-disposition', disposition(downloadName)]]),
    ]
      .map(([name = '', value = '']) => `${name}=${encode(value)}`)
      .join('&');
    const path = place.base + key.split('/').map(encode).join('/');
    const canonical = `GET\n${path}\n${query}\nhost:${place.host}\n\nhost\nUNSIGNED-PAYLOAD`;
    const hash = createHash('sha256').update(canonical).digest('hex');
    const signature = createHmac('sha256', this.#signingKey(credentials.secretAccessKey, scope))
      .update(`${ALGORITHM}\n${time}\n${scope}\n${hash}`)
      .digest('hex');
    return `${place.origin}${path}?${query}&X-Amz-Signature=${signature}`;
  }

  /** The SDK keeps credentials for as long as they last. */
  async #resolve(key: string) {
    try {
      this.#place ??= placeOf(this.#client, this.#identity.bucket);
      return { place: await this.#place, credentials: await this.#client.config.credentials() };
    } catch (thrown) {
      this.#place = null;
      throw toRollcallError(thrown, { ...this.#identity, doing: 'make an address for', key });
    }
  }

  /** The beginning of the stretch in which it is now by the server's clock, as x-amz-date has it. */
  #timeFor(expiresSeconds: number): string {
    const stretchMs = Math.max(1, Math.floor(expiresSeconds / STRETCHES)) * 1000;
    const now = Date.now() + this.#client.config.systemClockOffset;
    return new Date(now - (now % stretchMs)).toISOString().replace(/[-:]|\.\d{3}/g, '');
  }

  #signingKey(secret: string, scope: string): KeyObject {
    const of = `${scope}/${secret}`;
    if (this.#key?.of === of) return this.#key.key;
    let bytes = Buffer.from(`AWS4${secret}`, 'utf8');
    for (const part of scope.split('/')) bytes = createHmac('sha256', bytes).update(part).digest();
    this.#key = { of, key: createSecretKey(bytes) };
    return this.#key.key;
  }
}

async function placeOf(client: S3Client, bucket: string): Promise<Place> {
  const { url, properties } = await getEndpointFromInstructions({ Bucket: bucket }, GetObjectCommand, client.config);
  const [scheme] = (properties?.['authSchemes'] ?? []) as readonly { readonly signingRegion?: string }[];
  return {
    origin: url.origin,
    host: url.host,
    base: url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/`,
    region: scheme?.signingRegion ?? (await client.config.region()),
  };
}

/** For names of any language, and for clients that read ASCII only (RFC 6266). */
function disposition(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  return `attachment; filename="${plain}"; filename*=UTF-8''${encode(name.toWellFormed())}`;
}

/** Percent-encodes all but the unreserved characters of RFC 3986. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
