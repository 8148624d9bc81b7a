/** What waits for archived objects: asking for them to be restored, and looking how far that is (DESIGN 8). */
import pMap from 'p-map';
import { asRollcallError, RollcallError } from '../errors.ts';
import type { ArchiveChange, ArchivedObject, ArchiveStore } from './browse.ts';
import type { BucketPort, HeadedObject, RestoreRequest } from './bucket-port.ts';
import { isArchived } from './classify.ts';
import type { Log } from './ports.ts';
import { resolveScopes, type ScopeParts } from './resolve-scopes.ts';
import { restoreDays } from './restore-request.ts';
import type { SyncRequest } from './service.ts';
import type { Library, SyncSettings } from './types.ts';

export interface ArchiveParts extends ScopeParts {
  readonly archive: ArchiveStore;
  readonly settings: Pick<SyncSettings, 'checkConcurrency'>;
  readonly log: Log;
}

/** A move or a download that met an archived object which nobody knew to be waited for. */
export interface NewlyWaiting {
  readonly bucket: string;
  readonly key: string;
  readonly storageClass: string;
  readonly what: 'move' | 'download';
  /** Where the photo goes, relative to the library's root. */
  readonly path: string;
}

type Change = Omit<ArchiveChange, 'id'>;
type Look = (bucket: BucketPort, waiting: ArchivedObject, signal: AbortSignal) => Promise<Change>;

const PAGE = 1_000;
/** As many answers are recorded together: what a crash can make us ask about twice. */
const CHUNK = 100;
const GONE = 'it is not in the bucket any more; the next sync says what that means';

/**
 * Asks for every waiting object to be restored; those under way or readable are left alone, and those whose restored
 * copy has gone again are asked for anew. An object that is refused is `failed`, a bucket that cannot be used is thrown
 * after all others were done. Answers the list as it is then. NOT_FOUND, BAD_INPUT, BUCKET_*.
 */
export async function restoreWaiting(
  parts: ArchiveParts,
  request: Pick<SyncRequest, 'library'> & RestoreRequest,
  signal: AbortSignal,
): Promise<readonly ArchivedObject[]> {
  restoreDays(request.days, 'days');
  const { days, tier } = request;
  const look: Look = async (bucket, waiting, asked) => {
    const change = await ask(bucket, waiting, { days, tier }, asked);
    logAsked(parts.log, waiting, change, request);
    return change;
  };
  return lookAtAll(parts, request, look, signal);
}

/** Looks how far each waiting object is, and answers the list as it is then. NOT_FOUND, BUCKET_* as above. */
export async function restoreStatusOf(
  parts: ArchiveParts,
  request: Pick<SyncRequest, 'library'>,
  signal: AbortSignal,
): Promise<readonly ArchivedObject[]> {
  const look: Look = async (bucket, waiting, asked) => {
    try {
      return seen(waiting, await bucket.head(waiting.key, asked));
    } catch (thrown) {
      // Not to be allowed to look says nothing of how far it is.
      const { status, restoredUntil } = waiting;
      return { status, restoredUntil, lastError: messageOf(thrown) };
    }
  };
  return lookAtAll(parts, request, look, signal);
}

async function ask(
  bucket: BucketPort,
  waiting: ArchivedObject,
  request: RestoreRequest,
  signal: AbortSignal,
): Promise<Change> {
  try {
    const now = await bucket.head(waiting.key, signal);
    const { status, ...facts } = seen(waiting, now);
    // A restore that is asked for again is paid for again.
    if (now === null || now.restore?.ongoing || (status === 'restored' && isArchived(now))) return { status, ...facts };
    const answer = await bucket.restore(waiting.key, request, signal);
    if (answer !== 'readable') {
      const progress = { status: 'in progress', restoredUntil: null, lastError: null } as const;
      return answer === 'asked' ? { ...progress, asked: true } : progress;
    }
    return seen({ ...waiting, status: 'restored' }, await bucket.head(waiting.key, signal));
  } catch (thrown) {
    return { status: 'failed', restoredUntil: null, lastError: messageOf(thrown) };
  }
}

