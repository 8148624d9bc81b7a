/** The nightly reconciliation: every library's rows against its bucket against its disk (DESIGN 11). */
import { asRollcallError } from '../errors.ts';
import type { Log } from '../sync/ports.ts';
import type { RunQueue } from '../sync/run-queue.ts';
import type { TaskStore } from '../sync/task-store.ts';

/** Two-way syncs that found nothing to do are remembered for so long: there are 1,440 of them a day. */
const KEEP_QUIET_RUNS_DAYS = 7;

interface ReconcileParts {
  readonly queue: RunQueue;
  readonly tasks: TaskStore;
  readonly log: Log;
}

/** Queues the reconciliation of every library, unless the last one is still under way. */
export async function reconcileAll({ queue, tasks, log }: ReconcileParts, signal: AbortSignal): Promise<void> {
  if (await tasks.hasOpen('reconcile', signal)) {
    log.warn({}, 'Reconciliation: the last one has not ended yet; not begun again');
  } else {
    const { runId } = await queue.enqueue({ kind: 'reconcile' });
    log.info({ run: runId }, 'Reconciliation of every library begins');
  }
  try {
    const forgotten = await tasks.forgetQuietRuns(KEEP_QUIET_RUNS_DAYS, signal);
    if (forgotten > 0) log.info({ forgotten }, `${forgotten} two-way syncs that changed nothing were forgotten`);
  } catch (thrown) {
    const { code, message } = asRollcallError(thrown);
    log.warn({ code }, `Old two-way syncs could not be forgotten: ${message}`);
  }
}
