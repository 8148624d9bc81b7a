/** Albums whose folder was renamed. */
import type pg from 'pg';
import type { AlbumMove } from '../sync/catalog-port.ts';
import type { Library } from '../sync/types.ts';
import { directlyIn } from './albums.ts';
import type { Database } from './database.ts';
import { writeInLibrary } from './transaction.ts';

/** Locked, so that nobody puts a photo into an album that is about to be removed for having none. */
const CONCERNED = `
SELECT "id", "path" FROM "Album" WHERE "libraryId" = $1 AND ("id" = ANY($2::uuid[]) OR "path" = ANY($3::text[]))
 ORDER BY "id" FOR UPDATE`;
/** A statement of its own: what was written while the lock was waited for is seen by the next one only. */
const FILLED = `
SELECT a.id FROM unnest($1::uuid[]) AS a (id) WHERE EXISTS (SELECT FROM "Photo" AS p WHERE p."albumId" = a.id)`;
const REMOVE = 'DELETE FROM "Album" WHERE "id" = ANY($1::uuid[])';
/** The unique rule is checked row by row: all step aside before the first takes its place. */
const STEP_ASIDE = `UPDATE "Album" SET "path" = 'stepped aside ' || "id" WHERE "id" = ANY($1::uuid[])`;
const RENAME = `
UPDATE "Album" AS a SET "path" = u.path, "updatedAt" = now() FROM unnest($1::uuid[], $2::text[]) AS u (id, path)
 WHERE a."id" = u.id`;

/** The album of a key, as albumPathOf says it. */
const ALBUM_OF_KEY = `coalesce(nullif(regexp_replace(substr(p."key", char_length($2) + 1), '/?[^/]*$', ''), ''), '.')`;
const FOLDER = `$2 || CASE WHEN a."path" = '.' THEN '' ELSE a."path" || '/' END`;
const STRAYS = `
WITH strays AS MATERIALIZED (
  SELECT p."id", ${ALBUM_OF_KEY} AS album FROM "Photo" AS p JOIN "Album" AS a ON a."id" = p."albumId"
   WHERE p."albumId" = ANY($3::uuid[]) AND p."libraryId" = $1 AND NOT ${directlyIn(`(${FOLDER})`, 'p."key"')})`;
const MAKE_ALBUMS = `${STRAYS}
INSERT INTO "Album" ("libraryId", "path") SELECT DISTINCT $1::uuid, album FROM strays
ON CONFLICT ("libraryId", "path") DO NOTHING`;
const SETTLE = `${STRAYS}
UPDATE "Photo" AS p SET "albumId" = a."id", "updatedAt" = now()
  FROM strays AS s JOIN "Album" AS a ON a."libraryId" = $1 AND a."path" = s.album WHERE p."id" = s."id"`;

interface AlbumRow {
  readonly id: string;
  readonly path: string;
}

/** CatalogPort.moveAlbums. */
export async function moveAlbums(database: Database, library: Library, albums: readonly AlbumMove[]): Promise<void> {
  if (albums.length === 0) return;
  await writeInLibrary(database, library, async (client) => {
    const paths = albums.map((album) => album.path);
    const ids = albums.map((album) => album.id);
    const { rows } = await client.query<AlbumRow>(CONCERNED, [library.id, ids, paths]);
    const filled = await filledAlbums(client, rows);
    const moves = possibleMoves(rows, filled, albums);
    if (moves.size === 0) return;
    const taken = new Set(moves.values());
    const inTheWay = rows.filter((row) => taken.has(row.path) && !moves.has(row.id));
    await client.query(REMOVE, [inTheWay.map((row) => row.id)]);
    await client.query(STEP_ASIDE, [[...moves.keys()]]);
    await client.query(RENAME, [[...moves.keys()], [...moves.values()]]);
  });
}

/** CatalogPort.settleAlbums. */
export async function settleAlbums(database: Database, library: Library, albumIds: readonly string[]): Promise<void> {
  if (albumIds.length === 0) return;
  await writeInLibrary(database, library, async (client) => {
    const values = [library.id, library.prefix, albumIds];
    await client.query(MAKE_ALBUMS, values);
    await client.query(SETTLE, values);
  });
}

async function filledAlbums(client: pg.PoolClient, albums: readonly AlbumRow[]): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ id: string }>(FILLED, [albums.map((album) => album.id)]);
  return new Set(rows.map((row) => row.id));
}

/**
 * The new paths, by album, of those that can have them: a path can be taken that is free, whose album has no photos, or
 * whose album goes elsewhere. Who has to stay may be in the way of another one, hence the rounds.
 */
function possibleMoves(
  rows: readonly AlbumRow[],
  filled: ReadonlySet<string>,
  albums: readonly AlbumMove[],
): ReadonlyMap<string, string> {
  const pathNow = new Map(rows.map((row) => [row.id, row.path]));
  const filledAt = new Map(rows.filter((row) => filled.has(row.id)).map((row) => [row.path, row.id]));
  const moves = new Map<string, string>();
  const claimed = new Set<string>();
  for (const { id, path } of albums) {
    const now = pathNow.get(id);
    if (now === undefined || moves.has(id) || claimed.has(path)) continue;
    claimed.add(path);
    if (now !== path) moves.set(id, path);
  }
  for (let before = -1; before !== moves.size; ) {
    before = moves.size;
    for (const [id, path] of moves) {
      const holder = filledAt.get(path);
      if (holder !== undefined && !moves.has(holder)) moves.delete(id);
    }
  }
  return moves;
}
