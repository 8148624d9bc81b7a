/** The server on its socket: finding a port, keeping slow clients in check, closing without cutting anybody off. */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { getRequestListener } from '@hono/node-server';
import { RollcallError } from '../errors.ts';
import type { Log } from '../sync/ports.ts';
import type { App } from './openapi.ts';

export interface ListenOptions {
  /** A name or address of this machine. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly log: Log;
  readonly patience?: Partial<Patience>;
}

/** How long to wait for what, in milliseconds. None of it limits how long an answer may take. */
export interface Patience {
  /** For a request's headers, from its first byte or the connection's start. */
  readonly headersMs: number;
  /** For a whole request, its body included. */
  readonly requestMs: number;
  /** When closing: for running requests to finish by themselves. */
  readonly finishMs: number;
  /** After that: for running work that was told to stop to wind up. */
  readonly drainMs: number;
}

const PATIENCE: Patience = { headersMs: 10_000, requestMs: 30_000, finishMs: 3_000, drainMs: 5_000 };

/** Ports tried after a busy one before any free port is taken. */
const NEXT_PORTS = 100;

export interface Listening {
  readonly address: string;
  readonly port: number;
  /** The port that was asked for, when it was busy and another was taken. */
  readonly portWasBusy: number | null;
  /**
   * Takes no new connections, tells those who only listen to go (`HttpEnv.closing`), lets running requests finish for
   * a bounded time, then tells running work to stop (`HttpEnv.stopping`), and cuts what is still open after that.
   * Calling it again waits for the same end.
   */
  close(): Promise<void>;
}

/**
 * Serves the app until `close()` is called or `signal` aborts. A busy port gives way to the next free one.
 * BAD_CONFIG when the host is not this machine's or the port may not be used.
 */
export async function listen(app: App, options: ListenOptions, signal: AbortSignal): Promise<Listening> {
  const patience = { ...PATIENCE, ...options.patience };
  const requests = new RunningRequests();
  const closing = new AbortController();
  const stopping = new AbortController();
  const goesOn = (work: Promise<void>) => requests.goOn(work);
  const bindings = { closing: closing.signal, stopping: stopping.signal, goesOn };
  const answerRequest = getRequestListener(
    (request, { outgoing }) => app.fetch(request, { ...bindings, hangUp: () => outgoing.destroy() }),
    {
      overrideGlobalObjects: false,
      errorHandler: () =>
        Response.json(UNREADABLE, { status: 400, headers: { 'Content-Type': 'application/problem+json' } }),
    },
  );
  const server = createServer(
    {
      headersTimeout: patience.headersMs,
      requestTimeout: patience.requestMs,
      connectionsCheckingInterval: Math.min(1_000, patience.headersMs),
    },
    (incoming, outgoing) => requests.add(outgoing, answerRequest(incoming, outgoing)),
  );
  // RFC 9110 allows to refuse what is not understood here, and Node would, with no problem document.
  server.on('checkExpectation', (incoming, outgoing) => server.emit('request', incoming, outgoing));
  server.on('clientError', refuseUnreadable);

  const portWasBusy = await bind(server, options, signal);
  server.on('error', (err) => options.log.error({ err }, 'the server failed'));
  const { address, port } = server.address() as AddressInfo;

  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    signal.removeEventListener('abort', close);
    closed ??= shutDown(server, requests, { closing, stopping }, patience);
    return closed;
  };
  signal.addEventListener('abort', close);
  if (signal.aborted) {
    await close();
    signal.throwIfAborted();
  }
  return { address, port, portWasBusy, close };
}

const UNREADABLE = problem(400, 'the request cannot be read: its address or its Host header is not valid');

/** What Node's parser gives up on, by its code. Nothing that was sent is repeated: it may be anything. */
const REFUSALS: Readonly<Record<string, ReturnType<typeof problem>>> = {
  HPE_HEADER_OVERFLOW: problem(431, 'the address and the headers are too long: 16 KiB are taken'),
  ERR_HTTP_REQUEST_TIMEOUT: problem(408, 'the request took too long to arrive'),
};
const NO_HTTP = problem(400, 'this is not HTTP');

