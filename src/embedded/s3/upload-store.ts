/** Rows of multipart uploads and of their parts. The parts of a finished upload stay: they are the object's bytes. */
import type { DatabaseSync } from 'node:sqlite';
import type { ChecksumAlgorithm, ChecksumType, StoredChecksum } from './checksums.ts';
import type { Described } from './store.ts';

export interface StoredUpload {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  readonly initiatedMs: number;
  readonly storageClass: string;
  readonly checksumAlgorithm: ChecksumAlgorithm | null;
  readonly checksumType: ChecksumType | null;
  readonly described: Described;
}

export interface StoredPart {
  readonly number: number;
  readonly size: number;
  /** Without quotes. */
  readonly etag: string;
  readonly modifiedMs: number;
  readonly checksum: StoredChecksum | null;
  readonly body: number;
}

const UPLOAD = `id, bucket, key, initiated_ms AS initiatedMs, storage_class AS storageClass,
  checksum_algorithm AS checksumAlgorithm, checksum_type AS checksumType, described`;
const PART = 'number, size, etag, modified_ms AS modifiedMs, checksum, body';

export class UploadRows {
  readonly #forget: (bodies: readonly number[]) => void;
  readonly #sql;

  /** `forget` is told, within a commit, which bodies have lost their row. */
  constructor(database: DatabaseSync, forget: (bodies: readonly number[]) => void) {
    this.#forget = forget;
    this.#sql = prepareStatements(database);
  }

  upload(id: string): StoredUpload | null {
    const row = this.#sql.upload.get(id);
    return row === undefined ? null : toUpload(row);
  }

  /** Unfinished uploads of a bucket by key and id, after (key, id) exclusive. */
  *ofBucket(bucket: string, afterKey = '', afterId = ''): Generator<StoredUpload> {
    for (const row of this.#sql.ofBucket.all(bucket, afterKey, afterId)) yield toUpload(row);
  }

  /** Parts in order of their numbers, those above `after`. */
  parts(uploadId: string, after = 0, limit = -1): StoredPart[] {
    return this.#sql.parts.all(uploadId, after, limit).map(toPart);
  }

  part(uploadId: string, number: number): StoredPart | null {
    const row = this.#sql.part.get(uploadId, number);
    return row === undefined ? null : toPart(row);
  }

  insert(upload: StoredUpload): void {
    this.#sql.insert.run(
      upload.id,
      upload.bucket,
      upload.key,
      upload.initiatedMs,
      upload.storageClass,
      upload.checksumAlgorithm,
      upload.checksumType,
      JSON.stringify(upload.described),
    );
  }

  /** Within commit: stores a part in place of the one with its number. */
  putPart(uploadId: string, part: StoredPart): void {
    const replaced = this.part(uploadId, part.number);
    if (replaced !== null) this.#forget([replaced.body]);
    const checksum = part.checksum === null ? null : JSON.stringify(part.checksum);
    this.#sql.putPart.run(uploadId, part.number, part.size, part.etag, part.modifiedMs, checksum, part.body);
  }

  /** Within commit: ends an upload whose chosen parts have become an object; the others are dropped. */
  finish(id: string, chosen: ReadonlySet<number>): void {
    for (const part of this.parts(id)) {
      if (chosen.has(part.number)) continue;
      this.#forget([part.body]);
      this.#sql.deletePart.run(id, part.number);
    }
    this.#sql.delete.run(id);
  }

  /** Within commit: drops an upload and its parts. */
  delete(id: string): void {
    this.deleteParts(id);
    this.#sql.delete.run(id);
  }

  /** Within commit: drops all parts under an upload's id, finished or not. */
  deleteParts(id: string): void {
    this.#forget(this.parts(id).map((part) => part.body));
    this.#sql.deleteParts.run(id);
  }
}

function toUpload(row: Record<string, unknown>): StoredUpload {
  return { ...row, described: JSON.parse(String(row['described'])) } as unknown as StoredUpload;
}

function toPart(row: Record<string, unknown>): StoredPart {
  const { checksum, ...rest } = row;
  const parsed: StoredChecksum | null = typeof checksum === 'string' ? JSON.parse(checksum) : null;
  return { ...rest, checksum: parsed } as unknown as StoredPart;
}

function prepareStatements(database: DatabaseSync) {
  return {
    upload: database.prepare(`SELECT ${UPLOAD} FROM uploads WHERE id = ?`),
    ofBucket: database.prepare(
      `SELECT ${UPLOAD} FROM uploads WHERE bucket = ? AND (key, id) > (?, ?) ORDER BY key, id`,
    ),
    insert: database.prepare(
      `INSERT INTO uploads (id, bucket, key, initiated_ms, storage_class, checksum_algorithm, checksum_type, described)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    delete: database.prepare('DELETE FROM uploads WHERE id = ?'),
    part: database.prepare(`SELECT ${PART} FROM parts WHERE upload_id = ? AND number = ?`),
    parts: database.prepare(`SELECT ${PART} FROM parts WHERE upload_id = ? AND number > ? ORDER BY number LIMIT ?`),
    putPart: database.prepare(
      `INSERT OR REPLACE INTO parts (upload_id, number, size, etag, modified_ms, checksum, body)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ),
    deletePart: database.prepare('DELETE FROM parts WHERE upload_id = ? AND number = ?'),
    deleteParts: database.prepare('DELETE FROM parts WHERE upload_id = ?'),
  };
}
