/** One run over one scope, from lock to report. */
import { asRollcallError, type RollcallError } from '../errors.ts';
import { execute, loggedName } from './execute.ts';
import { guardEmptyRoot, guardMaxDelete, manyMarked } from './guards.ts';
import { openSurvey, type Sides } from './inventory.ts';
import { makePlan, type Plan } from './plan.ts';
import type { SavedPlan } from './plan-file.ts';
import { ProgressMeter } from './progress.ts';
import type { Clock, Log, ScopeLock } from './ports.ts';
import type { RunHooks } from './service.ts';
import { Tally } from './tally.ts';
import type { Action, DeleteLimit, Policy, Report, RunStatus, Scope, SyncSettings } from './types.ts';

export interface RunOptions {
  readonly scope: Scope;
  readonly policy: Policy;
  readonly settings: SyncSettings;
  readonly maxDelete: DeleteLimit;
  readonly kind: string;
  readonly parentId?: string;
  readonly hooks: RunHooks;
  readonly log: Log;
  readonly now: Clock;
}

/** Where a run's actions come from: its own survey, or a plan that was saved. */
export type PlanSource = (run: RunInProgress) => Promise<Plan>;

/** In-flight transfers may go on for so long after a run was asked to stop. */
const DRAIN_MS = 10_000;
/** So many photos that needed nothing are named in an album run's log. */
const SKIPPED_NAMED = 10_000;

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
  const { scope, policy, kind, parentId, hooks, now } = options;
  const startedMs = now();
  const parent = parentId === undefined ? {} : { parentId };
  const id = await sides.catalog.beginRun({ library: scope.library, album: scope.album, kind, policy, ...parent });
  hooks.onStart?.(id);
  const progress = new ProgressMeter(id, scope.library.name, hooks.onProgress, now);
  const soft = lock ? AbortSignal.any([signal, lock.signal]) : signal;
  const current: RunInProgress = { id, sides, options, tally: new Tally(), progress, signal: soft };
  const end = (status: RunStatus, more: { plan?: readonly Action[]; error?: RollcallError }): Report =>
    current.tally.report({
      runId: id,
      status,
      requests: sides.bucket.requests(),
      durationMs: now() - startedMs,
      ...more,
    });
  try {
    const plan = await planAndExecute(current, source, lock);
    const report = policy.dryRun ? end('planned', { plan: plan.actions }) : end('succeeded', {});
    await sides.catalog.finishRun(id, report.status, report);
    return report;
  } catch (thrown) {
    const error = asRollcallError(lock?.signal.aborted ? lock.signal.reason : thrown);
    const report = end(statusOf(error, current.tally), { error });
    await sides.catalog.finishRun(id, report.status, report).catch((cause: unknown) => {
      options.log.error({ run: id, cause: asRollcallError(cause).message }, 'the end of the run could not be recorded');
    });
    if (error.code === 'CANCELLED') return report;
    throw error;
  } finally {
    progress.finish();
  }
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
    options.hooks.onPlan?.(savedPlan(options, plan));
    return plan;
  }
  await learnBucket(current, plan);
  progress.working(plan.actions);
  const drain = drainAfter(signal, lock?.signal);
  try {
    await execute(plan.actions, {
      sides,
      scope: options.scope,
      runId: current.id,
      uploadConcurrency: options.settings.uploadConcurrency,
      tally,
      log: options.log,
      now: options.now,
      onProgress: (done) => progress.done(done),
      soft: signal,
      hard: drain.signal,
    });
  } finally {
    drain.close();
  }
  return plan;
}

/** Makes the plan by looking at all three sides. */
export async function surveyPlan(current: RunInProgress): Promise<Plan> {
  const { sides, options, tally, progress, signal } = current;
  const { scope, policy, settings, now } = options;
  const survey = openSurvey(sides, scope, settings, signal);
  const plan = await makePlan(survey, { policy, settings, nowMs: now() }, tally, {
    nameSkipped: scope.album === null ? 0 : SKIPPED_NAMED,
    onScanned: (keys, lastPath) => progress.scanned(keys, lastPath),
  });
  signal.throwIfAborted();
  return plan;
}

/** What the bucket honours of safe writing, learnt before the first write to it, and a word about what it lacks. */
async function learnBucket({ sides, options, tally, signal }: RunInProgress, plan: Plan): Promise<void> {
  if (!plan.actions.some(writesToBucket)) return;
  const { bucket, catalog } = sides;
  const known = await catalog.bucketFeatures(bucket.identity);
  const features = await bucket.learn(options.scope.library.prefix, known, signal);
  if (features !== known) await catalog.saveBucketFeatures(bucket.identity, features);
  if (features.createOnly) return;
  tally.warnings.push(
    'This bucket does not honour conditional writes (If-None-Match): each key is looked at right before it is ' +
      'written instead, which leaves a moment in which another writer could be overwritten.',
  );
}

