/** Ends a run when the last of its tasks has ended, with the sum of what they came to. */
import type pg from 'pg';
import { isErrorCode } from '../errors.ts';
import type { Attempt, FinishedTask } from '../sync/sum-tasks.ts';
import type { Sums, TaskEnd } from '../sync/task-store.ts';
import type { Report } from '../sync/types.ts';
import { storable, storableJson } from './text.ts';

/** How an album is kept that is none: the library as a whole. An album's path is never empty. */
export const WHOLE = '';

/** Of tasks and of runs. */
export const OPEN = `('queued', 'running')`;

/** A dry run's report keeps its plan in the history up to this many actions. */
const LONGEST_PLAN = 1_000;

/** As it is kept with a task. */
export function errorText(error: TaskEnd['error']): string | null {
  return error === null ? null : storable(`${error.code}: ${error.message}`);
}

function errorOf(text: string | null): TaskEnd['error'] {
  if (text === null) return null;
  const [, code = '', message = ''] = /^([A-Z_]+): (.*)$/s.exec(text) ?? [];
  return isErrorCode(code) ? { code, message } : { code: 'INTERNAL', message: text };
}

interface RunRow {
  readonly libraryId: string | null;
  readonly parentId: string | null;
  readonly status: string;
  readonly cancelled: boolean;
  readonly durationMs: number;
}

/**
 * Ends this run if nothing of it is open any more, and then its parent likewise. Each is held until the transaction
 * ends: whoever comes later sees what this one did.
 */
export async function endRuns(client: pg.PoolClient, runId: string, sums: Sums): Promise<void> {
  const { rows } = await client.query<RunRow>(
    `SELECT "libraryId", "parentId", "status", "cancelAt" IS NOT NULL AS cancelled,
            (extract(epoch FROM clock_timestamp() - "startedAt") * 1000)::float8 AS "durationMs"
       FROM "Run" WHERE "id" = $1 FOR UPDATE`,
    [runId],
  );
  const [run] = rows;
  if (run === undefined || (await hasOpenParts(client, runId, run))) return;
  if (run.status === 'queued' || run.status === 'running') {
    const report =
      run.libraryId === null
        ? sums.libraries(runId, await reportsOfRuns(client, runId), run)
        : sums.tasks(runId, await finishedTasks(client, runId), run);
    await finish(client, runId, report);
  }
  if (run.parentId !== null) await endRuns(client, run.parentId, sums);
}

async function hasOpenParts(client: pg.PoolClient, runId: string, { libraryId }: RunRow): Promise<boolean> {
  const sql =
    libraryId === null
      ? `SELECT 1 FROM "Run" WHERE "parentId" = $1 AND "status" IN ${OPEN} LIMIT 1`
      : `SELECT 1 FROM "AlbumTask" WHERE "runId" = $1 AND "status" IN ${OPEN} LIMIT 1`;
  return (await client.query(sql, [runId])).rowCount === 1;
}

async function finish(client: pg.PoolClient, runId: string, report: Report): Promise<void> {
  const { plan, ...rest } = report;
  const kept = plan !== undefined && plan.length <= LONGEST_PLAN ? report : rest;
  await client.query(
    `UPDATE "Run" SET "status" = $2::text::"RunStatus", "report" = $3, "progress" = NULL, "finishedAt" = now() WHERE "id" = $1`,
    [runId, report.status, storableJson(kept)],
  );
}

async function reportsOfRuns(client: pg.PoolClient, runId: string): Promise<Report[]> {
  const sql = `SELECT "report" FROM "Run" WHERE "parentId" = $1 AND "report" IS NOT NULL ORDER BY "startedAt", "id"`;
  const { rows } = await client.query<{ report: Report }>(sql, [runId]);
  return rows.map(({ report }) => report);
}

interface PartRow {
  readonly id: string;
  readonly album: string;
  readonly report: Report | null;
}

interface TaskRow {
  readonly album: string;
  readonly status: FinishedTask['status'];
  readonly partId: string | null;
  readonly lastError: string | null;
}

/** The library's survey comes first: what it has to say is said first. */
async function finishedTasks(client: pg.PoolClient, runId: string): Promise<FinishedTask[]> {
  const parts = await client.query<PartRow>(
    `SELECT "id", coalesce("album", '${WHOLE}') AS album, "report" FROM "Run" WHERE "parentId" = $1 ORDER BY "startedAt"`,
    [runId],
  );
  const tasks = await client.query<TaskRow>(
    `SELECT "album", "status", "partId", "lastError" FROM "AlbumTask" WHERE "runId" = $1 ORDER BY "album" COLLATE "C"`,
    [runId],
  );
  const cutOff = await attemptsWithoutReport(client, runId);
  const byAlbum = Map.groupBy(parts.rows, ({ album }) => album);
  return tasks.rows.map(({ album, status, partId, lastError }) => {
    const attempts = byAlbum.get(album) ?? [];
    return {
      album: album === WHOLE ? null : album,
      status,
      error: errorOf(lastError),
      last: attempts.find(({ id }) => id === partId)?.report ?? null,
      earlier: attempts.flatMap(({ id, report }) => (id === partId ? [] : (report ?? cutOff.get(id) ?? []))),
    };
  });
}

/** What an action that is done counts as. */
const COUNTED: Readonly<Record<string, keyof Report['actions']>> = {
  upload: 'uploaded',
  reupload: 'reuploaded',
  adopt: 'adopted',
  move: 'moved',
  copy: 'copied',
  download: 'downloaded',
  update: 'updated',
  mark: 'marked',
  delete: 'deleted',
};

interface CutOffRow {
  readonly id: string;
  readonly kind: string;
  readonly count: number;
  readonly bytes: number;
}

/** What runs did whose processes died: they left their actions and no report. */
async function attemptsWithoutReport(client: pg.PoolClient, runId: string): Promise<ReadonlyMap<string, Attempt>> {
  const { rows } = await client.query<CutOffRow>(
    `SELECT r."id", a."kind", count(*)::float8 AS count, sum(a."bytes")::float8 AS bytes
       FROM "Run" AS r JOIN "RunAction" AS a ON a."runId" = r."id"
      WHERE r."parentId" = $1 AND r."report" IS NULL AND a."outcome" = 'done' GROUP BY r."id", a."kind"`,
    [runId],
  );
  const attempts = new Map<string, Attempt>();
  for (const [id, kinds] of Map.groupBy(rows, (row) => row.id)) {
    const actions = kinds.flatMap(({ kind, count }) => {
      const counted = COUNTED[kind];
      return counted === undefined ? [] : [[counted, count] as const];
    });
    const bytesOf = (...wanted: string[]) =>
      kinds.reduce((sum, { kind, bytes }) => (wanted.includes(kind) ? sum + bytes : sum), 0);
    attempts.set(id, {
      actions: Object.fromEntries(actions),
      bytes: { uploaded: bytesOf('upload', 'reupload', 'move'), downloaded: bytesOf('download') },
      requests: {},
    });
  }
  return attempts;
}
