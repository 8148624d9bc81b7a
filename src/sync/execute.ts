/**
 * Carries out a plan (DESIGN 2): in phases (moves, downloads, uploads, row updates, deletes), each effect verified
 * before it is recorded, one photo's failure never stopping the others.
 */
import pMap from 'p-map';
import { asRollcallError, type RollcallError } from '../errors.ts';
import type {
  Action,
  AdoptAction,
  CopyAction,
  DeleteAction,
  DownloadAction,
  LeftoverAction,
  MoveAction,
  WaitAction,
} from './actions.ts';
import type { ActionRecord, AlbumMove, RowChange } from './catalog-port.ts';
import { copyInstead } from './copy-object.ts';
import { download } from './download.ts';
import { executeMoves, type Moved, type MoveResult } from './execute-moves.ts';
import type { Sides } from './inventory.ts';
import { Outcomes } from './outcomes.ts';
import { waitForDownload, waitingMove } from './plan-moves.ts';
import type { Log } from './ports.ts';
import { type Retired, retire } from './retire.ts';
import { actOnRow, isRowAction } from './row-actions.ts';
import type { Tally } from './tally.ts';
import { type TransferAction, type Transferred, transfer, unsettled } from './transfer.ts';
import type { Scope } from './types.ts';

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
const TAKEN = new Set(['OBJECT_PRECONDITION', 'FILE_EXISTS']);

/**
 * Executes the actions and answers what waits for a restore. Throws only when the run cannot go on: DATABASE_*,
 * LOCK_LOST, a bucket that is no use.
 */
export async function execute(actions: readonly Action[], execution: Execution): Promise<readonly WaitAction[]> {
  return new Executor(execution).run(actions);
}

class Executor {
  readonly #x: Execution;
  readonly #outcomes: Outcomes;
  /** Set once something ends the run as a whole. */
  #fatal: RollcallError | null = null;
  #moved: Moved = { places: new Map(), blocked: new Set() };
  readonly #waiting: WaitAction[] = [];
  #unreachable = 0;
  #done = 0;
  #bytes = 0;

  constructor(execution: Execution) {
    this.#x = execution;
    this.#outcomes = new Outcomes({ ...execution, catalog: execution.sides.catalog });
  }

