/** Carries out plans that were made before: one from a file, or what a dry run has left in the catalog. */
import { RollcallError } from '../errors.ts';
import type { Action } from './actions.ts';
import { type SavedPlan, stillHolding } from './plan-file.ts';
import { seenNow } from './plan-holding.ts';
import type { Plan } from './plan-options.ts';
import type { PlanStore } from './plan-store.ts';
import { type RunInProgress, type RunOptions, run } from './run.ts';
import { runParts } from './run-parts.ts';
import type { RunHooks } from './service.ts';
import { runOptionsOf, runSides, type SyncParts } from './sync-parts.ts';
import type { Library, Report, Scope } from './types.ts';

/** What the history calls it. */
const APPLY = 'apply';

type ApplyPart = { readonly scope: Scope; readonly plan: SavedPlan };

/**
 * Runs a saved plan in its library. The guards are asked again; each action still checks file and object for
 * itself; one whose row has changed since, or that would write to a row what is not so any more, is left as PLAN_STALE.
 */
export async function applyPlan(
  parts: SyncParts,
  plan: SavedPlan,
  hooks: RunHooks,
  signal: AbortSignal,
): Promise<Report> {
  return runPlan(parts, await partOf(parts, plan), { hooks }, signal);
}

/**
 * Carries out what the dry run `runId` has left: each library's plan after the other, as `applyPlan` does. It is taken
 * first, so that nobody else does too, and shown to `onPlan`, which may refuse it by throwing; given back if nothing of it
 * was begun. What is cut off is not gone on with: the next dry run says what is left to do.
 */
export async function applyKept(
  parts: SyncParts,
  plans: PlanStore,
  runId: string,
  hooks: RunHooks,
  signal: AbortSignal,
): Promise<Report> {
  const taken = await plans.take(runId, signal);
  let begun: string | null = null;
  const onStart = (id: string) => {
    begun ??= id;
    hooks.onStart?.(id);
    // Who did it is good to know, and no reason to stop.
    plans.applied(runId, begun).catch(() => {});
  };
  try {
    for (const plan of taken) hooks.onPlan?.(plan);
    const jobs: ApplyPart[] = [];
    for (const plan of taken) jobs.push(await partOf(parts, plan));
    const context = { kind: APPLY, policy: taken[0]?.policy ?? {}, entry: {}, hooks: { ...hooks, onStart }, ...parts };
    return await runParts(jobs, context, (job, more, ending) => runPlan(parts, job, more, ending), signal);
  } catch (thrown) {
    if (begun === null) await plans.giveBack(runId).catch(() => {});
    throw thrown;
  }
}

async function partOf({ libraries }: SyncParts, plan: SavedPlan): Promise<ApplyPart> {
  const library = await libraries.find(plan.library.id);
  if (library === null) {
    throw new RollcallError('NOT_FOUND', `the plan's library ${plan.library.name} is not in this catalog`);
  }
  if (library.bucket !== plan.library.bucket || library.prefix !== plan.library.prefix) {
    throw new RollcallError('BAD_PLAN', `the library ${library.name} has another bucket or prefix than the plan`);
  }
  return { scope: { library, album: plan.album }, plan };
}

function runPlan(
  parts: SyncParts,
  { scope, plan }: ApplyPart,
  more: Pick<RunOptions, 'hooks' | 'parentId'>,
  signal: AbortSignal,
): Promise<Report> {
  const { policy, maxDelete } = plan;
  const options: RunOptions = { scope, policy, ...runOptionsOf(parts), maxDelete, kind: APPLY, ...more };
  const source = (current: RunInProgress) => savedActions(plan, scope.library, current);
  return run(runSides(parts, scope.library), options, source, signal);
}

async function savedActions(saved: SavedPlan, library: Library, current: RunInProgress): Promise<Plan> {
  const { sides, options, tally, signal } = current;
  const { fresh, stale } = await stillHolding(saved, library, sides.catalog, signal);
  const seen = await seenNow(fresh, sides, options.settings.checkConcurrency, signal);
  failStale(current, stale, 'its row has');
  failStale(current, seen.stale, 'its file or object has');
  for (const { action, error } of seen.failed) tally.fail(action.path, error);
  return {
    actions: seen.holding,
    albums: saved.albums,
    complete: true,
    // Nobody has looked: the guard does.
    filesOnDisk: 0,
    photosInScope: saved.photosInScope,
    skipped: [],
  };
}

function failStale({ tally }: RunInProgress, actions: readonly Action[], what: string): void {
  const message = `${what} changed since the plan was made; make a new plan`;
  for (const { path } of actions) tally.fail(path, { code: 'PLAN_STALE', message });
}
