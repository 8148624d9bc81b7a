/** One run, or several under a parent whose report adds up theirs. */
import { asRollcallError } from '../errors.ts';
import type { CatalogPort } from './catalog-port.ts';
import type { Clock } from './ports.ts';
import type { RunHooks } from './service.ts';
import { sumReports } from './tally.ts';
import type { Report, Scope } from './types.ts';

/** What the runs share. */
export interface PartsContext {
  readonly catalog: CatalogPort;
  readonly kind: string;
  /** For the history of the parent. */
  readonly policy: object;
  readonly hooks: RunHooks;
  readonly now: Clock;
}

/** What a run is told of the others. */
export interface PartOptions {
  readonly hooks: RunHooks;
  readonly parentId?: string;
}

/**
 * Runs one part by itself, several one after the other: one that fails does not stop the others, its error is in the
 * report. Throws what a single run throws; of several, only DATABASE_*.
 */
export async function runParts<Part extends { readonly scope: Scope }>(
  parts: readonly Part[],
  context: PartsContext,
  runPart: (part: Part, options: PartOptions) => Promise<Report>,
  signal: AbortSignal,
): Promise<Report> {
  const { catalog, kind, policy, hooks, now } = context;
  const [only] = parts;
  if (only && parts.length === 1) return runPart(only, { hooks });
  const startedMs = now();
  const parentId = await catalog.beginRun({ library: null, album: null, kind, policy });
  hooks.onStart?.(parentId);
  const reports: Report[] = [];
  for (const part of parts) {
    if (signal.aborted) break;
    reports.push(await reportOf(part, hooks, (partHooks) => runPart(part, { hooks: partHooks, parentId })));
  }
  const report = sumReports(parentId, reports, now() - startedMs);
  await catalog.finishRun(parentId, report.status, report);
  return report;
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
