/** `rollcall batch`: syncs every target of the config file, one after the other. */
import type { TargetRollcall } from '../compose.ts';
import { asRollcallError, ExitCode, RollcallError } from '../errors.ts';
import type { SavedPlan } from '../sync/plan-file.ts';
import type { SyncRequest, SyncService } from '../sync/service.ts';
import type { Library } from '../sync/types.ts';
import { configPath, readTargets } from './batch-file.ts';
import { type Outcome, outcomeOf } from './batch-table.ts';
import { tellAll, tellBegin, tellFault, tellOutcome } from './batch-telling.ts';
import type { BatchArguments, GlobalOptions } from './invocation.ts';
import { planLines } from './plan.ts';
import { showProgress } from './progress.ts';
import type { Screen } from './screen.ts';
import { runCommand, type Session } from './session.ts';
import { syncJob } from './sync-arguments.ts';
import type { LineFault, Target, TargetsFile } from './targets-file.ts';
import { oneLine } from './text.ts';

/** What each target is run with. */
interface Batch {
  readonly session: Session;
  readonly request: SyncRequest;
  readonly printAll: boolean;
}

/** Runs `batch` to its exit code. Throws BAD_INPUT for arguments or a config file that cannot be meant. */
export async function batch(given: BatchArguments, options: GlobalOptions, screen: Screen): Promise<number> {
  const { config, ...policies } = given;
  const { request, printAll } = syncJob('sync', { ...policies, watch: false }, process.cwd());
  const path = configPath(config);
  const file = await readTargets(path, config);
  if (file.targets.length + file.faults.length === 0) throw namesNothing(path);
  return runCommand({
    name: 'batch',
    options,
    screen,
    stopping: 'Stopping: what is under way is finished first, no further target is begun. Ctrl-C again stops at once.',
    body: (session) => runFile({ session, request, printAll }, path, file),
  });
}

function namesNothing(path: string): RollcallError {
  const message = `${path} names no target yet: write a line like ~/Pictures | my-bucket | photos/`;
  return new RollcallError('BAD_INPUT', message, { field: '--config' });
}

async function runFile(batch: Batch, path: string, { targets, faults }: TargetsFile): Promise<ExitCode> {
  const { session } = batch;
  for (const fault of faults) tellFault(session, path, fault);
  const ran = targets.length === 0 ? [] : await runTargets(batch, targets);
  const outcomes = [...faults.map(badLine), ...ran].sort((a, b) => a.line - b.line);
  return tellAll(session, path, outcomes);
}

function badLine({ line, message }: LineFault): Outcome {
  const error = { code: 'BAD_INPUT', message } as const;
  return { line, target: null, status: 'bad line', exitCode: ExitCode.usage, report: null, error };
}

async function runTargets(batch: Batch, targets: readonly Target[]): Promise<Outcome[]> {
  const { config, options, screen, log, signal } = batch.session;
  if (!options.json) screen.live('Starting…');
  const { composeTargets } = await import('../compose.ts');
  const rollcall = await composeTargets(config, log, signal);
  try {
    screen.live(null);
    for (const notice of rollcall.notices) screen.say(oneLine(notice));
    const outcomes: Outcome[] = [];
    for (const [i, target] of targets.entries()) {
      if (signal.aborted) {
        outcomes.push(notRun(target));
        continue;
      }
      tellBegin(batch.session, target, `${i + 1}/${targets.length}`);
      const outcome = await runTarget(batch, rollcall, target);
      tellOutcome(batch.session, outcome);
      outcomes.push(outcome);
    }
    return outcomes;
  } finally {
    screen.live(null);
    await rollcall.close();
  }
}

function notRun(target: Target): Outcome {
  return { line: target.line, target, status: 'not run', exitCode: ExitCode.photosFailed, report: null, error: null };
}

async function runTarget(batch: Batch, rollcall: TargetRollcall, target: Target): Promise<Outcome> {
  try {
    const opened = await rollcall.open(target, batch.request.dryRun === true);
    try {
      return await runLibrary(batch, rollcall, target, opened);
    } finally {
      // A dry run, a mistyped folder or bucket: no later sync is to take it for a library. One with photos stays.
      if (opened.isNew) await rollcall.libraries.removeUnused(opened.library.id).catch(() => {});
    }
  } catch (thrown) {
    return failed(batch, target, thrown);
  }
}

async function runLibrary(
  batch: Batch,
  rollcall: TargetRollcall,
  target: Target,
  { service, library }: { readonly service: SyncService; readonly library: Library },
): Promise<Outcome> {
  const { session, request, printAll } = batch;
  const { screen, options, signal } = session;
  let runId: string | null = null;
  const hooks = {
    onProgress: showProgress(screen, options.json, Date.now),
    onStart: (id: string) => {
      runId = id;
    },
    onPlan: (plan: SavedPlan) => {
      screen.live(null);
      if (!options.json) for (const line of planLines(plan, printAll, screen.paint.out)) screen.print(line);
    },
  };
  try {
    return outcomeOf(target, await service.sync({ ...request, library: library.id }, hooks, signal));
  } catch (thrown) {
    // What it had done before it failed is in the history.
    const run = runId === null ? null : await rollcall.browser.run(runId).catch(() => null);
    const outcome = failed(batch, target, thrown);
    return run?.report ? { ...outcome, report: run.report, status: run.report.status } : outcome;
  } finally {
    screen.live(null);
  }
}

function failed({ session }: Batch, target: Target, thrown: unknown): Outcome {
  const error = asRollcallError(thrown);
  session.log.file.error({ err: error, line: target.line }, `line ${target.line}: ${error.message}`);
  const stopped = error.code === 'CANCELLED' && session.signal.aborted;
  const status = stopped ? 'stopped' : error.code.startsWith('GUARD_') ? 'refused' : 'failed';
  return { line: target.line, target, status, exitCode: error.exitCode, report: null, error };
}
