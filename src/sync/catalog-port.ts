/** What the engine asks of the catalog. */
import type { BucketFeatures, BucketIdentity, Inventory } from './ports.ts';
import type { CatalogRow, FileFacts, Library, PhotoKind, PhotoState, Report, RunStatus, Scope } from './types.ts';

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

/** A lock on what a run covers. `signal` aborts with LOCK_LOST if the lock's connection dies. */
export interface ScopeLock {
  readonly signal: AbortSignal;
  release(): Promise<void>;
}

/** What the engine asks of the catalog. DATABASE_* errors when the database cannot be used. */
export interface CatalogPort {
  /**
   * Locks the scope against every other run that overlaps it (a library against its albums), in this process or
   * another; SYNC_IN_PROGRESS if one holds it. Dies with its holder.
   */
  lock(scope: Scope, signal: AbortSignal): Promise<ScopeLock>;
  /** The rows in scope, by key. */
  rows(scope: Scope, signal: AbortSignal): Inventory<CatalogRow>;
  /** Rows in scope whose file was not known to be gone: neither orphaned nor lost. */
  countLive(scope: Scope, signal: AbortSignal): Promise<number>;
  /** The rows with these keys, in no order. */
  rowsByKey(library: Library, keys: readonly string[], signal: AbortSignal): Promise<readonly CatalogRow[]>;
  /** Writes the changes, all or none, albums made as needed; the same changes again change nothing. */
  apply(library: Library, changes: readonly RowChange[]): Promise<void>;
  /** Begins a run's history entry and answers its id. */
  beginRun(run: {
    readonly library: Library | null;
    readonly album: string | null;
    readonly kind: string;
    readonly policy: object;
    readonly parentId?: string;
  }): Promise<string>;
  recordActions(runId: string, records: readonly ActionRecord[]): Promise<void>;
  finishRun(runId: string, status: RunStatus, report: Report): Promise<void>;
  /** What was learnt of a bucket, if anything was. */
  bucketFeatures(bucket: BucketIdentity): Promise<BucketFeatures | null>;
  saveBucketFeatures(bucket: BucketIdentity, features: BucketFeatures): Promise<void>;
}
