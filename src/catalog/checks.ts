/** Photos as they are asked for one by one, checked and noted. */
import type { LocatedRow } from '../sync/catalog-port.ts';
import { chunksOf } from './chunks.ts';
import { isUuid } from './cursor.ts';
import type { Database } from './database.ts';
import { COLUMNS, type RawRow, rawQuery, toRow } from './raw-rows.ts';

const BY_ID = {
  name: 'rollcall-rows-by-id',
  text: `SELECT ${COLUMNS}, "libraryId" FROM "Photo" WHERE "id" = ANY($1::uuid[])`,
};

/** CatalogPort.rowsById. */
export async function rowsWithIds(
  database: Database,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<readonly LocatedRow[]> {
  const rows: LocatedRow[] = [];
  for (const some of chunksOf(ids.filter(isUuid))) {
    const query = rawQuery(BY_ID, [some]);
    const answer = await database.ask(() => database.pool.query<[...RawRow, string]>(query), signal);
    for (const raw of answer.rows) rows.push({ ...toRow(raw.slice(0, -1) as RawRow), libraryId: raw.at(-1) ?? '' });
  }
  return rows;
}
