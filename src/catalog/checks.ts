/** What a verify asks and notes: which photos to read next, and what was found (sync/verify.ts). */
import type { CatalogPort, CheckedPhoto, CheckPlan, LocatedRow } from '../sync/catalog-port.ts';
import type { CatalogRow, Library, Scope } from '../sync/types.ts';
import { directlyIn, endOfKeys } from './albums.ts';
import { chunksOf } from './chunks.ts';
import { isUuid } from './cursor.ts';
import type { Database } from './database.ts';
import { COLUMNS, type RawRow, rawQuery, toRow } from './raw-rows.ts';
import { ownerOf } from './rows.ts';
import { storable } from './text.ts';

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

/** One that went on from another has that one's beginning, so that a chain of them reads no photo twice. */
const UNFINISHED = `
SELECT "policy" ->> 'since' AS since FROM (
  SELECT "status", "policy" FROM "Run"
   WHERE "kind" = 'verify' AND "libraryId" = $1 AND "album" IS NOT DISTINCT FROM $2 AND "policy" ->> 'sample' IS NULL
   ORDER BY "startedAt" DESC, "id" DESC LIMIT 1) AS last
 WHERE "status" NOT IN ('succeeded', 'partial') AND ("policy" ->> 'since')::timestamptz > now() - interval '30 days'`;

/** CatalogPort.unfinishedVerify. */
export async function unfinishedVerify(
  database: Database,
  { library, album }: Scope,
  signal: AbortSignal,
): Promise<string | null> {
  const asked = () => database.pool.query<{ since: string }>(UNFINISHED, [library.id, album]);
  const { rows } = await database.ask(asked, signal);
  return rows[0]?.since ?? null;
}

/** A photo that has never been in the bucket has nothing to be held against; one that is being deleted is not missed. */
const TO_CHECK = `"etag" IS NOT NULL AND "deletingAt" IS NULL`;
/** As RFC 3339 with milliseconds, which is what the column keeps. */
const RFC_3339 = `'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`;

/**
 * A clock that was set back since the last check must not make photos look checked: a new beginning lies after every
 * check there is. A file that is gone is read on one side only.
 */
const PLAN = `
WITH begun AS (
  SELECT coalesce($3::timestamptz, greatest(date_trunc('milliseconds', clock_timestamp()),
                                            max("checkedAt") + interval '1 millisecond')) AS since, count(*) AS photos
    FROM "Photo" WHERE OWNED AND ${TO_CHECK}),
chosen AS (
  SELECT "size", "state" FROM "Photo", begun
   WHERE OWNED AND ${TO_CHECK} AND ("checkedAt" IS NULL OR "checkedAt" < begun.since)
   ORDER BY CASE WHEN $4::float8 IS NOT NULL THEN "checkedAt" END NULLS FIRST,
            CASE WHEN $4::float8 IS NOT NULL THEN "key" END
   LIMIT (SELECT CASE WHEN $4::float8 IS NULL THEN NULL ELSE ceil(photos * $4::float8 / 100) END FROM begun)),
done AS (
  SELECT count(*) AS photos FROM "Photo", begun WHERE OWNED AND ${TO_CHECK} AND "checkedAt" >= begun.since)
SELECT to_char(since AT TIME ZONE 'UTC', ${RFC_3339}) AS since, done.photos::float8 AS done,
       count(chosen."size")::float8 AS photos,
       coalesce(sum(chosen."size" * CASE WHEN chosen."state" IN ('orphaned', 'lost') THEN 1 ELSE 2 END), 0)::float8 AS bytes
  FROM begun CROSS JOIN done LEFT JOIN chosen ON true GROUP BY since, done.photos`;

/** CatalogPort.planCheck. */
export async function planCheck(
  database: Database,
  scope: Scope,
  { since, percent }: Parameters<CatalogPort['planCheck']>[1],
  signal: AbortSignal,
): Promise<CheckPlan> {
  const [owner, folder] = (await ownerOf(database, scope, signal)) ?? [];
  const sql = PLAN.replaceAll('OWNED', owned(folder));
  const values = [owner ?? null, folder ?? scope.library.bucket, since, percent];
  const { rows } = await database.ask(() => database.pool.query<CheckPlan>(sql, values), signal);
  return rows[0] ?? { since: since ?? new Date().toISOString(), photos: 0, bytes: 0, done: 0 };
}

