/** Runs that a process left running when it died. */
import type { Database } from './database.ts';
import { lockKey } from './lock.ts';

/** Dry runs hold no lock to be known alive by, but say every few seconds that they go (sync/pulse.ts). */
const DRY_RUN_MS = 120_000;
/** Runs over several libraries hold none between two of them. */
const BETWEEN_LIBRARIES_MS = 60_000;

type Running = Awaited<ReturnType<typeof runningRuns>>[number];

/**
 * Marks as failed the runs whose process has died: nobody holds their lock any more. Answers how many. A run that
 * lives after all sets its own status when it ends. One that waits for tasks of the queue holds no lock and is nobody's:
 * it ends with the last of them.
 */
export async function closeAbandonedRuns(database: Database, signal: AbortSignal): Promise<number> {
  // The runs before the locks: a run takes its lock first, so one that is read here has it, or has ended.
  if (!(await isAnyUnfinished(database, signal))) return 0;
  const running = await runningRuns(database, signal);
  if (running.length === 0) return 0;
  const dead = deadAmong(running, await heldLocks(database, signal), Date.now());
  const { count } = await database.askPrisma(
    (prisma) =>
      prisma.run.updateMany({
        where: { id: { in: dead }, status: { in: ['queued', 'running'] } },
        data: { status: 'failed', finishedAt: new Date() },
      }),
    signal,
  );
  return count;
}

function deadAmong(running: readonly Running[], held: ReadonlySet<bigint>, now: number): string[] {
  const dead = new Set<string>();
  for (const { id, libraryId, album, kind, policy, startedAt, progress, tasks } of running) {
    if (libraryId === null || tasks.length > 0) continue;
    const key = lockKey(libraryId, album, kind === 'verify' ? 'verify' : 'sync');
    const alive = isDryRun(policy) ? now - heardMs(startedAt, progress) < DRY_RUN_MS : held.has(key);
    if (!alive) dead.add(id);
  }
  for (const { id, libraryId, startedAt, parts } of running) {
    if (libraryId !== null || parts.some((part) => part.status === 'queued')) continue;
    if (parts.some((part) => part.status === 'running' && !dead.has(part.id))) continue;
    const signs = [startedAt, ...parts.map((part) => part.finishedAt ?? part.startedAt)];
    const lastSign = Math.max(...signs.map((time) => time.getTime()));
    if (now - lastSign > BETWEEN_LIBRARIES_MS) dead.add(id);
  }
  return [...dead];
}

/** As a rule none is, and that costs every command as little as can be. */
async function isAnyUnfinished(database: Database, signal: AbortSignal): Promise<boolean> {
  const sql = `SELECT FROM "Run" WHERE "status" IN ('queued', 'running') LIMIT 1`;
  return (await database.ask(() => database.pool.query(sql), signal)).rowCount === 1;
}

async function runningRuns(database: Database, signal: AbortSignal) {
  return database.askPrisma(
    (prisma) =>
      prisma.run.findMany({
        // One over several libraries that waits has parts that wait, until those libraries are removed.
        where: { OR: [{ status: 'running' }, { status: 'queued', libraryId: null, parts: { none: {} } }] },
        select: {
          id: true,
          libraryId: true,
          album: true,
          kind: true,
          policy: true,
          startedAt: true,
          progress: true,
          parts: { select: { id: true, status: true, startedAt: true, finishedAt: true } },
          tasks: { where: { status: { in: ['queued', 'running'] } }, select: { id: true }, take: 1 },
        },
      }),
    signal,
  );
}

/** Keys of the advisory locks that somebody holds alone in this database. */
async function heldLocks(database: Database, signal: AbortSignal): Promise<ReadonlySet<bigint>> {
  const sql = `SELECT ((classid::bigint << 32) | objid::bigint)::text AS key FROM pg_locks
                WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND mode = 'ExclusiveLock'
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
  const { rows } = await database.ask(() => database.pool.query<{ key: string }>(sql), signal);
  return new Set(rows.map((row) => BigInt(row.key)));
}

/** When a run was last heard of; its progress is as `pulse` (runs.ts) writes it. */
function heardMs(startedAt: Date, progress: unknown): number {
  const told: unknown = typeof progress === 'object' && progress !== null ? Reflect.get(progress, 'at') : null;
  return Math.max(startedAt.getTime(), (typeof told === 'string' && Date.parse(told)) || 0);
}

function isDryRun(policy: unknown): boolean {
  return typeof policy === 'object' && policy !== null && Reflect.get(policy, 'dryRun') === true;
}
