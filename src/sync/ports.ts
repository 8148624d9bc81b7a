/**
 * What the engine asks of the outside: one narrow port per side (the catalog's in catalog-port.ts). The adapters in
 * disk/, bucket/ and catalog/ implement them; the contract suites in test/contract hold every implementation to these promises.
 */

import type { ErrorCode, RollcallError } from '../errors.ts';
import type { BucketObject, FileFacts, LocalFile, RequestCounts } from './types.ts';

/** Something that stopped a side from being read whole, or a name that cannot be synced. */
export interface Problem {
  readonly path: string;
  readonly code: ErrorCode;
  readonly message: string;
  /**
   * True: entries of this side may be missing because of it, so absence proves nothing. False: a notice about one
   * entry (a name that cannot be a key, a link that leads out of the root).
   */
  readonly hides: boolean;
}

/** One side's entries in UTF-8 byte order of their keys, each key once, in batches of bounded size. */
export interface Inventory<Entry> {
  /** To be iterated once, to its end. Throws only when the side as a whole fails (database down, abort). */
  readonly batches: AsyncIterable<readonly Entry[]>;
  /** What went wrong on the way; final once `batches` has ended. */
  problems(): readonly Problem[];
  /**
   * Does the inventory's silence about this key prove its absence? False after a failed listing page for every
   * later key, for keys below a folder that could not be read, and for names that an exclude or a skipped link
   * hides. Final once `batches` has passed the key.
   */
  vouchesFor(key: string): boolean;
}

/** A file held open to be hashed and uploaded: what is read is the version that `facts` describes, or an error. */
export interface OpenFile {
  readonly facts: FileFacts;
  /** Reads exactly `length` bytes at `offset`; FILE_UNSTABLE if the file has become shorter. */
  read(offset: number, length: number, signal: AbortSignal): Promise<Buffer>;
  /** Throws FILE_UNSTABLE unless the open file and the path still are the version of `facts`. */
  verifyUnchanged(): Promise<void>;
  close(): Promise<void>;
}

/**
 * A download on its way to its place: bytes go to a temporary file in the target folder, under a name that never
 * syncs, and become visible only by `commit`.
 */
export interface IncomingFile {
  /** DISK_FULL when the disk says that it has no room for so many bytes: better known before they are fetched. */
  assertRoom(bytes: number): Promise<void>;
  /** Resolves when the chunk is taken. DISK_FULL, FILE_UNWRITABLE. */
  write(chunk: Uint8Array): Promise<void>;
  /**
   * Puts the file in its place: fsynced, with this modification time, never over anything but the version it was
   * begun to replace. OBJECT_… never; FILE_EXISTS when something is there by now, FILE_UNSTABLE when what was to be
   * replaced has changed; DISK_FULL, FILE_UNWRITABLE. Answers the facts and the path as it is spelled on disk.
   */
  commit(mtimeNs: bigint): Promise<{ readonly facts: FileFacts; readonly path: string }>;
  /** Removes what was written; safe after commit and twice. */
  discard(): Promise<void>;
}

/** The album folders of one library. Only ENOENT under a verified root means "gone"; all else throws. */
export interface DiskPort {
  /** Throws GUARD_ROOT_MISSING, GUARD_ROOT_NOT_DIRECTORY or GUARD_ROOT_UNREADABLE. */
  verifyRoot(signal: AbortSignal): Promise<void>;
  /** Does the root hold nothing at all, as a mount point does whose disk is not there? (`lost+found` counts for nothing.) */
  isBare(signal: AbortSignal): Promise<boolean>;
  /** All files in scope. For an album whose folder is gone: an empty inventory that vouches for it. */
  walk(album: string | null, signal: AbortSignal): Inventory<LocalFile>;
  /** Is there a folder for this album (NFC)? False only if it is gone under a verified root. */
  hasFolder(album: string, signal: AbortSignal): Promise<boolean>;
  /** Facts of one file now; null only if it is gone under a verified root. */
  stat(path: string, signal: AbortSignal): Promise<FileFacts | null>;
  /** The path of a key from the bucket, or why it can have none here (DESIGN 9: it would leave the root, …). */
  pathOf(key: string): { readonly path: string } | { readonly fault: string };
  /**
   * Begins a download to `path`, making its folders; existing folders are used however they are spelled (NFC, NFD).
   * `replacing`: the version that may be replaced; null: only if nothing is there. FILE_EXISTS, FILE_UNSTABLE,
   * FILE_UNWRITABLE (a folder on the way is a link out of the root, a file, or may not be written), DISK_FULL.
   */
  receive(path: string, replacing: FileFacts | null, signal: AbortSignal): Promise<IncomingFile>;
  /** Opens the version that `expected` describes. FILE_UNSTABLE, FILE_GONE or FILE_UNREADABLE otherwise. */
  open(path: string, expected: FileFacts, signal: AbortSignal): Promise<OpenFile>;
}

