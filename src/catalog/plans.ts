/** PlanStore: plans of dry runs, a row for each step, so that a large one is looked at page by page. */
import type pg from 'pg';
import { RollcallError } from '../errors.ts';
import type { Action } from '../sync/actions.ts';
import type { Page } from '../sync/browse.ts';
import { checkedPlan, readStep, type SavedPlan } from '../sync/plan-file.ts';
import { addGroups, type PlanGroupSum, planGroupOf, sumGroups } from '../sync/plan-groups.ts';
import type { KeptPlan, PlanStore } from '../sync/plan-store.ts';
import { chunksOf } from './chunks.ts';
import { cursorParts, isBigint, isUuid, limitOf, pageOf } from './cursor.ts';
import type { Database } from './database.ts';
import { storableJson } from './text.ts';
import { writeTransaction } from './transaction.ts';

/** Long enough to look through a plan, or to sleep on it; what was seen longer ago than this is seen anew. */
const KEPT_HOURS = 24;
/** A plan of 100,000 steps takes some 60 MB: beyond so many dry runs the oldest plans go. */
const MOST_KEPT = 20;

const KEEP = `
INSERT INTO "Plan" ("runId", "askedId", "header", "groups", "expiresAt")
SELECT r."id", coalesce(r."parentId", r."id"), $2, $3, now() + make_interval(hours => ${KEPT_HOURS})
  FROM "Run" AS r WHERE r."id" = $1`;
const KEEP_STEPS = `
INSERT INTO "PlanStep" ("planId", "at", "group", "action")
SELECT $1, u.at, u.step_group, u.action FROM unnest($2::int[], $3::text[], $4::text[]) AS u (at, step_group, action)`;
const FORGET = `
DELETE FROM "Plan" WHERE "expiresAt" <= now() OR "askedId" NOT IN (
  SELECT "askedId" FROM "Plan" GROUP BY "askedId" ORDER BY max("createdAt") DESC LIMIT ${MOST_KEPT})`;
const FIND = `
SELECT "groups", "createdAt", "expiresAt", "appliedAt", "appliedBy" FROM "Plan"
 WHERE "askedId" = $1 AND "expiresAt" > now() ORDER BY "createdAt", "runId"`;
const STEPS = `
SELECT s."planId", s."at", s."action" FROM "PlanStep" AS s
 WHERE s."planId" IN (SELECT "runId" FROM "Plan" WHERE "askedId" = $1 AND "expiresAt" > now())
   AND ($2::text IS NULL OR s."group" = $2) AND ($3::uuid IS NULL OR (s."planId", s."at") > ($3, $4::int))
 ORDER BY s."planId", s."at" LIMIT $5`;
/** Only of a dry run that came to its end: what it was cut off in has parts that nobody has seen. */
const TAKE = `
UPDATE "Plan" AS p SET "appliedAt" = now() FROM "Run" AS r
 WHERE p."askedId" = $1 AND p."appliedAt" IS NULL AND p."expiresAt" > now() AND r."id" = p."askedId"
   AND r."status" IN ('planned', 'partial') AND r."report" -> 'error' IS NULL
RETURNING p."runId", p."header"`;
const GIVE_BACK = `UPDATE "Plan" SET "appliedAt" = NULL, "appliedBy" = NULL WHERE "askedId" = $1`;
const APPLIED = `UPDATE "Plan" SET "appliedBy" = $2 WHERE "askedId" = $1`;

interface PlanRow {
  readonly groups: readonly PlanGroupSum[];
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly appliedAt: Date | null;
  readonly appliedBy: string | null;
}

interface StepRow {
  readonly planId: string;
  readonly at: number;
  readonly action: string;
}

