/**
 * A shorter way to ask for an object by its key. Of the millisecond that a HEAD takes of a processor through the SDK, nine
 * tenths go into resolving, serialising, signing and wrapping what is nearly the same each time. Here the SDK sends the
 * first request, a listing's page for most, and what came of it (address, signing scope) serves for the others: signed (signature.ts) and sent
 * (wire.ts) with the SDK's credentials, clock and connections. What is not answered plainly is asked again in full by
 * whoever asked, with the SDK's retries and errors.
 */
import type { S3Client } from '@aws-sdk/client-s3';
import { type Addressed, encoded, pathBefore, pathOfBucket } from './address.ts';
import { Signer, type SigningScope, type Unsigned } from './signature.ts';
import { sendOver, type Wire, type WireAnswer, wireOf } from './wire.ts';

export interface ShortRequest {
  readonly method: 'HEAD' | 'PUT';
  readonly key: string;
  /** In lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** A header field, which is signed, has a checksum of the body that the server verifies: the body itself need not be signed. */
  readonly guarded?: boolean;
  /** Left out: what the answer's body says is lost. */
  readonly wantsBody?: boolean;
}

export type ShortAnswer = WireAnswer;

/** A request as the SDK is about to send it. */
interface FullRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What requests to a bucket have in common. */
interface Form {
  readonly wire: Wire;
  readonly scope: SigningScope;
  /** Before the key. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** After an answer that is none, as of a server under load: the SDK paces what it sends, this does not. */
const CLOSED_MS = 30_000;
/** Refusals in a row after which it may be the form of these requests that is refused: each would be asked twice. */
const MOST_REFUSALS = 3;
/** What S3 takes for the hash of a body that is not signed. */
const NOT_HASHED = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' };
/** Header fields of a request that belong to all of them. */
const COMMON = ['host', 'user-agent'];

export class ShortWay {
  readonly #client: S3Client;
  readonly #signer = new Signer();
  #form: Form | null = null;
  #closedUntilMs = 0;
  #refusals = 0;
  /** A bucket's policy may want bodies signed. */
  #signsBodies = false;

  constructor(client: S3Client) {
    this.#client = client;
  }

  /** Learns from a request about this key, or about the bucket, that the SDK has sent and that was answered. */
  learn(request: unknown, about: Addressed): void {
    if (this.#form !== null || !isFullRequest(request)) return;
    const path = 'key' in about ? pathBefore(request, about.key) : pathOfBucket(request, about.bucket);
    if (path !== null) this.#form = formOf(this.#client, request, path);
  }

  /** Is there no more to learn? */
  get isKnown(): boolean {
    return this.#form !== null;
  }

  /** Is it to be had? */
  get open(): boolean {
    return this.#form !== null && Date.now() >= this.#closedUntilMs;
  }

  /**
   * What was answered; null when nothing was, so that it is not known whether the request was carried out. Throws the
   * signal's reason once it has aborted.
   */
  async send(request: ShortRequest, signal: AbortSignal): Promise<ShortAnswer | null> {
    const form = this.#form;
    if (form === null) return null;
    try {
      const { config } = this.#client;
      // The SDK keeps them, and has them renewed before they expire.
      const credentials = await config.credentials();
      const notHashed = request.guarded === true && !this.#signsBodies;
      const unsigned = requestOf(form, request, notHashed);
      const atMs = Date.now() + config.systemClockOffset;
      const headers = this.#signer.sign(unsigned, credentials, form.scope, atMs);
      const answer = await sendOver(form.wire, { ...unsigned, headers, wantsBody: request.wantsBody === true }, signal);
      this.#refusals = isRefusal(answer.status) ? this.#refusals + 1 : 0;
      if (answer.status === 429 || answer.status >= 500 || this.#refusals >= MOST_REFUSALS) this.#close();
      else if (notHashed && isRefusal(answer.status)) this.#signsBodies = true;
      return answer;
    } catch {
      signal.throwIfAborted();
      this.#close();
      return null;
    }
  }

  #close(): void {
    this.#closedUntilMs = Date.now() + CLOSED_MS;
  }
}

function requestOf(
  { path, headers: common }: Form,
  { method, key, headers, body }: ShortRequest,
  notHashed: boolean,
): Unsigned {
  const all = { ...common, ...headers, ...(notHashed && NOT_HASHED) };
  return { method, path: path + encoded(key), headers: all, ...(body && { body }) };
}

/** Neither missing nor held up by its condition. */
function isRefusal(status: number): boolean {
  return status >= 400 && status !== 404 && status !== 409 && status !== 412;
}

function isFullRequest(request: unknown): request is FullRequest {
  const { path, hostname, headers } = request as Partial<FullRequest>;
  return typeof path === 'string' && typeof hostname === 'string' && typeof headers === 'object';
}

/** Null for one that is signed in a way of its own, as directory buckets and several regions at once want it. */
function formOf(client: S3Client, request: FullRequest, path: string): Form | null {
  const { headers } = request;
  const signed = /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request,/.exec(
    headers['authorization'] ?? '',
  );
  const [, region, service] = signed ?? [];
  if (region === undefined || service === undefined) return null;
  if (headers['x-amz-s3session-token'] !== undefined) return null;
  const wire = wireOf(client, request);
  if (wire === null) return null;
  const common = Object.fromEntries(COMMON.flatMap((name) => (headers[name] ? [[name, headers[name]]] : [])));
  return { wire, scope: { region, service }, path, headers: common };
}
