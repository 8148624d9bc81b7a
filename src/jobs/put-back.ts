/** Jobs that go back to the queue without an attempt lost: for this machine later, or for another one. */
import type { JobWithMetadata, PgBoss } from 'pg-boss';
import { asRollcallError, type ErrorCode } from '../errors.ts';
import type { BegunTask, TaskStore } from '../sync/task-store.ts';
import { queueOf, type TaskJob } from './task-jobs.ts';

/** When a job is to be begun again, and what it remembers then. */
export interface Later extends Pick<TaskJob, 'waitsSinceMs' | 'refused'> {
  readonly seconds: number;
}

/** Another run that is in the way is looked for again after a share of the time that it has taken so far. */
const WAIT_SHARE = 0.25;
const WAIT_SECONDS = { least: 1, most: 30 } as const;

/** A folder that is not mounted here may be mounted elsewhere: others get so many turns before the run is refused. */
const OTHERS = { turns: 3, seconds: 1 } as const;
const NOT_MOUNTED = new Set<ErrorCode>([
  'GUARD_ROOT_MISSING',
  'GUARD_ROOT_UNREADABLE',
  'GUARD_ROOT_NOT_DIRECTORY',
  'GUARD_EMPTY_ROOT',
]);

/** When a run that ended with this error is to be begun again; null: this error is no reason for it. */
export function laterFor(
  code: ErrorCode,
  { waitsSinceMs, refused = 0 }: Pick<TaskJob, 'waitsSinceMs' | 'refused'>,
  longestWaitMs: number,
): Later | null {
  if (NOT_MOUNTED.has(code)) return refused < OTHERS.turns ? { seconds: OTHERS.seconds, refused: refused + 1 } : null;
  if (code !== 'SYNC_IN_PROGRESS') return null;
  const sinceMs = waitsSinceMs ?? Date.now();
  const waitedMs = Date.now() - sinceMs;
  if (waitedMs > longestWaitMs) return null;
  const seconds = Math.ceil((waitedMs * WAIT_SHARE) / 1_000);
  return {
    seconds: Math.min(Math.max(seconds, WAIT_SECONDS.least), WAIT_SECONDS.most),
    waitsSinceMs: sinceMs,
  };
}

/** The queue gave the job to somebody else meanwhile. */
class ClaimLost extends Error {}

/** Gives a task back: the job ends, and another one of the same task waits in its place. */
export async function putBack(
  { boss, tasks }: { readonly boss: PgBoss; readonly tasks: Pick<TaskStore, 'putBack'> },
  job: JobWithMetadata<TaskJob>,
  task: BegunTask,
  { seconds, ...remembered }: Later,
): Promise<void> {
  const queue = queueOf(task);
  const data: TaskJob = { ...job.data, ...remembered };
  const startAfter = seconds > 0 && { startAfter: seconds };
  const next = { data, singletonKey: task.id, retryLimit: job.retryLimit - job.retryCount, ...startAfter };
  try {
    await tasks.putBack(task.id, null, async (statements) => {
      const ended = await boss.complete(queue, job, null, { db: statements });
      if (Reflect.get(ended, 'affected') !== 1) throw new ClaimLost();
      await boss.insert(queue, [next], { db: statements });
    });
  } catch (thrown) {
    if (!(asRollcallError(thrown).cause instanceof ClaimLost)) throw thrown;
  }
}
