/**
 * Carries out a plan (DESIGN 2): in phases (moves, downloads, uploads, row updates, deletes), each effect verified
 * before it is recorded, one photo's failure never stopping the others. Moves and downloads have no actions yet.
 */
import pMap from 'p-map';
import { asRollcallError, type RollcallError } from '../errors.ts';
import type { Sides } from './inventory.ts';
import type { ActionRecord, Log, RowChange } from './ports.ts';
import { type Outcome, Recorder } from './recorder.ts';
import { type Retired, retire } from './retire.ts';
import type { Tally } from './tally.ts';
import { isUnstable, type TransferAction, transfer, unsettled } from './transfer.ts';
import type { Action, DeleteAction, FileFacts, MarkAction, ReportAction, Scope, UpdateAction } from './types.ts';

export interface Execution {
  readonly sides: Sides;
  readonly scope: Scope;
  readonly runId: string;
  readonly uploadConcurrency: number;
  readonly tally: Tally;
  readonly log: Log;
  readonly now: () => number;
  readonly onProgress: (done: {
    readonly actions: number;
    readonly bytes: number;
    readonly path: string | null;
  }) => void;
  /** Asks to begin nothing new; what is in flight is finished. */
  readonly soft: AbortSignal;
  /** Ends what is in flight too: the lock was lost, or draining took too long. */
  readonly hard: AbortSignal;
}

/** Errors after which no request to this bucket can succeed. */
const HOPELESS = new Set(['BUCKET_CREDENTIALS', 'BUCKET_DENIED', 'BUCKET_MISSING', 'BUCKET_CLOCK_SKEW']);
/** A bucket that is out of reach for so many photos in a row, retries and all, is given up for this run. */
const UNREACHABLE_IN_A_ROW = 10;

/** Executes the actions. Throws only when the run cannot go on: DATABASE_*, LOCK_LOST, a bucket that is no use. */
export async function execute(actions: readonly Action[], execution: Execution): Promise<void> {
  await new Executor(execution).run(actions);
}

/** How a file is named in log lines: by name within an album, by path within a library. */
export function loggedName(path: string, scope: Scope): string {
  return scope.album === null ? path : path.slice(path.lastIndexOf('/') + 1);
}

class Executor {
  readonly #x: Execution;
  readonly #recorder: Recorder;
  /** Set once something ends the run as a whole. */
  #fatal: RollcallError | null = null;
  #unreachable = 0;
  #done = 0;
  #bytes = 0;

