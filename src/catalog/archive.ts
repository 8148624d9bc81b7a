/** What waits for a restore (DESIGN 8): noted by runs, looked at and asked for by people. */
import type pg from 'pg';
import type { ArchiveChange, ArchivedObject, ArchiveStore } from '../sync/browse.ts';
import type { WaitingObject } from '../sync/catalog-port.ts';
import { compareKeys } from '../sync/key-order.ts';
import type { Library, Scope } from '../sync/types.ts';
import { directlyIn, folderOf } from './albums.ts';
import { chunksOf } from './chunks.ts';
import { cursorParts, isText, isTime, isUuid, limitOf, pageOf } from './cursor.ts';
import type { Database } from './database.ts';
import type { ArchivedObject as Row } from './generated/client.ts';
import { storable } from './text.ts';
import { writeInLibrary, writeTransaction } from './transaction.ts';

/** How far the restore of a known one is stays as it is; what is known of the object itself is brought up to date. */
const NOTE = `
INSERT INTO "ArchivedObject" AS a ("libraryId", "bucket", "key", "storageClass", "what", "photoId", "status")
SELECT $1, $2, u.key, u.class, u.what, p."id", 'waiting'
  FROM unnest($3::text[], $4::text[], $5::"ArchiveWait"[], $6::uuid[]) AS u (key, class, what, photo)
  LEFT JOIN "Photo" AS p ON p."id" = u.photo AND p."libraryId" = $1
ON CONFLICT ("bucket", "key") DO UPDATE SET
  "storageClass" = excluded."storageClass", "what" = excluded."what", "photoId" = excluded."photoId",
  "updatedAt" = now()
WHERE a."libraryId" = excluded."libraryId" AND
  (a."storageClass", a."what", a."photoId") IS DISTINCT FROM (excluded."storageClass", excluded."what", excluded."photoId")
RETURNING "key", xmax = 0 AS inserted`;

/** Of the keys after $2 up to $3, those that are not in $4 and wait for $6; of an album's folder only, if $5 is one. */
const FORGET = `
DELETE FROM "ArchivedObject" AS a
 WHERE a."libraryId" = $1 AND a."key" > $2 AND ($3::text IS NULL OR a."key" <= $3)
   AND NOT EXISTS (SELECT FROM unnest($4::text[]) AS u (key) WHERE u.key = a."key")
   AND ($5::text IS NULL OR ${directlyIn('$5', 'a."key"')}) AND a."what" = ANY($6::"ArchiveWait"[])`;

const PAGE = `
SELECT * FROM "ArchivedObject" WHERE ($1::uuid IS NULL OR "libraryId" = $1)
   AND ($2::timestamptz IS NULL OR ("createdAt", "key", "id") > ($2, $3, $4::uuid))
 ORDER BY "createdAt", "key", "id" LIMIT $5`;

const UPDATE = `
UPDATE "ArchivedObject" AS a SET
  "status" = u.status, "restoredUntil" = u.until, "lastError" = u.error,
  "requestedAt" = CASE WHEN u.asked THEN now() ELSE a."requestedAt" END, "updatedAt" = now()
  FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::boolean[])
    AS u (id, status, until, error, asked)
 WHERE a."id" = u.id`;

interface Noted {
  readonly key: string;
  readonly inserted: boolean;
}

/** CatalogPort.noteWaiting. */
export async function noteWaiting(
  database: Database,
  { library, album }: Scope,
  waiting: readonly WaitingObject[],
  settled: readonly WaitingObject['what'][],
): Promise<readonly WaitingObject[]> {
  const objects = new Map(waiting.map((object) => [object.key, object]));
  const chunks = [...chunksOf([...objects.values()].sort((a, b) => compareKeys(a.key, b.key)))];
  const folder = album === null ? null : folderOf(library, album);
  return writeInLibrary(database, library, async (client) => {
    const added: WaitingObject[] = [];
    for (const chunk of chunks) {
      const { rows } = await client.query<Noted>(NOTE, noteValues(library, chunk));
      const keys = new Set(rows.filter((row) => row.inserted).map((row) => row.key));
      added.push(...chunk.filter((object) => keys.has(object.key)));
    }
    if (settled.length > 0) await forgetOthers(client, library, chunks, [folder, settled]);
    return added;
  });
}

/** The stretches of keys between the ends of the chunks are the whole scope, however much of it is noted. */
async function forgetOthers(
  client: pg.PoolClient,
  library: Library,
  chunks: readonly (readonly WaitingObject[])[],
  which: readonly [folder: string | null, settled: readonly WaitingObject['what'][]],
): Promise<void> {
  let after = '';
  for (const [index, chunk] of (chunks.length === 0 ? [[]] : chunks).entries()) {
    const keys = chunk.map((object) => object.key);
    const upTo = index < chunks.length - 1 ? (keys.at(-1) ?? null) : null;
    await client.query(FORGET, [library.id, after, upTo, keys, ...which]);
    after = upTo ?? after;
  }
}

/** The archived objects of a catalog. A library id that is no UUID is one that nothing has. */
export function archiveStore(database: Database): ArchiveStore {
  return {
    list: async ({ libraryId }, page) => {
      const limit = limitOf(page);
      const [time = null, key = null, id = null] = cursorParts(page, [isTime, isText, isUuid]) ?? [];
      if (libraryId !== undefined && !isUuid(libraryId)) return { items: [], nextCursor: null };
      const values = [libraryId ?? null, time, key, id, limit + 1];
      const { rows } = await database.ask(() => database.pool.query<Row>(PAGE, values));
      return pageOf(rows, limit, viewOf, (row) => [row.createdAt.toISOString(), row.key, row.id]);
    },
    update: async (changes) => {
      const once = new Map(changes.map((change) => [change.id, change])).values();
      const sorted = [...once].sort((a, b) => (a.id < b.id ? -1 : 1));
      await writeTransaction(database, async (client) => {
        for (const chunk of chunksOf(sorted)) await client.query(UPDATE, updateValues(chunk));
      });
    },
  };
}

function noteValues(library: Library, waiting: readonly WaitingObject[]): unknown[] {
  return [
    library.id,
    library.bucket,
    waiting.map((object) => object.key),
    waiting.map((object) => object.storageClass),
    waiting.map((object) => object.what),
    waiting.map((object) => object.photoId),
  ];
}

function updateValues(changes: readonly ArchiveChange[]): unknown[] {
  return [
    changes.map((change) => change.id),
    changes.map((change) => change.status),
    changes.map((change) => change.restoredUntil),
    changes.map((change) => storable(change.lastError)),
    changes.map((change) => change.asked === true),
  ];
}

function viewOf(row: Row): ArchivedObject {
  return {
    id: row.id,
    libraryId: row.libraryId,
    bucket: row.bucket,
    key: row.key,
    photoId: row.photoId,
    storageClass: row.storageClass,
    what: row.what,
    // Written by the statements above and by nobody else.
    status: row.status as ArchivedObject['status'],
    requestedAt: row.requestedAt?.toISOString() ?? null,
    restoredUntil: row.restoredUntil?.toISOString() ?? null,
    lastError: row.lastError,
    createdAt: row.createdAt.toISOString(),
  };
}
