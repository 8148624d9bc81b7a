/** Numbers that add up what the catalog holds, for metrics and health. */
import { NO_ACTIONS } from './tally.ts';
import type { PhotoState, Report, RequestCounts } from './types.ts';

/** What a run covers: several libraries, one, or one album. */
export type RunScope = 'libraries' | 'library' | 'album';

/** Runs that have ended, of one kind, scope and status. */
export interface EndedRuns {
  readonly kind: string;
  readonly scope: RunScope;
  readonly status: string;
  readonly count: number;
  readonly seconds: number;
  /** How many of them took no longer than each of `DURATION_BOUNDS`. */
  readonly within: readonly number[];
}

/** Seconds: a look at an album, a night's first upload. */
export const DURATION_BOUNDS = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 43_200] as const;

/** Of runs that did nothing. */
export const NOTHING_DONE = {
  actions: NO_ACTIONS,
  bytes: { uploaded: 0, downloaded: 0 },
  requests: { head: 0, list: 0, get: 0, put: 0, copy: 0, delete: 0 },
} as const satisfies CatalogFigures['done'];

export interface CatalogFigures {
  readonly ended: readonly EndedRuns[];
  /** Runs that wait or are under way. */
  readonly open: { readonly queued: number; readonly running: number };
  /**
   * What those runs that ended did. One that is made of other runs is not counted itself: its report adds up theirs.
   * Dry runs did nothing.
   */
  readonly done: Pick<Report, 'actions'> & {
    readonly bytes: Pick<Report['bytes'], 'uploaded' | 'downloaded'>;
    readonly requests: Readonly<RequestCounts>;
  };
  /** By name. */
  readonly libraries: readonly LibraryFigures[];
}

export interface LibraryFigures {
  readonly library: string;
  readonly photos: Readonly<Record<PhotoState, number>>;
  /** When the last sync or reconciliation of all of it ended well, in milliseconds since 1970; null: none has yet. */
  readonly lastGoodMs: number | null;
}

/** The figures as they were a few seconds ago at most. DATABASE_*, or the signal's reason. */
export type ReadFigures = (signal: AbortSignal) => Promise<CatalogFigures>;

/** Requests that this process sent to S3, each retry by itself. */
export interface S3RequestCount {
  readonly kind: keyof RequestCounts;
  /** Of HTTP; null: no answer came. */
  readonly status: number | null;
  readonly count: number;
}
