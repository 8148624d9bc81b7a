/**
 * The words of the engine (DESIGN 1): plain data that merge, classify, plan and report pass on. Sizes are bytes,
 * `…Ns` nanoseconds and `…Ms` milliseconds since 1970, ETags without their quotes, MD5s lower-case hex.
 */
import type { ErrorCode } from '../errors.ts';
import type { Action } from './actions.ts';

export type PhotoKind = 'image' | 'video' | 'audio' | 'sidecar' | 'other';

export type PhotoState = 'pending' | 'synced' | 'missing' | 'orphaned' | 'lost' | 'archived' | 'conflict' | 'failed';

/** What a library asks of the schedule: `both` is a two-way sync every SYNC_INTERVAL_SECONDS, `up` nothing. */
export type LibrarySync = 'up' | 'both';

/** A folder of albums and the place in a bucket it syncs to. `prefix` is empty or ends in `/`. */
export interface Library {
  readonly id: string;
  readonly name: string;
  readonly root: string;
  readonly bucket: string;
  readonly prefix: string;
  readonly excludes: readonly string[];
  readonly sync: LibrarySync;
}

/** What a run covers: a whole library, or the files directly in one album (`.` is the root itself; NFC). */
export interface Scope {
  readonly library: Library;
  readonly album: string | null;
}

/** What identifies a version of a file on disk. */
export interface FileFacts {
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly device: bigint;
  readonly inode: bigint;
  /**
   * When this inode was made; left out where the filesystem does not say. Numbers of removed files are given to new
   * ones: the same inode born at another time is another file.
   */
  readonly birthNs?: bigint;
}

/** A file of the library. `path` is relative to the root as the disk spells it, `key` = prefix + NFC(path). */
export interface LocalFile extends FileFacts {
  readonly key: string;
  readonly path: string;
  /** Other files whose names give the same key (NFC/NFD twins). */
  readonly twins?: readonly string[];
  /** How many names the file has on its disk; left out: one. */
  readonly links?: number;
}

export type DamagedSide = 'disk' | 'object' | 'both';

/** A row of the Photo table, as far as the engine needs it. The facts are those of the last agreement. */
export interface CatalogRow {
  readonly id: string;
  readonly albumId: string;
  readonly key: string;
  readonly path: string;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly device: bigint | null;
  readonly inode: bigint | null;
  /** Null: not known. */
  readonly birthNs: bigint | null;
  readonly md5: string | null;
  /** Null: this photo has never been in the bucket. */
  readonly etag: string | null;
  /** Part size in bytes of a multipart upload; null for a single PUT. */
  readonly partSize: number | null;
  readonly state: PhotoState;
  readonly orphanedAtMs: number | null;
  /** An asked-for deletion of its object had begun. */
  readonly deleting: boolean;
  /** Which side was found to hold other bytes than were agreed on, size and date or ETag notwithstanding; left out: none. */
  readonly damaged?: DamagedSide;
}

/** An object as a listing or a HEAD tells it. */
export interface BucketObject {
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  readonly lastModifiedMs: number;
  /** `STANDARD` when the server says nothing. */
  readonly storageClass: string;
}

/** One key and what each side holds under it. */
export interface Triple {
  readonly key: string;
  readonly local?: LocalFile;
  readonly row?: CatalogRow;
  readonly object?: BucketObject;
  /** When the object's content was last modified, where it was asked for (`overwrite: newer`). */
  readonly objectMtimeNs?: bigint;
}

export type PhotoClass = 'new' | 'existing' | 'orphaned' | 'untracked';

/** `unknown`: the side could not be read, which is never taken for absence. */
export type Presence = 'present' | 'missing' | 'incomplete' | 'different' | 'archived' | 'unknown';

export type Overwrite = 'never' | 'known' | 'newer' | 'source';
export type OrphanPolicy = 'mark' | 'download' | 'delete';
export type Direction = 'up' | 'down' | 'both';
export type Compare = 'existence' | 'content';
/** Are renames recognised (DESIGN 5)? `only`: nothing but renames is carried out. */
export type Moves = boolean | 'only';

