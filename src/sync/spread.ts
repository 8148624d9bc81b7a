/**
 * A library's sync as one survey and a run for each album that has anything to do, so that several machines can share
 * the work (DESIGN 11). What has nothing to do costs no run and no request of its own.
 */
import { RollcallError } from '../errors.ts';
import { parseDeleteLimit } from './delete-limit.ts';
import { Differences } from './differences.ts';
import type { Plan } from './plan-options.ts';
import { policyOf } from './policy.ts';
import { surveyPlan } from './prepare.ts';
import { resolveScopes } from './resolve-scopes.ts';
import { type RunInProgress, type RunOptions, run } from './run.ts';
import type { RunHooks, SyncRequest } from './service.ts';
import { countsOf, takeFrom } from './spread-counts.ts';
import { type AlbumWork, isSurveyed, SurveySplit } from './spread-survey.ts';
import { runSides, type SyncParts, tidyingOf } from './sync-parts.ts';
import type { Library, Policy, Report, Scope } from './types.ts';

/** How a request is carried out in one scope: policies and limits, without what it named. */
export type ScopeRequest = Omit<
  SyncRequest,
  'library' | 'album' | 'albumId' | 'files' | 'keepPlan' | 'runId' | 'parentId'
>;

export interface ResolvedRequest {
  readonly scope: Scope;
  readonly request: ScopeRequest;
  readonly policy: Policy;
  /** It is to be surveyed, and its albums synced one by one. */
  readonly spreads: boolean;
}

/** One run of the engine that is a part of another one. */
export interface PartRequest {
  readonly scope: Scope;
  readonly request: ScopeRequest;
  readonly parentId: string;
  /** What a survey has found to do; left out: the run looks for itself. */
  readonly work?: AlbumWork;
}

export interface Spreader {
  /** What a request covers. NOT_FOUND, BAD_INPUT. */
  resolve(request: SyncRequest, signal: AbortSignal): Promise<readonly ResolvedRequest[]>;
  /**
   * Looks at a whole library, carries out its renames and answers which albums have anything else to do. Throws like a
   * sync, GUARD_* for the library as a whole among it.
   */
  survey(
    part: PartRequest,
    hooks: RunHooks,
    signal: AbortSignal,
  ): Promise<{ readonly report: Report; readonly albums: readonly AlbumWork[] }>;
  /** Syncs a scope as a part of a run. Throws like a sync. */
  part(part: PartRequest, hooks: RunHooks, signal: AbortSignal): Promise<Report>;
}

/** What the history calls the look at a library before its albums are synced. */
export const SURVEY = 'survey';

export function createSpreader(parts: SyncParts): Spreader {
  const differences = new Differences();
  const optionsOf = (part: PartRequest, hooks: RunHooks) => ({ ...optionsFor(parts, part), differences, hooks });
  return {
    resolve: (request, signal) => resolve(parts, request, signal),
    survey: async (part, hooks, signal) => {
      const options = optionsOf(part, hooks);
      const split = new SurveySplit(part.scope.library.prefix, options.policy.direction);
      const sides = runSides(parts, part.scope.library);
      // Uploads of albums that are synced after this are gone on with there.
      const tidy = options.tidy && { ...options.tidy, goesOn: (key: string) => split.hasWork(key) };
      const survey = { ...options, kind: SURVEY, watch: split, ...(tidy && { tidy }) };
      const report = await run(sides, survey, (current) => split.plan(current), signal);
      return { report, albums: report.error === undefined ? split.albums() : [] };
    },
    part: (part, hooks, signal) => {
      const options = optionsOf(part, hooks);
      const sides = runSides(parts, part.scope.library);
      if (part.work === undefined) return run(sides, options, surveyPlan, signal);
      return runShare(sides, options, part.work, signal);
    },
  };
}

async function resolve(
  parts: SyncParts,
  { library, album, albumId, files, keepPlan: _keep, runId: _run, parentId: _parent, ...request }: SyncRequest,
  signal: AbortSignal,
): Promise<readonly ResolvedRequest[]> {
  if (files !== undefined) {
    throw new RollcallError('BAD_INPUT', 'files of an album are synced at once, not through the queue', {
      field: 'files',
    });
  }
  const { direction } = policyOf(request);
  if (request.maxDelete !== undefined) parseDeleteLimit(request.maxDelete, 'maxDelete');
  const named = {
    ...(library !== undefined && { library }),
    ...(album !== undefined && { album }),
    ...(albumId !== undefined && { albumId }),
  };
  const scopes = await resolveScopes(parts, { ...named, inBucket: direction !== 'up' }, signal);
  return scopes.map((scope) => {
    const own = { ...request, ...ownDirection(scope.library, request) };
    const policy = policyOf(own);
    return { scope, request: own, policy, spreads: scope.album === null && !policy.dryRun && policy.moves !== 'only' };
  });
}

/** A reconciliation goes each library's own way. */
function ownDirection({ sync }: Library, { kind, direction }: ScopeRequest): Pick<SyncRequest, 'direction'> {
  return kind === 'reconcile' && direction === undefined ? { direction: sync } : {};
}

function optionsFor(parts: SyncParts, { scope, request, parentId }: PartRequest): Omit<RunOptions, 'hooks'> {
  const { settings, log, now, onWaiting, remains } = parts;
  const kind = request.kind ?? 'sync';
  const policy = policyOf(request);
  return {
    scope,
    policy,
    ...tidyingOf(kind, policy),
    // Only a listing shows what the bucket has that nobody knows.
    settings: kind === 'reconcile' ? { ...settings, existenceCheck: 'list' } : settings,
    maxDelete: request.maxDelete === undefined ? settings.maxDelete : parseDeleteLimit(request.maxDelete, 'maxDelete'),
    kind,
    parentId,
    log,
    now,
    ...(onWaiting && { onWaiting }),
    ...(remains && { remains }),
  };
}

/** Nothing is gone, renamed or waiting here but what the survey has found, so its guards have allowed it all. */
const NO_LIMIT = { percent: 100 } as const;

/** One album's share of what a survey has found. */
function runShare(
  sides: ReturnType<typeof runSides>,
  options: RunOptions,
  { gone, apart }: AlbumWork,
  signal: AbortSignal,
): Promise<Report> {
  const [mayGo, leave] = [new Set(gone), new Set(apart)];
  const policy: Policy = { ...options.policy, moves: false };
  const source = async (current: RunInProgress): Promise<Plan> => {
    const watch: RunOptions['watch'] = {
      decided: (triple, action, classified) => {
        if (!leave.has(triple.key) && !isSurveyed(classified)) return;
        takeFrom(current.tally, countsOf(triple, action, classified, policy.direction));
      },
      ended: () => {},
    };
    const plan = await surveyPlan({ ...current, options: { ...current.options, watch } });
    const actions = plan.actions.filter(({ key, kind }) => {
      if (leave.has(key) || kind === 'leftover') return false;
      return (kind !== 'mark' && kind !== 'delete') || mayGo.has(key);
    });
    return { ...plan, actions };
  };
  return run(sides, { ...options, policy, maxDelete: NO_LIMIT, surveyed: true }, source, signal);
}
