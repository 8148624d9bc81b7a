/** Asking for the end of runs: of those that go, of those that wait, and of all that is a part of them. */
import { RollcallError } from '../errors.ts';
import { sumLibraries, sumTasks } from '../sync/sum-tasks.ts';
import type { Database } from './database.ts';
import { endRuns, OPEN } from './task-sums.ts';
import { writeTransaction } from './transaction.ts';

const SUMS = { tasks: sumTasks, libraries: sumLibraries };

/**
 * RunHistory.cancel; false: there is no such run. The asking is there for all to see before anything is ended: whatever
 * cuts this off in between, those who carry the runs out find it, and asking again goes on here.
 */
export async function cancelRun(database: Database, id: string): Promise<boolean> {
  const asked = await ask(database, id);
  if (asked !== 'open') {
    if (asked === 'none') return false;
    throw new RollcallError('RUN_ENDED', `the run ${id} has ended already`, { field: 'id' });
  }
  for (const part of await openParts(database, id)) await endWaiting(database, part);
  await endWaiting(database, id);
  return true;
}

/** Notes it for the run and for its parts: they have their tasks, and a report, of their own. */
async function ask({ ask: query, pool }: Database, id: string): Promise<'open' | 'over' | 'none'> {
  const sql = `WITH asked AS (
    UPDATE "Run" SET "cancelAt" = coalesce("cancelAt", now())
     WHERE ("id" = $1 OR "parentId" = $1) AND "status" IN ${OPEN} RETURNING "id")
    SELECT EXISTS (SELECT FROM asked WHERE "id" = $1) AS open FROM "Run" WHERE "id" = $1`;
  const { rows } = await query(() => pool.query<{ open: boolean }>(sql, [id]));
  const [row] = rows;
  return row === undefined ? 'none' : row.open ? 'open' : 'over';
}

async function openParts({ ask: query, pool }: Database, id: string): Promise<readonly string[]> {
  const sql = `SELECT "id" FROM "Run" WHERE "parentId" = $1 AND "status" IN ${OPEN} ORDER BY "startedAt", "id"`;
  const { rows } = await query(() => pool.query<{ id: string }>(sql, [id]));
  return rows.map((row) => row.id);
}

/**
 * Ends the tasks that nobody has begun, and the run with them if that was all; a run without tasks that goes is its
 * process's to end. The run is held first, as whoever ends a task holds it.
 */
function endWaiting(database: Database, runId: string): Promise<void> {
  return writeTransaction(database, async (client) => {
    const run = await client.query<{ status: string; spread: boolean }>(
      `SELECT "status", EXISTS (SELECT FROM "AlbumTask" WHERE "runId" = $1) AS spread
         FROM "Run" WHERE "id" = $1 AND "status" IN ${OPEN} FOR UPDATE`,
      [runId],
    );
    const [row] = run.rows;
    if (row === undefined || (row.status === 'running' && !row.spread)) return;
    await client.query(
      `UPDATE "AlbumTask" SET "status" = 'cancelled', "updatedAt" = now() WHERE "runId" = $1 AND "status" = 'queued'`,
      [runId],
    );
    await endRuns(client, runId, SUMS);
  });
}
