/** Reads one photo on disk and in the bucket: what each side has to say of it, before anything is made of that. */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { asRollcallError, type RollcallError } from '../errors.ts';
import type { BucketPort } from './bucket-port.ts';
import { guardEmptyRoot } from './guards.ts';
import { isAsideKey } from './moves.ts';
import type { DiskPort } from './ports.ts';
import type { CatalogRow, FileFacts, Library } from './types.ts';

export type DiskSays =
  | { readonly kind: 'read'; readonly md5: string; readonly facts: FileFacts }
  /** Another version than the one on record, by its size or date. */
  | { readonly kind: 'changed'; readonly facts: FileFacts | null }
  | { readonly kind: 'gone' }
  /** The catalog knows that there is no file. */
  | { readonly kind: 'not expected' }
  | { readonly kind: 'unread'; readonly error: RollcallError };

export type BucketSays =
  /** `proved`: by its ETag. */
  | { readonly kind: 'read'; readonly md5: string; readonly proved: boolean }
  /** What comes is not what the bucket says it holds. */
  | { readonly kind: 'corrupt'; readonly message: string }
  /** Another version than the one on record; `same`: of the very bytes that the disk holds. */
  | { readonly kind: 'other'; readonly same: boolean }
  | { readonly kind: 'missing' }
  | { readonly kind: 'archived' }
  | { readonly kind: 'unread'; readonly error: RollcallError };

export interface Reading {
  readonly disk: DiskPort;
  readonly bucket: BucketPort;
  readonly library: Library;
  /** Called with the number of bytes read from disk since the last call. */
  readonly onRead: (bytes: number) => void;
  /** The same of the bucket. */
  readonly onFetched: (bytes: number) => void;
  readonly signal: AbortSignal;
}

const READ_AT_ONCE = 1024 * 1024;
/** A bucket that is out of reach for a moment must not end what has run for hours. */
const PATIENCE_MS = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000];

/** Is there a file to be read? */
export function expectsFile({ state, key }: CatalogRow): boolean {
  return state !== 'orphaned' && state !== 'lost' && !isAsideKey(key);
}

/** The disk's side. Throws only what says something of the whole disk, and aborts. */
export async function askDisk(row: CatalogRow, reading: Reading): Promise<DiskSays> {
  if (!expectsFile(row)) return { kind: 'not expected' };
  const { disk, library, signal } = reading;
  try {
    const facts = await disk.stat(row.path, signal);
    if (facts === null) return { kind: 'gone' };
    if (facts.size !== row.size || facts.mtimeNs !== row.mtimeNs) return { kind: 'changed', facts };
    return { kind: 'read', md5: await md5OnDisk(row.path, facts, reading), facts };
  } catch (thrown) {
    const error = asRollcallError(thrown);
    if (error.code === 'FILE_GONE') return { kind: 'gone' };
    if (error.code === 'FILE_UNSTABLE') return { kind: 'changed', facts: null };
    if (!error.code.startsWith('FILE_')) throw error;
    // A disk that was unmounted under way is no damage to each of its photos.
    if (await disk.isBare(signal)) guardEmptyRoot(library.root, false, 1);
    return { kind: 'unread', error };
  }
}

/** FILE_UNSTABLE unless the file was this very version from the first byte to the last. */
async function md5OnDisk(path: string, facts: FileFacts, { disk, onRead, signal }: Reading): Promise<string> {
  const file = await disk.open(path, facts, signal);
  try {
    const hash = createHash('md5');
    for (let offset = 0; offset < facts.size; offset += READ_AT_ONCE) {
      const chunk = await file.read(offset, Math.min(READ_AT_ONCE, facts.size - offset), signal);
      hash.update(chunk);
      onRead(chunk.length);
    }
    await file.verifyUnchanged();
    return hash.digest('hex');
  } finally {
    await file.close();
  }
}

