/** The history of runs. */
import type pg from 'pg';
import { RollcallError } from '../errors.ts';
import type { ActionRecord, CatalogPort } from '../sync/catalog-port.ts';
import type { Progress } from '../sync/service.ts';
import type { Report, RunStatus } from '../sync/types.ts';
import { bigintArray, textArray } from './binary-arrays.ts';
import type { Database } from './database.ts';
import { type HeldParents, WORTH_HOLDING, withParentsHeld } from './held-parents.ts';
import { storable, storableJson } from './text.ts';
import { writeTransaction } from './transaction.ts';

/** A dry run's report keeps its plan in the history up to this many actions. */
const LONGEST_PLAN = 1_000;

const BEGIN = `
INSERT INTO "Run" ("libraryId", "parentId", "album", "kind", "status", "policy")
VALUES ($1, $2, $3, $4, 'running', $5) RETURNING "id"`;

const FINISH = `
UPDATE "Run" SET "status" = $2, "report" = $3, "progress" = NULL, "finishedAt" = now() WHERE "id" = $1`;

/** In the list of what is selected, where they are taken row by row: in FROM each would be written down first. */
const RECORD = `
INSERT INTO "RunAction" ("runId", "kind", "path", "key", "outcome", "bytes", "code", "message")
SELECT $1, unnest($2::text[]), unnest($3::text[]), unnest($4::text[]), unnest($5::text[]), unnest($6::bigint[]),
       unnest($7::text[]), unnest($8::text[])`;
const HOLD_RUN = 'SELECT FROM "Run" WHERE "id" = $1 FOR KEY SHARE';
export const ACTIONS: HeldParents = { table: 'RunAction', needless: ['RunAction_runId_fkey'] };

/** RFC 3339, as the rest of the history is told. */
const ISO_NOW = `to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** CatalogPort.beginRun. CANCELLED for a queued run that somebody ended before its turn came; NOT_FOUND. */
export async function beginRun(database: Database, run: Parameters<CatalogPort['beginRun']>[0]): Promise<string> {
  if (run.id !== undefined) return beginQueued(database, run.id);
  const { library, parentId = null, album, kind, policy } = run;
  const values = [library?.id ?? null, parentId, album, kind, storableJson(policy)];
  const { rows } = await database.ask(() => database.pool.query<{ id: string }>(BEGIN, values));
  return String(rows[0]?.id);
}

/** One that is running already was begun by a process that has died, or its lock would be in the way. */
async function beginQueued(database: Database, id: string): Promise<string> {
  const begin = `UPDATE "Run" SET "status" = 'running', "startedAt" = now() WHERE "id" = $1
                    AND "status" IN ('queued', 'running') AND "cancelAt" IS NULL`;
  const { rowCount } = await database.ask(() => database.pool.query(begin, [id]));
  if (rowCount === 1) return id;
  const why = 'SELECT "cancelAt" FROM "Run" WHERE "id" = $1';
  const { rows } = await database.ask(() => database.pool.query<{ cancelAt: Date | null }>(why, [id]));
  const [row] = rows;
  if (row === undefined) throw new RollcallError('NOT_FOUND', `there is no run ${id}`);
  if (row.cancelAt === null) throw new RollcallError('RUN_ENDED', `the run ${id} has ended already`);
  throw new RollcallError('CANCELLED', 'the run was cancelled');
}

/**
 * Writes nothing to a run that has ended. `since` is when what is told was told first; both times are the database's, so
 * that workers on several machines are comparable. A run is a part of a part at most.
 */
const PULSE = `
WITH told AS (
  UPDATE "Run" SET "progress" = $2::jsonb || jsonb_build_object('at', NOW, 'since',
         CASE WHEN "progress" - '{at,since}'::text[] = $2::jsonb THEN "progress"->'since' ELSE to_jsonb(NOW) END)
   WHERE "id" = $1 AND "status" = 'running')
SELECT r."cancelAt" IS NOT NULL OR p."cancelAt" IS NOT NULL OR g."cancelAt" IS NOT NULL AS cancelled
  FROM "Run" AS r LEFT JOIN "Run" AS p ON p."id" = r."parentId" LEFT JOIN "Run" AS g ON g."id" = p."parentId"
 WHERE r."id" = $1`.replaceAll('NOW', ISO_NOW);

/** CatalogPort.pulse. */
export async function pulse(database: Database, runId: string, progress: Progress): Promise<{ cancelled: boolean }> {
  const query = { name: 'rollcall-pulse', text: PULSE, values: [runId, storableJson(progress)] };
  const { rows } = await database.ask(() => database.pool.query<{ cancelled: boolean }>(query));
  return { cancelled: rows[0]?.cancelled === true };
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
    textArray(records.map((record) => record.kind)),
    textArray(records.map((record) => storable(record.path))),
    textArray(records.map((record) => storable(record.key))),
    textArray(records.map((record) => record.outcome)),
    bigintArray(records.map((record) => record.bytes)),
    textArray(records.map((record) => storable(record.code))),
    textArray(records.map((record) => storable(record.message))),
  ];
  const query = { name: 'rollcall-actions', text: RECORD, values };
  if (records.length < WORTH_HOLDING) await database.ask(() => database.pool.query(query));
  else await writeTransaction(database, (client) => recordHolding(client, runId, query));
}

async function recordHolding(client: pg.PoolClient, runId: string, query: pg.QueryConfig): Promise<void> {
  const { rowCount } = await client.query(HOLD_RUN, [runId]);
  // What belongs to a run that is gone is refused by the foreign key.
  if (rowCount === 1) await withParentsHeld(client, ACTIONS, () => client.query(query));
  else await client.query(query);
}

/** CatalogPort.finishRun. A run whose library was removed meanwhile has no entry any more. */
export async function finishRun(database: Database, runId: string, status: RunStatus, report: Report): Promise<void> {
  const { plan, ...rest } = report;
  const kept = plan !== undefined && plan.length <= LONGEST_PLAN ? report : rest;
  await database.ask(() => database.pool.query(FINISH, [runId, status, storableJson(kept)]));
}
