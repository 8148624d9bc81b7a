/** `rollcall serve` as a process, and how it is started, stopped and killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { BenchmarkOptions } from './benchmark.ts';
import { measure } from './measured-process.ts';
import { removeDatabase } from './services.ts';
import type { Workplace } from './workplace.ts';

const PATIENCE_MS = 60_000;
/** Between two tries to be answered. */
const TRY_MS = 5;

type Options = Pick<BenchmarkOptions, 'nodeOptions' | 'signal'>;

export interface Answered {
  /** From the start of the process. */
  readonly healthSeconds: number;
  readonly pageSeconds: number;
  /** Of the server alone, until both were answered. NaN where the system is not Linux. */
  readonly cpuSeconds: number;
}

/** One after the other, on one DATA_DIR with embedded services. Nothing of them is left when the workplace is closed. */
export class Server {
  readonly #place: Workplace;
  readonly #main: string;
  readonly #port: number;
  readonly #options: Options;
  #process: ChildProcess | null = null;

  private constructor(place: Workplace, main: string, port: number, options: Options) {
    this.#place = place;
    this.#main = main;
    this.#port = port;
    this.#options = options;
    place.defer(() => removeDatabase(this.#dataDir));
    place.defer(() => this.killAll());
  }

  static async at(place: Workplace, main: string, options: Options): Promise<Server> {
    return new Server(place, main, await freePort(), options);
  }

  get #dataDir(): string {
    return this.#place.path('data');
  }

  get #environment(): Record<string, string> {
    const [data, logs] = [this.#dataDir, this.#place.path('logs')];
    return { PORT: String(this.#port), DATA_DIR: data, LOG_DIR: logs };
  }

  /** Until both are answered. */
  async start(): Promise<Answered> {
    const { folder } = this.#place;
    const env = { PATH: process.env['PATH'] ?? '', HOME: folder, ...this.#environment };
    const args = [...this.#options.nodeOptions, this.#main, 'serve'];
    const begun = performance.now();
    const started = spawn(process.execPath, args, {
      cwd: folder,
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    this.#process = started;
    let said = '';
    started.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const [healthSeconds, pageSeconds] = await Promise.all(
      ['/api/health', '/'].map(async (path) => {
        const url = `http://127.0.0.1:${this.#port}${path}`;
        const there = await answered(url, started, this.#options.signal);
        if (!there) throw new Error(`${url} was not answered; rollcall serve said:\n${said}`);
        return (performance.now() - begun) / 1000;
      }),
    );
    const cpuSeconds = cpuSecondsOf(started.pid);
    return { healthSeconds: healthSeconds ?? Number.NaN, pageSeconds: pageSeconds ?? Number.NaN, cpuSeconds };
  }

  /** Answers how long that took. */
  async stop(): Promise<number> {
    const begun = performance.now();
    await this.#end('SIGTERM');
    return (performance.now() - begun) / 1000;
  }

  /** The embedded services find out, and stop. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** As if the power had gone, but for what the system has in its caches. */
  async killAll(): Promise<void> {
    const services = processesNaming(this.#dataDir);
    for (const pid of services) killIfThere(pid);
    await this.kill();
  }

  async command(name: string): Promise<void> {
    const { folder } = this.#place;
    await measure({ args: [this.#main, name], env: this.#environment, folder }, this.#options.signal);
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const running = this.#process;
    this.#process = null;
    if (running === null || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, 'exit');
    running.kill(signal);
    const [code] = await ended;
    if (signal === 'SIGTERM' && code !== 0) throw new Error(`rollcall serve ended with ${code}`);
  }
}

/** At the first byte of the first answer that is 200; false when there is none. */
async function answered(url: string, server: ChildProcess, signal: AbortSignal): Promise<boolean> {
  for (const until = performance.now() + PATIENCE_MS; performance.now() < until; await pause(TRY_MS)) {
    signal.throwIfAborted();
    if (server.exitCode !== null) return false;
    if ((await statusOf(url)) === 200) return true;
  }
  return false;
}

/** Null when nobody is there. */
function statusOf(url: string): Promise<number | null> {
  return new Promise((resolve) => {
    const asked = get(url, { agent: false }, (answer: IncomingMessage) => {
      answer.destroy();
      resolve(answer.statusCode ?? null);
    });
    asked.on('error', () => resolve(null));
  });
}

/** Those that were started with the folder among their arguments: the host of the embedded services, and PostgreSQL. */
function processesNaming(folder: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => pid !== process.pid && argumentsOf(pid).includes(folder));
}

function argumentsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** User and system time: the 14th and 15th field, of which the second may hold spaces, in hundredths of a second. */
function cpuSecondsOf(pid: number | undefined): number {
  if (process.platform !== 'linux' || pid === undefined) return Number.NaN;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended in this moment.
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
