/** What Prometheus scrapes: numbers of the catalog, of the queue and of this process. */
import {
  type CatalogFigures,
  DURATION_BOUNDS,
  type EndedRuns,
  type ReadFigures,
  type S3RequestCount,
} from '../sync/figures.ts';
import type { QueueDepth, RunQueue } from '../sync/run-queue.ts';
import type { RunStatus } from '../sync/types.ts';
import { exposition, type Family, type HistogramValue, type Value } from './exposition.ts';
import { processFamilies } from './process-metrics.ts';

/** What can be measured. */
export interface MetricsParts {
  readonly figures: ReadFigures;
  /** Asks the database something; rejects when it cannot be used. */
  readonly ping: (signal: AbortSignal) => Promise<unknown>;
  /** Null: there is no queue. */
  readonly queue: Pick<RunQueue, 'depth'> | null;
  readonly s3Requests: () => readonly S3RequestCount[];
  readonly version: string;
}

/** Of a catalog with this many libraries only those that come first by name have numbers of their own. */
const MOST_LIBRARIES = 200;

/**
 * All metrics as text. What does not answer before `signal` aborts is left out, and `rollcall_up` says so: never
 * rejects. No label holds a path, an album or a secret, so that there are never many of them.
 */
export async function metricsText(parts: MetricsParts, signal: AbortSignal): Promise<string> {
  const [ping, figures, depth] = await Promise.all([
    orNull(parts.ping(signal)),
    orNull(parts.figures(signal)),
    parts.queue && orNull(parts.queue.depth(signal)),
  ]);
  return exposition([
    ...upFamilies(parts, ping !== null, depth),
    ...(figures === null ? [] : figuresFamilies(figures)),
    ...(depth === null ? [] : queueFamilies(depth)),
    s3Family(parts.s3Requests()),
    ...processFamilies(),
  ]);
}

/** Why something does not answer is what health says. */
function orNull<Answer>(answer: Promise<Answer>): Promise<Answer | null> {
  return answer.catch(() => null);
}

function upFamilies(parts: MetricsParts, database: boolean, depth: readonly QueueDepth[] | null): Family[] {
  const up = (part: string, isUp: boolean): Value => ({ labels: { part }, value: isUp ? 1 : 0 });
  return [
    {
      name: 'rollcall_build_info',
      help: 'Always 1; the labels say what is running.',
      type: 'gauge',
      values: [{ labels: { version: parts.version, node: process.version }, value: 1 }],
    },
    {
      name: 'rollcall_up',
      help: 'Whether a part answers (1) or not (0). Without the database there are no numbers from the catalog.',
      type: 'gauge',
      values: [up('database', database), ...(parts.queue === null ? [] : [up('queue', depth !== null)])],
    },
  ];
}

const FROM_CATALOG = 'Read from the catalog: whichever process did it.';

function figuresFamilies({ ended, open, done, libraries }: CatalogFigures): Family[] {
  return [
    {
      name: 'rollcall_runs_total',
      help: `Runs that have ended. One over all libraries (scope="libraries") has a run for each of them beside it, one that the queue spreads over albums has a run for each album. ${FROM_CATALOG}`,
      type: 'counter',
      values: runValues(ended),
    },
    {
      name: 'rollcall_run_duration_seconds',
      help: `How long the runs took that have ended. ${FROM_CATALOG}`,
      type: 'histogram',
      values: durations(ended),
    },
    {
      name: 'rollcall_runs_open',
      help: `Runs that wait for their turn or are under way. ${FROM_CATALOG}`,
      type: 'gauge',
      values: [
        { labels: { status: 'queued' }, value: open.queued },
        { labels: { status: 'running' }, value: open.running },
      ],
    },
    ...doneFamilies(done),
    ...libraryFamilies(libraries.slice(0, MOST_LIBRARIES)),
  ];
}

const STATUSES: readonly RunStatus[] = ['succeeded', 'partial', 'failed', 'refused', 'planned'];

/**
 * Every status of each kind and scope that has been seen, the zeros too: Prometheus takes no notice of a counter's first
 * value, and the first run that fails would be lost on it.
 */
function runValues(ended: readonly EndedRuns[]): Value[] {
  const groups = Map.groupBy(ended, ({ kind, scope }) => `${kind} ${scope}`);
  return [...groups.values()].flatMap((group) => {
    const counts = new Map(group.map(({ status, count }) => [status, count]));
    const [first] = group;
    const statuses = new Set<string>([...STATUSES, ...counts.keys()]);
    if (first === undefined) return [];
    const { kind, scope } = first;
    return [...statuses].map((status) => ({ labels: { kind, scope, status }, value: counts.get(status) ?? 0 }));
  });
}

