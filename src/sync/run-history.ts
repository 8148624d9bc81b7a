/** Runs as the API and the command line see them: those that are over, those that go, those that wait for their turn. */
import type { Page, PageRequest } from './browse.ts';
import type { ActionRecord } from './catalog-port.ts';
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
  /** Only parts of this run. */
  readonly parentId?: string;
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

/** The history of runs, newest first. An id that is no UUID is one that nothing has. */
export interface RunHistory {
  runs(filter: RunFilter, page: PageRequest): Promise<Page<RunView>>;
  run(id: string): Promise<RunView | null>;
}
