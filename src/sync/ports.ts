/**
 * What the engine asks of the outside: one narrow port per side (the bucket's in bucket-port.ts, the catalog's in
 * catalog-port.ts). The adapters in disk/, bucket/ and catalog/ implement them; the contract suites in test/contract
 * hold every implementation to these promises.
 */

import type { ErrorCode, RollcallError } from '../errors.ts';
import type { FileFacts, LocalFile } from './types.ts';

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
  /**
   * Reads exactly `length` bytes at `offset`; FILE_UNSTABLE if the file has become shorter. `room` makes the memory that
   * they may be read into; it is not the file's any more once this has resolved, and never again after an error.
   */
  read(offset: number, length: number, signal: AbortSignal, room?: (bytes: number) => Buffer): Promise<Buffer>;
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

/** What is at a path: null only if nothing is, and an error where that cannot be told. */
export type Looked = FileFacts | null | RollcallError;

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
  /** The same of several at once, in their order; each folder is looked at once. An error is that of its path alone. */
  statAll(paths: readonly string[], signal: AbortSignal): Promise<readonly Looked[]>;
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

/** Where log lines go; pino's shape. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** The clock, so that pure code stays pure and tests can set it. */
export type Clock = () => number;