function writesToBucket(action: Action): boolean {
  if (action.kind === 'adopt') return action.otherwise === 'replace';
  return (
    action.kind === 'upload' || action.kind === 'reupload' || (action.kind === 'delete' && action.object !== undefined)
  );
}

async function guard({ sides, options, signal }: RunInProgress, plan: Plan): Promise<void> {
  const { library } = options.scope;
  if (plan.filesOnDisk === 0 && plan.complete) {
    const live = await sides.catalog.countLive(options.scope, signal);
    const files = live > 0 && options.scope.album !== null ? await anyFile(sides, signal) : false;
    guardEmptyRoot(library.root, files, live);
  }
  const deletions = plan.actions.filter((action) => action.kind === 'delete').length;
  guardMaxDelete(deletions, plan.photosInScope, options.maxDelete);
}

/** Is there any file in the library at all? */
async function anyFile(sides: Sides, signal: AbortSignal): Promise<boolean> {
  for await (const batch of sides.disk.walk(null, signal).batches) {
    if (batch.length > 0) return true;
  }
  return false;
}

function warn({ options, tally }: RunInProgress, plan: Plan): void {
  const gone = plan.actions.filter((action) => action.kind === 'mark').length;
  const many = manyMarked(gone, plan.photosInScope, options.maxDelete);
  if (many !== null) tally.warnings.unshift(many);
  const lost = plan.actions.filter(
    (action) =>
      (action.kind === 'mark' && action.state === 'lost') || (action.kind === 'report' && action.what === 'lost'),
  );
  if (lost.length > 0) tally.warnings.unshift(`LOST, gone from disk and bucket both: ${nameSome(lost)}`);
  const waiting = plan.actions.filter((action) => action.kind === 'report' && action.what === 'unstable');
  if (waiting.length > 0) tally.warnings.push(`Still being written, left for the next run: ${nameSome(waiting)}`);
}

function nameSome(actions: readonly Action[]): string {
  const named = actions.slice(0, 20).map((action) => action.path);
  return actions.length > named.length
    ? `${named.join(', ')} and ${actions.length - named.length} more`
    : named.join(', ');
}

function logCounts({ id, options, tally }: RunInProgress, plan: Plan): void {
  const { log, scope, settings } = options;
  const { photos } = tally;
  const fields = { run: id, library: scope.library.name, album: scope.album };
  if (photos.new > 0)
    log.info(fields, `Processing ${photos.new} new photos in batches of ${settings.uploadConcurrency}`);
  if (photos.existing > 0) log.info(fields, `Checking ${photos.existing} existing photos for S3 presence`);
  for (const path of plan.skipped) {
    log.info({ path }, `Photo already exists in S3, skipping upload: ${loggedName(path, scope)}`);
  }
}

/** What a dry run would do, as the counts of its report. */
function countPlanned(tally: Tally, actions: readonly Action[]): void {
  const { actions: counts } = tally;
  for (const action of actions) {
    if (action.kind === 'upload') counts.uploaded += 1;
    else if (action.kind === 'reupload') counts.reuploaded += 1;
    else if (action.kind === 'delete') counts.deleted += 1;
    else if (action.kind === 'mark') counts.marked += 1;
    else if (action.kind === 'report') countReported(tally, action);
    else {
      counts.skipped += 1;
      if (action.kind === 'adopt') counts.adopted += 1;
      else counts.updated += 1;
    }
    if (action.kind === 'upload' || action.kind === 'reupload') tally.bytes.uploaded += action.local.size;
  }
}

function countReported(tally: Tally, action: Extract<Action, { kind: 'report' }>): void {
  if (action.what === 'conflict') tally.conflict(action.path, action.code, action.reason);
  else if (action.what === 'unstable') tally.actions.unstable += 1;
}

function savedPlan({ scope, policy, now }: RunOptions, plan: Plan): SavedPlan {
  const { id, name, bucket, prefix } = scope.library;
  return {
    version: 1,
    createdAt: new Date(now()).toISOString(),
    library: { id, name, bucket, prefix },
    album: scope.album,
    policy: { ...policy, dryRun: false },
    photosInScope: plan.photosInScope,
    actions: plan.actions,
  };
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

function statusOf(error: RollcallError, tally: Tally): RunStatus {
  if (error.code.startsWith('GUARD_')) return 'refused';
  const { uploaded, reuploaded, adopted, marked, deleted } = tally.actions;
  return uploaded + reuploaded + adopted + marked + deleted > 0 ? 'partial' : 'failed';
}
