/** Two-way syncs run every minute; those that found nothing to do need not be remembered for ever. */
import type { Database } from './database.ts';

/** The latest good one of each library is what health goes by: it stays, however old. */
const FORGET = `
DELETE FROM "Run" AS r
 WHERE r."kind" = 'sync' AND r."status" = 'succeeded' AND r."album" IS NULL AND r."parentId" IS NULL
   AND r."policy" ->> 'direction' = 'both' AND r."policy" ->> 'dryRun' = 'false'
   AND r."finishedAt" < now() - make_interval(days => $1)
   AND NOT EXISTS (SELECT 1 FROM "RunAction" AS a WHERE a."runId" = r."id")
   AND NOT EXISTS (SELECT 1 FROM "Run" AS part WHERE part."parentId" = r."id")
   AND EXISTS (SELECT 1 FROM "Run" AS later WHERE later."libraryId" = r."libraryId" AND later."album" IS NULL
                  AND later."status" = 'succeeded' AND later."policy" ->> 'direction' = 'both'
                  AND later."policy" ->> 'dryRun' = 'false' AND later."startedAt" > r."startedAt")`;

/** TaskStore.forgetQuietRuns. */
export async function forgetQuietRuns(database: Database, days: number, signal: AbortSignal): Promise<number> {
  const { rowCount } = await database.ask(() => database.pool.query(FORGET, [days]), signal);
  return rowCount ?? 0;
}
