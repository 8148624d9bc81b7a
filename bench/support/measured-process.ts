/** Runs a Node program as a cold process and measures it from outside and, at its end, from inside. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const PRELOAD = new URL('./usage-preload.mjs', import.meta.url).href;

export interface Program {
  /** The script and its arguments. */
  readonly args: readonly string[];
  readonly nodeOptions?: readonly string[];
  /** All of it: nothing is inherited but PATH. */
  readonly env: Readonly<Record<string, string>>;
  /** The current folder, and where files of measuring go. */
  readonly folder: string;
}

export interface Measured {
  readonly wallSeconds: number;
  readonly userSeconds: number;
  readonly systemSeconds: number;
  /** user + system, all threads. */
  readonly cpuSeconds: number;
  readonly peakRssBytes: number;
  readonly stdout: string;
}

/** Throws, with what the program said, when it does not end with exit code 0. */
export async function measure(program: Program, signal: AbortSignal): Promise<Measured> {
  signal.throwIfAborted();
  const usageFile = join(program.folder, 'usage.json');
  await rm(usageFile, { force: true });
  const begun = performance.now();
  const child = spawn(process.execPath, ['--import', PRELOAD, ...(program.nodeOptions ?? []), ...program.args], {
    cwd: program.folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: program.folder, ...program.env, BENCH_USAGE_FILE: usageFile },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stop = () => child.kill('SIGKILL');
  signal.addEventListener('abort', stop, { once: true });
  try {
    const ended = once(child, 'exit').then((exit) => ({ exit, wallSeconds: (performance.now() - begun) / 1000 }));
    const [{ exit, wallSeconds }, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
    signal.throwIfAborted();
    if (exit[0] !== 0)
      throw new Error(`${program.args.join(' ')} ended with ${exit[0] ?? exit[1]}:\n${stderr}${stdout}`);
    return { wallSeconds, stdout, ...(await readUsage(usageFile)) };
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function readUsage(file: string): Promise<Omit<Measured, 'wallSeconds' | 'stdout'>> {
  const usage = JSON.parse(await readFile(file, 'utf8')) as Record<
    'userSeconds' | 'systemSeconds' | 'peakRssBytes',
    number
  >;
  return { ...usage, cpuSeconds: usage.userSeconds + usage.systemSeconds };
}
