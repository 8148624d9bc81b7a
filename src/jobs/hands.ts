/** The hands of this process: so many jobs of each queue at a time. */
import type { JobWithMetadata, PgBoss } from 'pg-boss';
import type { LibraryStore } from '../sync/browse.ts';
import type { RunQueue } from '../sync/run-queue.ts';
import type { SyncService } from '../sync/service.ts';
import type { QueueName, Timing } from './boss.ts';
import { reconcileAll } from './reconcile.ts';
import { checkRestores } from './restore-check.ts';
import { runTask, type TaskParts } from './run-task.ts';
import type { TaskJob } from './task-jobs.ts';

export interface HandParts extends TaskParts {
  readonly queue: RunQueue;
  readonly service: Pick<SyncService, 'restoreStatus'>;
  readonly libraries: Pick<LibraryStore, 'find' | 'list'>;
  readonly concurrency: number;
  readonly timing: Timing;
}

/** Begins to work the queues until the boss is stopped; `ending` asks what is in flight to come to an end. */
export async function startHands(parts: HandParts, ending: AbortSignal): Promise<void> {
  if (parts.concurrency === 0) return;
  const task = (job: JobWithMetadata<TaskJob>) => runTask(parts, job, ending);
  for (let hand = 0; hand < parts.concurrency; hand++) await addHand(parts, 'sync-album', ending, task);
  await addHand(parts, 'sync-library', ending, task);
  await addHand(parts, 'reconcile', ending, () => reconcileAll(parts, ending));
  await addHand(parts, 'restore-check', ending, () => checkRestores(parts, ending));
}

/** One hand: it takes one job after the other, and only when there is none does it wait a moment. */
async function addHand<Data>(
  { boss, timing }: { readonly boss: PgBoss; readonly timing: Timing },
  queue: QueueName,
  ending: AbortSignal,
  work: (job: JobWithMetadata<Data>) => Promise<void>,
): Promise<void> {
  const options = {
    includeMetadata: true,
    pollingIntervalSeconds: timing.poll,
    heartbeatRefreshSeconds: timing.heartbeat / 3,
  } as const;
  let id: string | null = null;
  id = await boss.work<Data, void, typeof options>(queue, options, async ([job]) => {
    try {
      if (job !== undefined) await work(job);
    } finally {
      if (id !== null && !ending.aborted) boss.notifyWorker(id);
    }
  });
}
