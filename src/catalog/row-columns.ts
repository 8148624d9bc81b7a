/**
 * Pages of photo rows, column by column. The driver makes a string of every value of every row; of a page of thousands,
 * one text a column is a third of the work, and a sync of an unchanged library does little else.
 */
import { RollcallError } from '../errors.ts';
import type { CatalogRow, PhotoState } from '../sync/types.ts';
import { toRow } from './raw-rows.ts';

/** One row, one text a column: numbers and names without commas joined by commas, what may hold anything as JSON. */
export type PageColumns = readonly [
  ids: string,
  albumIds: string,
  keys: string,
  paths: string,
  sizes: string,
  mtimes: string,
  devices: string,
  inodes: string,
  births: string,
  md5s: string,
  etags: string,
  partSizes: string,
  states: string,
  orphaned: string,
  deleting: string,
  damage: string,
];

/** An MD5 that is its row's ETag, as that of an object of one part is. */
const THE_ETAG = '=';

/**
 * The page that `rows` selects from "Photo", in its order; `prefix` is the parameter with the library's. No rows: nulls.
 * An aggregate takes its input in the order of a sorted subquery (PostgreSQL manual, 9.21) where nothing else is asked.
 */
export function selectPage(rows: string, prefix: string): string {
  return `SELECT json_agg("id")::text, json_agg("albumId")::text, json_agg("key")::text,
       json_agg(CASE WHEN ${prefix} || "path" <> "key" THEN "path" END)::text,
       ${['"size"', '"mtimeNs"', '"device"', '"inode"', '"birthNs"'].map(joined).join(', ')},
       json_agg(CASE WHEN "md5" = "etag" THEN '${THE_ETAG}' ELSE "md5" END)::text, json_agg("etag")::text,
       ${['"partSize"', '"state"', '(extract(epoch FROM "orphanedAt") * 1000)::bigint'].map(joined).join(', ')},
       ${joined(`CASE WHEN "deletingAt" IS NOT NULL THEN 't' END`)}, json_agg("damage")::text
  FROM (${rows}) AS page`;
}

function joined(column: string): string {
  return `string_agg(coalesce((${column})::text, ''), ',')`;
}

/** Their rows; `prefix` is the library's. */
export function rowsOf(columns: PageColumns | readonly null[], prefix: string): CatalogRow[] {
  const [ids] = columns;
  return ids === null || ids === undefined ? [] : rowsIn(columns as PageColumns, prefix);
}

function rowsIn(columns: PageColumns, prefix: string): CatalogRow[] {
  // JSON makes strings of their own: a piece of a column's text would keep all of it as long as one id is kept.
  const [ids, albumIds, keys] = [columns[0], columns[1], columns[2]].map((text) => JSON.parse(text) as string[]);
  const [paths, md5s, etags, damage] = [columns[3], columns[9], columns[10], columns[15]].map(
    (text) => JSON.parse(text) as (string | null)[],
  );
  const [sizes, mtimes, devices, inodes, births, partSizes, states, orphaned, deleting] = (
    [4, 5, 6, 7, 8, 11, 12, 13, 14] as const
  ).map((column) => columns[column].split(','));
  return (keys ?? []).map((key, i) => {
    const etag = etags?.[i] ?? null;
    const md5 = md5s?.[i] ?? null;
    return toRow([
      here(ids?.[i]),
      here(albumIds?.[i]),
      key,
      paths?.[i] ?? key.slice(prefix.length),
      here(sizes?.[i]),
      here(mtimes?.[i]),
      orNull(devices?.[i]),
      orNull(inodes?.[i]),
      orNull(births?.[i]),
      md5 === THE_ETAG ? etag : md5,
      etag,
      orNull(partSizes?.[i]),
      here(states?.[i]) as PhotoState,
      orNull(orphaned?.[i]),
      deleting?.[i] === 't' ? 't' : 'f',
      damage?.[i] ?? null,
    ]);
  });
}

/** A page whose columns are not all of one length would be of rows that were never written. */
function here(text: string | undefined): string {
  if (text === undefined || text === '') throw new RollcallError('INTERNAL', 'a page of rows lacks values');
  return text;
}

/** Where nothing is joined, nothing was there. */
function orNull(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : text;
}