/** The bucket's side. Throws BUCKET_* when no request can succeed, and aborts. */
export async function askBucket(row: CatalogRow, reading: Reading): Promise<BucketSays> {
  try {
    return await patiently(() => readObject(row, reading), reading.signal);
  } catch (thrown) {
    const error = asRollcallError(thrown);
    if (error.code.startsWith('OBJECT_')) return { kind: 'unread', error };
    throw error;
  }
}

async function readObject(row: CatalogRow, { bucket, onFetched, signal }: Reading): Promise<BucketSays> {
  const { key, size, etag, partSize } = row;
  let bytes = 0;
  const sink = async (chunk: Uint8Array) => {
    bytes += chunk.byteLength;
    onFetched(chunk.byteLength);
  };
  try {
    const got = await bucket.fetch({ key, size, etag: etag ?? '' }, partSize, sink, signal);
    return { kind: 'read', md5: got.md5, proved: got.partSize !== null || got.md5 === etag?.toLowerCase() };
  } catch (thrown) {
    const error = asRollcallError(thrown);
    switch (error.code) {
      case 'OBJECT_MISSING':
        return { kind: 'missing' };
      case 'OBJECT_PRECONDITION':
        return { kind: 'other', same: false };
      case 'OBJECT_ARCHIVED':
        return headed(row, { bucket, signal }, { kind: 'archived' });
      case 'OBJECT_UNVERIFIED':
        // Refused before the first byte: another size under the same ETag, or a server that does not say what it sends.
        if (bytes === 0) return headed(row, { bucket, signal }, { kind: 'unread', error });
        return { kind: 'corrupt', message: error.message };
      default:
        throw error;
    }
  }
}

/** What a HEAD says of an object that cannot be read; `otherwise` if it is the one on record. */
async function headed(
  row: CatalogRow,
  { bucket, signal }: Pick<Reading, 'bucket' | 'signal'>,
  otherwise: BucketSays,
): Promise<BucketSays> {
  const found = await bucket.head(row.key, signal);
  if (found === null) return { kind: 'missing' };
  if (found.etag !== row.etag) return { kind: 'other', same: false };
  if (found.size === row.size) return otherwise;
  return { kind: 'corrupt', message: `it has ${found.size} bytes instead of ${row.size}` };
}

/**
 * Does the version that took the recorded one's place hold the bytes that the disk does, or that were agreed on where
 * there is no file? Then only the row is behind: somebody sent or copied the photo again.
 */
export async function isSameElsewhere(row: CatalogRow, disk: DiskSays, reading: Reading): Promise<boolean> {
  const { bucket, signal, onFetched } = reading;
  try {
    const wanted = await wantedContent(row, disk, reading);
    const object = await bucket.head(row.key, signal);
    if (wanted === null || object === null || object.size !== wanted.size) return false;
    const sink = async (chunk: Uint8Array) => onFetched(chunk.byteLength);
    const { md5 } = await patiently(() => bucket.fetch(object, null, sink, signal), signal);
    return md5 === wanted.md5;
  } catch (thrown) {
    // It could not be shown, which is what the caller has to know.
    const { code } = asRollcallError(thrown);
    if (code.startsWith('OBJECT_') || code.startsWith('FILE_')) return false;
    throw thrown;
  }
}

async function wantedContent(
  row: CatalogRow,
  disk: DiskSays,
  reading: Reading,
): Promise<{ readonly size: number; readonly md5: string } | null> {
  if (disk.kind === 'read') return { size: row.size, md5: disk.md5 };
  if (disk.kind === 'changed') {
    if (disk.facts === null) return null;
    return { size: disk.facts.size, md5: await md5OnDisk(row.path, disk.facts, reading) };
  }
  return row.md5 === null ? null : { size: row.size, md5: row.md5 };
}

/** Waits for a bucket that is out of reach, a minute in all. */
async function patiently<Answer>(ask: () => Promise<Answer>, signal: AbortSignal): Promise<Answer> {
  for (const waitMs of PATIENCE_MS) {
    try {
      return await ask();
    } catch (thrown) {
      if (asRollcallError(thrown).code !== 'BUCKET_UNREACHABLE') throw thrown;
    }
    await delay(waitMs, undefined, { signal });
  }
  return ask();
}
