/** The phases that move bytes: each photo is fetched, sent or copied, counted, named in the log and recorded. */

import type { RollcallError } from '../errors.ts';
import { asRollcallError } from '../errors.ts';
import type { CopyAction, DownloadAction } from './actions.ts';
import type { RowChange } from './catalog-port.ts';
import { copyInstead } from './copy-object.ts';
import { type Course, shortly, TAKEN } from './course.ts';
import { download } from './download.ts';
import type { Moved } from './execute-moves.ts';
import { waitForDownload } from './plan-moves.ts';
import { type TransferAction, type Transferred, transfer, unsettled } from './transfer.ts';

export class TransferPhase {
  readonly #c: Course;
  readonly #moved: Moved;

  /** `moved`: what came of the renames before. */
  constructor(course: Course, moved: Moved) {
    this.#c = course;
    this.#moved = moved;
  }

  async download(action: DownloadAction): Promise<void> {
    try {
      const got = await this.#proved(() => download(this.#c.x.sides, action, this.#c.onBytes, this.#c.x.hard));
      this.#c.reached();
      const { tally, log } = this.#c.x;
      tally.actions.downloaded += 1;
      tally.files.downloaded += 1;
      tally.bytes.downloaded += action.object.size;
      log.info({ path: action.path }, `⬇️  Downloaded from S3: ${action.path}`);
      await this.#c.outcomes.done(action, got, { bytes: action.object.size });
    } catch (thrown) {
      const error = asRollcallError(thrown);
      if (error.code === 'OBJECT_ARCHIVED') return this.#c.wait(waitForDownload(action, 'GLACIER'));
      const where = `s3://${this.#c.x.scope.library.bucket}/${action.key}`;
      await this.#c.went(action, error, `Failed to download ${where}: ${shortly(error)}`, null);
    }
  }

  async send(action: TransferAction | CopyAction): Promise<void> {
    if (this.#moved.blocked.has(action.key)) {
      return this.#c.outcomes.unstable(action, 'the photo that had this name has not moved away');
    }
    if (action.kind !== 'copy') return this.#transfer(action);
    try {
      const memory = this.#c.memoryOf({ key: action.key, size: action.from.size, mtimeNs: null });
      const copied = await copyInstead(this.#c.x.sides, action, this.#moved, memory, this.#c.x.hard);
      if (copied.outcome === 'upload') return await this.#transfer(copied.instead);
      this.#c.x.tally.actions.copied += 1;
      this.#c.x.tally.files.uploaded += 1;
      this.#c.x.log.info({ path: action.path }, `Copied within S3: ${action.path} (${action.reason})`);
      await this.#c.outcomes.done(action, copied.change);
    } catch (thrown) {
      const error = asRollcallError(thrown);
      const line = `Failed to copy ${action.path} within S3: ${shortly(error)}`;
      await this.#c.went(action, error, line, unsettled(action, 'failed', error.message));
    }
  }

  async #transfer(action: TransferAction): Promise<void> {
    this.#logTransfer(action);
    let result: Transferred;
    try {
      const options = {
        memory: this.#c.memoryOf({ key: action.key, size: action.local.size, mtimeNs: action.local.mtimeNs }),
        onBytes: this.#c.onSent,
        onResumed: this.#c.onBytes,
        signal: this.#c.x.hard,
      };
      result = await this.#proved(() => transfer(this.#c.x.sides, action, options));
      this.#c.reached();
    } catch (thrown) {
      const error = asRollcallError(thrown);
      const taken = TAKEN.has(error.code);
      const change = taken ? unsettled(action, 'conflict', error.message) : failedChange(action, error);
      return this.#c.went(action, error, `Failed to upload ${action.path} to S3: ${shortly(error)}`, change);
    }
    this.#countPhases(action, result.outcome);
    if (result.outcome === 'conflict') {
      if (action.kind === 'adopt') this.#c.x.onDiffering(action, result.message);
      return this.#c.outcomes.conflict(action, 'CONFLICT', result.message, result.change);
    }
    if (result.outcome === 'fetch') return this.download(result.instead);
    await (result.outcome === 'sent' ? this.#sent(action, result) : this.#agreed(action, result.change));
  }

  /** Bytes that did not arrive as they were are moved once more: lines and proxies have been seen to flip some. */
  async #proved<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    try {
      return await work();
    } catch (thrown) {
      if (asRollcallError(thrown).code !== 'OBJECT_UNVERIFIED' || this.#c.stopped) throw thrown;
      this.#c.x.tally.again += 1;
      // What is in the way now may be what the first try has left: nobody else's.
      return work().catch((again: unknown) => {
        throw TAKEN.has(asRollcallError(again).code) ? thrown : again;
      });
    }
  }

  /** Puts right what the plan counted as skipped or not, now that the contents were compared. */
  #countPhases(action: TransferAction, outcome: Transferred['outcome']): void {
    const { files } = this.#c.x.tally;
    if (action.kind === 'upload' || action.object === undefined) return;
    if (action.kind === 'adopt' && outcome === 'sent') files.skippedUpload -= 1;
    if (action.kind === 'reupload' && outcome !== 'sent') files.skippedUpload += 1;
    if (outcome === 'fetch') files.skippedDownload -= 1;
  }

  #sent(action: TransferAction, { bytes, resumed, change }: Extract<Transferred, { outcome: 'sent' | 'agreed' }>) {
    const { tally, log } = this.#c.x;
    tally.resume(resumed);
    tally.files.uploaded += 1;
    if (action.kind === 'upload') tally.actions.uploaded += 1;
    else tally.actions.reuploaded += 1;
    log.info({ path: action.path }, `⬆️  Uploaded to S3: ${action.path}`);
    return this.#c.outcomes.done(action, change, { kind: action.kind === 'upload' ? 'upload' : 'reupload', bytes });
  }

  #agreed(action: TransferAction, change: RowChange): Promise<void> {
    const { actions } = this.#c.x.tally;
    const known = action.row !== undefined && action.row.etag !== null;
    actions.skipped += 1;
    if (known) actions.updated += 1;
    else actions.adopted += 1;
    const line = `Photo already exists in S3, skipping upload: ${this.#c.outcomes.name(action)}`;
    this.#c.x.log.info({ path: action.path }, line);
    return this.#c.outcomes.done(action, change, { kind: known ? 'update' : 'adopt' });
  }

  #logTransfer(action: TransferAction): void {
    const { log } = this.#c.x;
    const fields = { path: action.path };
    const name = this.#c.outcomes.name(action);
    if (action.kind === 'upload') log.info(fields, `Uploading new photo: ${name}`);
    else if (action.kind === 'reupload' && !action.object) {
      log.warn(fields, `Existing photo missing from S3, will re-upload: ${name}`);
    } else if (action.kind === 'reupload') log.info(fields, `Re-uploading photo (${action.reason}): ${name}`);
  }
}

/** A photo that is still missing stays so; any other is failed. */
function failedChange(action: TransferAction, error: RollcallError): RowChange {
  const stillMissing = action.kind === 'reupload' && action.row !== undefined && action.object === undefined;
  return stillMissing
    ? { kind: 'state', id: action.row.id, state: 'missing', error: error.message }
    : unsettled(action, 'failed', error.message);
}
