/** Runs as the API and the command line see them: those that are over, those that go, those that wait for their turn. */
import type { Page, PageRequest } from './browse.ts';
import type { ActionRecord } from './catalog-port.ts';
import type { RunState } from './run-state.ts';
import type { Progress } from './service.ts';
import type { Report, RunStatus } from './types.ts';

/** Times are RFC 3339. */
export interface RunView {
  readonly id: string;
  readonly libraryId: string | null;
  /** The run that this one is a part of. */
  readonly parentId: string | null;
  readonly album: string | null;
  readonly kind: string;
  /** `queued`: nobody has begun it yet. */
  readonly status: RunStatus | 'queued' | 'running';
  readonly policy: unknown;
  /** Null: it has not ended, or its process died before it could say more. */
  readonly report: Report | null;
  /** As its process last told; null before the first word and once it has ended. */
  readonly progress: ToldProgress | null;
  /** When somebody asked for its end. */
  readonly cancelAt: string | null;
  readonly startedAt: string;
  readonly finishedAt: string | null;
}

/** How far a run was at `at`, RFC 3339 by the database's clock. */
export interface ToldProgress extends Progress {
  readonly at: string;
}

export interface RunFilter {
  readonly libraryId?: string;
  /** Only parts of this run; null: only runs that are no part of another, or, of a library, of no other one over it. */
  readonly parentId?: string | null;
  /** NFC; only runs over this very album. */
  readonly album?: string;
  readonly kind?: string;
  readonly status?: RunView['status'];
}

/** One action of a run, other than a skip. */
export interface RunActionView extends Omit<ActionRecord, 'code' | 'message'> {
  readonly id: string;
  readonly code: string | null;
  readonly message: string | null;
  readonly at: string;
}

/** Looks at one run again and again. Not to be asked again before it has answered. */
export interface RunFollower {
  /** How far the run and its parts are now; null: there is no such run, or none any more. */
  read(signal: AbortSignal): Promise<RunState | null>;
}

/** The history of runs. An id that is no UUID is one that nothing has. */
export interface RunHistory {
  /** Newest first. */
  runs(filter: RunFilter, page: PageRequest): Promise<Page<RunView>>;
  run(id: string): Promise<RunView | null>;
  follow(id: string): RunFollower;
  /** What a run did, in the order in which it was recorded; null: there is no such run. */
  actions(
    runId: string,
    filter: { readonly outcome?: ActionRecord['outcome'] },
    page: PageRequest,
  ): Promise<Page<RunActionView> | null>;
  /**
   * Asks for the end of a run and of its parts. What nobody has begun ends at once; what goes drains and ends by itself.
   * Answers the run; null: there is none. RUN_ENDED: it is over.
   */
  cancel(id: string): Promise<RunView | null>;
}
