/** One job's turn: the engine's run, and what becomes of the task after it. */
import { setTimeout as pause } from 'node:timers/promises';
import type { JobWithMetadata, PgBoss } from 'pg-boss';
import { asRollcallError, type ErrorCode, isErrorCode, RollcallError } from '../errors.ts';
import type { LibraryStore } from '../sync/browse.ts';
import type { Log } from '../sync/ports.ts';
import type { Spreader } from '../sync/spread.ts';
import type { AlbumWork } from '../sync/spread-survey.ts';
import type { BegunTask, TaskStore } from '../sync/task-store.ts';
import type { Library, Report } from '../sync/types.ts';
import { sendSweep } from './process-photos.ts';
import { laterFor, putBack } from './put-back.ts';
import { newTask, sendTasks, type TaskJob } from './task-jobs.ts';

export interface TaskParts {
  readonly boss: PgBoss;
  readonly tasks: TaskStore;
  readonly spreader: Spreader;
  readonly libraries: Pick<LibraryStore, 'find'>;
  readonly log: Log;
  /** For so long a task waits for other runs to end before it is given up. */
  readonly longestWaitMs: number;
  /** There is new work: idle hands of this process look at once. */
  readonly wake: () => void;
}

type Job = JobWithMetadata<TaskJob>;

/** A survey that could not see everything is made again so often before its albums are synced as far as it saw. */
const SURVEYS_AGAIN = 2;

/** What a run came to. */
interface Attempt {
  readonly partId: string | null;
  readonly report: Report | null;
  readonly albums: readonly AlbumWork[];
  readonly error: Pick<RollcallError, 'code' | 'message'> | null;
}

/**
 * Works at the task of a job. Throws when the job is to be tried again, with backoff, or given up for good: the task
 * has been told by then. `ending` aborts when this process is to stop: what was not finished goes back to the queue.
 */
export async function runTask(parts: TaskParts, job: Job, ending: AbortSignal): Promise<void> {
  const task = await parts.tasks.begin(job.data.taskId);
  if (task === null) return;
  if (task.cancelled) return parts.tasks.end(task.id, { status: 'cancelled', partId: null, error: null });
  const library = await parts.libraries.find(task.libraryId);
  // With the library its runs and their tasks were removed.
  if (library === null) return;
  const attempt = await attemptTask(parts, job, task, library, ending);
  // The queue has given this job to somebody else, who will say what came of it.
  if (job.signal.aborted && !ending.aborted) return;
  await whenDatabaseAnswers(() => conclude(parts, job, task, attempt, ending), job.signal);
}

/** A database that is being started again is waited for: otherwise the job would be taken for that of a dead process. */
const RESTART_MS = 20_000;
const MS_BETWEEN_TRIES = 500;

async function whenDatabaseAnswers(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  const untilMs = performance.now() + RESTART_MS;
  for (;;) {
    try {
      return await work();
    } catch (thrown) {
      const away = thrown instanceof RollcallError && thrown.code === 'DATABASE_UNREACHABLE';
      if (!away || thrown instanceof TryAgain || signal.aborted || performance.now() > untilMs) throw thrown;
    }
    await pause(MS_BETWEEN_TRIES, undefined, { signal }).catch(() => undefined);
  }
}

/** What tells the queue that the job is to be tried again, or given up. */
class TryAgain extends RollcallError {}

async function attemptTask(
  { spreader }: TaskParts,
  { data, signal }: Job,
  { runId, album }: BegunTask,
  library: Library,
  ending: AbortSignal,
): Promise<Attempt> {
  const { request, spreads, work } = data;
  let partId: string | null = null;
  const onStart = (id: string) => {
    partId = id;
  };
  const part = { scope: { library, album }, request, parentId: runId, ...(work && { work }) };
  const until = AbortSignal.any([ending, signal]);
  try {
    const done = spreads
      ? await spreader.survey(part, { onStart }, until)
      : { report: await spreader.part(part, { onStart }, until), albums: [] };
    return { partId, ...done, error: done.report.error ?? null };
  } catch (thrown) {
    return { partId, report: null, albums: [], error: asRollcallError(thrown) };
  }
}

async function conclude(
  parts: TaskParts,
  job: Job,
  task: BegunTask,
  attempt: Attempt,
  ending: AbortSignal,
): Promise<void> {
  const { partId, error } = attempt;
  if (error?.code === 'CANCELLED') {
    if (ending.aborted) return putBack(parts, job, task, { seconds: 0 });
    return parts.tasks.end(task.id, { status: 'cancelled', partId, error: null });
  }
  const later = error && laterFor(error.code, job.data, parts.longestWaitMs);
  if (later) return putBack(parts, job, task, later);
  const again = worthAnotherTry(attempt);
  if (again === null) return finish(parts, job, task, attempt);
  const seen = job.data.spreads && attempt.report !== null;
  if (seen && job.retryCount >= SURVEYS_AGAIN) return finish(parts, job, task, attempt);
  await tryAgain(parts, job, task, attempt, again);
}

/** Throws, so that the queue tries the job again after a pause, or gives it up: then the task has failed. */
async function tryAgain(
  parts: TaskParts,
  job: Job,
  task: BegunTask,
  attempt: Attempt,
  why: NonNullable<Attempt['error']>,
): Promise<never> {
  const isLast = job.retryCount >= job.retryLimit;
  const fields = { run: task.runId, album: task.album, code: why.code, attempt: job.retryCount + 1 };
  const what = `${task.album ?? 'The library'} could not be synced${isLast ? '' : ' and is tried again'}`;
  parts.log.warn(fields, `${what}: ${why.message}`);
  if (isLast) await finish(parts, job, task, attempt);
  else await parts.tasks.putBack(task.id, why);
  throw new TryAgain(why.code, why.message);
}

/** Why the run should be tried again; null: it succeeded, or it would fail in the same way. */
function worthAnotherTry({ error, report }: Attempt): Attempt['error'] {
  // Another run that was waited for long enough is waited for no more.
  if (error !== null) return mayPass(error.code) && error.code !== 'SYNC_IN_PROGRESS' ? error : null;
  for (const { code, message } of report?.failures ?? []) {
    if (isErrorCode(code) && mayPass(code)) return { code, message };
  }
  return null;
}

function mayPass(code: ErrorCode): boolean {
  return new RollcallError(code, '').retryable;
}

/** The task is over; what a survey has found becomes the tasks that are left. */
async function finish({ boss, tasks, wake }: TaskParts, job: Job, task: BegunTask, attempt: Attempt): Promise<void> {
  const { partId, error, albums, report } = attempt;
  const { request } = job.data;
  const found = albums.map((work) => newTask(work.album, { request, spreads: false, work }));
  // A survey that could not see everything is over with what it saw.
  const failed = error !== null || (report !== null && !job.data.spreads && worthAnotherTry(attempt) !== null);
  await tasks.end(
    task.id,
    { status: failed ? 'failed' : 'done', partId, error },
    { tasks: found, send: (statements) => sendTasks(boss, statements, found) },
  );
  if (job.data.spreads && request.kind === 'reconcile') await sendSweep(boss, task.libraryId);
  if (found.length > 0) wake();
}
