/** What the engine asks of the catalog. */

import type { BucketFeatures, BucketIdentity } from './bucket-port.ts';
import type { Inventory } from './ports.ts';
import type { Progress } from './service.ts';
import type { CatalogRow, FileFacts, Library, PhotoKind, PhotoState, Report, RunStatus, Scope } from './types.ts';
import type { UploadLedger } from './upload-ledger.ts';

/** What an action left behind, to be written to the catalog after it was verified. */
export type RowChange =
  | {
      readonly kind: 'agreed';
      readonly path: string;
      readonly key: string;
      readonly local: FileFacts;
      readonly md5: string | null;
      readonly etag: string;
      readonly partSize: number | null;
      readonly storageClass: string | null;
      readonly contentType: string;
      readonly photoKind: PhotoKind;
      /** The bytes were read and found equal just now. */
      readonly verified: boolean;
      /** Only the file was read: its bytes are those that the object's ETag tells. Left out: both sides hold them. */
      readonly compared?: true;
    }
  | {
      /** A photo with nothing agreed: keeps the ancestor facts of a row that has them. */
      readonly kind: 'unsettled';
      readonly path: string;
      readonly key: string;
      readonly local: FileFacts;
      readonly contentType: string;
      readonly photoKind: PhotoKind;
      readonly state: 'pending' | 'conflict' | 'failed';
      readonly error: string;
    }
  | {
      readonly kind: 'state';
      readonly id: string;
      readonly state: PhotoState;
      readonly error: string | null;
    }
  | {
      /** Corrects facts of a row that agree with disk and bucket otherwise. */
      readonly kind: 'refreshed';
      readonly id: string;
      readonly path?: string;
      readonly local?: FileFacts;
      readonly etag?: string;
      readonly state: PhotoState;
    }
  | {
      /**
       * A photo's object was copied to a new key: the row goes there with it, and the old object is remembered as a
       * leftover in the same transaction. Takes the place of a row that has never been in the bucket.
       */
      readonly kind: 'moved';
      readonly id: string;
      readonly path: string;
      readonly key: string;
      /** It only steps aside: its album stays. */
      readonly aside: boolean;
      readonly from: { readonly key: string; readonly size: number; readonly etag: string };
      readonly local: FileFacts;
      /** Null: what the row has stays. */
      readonly md5: string | null;
      readonly etag: string;
      readonly partSize: number | null;
      readonly storageClass: string | null;
      readonly contentType: string;
      readonly photoKind: PhotoKind;
    }
  /** The old object of a move is gone, or is not one any more. */
  | { readonly kind: 'tidied'; readonly key: string }
  | { readonly kind: 'deleting'; readonly id: string }
  | { readonly kind: 'deleted'; readonly id: string };

/** Outcome of one action, for the run's history. */
export interface ActionRecord {
  readonly kind: string;
  readonly path: string;
  readonly key: string;
  readonly outcome: 'done' | 'conflict' | 'failed' | 'unstable';
  readonly bytes: number;
  readonly code?: string;
  readonly message?: string;
}

/** The old object of a recorded move that may still be there. */
export interface Leftover {
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  /** The photo that moved, where it is now; its ETag is null if it has none any more. */
  readonly photo: { readonly id: string; readonly key: string; readonly etag: string | null };
}

/** An object that a move or a download waits for. */
export interface WaitingObject {
  readonly key: string;
  readonly storageClass: string;
  readonly what: 'move' | 'download';
  /** Null: the catalog does not know it. */
  readonly photoId: string | null;
}

/** A file's content, as the catalog can be asked for it. */
export interface Content {
  readonly size: number;
  readonly md5: string;
}

/** An album that goes where all its photos have gone. */
export interface AlbumMove {
  readonly id: string;
  /** The path of the folder that its photos leave. */
  readonly from?: string;
  /** NFC, relative to the root. */
  readonly path: string;
}

/** A row, and the library it is of. */
export interface LocatedRow extends CatalogRow {
  readonly libraryId: string;
}

/** Left out: `sync`. */
export type LockPurpose = 'sync' | 'verify';

/** A photo that was checked: what is to be noted, if its row still says what it was held against. */
export interface CheckedPhoto {
  readonly row: CatalogRow;
  /** What was wrong; null: nothing. */
  readonly damage: string | null;
  /** Of a row that had none: what disk and bucket both hold. */
  readonly md5: string | null;
  /** The bytes of both sides were read and are those on record. */
  readonly whole: boolean;
}

/** What a verify is about to read. */
export interface CheckPlan {
  /** Photos that were checked from then on are done; by the database's clock, RFC 3339. */
  readonly since: string;
  readonly photos: number;
  /** On disk and in the bucket. */
  readonly bytes: number;
  /** Photos that are done already. */
  readonly done: number;
}

/** A lock on what a run covers. `signal` aborts with LOCK_LOST if the lock's connection dies. */
export interface ScopeLock {
  readonly signal: AbortSignal;
  release(): Promise<void>;
}

