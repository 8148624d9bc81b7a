/** The changes of photos that were renamed, and what becomes of their old objects. */
import { posix } from 'node:path';
import type pg from 'pg';
import type { RowChange } from '../sync/catalog-port.ts';
import type { Library } from '../sync/types.ts';
import { albumIds, albumPathOf } from './albums.ts';
import { bigintArray, textArray, uuidArray } from './binary-arrays.ts';
import { fileValues } from './change-inserts.ts';
import { chunksOf } from './chunks.ts';

type Moved = Extract<RowChange, { kind: 'moved' }>;
type Tidied = Extract<RowChange, { kind: 'tidied' }>;

const AT_KEYS = `
SELECT "id", "key", "etag" IS NULL AS never FROM "Photo"
 WHERE "libraryId" = $1 AND "bucket" = $2 AND "key" = ANY($3::text[])`;
const REPLACED = `DELETE FROM "Photo" WHERE "id" = ANY($1::uuid[]) AND "etag" IS NULL`;
const STEP_ASIDE = `
UPDATE "Photo" SET "key" = 'stepped aside ' || "id", "path" = 'stepped aside ' || "id" WHERE "id" = ANY($1::uuid[])`;

const MOVED = `
UPDATE "Photo" AS p SET
  "key" = u.key, "path" = u.path, "fileName" = u.file, "albumId" = coalesce(u.album::uuid, p."albumId"),
  "kind" = u.kind::"PhotoKind",
  "contentType" = u.type, "size" = u.size, "mtimeNs" = u.mtime, "device" = u.device, "inode" = u.inode,
  "birthNs" = u.birth, "md5" = coalesce(u.md5, p."md5"), "etag" = u.etag, "partSize" = u.part,
  "storageClass" = u.class, "damage" = CASE WHEN (p."size", p."mtimeNs") = (u.size, u.mtime) THEN p."damage" END,
  "state" = 'synced', "lastError" = NULL, "orphanedAt" = NULL, "deletingAt" = NULL,
  "updatedAt" = now()
  FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[],
              $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::text[], $15::text[], $16::bigint[],
              $17::text[])
    AS u (id, key, path, file, album, kind, type, size, mtime, device, inode, birth, md5, etag, part, class)
 WHERE p."id" = u.id AND p."libraryId" = $1 AND (
   p."state" <> 'synced' OR p."lastError" IS NOT NULL OR p."orphanedAt" IS NOT NULL OR p."deletingAt" IS NOT NULL
   OR (p."key", p."path", p."albumId", p."kind", p."contentType", p."size", p."mtimeNs", p."device", p."inode",
       p."birthNs", p."md5", p."etag", p."partSize", p."storageClass") IS DISTINCT FROM
      (u.key, u.path, coalesce(u.album::uuid, p."albumId"), u.kind::"PhotoKind", u.type, u.size, u.mtime, u.device, u.inode,
       u.birth, coalesce(u.md5, p."md5"), u.etag, u.part, u.class))`;

/**
 * After the rows: an object under a key where a photo has its own now is no leftover, whatever the order of the moves, and
 * a photo that is gone meanwhile leaves none, because nothing would show that its bytes are kept elsewhere.
 */
const LEFT = `
WITH owned AS (DELETE FROM "Leftover" WHERE "libraryId" = $1 AND "bucket" = $2 AND "key" = ANY($4::text[]))
INSERT INTO "Leftover" AS l ("libraryId", "bucket", "photoId", "key", "size", "etag")
SELECT $1, $2, u.id, u.old, u.size, u.etag
  FROM unnest($3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::text[]) AS u (id, key, old, size, etag)
  JOIN "Photo" AS p ON p."id" = u.id AND p."libraryId" = $1 AND p."key" = u.key
 WHERE NOT EXISTS (SELECT FROM "Photo" AS o WHERE o."bucket" = $2 AND o."key" = u.old AND o."etag" IS NOT NULL)
ON CONFLICT ("bucket", "key") DO UPDATE SET
  "photoId" = excluded."photoId", "size" = excluded."size", "etag" = excluded."etag"
WHERE (l."photoId", l."size", l."etag") IS DISTINCT FROM (excluded."photoId", excluded."size", excluded."etag")`;