  constructor(execution: Execution) {
    this.#x = execution;
    this.#recorder = new Recorder({
      catalog: execution.sides.catalog,
      library: execution.scope.library,
      runId: execution.runId,
      now: execution.now,
      onRefused: ({ record }, error) => execution.tally.fail(record.path, error),
    });
  }

  async run(actions: readonly Action[]): Promise<void> {
    const failedBefore = this.#x.tally.actions.failed;
    try {
      await this.#phase(actions.filter(isTransfer), (action) => this.#transfer(action));
      await this.#phase(actions.filter(isRowAction), (action) => this.#row(action));
      await this.#deletePhase(actions.filter(isDelete), failedBefore);
    } finally {
      await this.#recorder.flush();
    }
    if (this.#fatal) throw this.#fatal;
    this.#x.soft.throwIfAborted();
  }

  /** Runs a phase's actions, bounded; after an abort or a fatal error the rest is not begun. */
  async #phase<A extends Action>(actions: readonly A[], act: (action: A) => Promise<void>): Promise<void> {
    await pMap(
      actions,
      async (action) => {
        if (this.#stopped) return;
        try {
          await act(action);
        } catch (thrown) {
          // Only the recorder throws here: without the catalog nothing may go on.
          this.#fatal ??= asRollcallError(thrown);
        }
        this.#progress(action.path);
      },
      { concurrency: this.#x.uploadConcurrency },
    );
  }

  get #stopped(): boolean {
    return this.#fatal !== null || this.#x.soft.aborted || this.#x.hard.aborted;
  }

  async #transfer(action: TransferAction): Promise<void> {
    this.#logTransfer(action);
    const onBytes = (bytes: number) => {
      this.#bytes += bytes;
      this.#progress(null);
    };
    try {
      const result = await transfer(this.#x.sides, action, onBytes, this.#x.hard);
      this.#unreachable = 0;
      if (result.outcome === 'conflict') await this.#conflict(action, 'CONFLICT', result.message, result.change);
      else await this.#transferred(action, result.outcome, result.bytes, result.change);
    } catch (thrown) {
      await this.#transferFailed(action, thrown);
    }
  }

  async #transferred(action: TransferAction, outcome: 'sent' | 'agreed', bytes: number, change: RowChange) {
    const { actions } = this.#x.tally;
    this.#x.tally.bytes.uploaded += bytes;
    const kind = outcome === 'agreed' ? (action.row?.etag ? 'update' : 'adopt') : action.kind;
    if (kind === 'upload') actions.uploaded += 1;
    else if (outcome === 'sent') actions.reuploaded += 1;
    else {
      actions.skipped += 1;
      if (kind === 'adopt') actions.adopted += 1;
      else actions.updated += 1;
      const name = loggedName(action.path, this.#x.scope);
      this.#x.log.info({ path: action.path }, `Photo already exists in S3, skipping upload: ${name}`);
    }
    await this.#record(action, { kind, outcome: 'done', bytes }, change);
  }

  async #transferFailed(action: TransferAction, thrown: unknown): Promise<void> {
    const error = asRollcallError(thrown);
    this.#noteFatal(error);
    if (error.code === 'CANCELLED') return;
    if (isUnstable(error)) return this.#unstable(action, error.message);
    if (error.code === 'OBJECT_PRECONDITION') {
      const change = unsettled(action, 'conflict', error.message);
      return this.#conflict(action, error.code, error.message, change);
    }
    this.#x.tally.fail(action.path, error);
    this.#x.log.error(
      { path: action.path, code: error.code },
      `Failed to upload ${action.path} to S3: ${error.message}`,
    );
    const stillMissing = action.kind === 'reupload' && action.row && !action.object;
    const change: RowChange = stillMissing
      ? { kind: 'state', id: action.row.id, state: 'missing', error: error.message }
      : unsettled(action, 'failed', error.message);
    const failed = {
      kind: action.kind,
      outcome: 'failed',
      bytes: 0,
      code: error.code,
      message: error.message,
    } as const;
    await this.#record(action, failed, change);
  }

  /** A bucket that can answer nobody ends the run; what was not begun stays as it was. */
  #noteFatal(error: RollcallError): void {
    if (HOPELESS.has(error.code) || error.code === 'LOCK_LOST') this.#fatal ??= error;
    if (error.code === 'BUCKET_UNREACHABLE') {
      this.#unreachable += 1;
      if (this.#unreachable >= UNREACHABLE_IN_A_ROW) this.#fatal ??= error;
    }
  }

  async #row(action: UpdateAction | MarkAction | ReportAction): Promise<void> {
    if (action.kind === 'update') return this.#update(action);
    if (action.kind === 'mark') return this.#mark(action);
    if (action.what === 'unstable') return this.#unstable(action, action.reason);
    if (action.what === 'lost')
      return this.#record(action, { kind: 'report', outcome: 'done', bytes: 0, code: 'LOST' });
    const known = action.row?.state === 'conflict';
    const change =
      action.local && !known ? unsettled({ ...action, local: action.local }, 'conflict', action.reason) : null;
    return this.#conflict(action, action.code, action.reason, change);
  }

  async #update(action: UpdateAction): Promise<void> {
    const { path, local, object, state } = action.change;
    this.#x.tally.actions.updated += 1;
    this.#x.tally.actions.skipped += 1;
    await this.#record(
      action,
      { kind: 'update', outcome: 'done', bytes: 0 },
      {
        kind: 'refreshed',
        id: action.row.id,
        state: state ?? action.row.state,
        ...(path !== undefined && { path }),
        ...(local && { local }),
        ...(object && { etag: object.etag }),
      },
    );
  }

  /** The file must still be gone; a disk that cannot say so leaves the row as it is. */
  async #mark(action: MarkAction): Promise<void> {
    let back: FileFacts | null;
    try {
      back = await this.#x.sides.disk.stat(action.path, this.#x.hard);
    } catch (thrown) {
      return this.#failed(action, asRollcallError(thrown));
    }
    if (back !== null) return this.#unstable(action, 'was gone and is back');
    this.#x.tally.actions.marked += 1;
    const change = { kind: 'state', id: action.row.id, state: action.state, error: null } as const;
    await this.#record(action, { kind: 'mark', outcome: 'done', bytes: 0 }, change);
  }

  /** Last of all, and only after nothing failed: what is deleted here cannot be brought back. */
  async #deletePhase(actions: readonly DeleteAction[], failedBefore: number): Promise<void> {
    if (actions.length === 0 || this.#stopped) return;
    await this.#recorder.flush();
    if (this.#x.tally.actions.failed > failedBefore) {
      this.#x.tally.warnings.push(`${actions.length} deletions were put off because something before them failed.`);
      return;
    }
    await retire(actions, {
      sides: this.#x.sides,
      library: this.#x.scope.library,
      concurrency: this.#x.uploadConcurrency,
      signal: this.#x.hard,
      isStopped: () => this.#stopped,
      onOutcome: (action, result) => this.#retired(action, result),
    });
  }

  async #retired(action: DeleteAction, result: Retired): Promise<void> {
    try {
      if (result.outcome === 'kept') await this.#conflict(action, 'CONFLICT', result.message, null);
      else if (result.outcome === 'failed') await this.#failed(action, result.error);
      else {
        this.#x.tally.actions.deleted += 1;
        const change = { kind: 'deleted', id: action.row.id } as const;
        await this.#record(action, { kind: 'delete', outcome: 'done', bytes: 0 }, change);
      }
    } catch (thrown) {
      this.#fatal ??= asRollcallError(thrown);
    }
    this.#progress(action.path);
  }

  async #unstable(action: Action, message: string): Promise<void> {
    this.#x.tally.actions.unstable += 1;
    await this.#record(action, { kind: action.kind, outcome: 'unstable', bytes: 0, code: 'FILE_UNSTABLE', message });
  }

  async #conflict(action: Action, code: string, message: string, change: RowChange | null): Promise<void> {
    this.#x.tally.conflict(action.path, code, message);
    this.#x.log.warn({ path: action.path, code }, `Left alone: ${action.path}: ${message}`);
    await this.#record(
      action,
      { kind: action.kind, outcome: 'conflict', bytes: 0, code, message },
      change ?? undefined,
    );
  }

  async #failed(action: Action, error: RollcallError): Promise<void> {
    this.#noteFatal(error);
    if (error.code === 'CANCELLED') return;
    this.#x.tally.fail(action.path, error);
    const { code, message } = error;
    this.#x.log.error({ path: action.path, code }, `Failed: ${action.kind} ${action.path}: ${message}`);
    await this.#record(action, { kind: action.kind, outcome: 'failed', bytes: 0, code, message });
  }

  async #record(action: Action, record: Omit<ActionRecord, 'path' | 'key'>, change?: RowChange): Promise<void> {
    const outcome: Outcome = { record: { ...record, path: action.path, key: action.key }, ...(change && { change }) };
    await this.#recorder.add(outcome);
  }

  #logTransfer(action: TransferAction): void {
    const name = loggedName(action.path, this.#x.scope);
    if (action.kind === 'upload') this.#x.log.info({ path: action.path }, `Uploading new photo: ${name}`);
    else if (action.kind === 'reupload' && !action.object) {
      this.#x.log.warn({ path: action.path }, `Existing photo missing from S3, will re-upload: ${name}`);
    } else if (action.kind === 'reupload') {
      this.#x.log.info({ path: action.path }, `Re-uploading photo (${action.reason}): ${name}`);
    }
  }

  #progress(path: string | null): void {
    if (path !== null) this.#done += 1;
    this.#x.onProgress({ actions: this.#done, bytes: this.#bytes, path });
  }
}

function isTransfer(action: Action): action is TransferAction {
  return action.kind === 'upload' || action.kind === 'reupload' || action.kind === 'adopt';
}

function isRowAction(action: Action): action is UpdateAction | MarkAction | ReportAction {
  return action.kind === 'update' || action.kind === 'mark' || action.kind === 'report';
}

function isDelete(action: Action): action is DeleteAction {
  return action.kind === 'delete';
}