  async run(actions: readonly Action[]): Promise<readonly WaitAction[]> {
    const failedBefore = this.#x.tally.actions.failed;
    try {
      await this.#movePhase(actions);
      await this.#phase(actions.filter(isDownload), (action) => this.#download(action));
      await this.#phase(actions.filter(isSending), (action) => this.#send(action));
      const rows = { ...this.#x, outcomes: this.#outcomes };
      await this.#phase(actions.filter(isRowAction), async (action) => {
        const error = await actOnRow(action, rows);
        if (error) await this.#went(action, error, `Failed to look for ${action.path}: ${error.message}`, null);
      });
      await this.#phase(
        actions.filter((action) => action.kind === 'wait'),
        (action) => this.#wait(action),
      );
      await this.#deletePhase(actions.filter(isDelete), failedBefore);
    } finally {
      await this.#outcomes.flush();
    }
    if (this.#fatal) throw this.#fatal;
    this.#x.soft.throwIfAborted();
    return this.#waiting;
  }

  /** Runs a phase's actions, bounded; after an abort or a fatal error the rest is not begun. */
  async #phase<A extends Action>(actions: readonly A[], act: (action: A) => Promise<void>): Promise<void> {
    await pMap(
      actions,
      async (action) => {
        if (this.#stopped) return;
        // What throws here is the catalog: without it nothing may go on.
        await act(action).catch((thrown: unknown) => this.#end(asRollcallError(thrown)));
        this.#progress(action.path);
      },
      { concurrency: this.#x.uploadConcurrency },
    );
  }

  get #stopped(): boolean {
    return this.#fatal !== null || this.#x.soft.aborted || this.#x.hard.aborted;
  }

  #end(error: RollcallError): void {
    this.#fatal ??= error;
  }

  async #movePhase(actions: readonly Action[]): Promise<void> {
    const moves = actions.filter((action) => action.kind === 'move');
    const leftovers = actions.filter((action) => action.kind === 'leftover');
    if (moves.length + leftovers.length === 0) return;
    this.#moved = await executeMoves(moves, leftovers, this.#x.albums, {
      sides: this.#x.sides,
      library: this.#x.scope.library,
      concurrency: this.#x.checkConcurrency,
      written: new Set(actions.map(({ key }) => key)),
      onBytes: this.#onBytes,
      onMoved: (action, result) => this.#movedOne(action, result),
      onTidied: (action, result) => this.#tidied(action, result),
      onLeft: (action, error) => this.#x.tally.fail(action.from.path, error),
      isStopped: () => this.#stopped,
      signal: this.#x.hard,
    }).catch((thrown: unknown) => {
      this.#end(asRollcallError(thrown));
      return this.#moved;
    });
  }

  async #movedOne(action: MoveAction, result: MoveResult): Promise<void> {
    this.#progress(action.path);
    if (result.outcome === 'unstable') return this.#outcomes.unstable(action, result.message);
    if (result.outcome === 'failed') {
      const { error } = result;
      if (error.code === 'OBJECT_ARCHIVED') return this.#wait(waitingMove(action));
      const line = `Failed to rename ${action.from.path} to ${action.path} in S3: ${shortly(error)}`;
      const change = { kind: 'state', id: action.row.id, state: 'failed', error: error.message } as const;
      return this.#went(action, error, line, TAKEN.has(error.code) ? null : change);
    }
    this.#unreachable = 0;
    const { tally, log } = this.#x;
    if (action.edited) {
      tally.actions.uploaded += 1;
      tally.files.uploaded += 1;
      tally.bytes.uploaded += result.bytes;
    } else tally.actions.moved += 1;
    const how = action.edited ? 'Renamed and uploaded to S3' : 'Renamed in S3';
    log.info({ path: action.path, from: action.from.path }, `${how}: ${action.from.path} → ${action.path}`);
    await this.#outcomes.renamed(action, result.bytes);
  }

  async #tidied(action: LeftoverAction, result: 'deleted' | 'kept' | RollcallError): Promise<void> {
    this.#progress(action.path);
    if (result === 'deleted') return this.#outcomes.noted(action, 'TIDIED');
    if (result === 'kept') return;
    await this.#went(action, result, `Failed to remove ${action.path} from S3: ${shortly(result)}`, null);
  }

  async #download(action: DownloadAction): Promise<void> {
    try {
      const got = await download(this.#x.sides, action, this.#onBytes, this.#x.hard);
      this.#unreachable = 0;
      const { tally, log } = this.#x;
      tally.actions.downloaded += 1;
      tally.files.downloaded += 1;
      tally.bytes.downloaded += action.object.size;
      log.info({ path: action.path }, `⬇️  Downloaded from S3: ${action.path}`);
      await this.#outcomes.done(action, got, { bytes: action.object.size });
    } catch (thrown) {
      const error = asRollcallError(thrown);
      if (error.code === 'OBJECT_ARCHIVED') return this.#wait(waitForDownload(action, 'GLACIER'));
      const where = `s3://${this.#x.scope.library.bucket}/${action.key}`;
      await this.#went(action, error, `Failed to download ${where}: ${shortly(error)}`, null);
    }
  }

  async #send(action: TransferAction | CopyAction): Promise<void> {
    if (this.#moved.blocked.has(action.key)) {
      return this.#outcomes.unstable(action, 'the photo that had this name has not moved away');
    }
    if (action.kind !== 'copy') return this.#transfer(action);
    try {
      const copied = await copyInstead(this.#x.sides, action, this.#moved, this.#x.hard);
      if (copied.outcome === 'upload') return await this.#transfer(copied.instead);
      this.#x.tally.actions.copied += 1;
      this.#x.tally.files.uploaded += 1;
      this.#x.log.info({ path: action.path }, `Copied within S3: ${action.path} (${action.reason})`);
      await this.#outcomes.done(action, copied.change);
    } catch (thrown) {
      const error = asRollcallError(thrown);
      const line = `Failed to copy ${action.path} within S3: ${shortly(error)}`;
      await this.#went(action, error, line, unsettled(action, 'failed', error.message));
    }
  }

  /** An archived object has to be restored first. */
  async #wait(action: WaitAction): Promise<void> {
    this.#waiting.push(action);
    this.#x.tally.actions.waiting += 1;
    await this.#outcomes.waits(action);
  }

  async #transfer(action: TransferAction): Promise<void> {
    this.#logTransfer(action);
    let result: Transferred;
    try {
      result = await transfer(this.#x.sides, action, this.#onBytes, this.#x.hard);
      this.#unreachable = 0;
    } catch (thrown) {
      const error = asRollcallError(thrown);
      const taken = TAKEN.has(error.code);
      const change = taken ? unsettled(action, 'conflict', error.message) : failedChange(action, error);
      return this.#went(action, error, `Failed to upload ${action.path} to S3: ${shortly(error)}`, change);
    }
    this.#countPhases(action, result.outcome);
    if (result.outcome === 'conflict') {
      if (action.kind === 'adopt') this.#x.onDiffering(action, result.message);
      return this.#outcomes.conflict(action, 'CONFLICT', result.message, result.change);
    }
    if (result.outcome === 'fetch') return this.#download(result.instead);
    await (result.outcome === 'sent' ? this.#sent(action, result) : this.#agreed(action, result.change));
  }

  /** Puts right what the plan counted as skipped or not, now that the contents were compared. */
  #countPhases(action: TransferAction, outcome: Transferred['outcome']): void {
    const { files } = this.#x.tally;
    if (action.kind === 'upload' || action.object === undefined) return;
    if (action.kind === 'adopt' && outcome === 'sent') files.skippedUpload -= 1;
    if (action.kind === 'reupload' && outcome !== 'sent') files.skippedUpload += 1;
    if (outcome === 'fetch') files.skippedDownload -= 1;
  }

  #sent(action: TransferAction, { bytes, change }: { readonly bytes: number; readonly change: RowChange }) {
    const { tally, log } = this.#x;
    tally.bytes.uploaded += bytes;
    tally.files.uploaded += 1;
    if (action.kind === 'upload') tally.actions.uploaded += 1;
    else tally.actions.reuploaded += 1;
    log.info({ path: action.path }, `⬆️  Uploaded to S3: ${action.path}`);
    return this.#outcomes.done(action, change, { kind: action.kind === 'upload' ? 'upload' : 'reupload', bytes });
  }

  #agreed(action: TransferAction, change: RowChange): Promise<void> {
    const { actions } = this.#x.tally;
    const known = action.row !== undefined && action.row.etag !== null;
    actions.skipped += 1;
    if (known) actions.updated += 1;
    else actions.adopted += 1;
    const line = `Photo already exists in S3, skipping upload: ${this.#outcomes.name(action)}`;
    this.#x.log.info({ path: action.path }, line);
    return this.#outcomes.done(action, change, { kind: known ? 'update' : 'adopt' });
  }

  /** Ends an action that threw: unstable, a conflict, or failed; and the run, if nothing more can succeed. */
  #went(action: Action, error: RollcallError, line: string, change: RowChange | null): Promise<void> {
    if (HOPELESS.has(error.code)) this.#end(error);
    if (error.code === 'BUCKET_UNREACHABLE' && ++this.#unreachable >= UNREACHABLE_IN_A_ROW) this.#end(error);
    if (error.code === 'CANCELLED') return Promise.resolve();
    if (MOVED_ON.has(error.code)) return this.#outcomes.unstable(action, error.message);
    if (TAKEN.has(error.code)) return this.#outcomes.conflict(action, error.code, error.message, change);
    return this.#outcomes.failed(action, error, line, change);
  }

  /** Last of all, and only after nothing failed: what is deleted here cannot be brought back. */
  async #deletePhase(actions: readonly DeleteAction[], failedBefore: number): Promise<void> {
    if (actions.length === 0 || this.#stopped) return;
    await this.#outcomes.flush();
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
      onOutcome: async (action, result) => {
        await this.#retired(action, result).catch((thrown: unknown) => this.#end(asRollcallError(thrown)));
        this.#progress(action.path);
      },
    });
  }

  #retired(action: DeleteAction, result: Retired): Promise<void> {
    if (result.outcome === 'kept') return this.#outcomes.conflict(action, 'CONFLICT', result.message, null);
    if (result.outcome === 'failed') {
      return this.#went(
        action,
        result.error,
        `Failed to delete ${action.path} from S3: ${shortly(result.error)}`,
        null,
      );
    }
    this.#x.tally.actions.deleted += 1;
    return this.#outcomes.done(
      action,
      action.local
        ? { kind: 'state', id: action.row.id, state: 'missing', error: null }
        : { kind: 'deleted', id: action.row.id },
    );
  }

  #logTransfer(action: TransferAction): void {
    const { log } = this.#x;
    const fields = { path: action.path };
    const name = this.#outcomes.name(action);
    if (action.kind === 'upload') log.info(fields, `Uploading new photo: ${name}`);
    else if (action.kind === 'reupload' && !action.object) {
      log.warn(fields, `Existing photo missing from S3, will re-upload: ${name}`);
    } else if (action.kind === 'reupload') log.info(fields, `Re-uploading photo (${action.reason}): ${name}`);
  }

  readonly #onBytes = (bytes: number): void => {
    this.#bytes += bytes;
    this.#progress(null);
  };

  #progress(path: string | null): void {
    if (path !== null) this.#done += 1;
    this.#x.onProgress({ actions: this.#done, bytes: this.#bytes, path });
  }
}

/** A photo that is still missing stays so; any other is failed. */
function failedChange(action: TransferAction, error: RollcallError): RowChange {
  const stillMissing = action.kind === 'reupload' && action.row !== undefined && action.object === undefined;
  return stillMissing
    ? { kind: 'state', id: action.row.id, state: 'missing', error: error.message }
    : unsettled(action, 'failed', error.message);
}

/** The cause in the words that log readers know. */
function shortly(error: RollcallError): string {
  return error.code === 'OBJECT_DENIED' || error.code === 'BUCKET_DENIED' ? 'Access Denied' : error.message;
}

function isDownload(action: Action): action is DownloadAction {
  return action.kind === 'download';
}

const SENDING = new Set<Action['kind']>(['upload', 'reupload', 'adopt', 'copy']);

function isSending(action: Action): action is TransferAction | CopyAction {
  return SENDING.has(action.kind);
}

function isDelete(action: Action): action is DeleteAction {
  return action.kind === 'delete';
}
