/**
 * Sends a signed request over the connections of the SDK's handler and reads the answer to its end: what the handler
 * does, less its timers, its copies and its streams for each request.
 */
import { Agent, type ClientRequest, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler, type NodeHttpHandlerOptions } from '@smithy/node-http-handler';

/** Of a body that is wanted no more is kept; what is longer is no answer that anybody reads here. */
const MOST_BODY = 65_536;

/** How requests reach a server. */
export interface Wire {
  readonly secure: boolean;
  /** An IPv6 address without its brackets. */
  readonly host: string;
  readonly port: number | undefined;
  readonly agent: Agent;
  readonly connectTimeoutMs: number;
  /** Of silence on a connection. */
  readonly idleTimeoutMs: number;
}

export interface WireRequest {
  readonly method: string;
  /** As it stands in an address. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly wantsBody: boolean;
}

export interface WireAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** `''` where it is not wanted. */
  readonly body: string;
}

/** Of a handler as client.ts makes it; of another none. */
function settingsOf(handler: object): NodeHttpHandlerOptions {
  return handler instanceof NodeHttpHandler ? handler.httpHandlerConfigs() : {};
}

/** Over the connections that the client has used before, and with its timeouts; null if they are not Node's. */
export function wireOf(
  { config }: S3Client,
  { protocol, hostname, port }: { readonly protocol: string; readonly hostname: string; readonly port?: number },
): Wire | null {
  const handler = settingsOf(config.requestHandler);
  const secure = protocol === 'https:';
  const agent = secure ? handler.httpsAgent : handler.httpAgent;
  if (!(agent instanceof Agent)) return null;
  return {
    secure,
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port,
    agent,
    connectTimeoutMs: handler.connectionTimeout ?? 0,
    idleTimeoutMs: handler.socketTimeout ?? 0,
  };
}

/** Throws when there was no answer, with the signal's reason once it has aborted. */
export function sendOver(wire: Wire, request: WireRequest, signal: AbortSignal): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const sent = begin(wire, request);
    // One that waits for a connection would tell only once it has one.
    const abort = () => {
      sent.destroy();
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort);
    let answered = false;
    sent.on('close', () => {
      signal.removeEventListener('abort', abort);
      if (!answered) reject(new Error('the connection was closed'));
    });
    sent.on('error', reject);
    sent.on('response', (answer) => {
      answer.on('error', reject);
      let body = '';
      if (request.wantsBody) {
        answer.setEncoding('utf8').on('data', (text: string) => {
          if (body.length < MOST_BODY) body += text;
        });
      }
      answer.on('end', () => {
        answered = true;
        // An answer may come before the body was taken: what is left of it must not be sent from memory that is used again.
        if (!sent.writableFinished) sent.destroy();
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body });
      });
      answer.resume();
    });
    sent.end(request.body);
  });
}

function begin({ secure, host, port, agent, ...limits }: Wire, { method, path, headers }: WireRequest): ClientRequest {
  // A list of header fields is written out as it is, without being looked over and copied.
  const fields = Object.entries(headers).flat();
  const options = { host, port, agent, method, path, headers: fields, timeout: limits.idleTimeoutMs };
  const sent = secure ? httpsRequest(options) : httpRequest(options);
  sent.on('timeout', () => sent.destroy(new Error(`nothing was heard for ${limits.idleTimeoutMs} ms`)));
  sent.on('socket', (socket) => {
    if (socket.connecting && limits.connectTimeoutMs > 0) limitConnecting(sent, socket, limits.connectTimeoutMs);
  });
  return sent;
}

function limitConnecting(sent: ClientRequest, socket: Socket, limitMs: number): void {
  const timer = setTimeout(() => sent.destroy(new Error(`there was no connection after ${limitMs} ms`)), limitMs);
  const end = () => clearTimeout(timer);
  socket.once('connect', end);
  sent.once('close', end);
}