function doneFamilies({ actions, bytes, requests }: CatalogFigures['done']): Family[] {
  return [
    {
      name: 'rollcall_actions_total',
      help: `What runs that have ended did. A report does not tell apart what it was that failed, was in conflict, unstable or is waiting for an archived object: kind="any". ${FROM_CATALOG}`,
      type: 'counter',
      values: actionValues(actions),
    },
    {
      name: 'rollcall_transferred_bytes_total',
      help: `Bytes sent to the bucket (up) and fetched from it (down) by runs that have ended. ${FROM_CATALOG}`,
      type: 'counter',
      values: [
        { labels: { direction: 'up' }, value: bytes.uploaded },
        { labels: { direction: 'down' }, value: bytes.downloaded },
      ],
    },
    {
      name: 'rollcall_run_s3_requests_total',
      help: `Billable requests of runs that have ended, retries included. ${FROM_CATALOG}`,
      type: 'counter',
      values: Object.entries(requests).map(([kind, value]) => ({ labels: { kind }, value })),
    },
  ];
}

/** The report's counts, as the actions and outcomes that they are. Adopted photos are among the skipped. */
function actionValues(actions: CatalogFigures['done']['actions']): Value[] {
  const { uploaded, reuploaded, adopted, moved, copied, downloaded, updated, marked, deleted, skipped } = actions;
  const { conflicts, unstable, waiting, failed } = actions;
  const done = {
    upload: uploaded,
    reupload: reuploaded,
    adopt: adopted,
    move: moved,
    copy: copied,
    download: downloaded,
    update: updated,
    mark: marked,
    delete: deleted,
    skip: Math.max(0, skipped - adopted),
  };
  return [
    ...Object.entries(done).map(([kind, value]) => ({ labels: { kind, outcome: 'done' }, value })),
    ...Object.entries({ conflict: conflicts, unstable, waiting, failed }).map(([outcome, value]) => ({
      labels: { kind: 'any', outcome },
      value,
    })),
  ];
}

function libraryFamilies(libraries: CatalogFigures['libraries']): Family[] {
  return [
    {
      name: 'rollcall_photos',
      help: `Photos of each library by state. ${FROM_CATALOG}`,
      type: 'gauge',
      values: libraries.flatMap(({ library, photos }) =>
        Object.entries(photos).map(([state, value]) => ({ labels: { library, state }, value })),
      ),
    },
    {
      name: 'rollcall_last_success_timestamp_seconds',
      help: `When a sync or reconciliation of all of a library last ended with nothing failed, in seconds since 1970; absent until there was one. ${FROM_CATALOG}`,
      type: 'gauge',
      values: libraries.flatMap(({ library, lastGoodMs }) =>
        lastGoodMs === null ? [] : [{ labels: { library }, value: lastGoodMs / 1_000 }],
      ),
    },
  ];
}

/** One histogram for each kind and scope, whatever became of the runs. */
function durations(ended: readonly EndedRuns[]): HistogramValue[] {
  const groups = Map.groupBy(ended, ({ kind, scope }) => `${kind} ${scope}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const sum = (of: (runs: EndedRuns) => number) => group.reduce((total, runs) => total + of(runs), 0);
    return {
      labels: { kind: first.kind, scope: first.scope },
      count: sum(({ count }) => count),
      sum: sum(({ seconds }) => seconds),
      within: DURATION_BOUNDS.map((le, at) => ({ le, count: sum(({ within }) => within[at] ?? 0) })),
    };
  });
}

function queueFamilies(depth: readonly QueueDepth[]): Family[] {
  return [
    {
      name: 'rollcall_queue_jobs',
      help: 'Jobs in the queue: waiting for a hand, active, or dead (given up after their retries). Read from the database.',
      type: 'gauge',
      values: depth.flatMap(({ queue, waiting, active, dead }) =>
        Object.entries({ waiting, active, dead }).map(([state, value]) => ({ labels: { queue, state }, value })),
      ),
    },
  ];
}

function s3Family(counts: readonly S3RequestCount[]): Family {
  return {
    name: 'rollcall_s3_requests_total',
    help: 'Requests to S3, every retry by itself, by kind and HTTP status ("none": no answer came). Of this process only, since it started: workers and commands count in rollcall_run_s3_requests_total.',
    type: 'counter',
    values: counts.map(({ kind, status, count }) => ({
      labels: { kind, status: status === null ? 'none' : String(status) },
      value: count,
    })),
  };
}
