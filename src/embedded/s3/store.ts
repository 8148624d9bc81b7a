/** What is stored, in rows: buckets and objects. Uploads and parts are in upload-store.ts. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { StoredChecksum } from './checksums.ts';
import { CommitQueue } from './commit-queue.ts';
import { S3Error } from './errors.ts';
import { UploadRows } from './upload-store.ts';

/** Headers and metadata that are kept with an object and answered again. */
export interface Described {
  readonly headers: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface StoredObject {
  readonly bucket: string;
  readonly key: string;
  readonly size: number;
  /** Without quotes. */
  readonly etag: string;
  readonly modifiedMs: number;
  readonly storageClass: string;
  readonly restoreReadyMs: number | null;
  readonly restoreExpiryMs: number | null;
  readonly checksum: StoredChecksum | null;
  /** The body's number; null for an object of parts, which the upload of this id holds. */
  readonly body: number | null;
  readonly uploadId: string | null;
  /** 0 for an object that was not uploaded in parts. */
  readonly partCount: number;
  readonly described: Described;
}

/** What a listing tells of an object. */
export interface ListedObject {
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  readonly modifiedMs: number;
  readonly storageClass: string;
  readonly restoreReadyMs: number | null;
  readonly restoreExpiryMs: number | null;
}

/** A stretch of an object's bytes: one body, whole. */
export interface Segment {
  readonly number: number;
  readonly body: number;
  readonly size: number;
  readonly checksum: StoredChecksum | null;
}

export interface StoredBucket {
  readonly name: string;
  readonly createdMs: number;
}

// Compares greater than every text, and so stands for "no upper end".
const AFTER_ALL = new Uint8Array(0);

const LISTED = `key, size, etag, modified_ms AS modifiedMs, storage_class AS storageClass,
  restore_ready_ms AS restoreReadyMs, restore_expiry_ms AS restoreExpiryMs`;

/** The rows. Reads answer at once; writes go through `commit` and are seen by nobody before they are committed. */
export class ObjectStore {
  readonly uploads: UploadRows;
  readonly #database: DatabaseSync;
  readonly #queue: CommitQueue;
  readonly #removeBodies: (ids: readonly number[]) => void;
  readonly #sql;
  #unreferenced: number[] = [];

  constructor(
    database: DatabaseSync,
    bodies: { readonly syncFolders: () => Promise<void>; readonly remove: (ids: readonly number[]) => void },
  ) {
    this.#database = database;
    this.#queue = new CommitQueue(database, bodies.syncFolders);
    this.#removeBodies = bodies.remove;
    this.uploads = new UploadRows(database, (ids) => this.#unreferenced.push(...ids));
    this.#sql = prepareStatements(database);
  }

  /** Runs writes in a transaction (see CommitQueue); bodies that lost their last row are removed after the commit. */
  async commit<T>(work: () => T): Promise<T> {
    let lost: readonly number[] = [];
    const value = await this.#queue.run(() => {
      this.#unreferenced = [];
      const result = work();
      lost = this.#unreferenced;
      return result;
    });
    this.#removeBodies(lost);
    return value;
  }

  /** Waits for commits under way and closes the database. */
  async close(): Promise<void> {
    await this.#queue.idle();
    this.#database.close();
  }

  bucket(name: string): StoredBucket | null {
    return (this.#sql.bucket.get(name) as StoredBucket | undefined) ?? null;
  }

  /** All buckets by name. */
  buckets(): StoredBucket[] {
    return this.#sql.buckets.all() as unknown as StoredBucket[];
  }

  /** Throws NoSuchBucket. */
  requireBucket(name: string): void {
    if (this.bucket(name) === null) throw new S3Error('NoSuchBucket', undefined, { BucketName: name });
  }

  insertBucket(name: string, createdMs: number): void {
    this.#sql.insertBucket.run(name, createdMs);
  }

  /** Removes an empty bucket and the uploads that were never finished. Throws BucketNotEmpty. */
  deleteBucket(name: string): void {
    this.requireBucket(name);
    for (const _ of this.scan(name, '', null)) throw new S3Error('BucketNotEmpty', undefined, { BucketName: name });
    for (const upload of this.uploads.ofBucket(name)) this.uploads.delete(upload.id);
    this.#sql.deleteBucket.run(name);
  }

  object(bucket: string, key: string): StoredObject | null {
    const row = this.#sql.object.get(bucket, key);
    if (row === undefined) return null;
    const { checksum, described, ...rest } = row;
    return {
      ...(rest as unknown as Omit<StoredObject, 'checksum' | 'described'>),
      checksum: typeof checksum === 'string' ? JSON.parse(checksum) : null,
      described: JSON.parse(String(described)),
    };
  }

  /** The bodies an object is made of, in order. */
  segments(object: StoredObject): Segment[] {
    if (object.uploadId !== null) return this.uploads.parts(object.uploadId);
    return object.body === null ? [] : [{ number: 1, body: object.body, size: object.size, checksum: object.checksum }];
  }

  /** Within commit: stores an object in place of what has its key. */
  putObject(object: StoredObject): void {
    this.#forgetBodies(object, object);
    this.#sql.putObject.run(
      object.bucket,
      object.key,
      object.size,
      object.etag,
      object.modifiedMs,
      object.storageClass,
      object.restoreReadyMs,
      object.restoreExpiryMs,
      object.checksum === null ? null : JSON.stringify(object.checksum),
      object.body,
      object.uploadId,
      object.partCount,
      JSON.stringify(object.described),
    );
  }

