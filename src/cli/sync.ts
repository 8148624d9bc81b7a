/** `rollcall sync`, `rollcall moves` and `rollcall status`: a request to the engine, its progress and its report. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { Rollcall } from '../compose.ts';
import { asRollcallError, ExitCode, RollcallError } from '../errors.ts';
import { printPlan, type SavedPlan } from '../sync/plan-file.ts';
import type { RunHooks, SyncRequest } from '../sync/service.ts';
import type { Report } from '../sync/types.ts';
import { comparisonLines } from './comparison.ts';
import { exitCodeOf } from './exit-code.ts';
import type { GlobalOptions, SyncArguments, SyncCommand } from './invocation.ts';
import { jsonLine } from './json-lines.ts';
import { planLines } from './plan.ts';
import { showProgress } from './progress.ts';
import { reportLines } from './report.ts';
import type { Paint, Screen } from './screen.ts';
import { runCommand, type Session } from './session.ts';
import { type SyncJob, syncJob } from './sync-arguments.ts';
import { oneLine, printable } from './text.ts';

/** Runs `sync`, `moves` or `status` to its exit code. Throws BAD_INPUT for arguments that cannot be meant. */
export async function sync(
  command: SyncCommand,
  given: SyncArguments,
  options: GlobalOptions,
  screen: Screen,
): Promise<number> {
  const job = syncJob(command, given, process.cwd());
  if (job.planOut !== null && existsSync(job.planOut)) throw planExists();
  return runCommand({
    name: command,
    options,
    screen,
    stopping: 'Stopping: what is under way is finished first. Ctrl-C again stops at once.',
    body: (session) =>
      job.watch
        ? watch(session, job)
        : withRollcall(session, job.target, (rollcall) =>
            forgettingUnused(job, rollcall, () => runSync(session, job, rollcall)),
          ),
  });
}

/** Ctrl-C is how watching ends: no error, also while the parts still come up. */
async function watch(session: Session, job: SyncJob): Promise<ExitCode> {
  const { watchUntilStopped } = await import('./watch.ts');
  try {
    return await withRollcall(session, job.target, async (rollcall) =>
      watchUntilStopped(session, await scoped(job, rollcall), rollcall),
    );
  } catch (thrown) {
    if (session.signal.aborted && asRollcallError(thrown).code === 'CANCELLED') return ExitCode.ok;
    throw thrown;
  }
}

/** Brings the parts up, says what a person should know of that, and takes them down again whatever happens. */
export async function withRollcall<T>(
  session: Session,
  target: SyncJob['target'],
  body: (rollcall: Rollcall) => Promise<T>,
): Promise<T> {
  const { config, log, screen, signal, options } = session;
  if (!options.json) screen.live('Starting…');
  const { compose } = await import('../compose.ts');
  const rollcall = await compose(config, target === null ? { demo: false } : { demo: false, target }, log, signal);
  try {
    screen.live(null);
    for (const notice of rollcall.notices) screen.say(oneLine(notice));
    return await body(rollcall);
  } finally {
    screen.live(null);
    await rollcall.close();
  }
}

/**
 * Forgets the library that a dry run was tried with, or a mistyped folder or bucket made: left in the catalog, every later
 * sync without arguments would take it for one of those to sync.
 */
async function forgettingUnused(
  { target, planOut }: SyncJob,
  { library, libraryIsNew, libraries }: Rollcall,
  run: () => Promise<ExitCode>,
): Promise<ExitCode> {
  let exitCode: ExitCode = ExitCode.unreachable;
  try {
    exitCode = await run();
    return exitCode;
  } finally {
    const configured = target === null && (exitCode === ExitCode.ok || exitCode === ExitCode.photosFailed);
    const planned = planOut !== null && existsSync(planOut);
    // Another command that is at work on it keeps it.
    if (libraryIsNew && !configured && !planned) await libraries.removeUnused(library.id).catch(() => {});
  }
}

async function runSync(session: Session, job: SyncJob, rollcall: Rollcall): Promise<ExitCode> {
  const { screen, options, signal, config } = session;
  if (job.target === null && config.demoLibrary && !existsSync(config.photosRoot)) {
    screen.say('No photos yet: set PHOTOS_ROOT, name a folder, or start `rollcall serve` for a demo library.');
  }
  const request = await scoped(job, rollcall);
  if (request.kind === 'status' && request.compare === 'content') await tellComparison(session, job, request, rollcall);
  const plans: SavedPlan[] = [];
  const onPlan = (plan: SavedPlan) => plans.push(plan);
  const engine = async (hooks: RunHooks) => {
    const report = await rollcall.service.sync(request, { ...hooks, onPlan }, signal);
    screen.live(null);
    if (job.planOut !== null) await savePlan(session, job.planOut, plans);
    if (!options.json) for (const line of plansLines(plans, job, screen)) screen.print(line);
    return report;
  };
  return reported(session, rollcall, engine, request.moves === 'only' ? MOVES_WORDS : SYNC_WORDS);
}

