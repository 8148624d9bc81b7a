/** pg-boss, as Rollcall keeps it: five queues in a schema of their own, each with retries and a place for what failed. */
import { PgBoss } from 'pg-boss';
import type { Log } from '../sync/ports.ts';
import type { Statements } from '../sync/task-store.ts';

/** Work that waits for a hand. */
export const QUEUES = ['sync-album', 'sync-library', 'process-photo', 'reconcile', 'restore-check'] as const;
export type QueueName = (typeof QUEUES)[number];

/** How fast the queue notices things, in seconds. */
export interface Timing {
  /** A worker that has not been heard of for so long is dead: at least 10. */
  readonly heartbeat: number;
  /** How often somebody looks for dead workers. */
  readonly watch: number;
  /** How often a free hand looks for work. */
  readonly poll: number;
  /** The first pause before a job that failed is tried again; doubled each time. */
  readonly retry: number;
}

/** A killed worker's job is begun again after half a minute at the latest. */
export const USUAL_TIMING: Timing = { heartbeat: 15, watch: 5, poll: 1, retry: 2 };

/** Pauses of 2, 4, … seconds, up to half as long again each: about four minutes in all. */
const RETRIES = 6;
const LONGEST_PAUSE_SECONDS = 300;
/** The longest that pg-boss allows; a job that still runs then goes on, and is waited for by the one that follows. */
const LONGEST_JOB_SECONDS = 24 * 3_600;
/** What is done leaves its trace in the history of runs. */
const KEEP_DONE_SECONDS = 3_600;
/** Waiting for a worker that is away. */
const KEEP_WAITING_SECONDS = 90 * 24 * 3_600;
/** For who wants to see what was given up; the history has it too. */
const KEEP_DEAD_SECONDS = 7 * 24 * 3_600;
const SAME_PROBLEM_MS = 60_000;

export interface BossOptions {
  readonly statements: Statements;
  readonly schema: string;
  /** Does this process look after the schedule? */
  readonly schedules: boolean;
  readonly timing: Timing;
  readonly log: Log;
}

/** Opens the queue, made or migrated if need be. Throws the driver's own errors. */
export async function startBoss({ statements, schema, schedules, timing, log }: BossOptions): Promise<PgBoss> {
  const boss = new PgBoss({
    db: { executeSql: (text, values) => statements.executeSql(text, values) },
    schema,
    schedule: schedules,
    superviseIntervalSeconds: timing.watch,
    monitorIntervalSeconds: timing.watch,
    // No job of ours waits for another.
    flowIntervalSeconds: 3_600,
    monitorVacuum: false,
  });
  tellProblems(boss, log);
  try {
    await boss.start();
    for (const name of QUEUES) await ensureQueue(boss, name, timing);
    return boss;
  } catch (thrown) {
    await boss.stop({ graceful: false }).catch(() => undefined);
    throw thrown;
  }
}

/** Where the jobs of a queue go that were given up: the name is known to album-tasks.ts too. */
export function deadQueue(name: QueueName): string {
  return `${name}-dead`;
}

async function ensureQueue(boss: PgBoss, name: QueueName, timing: Timing): Promise<void> {
  const options = {
    retryLimit: RETRIES,
    retryDelay: timing.retry,
    retryBackoff: true,
    retryDelayMax: LONGEST_PAUSE_SECONDS,
    expireInSeconds: LONGEST_JOB_SECONDS,
    heartbeatSeconds: timing.heartbeat,
    deleteAfterSeconds: KEEP_DONE_SECONDS,
    retentionSeconds: KEEP_WAITING_SECONDS,
    deadLetter: deadQueue(name),
  };
  await boss.createQueue(deadQueue(name), { retentionSeconds: KEEP_DEAD_SECONDS });
  // Of its jobs each stands for a machine: one of a name is enough.
  await boss.createQueue(name, { ...options, ...(name === 'process-photo' && { policy: 'exclusive' }) });
  // One that an earlier version made.
  await boss.updateQueue(name, options);
}

/** While the database is away, every look at the queue fails: the same is said once a minute. */
function tellProblems(boss: PgBoss, log: Log): void {
  let last = { message: '', atMs: 0 };
  boss.on('error', (error) => {
    const message = error.message;
    const nowMs = performance.now();
    if (message === last.message && nowMs - last.atMs < SAME_PROBLEM_MS) return;
    last = { message, atMs: nowMs };
    log.warn({ cause: message }, `The queue: ${message}`);
  });
  boss.on('warning', ({ message, data }) => log.debug({ data }, `The queue: ${message}`));
}
