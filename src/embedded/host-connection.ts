/** A client's end of the line to the host of the embedded services, which is started when there is none. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isErrorCode, RollcallError } from '../errors.ts';
import { withSocketPath } from './socket-path.ts';
import { type Answer, type Opened, onMessages, type Request, send } from './wire.ts';

const LOG_FILE = 'embedded.log';
const MOST_LOG_BYTES = 1_000_000;
const RELEASE_PATIENCE_MS = 60_000;

/** The host ended before it answered: ask again, of the next one. */
export class HostGone extends Error {
  constructor() {
    super('the process that holds the embedded services ended');
  }
}

/** An open connection that has asked for something keeps the services running. */
export class HostConnection {
  /** Settles when the connection is over, whoever ended it. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #waiting = new Map<number, { resolve(done: Opened | null): void; reject(error: Error): void }>();
  #lastId = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => {});
    onMessages<Answer>(socket, (answer) => this.#take(answer));
    void this.closed.then(() => {
      for (const { reject } of this.#waiting.values()) reject(new HostGone());
      this.#waiting.clear();
    });
  }

  /** HostGone when the host ends before it answers; the signal's reason, with the connection closed, on abort. */
  async request(request: Request, signal: AbortSignal): Promise<Opened | null> {
    signal.throwIfAborted();
    if (this.#socket.destroyed) throw new HostGone();
    const id = ++this.#lastId;
    const abort = () => this.#socket.destroy();
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await new Promise<Opened | null>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject });
        send(this.#socket, { ...request, id });
      });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** Lets go of the services; when this was the last connection, they are down once it returns. */
  async release(): Promise<void> {
    this.#socket.end();
    // The host itself forces an end before this; only a host that was stopped with SIGSTOP or the like gets so far.
    const impatience = setTimeout(() => this.#socket.destroy(), RELEASE_PATIENCE_MS);
    await this.closed;
    clearTimeout(impatience);
  }

  #take(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('done' in answer) waiting?.resolve(answer.done);
    else {
      const { code, message } = answer.failed;
      waiting?.reject(new RollcallError(isErrorCode(code) ? code : 'INTERNAL', message));
    }
  }
}

/** Connects to the host of `dataDir`, a real path, starting one as often as it takes. */
export async function connectToHost(dataDir: string, signal: AbortSignal): Promise<HostConnection> {
  let started: ReturnType<typeof startHost> | undefined;
  for (;;) {
    signal.throwIfAborted();
    const socket = await tryConnect(dataDir);
    if (socket !== null) return new HostConnection(socket);
    started?.throwIfFailed();
    // One that ended well found another host serving, which is now gone too.
    if (started === undefined || started.child.exitCode === 0) started = startHost(dataDir);
    await wait(10);
  }
}

/** Does a host of `dataDir`, a real path, run? Starts none. */
export async function hasHost(dataDir: string): Promise<boolean> {
  const socket = await tryConnect(dataDir);
  socket?.destroy();
  return socket !== null;
}

function tryConnect(dataDir: string): Promise<Socket | null> {
  return withSocketPath(
    dataDir,
    (path) =>
      new Promise((resolve, reject) => {
        const socket = connect(path);
        socket.once('connect', () => resolve(socket));
        socket.once('error', (error: NodeJS.ErrnoException) => {
          if (error.code !== 'EACCES' && error.code !== 'EPERM') return resolve(null);
          const message = `The embedded services in ${dataDir} were started by another user. Use another DATA_DIR, or run as that user.`;
          reject(new RollcallError('BAD_CONFIG', message, { cause: error, field: 'DATA_DIR' }));
        });
      }),
  );
}

function startHost(dataDir: string): { child: ChildProcess; throwIfFailed(): void } {
  const path = join(dataDir, LOG_FILE);
  const log = openLog(path);
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const program = fileURLToPath(new URL(`./host.${extension}`, import.meta.url));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, dataDir], {
    // A session of its own: Ctrl-C in the client's terminal does not reach it.
    detached: true,
    stdio: ['ignore', log, log],
    cwd: '/',
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  closeSync(log);
  child.unref();
  let fault: string | null = null;
  child.on('error', (error) => {
    fault = error.message;
  });
  child.on('exit', (code, signal) => {
    if (code !== 0) fault = `${tail(path)}\n(it ended with ${code ?? signal})`;
  });
  const throwIfFailed = () => {
    if (fault === null) return;
    throw new RollcallError('DATABASE_UNREACHABLE', `The embedded services could not be started: ${fault}`);
  };
  return { child, throwIfFailed };
}

function openLog(path: string): number {
  try {
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    return openSync(path, size > MOST_LOG_BYTES ? 'w' : 'a', 0o600);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RollcallError('BAD_CONFIG', `DATA_DIR can't be written: ${why}`, { cause, field: 'DATA_DIR' });
  }
}

function tail(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim().split('\n').slice(-8).join('\n');
  } catch {
    return '';
  }
}
