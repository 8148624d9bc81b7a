/** What jobs, the command line and the API ask of the pictures' part of the engine. */
import type { MediaCounts, MediaScope, MediaStore } from './media-store.ts';
import { removeRemains, type Swept, sweepVariants } from './media-sweep.ts';
import { type MediaParts, type WorkedOn, workOnMedia } from './media-work.ts';
import type { Clock } from './ports.ts';
import type { Library } from './types.ts';

export interface MediaService {
  /**
   * Works on what is due until nothing is, and removes what is left of photos that are gone. Throws what ends it as a
   * whole: DATABASE_*, BUCKET_*, GUARD_*; the rest stays due.
   */
  work(
    library: Library,
    scope: Omit<MediaScope, 'libraryId'>,
    onProgress: (sum: WorkedOn) => void,
    signal: AbortSignal,
  ): Promise<WorkedOn>;
  /** Libraries that have work waiting. */
  due: MediaStore['due'];
  counts(scope: MediaScope, signal: AbortSignal): Promise<MediaCounts>;
  /** Makes photos due: `failed`, or all. Answers how many are due then. */
  demand: MediaStore['demand'];
  /** Holds the variants in the bucket against those on record. */
  sweep(library: Library, signal: AbortSignal): Promise<Swept>;
}

const NOTHING: WorkedOn = { claimed: 0, ready: 0, withoutPicture: 0, failed: 0, changed: 0 };
/** So many batches of what can be processed at once are claimed at a time: few, since a claim that dies waits. */
const ROUNDS = 4;

export function createMediaService(parts: MediaParts & { readonly now: Clock }): MediaService {
  const { store, media } = parts;
  return {
    work: async (library, scope, onProgress, signal) => {
      const limit = media.concurrency * ROUNDS;
      let sum = NOTHING;
      for (let last = NOTHING; sum === NOTHING || last.claimed === limit; ) {
        last = await workOnMedia(parts, library, scope, limit, signal);
        sum = added(sum, last);
        onProgress(sum);
      }
      await removeRemains(store, library, parts.openBucket(library), signal);
      return sum;
    },
    due: (signal) => store.due(signal),
    counts: (scope, signal) => store.counts(scope, signal),
    demand: (scope, which) => store.demand(scope, which),
    sweep: (library, signal) => sweepVariants(parts, library, parts.openBucket(library), signal),
  };
}

function added(a: WorkedOn, b: WorkedOn): WorkedOn {
  return {
    claimed: a.claimed + b.claimed,
    ready: a.ready + b.ready,
    withoutPicture: a.withoutPicture + b.withoutPicture,
    failed: a.failed + b.failed,
    changed: a.changed + b.changed,
  };
}