/** What a bucket was seen to honour. Kept per bucket; each is false until a probe proves it. */
export interface BucketFeatures {
  /** PUT with `If-None-Match: *` answers 412 when the key exists. */
  readonly createOnly: boolean;
  /** PUT with `If-Match` answers 412 when the ETag is another; `unquoted` when only that form of ETag works. */
  readonly replaceOnly: 'quoted' | 'unquoted' | 'none';
  /** The same for CompleteMultipartUpload. */
  readonly createOnlyMultipart: boolean;
  /** DELETE with `If-Match`. */
  readonly deleteOnly: boolean;
  /** DeleteObjects with an ETag for each key. */
  readonly deleteManyOnly: boolean;
  /** CopyObject with `If-None-Match: *` on its target. */
  readonly copyCreateOnly: boolean;
  /** A wrong Content-MD5 is refused. */
  readonly contentMd5: boolean;
  /** A wrong x-amz-checksum-crc32 is refused. */
  readonly checksums: boolean;
}

/** `endpoint` is the server's address, or `aws` for Amazon's own. */
export interface BucketIdentity {
  readonly endpoint: string;
  readonly bucket: string;
}

/** How an upload may change the bucket. */
export type WriteCondition = { readonly absent: true } | { readonly etag: string };

export interface UploadRequest {
  readonly key: string;
  readonly file: OpenFile;
  readonly contentType: string;
  readonly condition: WriteCondition;
  /** MD5 of the whole file if it is known already: saves reading a large file twice. */
  readonly md5?: string;
  /** Called with the number of bytes sent since the last call. */
  readonly onBytes?: (bytes: number) => void;
}

/** An object that was written and verified to hold the file's bytes. */
export interface UploadedObject {
  readonly etag: string;
  readonly md5: string;
  /** Bytes; null for a single PUT. */
  readonly partSize: number | null;
  readonly size: number;
  readonly storageClass: string;
  /** False: the very same bytes were there already and nothing was sent. */
  readonly sent: boolean;
}

/** A copy on the server. */
export interface CopyRequest {
  readonly from: Pick<BucketObject, 'key' | 'size' | 'etag' | 'storageClass'>;
  readonly to: string;
  readonly condition: WriteCondition;
  /** Of the source's content, as far as it is known: proves a copy whose ETag is not the source's. */
  readonly md5: string | null;
  /** Bytes; the source's. */
  readonly partSize: number | null;
  /** What the copy is to say of itself; left out: metadata, content type and storage class are those of the source. */
  readonly as?: { readonly contentType: string; readonly mtimeNs: bigint };
}

/** A copy that was made and verified to hold the source's bytes. */
export interface CopiedObject {
  readonly etag: string;
  /** Bytes; null for one that was not made in parts. */
  readonly partSize: number | null;
  readonly storageClass: string;
  /** False: the very same bytes were there already and nothing was copied. */
  readonly copied: boolean;
}

/** How fast, and for how long, an archived object is to be made readable. */
export interface RestoreRequest {
  /** Days for which the restored copy stays. */
  readonly days: number;
  readonly tier: 'Standard' | 'Bulk' | 'Expedited';
}

/** An object that was read whole and verified. */
export interface FetchedObject {
  readonly md5: string;
  readonly partSize: number | null;
  /** From the metadata `mtime` (seconds, as rclone writes it), else LastModified. */
  readonly mtimeNs: bigint;
  readonly contentType: string;
  readonly storageClass: string;
}

/** Do these bytes and that ETag belong together? `unknown` when the ETag says nothing about the content. */
export type ContentMatch = 'same' | 'different' | 'unknown';

/** An object as a HEAD tells it: a listing's facts and the metadata. */
export interface HeadedObject extends BucketObject {
  readonly metadata: Readonly<Record<string, string>>;
  /** Of an archived object that was asked to be restored: is that still under way, and until when can it be read? */
  readonly restore?: { readonly ongoing: boolean; readonly untilMs: number | null };
}