/** What a HEAD says of an object that is waited for. */
function seen(waiting: ArchivedObject, now: HeadedObject | null): Change {
  if (now === null) return { status: 'failed', restoredUntil: null, lastError: GONE };
  if (now.restore?.ongoing) return { status: 'in progress', restoredUntil: null, lastError: null };
  if (now.restore !== undefined || !isArchived(now)) {
    const untilMs = now.restore?.untilMs ?? null;
    const restoredUntil = untilMs === null ? null : new Date(untilMs).toISOString();
    return { status: 'restored', restoredUntil, lastError: null };
  }
  if (waiting.status === 'failed') return { status: 'failed', restoredUntil: null, lastError: waiting.lastError };
  // Asked for once, and archived again: until when it could be read stays known.
  return { status: 'waiting', restoredUntil: waiting.restoredUntil, lastError: null };
}

/** The message of what concerns one object; what concerns all of them is thrown on. */
function messageOf(thrown: unknown): string {
  const error = asRollcallError(thrown);
  if (!error.code.startsWith('OBJECT_')) throw error;
  return error.message;
}

function logAsked(log: Log, { bucket, key }: ArchivedObject, change: Change, { days, tier }: RestoreRequest): void {
  const where = `s3://${bucket}/${key}`;
  const fields = { bucket, key, status: change.status };
  if (change.asked) log.info({ ...fields, days, tier }, `Restore asked for: ${where}`);
  else if (change.status === 'failed') log.warn(fields, `Restore refused: ${where}: ${change.lastError}`);
  else log.info(fields, `Restore not asked for, ${change.status}: ${where}`);
}

async function lookAtAll(
  parts: ArchiveParts,
  { library }: Pick<SyncRequest, 'library'>,
  look: Look,
  signal: AbortSignal,
): Promise<readonly ArchivedObject[]> {
  const scopes = await resolveScopes(parts, { inBucket: false, ...(library !== undefined && { library }) }, signal);
  const faults: RollcallError[] = [];
  const after: ArchivedObject[] = [];
  for (const scope of scopes) {
    const waiting = await waitingOf(parts.archive, scope.library);
    if (waiting.length === 0) continue;
    for (const [name, objects] of Map.groupBy(waiting, ({ bucket }) => bucket)) {
      const library = { ...scope.library, bucket: name };
      const fault = await usable(parts, library, signal);
      const then = fault ?? (await lookAtBucket(parts, library, objects, look, signal));
      if (then !== null) faults.push(then);
    }
    after.push(...(await waitingOf(parts.archive, scope.library)));
  }
  const [first] = faults;
  if (first !== undefined) throw first;
  return after;
}

/** Why the bucket as a whole cannot be used. A HEAD alone would take a bucket that is gone for objects that are. */
async function usable(
  { openBucket }: ArchiveParts,
  library: Library,
  signal: AbortSignal,
): Promise<RollcallError | null> {
  try {
    await openBucket(library).preflight(library.prefix, signal);
    return null;
  } catch (thrown) {
    const error = asRollcallError(thrown);
    if (!error.code.startsWith('BUCKET_')) throw error;
    return error;
  }
}

/** Every answer is recorded, also those before a stop or a bucket's failure, which is answered. */
async function lookAtBucket(
  { archive, openBucket, settings }: ArchiveParts,
  library: Library,
  objects: readonly ArchivedObject[],
  look: Look,
  signal: AbortSignal,
): Promise<RollcallError | null> {
  const bucket = openBucket(library);
  let fault: RollcallError | null = null;
  const changeOf = async (waiting: ArchivedObject): Promise<ArchiveChange[]> => {
    if (fault !== null || signal.aborted) return [];
    try {
      return [{ id: waiting.id, ...(await look(bucket, waiting, signal)) }];
    } catch (thrown) {
      fault ??= asRollcallError(thrown);
      return [];
    }
  };
  for (let from = 0; from < objects.length && fault === null && !signal.aborted; from += CHUNK) {
    const chunk = objects.slice(from, from + CHUNK);
    const changes = (await pMap(chunk, changeOf, { concurrency: settings.checkConcurrency })).flat();
    if (changes.length > 0) await archive.update(changes);
  }
  if (signal.aborted) throw new RollcallError('CANCELLED', 'stopped before all objects were looked at');
  return fault;
}

async function waitingOf(archive: ArchiveStore, { id: libraryId }: Library): Promise<readonly ArchivedObject[]> {
  const waiting: ArchivedObject[] = [];
  let cursor: string | null = null;
  do {
    const page = await archive.list({ libraryId }, { limit: PAGE, ...(cursor !== null && { cursor }) });
    waiting.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return waiting;
}
