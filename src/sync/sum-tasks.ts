/** The report of a run whose parts were carried out one by one, some of them more than once: pure. */
import type { RollcallError } from '../errors.ts';
import { NO_ACTIONS, sumReports } from './tally.ts';
import type { Failure, Report, RunStatus } from './types.ts';

/** What an attempt did; what is left out is not known of one whose process died. */
export interface Attempt extends Pick<Report, 'bytes'> {
  readonly actions: Partial<Report['actions']>;
  readonly requests: Partial<Report['requests']>;
}

/** A task, its last run and the attempts before that. */
export interface FinishedTask {
  /** Null: the library as a whole. */
  readonly album: string | null;
  readonly status: 'done' | 'failed' | 'cancelled';
  readonly error: Pick<RollcallError, 'code' | 'message'> | null;
  readonly last: Report | null;
  readonly earlier: readonly Attempt[];
}

/** Actions that change something: what an earlier attempt did stays done. */
const EFFECTS = [
  'uploaded',
  'reuploaded',
  'adopted',
  'moved',
  'copied',
  'downloaded',
  'updated',
  'marked',
  'deleted',
] as const satisfies readonly (keyof Report['actions'])[];

/** What the next attempt finds done and leaves alone. */
const SETTLED = ['uploaded', 'reuploaded', 'copied', 'downloaded'] as const;

/**
 * Adds up tasks. Photos are counted by the last look at each album; effects, bytes and requests by all of them. A failure
 * that two parts have met is one.
 */
export function sumTasks(
  runId: string,
  tasks: readonly FinishedTask[],
  { cancelled, durationMs }: { readonly cancelled: boolean; readonly durationMs: number },
): Report {
  const sum = withoutTwice(
    sumReports(
      runId,
      tasks.filter(({ status, last }) => last !== null || status === 'failed').map(reportOf),
      durationMs,
    ),
  );
  if (cancelled) return { ...sum, status: statusOfCancelled(sum), error: CANCELLED };
  const [only] = tasks;
  return tasks.length === 1 && only?.error ? { ...sum, error: only.error } : sum;
}

/** Adds up the runs of several libraries. */
export function sumLibraries(
  runId: string,
  reports: readonly Report[],
  { cancelled, durationMs }: { readonly cancelled: boolean; readonly durationMs: number },
): Report {
  const sum = sumReports(runId, reports, durationMs);
  return cancelled ? { ...sum, status: statusOfCancelled(sum), error: CANCELLED } : sum;
}

const CANCELLED = { code: 'CANCELLED', message: 'the run was cancelled' } as const;

function statusOfCancelled({ actions }: Report): RunStatus {
  return EFFECTS.some((effect) => actions[effect] > 0) ? 'partial' : 'failed';
}

/** One task's report. */
function reportOf({ album, error, last, earlier }: FinishedTask): Report {
  const actions = { ...(last?.actions ?? NO_ACTIONS) };
  for (const attempt of earlier) {
    for (const effect of EFFECTS) actions[effect] += attempt.actions[effect] ?? 0;
    const done = SETTLED.reduce((sum, effect) => sum + (attempt.actions[effect] ?? 0), 0);
    actions.skipped = Math.max(0, actions.skipped - done);
  }
  const { error: _, ...report } = last ?? sumReports('', [], 0);
  const all = [...earlier, ...(last ? [last] : [])];
  const failure: Failure[] = error === null ? [] : [{ path: album ?? '', ...error }];
  return {
    ...report,
    status: last?.status ?? 'failed',
    actions,
    bytes: sumOf(
      all.map(({ bytes }) => bytes),
      Object.assign({}, ...all.map(({ bytes }) => bytes), report.bytes) as Report['bytes'],
    ),
    requests: sumOf(
      all.map(({ requests }) => requests),
      report.requests,
    ),
    failures: [...failure, ...report.failures],
  };
}

function sumOf<Counts extends { readonly [key: string]: number }>(
  parts: readonly Partial<Counts>[],
  shape: Counts,
): Counts {
  const sums = Object.keys(shape).map((key) => [key, parts.reduce((sum, part) => sum + (part[key] ?? 0), 0)]);
  return Object.fromEntries(sums) as Counts;
}

/** A folder that cannot be read is met by the library's survey and by its album's run. */
function withoutTwice(report: Report): Report {
  const seen = new Set<string>();
  const failures = report.failures.filter(({ path, code }) => {
    const name = `${code} ${path}`;
    return !seen.has(name) && seen.add(name);
  });
  const twice = report.failures.length - failures.length;
  return twice === 0
    ? report
    : { ...report, failures, actions: { ...report.actions, failed: Math.max(0, report.actions.failed - twice) } };
}
