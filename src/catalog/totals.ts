/** CatalogBrowser.totals: what each library holds, in one pass over its photos. */
import type { LibraryTotals, StateCounts } from '../sync/browse.ts';
import type { PhotoState } from '../sync/types.ts';
import type { Database } from './database.ts';
import { PhotoState as States } from './generated/enums.ts';

const NONE = Object.fromEntries(Object.values(States).map((state) => [state, 0])) as StateCounts;

const TOTALS = `
SELECT l."id", l."name", p."state", p."photos", p."bytes", a."albums"
  FROM "Library" AS l
  LEFT JOIN (SELECT "libraryId", "state", count(*)::int AS "photos", sum("size")::float8 AS "bytes"
               FROM "Photo" GROUP BY 1, 2) AS p ON p."libraryId" = l."id"
  LEFT JOIN (SELECT "libraryId", count(*)::int AS "albums" FROM "Album" GROUP BY 1) AS a ON a."libraryId" = l."id"
 ORDER BY l."name", p."state"`;

interface Row {
  readonly id: string;
  readonly name: string;
  readonly state: PhotoState | null;
  readonly photos: number | null;
  readonly bytes: number | null;
  readonly albums: number | null;
}

/** By the libraries' names. */
export async function libraryTotals(database: Database, signal: AbortSignal): Promise<readonly LibraryTotals[]> {
  const { rows } = await database.ask(() => database.pool.query<Row>(TOTALS), signal);
  const totals = new Map<string, LibraryTotals>();
  for (const { id, name, state, photos, bytes, albums } of rows) {
    const before = totals.get(id) ?? { id, name, albums: albums ?? 0, photos: 0, bytes: 0, states: NONE };
    const count = photos ?? 0;
    const states = state === null ? before.states : { ...before.states, [state]: count };
    totals.set(id, { ...before, photos: before.photos + count, bytes: before.bytes + (bytes ?? 0), states });
  }
  return [...totals.values()];
}