/** The plans of this catalog. */
export function planStore(database: Database): PlanStore {
  const run = (sql: string, values: unknown[]) => database.ask(() => database.pool.query(sql, values));
  return {
    keep: (runId, plan) => writeTransaction(database, (client) => keep(client, runId, plan)),
    find: (runId) => find(database, runId),
    steps: (runId, filter, page) => steps(database, runId, filter, page),
    take: (runId, signal) => take(database, runId, signal),
    giveBack: async (runId) => void (await run(GIVE_BACK, [runId])),
    applied: async (runId, by) => void (await run(APPLIED, [runId, by])),
  };
}

async function keep(client: pg.PoolClient, runId: string, { actions, ...header }: SavedPlan): Promise<void> {
  await client.query(KEEP, [runId, storableJson(header), storableJson(sumGroups(actions))]);
  let at = 0;
  for (const chunk of chunksOf(actions)) {
    const places = chunk.map((_, index) => at + index);
    await client.query(KEEP_STEPS, [runId, places, chunk.map(planGroupOf), chunk.map(storableJson)]);
    at += chunk.length;
  }
  await client.query(FORGET);
}

async function find({ ask, pool }: Database, runId: string): Promise<KeptPlan | null> {
  if (!isUuid(runId)) return null;
  const { rows } = await ask(() => pool.query<PlanRow>(FIND, [runId]));
  const [first] = rows;
  if (first === undefined) return null;
  const groups = addGroups(rows.flatMap((row) => row.groups));
  const sum = (what: 'steps' | 'bytes' | 'usd') => groups.reduce((all, group) => all + group[what], 0);
  return {
    runId,
    createdAt: first.createdAt.toISOString(),
    expiresAt: first.expiresAt.toISOString(),
    appliedAt: first.appliedAt?.toISOString() ?? null,
    appliedBy: first.appliedBy,
    ...{ steps: sum('steps'), bytes: sum('bytes'), usd: sum('usd') },
    groups,
  };
}

async function steps(
  database: Database,
  runId: string,
  { group }: Parameters<PlanStore['steps']>[1],
  page: Parameters<PlanStore['steps']>[2],
): Promise<Page<Action> | null> {
  const limit = limitOf(page);
  const [planId = null, at = null] = cursorParts(page, [isUuid, isBigint]) ?? [];
  if (!isUuid(runId)) return null;
  const values = [runId, group ?? null, planId, at, limit + 1];
  const { rows } = await database.ask(() => database.pool.query<StepRow>(STEPS, values));
  if (rows.length === 0 && (await find(database, runId)) === null) return null;
  return pageOf(
    rows,
    limit,
    ({ action }) => readStep(action),
    (row) => [row.planId, String(row.at)],
  );
}

async function take(database: Database, runId: string, signal: AbortSignal): Promise<readonly SavedPlan[]> {
  const { ask, pool } = database;
  const taken = await writeTransaction(database, async (client) => {
    const { rows } = await client.query<{ runId: string; header: object }>(TAKE, [runId]);
    return rows;
  });
  if (taken.length === 0) throw await refusal(database, runId);
  const sql = `SELECT "action" FROM "PlanStep" WHERE "planId" = $1 ORDER BY "at"`;
  const plans: SavedPlan[] = [];
  for (const { runId: planId, header } of taken) {
    const { rows } = await ask(() => pool.query<{ action: string }>(sql, [planId]), signal);
    plans.push(checkedPlan({ ...header, actions: rows.map(({ action }) => JSON.parse(action)) }));
  }
  return plans;
}

async function refusal(database: Database, runId: string): Promise<RollcallError> {
  const kept = await find(database, runId);
  if (kept?.appliedAt != null) {
    const by = kept.appliedBy === null ? '' : ` by the run ${kept.appliedBy}`;
    return new RollcallError('PLAN_APPLIED', `this plan was carried out already${by}`, { field: 'id' });
  }
  const message =
    kept === null
      ? `no plan is kept of the run ${runId}: it was no dry run, or is too long ago`
      : `the dry run ${runId} has not come to its end: its plan is not whole`;
  return new RollcallError('NOT_FOUND', message, { field: 'id' });
}
