/** PlanStore: plans of dry runs, their steps in blocks, so that a large one is looked at page by page. */
import type pg from 'pg';
import { RollcallError } from '../errors.ts';
import type { Action } from '../sync/actions.ts';
import type { Page } from '../sync/browse.ts';
import { checkedPlan, readStep, type SavedPlan } from '../sync/plan-file.ts';
import { addGroups, PLAN_GROUPS, type PlanGroupSum, planGroupOf, sumGroups } from '../sync/plan-groups.ts';
import type { KeptPlan, PlanStore } from '../sync/plan-store.ts';
import { chunksOf } from './chunks.ts';
import { cursorParts, isBigint, isUuid, limitOf, pageOf } from './cursor.ts';
import type { Database } from './database.ts';
import { storableJson } from './text.ts';
import { writeTransaction } from './transaction.ts';

/** Long enough to look through a plan, or to sleep on it; what was seen longer ago than this is seen anew. */
const KEPT_HOURS = 24;
/** Beyond so many dry runs the oldest plans go. */
const MOST_KEPT = 20;

const KEEP = `
INSERT INTO "Plan" ("runId", "askedId", "header", "groups", "expiresAt")
SELECT r."id", coalesce(r."parentId", r."id"), $2, $3, now() + make_interval(hours => ${KEPT_HOURS})
  FROM "Run" AS r WHERE r."id" = $1`;
const KEEP_BLOCKS = `
INSERT INTO "PlanBlock" ("planId", "group", "first", "last", "count", "steps")
SELECT $1, * FROM unnest($2::text[], $3::int[], $4::int[], $5::int[], $6::text[])`;
const FORGET = `
DELETE FROM "Plan" WHERE "expiresAt" <= now() OR "askedId" NOT IN (
  SELECT "askedId" FROM "Plan" GROUP BY "askedId" ORDER BY max("createdAt") DESC LIMIT ${MOST_KEPT})`;
const FIND = `
SELECT "groups", "createdAt", "expiresAt", "appliedAt", "appliedBy" FROM "Plan"
 WHERE "askedId" = $1 AND "expiresAt" > now() ORDER BY "createdAt", "runId"`;
/** Blocks that hold the steps after a place, as many as hold so many; the first of them may begin before it. */
const BLOCKS = `
SELECT "planId", "group", "first", "steps" FROM (
  SELECT b.*, sum(b."count") OVER (ORDER BY b."planId", b."group", b."first") - b."count" AS before
    FROM "PlanBlock" AS b
   WHERE b."planId" IN (SELECT "runId" FROM "Plan" WHERE "askedId" = $1 AND "expiresAt" > now())
     AND ($2::text IS NULL OR b."group" = $2)
     AND ($3::uuid IS NULL OR (b."planId", b."group", b."last") > ($3, $4, $5::int))) AS found
 WHERE before < $6 ORDER BY "planId", "group", "first"`;
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

interface BlockRow {
  readonly planId: string;
  readonly group: string;
  readonly first: number;
  readonly steps: string;
}

type Placed = readonly [at: number, step: unknown];

/** Steps of a block: a page or two of what is looked at. */
const BLOCK = 250;
/** Blocks of one statement. */
const AT_ONCE = 20;

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
  const placed = actions.map((action, at) => ({ at, action }));
  for (const [group, steps] of Map.groupBy(placed, ({ action }) => planGroupOf(action))) {
    for (const some of chunksOf([...chunksOf(steps, BLOCK)], AT_ONCE)) {
      await client.query(KEEP_BLOCKS, [
        runId,
        some.map(() => group),
        some.map((block) => block[0]?.at),
        some.map((block) => block.at(-1)?.at),
        some.map((block) => block.length),
        some.map((block) => storableJson(block.map(({ at, action }) => [at, action]))),
      ]);
    }
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
  const [planId = null, inGroup = null, at = null] = cursorParts(page, [isUuid, isGroup, isBigint]) ?? [];
  if (!isUuid(runId)) return null;
  const values = [runId, group ?? null, planId, inGroup, at, limit + 1 + BLOCK];
  const { rows } = await database.ask(() => database.pool.query<BlockRow>(BLOCKS, values));
  if (rows.length === 0 && (await find(database, runId)) === null) return null;
  const from = (row: BlockRow) => (row.planId === planId && row.group === inGroup ? Number(at) : -1);
  const found = rows.flatMap((row) =>
    placedIn(row)
      .filter(([place]) => place > from(row))
      .map(([place, step]) => ({ row, place, step })),
  );
  return pageOf(
    found,
    limit,
    ({ step }) => readStep(step),
    ({ row, place }) => [row.planId, row.group, String(place)],
  );
}

function placedIn({ steps }: Pick<BlockRow, 'steps'>): Placed[] {
  // Written by keep and by nobody else.
  return JSON.parse(steps) as Placed[];
}

function isGroup(text: string): boolean {
  return PLAN_GROUPS.some((group) => group === text);
}

/** All or nothing: what cannot be read whole is not taken, and what is being read is not forgotten meanwhile. */
async function take(database: Database, runId: string, signal: AbortSignal): Promise<readonly SavedPlan[]> {
  const sql = `SELECT "steps" FROM "PlanBlock" WHERE "planId" = $1`;
  const plans = await writeTransaction(database, async (client) => {
    const { rows } = await client.query<{ runId: string; header: object }>(TAKE, [runId]);
    const taken: SavedPlan[] = [];
    for (const { runId: planId, header } of rows) {
      const blocks = await client.query<{ steps: string }>(sql, [planId]);
      const placed = blocks.rows.flatMap(placedIn).sort(([a], [b]) => a - b);
      taken.push(checkedPlan({ ...header, actions: placed.map(([, step]) => step) }));
    }
    signal.throwIfAborted();
    return taken;
  });
  if (plans.length === 0) throw await refusal(database, runId);
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
