/** TaskStore: runs that are carried out piece by piece, on any machine. */
import type pg from 'pg';
import { RollcallError } from '../errors.ts';
import type { QueueDepth } from '../sync/run-queue.ts';
import type { BegunTask, NewRun, Sums, TaskEnd, TaskStore } from '../sync/task-store.ts';
import type { Report, RunStatus } from '../sync/types.ts';
import type { Database } from './database.ts';
import { queueSchema } from './queue-schema.ts';
import { forgetQuietRuns } from './quiet-runs.ts';
import { endRuns, errorText, OPEN, WHOLE } from './task-sums.ts';
import { storableJson } from './text.ts';
import { writeTransaction } from './transaction.ts';

/** Queues of jobs that were given up end in this; nobody works them. */
const DEAD = '-dead';
/** A task whose job is gone may have been taken up just now. */
const LOST_SECONDS = 60;

/** The tasks of this catalog; `sums` adds up their reports. */
export function taskStore(database: Database, sums: Sums): TaskStore {
  return {
    queue: (runs, send) =>
      writeTransaction(database, async (client) => {
        for (const run of runs) await insertRun(client, run);
        await send(statementsOf(client));
        for (const { id, tasks } of runs.toReversed()) if (tasks.length === 0) await endRuns(client, id, sums);
      }),
    begin: (taskId) => writeTransaction(database, (client) => begin(client, taskId)),
    putBack: (taskId, error, send) =>
      writeTransaction(database, async (client) => {
        const sql = `UPDATE "AlbumTask" SET "status" = 'queued', "lastError" = coalesce($2, "lastError"),
                            "updatedAt" = now() WHERE "id" = $1 AND "status" IN ${OPEN}`;
        await client.query(sql, [taskId, errorText(error)]);
        await send?.(statementsOf(client));
      }),
    end: (taskId, end, more) =>
      writeTransaction(database, async (client) => {
        const runId = await lockRunOf(client, taskId);
        if (runId === null || !(await endTask(client, taskId, end))) return;
        if (more !== undefined) {
          await insertTasks(client, runId, more.tasks);
          await more.send(statementsOf(client));
        }
        await endRuns(client, runId, sums);
      }),
    stuck: (signal) => stuck(database, signal),
    ended: (runId, signal) => ended(database, runId, signal),
    openLibraries: async (kind, signal) => {
      const sql = `SELECT DISTINCT "libraryId" AS id FROM "Run"
                    WHERE "kind" = $1 AND "libraryId" IS NOT NULL AND "album" IS NULL AND "status" IN ${OPEN}`;
      const { rows } = await database.ask(() => database.pool.query<{ id: string }>(sql, [kind]), signal);
      return new Set(rows.map(({ id }) => id));
    },
    depth: (queues, signal) => depth(database, queues, signal),
    forgetQuietRuns: (days, signal) => forgetQuietRuns(database, days, signal),
  };
}

function statementsOf(client: pg.PoolClient) {
  return {
    executeSql: (text: string, values?: unknown[]) => (values ? client.query(text, values) : client.query(text)),
  };
}

async function insertRun(client: pg.PoolClient, run: NewRun): Promise<void> {
  const { id, library, parentId, album, kind, policy } = run;
  await client.query(
    `INSERT INTO "Run" ("id", "libraryId", "parentId", "album", "kind", "status", "policy")
     VALUES ($1, $2, $3, $4, $5, 'queued', $6)`,
    [id, library?.id ?? null, parentId, album, kind, storableJson(policy)],
  );
  await insertTasks(client, id, run.tasks);
}

async function insertTasks(client: pg.PoolClient, runId: string, tasks: NewRun['tasks']): Promise<void> {
  if (tasks.length === 0) return;
  await client.query(
    `INSERT INTO "AlbumTask" ("id", "runId", "album", "status")
     SELECT "id", $1, "album", 'queued' FROM unnest($2::uuid[], $3::text[]) AS t("id", "album")`,
    [runId, tasks.map(({ id }) => id), tasks.map(({ album }) => album ?? WHOLE)],
  );
}

interface TaskRow {
  readonly runId: string;
  readonly album: string;
  readonly libraryId: string;
  readonly parentId: string | null;
  readonly cancelled: boolean;
}

/** A run that has ended already, because somebody cancelled it while it waited, is not begun either. */
const BEGIN = `
UPDATE "AlbumTask" AS t SET "status" = 'running', "attempts" = t."attempts" + 1, "updatedAt" = now()
  FROM "Run" AS r LEFT JOIN "Run" AS p ON p."id" = r."parentId"
 WHERE t."id" = $1 AND t."status" IN ${OPEN} AND r."id" = t."runId"
RETURNING t."runId", t."album", r."libraryId", r."parentId",
          r."cancelAt" IS NOT NULL OR p."cancelAt" IS NOT NULL OR r."status" NOT IN ${OPEN} AS cancelled`;

