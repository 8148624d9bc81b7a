/** A task as a job of the queue: what it carries, and how it gets there. */
import { randomUUID } from 'node:crypto';
import type { PgBoss } from 'pg-boss';
import type { ScopeRequest } from '../sync/spread.ts';
import type { AlbumWork } from '../sync/spread-survey.ts';
import type { NewTask, Statements } from '../sync/task-store.ts';
import type { QueueName } from './boss.ts';

/** What a job of `sync-album` and `sync-library` carries. */
export interface TaskJob {
  readonly taskId: string;
  readonly request: ScopeRequest;
  /** The library is surveyed, and its albums become tasks of their own. */
  readonly spreads: boolean;
  /** What a survey has found to do in the album; left out: the run looks for itself. */
  readonly work?: AlbumWork;
  /** Since when it has been waiting for another run to end. */
  readonly waitsSinceMs?: number;
  /** Machines that did not have the library's folder. */
  readonly refused?: number;
}

export interface QueuedTask extends NewTask {
  readonly job: TaskJob;
}

/** Jobs in one statement. */
const AT_ONCE = 1_000;

/** A new task for an album, or for a library as a whole. */
export function newTask(album: string | null, job: Omit<TaskJob, 'taskId'>): QueuedTask {
  const id = randomUUID();
  return { id, album, job: { ...job, taskId: id } };
}

/** The queue that a task's jobs are in. */
export function queueOf({ album }: NewTask): QueueName {
  return album === null ? 'sync-library' : 'sync-album';
}

/** Puts the tasks' jobs into the queue, in the transaction of `statements`. */
export async function sendTasks(boss: PgBoss, statements: Statements, tasks: readonly QueuedTask[]): Promise<void> {
  for (const [queue, group] of Map.groupBy(tasks, queueOf)) {
    for (let from = 0; from < group.length; from += AT_ONCE) {
      const jobs = group.slice(from, from + AT_ONCE).map(({ job }) => ({ data: job, singletonKey: job.taskId }));
      await boss.insert(queue, jobs, { db: statements });
    }
  }
}
