/** A folder to run the built program in, as somebody does who has nothing but the program. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { builtCli } from '../support/built.ts';

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Running {
  readonly process: ChildProcess;
  /** Resolves when the text has appeared on standard output or standard error; rejects if the program ends first. */
  says(text: string | RegExp): Promise<void>;
  readonly ended: Promise<Ran>;
  /** Standard output so far. */
  said(): string;
}

export interface CliWorld {
  readonly dir: string;
  /** Added to the environment of every command. */
  readonly env: Record<string, string>;
  /** Writes a file below the folder, an hour old so that nobody takes it for one that is still being written. */
  write(path: string, content: string | Buffer): void;
  /** Resolves when there is something at this path below the folder. */
  appears(path: string): Promise<void>;
  start(...args: string[]): Running;
  run(...args: string[]): Promise<Ran>;
  /** The lines of the newest log of a command. */
  log(command: string): Record<string, unknown>[];
  close(): void;
}

/** Makes one. Only what every process needs is taken over from the environment of the tests. */
export async function cliWorld(): Promise<CliWorld> {
  const program = await builtCli();
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-cli-'));
  // As root, PostgreSQL runs as another user: it must be able to pass through.
  chmodSync(dir, 0o711);
  const { PATH = '', HOME = '', NODE_COMPILE_CACHE = '' } = process.env;
  const env: Record<string, string> = { PATH, HOME, TMPDIR: tmpdir(), NODE_COMPILE_CACHE };
  const running = new Set<ChildProcess>();
  const start = (...args: string[]): Running => {
    const child = spawn(process.execPath, [program, ...args], { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    child.once('close', () => running.delete(child));
    return follow(child);
  };
  return {
    dir,
    env,
    write(path, content) {
      const file = join(dir, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
      const hourAgo = Date.now() / 1000 - 3600;
      utimesSync(file, hourAgo, hourAgo);
    },
    async appears(path) {
      while (!existsSync(join(dir, path))) await pause(10);
    },
    start,
    run: (...args) => start(...args).ended,
    log(command) {
      const name = readdirSync(join(dir, 'logs'))
        .filter((one) => one.endsWith(`-${command}.log`))
        .sort()
        .at(-1);
      const lines = readFileSync(join(dir, 'logs', name ?? ''), 'utf8')
        .trimEnd()
        .split('\n');
      return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    },
    close() {
      for (const child of running) child.kill('SIGKILL');
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function follow(child: ChildProcess): Running {
  const said = { stdout: '', stderr: '' };
  const listeners = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
      for (const listener of listeners) listener();
    });
  }
  const ended = once(child, 'close').then(([exitCode, signal]): Ran => ({ ...said, exitCode, signal }));
  const has = (text: string | RegExp) =>
    Object.values(said).some((all) => (typeof text === 'string' ? all.includes(text) : text.test(all)));
  return {
    process: child,
    ended,
    said: () => said.stdout,
    says: (text) =>
      new Promise((resolve, reject) => {
        const listener = () => {
          if (has(text)) resolve();
        };
        listeners.add(listener);
        listener();
        void ended.then((ran) => reject(new Error(`ended before it said ${text}: ${JSON.stringify(ran)}`)));
      }),
  };
}

/** Standard error without the lines that tell how far a command is: there are some where it takes more than seconds. */
export function saidBesides({ stderr }: Ran): string {
  return stderr.replaceAll(/^\w+ [^\n]*: [\d,]+(\/[\d,]+)? files[^\n]*\n/gm, '');
}

/** The JSON lines of a standard output; fails on a line that is none. */
export function jsonLines(stdout: string): Record<string, unknown>[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
