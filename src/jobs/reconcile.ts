/** The nightly reconciliation: every library's rows against its bucket against its disk (DESIGN 11). */
import { asRollcallError } from '../errors.ts';
import type { LibraryStore } from '../sync/browse.ts';
import type { Log } from '../sync/ports.ts';
import { allLibraries } from '../sync/resolve-scopes.ts';
import type { RunQueue } from '../sync/run-queue.ts';
import type { TaskStore } from '../sync/task-store.ts';

/** Two-way syncs that found nothing to do are remembered for so long: there are 1,440 of them a day. */
const KEEP_QUIET_RUNS_DAYS = 7;

interface ReconcileParts {
  readonly queue: RunQueue;
  readonly tasks: TaskStore;
  readonly libraries: Pick<LibraryStore, 'list'>;
  readonly log: Log;
}

/** Queues the reconciliation of every library but those whose last one is still under way. */
export async function reconcileAll(parts: ReconcileParts, signal: AbortSignal): Promise<void> {
  const { queue, tasks, log } = parts;
  const open = await tasks.openLibraries('reconcile', signal);
  if (open.size === 0) {
    const { runId } = await queue.enqueue({ kind: 'reconcile' });
    log.info({ run: runId }, 'Reconciliation of every library begins');
  } else await reconcileOthers(parts, open);
  try {
    const forgotten = await tasks.forgetQuietRuns(KEEP_QUIET_RUNS_DAYS, signal);
    if (forgotten > 0) log.info({ forgotten }, `${forgotten} two-way syncs that changed nothing were forgotten`);
  } catch (thrown) {
    const { code, message } = asRollcallError(thrown);
    log.warn({ code }, `Old two-way syncs could not be forgotten: ${message}`);
  }
}

async function reconcileOthers({ queue, libraries, log }: ReconcileParts, open: ReadonlySet<string>): Promise<void> {
  for (const { id, name } of await allLibraries(libraries)) {
    if (open.has(id)) {
      log.warn({ library: name }, `Reconciliation: the last one of ${name} has not ended yet; not begun again`);
      continue;
    }
    const { runId } = await queue.enqueue({ kind: 'reconcile', library: id });
    log.info({ run: runId, library: name }, `Reconciliation of ${name} begins`);
  }
}
