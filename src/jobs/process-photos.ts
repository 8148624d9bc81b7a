/** Photos whose pictures have to be looked at: who works on them, and who notices that there are some (DESIGN 10, 11). */
import { setTimeout as pause } from 'node:timers/promises';
import type { PgBoss } from 'pg-boss';
import { asRollcallError } from '../errors.ts';
import type { LibraryStore } from '../sync/browse.ts';
import type { MediaService } from '../sync/media-service.ts';
import type { Log } from '../sync/ports.ts';

export interface PhotoParts {
  readonly media: MediaService;
  readonly libraries: Pick<LibraryStore, 'find'>;
  readonly log: Log;
}

/** What a job of `process-photo` carries: whoever takes it works until nothing of the library is due. */
export interface PhotoJob {
  readonly libraryId: string;
  /** The variants in the bucket are held against those on record first. */
  readonly sweep?: true;
}

/** Machines that work on one library at a time at most. */
const MOST_MACHINES = 8;
/** Photos for which another machine is worth its while. */
const WORTH_A_MACHINE = 50;

/** Works on what is due in the job's library. Throws when the job is to be tried again later. */
export async function processPhotos(
  { media, libraries, log }: PhotoParts,
  { libraryId, sweep }: PhotoJob,
  signal: AbortSignal,
): Promise<void> {
  const library = await libraries.find(libraryId);
  if (library === null) return;
  if (sweep) {
    const { missing, removed } = await media.sweep(library, signal);
    const fields = { library: library.name, missing, removed };
    if (missing + removed > 0) {
      log.info(fields, `Variants of ${library.name}: ${missing} photos lacked some, ${removed} were no photo's`);
    }
  }
  const done = await media.work(library, {}, () => {}, signal);
  if (done.claimed > 0)
    log.info({ library: library.name, ...done }, `Looked at ${done.claimed} photos of ${library.name}`);
}

/** Puts jobs into the queue for what is due, every so many seconds until the signal aborts; never rejects. */
export async function feedPhotos(
  { boss, media, log, seconds }: Omit<PhotoParts, 'libraries'> & { readonly boss: PgBoss; readonly seconds: number },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for (const { libraryId, photos } of await media.due(signal)) await feed(boss, libraryId, photos);
    } catch (thrown) {
      const { code, message } = asRollcallError(thrown);
      if (!signal.aborted) log.debug({ code }, `What pictures are due could not be looked up: ${message}`);
    }
    await pause(seconds * 1_000, undefined, { signal }).catch(() => undefined);
  }
}

/** After a reconciliation of its photos, a library's variants are looked at too. */
export async function sendSweep(boss: PgBoss, libraryId: string): Promise<void> {
  const data: PhotoJob = { libraryId, sweep: true };
  await boss.send('process-photo', data, { singletonKey: `${libraryId}:sweep` });
}

/** One job a machine; one that waits, runs or is to be tried again keeps another of its kind out. */
async function feed(boss: PgBoss, libraryId: string, photos: number): Promise<void> {
  const machines = Math.min(MOST_MACHINES, Math.ceil(photos / WORTH_A_MACHINE));
  const data: PhotoJob = { libraryId };
  for (let machine = 0; machine < machines; machine++) {
    await boss.send('process-photo', data, { singletonKey: `${libraryId}:${machine}` });
  }
}
