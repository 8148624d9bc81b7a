/** Locks on what a run covers: PostgreSQL advisory locks, held by a connection and gone with it. */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { RollcallError } from '../errors.ts';
import type { LockPurpose, ScopeLock } from '../sync/catalog-port.ts';
import type { Scope } from '../sync/types.ts';
import { type ConnectionSettings, connect } from './connection.ts';
import type { Database } from './database.ts';
import { asDatabaseError } from './errors.ts';

const HEARTBEAT_MS = 15_000;
const ANSWER_MS = 20_000;

/** What is locked, and for what. */
interface LockedScope extends Scope {
  readonly purpose: LockPurpose;
}

/**
 * The server must not drop an idle holder, and must notice within a minute that a holder's machine is gone: until
 * then nobody else gets the lock.
 */
const SESSION = `SET idle_session_timeout = 0; SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10;
  SET tcp_keepalives_count = 3`;

/**
 * Key of the lock on a library, or on one album of it. 64 bits of a hash of the library's id and the album's path: no
 * two libraries share a key, nor does anything else that locks by small numbers in the same database.
 */
export function lockKey(libraryId: string, album: string | null, purpose: LockPurpose = 'sync'): bigint {
  const rollcall = purpose === 'sync' ? 'rollcall' : `rollcall ${purpose}`;
  const name = album === null ? `${rollcall} library ${libraryId}` : `${rollcall} album ${libraryId} ${album}`;
  return createHash('sha256').update(name).digest().readBigInt64BE();
}

/**
 * CatalogPort.lock. A library's run locks the library for itself; an album's run shares the lock on the library with
 * those on other albums and locks its album for itself. Among verifies it is the same, with locks of their own. `signal`
 * ends the asking, not the lock: a run that was cancelled still holds it while it drains.
 */
export async function lockScope(
  database: Database,
  scope: Scope,
  signal: AbortSignal,
  purpose: LockPurpose = 'sync',
): Promise<ScopeLock> {
  signal.throwIfAborted();
  const asking = new AbortController();
  const stopAsking = () => asking.abort(signal.reason);
  signal.addEventListener('abort', stopAsking, { once: true });
  try {
    return await askForLock(database.settings, { ...scope, purpose }, asking.signal);
  } finally {
    signal.removeEventListener('abort', stopAsking);
  }
}

async function askForLock(settings: ConnectionSettings, scope: LockedScope, signal: AbortSignal): Promise<ScopeLock> {
  const client = await connect({ ...settings, config: { ...settings.config, query_timeout: ANSWER_MS } }, signal);
  try {
    await client.query(SESSION);
    if (await tryLocks(client, scope)) return hold(client, scope);
    throw new RollcallError('SYNC_IN_PROGRESS', await whoHolds(client, scope));
  } catch (thrown) {
    await client.end().catch(() => {});
    signal.throwIfAborted();
    throw asDatabaseError(thrown, settings.place);
  }
}

async function tryLocks(client: pg.Client, { library, album, purpose }: LockedScope): Promise<boolean> {
  const whole = lockKey(library.id, null, purpose);
  if (album === null) return tryLock(client, 'pg_try_advisory_lock', whole);
  return (
    (await tryLock(client, 'pg_try_advisory_lock_shared', whole)) &&
    (await tryLock(client, 'pg_try_advisory_lock', lockKey(library.id, album, purpose)))
  );
}

async function tryLock(client: pg.Client, procedure: string, key: bigint): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>(`SELECT ${procedure}($1::bigint) AS locked`, [key]);
  return rows[0]?.locked === true;
}

function hold(client: pg.Client, { library, album }: Scope): ScopeLock {
  const lost = new AbortController();
  const what = album === null ? `library "${library.name}"` : `album "${album}" of library "${library.name}"`;
  let released: Promise<void> | undefined;
  const lose = (cause?: unknown) => {
    clearInterval(heartbeat);
    if (released) return;
    const message = `the lock on ${what} was lost: the connection to the database that held it broke`;
    lost.abort(new RollcallError('LOCK_LOST', message, { cause }));
  };
  // A connection may die without either end being told.
  const heartbeat = setInterval(() => void client.query('SELECT 1').catch(lose), HEARTBEAT_MS).unref();
  client.on('error', lose);
  client.once('end', lose);
  return {
    signal: lost.signal,
    release: () => {
      clearInterval(heartbeat);
      released ??= letGo(client);
      return released;
    },
  };
}

/** Unlocks before it hangs up: the server may take a moment to see that a connection has ended. */
async function letGo(client: pg.Client): Promise<void> {
  // A connection that cannot be asked any more has lost the lock already.
  await client.query('SELECT pg_advisory_unlock_all()').catch(() => {});
  await client.end().catch(() => {});
}

/** A sentence about the run that is in the way, from the run history. Dry runs hold no lock. */
async function whoHolds(client: pg.Client, { library, album, purpose }: LockedScope): Promise<string> {
  const { rows } = await client.query<{ id: string; album: string | null; startedAt: Date }>(
    `SELECT "id", "album", "startedAt" FROM "Run"
      WHERE "libraryId" = $1 AND "status" = 'running' AND "policy"->>'dryRun' IS DISTINCT FROM 'true'
        AND ($2::text IS NULL OR "album" IS NULL OR "album" = $2) AND ("kind" = 'verify') = $3
      ORDER BY "startedAt" DESC LIMIT 1`,
    [library.id, album, purpose === 'verify'],
  );
  const run = rows[0];
  const doing = purpose === 'verify' ? 'verified' : 'synced';
  if (run === undefined) {
    const otherwise = purpose === 'verify' ? doing : `${doing} or changed`;
    return `library "${library.name}" is being ${otherwise} by another process`;
  }
  const what = run.album === null ? `library "${library.name}"` : `album "${run.album}" of library "${library.name}"`;
  return `${what} is being ${doing} since ${run.startedAt.toISOString()} (run ${run.id})`;
}