/** What the engine asks of the catalog. DATABASE_* errors when the database cannot be used. */
export interface CatalogPort {
  /** Uploads in parts that have not ended. */
  readonly uploads: UploadLedger;
  /**
   * Locks the scope against every other run that overlaps it (a library against its albums), in this process or
   * another; SYNC_IN_PROGRESS if one holds it. Dies with its holder. A `verify` keeps out only other verifies: it
   * changes nothing, and may take days.
   */
  lock(scope: Scope, signal: AbortSignal, purpose?: LockPurpose): Promise<ScopeLock>;
  /** The rows in scope, by key. */
  rows(scope: Scope, signal: AbortSignal): Inventory<CatalogRow>;
  /** Rows in scope whose file was not known to be gone: neither orphaned nor lost. */
  countLive(scope: Scope, signal: AbortSignal): Promise<number>;
  /** The rows with these keys, in no order. */
  rowsByKey(library: Library, keys: readonly string[], signal: AbortSignal): Promise<readonly CatalogRow[]>;
  /** The rows with these ids, in no order; what cannot be an id has none. */
  rowsById(ids: readonly string[], signal: AbortSignal): Promise<readonly LocatedRow[]>;
  /**
   * When the last verify of all of this very scope began, if it did not come to its end and is not older than a month;
   * null otherwise. To be asked while its lock is held: one that still runs is known to be dead then.
   */
  unfinishedVerify(scope: Scope, signal: AbortSignal): Promise<string | null>;
  /**
   * What there is to check: photos that have been in the bucket and were not checked `since`, or from now on; of those,
   * with `percent`, this share of all, rounded up.
   */
  planCheck(
    scope: Scope,
    options: { readonly since: string | null; readonly percent: number | null },
    signal: AbortSignal,
  ): Promise<CheckPlan>;
  /** The rows of a plan, those that were checked longest ago first, then by key, in batches of bounded size. */
  rowsToCheck(
    scope: Scope,
    plan: Pick<CheckPlan, 'since' | 'photos'>,
    signal: AbortSignal,
  ): AsyncIterable<readonly CatalogRow[]>;
  /** Notes what was found, but for photos whose rows say something else by now. `since`: the plan's. */
  saveChecks(library: Library, since: string, checked: readonly CheckedPhoto[]): Promise<void>;
  /** The old objects of recorded moves in this library. */
  leftovers(library: Library, signal: AbortSignal): Promise<readonly Leftover[]>;
  /** Which of these sizes has a photo of this library with an MD5 and an object? */
  knownSizes(library: Library, sizes: readonly number[], signal: AbortSignal): Promise<ReadonlySet<number>>;
  /** For each content one photo of this library that has it in the bucket, if there is one. */
  rowsWithContent(library: Library, contents: readonly Content[], signal: AbortSignal): Promise<readonly CatalogRow[]>;
  /**
   * Gives albums their new paths, exchanges among them included. One whose new path is that of another album with photos
   * keeps its own. Done before the photos follow, so that a crash in between is finished by calling it again.
   */
  moveAlbums(library: Library, albums: readonly AlbumMove[]): Promise<void>;
  /** Gives the photos of these albums that are in another folder to that folder's album. */
  settleAlbums(library: Library, albumIds: readonly string[]): Promise<void>;
  /**
   * Notes what waits for a restore and answers what was not noted before; known ones stay as they are. `settled`: for
   * these, nothing else in the scope waits any more, and what is noted of it is removed.
   */
  noteWaiting(
    scope: Scope,
    waiting: readonly WaitingObject[],
    settled: readonly WaitingObject['what'][],
  ): Promise<readonly WaitingObject[]>;
  /** Writes the changes, all or none, albums made as needed; the same changes again change nothing. */
  apply(library: Library, changes: readonly RowChange[]): Promise<void>;
  /**
   * Begins a run's history entry and answers its id. Of one that was queued: CANCELLED if somebody asked for its end,
   * RUN_ENDED if it is over, NOT_FOUND.
   */
  beginRun(run: {
    readonly library: Library | null;
    readonly album: string | null;
    readonly kind: string;
    readonly policy: object;
    readonly parentId?: string;
    /** Of a run that was queued, which begins now; left out: a new entry is made. */
    readonly id?: string;
  }): Promise<string>;
  /**
   * Notes how far a run is, at most every second, and answers whether somebody asked for its end, or for that of the run
   * it is a part of.
   */
  pulse(runId: string, progress: Progress): Promise<{ readonly cancelled: boolean }>;
  recordActions(runId: string, records: readonly ActionRecord[]): Promise<void>;
  finishRun(runId: string, status: RunStatus, report: Report): Promise<void>;
  /** What was learnt of a bucket, if anything was. */
  bucketFeatures(bucket: BucketIdentity): Promise<BucketFeatures | null>;
  saveBucketFeatures(bucket: BucketIdentity, features: BucketFeatures): Promise<void>;
}
