/** Runs any command as a cold process and measures it from outside, by the operating system's own accounts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { busyShare, processorTimes } from '../support/machine.ts';

/** GNU time (Debian: `time`): what it tells is what the kernel counted for the process and those it waited for. */
const GNU_TIME = '/usr/bin/time';
/** Of what the system's packages install, whatever else comes first on this machine. */
const SYSTEM_PATH = '/usr/local/bin:/usr/bin:/bin';

export interface Command {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The current folder. */
  readonly folder: string;
}

export interface Timed {
  readonly wallSeconds: number;
  /** User and system time. */
  readonly cpuSeconds: number;
  readonly peakRssBytes: number;
  /** Of all processors while it ran, 0 to 1, whoever kept them busy: database and bucket too. NaN where nobody tells. */
  readonly machineBusy: number;
  readonly stdout: string;
}

/** Throws, with what the command said, when it does not end with exit code 0. */
export async function timed({ argv, env, folder }: Command, signal: AbortSignal): Promise<Timed> {
  signal.throwIfAborted();
  const accounts = `${folder}/accounts.txt`;
  await rm(accounts, { force: true });
  const before = processorTimes();
  const begun = performance.now();
  const child = spawn(GNU_TIME, ['-f', '%U %S %M', '-o', accounts, ...argv], {
    cwd: folder,
    env: { PATH: SYSTEM_PATH, HOME: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  // The command is a child of the child: both are of one group.
  const stop = () => child.pid !== undefined && process.kill(-child.pid, 'SIGKILL');
  signal.addEventListener('abort', stop, { once: true });
  try {
    const ended = once(child, 'exit').then((exit) => ({
      exit,
      wallSeconds: (performance.now() - begun) / 1000,
      machineBusy: busyShare(before, processorTimes()),
    }));
    const [{ exit, wallSeconds, machineBusy }, stdout, stderr] = await Promise.all([
      ended,
      text(child.stdout),
      text(child.stderr),
    ]);
    signal.throwIfAborted();
    if (exit[0] !== 0) throw new Error(`${argv.join(' ')} ended with ${exit[0] ?? exit[1]}:\n${stderr}${stdout}`);
    const [user = Number.NaN, system = Number.NaN, peakKb = Number.NaN] = await accountsIn(accounts);
    return { wallSeconds, cpuSeconds: user + system, peakRssBytes: peakKb * 1024, machineBusy, stdout };
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function accountsIn(file: string): Promise<number[]> {
  const lines = (await readFile(file, 'utf8')).trim().split('\n');
  return (lines.at(-1) ?? '').split(' ').map(Number);
}

/** The first line of what a program says of its version; null when it is not on the machine. */
export async function versionOf(program: string): Promise<string | null> {
  const child = spawn(program, ['--version'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: SYSTEM_PATH, HOME: '/nonexistent' },
  });
  const ended = once(child, 'exit');
  try {
    const [said, [code]] = await Promise.all([text(child.stdout), ended]);
    return code === 0 ? (said.split('\n')[0] ?? '').trim() : null;
  } catch {
    return null;
  }
}

export async function isInstalled(program: string): Promise<boolean> {
  return (await versionOf(program)) !== null;
}
