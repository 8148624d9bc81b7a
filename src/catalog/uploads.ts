/** UploadLedger: uploads in parts that were begun and are not known to have ended. */
import type { ConfirmedPart } from '../sync/bucket-port.ts';
import type { Library } from '../sync/types.ts';
import type { RecordedUpload, UploadLedger } from '../sync/upload-ledger.ts';
import type { Database } from './database.ts';
import { writeInLibrary } from './transaction.ts';

/** Of (libraryId, bucket, key): two libraries never share a key, and what a removed one left is its successor's. */
const CLAIM = `
UPDATE "Upload" SET "holder" = $4
 WHERE "bucket" = $2 AND "key" = $3 AND ("libraryId" = $1 OR "libraryId" IS NULL) RETURNING *`;

const PARTS = 'SELECT "upload", "number", "etag", "md5" FROM "UploadPart" WHERE "upload" = ANY($1::uuid[])';

const BEGIN = `
INSERT INTO "Upload" ("libraryId", "bucket", "key", "uploadId", "partSize", "size", "mtimeNs", "md5", "holder")
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING "id"`;

/** Of one that is forgotten by now nothing is noted. */
const CONFIRM = `
WITH upload AS (UPDATE "Upload" SET "updatedAt" = now() WHERE "id" = $1 RETURNING "id")
INSERT INTO "UploadPart" ("upload", "number", "etag", "md5") SELECT "id", $2, $3, $4 FROM upload
ON CONFLICT ("upload", "number") DO UPDATE SET "etag" = excluded."etag", "md5" = excluded."md5"`;

const IS_HELD = 'SELECT FROM "Upload" WHERE "id" = $1 AND "holder" = $2';

const FORGET = 'DELETE FROM "Upload" WHERE "id" = ANY($1::uuid[])';

const OF_LIBRARY = `
SELECT * FROM "Upload" WHERE "bucket" = $2 AND ("libraryId" = $1 OR "libraryId" IS NULL) ORDER BY "updatedAt", "id"`;

/** As the driver hands it over: 64-bit numbers are text. */
interface Row {
  readonly id: string;
  readonly libraryId: string | null;
  readonly key: string;
  readonly uploadId: string;
  readonly partSize: string;
  readonly size: string;
  readonly mtimeNs: string | null;
  readonly md5: string | null;
  readonly startedAt: Date;
  readonly updatedAt: Date;
}

type PartRow = ConfirmedPart & { readonly upload: string };

export function uploadLedger(database: Database): UploadLedger {
  const { pool } = database;
  return {
    claim: async (library, key, holder) => {
      const claimed = await database.ask(() => pool.query<Row>(CLAIM, [...placeOf(library), key, holder]));
      if (claimed.rows.length === 0) return [];
      const newestFirst = claimed.rows.toSorted((a, b) => b.startedAt.getTime() - a.startedAt.getTime());
      const ids = newestFirst.map(({ id }) => id);
      const { rows } = await database.ask(() => pool.query<PartRow>(PARTS, [ids]));
      const parts = Map.groupBy(rows, ({ upload }) => upload);
      return newestFirst.map((row) => ({ ...recorded(row), parts: (parts.get(row.id) ?? []).map(partOf) }));
    },
    begin: async (library, holder, { key, uploadId, partSize, size, mtimeNs, md5 }) => {
      const values = [...placeOf(library), key, uploadId, partSize, size, mtimeNs, md5, holder];
      return writeInLibrary(database, library, async (client) => {
        const { rows } = await client.query<{ id: string }>(BEGIN, values);
        return String(rows[0]?.id);
      });
    },
    confirm: async (id, { number, etag, md5 }) => {
      await database.ask(() => pool.query(CONFIRM, [id, number, etag, md5]));
    },
    isHeld: async (id, holder) => {
      const { rowCount } = await database.ask(() => pool.query(IS_HELD, [id, holder]));
      return rowCount === 1;
    },
    forget: async (ids) => {
      if (ids.length > 0) await database.ask(() => pool.query(FORGET, [ids]));
    },
    ofLibrary: async (library, signal) => {
      const { rows } = await database.ask(() => pool.query<Row>(OF_LIBRARY, placeOf(library)), signal);
      return rows.map(recorded);
    },
  };
}

const placeOf = ({ id, bucket }: Library): [string, string] => [id, bucket];

function recorded({ id, libraryId, key, uploadId, partSize, size, mtimeNs, md5, updatedAt }: Row): RecordedUpload {
  return {
    id,
    libraryId,
    key,
    uploadId,
    partSize: Number(partSize),
    size: Number(size),
    mtimeNs: mtimeNs === null ? null : BigInt(mtimeNs),
    md5,
    updatedAtMs: updatedAt.getTime(),
  };
}

const partOf = ({ number, etag, md5 }: PartRow): ConfirmedPart => ({ number, etag, md5 });