  /** Within commit: removes an object if it is there. */
  deleteObject(bucket: string, key: string): void {
    this.#forgetBodies({ bucket, key }, null);
    this.#sql.deleteObject.run(bucket, key);
  }

  /** Within commit: notes a restore that was asked for. */
  setRestore(bucket: string, key: string, readyMs: number, expiryMs: number): void {
    this.#sql.setRestore.run(readyMs, expiryMs, bucket, key);
  }

  /** Objects in key order, from `from` (inclusive) to `to` (exclusive, null: no end). Leave the loop when done. */
  scan(bucket: string, from: string, to: string | null): Iterable<ListedObject> {
    return this.#sql.scan.iterate(bucket, from, to ?? AFTER_ALL) as Iterable<unknown> as Iterable<ListedObject>;
  }

  /** The highest number of a body that a row refers to. */
  highestBody(): number {
    return Number(this.#sql.highestBody.get()?.['highest'] ?? 0);
  }

  /** Does a row refer to this body? */
  isBodyUsed(id: number): boolean {
    return this.#sql.bodyUsed.get(id, id) !== undefined;
  }

  /** The bodies from `from` (inclusive) to `to` (exclusive) that rows refer to. */
  bodiesInUse(from: number, to: number): Set<number> {
    return new Set(this.#sql.bodies.all(from, to, from, to).map((row) => Number(row['body'])));
  }

  #forgetBodies(
    { bucket, key }: Pick<StoredObject, 'bucket' | 'key'>,
    replacement: Pick<StoredObject, 'body' | 'uploadId'> | null,
  ): void {
    const old = this.#sql.bodyOf.get(bucket, key) as Pick<StoredObject, 'body' | 'uploadId'> | undefined;
    if (old === undefined) return;
    if (old.body !== null && old.body !== replacement?.body) this.#unreferenced.push(old.body);
    if (old.uploadId !== null && old.uploadId !== replacement?.uploadId) this.uploads.deleteParts(old.uploadId);
  }
}

function prepareStatements(database: DatabaseSync) {
  const prepare = (sql: string): StatementSync => database.prepare(sql);
  return {
    bucket: prepare('SELECT name, created_ms AS createdMs FROM buckets WHERE name = ?'),
    buckets: prepare('SELECT name, created_ms AS createdMs FROM buckets ORDER BY name'),
    insertBucket: prepare('INSERT INTO buckets (name, created_ms) VALUES (?, ?)'),
    deleteBucket: prepare('DELETE FROM buckets WHERE name = ?'),
    object: prepare(
      `SELECT bucket, ${LISTED}, checksum, body, upload_id AS uploadId, part_count AS partCount, described
       FROM objects WHERE bucket = ? AND key = ?`,
    ),
    putObject: prepare(
      `INSERT OR REPLACE INTO objects (bucket, key, size, etag, modified_ms, storage_class, restore_ready_ms,
         restore_expiry_ms, checksum, body, upload_id, part_count, described) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)`,
    ),
    deleteObject: prepare('DELETE FROM objects WHERE bucket = ? AND key = ?'),
    setRestore: prepare('UPDATE objects SET restore_ready_ms = ?, restore_expiry_ms = ? WHERE bucket = ? AND key = ?'),
    scan: prepare(`SELECT ${LISTED} FROM objects WHERE bucket = ? AND key >= ? AND key < ? ORDER BY key`),
    highestBody: prepare(
      `SELECT max((SELECT ifnull(max(body), 0) FROM objects WHERE body IS NOT NULL),
                  (SELECT ifnull(max(body), 0) FROM parts)) AS highest`,
    ),
    bodyOf: prepare('SELECT body, upload_id AS uploadId FROM objects WHERE bucket = ? AND key = ?'),
    bodyUsed: prepare('SELECT 1 FROM objects WHERE body = ? UNION ALL SELECT 1 FROM parts WHERE body = ? LIMIT 1'),
    bodies: prepare(
      `SELECT body FROM objects WHERE body >= ? AND body < ?
       UNION ALL SELECT body FROM parts WHERE body >= ? AND body < ?`,
    ),
  } satisfies Record<string, StatementSync> & Record<string, { all: (...values: SQLInputValue[]) => unknown }>;
}
