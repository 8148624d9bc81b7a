/** A world whose library is synced by way of the queue, by hands of this process. */
import { openQueueConnections } from '../../src/catalog/queue-connections.ts';
import type { Timing } from '../../src/jobs/boss.ts';
import { type JobQueue, openQueue, type QueueParts } from '../../src/jobs/queue.ts';
import type { Log } from '../../src/sync/ports.ts';
import type { SyncRequest } from '../../src/sync/service.ts';
import { createSpreader, type Spreader } from '../../src/sync/spread.ts';
import { sumLibraries, sumTasks } from '../../src/sync/sum-tasks.ts';
import type { Report, SyncSettings } from '../../src/sync/types.ts';
import type { TestS3 } from './s3.ts';
import { createWorld, type World } from './world.ts';

/** As quick as pg-boss can be. */
export const QUICK: Timing = { heartbeat: 10, watch: 1, poll: 0.5, retry: 1 };

export interface Task {
  readonly album: string;
  readonly status: string;
  readonly attempts: number;
  readonly lastError: string | null;
}

export interface RunRow {
  readonly id: string;
  readonly libraryId: string | null;
  readonly parentId: string | null;
  readonly album: string | null;
  readonly kind: string;
  readonly status: string;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  readonly report: Report | null;
}

export type QueueWorld = Awaited<ReturnType<typeof createQueueWorld>>;

export async function createQueueWorld(
  settings: Partial<SyncSettings> = {},
  options: Partial<Pick<QueueParts, 'concurrency' | 'schedule' | 'longestWaitMs' | 'service'>> & {
    readonly spreader?: (spreader: Spreader) => Spreader;
    readonly bucketOf?: { readonly s3: TestS3 };
  } = {},
) {
  const { bucketOf } = options;
  const world: World = await createWorld(settings, bucketOf && { bucketOf });
  const lines: string[] = [];
  const note = (_fields: object, message: string) => void lines.push(message);
  const log: Log = { debug: note, info: note, warn: note, error: note };
  const { catalog } = world;
  const parts = {
    catalog: catalog.port,
    archive: catalog.archive,
    plans: catalog.plans,
    libraries: catalog.libraries,
    browser: catalog.browser,
    openDisk: world.openDisk,
    openBucket: () => world.sides().bucket,
    settings: { ...DEFAULTS, ...settings },
    log,
    now: () => world.clock.nowMs,
  };
  const spreader = createSpreader(parts);
  const opened: { queue: JobQueue; close(): Promise<void> }[] = [];

  /** Another process's worth of hands. */
  async function open(more: Partial<QueueParts> = {}): Promise<JobQueue> {
    const sums = { tasks: sumTasks, libraries: sumLibraries };
    const connections = openQueueConnections({ url: world.databaseUrl, maxConnections: 4, log }, sums);
    const queue = await openQueue(
      {
        ...connections,
        spreader: options.spreader?.(spreader) ?? spreader,
        service: options.service ?? world.service,
        media: null,
        libraries: catalog.libraries,
        closeAbandonedRuns: catalog.closeAbandonedRuns,
        concurrency: options.concurrency ?? 2,
        schedule: options.schedule ?? null,
        timing: QUICK,
        log,
        ...(options.longestWaitMs !== undefined && { longestWaitMs: options.longestWaitMs }),
        ...more,
      },
      new AbortController().signal,
    );
    const close = async () => {
      await queue.close();
      await connections.close();
    };
    opened.push({ queue, close });
    return queue;
  }

  const closeQueues = async () => {
    for (const { close } of opened.splice(0).reverse()) await close();
  };
  let queue = await open();
  return {
    ...world,
    get queue() {
      return queue;
    },
    open,
    /** All hands are asked to stop, and when they have stopped there are new ones. */
    async restart(more: Partial<QueueParts> = {}): Promise<void> {
      await closeQueues();
      queue = await open(more);
    },
    lines,
    /** Through the queue, to its end. */
    async run(request: Partial<SyncRequest> = {}): Promise<Report> {
      const { runId } = await queue.enqueue({ library: 'test', ...request });
      return queue.ended(runId, AbortSignal.timeout(150_000));
    },
    tasks: (runId: string) =>
      world.query<Task>(`SELECT * FROM "AlbumTask" WHERE "runId" = $1 ORDER BY "album" COLLATE "C"`, [runId]),
    runs: () => world.query<RunRow>(`SELECT * FROM "Run" ORDER BY "startedAt", "id"`),
    async close(): Promise<void> {
      await closeQueues();
      await world.close();
    },
  };
}

const DEFAULTS: SyncSettings = {
  checkConcurrency: 10,
  uploadConcurrency: 5,
  existenceCheck: 'auto',
  maxDelete: { percent: 25 },
  stableSeconds: 2,
  orphanGraceDays: 30,
  dedupeCopy: true,
};
