/** What the phases of an execution share: how far it is, how actions end, and what ends the run as a whole. */
import pMap from 'p-map';
import { asRollcallError, type RollcallError } from '../errors.ts';
import type { Action, AdoptAction, WaitAction } from './actions.ts';
import type { UploadMemory } from './bucket-port.ts';
import type { ActionRecord, AlbumMove, RowChange } from './catalog-port.ts';
import type { Sides } from './inventory.ts';
import { Outcomes } from './outcomes.ts';
import type { Log } from './ports.ts';
import type { Tally } from './tally.ts';
import type { Scope } from './types.ts';
import { type UploadSubject, uploadMemory } from './upload-ledger.ts';

export interface Execution {
  readonly sides: Sides;
  readonly scope: Scope;
  readonly runId: string;
  readonly albums: readonly AlbumMove[];
  readonly checkConcurrency: number;
  readonly uploadConcurrency: number;
  readonly tally: Tally;
  readonly log: Log;
  readonly now: () => number;
  readonly onProgress: (done: {
    readonly actions: number;
    readonly bytes: number;
    readonly path: string | null;
  }) => void;
  /** Told of versions that were read and found to differ. */
  readonly onDiffering: (action: AdoptAction, message: string) => void;
  /** Told how each action ended. */
  readonly onEnded: (record: ActionRecord) => void;
  /** Asks to begin nothing new; what is in flight is finished. */
  readonly soft: AbortSignal;
  /** Ends what is in flight too: the lock was lost, or draining took too long. */
  readonly hard: AbortSignal;
}

/** Errors after which no request to this bucket can succeed. */
const HOPELESS = new Set(['BUCKET_CREDENTIALS', 'BUCKET_DENIED', 'BUCKET_MISSING', 'BUCKET_CLOCK_SKEW', 'LOCK_LOST']);
/** A bucket that is out of reach for so many photos in a row, retries and all, is given up for this run. */
const UNREACHABLE_IN_A_ROW = 10;
/** What went wrong because the world moved on: the next run simply looks again. */
const MOVED_ON = new Set(['FILE_UNSTABLE', 'FILE_GONE']);
/** Somebody else was there first. */
export const TAKEN = new Set(['OBJECT_PRECONDITION', 'FILE_EXISTS']);

/** One execution under way. */
export class Course {
  readonly x: Execution;
  readonly outcomes: Outcomes;
  /** Actions that met an archived object. */
  readonly waiting: WaitAction[] = [];
  /** Set once something ends the run as a whole. */
  #fatal: RollcallError | null = null;
  #unreachable = 0;
  #done = 0;
  #bytes = 0;

  constructor(execution: Execution) {
    this.x = execution;
    this.outcomes = new Outcomes({ ...execution, catalog: execution.sides.catalog });
  }

  get stopped(): boolean {
    return this.#fatal !== null || this.x.soft.aborted || this.x.hard.aborted;
  }

  /** Nothing more can succeed; the first reason counts. */
  end(error: RollcallError): void {
    this.#fatal ??= error;
  }

  throwIfEnded(): void {
    if (this.#fatal) throw this.#fatal;
    this.x.soft.throwIfAborted();
  }

  /** Runs a phase's actions, bounded; after an abort or a fatal error the rest is not begun. */
  async phase<A extends Action>(actions: readonly A[], act: (action: A) => Promise<void>): Promise<void> {
    await pMap(
      actions,
      async (action) => {
        if (this.stopped) return;
        // What throws here is the catalog: without it nothing may go on.
        await act(action).catch((thrown: unknown) => this.end(asRollcallError(thrown)));
        this.progress(action.path);
      },
      { concurrency: this.x.uploadConcurrency },
    );
  }

  /** The bucket has answered. */
  reached(): void {
    this.#unreachable = 0;
  }

  /** Ends an action that threw: unstable, a conflict, or failed; and the run, if nothing more can succeed. */
  went(action: Action, error: RollcallError, line: string, change: RowChange | null): Promise<void> {
    if (HOPELESS.has(error.code)) this.end(error);
    if (error.code === 'BUCKET_UNREACHABLE' && ++this.#unreachable >= UNREACHABLE_IN_A_ROW) this.end(error);
    if (error.code === 'CANCELLED') return Promise.resolve();
    if (MOVED_ON.has(error.code)) return this.outcomes.unstable(action, error.message);
    if (TAKEN.has(error.code)) return this.outcomes.conflict(action, error.code, error.message, change);
    return this.outcomes.failed(action, error, line, change);
  }

  /** An archived object has to be restored first. */
  async wait(action: WaitAction): Promise<void> {
    this.waiting.push(action);
    this.x.tally.actions.waiting += 1;
    await this.outcomes.waits(action);
  }

  /** Uploads and copies that are cut off are found by it. */
  memoryOf(subject: UploadSubject): UploadMemory {
    const { sides, scope, log } = this.x;
    return uploadMemory(sides.catalog.uploads, scope.library, subject, log);
  }

  /** What went over the wire, whatever becomes of it. */
  readonly onSent = (bytes: number): void => {
    this.x.tally.bytes.uploaded += bytes;
    this.onBytes(bytes);
  };

  readonly onBytes = (bytes: number): void => {
    this.#bytes += bytes;
    this.progress(null);
  };

  progress(path: string | null): void {
    if (path !== null) this.#done += 1;
    this.x.onProgress({ actions: this.#done, bytes: this.#bytes, path });
  }
}

/** The cause in the words that log readers know. */
export function shortly(error: RollcallError): string {
  return error.code === 'OBJECT_DENIED' || error.code === 'BUCKET_DENIED' ? 'Access Denied' : error.message;
}