async function begin(client: pg.PoolClient, taskId: string): Promise<BegunTask | null> {
  const { rows } = await client.query<TaskRow>(BEGIN, [taskId]);
  const [row] = rows;
  if (row === undefined) return null;
  if (!row.cancelled) {
    const sql = `UPDATE "Run" SET "status" = 'running', "startedAt" = now() WHERE "id" = $1 AND "status" = 'queued'`;
    await client.query(sql, [row.runId]);
    if (row.parentId !== null) await client.query(sql, [row.parentId]);
  }
  const { runId, album, libraryId, cancelled } = row;
  return { id: taskId, runId, libraryId, cancelled, album: album === WHOLE ? null : album };
}

/** The run first, then its tasks, then its parent: whoever ends a task holds its run, so the last one knows that it is. */
async function lockRunOf(client: pg.PoolClient, taskId: string): Promise<string | null> {
  const sql = `SELECT "id" FROM "Run" WHERE "id" = (SELECT "runId" FROM "AlbumTask" WHERE "id" = $1) FOR UPDATE`;
  const { rows } = await client.query<{ id: string }>(sql, [taskId]);
  return rows[0]?.id ?? null;
}

async function endTask(client: pg.PoolClient, taskId: string, { status, partId, error }: TaskEnd): Promise<boolean> {
  const sql = `UPDATE "AlbumTask" SET "status" = $2, "partId" = $3, "lastError" = $4, "updatedAt" = now()
                WHERE "id" = $1 AND "status" IN ${OPEN}`;
  return (await client.query(sql, [taskId, status, partId, errorText(error)])).rowCount === 1;
}

async function stuck(database: Database, signal: AbortSignal) {
  const jobs = `${queueSchema(database.settings.schema)}.job`;
  const lost = `SELECT t."id" FROM "AlbumTask" AS t WHERE t."status" IN ${OPEN}
       AND t."updatedAt" < now() - make_interval(secs => ${LOST_SECONDS})
       AND NOT EXISTS (SELECT 1 FROM ${jobs} AS j WHERE j."singleton_key" = t."id"::text AND j."state" < 'completed'
                           AND j."name" NOT LIKE '%${DEAD}')`;
  const cancelled = `SELECT t."id" FROM "AlbumTask" AS t JOIN "Run" AS r ON r."id" = t."runId"
       LEFT JOIN "Run" AS p ON p."id" = r."parentId"
      WHERE t."status" = 'queued'
        AND (r."cancelAt" IS NOT NULL OR p."cancelAt" IS NOT NULL OR r."status" NOT IN ${OPEN})`;
  const idsOf = async (sql: string) => {
    const { rows } = await database.ask(() => database.pool.query<{ id: string }>(sql), signal);
    return rows.map(({ id }) => id);
  };
  return { cancelled: await idsOf(cancelled), lost: await idsOf(lost) };
}

interface EndRow {
  readonly status: RunStatus | 'queued' | 'running';
  readonly report: Report | null;
}

async function ended(database: Database, runId: string, signal: AbortSignal) {
  const sql = `SELECT "status", "report" FROM "Run" WHERE "id" = $1`;
  const { rows } = await database.ask(() => database.pool.query<EndRow>(sql, [runId]), signal);
  const [row] = rows;
  if (row === undefined) throw new RollcallError('NOT_FOUND', `there is no run ${runId}`);
  const { status, report } = row;
  return status === 'queued' || status === 'running' ? null : { status, report };
}

/** Jobs that were given up are kept in a queue of their own, named after the first; those of the last day count. */
async function depth(
  database: Database,
  queues: readonly string[],
  signal: AbortSignal,
): Promise<readonly QueueDepth[]> {
  const sql = `SELECT q.name AS queue, count(*) FILTER (WHERE j.name = q.name AND j.state < 'active')::int AS waiting,
                      count(*) FILTER (WHERE j.name = q.name AND j.state = 'active')::int AS active,
                      count(*) FILTER (WHERE j.name <> q.name AND j.created_on > now() - interval '1 day')::int AS dead
                 FROM unnest($1::text[]) AS q(name)
                 LEFT JOIN ${queueSchema(database.settings.schema)}.job AS j
                   ON j.name IN (q.name, q.name || '${DEAD}') AND j.state < 'completed'
                GROUP BY q.name ORDER BY q.name`;
  const { rows } = await database.ask(() => database.pool.query<QueueDepth>(sql, [[...queues]]), signal);
  return rows;
}
