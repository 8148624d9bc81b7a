/** Makes the data folder of a PostgreSQL server. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { RollcallError } from '../errors.ts';
import type { Account } from './account.ts';
import type { PostgresBinaries } from './binaries.ts';

/** The only role of the embedded database, and the name of the database itself. */
export const DATABASE_NAME = 'rollcall';

/**
 * What PostgreSQL's programs see of the environment: nothing of the user's. PGPORT, PGDATA and their like would change
 * what a server does, and messages are English whatever the user speaks, so that a report of them can be looked up.
 */
export const SERVER_ENVIRONMENT = { LC_ALL: 'C', TZ: 'UTC' } as const;

export interface NewCluster {
  readonly binaries: PostgresBinaries;
  readonly account: Account | null;
  /** Must not exist; its parent must, and `account` must be able to pass through it. */
  readonly dataFolder: string;
  readonly password: string;
  /** False leaves the writing to the operating system: for tests. */
  readonly durable: boolean;
}

/**
 * Makes a data folder with one role and one database, both called DATABASE_NAME. Names compare by code point and case
 * by Unicode, the same on every machine. The folder appears under its name only when it is whole, so a crash leaves
 * nothing that a later start could take for a database. DATABASE_UNREACHABLE with what initdb said.
 */
export async function makeCluster(cluster: NewCluster, signal: AbortSignal): Promise<void> {
  const { binaries, account, durable } = cluster;
  const work = mkdtempSync(`${cluster.dataFolder}.new-`);
  try {
    const unfinished = join(work, 'data');
    const passwordFile = join(work, 'password');
    writeFileSync(passwordFile, `${cluster.password}\n`, { mode: 0o600 });
    if (account !== null) {
      for (const path of [work, passwordFile]) chownSync(path, account.uid, account.gid);
    }
    const sync = durable ? [] : ['--no-sync'];
    const common = [`--pgdata=${unfinished}`, `--username=${DATABASE_NAME}`, `--pwfile=${passwordFile}`, ...sync];
    const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
    const options = { cwd: work, env: SERVER_ENVIRONMENT, ...account, signal };
    await finished(spawn(binaries.initdb, [...common, ...locale, '--auth=scram-sha-256'], options), 'initdb');
    await singleUser(binaries.postgres, unfinished, `CREATE DATABASE ${DATABASE_NAME}`, options, durable ? [] : ['-F']);
    renameSync(unfinished, cluster.dataFolder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Gives the role of a cluster that nothing runs on another password. DATABASE_UNREACHABLE with what postgres said. */
export async function setPassword(
  cluster: { binaries: PostgresBinaries; account: Account | null; dataFolder: string; password: string },
  signal: AbortSignal,
): Promise<void> {
  const options = { cwd: '/', env: SERVER_ENVIRONMENT, ...cluster.account, signal };
  const sql = `ALTER ROLE ${DATABASE_NAME} PASSWORD '${cluster.password}'`;
  await singleUser(cluster.binaries.postgres, cluster.dataFolder, sql, options);
}

/** Removes what makeCluster left behind when it was killed. Only for the one process that may call makeCluster. */
export function removeUnfinished(dataFolder: string): void {
  const parent = dirname(dataFolder);
  const prefix = `${basename(dataFolder)}.new-`;
  for (const name of readdirSync(parent)) {
    if (name.startsWith(prefix)) rmSync(join(parent, name), { recursive: true, force: true });
  }
}

async function singleUser(
  postgres: string,
  dataFolder: string,
  sql: string,
  options: SpawnOptions,
  flags: readonly string[] = [],
): Promise<void> {
  const args = ['--single', ...flags, '-D', dataFolder, 'postgres'];
  await finished(spawn(postgres, args, options), 'postgres', `${sql}\n`);
}

async function finished(child: ChildProcess, program: string, input = ''): Promise<void> {
  let said = '';
  const listen = (text: Buffer) => {
    said = (said + text.toString('utf8')).slice(-4000);
  };
  child.stdout?.on('data', listen);
  child.stderr?.on('data', listen);
  // A program that ended without reading its input is judged by its exit code.
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  const code = await new Promise<number | string | null>((resolve, reject) => {
    let fault: Error | undefined;
    child.on('error', (error) => {
      fault = error;
      // An aborted program still runs for a moment and must not be left writing; one that never began has no end.
      if (child.pid === undefined) reject(error);
    });
    child.on('close', (status, killedBy) => (fault ? reject(fault) : resolve(status ?? killedBy)));
  });
  if (code === 0 && !/\b(ERROR|FATAL|PANIC):/.test(said)) return;
  throw new RollcallError(
    'DATABASE_UNREACHABLE',
    `The embedded PostgreSQL could not be set up: ${program} ended with ${code}.\n${said.trim()}`,
  );
}
