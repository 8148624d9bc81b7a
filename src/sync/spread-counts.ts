/** What a survey counted, by album: an album that gets a run of its own is counted by that one. */
import { posix } from 'node:path';
import type { Action } from './actions.ts';
import type { Classified } from './classify.ts';
import type { Tally } from './tally.ts';
import type { Direction, Triple } from './types.ts';

/** What one photo adds to a tally before anything is done about it. */
interface Counts {
  new: number;
  existing: number;
  orphaned: number;
  untracked: number;
  changed: number;
  lost: number;
  skipped: number;
  skippedDownload: number;
  skippedUpload: number;
}

const NOTHING: Readonly<Counts> = {
  new: 0,
  existing: 0,
  orphaned: 0,
  untracked: 0,
  changed: 0,
  lost: 0,
  skipped: 0,
  skippedDownload: 0,
  skippedUpload: 0,
};
/** Most photos of a first sync: one object for all of them. */
const NEW: Readonly<Counts> = { ...NOTHING, new: 1 };

/** The album of a key: its folder, relative to the library's root. */
export function albumOf(key: string, prefix: string): string {
  return posix.dirname(key.slice(prefix.length));
}

/** What the plan has counted of a photo. */
export function countsOf(
  { local, object }: Triple,
  action: Action | null,
  classified: Classified,
  direction: Direction,
): Readonly<Counts> {
  const both = local !== undefined && object !== undefined;
  const sends = action?.kind === 'upload' || action?.kind === 'reupload';
  const counts: Counts = {
    ...NOTHING,
    changed: classified.changed && classified.class !== null ? 1 : 0,
    lost: classified.finding === 'lost' && !classified.asked ? 1 : 0,
    skipped: local !== undefined && action === null && classified.finding === 'in agreement' ? 1 : 0,
    skippedDownload: both && direction !== 'up' && action?.kind !== 'download' ? 1 : 0,
    skippedUpload: both && direction === 'both' && !sends ? 1 : 0,
  };
  if (classified.class !== null) counts[classified.class] = 1;
  return classified.class === 'new' && !both && !classified.changed ? NEW : counts;
}

/** Takes from a tally what a run of its own will count. */
export function takeFrom(tally: Tally, counts: Readonly<Counts>): void {
  const { photos, actions, files } = tally;
  for (const name of ['new', 'existing', 'orphaned', 'untracked', 'changed', 'lost'] as const) {
    photos[name] = Math.max(0, photos[name] - counts[name]);
  }
  actions.skipped -= counts.skipped;
  files.skippedDownload -= counts.skippedDownload;
  files.skippedUpload -= counts.skippedUpload;
}

/** The counts of each album of a survey. */
export class AlbumCounts {
  readonly #prefix: string;
  readonly #albums = new Map<string, Counts>();
  /** Of the photos that a rename may turn into something else; the rest are in agreement and too many to keep. */
  readonly #noted = new Map<string, Readonly<Counts>>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  add(key: string, counts: Readonly<Counts>, note: boolean): void {
    if (note) this.#noted.set(key, counts);
    this.#change(key, counts, 1);
  }

  /** The album's own run will not count this photo. */
  remove(key: string): void {
    const counts = this.#noted.get(key);
    if (counts !== undefined && this.#noted.delete(key)) this.#change(key, counts, -1);
  }

  /** A new file at a place that a rename has left. */
  addNew(key: string): void {
    this.#change(key, NEW, 1);
  }

  of(album: string): Readonly<Counts> {
    return this.#albums.get(album) ?? NOTHING;
  }

  #change(key: string, counts: Readonly<Counts>, by: 1 | -1): void {
    const album = albumOf(key, this.#prefix);
    const sum = this.#albums.get(album) ?? { ...NOTHING };
    this.#albums.set(album, sum);
    for (const name of Object.keys(NOTHING) as (keyof Counts)[]) sum[name] += by * counts[name];
  }
}
