/** The changes that name their photo by key and make its row if there is none. */
import { posix } from 'node:path';
import type pg from 'pg';
import type { RowChange } from '../sync/catalog-port.ts';
import type { Library } from '../sync/types.ts';
import { albumPathOf } from './albums.ts';
import { bigintArray, booleanArray, newIds, textArray, uuidArray } from './binary-arrays.ts';
import { storable } from './text.ts';

export type KeyedChange = Extract<RowChange, { kind: 'agreed' | 'unsettled' }>;
export type Agreed = Extract<RowChange, { kind: 'agreed' }>;
type Unsettled = Extract<RowChange, { kind: 'unsettled' }>;

/** Columns that both kinds write, $1 to $14, and what they are read from. */
const SHARED_COLUMNS = `"libraryId", "bucket", "id", "albumId", "path", "fileName", "key", "kind", "contentType", "size",
  "mtimeNs", "device", "inode", "birthNs"`;
const SHARED_VALUES = '$1, $2, id, album, path, file, key, kind::"PhotoKind", type, size, mtime, device, inode, birth';
/** In the list of what is selected, where they are taken row by row: in FROM each would be written down first. */
const SHARED_ARRAYS = `unnest($3::uuid[]) AS id, unnest($4::uuid[]) AS album, unnest($5::text[]) AS path,
  unnest($6::text[]) AS file, unnest($7::text[]) AS key, unnest($8::text[]) AS kind, unnest($9::text[]) AS type,
  unnest($10::bigint[]) AS size, unnest($11::bigint[]) AS mtime, unnest($12::bigint[]) AS device,
  unnest($13::bigint[]) AS inode, unnest($14::bigint[]) AS birth`;

/** SQL: was the object found damaged (sync/damage.ts)? */
const OF_OBJECT = `o."damage" ~ '(^|\n)OBJECT_DAMAGED:'`;

const AGREED_COLUMNS = `${SHARED_COLUMNS}, "md5", "etag", "partSize", "storageClass", "verifiedAt", "state"`;
const AGREED_VALUES = `${SHARED_VALUES}, md5, etag, part, class, CASE WHEN verified THEN now() END, 'synced'::"PhotoState"`;
const AGREED_ARRAYS = `${SHARED_ARRAYS}, unnest($15::text[]) AS md5, unnest($16::text[]) AS etag,
               unnest($17::bigint[]) AS part, unnest($18::text[]) AS class, unnest($19::boolean[]) AS verified`;

/**
 * An agreement sets all facts. An MD5 that was not computed again stays known as long as the file is the version it
 * was computed for. Damage is mended, unless only the file was read and it is the object's. The last condition keeps a
 * repeated agreement from writing anything. What a move left at this key
 * is a photo's own object from now on.
 */
const AGREED = `
WITH owned AS (DELETE FROM "Leftover" WHERE "libraryId" = $1 AND "bucket" = $2 AND "key" = ANY($7::text[]))
INSERT INTO "Photo" AS p (${AGREED_COLUMNS}, "damage")
SELECT ${AGREED_VALUES},
       CASE WHEN compared THEN
         (SELECT o."damage" FROM "Photo" AS o WHERE o."bucket" = $2 AND o."key" = u.key AND ${OF_OBJECT}) END
  FROM (SELECT ${AGREED_ARRAYS}, unnest($20::boolean[]) AS compared) AS u
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

/** The same of photos that have no row (new-rows.ts): there is no fact to keep, and no rule to ask which row is meant. */
const NEWLY_AGREED = `
INSERT INTO "Photo" (${AGREED_COLUMNS}) SELECT ${AGREED_VALUES} FROM (SELECT ${AGREED_ARRAYS}) AS u`;

/**
 * Nothing was agreed: a row that is there keeps the facts of its last agreement. Its file is there too, so it is neither
 * orphaned nor being deleted.
 */
const UNSETTLED = `
INSERT INTO "Photo" AS p (${SHARED_COLUMNS}, "state", "lastError")
SELECT ${SHARED_VALUES}, state::"PhotoState", error
  FROM (SELECT ${SHARED_ARRAYS}, unnest($15::text[]) AS state, unnest($16::text[]) AS error) AS u
ON CONFLICT ("bucket", "key") DO UPDATE SET
  "state" = excluded."state", "lastError" = excluded."lastError", "orphanedAt" = NULL, "deletingAt" = NULL,
  "updatedAt" = now()
WHERE p."libraryId" = excluded."libraryId"
  AND ((p."state", p."lastError") IS DISTINCT FROM (excluded."state", excluded."lastError")
       OR p."orphanedAt" IS NOT NULL OR p."deletingAt" IS NOT NULL)`;

/** File and object hold the same bytes: no key twice in one statement. */
export function agreedQuery(
  library: Library,
  albums: ReadonlyMap<string, string>,
  changes: readonly Agreed[],
): pg.QueryConfig {
  const compared = booleanArray(changes.map((change) => change.compared === true));
  return { name: 'rollcall-agreed', text: AGREED, values: [...agreedValues(library, albums, changes), compared] };
}

/** The same of keys that no row has and no move has left an object at. Unique violation if one has it by now. */
export function newlyAgreedQuery(
  library: Library,
  albums: ReadonlyMap<string, string>,
  changes: readonly Agreed[],
): pg.QueryConfig {
  return { name: 'rollcall-newly-agreed', text: NEWLY_AGREED, values: agreedValues(library, albums, changes) };
}

/** File and object are not in agreement: no key twice in one statement. */
export function unsettledQuery(
  library: Library,
  albums: ReadonlyMap<string, string>,
  changes: readonly Unsettled[],
): pg.QueryConfig {
  const states = textArray(changes.map((change) => change.state));
  const errors = textArray(changes.map((change) => storable(change.error)));
  const values = [...sharedValues(library, albums, changes), states, errors];
  return { name: 'rollcall-unsettled', text: UNSETTLED, values };
}

function agreedValues(library: Library, albums: ReadonlyMap<string, string>, changes: readonly Agreed[]): unknown[] {
  return [
    ...sharedValues(library, albums, changes),
    textArray(changes.map((change) => change.md5)),
    textArray(changes.map((change) => change.etag)),
    bigintArray(changes.map((change) => change.partSize)),
    textArray(changes.map((change) => change.storageClass)),
    booleanArray(changes.map((change) => change.verified)),
  ];
}

function sharedValues(
  library: Library,
  albums: ReadonlyMap<string, string>,
  changes: readonly KeyedChange[],
): unknown[] {
  return [
    library.id,
    library.bucket,
    newIds(changes.length),
    uuidArray(changes.map((change) => albums.get(albumPathOf(library, change.key)) ?? '')),
    textArray(changes.map((change) => change.path)),
    textArray(changes.map((change) => posix.basename(change.path))),
    textArray(changes.map((change) => change.key)),
    ...fileValues(changes),
  ];
}

/** What a change says of its file, a value an array: kind, content type, size, mtime, device, inode, birth. */
export function fileValues(
  changes: readonly Pick<KeyedChange, 'photoKind' | 'contentType' | 'local'>[],
): readonly unknown[] {
  return [
    textArray(changes.map((change) => change.photoKind)),
    textArray(changes.map((change) => change.contentType)),
    bigintArray(changes.map((change) => change.local.size)),
    bigintArray(changes.map((change) => change.local.mtimeNs)),
    bigintArray(changes.map((change) => change.local.device)),
    bigintArray(changes.map((change) => change.local.inode)),
    bigintArray(changes.map((change) => change.local.birthNs)),
  ];
}
