/** Syncs that are carried out by whoever has a hand free, on any machine: what the API asks of the queue. */
import type { SyncRequest } from './service.ts';
import type { Report } from './types.ts';

/** A run that was put into the queue. It is in the history, as `queued`, before this is answered. */
export interface QueuedRun {
  readonly runId: string;
}

/** How much work waits, and how old the oldest of it is; for health and metrics. */
export interface QueueDepth {
  readonly queue: string;
  readonly waiting: number;
  readonly active: number;
  /** Given up after their retries, within the last day. */
  readonly dead: number;
}

export interface RunQueue {
  /**
   * Puts a sync into the queue. One over a library is spread over its albums, and its report adds up theirs. NOT_FOUND,
   * BAD_INPUT. A scope that is being synced is waited for, not refused.
   */
  enqueue(request: SyncRequest): Promise<QueuedRun>;
  /** The report of a run once it has ended, whoever carried it out; rejects only with the signal's reason, or DATABASE_*. */
  ended(runId: string, signal: AbortSignal): Promise<Report>;
  depth(signal: AbortSignal): Promise<readonly QueueDepth[]>;
}
