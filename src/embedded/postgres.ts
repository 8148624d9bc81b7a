/** Runs PostgreSQL on a data folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { RollcallError } from '../errors.ts';
import { postgresBinaries } from './binaries.ts';
import type { BoundedLog } from './bounded-log.ts';
import { DATABASE_NAME, makeCluster, removeUnfinished, SERVER_ENVIRONMENT, setPassword } from './initdb.ts';
import type { PostgresPlace } from './place.ts';
import { freePorts } from './ports.ts';
import { stopOrphan } from './postmaster.ts';

export interface PostgresOptions {
  readonly place: PostgresPlace;
  readonly password: string;
  /** A cluster that exists does not know the password yet. */
  readonly passwordIsNew: boolean;
  readonly lastPort: number | null;
  readonly log: BoundedLog;
}

/** A server that accepts connections on 127.0.0.1. */
export interface RunningPostgres {
  readonly url: string;
  readonly port: number;
  readonly notices: readonly string[];
  /** Settles when the server has ended, whoever ended it. */
  readonly exited: Promise<void>;
  /** Ends sessions, writes everything out and waits until the server is gone. */
  stop(): Promise<void>;
}

/** Waiting for the last processes of a killed server to let go of its shared memory. */
const SHARED_MEMORY_ATTEMPTS = 50;
const SHARED_MEMORY_PAUSE_MS = 200;
const STOP_PATIENCE_MS = 30_000;

/**
 * Starts PostgreSQL, on a new data folder if there is none yet, and after a crash of whatever was there before. For the
 * one host of the folder. DATABASE_UNREACHABLE with the end of the server's log when it does not come up.
 */
export async function startPostgres(options: PostgresOptions, signal: AbortSignal): Promise<RunningPostgres> {
  const { place, password, log } = options;
  const { dataFolder, account } = place;
  const binaries = postgresBinaries(account);
  const notices = [...place.notices];
  removeUnfinished(dataFolder);
  if (!existsSync(dataFolder)) {
    await makeCluster({ binaries, account, dataFolder, password, durable: true }, signal);
  } else {
    if (await stopOrphan(dataFolder, signal)) {
      notices.push('A database server left running by a crash was stopped and started anew.');
    }
    if (options.passwordIsNew) await setPassword({ binaries, account, dataFolder, password }, signal);
  }
  const { child, port } = await startOnSomePort(binaries.postgres, options, signal);
  if (log.tail.includes('was not properly shut down')) {
    notices.push('The database had not been shut down properly; it has recovered by itself.');
  }
  if (options.lastPort !== null && port !== options.lastPort) {
    notices.push(`Port ${options.lastPort}, the embedded database's until now, is taken: it is on port ${port}.`);
  }
  const url = `postgresql://${DATABASE_NAME}:${password}@127.0.0.1:${port}/${DATABASE_NAME}`;
  return { url, port, notices, exited: exitOf(child), stop: () => stop(child) };
}

async function startOnSomePort(
  postgres: string,
  options: PostgresOptions,
  signal: AbortSignal,
): Promise<{ child: ChildProcess; port: number }> {
  const { place, log } = options;
  let patience = SHARED_MEMORY_ATTEMPTS;
  for await (const port of freePorts(options.lastPort, `postgres ${place.dataFolder}`)) {
    for (;;) {
      signal.throwIfAborted();
      log.forget();
      const child = launch(postgres, place, port, log);
      if (await isReady(child, log, signal)) return { child, port };
      if (!log.tail.includes('pre-existing shared memory block') || --patience === 0) break;
      await wait(SHARED_MEMORY_PAUSE_MS, undefined, { signal });
    }
    if (!/could not (bind|create any TCP)/.test(log.tail)) break;
  }
  throw new RollcallError(
    'DATABASE_UNREACHABLE',
    `The embedded PostgreSQL did not start. Its log ${log.path} ends with:\n${log.tail.trim().split('\n').slice(-8).join('\n')}`,
  );
}

function launch(postgres: string, { dataFolder, account }: PostgresPlace, port: number, log: BoundedLog): ChildProcess {
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    cluster_name: DATABASE_NAME,
    shared_buffers: '128MB',
    max_connections: 100,
    max_logical_replication_workers: 0,
    log_checkpoints: 'off',
    logging_collector: 'off',
    log_destination: 'stderr',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(postgres, ['-D', dataFolder, ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: '/',
    env: SERVER_ENVIRONMENT,
    ...account,
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => log.write(text));
  child.on('error', (error) => log.write(`${error.message}\n`));
  return child;
}

/** True when it accepts connections, false when it ended instead. An abort stops it and is thrown. */
async function isReady(child: ChildProcess, log: BoundedLog, signal: AbortSignal): Promise<boolean> {
  const abort = () => child.kill('SIGINT');
  signal.addEventListener('abort', abort, { once: true });
  const ready = await new Promise<boolean>((resolve) => {
    const look = () => log.tail.includes('ready to accept connections') && resolve(true);
    child.stderr?.on('data', look);
    // Close and not exit: only then has all of its log been read.
    child.on('close', () => resolve(false));
  });
  signal.removeEventListener('abort', abort);
  if (signal.aborted) await stop(child);
  signal.throwIfAborted();
  return ready;
}

async function stop(child: ChildProcess): Promise<void> {
  // Fast shutdown; when that hangs, immediate shutdown: the next start recovers from the log.
  child.kill('SIGINT');
  const impatience = setTimeout(() => child.kill('SIGQUIT'), STOP_PATIENCE_MS);
  await exitOf(child);
  clearTimeout(impatience);
}

function exitOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) resolve();
    else child.once('exit', () => resolve());
  });
}
