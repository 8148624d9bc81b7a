/**
 * Pages of photo rows, column by column. The driver makes a string of every value of every row; of a page of thousands,
 * one text a column is a third of the work, and a sync of an unchanged library does little else.
 */
import { RollcallError } from '../errors.ts';
import type { CatalogRow, PhotoState } from '../sync/types.ts';
import { toRow } from './raw-rows.ts';

/**
 * One row, one text a column: numbers joined by commas, what may hold anything as JSON. What is as ever in nearly all rows
 * comes for the others alone, as a JSON object by id, or null when there are none: each value of each row costs the server.
 */
export type PageColumns = readonly [
  ids: string,
  albumIds: string,
  keys: string,
  sizes: string,
  mtimes: string,
  devices: string,
  inodes: string,
  births: string,
  etags: string,
  paths: string | null,
  md5s: string | null,
  partSizes: string | null,
  states: string | null,
  orphaned: string | null,
  deleting: string | null,
  damage: string | null,
];

/**
 * The page that `rows` selects from "Photo", in its order; `prefix` is the parameter with the library's. No rows: nulls.
 * An aggregate takes its input in the order of a sorted subquery (PostgreSQL manual, 9.21) where nothing else is asked.
 */
export function selectPage(rows: string, prefix: string): string {
  return `SELECT json_agg("id")::text, json_agg("albumId")::text, json_agg("key")::text,
       ${['"size"', '"mtimeNs"', '"device"', '"inode"', '"birthNs"'].map(joined).join(', ')}, json_agg("etag")::text,
       ${odd('"path"', `${prefix} || "path" <> "key"`)}, ${odd('"md5"', '"md5" IS DISTINCT FROM "etag"')},
       ${odd('"partSize"::text', '"partSize" IS NOT NULL')}, ${odd('"state"', `"state" <> 'synced'`)},
       ${odd('((extract(epoch FROM "orphanedAt") * 1000)::bigint)::text', '"orphanedAt" IS NOT NULL')},
       ${odd(`'t'`, '"deletingAt" IS NOT NULL')}, ${odd('"damage"', '"damage" IS NOT NULL')}
  FROM (${rows}) AS page`;
}

function joined(column: string): string {
  return `string_agg(coalesce((${column})::text, ''), ',')`;
}

/** The values of the rows that are not as nearly all others. */
function odd(value: string, where: string): string {
  return `(json_object_agg("id", ${value}) FILTER (WHERE ${where}))::text`;
}

/** Their rows; `prefix` is the library's. */
export function rowsOf(columns: PageColumns | readonly null[], prefix: string): CatalogRow[] {
  const [ids] = columns;
  return ids === null || ids === undefined ? [] : rowsIn(columns as PageColumns, prefix);
}

function rowsIn(columns: PageColumns, prefix: string): CatalogRow[] {
  // JSON makes strings of their own: a piece of a column's text would keep all of it as long as one id is kept.
  const [ids, albumIds, keys] = [columns[0], columns[1], columns[2]].map((text) => JSON.parse(text) as string[]);
  const [sizes, mtimes, devices, inodes, births] = ([3, 4, 5, 6, 7] as const).map((column) =>
    columns[column].split(','),
  );
  const etags = JSON.parse(columns[8]) as (string | null)[];
  const [paths, md5s, partSizes, states, orphaned, deleting, damage] = ([9, 10, 11, 12, 13, 14, 15] as const).map(
    (column) => byId(columns[column]),
  );
  return (keys ?? []).map((key, i) => {
    const id = here(ids?.[i]);
    const etag = etags[i] ?? null;
    const md5 = md5s?.get(id);
    return toRow([
      id,
      here(albumIds?.[i]),
      key,
      paths?.get(id) ?? key.slice(prefix.length),
      here(sizes?.[i]),
      here(mtimes?.[i]),
      orNull(devices?.[i]),
      orNull(inodes?.[i]),
      orNull(births?.[i]),
      md5 === undefined ? etag : md5,
      etag,
      partSizes?.get(id) ?? null,
      (states?.get(id) ?? 'synced') as PhotoState,
      orphaned?.get(id) ?? null,
      deleting?.get(id) === 't' ? 't' : 'f',
      damage?.get(id) ?? null,
    ]);
  });
}

const NONE: ReadonlyMap<string, string | null> = new Map();

function byId(text: string | null): ReadonlyMap<string, string | null> {
  return text === null ? NONE : new Map(Object.entries(JSON.parse(text) as Record<string, string | null>));
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
