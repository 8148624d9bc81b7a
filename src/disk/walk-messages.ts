/** What the walk's worker thread is told and what it answers: plain data, numbers in transferable arrays. */
import type { Problem } from '../sync/ports.ts';
import type { VerifiedRoot } from './root.ts';

export interface WalkJob {
  readonly root: VerifiedRoot;
  readonly prefix: string;
  readonly album: string | null;
  readonly excludes: readonly string[];
  /** Entries in a batch. */
  readonly batchSize: number;
  /** How many batches may wait to be taken. */
  readonly ahead: number;
  /** One Int32: batches taken so far. The worker sleeps on it. */
  readonly taken: SharedArrayBuffer;
}

/**
 * Where a problem makes the walk's silence worthless: at this NFC path and everything below it (empty: everywhere),
 * or for every name with a character beyond ASCII in this folder.
 */
export interface Blind {
  readonly path: string;
  readonly only: 'all' | 'beyond-ascii';
}

export interface FoundProblem {
  readonly problem: Problem;
  readonly blind: Blind;
}

/** Files in key order, as columns, and what went wrong before the last of them. */
export interface WalkBatch {
  readonly paths: readonly string[];
  /** The NFC spelling of the paths; null when it is the same for all. */
  readonly normal: readonly string[] | null;
  readonly sizes: Float64Array<ArrayBuffer>;
  readonly mtimes: BigInt64Array<ArrayBuffer>;
  readonly devices: BigInt64Array<ArrayBuffer>;
  readonly inodes: BigInt64Array<ArrayBuffer>;
  /** 0: not known. */
  readonly births: BigInt64Array<ArrayBuffer>;
  readonly links: Uint32Array<ArrayBuffer>;
  /** Index of a file and the other spellings of its key. */
  readonly twins: readonly (readonly [number, readonly string[]])[];
  readonly found: readonly FoundProblem[];
  readonly last: boolean;
}
