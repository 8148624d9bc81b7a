/** One run over one scope, from lock to report. */
import { asRollcallError, type RollcallError } from '../errors.ts';
import type { Action } from './actions.ts';
import type { NewlyWaiting } from './archive.ts';
import type { ActionRecord, ScopeLock } from './catalog-port.ts';
import type { Classified } from './classify.ts';
import type { Differences } from './differences.ts';
import { execute } from './execute.ts';
import type { Sides } from './inventory.ts';
import { type Remains, removeRemains } from './media-sweep.ts';
import type { Decide, Plan } from './plan-options.ts';
import type { PlanStore } from './plan-store.ts';
import { countPlanned } from './planned.ts';
import type { Clock, Log } from './ports.ts';
import { guard, learnBucket, logCounts, logTwoWay, noteWaiting, savedPlan, warn } from './prepare.ts';
import { ProgressMeter } from './progress.ts';
import { startPulse } from './pulse.ts';
import { logWith } from './run-log.ts';
import type { RunHooks } from './service.ts';
import { Tally } from './tally.ts';
import { tidyUploads, type UploadTidying } from './tidy-uploads.ts';
import type { DeleteLimit, Policy, Report, RunStatus, Scope, SyncSettings, Triple } from './types.ts';

export interface RunOptions {
  readonly scope: Scope;
  readonly policy: Policy;
  readonly settings: SyncSettings;
  readonly maxDelete: DeleteLimit;
  /** Of an album, only the files with these names. */
  readonly only?: readonly string[];
  /** What is to be done about a photo; left out: what the policy says. */
  readonly decide?: Decide;
  readonly watch?: RunWatch;
  /** What earlier runs of this process have compared; left out: everything is read. */
  readonly differences?: Differences;
  /** Told of archived objects that something has begun to wait for. */
  readonly onWaiting?: (waiting: readonly NewlyWaiting[]) => void;
  /** What is left of the variants of photos that are gone; left out: nobody here removes it. */
  readonly remains?: Remains;
  /** Which uploads that were cut off are removed at the end; left out: none. */
  readonly tidy?: UploadTidying;
  /** Where a dry run's plan is kept; left out: nowhere. */
  readonly plans?: Pick<PlanStore, 'keep'>;
  readonly kind: string;
  /** A survey of the library has said already what is gone and what waits: this run only does its share. */
  readonly surveyed?: true;
  readonly parentId?: string;
  /** Of its entry in the history, where it was queued; left out: an entry is made. */
  readonly runId?: string;
  readonly hooks: RunHooks;
  readonly log: Log;
  readonly now: Clock;
}

/** For who has to know of each photo what came of it. */
export interface RunWatch {
  /** A photo was looked at; null: there is nothing to do. */
  decided(triple: Triple, action: Action | null, classified: Classified): void;
  /** An action has ended; told again when its record was refused. */
  ended(record: ActionRecord): void;
}

/** Where a run's actions come from: its own survey, or a plan that was saved. */
export type PlanSource = (run: RunInProgress) => Promise<Plan>;

/** In-flight transfers may go on for so long after a run was asked to stop. */
const DRAIN_MS = 10_000;

/** What the parts of a run share. */
export interface RunInProgress {
  readonly id: string;
  readonly sides: Sides;
  readonly options: RunOptions;
  readonly tally: Tally;
  readonly progress: ProgressMeter;
  readonly signal: AbortSignal;
}

/**
 * Runs one sync and answers its report, which is in the history too; a cancelled run answers what it had done, with
 * the error CANCELLED. Throws SYNC_IN_PROGRESS, and after recording them GUARD_*, BUCKET_*, DATABASE_*, LOCK_LOST.
 */
export async function run(sides: Sides, options: RunOptions, source: PlanSource, signal: AbortSignal): Promise<Report> {
  const lock = options.policy.dryRun ? null : await sides.catalog.lock(options.scope, signal);
  try {
    return await recorded(sides, options, source, lock, signal);
  } finally {
    await lock?.release();
  }
}

