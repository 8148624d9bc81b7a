/** From a request on a socket to an answer on it: authenticate, find the operation, run it, send what it gives. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Authenticator } from './authenticate.ts';
import { S3Error } from './errors.ts';
import { resolveOperation } from './operations.ts';
import { readHead } from './request-head.ts';
import type { AccessRequest, S3Context, S3Response } from './types.ts';
import { element, XML_HEAD } from './xml.ts';

/** Bytes of a refused body that are read and thrown away, so that the client gets to reading the answer. */
const MOST_DRAINED = 64 * 1024 * 1024;

export interface HandlerOptions {
  /** A name for the next request, for its answer and the log. */
  readonly nextRequestId: () => string;
  readonly authenticator: Authenticator;
  readonly context: S3Context;
  readonly clock: () => number;
  readonly log: (line: string) => void;
}

/** Handles one request; `expects` says that the client waits for "100 Continue". Never throws. */
export async function handle(
  options: HandlerOptions,
  http: IncomingMessage,
  answer: ServerResponse,
  expects: boolean,
): Promise<void> {
  const id = options.nextRequestId();
  answer.setHeader('x-amz-request-id', id);
  answer.setHeader('server', 'rollcall-embedded-s3');
  const now = options.clock();
  // Clients set their own clocks by it.
  answer.setHeader('date', new Date(now).toUTCString());
  let waiting = expects;
  const proceed = (): void => {
    if (waiting) answer.writeContinue();
    waiting = false;
  };
  let response: S3Response;
  try {
    response = await respond(options, http, now, proceed);
  } catch (error) {
    response = errorResponse(error, http, id, options.log);
  }
  try {
    // A client that still waits never sends its body, so the next request can't be told from it.
    if (waiting) answer.setHeader('connection', 'close');
    else await drain(http, answer);
    await send(response, http, answer);
  } catch (error) {
    // The client is gone, or what it was promised can't be read: only a cut connection tells it so.
    if (!http.destroyed && !answer.writableFinished) options.log(`${http.method} ${http.url}: ${String(error)}`);
    answer.destroy();
  } finally {
    response.release?.();
  }
}

async function respond(
  { authenticator, context }: HandlerOptions,
  http: IncomingMessage,
  now: number,
  proceed: () => void,
): Promise<S3Response> {
  const head = readHead(http);
  const { credentials, payload } = authenticator.authenticate(head, now);
  const operation = resolveOperation(head);
  const denied = (access: AccessRequest): boolean => credentials.deny?.(access) ?? false;
  if (denied({ operation: operation.name, bucket: head.bucket, key: head.key })) throw new S3Error('AccessDenied');
  return await operation.run({ ...head, http, now, payload, denied, proceed }, context);
}

/** Also for answers that are no errors: a GET may come with a body nobody asked for. */
async function drain(http: IncomingMessage, answer: ServerResponse): Promise<void> {
  if (http.complete || http.destroyed) return;
  let bytes = 0;
  for await (const chunk of http.iterator({ destroyOnReturn: false })) {
    bytes += (chunk as Buffer).length;
    if (bytes > MOST_DRAINED) {
      answer.setHeader('connection', 'close');
      return;
    }
  }
}

async function send(response: S3Response, http: IncomingMessage, answer: ServerResponse): Promise<void> {
  const { status, headers = {}, body } = response;
  for (const [name, value] of Object.entries(headers)) answer.setHeader(name, value);
  answer.statusCode = status;
  if (body === undefined || http.method === 'HEAD') {
    // To a HEAD too: Node's client gives up a connection whose answer tells neither a length nor that it is chunked.
    const sized = status === 204 || status === 304 || answer.hasHeader('content-length');
    if (!sized) answer.setHeader('content-length', lengthOf(body));
    answer.end();
  } else if (typeof body === 'string' || Buffer.isBuffer(body)) {
    if (typeof body === 'string' && !answer.hasHeader('content-type'))
      answer.setHeader('content-type', 'application/xml');
    answer.setHeader('content-length', Buffer.byteLength(body));
    answer.end(body);
  } else {
    await pipeline(Readable.from(body, { objectMode: false }), answer);
  }
}

/** Of what a GET would be sent; a stream tells its length in a header of its own. */
function lengthOf(body: S3Response['body']): number {
  return typeof body === 'string' || Buffer.isBuffer(body) ? Buffer.byteLength(body) : 0;
}

function errorResponse(error: unknown, http: IncomingMessage, id: string, log: (line: string) => void): S3Response {
  const known = error instanceof S3Error ? error : new S3Error('InternalError');
  if (error !== known) log(`${http.method} ${http.url}: ${error instanceof Error ? error.stack : String(error)}`);
  const path = (http.url ?? '').replace(/\?.*$/s, '');
  const details = Object.entries(known.details).map(([name, value]) => element(name, value));
  const text = element('Code', known.code) + element('Message', known.message) + details.join('');
  const body = `${XML_HEAD}<Error>${text}${element('Resource', path)}${element('RequestId', id)}</Error>`;
  return { status: known.status, headers: { 'content-type': 'application/xml' }, body };
}
