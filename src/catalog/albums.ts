/** Album rows of photos that are being written, and which keys are theirs. */
import type pg from 'pg';
import type { Library } from '../sync/types.ts';
import { newIds } from './binary-arrays.ts';

/** The path of the album that holds this photo: the folder part of its key below the prefix, `.` for the root. */
export function albumPathOf(library: Library, key: string): string {
  const end = key.lastIndexOf('/');
  return end < library.prefix.length ? '.' : key.slice(library.prefix.length, end);
}

/** What sorts behind all keys of a library. Prefixes end in `/`, after which comes `0`; below no prefix there is no end. */
export function endOfKeys({ prefix }: Pick<Library, 'prefix'>): string {
  return prefix === '' ? BEHIND_ALL_KEYS : `${prefix.slice(0, -1)}0`;
}

/** The last character there is, in UTF-8 longer than a key may be. */
export const BEHIND_ALL_KEYS = '\u{10ffff}'.repeat(257);

/** What the keys of an album's photos begin with. */
export function folderOf(library: Library, album: string): string {
  return album === '.' ? library.prefix : `${library.prefix}${album}/`;
}

/** SQL: is this key, an expression, one directly in this folder (`folderOf`), not in one of its subfolders? */
export function directlyIn(folder: string, key: string): string {
  return `(starts_with(${key}, ${folder}) AND strpos(substr(${key}, char_length(${folder}) + 1), '/') = 0)`;
}

/**
 * Ids of the albums of these keys by album path; those that have no row yet get one. The caller's transaction holds them from
 * then on: none can be removed, nor get another path, before it ends.
 */
export async function albumIds(
  client: pg.PoolClient,
  library: Library,
  photos: readonly { readonly key: string }[],
): Promise<ReadonlyMap<string, string>> {
  const paths = [...new Set(photos.map(({ key }) => albumPathOf(library, key)))].sort();
  const ids = await existing(client, library, paths);
  const missing = paths.filter((path) => !ids.has(path));
  if (missing.length === 0) return ids;
  // With ids in the order of their paths, photos that come in the order of keys do so in the index by album too.
  await client.query(
    `INSERT INTO "Album" ("libraryId", "id", "path") SELECT $1, * FROM unnest($2::uuid[], $3::text[])
     ON CONFLICT ("libraryId", "path") DO NOTHING`,
    [library.id, newIds(missing.length), missing],
  );
  // Not RETURNING: it leaves out a row that another writer made in between.
  return new Map([...ids, ...(await existing(client, library, missing))]);
}

async function existing(
  client: pg.PoolClient,
  library: Library,
  paths: readonly string[],
): Promise<Map<string, string>> {
  const sql = `SELECT "id", "path" FROM "Album" WHERE "libraryId" = $1 AND "path" = ANY($2::text[])
                ORDER BY "id" FOR KEY SHARE`;
  const { rows } = await client.query<{ id: string; path: string }>(sql, [library.id, paths]);
  return new Map(rows.map((row) => [row.path, row.id]));
}
