/**
 * A proxy in front of a real S3 endpoint that breaks what a test tells it to break: the network and the server are
 * real, only their bad days are made to order.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** What befalls a request. */
export type Fault =
  /** The connection breaks before the server has seen the request. */
  | { readonly kind: 'break-before' }
  /** The connection breaks in the middle of the request's body; the server sees a request that never ends. */
  | { readonly kind: 'break-during' }
  /** The server does the work, and its answer is lost. */
  | { readonly kind: 'break-after' }
  /** Nobody answers, and the connection stays: before the server has seen the request, or after it has done the work. */
  | { readonly kind: 'hang'; readonly when: 'before' | 'after' }
  /** The server gets another body than was sent, with a length that fits it. */
  | { readonly kind: 'spoil'; readonly body: (body: Buffer) => Buffer }
  /** The server's answer, its body in pieces of so many bytes. */
  | { readonly kind: 'drip'; readonly bytes: number; readonly everyMs: number }
  /** The proxy answers itself. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string;
    }
  /** The server's answer, with its body or some of its headers rewritten. */
  | {
      readonly kind: 'rewrite';
      readonly body?: (body: string) => string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /**
   * The server's answer with these bytes as its body; then the connection breaks or falls silent, or the answer ends.
   * `unsized`: the answer does not tell its length.
   */
  | {
      readonly kind: 'cut';
      readonly body: (body: Buffer) => Buffer;
      readonly ending: 'break' | 'silence' | 'end';
      readonly unsized?: true;
    }
  /** Something happens first, then the request goes through. */
  | { readonly kind: 'after'; readonly first: () => Promise<unknown> };

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
}

export interface FaultProxy {
  readonly endpoint: string;
  /** Every request since the last `reset`, in order. */
  readonly seen: readonly SeenRequest[];
  /** Asked for each request; null lets it through. */
  fail(decide: (request: SeenRequest, nth: number) => Fault | null): void;
  reset(): void;
  /** Resolves when nothing is under way: a server may still work for somebody who has gone. */
  quiet(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a proxy on a free port of 127.0.0.1. The Host header is passed on, so that signatures stay right. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const seen: SeenRequest[] = [];
  const underWay = new Set<Promise<unknown>>();
  let decide: (request: SeenRequest, nth: number) => Fault | null = () => null;
  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url ?? '/', 'http://proxy');
    const about = {
      method: incoming.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: incoming.headers,
    };
    const fault = decide(about, seen.push(about));
    const passing = pass(target, incoming, outgoing, fault).catch(() => outgoing.destroy());
    underWay.add(passing);
    void passing.finally(() => underWay.delete(passing));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    fail: (newDecide) => {
      decide = newDecide;
    },
    reset: () => {
      seen.length = 0;
      decide = () => null;
    },
    quiet: async () => {
      while (underWay.size > 0) await Promise.all(underWay);
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function pass(target: string, incoming: IncomingMessage, outgoing: ServerResponse, fault: Fault | null) {
  if (fault?.kind === 'break-before') {
    incoming.socket.destroy();
    return;
  }
  if (fault?.kind === 'break-during') {
    await breakDuring(target, incoming);
    return;
  }
  if (fault?.kind === 'hang' && fault.when === 'before') {
    incoming.resume();
    return;
  }
  const sentBody = await bytesOf(incoming);
  const body = fault?.kind === 'spoil' ? fault.body(sentBody) : sentBody;
  if (fault?.kind === 'answer') {
    outgoing.writeHead(fault.status, { 'content-length': Buffer.byteLength(fault.body ?? ''), ...fault.headers });
    outgoing.end(incoming.method === 'HEAD' ? undefined : fault.body);
    return;
  }
  if (fault?.kind === 'after') await fault.first();
  const { answer, bytes } = await forward(target, incoming, body);
  if (fault?.kind === 'hang') return;
  if (fault?.kind === 'break-after') {
    incoming.socket.destroy();
    return;
  }
  if (fault?.kind === 'drip') {
    await drip(answer, outgoing, bytes, fault);
    return;
  }
  if (fault?.kind === 'cut') {
    cut(answer, outgoing, fault.body(bytes), fault);
    return;
  }
  const rewrite = fault?.kind === 'rewrite' ? fault : null;
  const headers = { ...answer.headers, ...rewrite?.headers };
  const sent = rewrite?.body === undefined ? bytes : Buffer.from(rewrite.body(bytes.toString()));
  delete headers['transfer-encoding'];
  if (incoming.method !== 'HEAD') headers['content-length'] = String(sent.length);
  outgoing.writeHead(answer.statusCode ?? 502, headers);
  outgoing.end(sent);
}

function cut(
  answer: IncomingMessage,
  outgoing: ServerResponse,
  bytes: Buffer,
  { ending, unsized }: Extract<Fault, { kind: 'cut' }>,
): void {
  const headers = { ...answer.headers };
  if (unsized) delete headers['content-length'];
  outgoing.writeHead(answer.statusCode ?? 502, headers);
  outgoing.flushHeaders();
  if (ending === 'end') {
    outgoing.end(bytes);
    return;
  }
  outgoing.write(bytes, () => {
    if (ending === 'break') outgoing.socket?.destroy();
  });
}

async function drip(
  answer: IncomingMessage,
  outgoing: ServerResponse,
  body: Buffer,
  { bytes, everyMs }: Extract<Fault, { kind: 'drip' }>,
): Promise<void> {
  outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
  outgoing.flushHeaders();
  for (let at = 0; at < body.length && !outgoing.destroyed; at += bytes) {
    outgoing.write(body.subarray(at, at + bytes));
    await pause(everyMs);
  }
  outgoing.end();
}

/** Half of the body goes on to the server, as it was promised whole, and then both connections break. */
async function breakDuring(target: string, incoming: IncomingMessage): Promise<void> {
  const body = await bytesOf(incoming);
  const outgoing = requestTo(target, incoming, incoming.headers);
  outgoing.on('error', () => {});
  await new Promise<void>((resolve) => outgoing.write(body.subarray(0, body.length >> 1), () => resolve()));
  outgoing.destroy();
  incoming.socket.destroy();
}

function requestTo(target: string, { method, url: path }: IncomingMessage, headers: IncomingMessage['headers']) {
  const { hostname, port } = new URL(target);
  return request({ hostname, port, method, path, headers, agent: false });
}

function forward(target: string, incoming: IncomingMessage, body: Buffer) {
  return new Promise<{ answer: IncomingMessage; bytes: Buffer }>((resolve, reject) => {
    const { headers } = incoming;
    const sized = headers['content-length'] === undefined ? {} : { 'content-length': String(body.length) };
    const outgoing = requestTo(target, incoming, { ...headers, ...sized });
    outgoing.on('response', (answer) => {
      bytesOf(answer).then((bytes) => resolve({ answer, bytes }), reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

async function bytesOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
