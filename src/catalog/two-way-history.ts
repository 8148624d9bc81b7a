/** How two-way syncs have gone, from the history of runs. */
import type { TwoWayHistory } from '../sync/browse.ts';
import type { Database } from './database.ts';

/**
 * Whoever ran them counts alike: the schedule, the API, the command line. A run over one album says nothing of the
 * library, nor does the survey before its albums are synced; and one that was told to stop is no failure.
 */
const TWO_WAY = `r."libraryId" = l."id" AND r."album" IS NULL AND r."kind" <> 'survey'
            AND r."policy" ->> 'direction' = 'both' AND r."policy" ->> 'dryRun' = 'false'`;
const FAILED = `SELECT r."startedAt", r."report" FROM "Run" AS r
          WHERE ${TWO_WAY} AND r."status" IN ('partial', 'failed', 'refused')
            AND r."startedAt" > coalesce(good."startedAt", '-infinity')
            AND r."report" -> 'error' ->> 'code' IS DISTINCT FROM 'CANCELLED'`;

const HISTORY = `
SELECT l."name" AS library, good."finishedAt" AS "lastGoodAt", first."startedAt" AS "failingSince",
       coalesce(last."report" -> 'error' ->> 'message', last."report" -> 'failures' -> 0 ->> 'message') AS error
  FROM "Library" AS l
  LEFT JOIN LATERAL (SELECT r."startedAt", r."finishedAt" FROM "Run" AS r WHERE ${TWO_WAY} AND r."status" = 'succeeded'
                      ORDER BY r."startedAt" DESC LIMIT 1) AS good ON true
  LEFT JOIN LATERAL (${FAILED} ORDER BY r."startedAt" LIMIT 1) AS first ON true
  LEFT JOIN LATERAL (${FAILED} ORDER BY r."startedAt" DESC LIMIT 1) AS last ON true
 WHERE l."sync" = 'both' ORDER BY l."name"`;

interface HistoryRow {
  readonly library: string;
  readonly lastGoodAt: Date | null;
  readonly failingSince: Date | null;
  readonly error: string | null;
}

/** CatalogBrowser.twoWayHistory. */
export async function twoWayHistory(database: Database, signal: AbortSignal): Promise<readonly TwoWayHistory[]> {
  const { rows } = await database.ask(() => database.pool.query<HistoryRow>(HISTORY), signal);
  return rows.map(({ library, lastGoodAt, failingSince, error }) => ({
    library,
    lastGoodAt: lastGoodAt?.toISOString() ?? null,
    failingSince: failingSince?.toISOString() ?? null,
    error,
  }));
}
