/** Reads photo rows in bulk, in key order. */
import type { Inventory } from '../sync/ports.ts';
import type { CatalogRow, Library, Scope } from '../sync/types.ts';
import { directlyIn, endOfKeys, folderOf } from './albums.ts';
import { type Database, inTransaction } from './database.ts';
import { COLUMNS, type RawRow, rawQuery, type Statement, toRow } from './raw-rows.ts';
import { type PageColumns, rowsOf, selectPage } from './row-columns.ts';

/** As many as a page of the bucket's listing: larger ones would outlive V8's young generation, and so take more memory. */
const BATCH = 1_000;

/**
 * Keyset pages, each in a transaction of its own: a cursor would hold one open for as long as the scan lasts. A planner
 * without statistics, as after a first sync of many photos, would sort all the rest of the library for every page:
 * 59 s for a million rows instead of 3 s.
 */
const BEGIN_PAGE = 'BEGIN READ ONLY; SET LOCAL enable_sort = off';
/** A library's keys are a stretch of its bucket's, of which no other library has any (libraries.ts). */
const PAGE_OF_LIBRARY = {
  name: 'rollcall-library-rows',
  text: selectPage(
    `SELECT * FROM "Photo"
      WHERE "libraryId" = $1 AND "key" > $2 AND "bucket" = $4 AND "key" < $5 ORDER BY "key" LIMIT ${BATCH}`,
    '$3::text',
  ),
};
/** `$4` is the album's folder. */
const PAGE_OF_ALBUM = {
  name: 'rollcall-album-rows',
  text: selectPage(
    `SELECT * FROM "Photo" WHERE "albumId" = $1 AND "key" > $2 AND ${directlyIn('$4', '"key"')}
      ORDER BY "key" LIMIT ${BATCH}`,
    '$3::text',
  ),
};
const BY_KEY = {
  name: 'rollcall-rows-by-key',
  text: `SELECT ${COLUMNS} FROM "Photo" WHERE "libraryId" = $1 AND "bucket" = $2 AND "key" = ANY($3::text[])`,
};

/** CatalogPort.rows. The catalog is always whole, so its silence about a key proves absence. */
export function rowsInScope(database: Database, scope: Scope, signal: AbortSignal): Inventory<CatalogRow> {
  return { batches: batchesInScope(database, scope, signal), problems: () => [], vouchesFor: () => true };
}

/** CatalogPort.rowsByKey. */
export async function rowsWithKeys(
  database: Database,
  library: Library,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<readonly CatalogRow[]> {
  const rows: CatalogRow[] = [];
  for (let start = 0; start < keys.length; start += BATCH) {
    const some = keys.slice(start, start + BATCH);
    const query = rawQuery(BY_KEY, [library.id, library.bucket, some]);
    const answer = await database.ask(() => database.pool.query<RawRow>(query), signal);
    rows.push(...answer.rows.map(toRow));
  }
  return rows;
}

/** CatalogPort.countLive. */
export async function countLive(database: Database, scope: Scope, signal: AbortSignal): Promise<number> {
  const found = await ownerOf(database, scope, signal);
  if (found === null) return 0;
  const theirs = found.length === 1 ? '"libraryId" = $1' : `"albumId" = $1 AND ${directlyIn('$2', '"key"')}`;
  const sql = `SELECT count(*)::int AS live FROM "Photo" WHERE "state" NOT IN ('orphaned', 'lost') AND ${theirs}`;
  const { rows } = await database.ask(() => database.pool.query<{ live: number }>(sql, [...found]), signal);
  return rows[0]?.live ?? 0;
}

async function* batchesInScope(
  database: Database,
  scope: Scope,
  signal: AbortSignal,
): AsyncGenerator<readonly CatalogRow[]> {
  const found = await ownerOf(database, scope, signal);
  if (found === null) return;
  const [owner, folder] = found;
  const { library } = scope;
  const { prefix } = library;
  const read = async (after: string) => {
    const [statement, values] =
      folder === undefined
        ? [PAGE_OF_LIBRARY, [owner, after, prefix, library.bucket, endOfKeys(library)]]
        : [PAGE_OF_ALBUM, [owner, after, prefix, folder]];
    return rowsOf(await readPage(database, statement, values, signal), prefix);
  };
  let next: Promise<readonly CatalogRow[]> | null = read(folder ?? prefix);
  while (next !== null) {
    const batch: readonly CatalogRow[] = await next;
    const last = batch.at(-1);
    // The next page is on its way while this one is worked on.
    next = last && batch.length === BATCH ? read(last.key) : null;
    // Whoever stops reading early never awaits it.
    next?.catch(() => {});
    if (batch.length > 0) yield batch;
  }
}

/**
 * The id that the rows in scope have in common, and of an album its folder: after a rename that was cut off half-way its
 * row has photos of another folder for a while. Null for an album that has no row yet.
 */
export async function ownerOf(
  database: Database,
  { library, album }: Scope,
  signal: AbortSignal,
): Promise<readonly [id: string, folder?: string] | null> {
  if (album === null) return [library.id];
  const sql = 'SELECT "id" FROM "Album" WHERE "libraryId" = $1 AND "path" = $2';
  const { rows } = await database.ask(() => database.pool.query<{ id: string }>(sql, [library.id, album]), signal);
  return rows[0] ? [rows[0].id, folderOf(library, album)] : null;
}

async function readPage(
  database: Database,
  statement: Statement,
  values: readonly string[],
  signal: AbortSignal,
): Promise<PageColumns | readonly null[]> {
  const { rows } = await database.ask(
    () => inTransaction(database.pool, (client) => client.query<PageColumns>(rawQuery(statement, values)), BEGIN_PAGE),
    signal,
  );
  return rows[0] ?? [];
}