function problem(status: number, detail: string) {
  return { type: 'about:blank', title: STATUS_CODES[status], status, detail, code: 'BAD_INPUT' } as const;
}

/** A request that never came to be one: there is no answer to write to, only the connection. */
function refuseUnreadable(
  error: NodeJS.ErrnoException,
  socket: Duplex & { _httpMessage?: ServerResponse | null },
): void {
  // What is being answered must not be mixed with this.
  if (!socket.writable || socket._httpMessage?.headersSent) {
    socket.destroy(error);
    return;
  }
  const refusal = REFUSALS[error.code ?? ''] ?? NO_HTTP;
  const body = JSON.stringify(refusal);
  const head = [
    `HTTP/1.1 ${refusal.status} ${refusal.title}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** Listens on the port or a later one; answers the port asked for when it was busy. */
async function bind(server: Server, { host, port }: ListenOptions, signal: AbortSignal): Promise<number | null> {
  const last = Math.min(port + NEXT_PORTS, 65_535);
  for (let candidate = port; ; candidate = candidate < last ? candidate + 1 : 0) {
    signal.throwIfAborted();
    try {
      server.listen(candidate, host);
      await once(server, 'listening');
      return candidate === port ? null : port;
    } catch (thrown) {
      if (codeOf(thrown) !== 'EADDRINUSE' || candidate === 0) throw cannotListen(thrown, host, port);
    }
  }
}

function cannotListen(cause: unknown, host: string, port: number): RollcallError {
  if (codeOf(cause) === 'EACCES') {
    const message = `PORT ${port} may not be used by this user; ports from 1024 on usually may`;
    return new RollcallError('BAD_CONFIG', message, { cause, field: 'PORT' });
  }
  const message = `HOST ${host} cannot be listened on (${codeOf(cause)}); it must be an address of this machine`;
  return new RollcallError('BAD_CONFIG', message, { cause, field: 'HOST' });
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown error';
}

/** Requests that are being worked on or whose answers are being sent. */
class RunningRequests {
  readonly #running = new Map<ServerResponse, Promise<unknown>>();
  /** Work whose requests were answered. */
  readonly #goingOn = new Set<Promise<void>>();
  #closing = false;

  /** `work` ends with the handler, which goes on when the client hangs up. */
  add(outgoing: ServerResponse, work: Promise<void>): void {
    if (this.#closing) outgoing.shouldKeepAlive = false;
    const sent = new Promise<void>((resolve) => outgoing.once('close', resolve));
    const ended = Promise.allSettled([work, sent]).then(() => this.#running.delete(outgoing));
    this.#running.set(outgoing, ended);
  }

  goOn(work: Promise<void>): void {
    this.#goingOn.add(work);
    void work.finally(() => this.#goingOn.delete(work));
  }

  /** From now on each answer ends its connection. */
  stopKeepingAlive(): void {
    this.#closing = true;
    for (const outgoing of this.#running.keys()) outgoing.shouldKeepAlive = false;
  }

  /** Resolves when none is left, or after `ms`. */
  async ended(ms: number): Promise<void> {
    if (this.#running.size + this.#goingOn.size === 0) return;
    const timer = new AbortController();
    const timeUp = pause(ms, undefined, { signal: timer.signal }).catch(() => undefined);
    await Promise.race([Promise.all([...this.#running.values(), ...this.#goingOn]), timeUp]);
    timer.abort();
  }
}

async function shutDown(
  server: Server,
  requests: RunningRequests,
  { closing, stopping }: { readonly closing: AbortController; readonly stopping: AbortController },
  patience: Patience,
): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  requests.stopKeepingAlive();
  closing.abort();
  await requests.ended(patience.finishMs);
  stopping.abort();
  await requests.ended(patience.drainMs);
  // What is left has sent no whole request, or does not take its answer.
  server.closeAllConnections();
  await closed;
}
