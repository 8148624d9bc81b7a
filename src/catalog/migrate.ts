/** Brings a database to the schema of this version of Rollcall, with Prisma's own engine (DESIGN 15). */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { RollcallError } from '../errors.ts';
import { type ConnectionSettings, connect, connectionSettings } from './connection.ts';
import { asDatabaseError, sqlState } from './errors.ts';
import { type MigrationFile, readMigrations } from './migration-files.ts';

/** The key that Prisma's engine locks for its own migrations: `prisma migrate deploy` elsewhere waits for us too. */
const MIGRATION_LOCK = 72707369;
const LOCK_WAIT_MS = 60_000;
const LOCK_POLL_MS = 50;
const OLDEST_SERVER = 14;

/** A row of Prisma's own table that was not rolled back by hand. */
interface Recorded {
  readonly name: string;
  readonly checksum: string;
  readonly finished: boolean;
  readonly logs: string | null;
}

/**
 * Applies the migrations that the database lacks and answers their names: none on every start but the first after an
 * update, and then nothing but a few queries is done. All of them are applied or none, also if the process dies in
 * between; processes that start together wait for the one that came first.
 *
 * DATABASE_UNREACHABLE, DATABASE_DENIED, DATABASE_UNSUPPORTED (older than PostgreSQL 14, or not UTF-8),
 * DATABASE_MIGRATION (a failed migration, tables of another program or of a newer Rollcall).
 */
export async function migrate(
  databaseUrl: string,
  signal: AbortSignal,
  prismaFolder?: string,
): Promise<readonly string[]> {
  const settings = connectionSettings(databaseUrl);
  const files = await readMigrations(prismaFolder);
  const client = await connect(settings, signal);
  try {
    await checkServer(client, settings);
    if (isUpToDate(files, await recorded(client))) return [];
    await lock(client, settings, signal);
    // Only now: what looked unfinished may have been another process at work.
    const missing = pending(files, await recorded(client), settings);
    if (missing.length > 0) await apply(client, settings, files);
    return missing.map((file) => file.name);
  } catch (thrown) {
    signal.throwIfAborted();
    throw asDatabaseError(thrown, settings.place);
  } finally {
    // Ending the connection lets go of the lock.
    await client.end().catch(() => {});
  }
}

async function checkServer(client: pg.Client, { place }: ConnectionSettings): Promise<void> {
  const { rows } = await client.query<{ version: string; number: number; encoding: string }>(
    `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,
            current_setting('server_encoding') AS encoding`,
  );
  const server = rows[0];
  if (server === undefined) return;
  const at = `the server at ${place.host}:${place.port}`;
  if (server.number < OLDEST_SERVER * 10_000) {
    const message = `${at} is PostgreSQL ${server.version}; Rollcall needs ${OLDEST_SERVER} or newer`;
    throw new RollcallError('DATABASE_UNSUPPORTED', message);
  }
  if (server.encoding !== 'UTF8') {
    const message = `database "${place.database}" is encoded in ${server.encoding}; make one with ENCODING 'UTF8'`;
    throw new RollcallError('DATABASE_UNSUPPORTED', message);
  }
}

async function recorded(client: pg.Client): Promise<readonly Recorded[]> {
  try {
    const { rows } = await client.query<Recorded>(
      `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished, logs
         FROM "_prisma_migrations" WHERE rolled_back_at IS NULL ORDER BY started_at`,
    );
    return rows;
  } catch (thrown) {
    if (sqlState(thrown) === '42P01') return [];
    throw thrown;
  }
}

function isUpToDate(files: readonly MigrationFile[], done: readonly Recorded[]): boolean {
  const finished = new Map(done.filter((row) => row.finished).map((row) => [row.name, row.checksum]));
  return done.length === files.length && files.every((file) => finished.get(file.name) === file.checksum);
}

/** The migrations still to apply. DATABASE_MIGRATION if what is recorded is not a part of our own history. */
function pending(
  files: readonly MigrationFile[],
  done: readonly Recorded[],
  { place }: ConnectionSettings,
): readonly MigrationFile[] {
  const known = new Map(files.map((file) => [file.name, file]));
  const database = `database "${place.database}"`;
  for (const row of done) {
    const file = known.get(row.name);
    if (file === undefined) {
      throw migrationError(
        `${database} has a migration that this Rollcall does not know (${row.name}): it was made by a newer Rollcall ` +
          'or by another program. Update Rollcall, or give it a database of its own',
      );
    }
    if (!row.finished) {
      const why = row.logs?.split('\n').find((line) => line.includes('ERROR')) ?? 'it did not finish';
      throw migrationError(
        `migration ${row.name} failed in ${database} earlier (${why.trim()}). Put the database right, then mark it ` +
          'with `prisma migrate resolve`, or restore a backup',
      );
    }
    if (row.checksum !== file.checksum) {
      throw migrationError(`migration ${row.name} was applied to ${database} with another content than it has now`);
    }
  }
  const applied = new Set(done.map((row) => row.name));
  return files.filter((file) => !applied.has(file.name));
}

async function lock(client: pg.Client, { place }: ConnectionSettings, signal: AbortSignal): Promise<void> {
  const giveUpAt = Date.now() + LOCK_WAIT_MS;
  for (;;) {
    const { rows } = await client.query('SELECT pg_try_advisory_lock($1::bigint) AS locked', [MIGRATION_LOCK]);
    if (rows[0]?.locked === true) return;
    if (Date.now() > giveUpAt) {
      throw migrationError(
        `another process has been migrating database "${place.database}" for ${LOCK_WAIT_MS / 1000} seconds`,
      );
    }
    await sleep(LOCK_POLL_MS, undefined, { signal });
  }
}

/**
 * The engine's statements run in one transaction with its own bookkeeping, so that a crash leaves no half-applied
 * migration for a person to resolve.
 */
async function apply(client: pg.Client, settings: ConnectionSettings, files: readonly MigrationFile[]): Promise<void> {
  const { schema, place } = settings;
  const { EVERYTHING, migrationList, openEngine } = await import('./schema-engine.ts');
  await client.query('BEGIN');
  if (schema !== 'public') await client.query(`CREATE SCHEMA IF NOT EXISTS ${client.escapeIdentifier(schema)}`);
  const session = await openEngine(client, schema);
  try {
    await session.engine.applyMigrations({ migrationsList: migrationList(files), filters: EVERYTHING });
    await client.query('COMMIT');
  } catch (thrown) {
    const cause = session.firstError() ?? thrown;
    if (thrown instanceof Error && Reflect.get(thrown, 'code') === 'P3005') {
      throw migrationError(
        `database "${place.database}" holds tables that Rollcall did not make. Give it an empty database, or a ` +
          'schema of its own by adding ?schema=rollcall to DATABASE_URL',
      );
    }
    const known = asDatabaseError(cause, place);
    if (known.code !== 'INTERNAL' && known.code !== 'DATABASE_MIGRATION') throw known;
    const message = cause instanceof Error ? cause.message.split('\n').slice(0, 2).join(': ') : String(cause);
    throw migrationError(`migrating database "${place.database}" failed, nothing was changed: ${message}`, cause);
  } finally {
    session.engine.free();
  }
}

function migrationError(message: string, cause?: unknown): RollcallError {
  return new RollcallError('DATABASE_MIGRATION', message, { cause });
}