/** What a run may do (DESIGN 3). */
export interface Policy {
  readonly direction: Direction;
  readonly compare: Compare;
  readonly overwrite: Overwrite;
  readonly orphans: OrphanPolicy;
  /** Delete orphans at once instead of after the grace period (the CLI's `--delete`). */
  readonly deleteNow: boolean;
  readonly moves: Moves;
  readonly dryRun: boolean;
}

/** At most so many deletions: a count, or a share of the photos in scope (never refusing fewer than 10). */
export type DeleteLimit = { readonly count: number } | { readonly percent: number };

/** The engine's own settings, from the configuration. */
export interface SyncSettings {
  readonly checkConcurrency: number;
  readonly uploadConcurrency: number;
  readonly existenceCheck: 'auto' | 'head' | 'list';
  readonly maxDelete: DeleteLimit;
  readonly stableSeconds: number;
  readonly orphanGraceDays: number;
  /** Copy on the server what the library's bucket holds under another name already, instead of uploading it. */
  readonly dedupeCopy: boolean;
}

export interface Failure {
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

/** Billable requests to the bucket, retries included. */
export interface RequestCounts {
  head: number;
  list: number;
  get: number;
  put: number;
  copy: number;
  delete: number;
}

export type RunStatus = 'succeeded' | 'partial' | 'failed' | 'refused' | 'planned';

/** What a verify found: each photo counts once. */
export interface CheckCounts {
  readonly photos: number;
  /** On record, on disk and in the bucket alike; where no file is expected, in the bucket. */
  readonly whole: number;
  /** Changed since the last sync, on either side, in a way that the next one settles. */
  readonly changed: number;
  /** From disk, since the last sync; the object is whole. */
  readonly gone: number;
  /** The object has to be restored before it can be read. */
  readonly archived: number;
  readonly damaged: number;
  readonly unreadable: number;
  /** Read, on disk and from the bucket. */
  readonly bytes: number;
}

/** What a run answers with (DESIGN 12). */
export interface Report {
  readonly runId: string;
  readonly status: RunStatus;
  readonly photos: {
    readonly new: number;
    readonly existing: number;
    readonly orphaned: number;
    readonly moved: number;
    readonly changed: number;
    readonly untracked: number;
    readonly lost: number;
  };
  readonly actions: {
    readonly uploaded: number;
    readonly reuploaded: number;
    readonly skipped: number;
    readonly adopted: number;
    readonly moved: number;
    /** Copied on the server: the bucket held the same bytes under another name. */
    readonly copied: number;
    readonly downloaded: number;
    readonly updated: number;
    readonly marked: number;
    readonly deleted: number;
    readonly conflicts: number;
    /** Changing or too young to be read: left for the next run. */
    readonly unstable: number;
    /** Moves and downloads that wait for an archived object to be restored. */
    readonly waiting: number;
    readonly failed: number;
  };
  readonly bytes: {
    /** Sent, whether or not it came to anything. */
    readonly uploaded: number;
    readonly downloaded: number;
    /** Not sent again: an upload of an earlier run that was cut off had sent them. Left out: none. */
    readonly resumed?: number;
  };
  readonly requests: Readonly<RequestCounts>;
  /** How often a request or a transfer was tried again because it had failed: what still fails then is a failure. */
  readonly retries: number;
  readonly cost: { readonly usd: number };
  readonly durationMs: number;
  /** What a person should read first: many files gone at once, an incomplete side, what the bucket lacks. */
  readonly warnings: readonly string[];
  readonly failures: readonly Failure[];
  /** What differs in a way that only a person can decide; nothing of it was touched. */
  readonly conflicts: readonly Failure[];
  /** Direction `down` and `both` only: a file counts once for each phase that skipped it. */
  readonly files_downloaded?: number;
  readonly files_uploaded?: number;
  readonly files_skipped_download?: number;
  readonly files_skipped_upload?: number;
  /** Of a verify only. */
  readonly checked?: CheckCounts;
  readonly plan?: readonly Action[];
  /** Why a run was refused or failed as a whole. */
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}
