/** Removes uploads in parts that were cut off and that nobody goes on with: their parts are paid for and seen by nobody. */
import { asRollcallError } from '../errors.ts';
import type { UnfinishedUpload } from './bucket-port.ts';
import type { RunInProgress } from './run.ts';
import { allowedKeys } from './scope.ts';
import type { RecordedUpload } from './upload-ledger.ts';

/** Which of them a run looks for at its end. */
export interface UploadTidying {
  /**
   * Also those of files that are gone or have changed and of libraries that were removed; and, asking the bucket, those
   * that nobody has noted. Only of a whole library.
   */
  readonly thorough: boolean;
  /** Is another run about to take up this photo? Its upload is that one's to go on with or to remove. */
  readonly goesOn?: (key: string) => boolean;
}

/** An upload to which nothing was added for so long is taken for abandoned. */
const IDLE_MS = 24 * 3_600_000;

/** What keeps an upload from being removed now is no failure of the run: the next one tries again. */
export async function tidyUploads(run: RunInProgress): Promise<void> {
  const { tidy, log } = run.options;
  if (tidy === undefined) return;
  try {
    const { removed, left } = await removeRecorded(run, tidy);
    const strays = tidy.thorough && run.options.scope.album === null ? await removeStrays(run, left) : NO_STRAYS;
    tell(run, removed + strays.removed, strays.foreign);
  } catch (thrown) {
    if (run.signal.aborted) return;
    const { code, message } = asRollcallError(thrown);
    log.warn({ code }, `Uploads that were cut off could not be looked for: ${message}`);
  }
}

/** Answers how many are removed, and which are left. */
async function removeRecorded(run: RunInProgress, tidy: UploadTidying) {
  const { sides, options, signal } = run;
  const { library, album } = options.scope;
  const allowed = allowedKeys(library.prefix, album);
  const left = new Set<string>();
  let removed = 0;
  for (const upload of await sides.catalog.uploads.ofLibrary(library, signal)) {
    const { key, uploadId } = upload;
    const isOurs = upload.libraryId === null ? album === null : allowed(key, key.slice(library.prefix.length));
    const isOver = isOurs && !tidy.goesOn?.(key) && (await isAbandoned(run, tidy, upload));
    if (isOver && (await abort(run, upload))) {
      await sides.catalog.uploads.forget([upload.id]);
      removed += 1;
    } else left.add(uploadId);
  }
  return { removed, left };
}

async function isAbandoned(
  { sides, options, signal }: RunInProgress,
  { thorough }: UploadTidying,
  { libraryId, key, size, mtimeNs, updatedAtMs }: RecordedUpload,
): Promise<boolean> {
  if (options.now() - updatedAtMs > IDLE_MS) return true;
  if (!thorough) return false;
  if (libraryId === null) return true;
  const place = sides.disk.pathOf(key);
  if (mtimeNs === null || 'fault' in place) return false;
  const file = await sides.disk.stat(place.path, signal);
  return file === null || file.size !== size || file.mtimeNs !== mtimeNs;
}

interface Strays {
  readonly removed: number;
  /** Older than a day, and nothing shows that they are Rollcall's. */
  readonly foreign: number;
}

const NO_STRAYS: Strays = { removed: 0, foreign: 0 };

/**
 * Uploads that nobody has noted, of a crash right after they were begun or of a catalog that was lost: those under the key
 * of a photo are taken for ours once nothing was added to them for a day. All others are left alone.
 */
async function removeStrays(run: RunInProgress, recorded: ReadonlySet<string>): Promise<Strays> {
  const { sides, options, signal } = run;
  const { library } = options.scope;
  let [removed, foreign] = [0, 0];
  for await (const batch of sides.bucket.unfinishedUploads(library.prefix, signal)) {
    const old = batch.filter(
      ({ uploadId, startedAtMs }) => !recorded.has(uploadId) && options.now() - startedAtMs > IDLE_MS,
    );
    if (old.length === 0) continue;
    const keys = [...new Set(old.map(({ key }) => key))];
    const rows = new Set((await sides.catalog.rowsByKey(library, keys, signal)).map(({ key }) => key));
    foreign += old.filter(({ key }) => !rows.has(key)).length;
    for (const upload of old.filter(({ key }) => rows.has(key))) {
      const lastPartAt = await sides.bucket.lastPartAt(upload, signal);
      const isIdle = lastPartAt !== null && options.now() - lastPartAt > IDLE_MS;
      if (isIdle && (await abort(run, upload))) removed += 1;
    }
  }
  return { removed, foreign };
}

async function abort(
  { sides, options, signal }: RunInProgress,
  upload: Pick<UnfinishedUpload, 'key' | 'uploadId'>,
): Promise<boolean> {
  const { key } = upload;
  try {
    await sides.bucket.abortUpload(upload, signal);
    options.log.info({ key }, `An upload that was cut off was removed: ${key}`);
    return true;
  } catch (thrown) {
    signal.throwIfAborted();
    const { code, message } = asRollcallError(thrown);
    options.log.warn({ code, key }, `An upload that was cut off could not be removed: ${message}`);
    return false;
  }
}

function tell({ options, tally }: RunInProgress, removed: number, foreign: number): void {
  const { bucket, prefix } = options.scope.library;
  if (removed > 0) {
    tally.warnings.push(`Uploads that were cut off and not gone on with, removed from the bucket: ${removed}.`);
  }
  if (foreign > 0) {
    tally.warnings.push(
      `Unfinished uploads of others under s3://${bucket}/${prefix}, older than a day: ${foreign}. They are left alone, ` +
        'and their parts are paid for until somebody aborts them.',
    );
  }
}
