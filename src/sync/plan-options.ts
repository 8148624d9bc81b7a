/** A plan, and what making one takes. */
import type { Action, AdoptAction, CopyAction } from './actions.ts';
import type { AlbumMove } from './catalog-port.ts';
import type { Classified } from './classify.ts';
import type { decide } from './decide.ts';
import type { MoveFinder } from './find-moves.ts';
import type { Leftovers } from './leftovers.ts';
import type { Dates } from './object-dates.ts';
import type { Upload } from './plan-moves.ts';
import type { Rules } from './rules.ts';
import type { Triple } from './types.ts';

export interface Plan {
  /** Renames first, in the order in which they are possible; the rest in key order. */
  readonly actions: readonly Action[];
  /** Albums that keep their ids under new paths. */
  readonly albums: readonly AlbumMove[];
  /** Every side was read to its end: only then may anything be marked or deleted. */
  readonly complete: boolean;
  readonly filesOnDisk: number;
  /** Photos that disk or catalog know: what MAX_DELETE is a share of. */
  readonly photosInScope: number;
  /** Photos in agreement, as far as they are kept to be named in the log (`nameSkipped`). */
  readonly skipped: readonly string[];
}

export type Decide = typeof decide;

/** What a plan goes by, whatever the time. */
export type TimelessRules = Omit<Rules, 'nowMs'>;

export interface PlanOptions {
  /** So many photos in agreement are kept to be named. */
  readonly nameSkipped: number;
  /** Only files with these names; null: all. */
  readonly only: readonly string[] | null;
  /** What is to be done about a photo; left out: what the policy says. */
  readonly decide?: Decide;
  /** Told of each photo that was looked at. */
  readonly onDecided?: (triple: Triple, action: Action | null, classified: Classified) => void;
  /** The triples with their objects' modification times. */
  readonly datesOf: (triples: readonly Triple[]) => Promise<Dates>;
  /** Told before each batch what time it is: files are judged by when they were looked at. */
  readonly now: () => number;
  /** Why an object and a file of one size are a conflict, if that is known without reading them again. */
  readonly knownConflict: (action: AdoptAction) => string | null;
  readonly onScanned: (keys: number, lastPath: string) => void;
  /** Gathers renames; null: nothing is renamed or copied in the bucket. */
  readonly moves: MoveFinder | null;
  /** Old objects of moves that were cut off. */
  readonly leftovers: Leftovers;
  /** The uploads that the bucket can make of what it has. */
  readonly copies: (
    uploads: readonly Upload[],
    md5s: ReadonlyMap<string, string>,
  ) => Promise<ReadonlyMap<string, CopyAction>>;
  /** Of these archived objects, those that must be restored before they can be read. */
  readonly unrestored: (keys: readonly string[]) => Promise<ReadonlySet<string>>;
}