/** SQL: is a row in scope? `$1` is the library with its bucket in `$2`, or the album with its folder. */
function owned(folder: string | undefined): string {
  return folder === undefined
    ? `"libraryId" = $1 AND "bucket" = $2`
    : `"albumId" = $1 AND ${directlyIn('$2::text', '"key"')}`;
}

const BATCH = 2_000;

/** Photos leave this list as they are noted; those that could not be noted are behind the cursor. */
const NEVER_CHECKED = `
SELECT ${COLUMNS}, NULL FROM "Photo" WHERE OWNED AND ${TO_CHECK} AND "checkedAt" IS NULL AND "key" > $4 AND "key" < $5
 ORDER BY "key" LIMIT $3`;
const CHECKED_BEFORE = `
SELECT ${COLUMNS}, "checkedAt" FROM "Photo"
 WHERE OWNED AND ${TO_CHECK} AND "checkedAt" < $5::timestamptz AND ("checkedAt", "key") > ($6::timestamptz, $4)
 ORDER BY "checkedAt", "key" LIMIT $3`;

type CheckRow = [...RawRow, checkedAt: string | null];

/** CatalogPort.rowsToCheck. */
export async function* rowsToCheck(
  database: Database,
  scope: Scope,
  { since, photos }: Pick<CheckPlan, 'since' | 'photos'>,
  signal: AbortSignal,
): AsyncGenerator<readonly CatalogRow[]> {
  const found = await ownerOf(database, scope, signal);
  if (found === null) return;
  const [owner, folder] = found;
  const of = folder === undefined ? 'library' : 'album';
  let left = photos;
  for (const [name, sql] of [
    ['never', NEVER_CHECKED],
    ['before', CHECKED_BEFORE],
  ] as const) {
    const statement = { name: `rollcall-check-${name}-${of}`, text: sql.replace('OWNED', owned(folder)) };
    let after: readonly [key: string, checkedAt: string] = [scope.library.prefix, '-infinity'];
    while (left > 0) {
      const [key, checkedAt] = after;
      const values = [
        owner,
        folder ?? scope.library.bucket,
        Math.min(left, BATCH),
        key,
        ...(name === 'before' ? [since, checkedAt] : [endOfKeys(scope.library)]),
      ];
      const query = () => database.pool.query<CheckRow>(rawQuery(statement, values));
      const { rows } = await database.ask(query, signal);
      const last = rows.at(-1);
      if (last === undefined) break;
      left -= rows.length;
      after = [last[2], last.at(-1) ?? '-infinity'];
      yield rows.map((raw) => toRow(raw.slice(0, -1) as RawRow));
    }
  }
}

/**
 * Only where the row still says what disk and bucket were held against: a sync may have changed the photo meanwhile, and
 * what was found of another version says nothing of this one. A null MD5 keeps the one there is.
 */
const SAVE = `
UPDATE "Photo" AS p SET
  "checkedAt" = greatest(clock_timestamp(), $2::timestamptz), "damage" = u.damage, "md5" = coalesce(p."md5", u.found),
  "verifiedAt" = CASE WHEN u.whole THEN clock_timestamp() ELSE p."verifiedAt" END
  FROM unnest($3::uuid[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[],
              $11::boolean[]) AS u (id, key, size, mtime, md5, etag, damage, found, whole)
 WHERE p."id" = u.id AND p."libraryId" = $1
   AND (p."key", p."size", p."mtimeNs", p."md5", p."etag") IS NOT DISTINCT FROM
       (u.key, u.size, u.mtime, u.md5, u.etag)`;

/** CatalogPort.saveChecks. */
export async function saveChecks(
  database: Database,
  library: Library,
  since: string,
  checked: readonly CheckedPhoto[],
): Promise<void> {
  // In one order among all writers: fewer deadlocks.
  const sorted = checked.toSorted((a, b) => (a.row.id < b.row.id ? -1 : 1));
  for (const some of chunksOf(sorted)) {
    const values = [
      library.id,
      since,
      some.map(({ row }) => row.id),
      some.map(({ row }) => row.key),
      some.map(({ row }) => row.size),
      some.map(({ row }) => row.mtimeNs),
      some.map(({ row }) => row.md5),
      some.map(({ row }) => row.etag),
      some.map(({ damage }) => storable(damage)),
      some.map(({ md5 }) => md5),
      some.map(({ whole }) => whole),
    ];
    await database.ask(() => database.pool.query({ name: 'rollcall-checked', text: SAVE, values }));
  }
}
