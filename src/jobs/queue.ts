/** The queue as the API sees it, and the hands of this process that work it (DESIGN 11). */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { PgBoss } from 'pg-boss';
import { asRollcallError, type RollcallError } from '../errors.ts';
import type { LibraryStore } from '../sync/browse.ts';
import type { MediaService } from '../sync/media-service.ts';
import type { Log } from '../sync/ports.ts';
import type { QueuedRun, RunQueue } from '../sync/run-queue.ts';
import type { SyncRequest, SyncService } from '../sync/service.ts';
import type { ResolvedRequest, Spreader } from '../sync/spread.ts';
import { sumReports } from '../sync/tally.ts';
import type { NewRun, Statements, TaskStore } from '../sync/task-store.ts';
import type { Report, RunStatus } from '../sync/types.ts';
import { QUEUES, startBoss, type Timing, USUAL_TIMING } from './boss.ts';
import { type Hands, startHands, wakeHands } from './hands.ts';
import { feedPhotos } from './process-photos.ts';
import { nextReconcileAt, setSchedule } from './schedule.ts';
import { newTask, type QueuedTask, sendTasks } from './task-jobs.ts';
import { watchTasks } from './watch-tasks.ts';

export interface QueueParts {
  readonly tasks: TaskStore;
  readonly statements: Statements;
  /** Of the queue's own tables. */
  readonly schema: string;
  /** The queue's own errors as DATABASE_*. */
  readonly explain: (thrown: unknown) => RollcallError;
  readonly spreader: Spreader;
  readonly service: Pick<SyncService, 'restoreStatus'>;
  /** Null: nobody here looks at pictures. */
  readonly media: MediaService | null;
  readonly libraries: Pick<LibraryStore, 'find' | 'list'>;
  readonly closeAbandonedRuns: (signal: AbortSignal) => Promise<number>;
  /** So many albums are synced at a time by this process; 0: it only puts runs into the queue. */
  readonly concurrency: number;
  /** What this process puts on the schedule; null: it leaves that to others. `reconcile`: a cron line, or null for never. */
  readonly schedule: { readonly reconcile: string | null } | null;
  readonly log: Log;
  /** For tests; left out: as usual. */
  readonly timing?: Timing;
  readonly longestWaitMs?: number;
}

export interface JobQueue extends RunQueue {
  /** RFC 3339; null: this process puts none on the schedule. */
  nextReconcileAt(): string | null;
  /** Hands back what is not finished within the time that the engine takes to stop, and closes the queue. */
  close(): Promise<void>;
}

/** A first sync of a big library may well take half a day; what waits behind it waits for so long. */
const LONGEST_WAIT_MS = 12 * 3_600_000;
const MS_BETWEEN_LOOKS = 500;
/** Longer than the engine takes to stop. */
const STOP_MS = 30_000;
const SWEEPS_A_WATCH = 3;

/**
 * Opens the queue and begins to work it. Aborting `signal` ends the work: what is in flight is finished or handed back.
 * BAD_CONFIG for a schedule that is none, DATABASE_*.
 */
export async function openQueue(parts: QueueParts, signal: AbortSignal): Promise<JobQueue> {
  const { timing = USUAL_TIMING, longestWaitMs = LONGEST_WAIT_MS, tasks, log, closeAbandonedRuns } = parts;
  signal.throwIfAborted();
  const closing = new AbortController();
  const ending = AbortSignal.any([signal, closing.signal]);
  const boss = await startBoss({ ...parts, schedules: parts.schedule !== null, timing }).catch((thrown: unknown) => {
    throw parts.explain(thrown);
  });
  const hands: Hands = [];
  const queue = runQueue(parts, boss, hands, ending);
  try {
    await setSchedule(boss, parts.schedule);
    await startHands({ ...parts, boss, queue, timing, longestWaitMs }, hands, ending);
  } catch (thrown) {
    await boss.stop({ graceful: false });
    throw parts.explain(thrown);
  }
  const seconds = timing.watch * SWEEPS_A_WATCH;
  const watching = Promise.all([
    watchTasks({ tasks, closeAbandonedRuns, seconds, log }, ending),
    parts.media && feedPhotos({ boss, media: parts.media, seconds, log }, ending),
  ]);
  return {
    ...queue,
    nextReconcileAt: () => nextReconcileAt(boss, parts.schedule),
    close: async () => {
      closing.abort();
      await watching;
      await boss.stop({ graceful: true, timeout: STOP_MS });
    },
  };
}

function runQueue(parts: QueueParts, boss: PgBoss, hands: Hands, ending: AbortSignal): RunQueue {
  const { tasks } = parts;
  return {
    enqueue: async (request) => {
      const queued = await enqueue(parts, boss, request, ending);
      wakeHands(boss, hands);
      return queued;
    },
    ended: (runId, signal) => ended(tasks, runId, signal),
    depth: (signal) => tasks.depth(QUEUES, signal),
  };
}

async function enqueue(
  { tasks, spreader }: QueueParts,
  boss: PgBoss,
  request: SyncRequest,
  ending: AbortSignal,
): Promise<QueuedRun> {
  const resolved = await spreader.resolve(request, ending);
  const [first] = resolved;
  const kind = request.kind ?? 'sync';
  const parent: NewRun | null =
    first && resolved.length === 1
      ? null
      : { id: randomUUID(), library: null, parentId: null, album: null, kind, policy: first?.policy ?? {}, tasks: [] };
  const runs = resolved.map((one) => runOf(one, kind, parent));
  const all: readonly NewRun[] = [...(parent ? [parent] : []), ...runs];
  await tasks.queue(all, (statements) =>
    sendTasks(
      boss,
      statements,
      runs.flatMap((run) => run.tasks),
    ),
  );
  return { runId: all[0]?.id ?? '' };
}

function runOf(
  { scope, request, policy, spreads }: ResolvedRequest,
  kind: string,
  parent: NewRun | null,
): NewRun & { readonly tasks: readonly QueuedTask[] } {
  const { library, album } = scope;
  const tasks = [newTask(album, { request, spreads })];
  return { id: randomUUID(), library, parentId: parent?.id ?? null, album, kind, policy, tasks };
}

/** The database is asked again and again: whoever ends the run may be any process, and may die doing it. */
async function ended(tasks: TaskStore, runId: string, signal: AbortSignal): Promise<Report> {
  for (;;) {
    const end = await tasks.ended(runId, signal);
    if (end !== null) return end.report ?? withoutReport(runId, end.status);
    await pause(MS_BETWEEN_LOOKS, undefined, { signal }).catch((thrown: unknown) => {
      signal.throwIfAborted();
      throw thrown;
    });
  }
}

function withoutReport(runId: string, status: RunStatus): Report {
  const error = asRollcallError(new Error('the process that carried this run out ended without a report'));
  const { code, message } = error;
  return { ...sumReports(runId, [], 0), status, error: { code, message } };
}
