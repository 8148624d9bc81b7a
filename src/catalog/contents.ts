/** Asks for photos by what they hold instead of by where they are. */
import type { Content, Leftover } from '../sync/catalog-port.ts';
import type { CatalogRow, Library } from '../sync/types.ts';
import { chunksOf } from './chunks.ts';
import type { Database } from './database.ts';
import { COLUMNS, type RawRow, rawQuery, toRow } from './raw-rows.ts';

/** One look at every row of the library answers for so many sizes. */
const SIZES = 100_000;

/** Not a join: a planner without statistics would look at all rows once for each size. */
const KNOWN_SIZES = `
SELECT DISTINCT "size"::float8 AS size FROM "Photo"
 WHERE "libraryId" = $1 AND "size" = ANY($2::bigint[]) AND "md5" IS NOT NULL AND "etag" IS NOT NULL`;

/**
 * A photo whose object is known to be missing or damaged, or about to be gone, has nothing to copy from. By MD5 first and then the rest:
 * a planner without statistics would look through an index of the whole library for each content.
 */
const WITH_CONTENT = {
  name: 'rollcall-rows-with-content',
  text: `WITH found AS MATERIALIZED (
           SELECT p.* FROM unnest($2::text[], $3::bigint[]) AS u (hash, bytes)
             JOIN "Photo" AS p ON p."md5" = u.hash AND p."size" = u.bytes)
         SELECT DISTINCT ON ("md5", "size") ${COLUMNS} FROM found
          WHERE "libraryId" = $1 AND "etag" IS NOT NULL AND "deletingAt" IS NULL AND "damage" IS NULL
            AND "state" NOT IN ('missing', 'lost')
          ORDER BY "md5", "size", "state" <> 'synced', "key"`,
};

/** Whatever is noted: an object under a key where a photo has its own is no leftover. */
const LEFTOVERS = `
SELECT l."key", l."size"::float8 AS size, l."etag", p."id", p."key" AS "photoKey", p."etag" AS "photoEtag"
  FROM "Leftover" AS l JOIN "Photo" AS p ON p."id" = l."photoId"
 WHERE l."libraryId" = $1 AND l."bucket" = $2
   AND NOT EXISTS (SELECT FROM "Photo" AS o
                    WHERE o."bucket" = l."bucket" AND o."key" = l."key" AND o."etag" IS NOT NULL)
 ORDER BY l."key"`;

type LeftoverRow = Pick<Leftover, 'key' | 'size' | 'etag'> & {
  readonly id: string;
  readonly photoKey: string;
  readonly photoEtag: string | null;
};

/** CatalogPort.leftovers, by key. */
export async function leftovers(
  database: Database,
  library: Library,
  signal: AbortSignal,
): Promise<readonly Leftover[]> {
  const values = [library.id, library.bucket];
  const { rows } = await database.ask(() => database.pool.query<LeftoverRow>(LEFTOVERS, values), signal);
  return rows.map(({ key, size, etag, id, photoKey, photoEtag }) => ({
    key,
    size,
    etag,
    photo: { id, key: photoKey, etag: photoEtag },
  }));
}

/** CatalogPort.knownSizes. */
export async function knownSizes(
  database: Database,
  library: Library,
  sizes: readonly number[],
  signal: AbortSignal,
): Promise<ReadonlySet<number>> {
  const known = new Set<number>();
  for (const some of chunksOf([...new Set(sizes)], SIZES)) {
    const values = [library.id, some];
    const { rows } = await database.ask(() => database.pool.query<{ size: number }>(KNOWN_SIZES, values), signal);
    for (const { size } of rows) known.add(size);
  }
  return known;
}

/** CatalogPort.rowsWithContent. */
export async function rowsWithContent(
  database: Database,
  library: Library,
  contents: readonly Content[],
  signal: AbortSignal,
): Promise<readonly CatalogRow[]> {
  const wanted = [...new Map(contents.map((content) => [`${content.md5} ${content.size}`, content])).values()];
  const rows: CatalogRow[] = [];
  for (const some of chunksOf(wanted)) {
    const values = [library.id, some.map((content) => content.md5), some.map((content) => content.size)];
    const query = rawQuery(WITH_CONTENT, values);
    const answer = await database.ask(() => database.pool.query<RawRow>(query), signal);
    rows.push(...answer.rows.map(toRow));
  }
  return rows;
}