/**
 * One bucket. Errors: BUCKET_* when no request can succeed, OBJECT_* for one object; a denied request is never
 * reported as absence. Throttling, 5xx and broken connections are retried with backoff before they are thrown.
 */
export interface BucketPort {
  /** Where it is: the same for every process that means this bucket. */
  readonly identity: BucketIdentity;
  /** Proves that the bucket exists and may be listed, by one LIST; BUCKET_* otherwise. */
  preflight(prefix: string, signal: AbortSignal): Promise<void>;
  /**
   * Learns what the bucket honours by trying it on a probe object, once: what is known already is taken as it is. To
   * be called before the first write; until then nothing is relied on. Its requests are not among `requests()`.
   */
  learn(prefix: string, known: BucketFeatures | null, signal: AbortSignal): Promise<BucketFeatures>;
  /**
   * Objects under a prefix, subfolders left out when `shallow`. Throws when the first page fails: then nothing is
   * known of the bucket. A later page that fails ends the listing as a hiding problem.
   */
  list(prefix: string, options: { shallow: boolean }, signal: AbortSignal): Inventory<BucketObject>;
  /** The object's facts; null only for 404. */
  head(key: string, signal: AbortSignal): Promise<HeadedObject | null>;
  /** Is there an object? False only for 404; anything else throws (DESIGN 2). */
  objectExists(key: string, signal: AbortSignal): Promise<boolean>;
  /**
   * Writes the file's bytes under the condition, verified. OBJECT_PRECONDITION when the condition does not hold,
   * unless what is there are these very bytes (a lost answer, a second writer with the same photo).
   */
  upload(request: UploadRequest, signal: AbortSignal): Promise<UploadedObject>;
  /** Hashes the file and holds it against an object's ETag. Answers the MD5 so that it can be recorded. */
  compare(
    file: OpenFile,
    object: { readonly key: string; readonly size: number; readonly etag: string },
    known: { readonly md5: string | null; readonly partSize: number | null },
    signal: AbortSignal,
  ): Promise<{ readonly match: ContentMatch; readonly md5: string; readonly partSize: number | null }>;
  /**
   * Reads an object's bytes into `sink`, in order, waiting for each chunk to be taken, and only of the version with
   * this ETag. Resolves once the content is verified: the size, and the MD5 against the ETag (multipart ETags computed
   * again, `partSize` first), metadata or the server's checksum, as far as they say anything. OBJECT_MISSING,
   * OBJECT_PRECONDITION (another version by now), OBJECT_ARCHIVED (must be restored first), OBJECT_DENIED,
   * OBJECT_UNVERIFIED (what came is not what the bucket says it holds). A broken connection is resumed or retried.
   */
  fetch(
    object: Pick<BucketObject, 'key' | 'size' | 'etag'>,
    partSize: number | null,
    sink: (chunk: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<FetchedObject>;
  /** Removes the object if it still has this ETag: `deleted`, `missing` (was gone), or `changed` (left alone). */
  remove(key: string, etag: string, signal: AbortSignal): Promise<'deleted' | 'missing' | 'changed'>;
  /**
   * Removes many objects with a few requests, each only if it still has its ETag: `deleted` (also if it was gone),
   * `changed` (left alone), or why it is still there. Never throws for one of them.
   */
  removeMany(
    objects: readonly { readonly key: string; readonly etag: string }[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, 'deleted' | 'changed' | RollcallError>>;
  /**
   * Copies an object on the server, of any size, only the version with this ETag and only under the condition; answers
   * once the copy is proved to hold the source's bytes. OBJECT_PRECONDITION when the source is another version by now
   * or the condition does not hold, unless what is there has the very same bytes; OBJECT_MISSING (no source),
   * OBJECT_ARCHIVED (to be restored first), OBJECT_DENIED, OBJECT_UNVERIFIED.
   */
  copy(request: CopyRequest, signal: AbortSignal): Promise<CopiedObject>;
  /**
   * Asks for an archived object to be made readable. `asked`; `in progress`: it was asked before; `readable`: it need
   * not be restored, or is. OBJECT_MISSING, OBJECT_DENIED, OBJECT_REJECTED (a tier this class does not have, a server
   * without archives).
   */
  restore(key: string, request: RestoreRequest, signal: AbortSignal): Promise<'asked' | 'in progress' | 'readable'>;
  /** Requests sent through this port so far, retries included. */
  requests(): RequestCounts;
}

/** Where log lines go; pino's shape. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** The clock, so that pure code stays pure and tests can set it. */
export type Clock = () => number;