/** Four lists of each library, ahead of the plan: to a program one line for each library. */
async function tellComparison(
  { screen, options, signal }: Session,
  job: SyncJob,
  { library, album }: SyncRequest,
  { service }: Rollcall,
): Promise<void> {
  if (!options.json) screen.live('Comparing…');
  const scope = { ...(library !== undefined && { library }), ...(album !== undefined && { album }) };
  for (const compared of await service.compare(scope, signal)) {
    const { name: of } = compared.library;
    if (options.json) {
      screen.print(jsonLine({ type: 'comparison', library: of, album: compared.album, ...compared.lists }));
    } else for (const line of comparisonLines(compared, job.printAll, screen.paint.out)) screen.print(line);
  }
  screen.live(null);
}

function plansLines(plans: readonly SavedPlan[], job: SyncJob, screen: Screen): string[] {
  return plans.flatMap((plan) => planLines(plan, job.printAll, screen.paint.out));
}

/** How a run reads while it goes and when it is over. */
export interface RunWords {
  readonly doing: string;
  lines(report: Report, paint: Paint): readonly string[];
}

const SYNC_WORDS: RunWords = { doing: 'Syncing', lines: (report, paint) => reportLines(report, paint) };
const MOVES_WORDS: RunWords = { ...SYNC_WORDS, lines: (report, paint) => reportLines(report, paint, true) };

/** Runs the engine with progress shown and tells its report, also that of a run which was refused or failed. */
export async function reported(
  session: Session,
  rollcall: Rollcall,
  engine: (hooks: RunHooks) => Promise<Report>,
  words: RunWords = SYNC_WORDS,
): Promise<ExitCode> {
  const { screen, options } = session;
  let runId: string | null = null;
  try {
    const report = await engine({
      onProgress: showProgress(screen, options.json, Date.now, words.doing),
      onStart: (id) => {
        runId ??= id;
      },
    });
    return tellReport(session, report, words);
  } catch (thrown) {
    const report = runId === null ? null : await recordedReport(rollcall, runId);
    if (report === null || report.error === undefined) throw thrown;
    session.log.file.error({ err: thrown }, report.error.message);
    tellReport(session, report, words);
    return asRollcallError(thrown).exitCode;
  }
}

/** What the history says of a run that threw; null if it does not know either. */
async function recordedReport(rollcall: Rollcall, runId: string): Promise<Report | null> {
  const run = await rollcall.browser.run(runId).catch(() => null);
  return run?.report ?? null;
}

/** With a folder: its library. For a plan to be saved: the only library there is, because a plan has one. */
async function scoped({ request, target, planOut }: SyncJob, { libraries, library }: Rollcall): Promise<SyncRequest> {
  if (target !== null) return { ...request, library: library.id };
  if (planOut === null || request.library !== undefined || request.album !== undefined) return request;
  const { items } = await libraries.list({ limit: 2 });
  if (items.length === 1) return { ...request, library: library.id };
  const message = 'a plan has one library and there are several: name it with --library';
  throw new RollcallError('BAD_INPUT', message, { field: '--library' });
}

/** A file that is there already may be anything, a photo too. */
function planExists(): RollcallError {
  return new RollcallError('BAD_INPUT', '--plan-out names a file that exists already', { field: '--plan-out' });
}

async function savePlan(session: Session, path: string, [plan]: readonly SavedPlan[]): Promise<void> {
  if (plan === undefined) return;
  try {
    await writeFile(path, printPlan(plan), { flag: 'wx', mode: 0o600, flush: true });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw planExists();
    const message = `the plan was not saved: ${(cause as Error).message}`;
    throw new RollcallError('BAD_INPUT', message, { cause, field: '--plan-out' });
  }
  session.screen.say(`Plan saved; to run it: rollcall apply ${printable(path)}`);
}

/** Tells how a run ended: to a program as the last JSON line, to a person as a summary. Answers the exit code. */
function tellReport({ options, screen, summarise }: Session, report: Report, { lines }: RunWords): ExitCode {
  const { plan: _plan, ...summary } = report;
  summarise({ report: summary });
  if (options.json) screen.print(jsonLine({ type: 'report', ...report }));
  else for (const line of lines(report, screen.paint.out)) screen.print(line);
  return exitCodeOf(report);
}
