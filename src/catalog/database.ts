/** The connections of one catalog: a pool that Prisma and the bulk statements share. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Log } from '../sync/ports.ts';
import { type ConnectionSettings, connectionSettings } from './connection.ts';
import { asDatabaseError, sqlState } from './errors.ts';
import type { PrismaClient } from './generated/client.ts';

const STATEMENT_MS = 300_000;
const ATTEMPTS = 5;
/** Serialisation failure, deadlock. */
const TRY_AGAIN = new Set(['40001', '40P01']);

export interface Database {
  /** For the bulk statements: the driver without Prisma's copies of every value, which a sync would spend its CPU on. */
  readonly pool: pg.Pool;
  readonly settings: ConnectionSettings;
  /**
   * What `work` answers, which is one statement or one transaction: all of it is done again if another transaction was in
   * its way, since then none of it was done. Its errors come as RollcallErrors. Gives up waiting when `signal` aborts: the
   * statement itself ends on its own.
   */
  ask<Answer>(work: () => Promise<Answer>, signal?: AbortSignal): Promise<Answer>;
  /** The same by Prisma, which is loaded for the first of them: a sync does without, and begins sooner. */
  askPrisma<Answer>(work: (prisma: PrismaClient) => Promise<Answer>, signal?: AbortSignal): Promise<Answer>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly url: string;
  readonly maxConnections: number;
  /** A statement that has not answered by then never will: its connection is given up. 300,000. */
  readonly statementMs?: number;
  readonly log?: Log;
}

/** Opens a pool; no connection is made before the first question. BAD_CONFIG for an address that is none. */
export function openDatabase(options: DatabaseOptions): Database {
  const settings = connectionSettings(options.url);
  const { place, schema } = settings;
  const pool = new pg.Pool({
    ...settings.config,
    max: options.maxConnections,
    query_timeout: options.statementMs ?? STATEMENT_MS,
    idleTimeoutMillis: 30_000,
  });
  // One that breaks while nobody uses it; without a listener that would end the process.
  pool.on('error', (error) => {
    options.log?.warn({ cause: error.message }, `a connection to PostgreSQL at ${place.host}:${place.port} broke`);
  });
  let prisma: Promise<PrismaClient> | null = null;
  const openPrisma = async (): Promise<PrismaClient> => {
    const modules = [import('./generated/client.ts'), import('@prisma/adapter-pg')] as const;
    const [{ PrismaClient }, { PrismaPg }] = await Promise.all(modules);
    return new PrismaClient({ adapter: new PrismaPg(pool, { schema }) });
  };
  const opened = () => {
    // What could not be loaded is tried again by the next who asks.
    prisma ??= openPrisma().catch((thrown: unknown) => {
      prisma = null;
      throw thrown;
    });
    return prisma;
  };
  const ask: Database['ask'] = async (work, signal) => {
    try {
      return await untilAborted(() => untilUndisturbed(work), signal);
    } catch (thrown) {
      signal?.throwIfAborted();
      throw asDatabaseError(thrown, place);
    }
  };
  return {
    pool,
    settings,
    ask,
    askPrisma: (work, signal) => ask(async () => work(await opened()), signal),
    close: async () => {
      try {
        await (await prisma)?.$disconnect();
      } finally {
        await pool.end();
      }
    },
  };
}

async function untilUndisturbed<Answer>(work: () => Promise<Answer>): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (thrown) {
      if (attempt === ATTEMPTS || !TRY_AGAIN.has(sqlState(thrown) ?? '')) throw thrown;
      await sleep(attempt * 20 * (1 + Math.random()));
    }
  }
}

async function untilAborted<Answer>(work: () => Promise<Answer>, signal?: AbortSignal): Promise<Answer> {
  if (signal === undefined) return work();
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work(), aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Runs `work` between BEGIN and COMMIT on one connection of the pool; one that cannot roll back is not used again. */
export async function inTransaction<Answer>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<Answer>,
  begin = 'BEGIN',
): Promise<Answer> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // Nobody else listens while it is out of the pool, and an error that nobody hears ends the process.
  const onBreak = (error: Error) => {
    broken = error;
  };
  client.on('error', onBreak);
  try {
    await client.query(begin);
    const answer = await work(client);
    await client.query('COMMIT');
    return answer;
  } catch (thrown) {
    await client.query('ROLLBACK').catch((error: Error) => {
      broken = error;
    });
    throw thrown;
  } finally {
    client.off('error', onBreak);
    client.release(broken);
  }
}
