/** The SQLite file that holds what is known about buckets, objects and uploads. */
import type { DatabaseSync } from 'node:sqlite';

/** 2: several rows may refer to one body. A program that knows 1 would remove it with the first of them. */
const SCHEMA_VERSION = 2;

// Keys compare as bytes (BINARY), which for UTF-8 is S3's own order. Columns a listing needs come first.
const SCHEMA = `
CREATE TABLE buckets (
  name TEXT PRIMARY KEY,
  created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE objects (
  bucket TEXT NOT NULL,
  key TEXT NOT NULL,
  size INTEGER NOT NULL,
  etag TEXT NOT NULL,
  modified_ms INTEGER NOT NULL,
  storage_class TEXT NOT NULL,
  restore_ready_ms INTEGER,
  restore_expiry_ms INTEGER,
  checksum TEXT,
  body INTEGER,
  upload_id TEXT,
  part_count INTEGER NOT NULL,
  described TEXT NOT NULL,
  PRIMARY KEY (bucket, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX objects_body ON objects (body) WHERE body IS NOT NULL;

CREATE TABLE uploads (
  id TEXT PRIMARY KEY,
  bucket TEXT NOT NULL,
  key TEXT NOT NULL,
  initiated_ms INTEGER NOT NULL,
  storage_class TEXT NOT NULL,
  checksum_algorithm TEXT,
  checksum_type TEXT,
  described TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX uploads_by_key ON uploads (bucket, key, id);

CREATE TABLE parts (
  upload_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  size INTEGER NOT NULL,
  etag TEXT NOT NULL,
  modified_ms INTEGER NOT NULL,
  checksum TEXT,
  body INTEGER NOT NULL,
  PRIMARY KEY (upload_id, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX parts_body ON parts (body);
`;

/**
 * Opens the database, making it when it is new. One process at a time: a second one is refused.
 * With `durable`, a commit is on the disk when it returns.
 */
export function openDatabase(path: string, durable: boolean): DatabaseSync {
  const { DatabaseSync: Database } = loadSqlite();
  const database = new Database(path, { timeout: 0 });
  try {
    database.exec(`
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = ${durable ? 'FULL' : 'OFF'};
      PRAGMA cache_size = -32000;
      PRAGMA temp_store = MEMORY;
    `);
    migrate(database, path);
    return database;
  } catch (error) {
    database.close();
    if (error instanceof Error && /database is locked/.test(error.message)) {
      throw new Error(`${path} is in use by another process: only one S3 server may serve a data folder`, {
        cause: error,
      });
    }
    throw error;
  }
}

function migrate(database: DatabaseSync, path: string): void {
  // The write lock is taken here even when there is nothing to do, and EXCLUSIVE keeps it.
  database.exec('BEGIN EXCLUSIVE');
  const version = database.prepare('PRAGMA user_version').get()?.['user_version'];
  if (version === 0) database.exec(SCHEMA);
  // The tables are those of 1.
  const isOlder = version === 0 || version === 1;
  if (isOlder) database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  database.exec('COMMIT');
  if (!isOlder && version !== SCHEMA_VERSION) {
    throw new Error(`${path} has version ${version} of the S3 server's tables; this program knows ${SCHEMA_VERSION}`);
  }
}

/** Loads node:sqlite without the warning that older Node releases give for it; all other warnings stay. */
function loadSqlite(): typeof import('node:sqlite') {
  const emitWarning = process.emitWarning;
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    if (!String(warning).includes('SQLite')) Reflect.apply(emitWarning, process, [warning, ...rest]);
  }) as typeof process.emitWarning;
  try {
    return process.getBuiltinModule('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
}
