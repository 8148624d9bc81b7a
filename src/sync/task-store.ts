/** Work for whoever has a hand free: what the queue asks of the catalog, so that a run and its jobs are never apart. */
import type { RollcallError } from '../errors.ts';
import type { QueueDepth } from './run-queue.ts';
import type { FinishedTask } from './sum-tasks.ts';
import type { Library, Report, RunStatus } from './types.ts';

/** Statements on a connection, or in a transaction that the catalog began. */
export interface Statements {
  executeSql(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/** Puts jobs into the queue within a transaction; called again when that has to begin anew. */
export type Send = (statements: Statements) => Promise<void>;

/** A run's piece of work. `album` null: the library as a whole. */
export interface NewTask {
  readonly id: string;
  readonly album: string | null;
}

/** A run that waits for its tasks, or for the runs that name it as their parent. */
export interface NewRun {
  readonly id: string;
  /** Null: a run over several libraries. */
  readonly library: Library | null;
  readonly parentId: string | null;
  readonly album: string | null;
  readonly kind: string;
  readonly policy: object;
  readonly tasks: readonly NewTask[];
}

/** A task that is being worked at. */
export interface BegunTask extends NewTask {
  readonly runId: string;
  readonly libraryId: string;
  /** Somebody asked for the end of its run. */
  readonly cancelled: boolean;
}

/** How a task ends. */
export interface TaskEnd {
  readonly status: 'done' | 'failed' | 'cancelled';
  /** The run that ended it; null: it did not come to one. */
  readonly partId: string | null;
  readonly error: Pick<RollcallError, 'code' | 'message'> | null;
}

/** Sums up runs when the last of their parts has ended. */
export interface Sums {
  tasks(runId: string, tasks: readonly FinishedTask[], run: { cancelled: boolean; durationMs: number }): Report;
  libraries(runId: string, reports: readonly Report[], run: { cancelled: boolean; durationMs: number }): Report;
}

export interface TaskStore {
  /** Makes these runs, parents first, as `queued`, with their tasks and jobs: all or nothing. */
  queue(runs: readonly NewRun[], send: Send): Promise<void>;
  /** Takes a task up, its run with it; null when there is nothing to do any more. Safe to repeat. */
  begin(taskId: string): Promise<BegunTask | null>;
  /** Gives a task back to the queue, `send` with it: it is to be begun again. */
  putBack(taskId: string, error: TaskEnd['error'], send?: Send): Promise<void>;
  /**
   * Ends a task; `more` puts others in its place. Ends its run, and that one's parent, with the sum of their parts if
   * it was the last: of several that end at once exactly one does. Safe to repeat.
   */
  end(taskId: string, end: TaskEnd, more?: { readonly tasks: readonly NewTask[]; readonly send: Send }): Promise<void>;
  /** Open tasks that no job will ever end, and those that nobody has begun of runs that are to end. */
  stuck(signal: AbortSignal): Promise<{ readonly lost: readonly string[]; readonly cancelled: readonly string[] }>;
  /** A run's end; null while it is not over. NOT_FOUND. */
  ended(
    runId: string,
    signal: AbortSignal,
  ): Promise<{ readonly status: RunStatus; readonly report: Report | null } | null>;
  /** Ids of the libraries that have a run of this kind over all of them waiting or under way. */
  openLibraries(kind: string, signal: AbortSignal): Promise<ReadonlySet<string>>;
  depth(queues: readonly string[], signal: AbortSignal): Promise<readonly QueueDepth[]>;
  /** Forgets two-way runs that changed nothing and ended so many days ago; answers how many. */
  forgetQuietRuns(days: number, signal: AbortSignal): Promise<number>;
}
