/**
 * A shorter way to ask for an object by its key. Of the millisecond that a HEAD takes of a processor through the SDK, three
 * quarters go into resolving, serialising and wrapping what is the same each time. Here the SDK sends the first request,
 * and what came of it (address, signing scope) serves for the others: they are signed by the SDK's signer and sent by its
 * handler. What is not answered plainly is asked again in full by whoever asked, with the SDK's retries and errors.
 */
import type { S3Client } from '@aws-sdk/client-s3';
import { HttpRequest } from '@smithy/core/protocols';

export interface ShortRequest {
  readonly method: 'HEAD' | 'PUT';
  readonly key: string;
  /** In lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

export interface ShortAnswer {
  readonly status: number;
  /** In lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A request as the SDK is about to send it. */
interface FullRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What requests to a bucket have in common. */
interface Form extends Omit<FullRequest, 'path'> {
  /** Before the key. */
  readonly path: string;
  readonly signingRegion: string;
  readonly signingService: string;
}

/** After an answer that is none, as of a server under load: the SDK paces what it sends, this does not. */
const CLOSED_MS = 30_000;
/** Header fields of a request that belong to all of them. */
const COMMON = ['host', 'user-agent'];

export class ShortWay {
  readonly #client: S3Client;
  #form: Form | null = null;
  #closedUntilMs = 0;

  constructor(client: S3Client) {
    this.#client = client;
  }

  /** Learns from a request about this key that the SDK has sent and that was answered. */
  learn(request: unknown, key: string): void {
    this.#form ??= isFullRequest(request) ? formOf(request, key) : null;
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
    const { signingRegion, signingService } = form;
    try {
      const { config } = this.#client;
      const signer = await config.signer();
      const signingDate = new Date(Date.now() + config.systemClockOffset);
      const signed = await signer.sign(requestOf(form, request), { signingRegion, signingService, signingDate });
      const sent = await config.requestHandler.handle(HttpRequest.clone(signed as HttpRequest), {
        abortSignal: signal,
      });
      const { statusCode, headers, body } = sent.response;
      await drained(body);
      if (statusCode === 429 || statusCode >= 500) this.#close();
      return { status: statusCode, headers };
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

function requestOf({ protocol, hostname, port, path, headers: common }: Form, request: ShortRequest): HttpRequest {
  const { method, key, headers, body } = request;
  return new HttpRequest({
    protocol,
    hostname,
    ...(port !== undefined && { port }),
    method,
    path: path + encoded(key),
    headers: { ...common, ...headers },
    ...(body && { body }),
  });
}

function isFullRequest(request: unknown): request is FullRequest {
  const { path, hostname, headers } = request as Partial<FullRequest>;
  return typeof path === 'string' && typeof hostname === 'string' && typeof headers === 'object';
}

/** Null for one that is signed in a way of its own, as directory buckets and several regions at once want it. */
function formOf({ protocol, hostname, port, path, headers }: FullRequest, key: string): Form | null {
  const scope = /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request,/.exec(
    headers['authorization'] ?? '',
  );
  const [, signingRegion, signingService] = scope ?? [];
  const end = encoded(key);
  if (signingRegion === undefined || signingService === undefined || !path.endsWith(`/${end}`)) return null;
  if (headers['x-amz-s3session-token'] !== undefined) return null;
  const common = Object.fromEntries(COMMON.flatMap((name) => (headers[name] ? [[name, headers[name]]] : [])));
  return {
    protocol,
    hostname,
    ...(port !== undefined && { port }),
    path: path.slice(0, -end.length),
    headers: common,
    signingRegion,
    signingService,
  };
}

/** A key as it stands in an address: what RFC 3986 does not reserve stays, and the slashes. */
function encoded(key: string): string {
  const percent = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(key)
    .replace(/[!'()*]/g, percent)
    .replaceAll('%2F', '/');
}

/** The connection is free for another request once its answer was read to the end. */
async function drained(body: unknown): Promise<void> {
  if (!isReadable(body)) return;
  for await (const _ of body) {
    // Nothing in it is needed.
  }
}

function isReadable(body: unknown): body is AsyncIterable<unknown> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}