async function recorded(
  sides: Sides,
  options: RunOptions,
  source: PlanSource,
  lock: ScopeLock | null,
  signal: AbortSignal,
): Promise<Report> {
  const { scope, policy, hooks, now } = options;
  const startedMs = now();
  const id = await begin(sides, options);
  hooks.onStart?.(id);
  const log = logWith(options.log, { run: id, library: scope.library.name, album: scope.album });
  const progress = new ProgressMeter(id, scope.library.name, hooks.onProgress, now);
  const pulse = startPulse({ catalog: sides.catalog, runId: id, progress: () => progress.state, log });
  const soft = AbortSignal.any([signal, pulse.signal, ...(lock ? [lock.signal] : [])]);
  const told = { ...options, log };
  const current: RunInProgress = { id, sides, options: told, tally: new Tally(), progress, signal: soft };
  const twoWay = policy.direction !== 'up';
  const end = (status: RunStatus, more: { plan?: readonly Action[]; error?: RollcallError }): Report => {
    const durationMs = now() - startedMs;
    const requests = sides.bucket.requests();
    const retries = sides.bucket.retries();
    return current.tally.report({ runId: id, status, requests, retries, durationMs, byPhase: twoWay, ...more });
  };
  try {
    const plan = await planAndExecute(current, source, lock);
    if (twoWay && !policy.dryRun) logTwoWay(current);
    pulse.stop();
    const report = policy.dryRun ? end('planned', { plan: plan.actions }) : end(endOf(current), {});
    await sides.catalog.finishRun(id, report.status, report);
    return report;
  } catch (thrown) {
    pulse.stop();
    const error = asRollcallError(lock?.signal.aborted ? lock.signal.reason : thrown);
    const report = end(statusOf(error, current.tally), { error });
    await sides.catalog.finishRun(id, report.status, report).catch((cause: unknown) => {
      log.error({ cause: asRollcallError(cause).message }, 'the end of the run could not be recorded');
    });
    if (error.code === 'CANCELLED') return report;
    throw error;
  } finally {
    progress.finish();
  }
}

function begin(sides: Sides, { scope, policy, kind, parentId, runId }: RunOptions): Promise<string> {
  return sides.catalog.beginRun({
    library: scope.library,
    album: scope.album,
    kind,
    policy,
    ...(parentId !== undefined && { parentId }),
    ...(runId !== undefined && { id: runId }),
  });
}

async function planAndExecute(current: RunInProgress, source: PlanSource, lock: ScopeLock | null): Promise<Plan> {
  const { sides, options, tally, progress, signal } = current;
  await sides.disk.verifyRoot(signal);
  const plan = await source(current);
  await guard(current, plan);
  warn(current, plan);
  logCounts(current, plan);
  if (options.policy.dryRun) {
    countPlanned(tally, plan.actions);
    const saved = savedPlan(options, plan);
    options.hooks.onPlan?.(saved);
    await options.plans?.keep(current.id, saved);
    return plan;
  }
  await learnBucket(current, plan);
  progress.working(plan.actions, options.scope.album === null);
  const drain = drainAfter(signal, lock?.signal);
  try {
    const waiting = await execute(plan.actions, {
      sides,
      scope: options.scope,
      runId: current.id,
      albums: plan.albums,
      checkConcurrency: options.settings.checkConcurrency,
      uploadConcurrency: options.settings.uploadConcurrency,
      tally,
      log: options.log,
      now: options.now,
      onProgress: (done) => progress.done(done),
      onDiffering: (action, message) => options.differences?.remember(options.scope.library.id, action, message),
      onEnded: (record) => {
        progress.ended(record);
        options.watch?.ended(record);
      },
      soft: signal,
      hard: drain.signal,
    });
    await noteWaiting(current, plan, waiting);
    await tidyVariants(current);
    await tidyUploads(current);
  } finally {
    drain.close();
  }
  return plan;
}

/** Variants can wait: whatever keeps them from being removed now is no failure of the run. */
async function tidyVariants({ sides, options, signal }: RunInProgress): Promise<void> {
  if (options.remains === undefined) return;
  try {
    await removeRemains(options.remains, options.scope.library, sides.bucket, signal);
  } catch (thrown) {
    const { code, message } = asRollcallError(thrown);
    options.log.debug({ code }, `Variants of photos that are gone are left for later: ${message}`);
  }
}

/** Aborts a bounded time after `soft` does, or at once when the lock is lost. */
function drainAfter(soft: AbortSignal, lost: AbortSignal | undefined): { signal: AbortSignal; close: () => void } {
  const hard = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const begin = () => {
    timer ??= setTimeout(() => hard.abort(soft.reason), DRAIN_MS);
  };
  const end = () => hard.abort(lost?.reason);
  soft.addEventListener('abort', begin, { once: true });
  lost?.addEventListener('abort', end, { once: true });
  return {
    signal: hard.signal,
    close: () => {
      clearTimeout(timer);
      soft.removeEventListener('abort', begin);
      lost?.removeEventListener('abort', end);
    },
  };
}

/**
 * A conflict waits for a person, so it is no success; but what `never` leaves alone in a two-way sync is what it was told
 * to leave.
 */
function endOf({ options: { policy }, tally }: RunInProgress): RunStatus {
  const expected = policy.direction === 'both' && policy.overwrite === 'never';
  return tally.actions.conflicts > 0 && !expected ? 'partial' : 'succeeded';
}

function statusOf(error: RollcallError, tally: Tally): RunStatus {
  if (error.code.startsWith('GUARD_')) return 'refused';
  const { uploaded, reuploaded, copied, moved, adopted, downloaded, marked, deleted } = tally.actions;
  const done = uploaded + reuploaded + copied + moved + adopted + downloaded + marked + deleted;
  return done > 0 ? 'partial' : 'failed';
}
