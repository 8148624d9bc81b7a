/** The history of runs. */
import type { ActionRecord, CatalogPort } from '../sync/ports.ts';
import type { Report, RunStatus } from '../sync/types.ts';
import type { Database } from './database.ts';
import type { Prisma } from './generated/client.ts';
import { lockKey } from './lock.ts';
import { storable, storableJson } from './text.ts';

/** A dry run's report keeps its plan in the history up to this many actions. */
const LONGEST_PLAN = 1_000;
/** Dry runs, and runs over several libraries between two of them, hold no lock to be known alive by. */
const DRY_RUN_MS = 3_600_000;
const BETWEEN_LIBRARIES_MS = 60_000;

const RECORD = `
INSERT INTO "RunAction" ("runId", "kind", "path", "key", "outcome", "bytes", "code", "message")
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[])`;

/** CatalogPort.beginRun. */
export async function beginRun(database: Database, run: Parameters<CatalogPort['beginRun']>[0]): Promise<string> {
  const { id } = await database.ask(() =>
    database.prisma.run.create({
      data: {
        libraryId: run.library?.id ?? null,
        parentId: run.parentId ?? null,
        album: run.album,
        kind: run.kind,
        status: 'running',
        policy: json(run.policy),
      },
      select: { id: true },
    }),
  );
  return id;
}

/** CatalogPort.recordActions. */
export async function recordActions(
  database: Database,
  runId: string,
  records: readonly ActionRecord[],
): Promise<void> {
  if (records.length === 0) return;
  const values = [
    runId,
    records.map((record) => record.kind),
    records.map((record) => storable(record.path)),
    records.map((record) => storable(record.key)),
    records.map((record) => record.outcome),
    records.map((record) => record.bytes),
    records.map((record) => storable(record.code)),
    records.map((record) => storable(record.message)),
  ];
  await database.ask(() => database.pool.query({ name: 'rollcall-actions', text: RECORD, values }));
}

/** CatalogPort.finishRun. A run whose library was removed meanwhile has no entry any more. */
export async function finishRun(database: Database, runId: string, status: RunStatus, report: Report): Promise<void> {
  const { plan, ...rest } = report;
  const kept = plan !== undefined && plan.length <= LONGEST_PLAN ? report : rest;
  await database.ask(() =>
    database.prisma.run.updateMany({
      where: { id: runId },
      data: { status, report: json(kept), finishedAt: new Date() },
    }),
  );
}

/**
 * Marks as failed the runs that a process left running when it died: nobody holds their lock any more. Answers how
 * many. A run that lives after all sets its own status when it ends.
 */
export async function closeAbandonedRuns(database: Database, signal: AbortSignal): Promise<number> {
  const { prisma } = database;
  // The runs before the locks: a run takes its lock first, so one that is read here has it, or has ended.
  const running = await database.ask(
    () =>
      prisma.run.findMany({
        where: { status: 'running' },
        select: {
          id: true,
          libraryId: true,
          album: true,
          policy: true,
          startedAt: true,
          parts: { select: { id: true, status: true, startedAt: true, finishedAt: true } },
        },
      }),
    signal,
  );
  if (running.length === 0) return 0;
  const held = await heldLocks(database, signal);
  const now = Date.now();
  const dead = new Set<string>();
  for (const run of running) {
    if (run.libraryId === null) continue;
    const alive = isDryRun(run.policy)
      ? now - run.startedAt.getTime() < DRY_RUN_MS
      : held.has(lockKey(run.libraryId, run.album));
    if (!alive) dead.add(run.id);
  }
  for (const run of running) {
    if (run.libraryId !== null) continue;
    const lives = run.parts.some((part) => part.status === 'running' && !dead.has(part.id));
    const signs = run.parts.flatMap((part) => [part.startedAt, part.finishedAt ?? part.startedAt]);
    const lastSign = Math.max(...[run.startedAt, ...signs].map((time) => time.getTime()));
    if (!lives && now - lastSign > BETWEEN_LIBRARIES_MS) dead.add(run.id);
  }
  const closed = await database.ask(
    () =>
      prisma.run.updateMany({
        where: { id: { in: [...dead] }, status: 'running' },
        data: { status: 'failed', finishedAt: new Date() },
      }),
    signal,
  );
  return closed.count;
}

/** Keys of the advisory locks that somebody holds alone in this database. */
async function heldLocks(database: Database, signal: AbortSignal): Promise<ReadonlySet<bigint>> {
  const sql = `SELECT ((classid::bigint << 32) | objid::bigint)::text AS key FROM pg_locks
                WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND mode = 'ExclusiveLock'
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
  const { rows } = await database.ask(() => database.pool.query<{ key: string }>(sql), signal);
  return new Set(rows.map((row) => BigInt(row.key)));
}

function isDryRun(policy: unknown): boolean {
  return typeof policy === 'object' && policy !== null && Reflect.get(policy, 'dryRun') === true;
}

function json(value: object): Prisma.InputJsonObject {
  return JSON.parse(storableJson(value)) as Prisma.InputJsonObject;
}