const TIDIED = `
DELETE FROM "Leftover" WHERE "libraryId" = $1 AND "bucket" = $2 AND "key" = ANY($3::text[])`;

interface Holder {
  readonly id: string;
  readonly key: string;
  readonly never: boolean;
}

/** Moves of which no two share a photo, an old key or a new key. */
export async function moveRows(client: pg.PoolClient, library: Library, changes: readonly Moved[]): Promise<void> {
  if (changes.length === 0) return;
  // In the order in which photos lie together, and in which every writer by key locks them.
  const sorted = changes.toSorted((a, b) => (a.from.key < b.from.key ? -1 : 1));
  const albums = await albumIds(
    client,
    library,
    sorted.filter((change) => !change.aside),
  );
  await makeRoom(client, library, sorted);
  for (const chunk of chunksOf(sorted)) await client.query(MOVED, movedValues(library, albums, chunk));
  for (const chunk of chunksOf(sorted)) await client.query(LEFT, leftValues(library, chunk));
}

/**
 * Unique keys are checked row by row, so whoever is where another one goes steps aside first: swaps and circles come out
 * right in any order. A photo there that has never been in the bucket gives way for good; any other one stays, and the
 * unique rule refuses the move. All chunks before the first is moved: who stands in the way may be in another one.
 */
async function makeRoom(client: pg.PoolClient, library: Library, changes: readonly Moved[]): Promise<void> {
  const keyOf = new Map(changes.map((change) => [change.id, change.key]));
  for (const chunk of chunksOf(changes)) {
    const keys = textArray(chunk.map((change) => change.key));
    const { rows } = await client.query<Holder>(AT_KEYS, [library.id, library.bucket, keys]);
    const replaced = rows.filter((row) => row.never && !keyOf.has(row.id));
    // One that is where it goes has been moved before.
    const aside = rows.filter((row) => (keyOf.get(row.id) ?? row.key) !== row.key);
    if (replaced.length > 0) await client.query(REPLACED, [replaced.map((row) => row.id)]);
    if (aside.length > 0) await client.query(STEP_ASIDE, [aside.map((row) => row.id)]);
  }
}

/** The old objects of these keys are gone. */
export async function tidy(client: pg.PoolClient, library: Library, changes: readonly Tidied[]): Promise<void> {
  for (const chunk of chunksOf(changes)) {
    const keys = textArray(chunk.map((change) => change.key));
    await client.query(TIDIED, [library.id, library.bucket, keys]);
  }
}

function movedValues(library: Library, albums: ReadonlyMap<string, string>, changes: readonly Moved[]): unknown[] {
  return [
    library.id,
    uuidArray(changes.map((change) => change.id)),
    textArray(changes.map((change) => change.key)),
    textArray(changes.map((change) => change.path)),
    textArray(changes.map((change) => posix.basename(change.path))),
    // As text, since only that can be null.
    textArray(changes.map((change) => (change.aside ? null : (albums.get(albumPathOf(library, change.key)) ?? null)))),
    ...fileValues(changes),
    textArray(changes.map((change) => change.md5)),
    textArray(changes.map((change) => change.etag)),
    bigintArray(changes.map((change) => change.partSize)),
    textArray(changes.map((change) => change.storageClass)),
  ];
}

function leftValues(library: Library, changes: readonly Moved[]): unknown[] {
  return [
    library.id,
    library.bucket,
    uuidArray(changes.map((change) => change.id)),
    textArray(changes.map((change) => change.key)),
    textArray(changes.map((change) => change.from.key)),
    bigintArray(changes.map((change) => change.from.size)),
    textArray(changes.map((change) => change.from.etag)),
  ];
}
