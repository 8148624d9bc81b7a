/** The hands of this process: so many jobs of each queue at a time. */
import type { JobWithMetadata, PgBoss } from 'pg-boss';
import type { LibraryStore } from '../sync/browse.ts';
import type { MediaService } from '../sync/media-service.ts';
import type { RunQueue } from '../sync/run-queue.ts';
import type { SyncService } from '../sync/service.ts';
import type { QueueName, Timing } from './boss.ts';
import { type PhotoJob, processPhotos } from './process-photos.ts';
import { reconcileAll } from './reconcile.ts';
import { checkRestores } from './restore-check.ts';
import { runTask, type TaskParts } from './run-task.ts';
import type { TaskJob } from './task-jobs.ts';

export interface HandParts extends Omit<TaskParts, 'wake'> {
  readonly queue: RunQueue;
  readonly service: Pick<SyncService, 'restoreStatus'>;
  readonly libraries: Pick<LibraryStore, 'find' | 'list'>;
  readonly concurrency: number;
  readonly timing: Timing;
  readonly media: MediaService | null;
}

/**
 * Begins to work the queues until the boss is stopped; `ending` asks what is in flight to come to an end. `hands` are
 * those that can be woken.
 */
export async function startHands(parts: HandParts, hands: Hands, ending: AbortSignal): Promise<void> {
  if (parts.concurrency === 0) return;
  const wake = () => wakeHands(parts.boss, hands);
  const task = (job: JobWithMetadata<TaskJob>) => runTask({ ...parts, wake }, job, ending);
  const add = <Data>(queue: QueueName, work: (job: JobWithMetadata<Data>) => Promise<void>) =>
    addHand(parts, queue, ending, work).then((id) => hands.push(id));
  for (let hand = 0; hand < parts.concurrency; hand++) await add('sync-album', task);
  await add('sync-library', task);
  const { media } = parts;
  if (media !== null) {
    await add('process-photo', ({ data, signal }: JobWithMetadata<PhotoJob>) =>
      processPhotos({ ...parts, media }, data, AbortSignal.any([ending, signal])),
    );
  }
  await add('reconcile', () => reconcileAll(parts, ending));
  await add('restore-check', () => checkRestores(parts, ending));
}

/** Ids of the hands of this process. */
export type Hands = string[];

/** They look for work now instead of in a moment. */
export function wakeHands(boss: PgBoss, hands: Hands): void {
  for (const id of hands) boss.notifyWorker(id);
}

/** One hand: it takes one job after the other, and only when there is none does it wait a moment. */
async function addHand<Data>(
  { boss, timing }: { readonly boss: PgBoss; readonly timing: Timing },
  queue: QueueName,
  ending: AbortSignal,
  work: (job: JobWithMetadata<Data>) => Promise<void>,
): Promise<string> {
  const options = {
    includeMetadata: true,
    pollingIntervalSeconds: timing.poll,
    heartbeatRefreshSeconds: timing.heartbeat / 3,
  } as const;
  let id = '';
  id = await boss.work<Data, void, typeof options>(queue, options, async ([job]) => {
    try {
      if (job !== undefined) await work(job);
    } finally {
      if (!ending.aborted) boss.notifyWorker(id);
    }
  });
  return id;
}
