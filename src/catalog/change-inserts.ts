/** The changes that name their photo by key and make its row if there is none. */
import { posix } from 'node:path';
import type pg from 'pg';
import type { RowChange } from '../sync/catalog-port.ts';
import type { Library } from '../sync/types.ts';
import { albumPathOf } from './albums.ts';
import { storable } from './text.ts';

export type KeyedChange = Extract<RowChange, { kind: 'agreed' | 'unsettled' }>;
type Agreed = Extract<RowChange, { kind: 'agreed' }>;
type Unsettled = Extract<RowChange, { kind: 'unsettled' }>;

/** Columns that both kinds write, $1 to $13, and what they are read from. */
const SHARED_COLUMNS = `"libraryId", "bucket", "albumId", "path", "fileName", "key", "kind", "contentType", "size",
  "mtimeNs", "device", "inode", "birthNs"`;
const SHARED_ARRAYS = `$3::uuid[], $4::text[], $5::text[], $6::text[], $7::"PhotoKind"[], $8::text[], $9::bigint[],
  $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[]`;

/** SQL: was the object found damaged (sync/damage.ts)? */
const OF_OBJECT = `"damage" ~ '(^|\n)OBJECT_DAMAGED:'`;

/**
 * An agreement sets all facts. An MD5 that was not computed again stays known as long as the file is the version it
 * was computed for. Damage is mended, unless only the file was read and it is the object's. The last condition keeps a
 * repeated agreement from writing anything. What a move left at this key
 * is a photo's own object from now on.
 */
const AGREED = `
WITH owned AS (DELETE FROM "Leftover" WHERE "libraryId" = $1 AND "bucket" = $2 AND "key" = ANY($6::text[]))
INSERT INTO "Photo" AS p (${SHARED_COLUMNS}, "md5", "etag", "partSize", "storageClass", "verifiedAt", "state",
  "damage")
SELECT $1, $2, u.* FROM (
  SELECT a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, CASE WHEN v THEN now() END, 'synced'::"PhotoState",
         CASE WHEN w THEN (SELECT "damage" FROM "Photo" WHERE "bucket" = $2 AND "key" = d AND ${OF_OBJECT}) END
    FROM unnest(${SHARED_ARRAYS}, $14::text[], $15::text[], $16::bigint[], $17::text[], $18::boolean[], $19::boolean[])
      AS x (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, v, w)
) AS u
ON CONFLICT ("bucket", "key") DO UPDATE SET
  "albumId" = excluded."albumId", "path" = excluded."path", "fileName" = excluded."fileName",
  "kind" = excluded."kind", "contentType" = excluded."contentType", "size" = excluded."size",
  "mtimeNs" = excluded."mtimeNs", "device" = excluded."device", "inode" = excluded."inode",
  "birthNs" = excluded."birthNs",
  "md5" = coalesce(excluded."md5", CASE WHEN
    (p."size", p."mtimeNs", p."device", p."inode") IS NOT DISTINCT FROM
    (excluded."size", excluded."mtimeNs", excluded."device", excluded."inode")
    AND coalesce(p."birthNs" = excluded."birthNs", true) THEN p."md5" END),
  "etag" = excluded."etag", "partSize" = excluded."partSize", "storageClass" = excluded."storageClass",
  "verifiedAt" = coalesce(excluded."verifiedAt", p."verifiedAt"), "damage" = excluded."damage",
  "state" = 'synced', "lastError" = NULL, "orphanedAt" = NULL, "deletingAt" = NULL, "updatedAt" = now()
WHERE p."libraryId" = excluded."libraryId" AND (
  excluded."verifiedAt" IS NOT NULL OR p."state" <> 'synced' OR p."lastError" IS NOT NULL
  OR p."deletingAt" IS NOT NULL OR p."orphanedAt" IS NOT NULL
  OR (p."albumId", p."path", p."kind", p."contentType", p."size", p."mtimeNs", p."device", p."inode", p."birthNs",
      p."etag", p."partSize", p."storageClass", coalesce(excluded."md5", p."md5")) IS DISTINCT FROM
     (excluded."albumId", excluded."path", excluded."kind", excluded."contentType", excluded."size",
      excluded."mtimeNs", excluded."device", excluded."inode", excluded."birthNs", excluded."etag",
      excluded."partSize", excluded."storageClass", p."md5"))`;

/**
 * Nothing was agreed: a row that is there keeps the facts of its last agreement. Its file is there too, so it is neither
 * orphaned nor being deleted.
 */
const UNSETTLED = `
INSERT INTO "Photo" AS p (${SHARED_COLUMNS}, "state", "lastError")
SELECT $1, $2, u.* FROM unnest(${SHARED_ARRAYS}, $14::"PhotoState"[], $15::text[]) AS u
ON CONFLICT ("bucket", "key") DO UPDATE SET
  "state" = excluded."state", "lastError" = excluded."lastError", "orphanedAt" = NULL, "deletingAt" = NULL,
  "updatedAt" = now()
WHERE p."libraryId" = excluded."libraryId"
  AND ((p."state", p."lastError") IS DISTINCT FROM (excluded."state", excluded."lastError")
       OR p."orphanedAt" IS NOT NULL OR p."deletingAt" IS NOT NULL)`;

/** File and object hold the same bytes: no key twice in one call. */
export async function writeAgreed(
  client: pg.PoolClient,
  library: Library,
  albums: ReadonlyMap<string, string>,
  changes: readonly Agreed[],
): Promise<void> {
  await client.query({
    name: 'rollcall-agreed',
    text: AGREED,
    values: [
      ...sharedValues(library, albums, changes),
      changes.map((change) => change.md5),
      changes.map((change) => change.etag),
      changes.map((change) => change.partSize),
      changes.map((change) => change.storageClass),
      changes.map((change) => change.verified),
      changes.map((change) => change.compared === true),
    ],
  });
}

/** File and object are not in agreement: no key twice in one call. */
export async function writeUnsettled(
  client: pg.PoolClient,
  library: Library,
  albums: ReadonlyMap<string, string>,
  changes: readonly Unsettled[],
): Promise<void> {
  const states = changes.map((change) => change.state);
  const errors = changes.map((change) => storable(change.error));
  const values = [...sharedValues(library, albums, changes), states, errors];
  await client.query({ name: 'rollcall-unsettled', text: UNSETTLED, values });
}

function sharedValues(
  library: Library,
  albums: ReadonlyMap<string, string>,
  changes: readonly KeyedChange[],
): unknown[] {
  return [
    library.id,
    library.bucket,
    changes.map((change) => albums.get(albumPathOf(library, change.key))),
    changes.map((change) => change.path),
    changes.map((change) => posix.basename(change.path)),
    changes.map((change) => change.key),
    changes.map((change) => change.photoKind),
    changes.map((change) => change.contentType),
    changes.map((change) => change.local.size),
    changes.map((change) => change.local.mtimeNs),
    changes.map((change) => change.local.device),
    changes.map((change) => change.local.inode),
    changes.map((change) => change.local.birthNs ?? null),
  ];
}
