/** One run, or several under a parent whose report adds up theirs. */
import { asRollcallError } from '../errors.ts';
import type { CatalogPort } from './catalog-port.ts';
import type { Clock, Log } from './ports.ts';
import { ProgressSum } from './progress.ts';
import { startPulse } from './pulse.ts';
import type { Progress, RunHooks, SyncRequest } from './service.ts';
import { sumReports } from './tally.ts';
import type { Report, Scope } from './types.ts';

/** What the runs share. */
export interface PartsContext {
  readonly catalog: CatalogPort;
  readonly kind: string;
  /** For the history of the parent. */
  readonly policy: object;
  /** Of the one run, or of the parent: the entry that was queued, and the run that it is a part of. */
  readonly entry: Pick<SyncRequest, 'runId' | 'parentId'>;
  readonly hooks: RunHooks;
  readonly log: Log;
  readonly now: Clock;
}

/** What a run is told of the others. */
export interface PartOptions extends Pick<SyncRequest, 'runId' | 'parentId'> {
  readonly hooks: RunHooks;
}

type RunPart<Part> = (part: Part, options: PartOptions, signal: AbortSignal) => Promise<Report>;

/**
 * Runs one part by itself, several one after the other: one that fails does not stop the others, its error is in the
 * report. Throws what a single run throws; of several, only DATABASE_*.
 */
export async function runParts<Part extends { readonly scope: Scope }>(
  parts: readonly Part[],
  context: PartsContext,
  runPart: RunPart<Part>,
  signal: AbortSignal,
): Promise<Report> {
  const { catalog, kind, policy, entry, hooks, log, now } = context;
  const [only] = parts;
  if (only && parts.length === 1) return runPart(only, { ...entry, hooks }, signal);
  const startedMs = now();
  const { runId, ...parent } = entry;
  const own = { library: null, album: null, kind, policy, ...parent, ...(runId !== undefined && { id: runId }) };
  const parentId = await catalog.beginRun(own);
  hooks.onStart?.(parentId);
  const sum = new ProgressSum(parentId, hooks.onProgress);
  const pulse = startPulse({ catalog, runId: parentId, progress: () => sum.state, log });
  const ending = AbortSignal.any([signal, pulse.signal]);
  try {
    const reports: Report[] = [];
    for (const part of parts) {
      if (ending.aborted) break;
      const partHooks = { ...hooks, onProgress: (progress: Progress) => sum.add(progress) };
      reports.push(await reportOf(part, partHooks, (more) => runPart(part, { hooks: more, parentId }, ending)));
      // Whoever asks for the end of them all may be heard by the part first, or by nobody yet: the next one must not begin.
      await pulse.ask();
    }
    pulse.stop();
    const report = cutOff(sumReports(parentId, reports, now() - startedMs), reports.length, ending);
    await catalog.finishRun(parentId, report.status, report);
    return report;
  } finally {
    pulse.stop();
  }
}

/** Parts that were not begun are in no sum: the report says that it was cut off. */
function cutOff(report: Report, begun: number, signal: AbortSignal): Report {
  if (!signal.aborted) return report;
  const { code, message } = asRollcallError(signal.reason);
  const status = begun === 0 ? 'failed' : report.status === 'succeeded' ? 'partial' : report.status;
  return { ...report, status, error: { code, message } };
}

async function reportOf(
  { scope }: { readonly scope: Scope },
  hooks: RunHooks,
  runPart: (hooks: RunHooks) => Promise<Report>,
): Promise<Report> {
  let runId = '';
  const onStart = (id: string) => {
    runId = id;
  };
  try {
    return await runPart({ ...hooks, onStart });
  } catch (thrown) {
    const error = asRollcallError(thrown);
    if (error.code.startsWith('DATABASE_')) throw error;
    const status = error.code.startsWith('GUARD_') ? 'refused' : 'failed';
    const path = scope.album ?? scope.library.name;
    return { ...sumReports(runId, [], 0), status, failures: [{ path, code: error.code, message: error.message }] };
  }
}
