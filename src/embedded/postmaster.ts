/** A PostgreSQL server that outlived the process which started it. */
import { execFile } from 'node:child_process';
import { readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { RollcallError } from '../errors.ts';

const run = promisify(execFile);

const PATIENCE_MS = 20_000;

/**
 * Makes sure that no server runs on the data folder: stops one that does, and removes the lock file of one that is dead
 * when its process number now belongs to another program, which PostgreSQL would take for the server. True when a
 * server was stopped. Only for the one host of the folder, so that what runs there is nobody's any more.
 * DATABASE_UNREACHABLE when it does not stop.
 */
export async function stopOrphan(dataFolder: string, signal: AbortSignal): Promise<boolean> {
  const lockFile = join(dataFolder, 'postmaster.pid');
  const pid = readPid(lockFile);
  if (pid === null || !isAlive(pid)) return false;
  if (!(await isPostmasterOf(pid, dataFolder))) {
    rmSync(lockFile, { force: true });
    return false;
  }
  // Fast shutdown, and when that hangs, immediate shutdown: the next start recovers from the log.
  for (const how of ['SIGINT', 'SIGQUIT'] as const) {
    kill(pid, how);
    for (let waited = 0; waited < PATIENCE_MS; waited += 25) {
      if (!isAlive(pid)) return true;
      await wait(25, undefined, { signal });
    }
  }
  throw new RollcallError(
    'DATABASE_UNREACHABLE',
    `A PostgreSQL server (process ${pid}) left by a crash still runs on ${dataFolder} and does not stop. Stop it, then start again.`,
  );
}

function readPid(lockFile: string): number | null {
  try {
    const pid = Number(readFileSync(lockFile, 'utf8').split('\n')[0]);
    return Number.isInteger(pid) && pid > 1 ? pid : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function kill(pid: number, how: NodeJS.Signals): void {
  try {
    process.kill(pid, how);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** A postmaster's working folder is its data folder. Without /proc (macOS), its command line names it. */
async function isPostmasterOf(pid: number, dataFolder: string): Promise<boolean> {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(dataFolder);
  } catch (error) {
    // A process of another user's, which therefore is not ours; or one that has just ended.
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return false;
  }
  const command = await run('ps', ['-p', String(pid), '-o', 'command=']).catch(() => ({ stdout: '' }));
  return command.stdout.includes('postgres') && command.stdout.includes(dataFolder);
}
