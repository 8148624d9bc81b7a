/** The engine's calls: each resolved to the scopes it covers, and run there (DESIGN 7, 12). */
import { RollcallError } from '../errors.ts';
import { type NewlyWaiting, restoreStatusOf, restoreWaiting } from './archive.ts';
import type { ArchiveStore } from './browse.ts';
import type { CatalogPort } from './catalog-port.ts';
import { compareScope } from './compare.ts';
import { parseDeleteLimit } from './delete-limit.ts';
import { Differences } from './differences.ts';
import { runFileTask } from './file-tasks.ts';
import type { Sides } from './inventory.ts';
import { localKeysOf } from './local-images.ts';
import type { MediaIntake } from './media-intake.ts';
import type { Remains } from './media-sweep.ts';
import { type SavedPlan, stillHolding } from './plan-file.ts';
import type { Plan } from './plan-options.ts';
import { policyOf } from './policy.ts';
import type { Clock, Log } from './ports.ts';
import { surveyPlan } from './prepare.ts';
import { resolveScopes, type ScopeParts } from './resolve-scopes.ts';
import { REUPLOAD, type ReuploadJob, reuploadJobs } from './reupload.ts';
import { type RunInProgress, type RunOptions, run } from './run.ts';
import { runParts } from './run-parts.ts';
import type {
  Compared,
  CompareRequest,
  FilesReport,
  FilesRequest,
  FileTask,
  ReuploadRequest,
  RunHooks,
  SyncRequest,
  SyncService,
} from './service.ts';
import type { Library, Policy, Report, SyncSettings } from './types.ts';
import { verify } from './verify.ts';

/** What the service is made of. Disk and bucket are opened a run, so that each run counts its own requests. */
export interface SyncParts extends ScopeParts {
  readonly catalog: CatalogPort;
  readonly archive: ArchiveStore;
  /** Told of archived objects that something has begun to wait for. */
  readonly onWaiting?: (waiting: readonly NewlyWaiting[]) => void;
  /** Looks at photos that are uploaded while their bytes are at hand; left out: nobody here does. */
  readonly intake?: Pick<MediaIntake, 'keeping'>;
  /** Left out: variants of photos that are deleted stay. */
  readonly remains?: Remains;
  readonly settings: SyncSettings;
  readonly log: Log;
  readonly now: Clock;
}

/** The service over these parts. */
export function createSyncService(parts: SyncParts): SyncService {
  const differences = new Differences();
  return {
    sync: (request, hooks, signal) => sync(parts, differences, request, hooks, signal),
    apply: (plan, hooks, signal) => apply(parts, plan, hooks, signal),
    compare: (request, signal) => compare(parts, request, signal),
    restore: (request, signal) => restoreWaiting(parts, request, signal),
    restoreStatus: (request, signal) => restoreStatusOf(parts, request, signal),
    files: (task, request, hooks, signal) => files(parts, task, request, hooks, signal),
    reupload: (request, hooks, signal) => reupload(parts, request, hooks, signal),
    verify: (request, hooks, signal) => verify(parts, request, hooks, signal),
  };
}

async function sync(
  parts: SyncParts,
  differences: Differences,
  request: SyncRequest,
  hooks: RunHooks,
  signal: AbortSignal,
): Promise<Report> {
  const kind = request.kind ?? 'sync';
  const policy = policyOf(request);
  const scopes = await resolveScopes(parts, { ...request, inBucket: policy.direction !== 'up' }, signal);
  const maxDelete =
    request.maxDelete === undefined ? parts.settings.maxDelete : parseDeleteLimit(request.maxDelete, 'maxDelete');
  const options = { policy, kind, maxDelete, differences, ...runOptionsOf(parts), ...tidyingOf(kind, policy) };
  return runParts(
    scopes.map((scope) => ({ scope })),
    { kind, policy, entry: entryOf(request), hooks, ...parts },
    (part, more, ending) =>
      run(runSides(parts, part.scope.library), { ...options, ...part, ...more }, surveyPlan, ending),
    signal,
  );
}

function entryOf({ runId, parentId }: SyncRequest): Pick<SyncRequest, 'runId' | 'parentId'> {
  return { ...(runId !== undefined && { runId }), ...(parentId !== undefined && { parentId }) };
}

/** What every run of the engine is given. */
function runOptionsOf({ settings, log, now, onWaiting, remains }: SyncParts) {
  return { settings, log, now, ...(onWaiting && { onWaiting }), ...(remains && { remains }) };
}

/** Runs that go on with uploads that were cut off remove those that they leave. */
export function tidyingOf(kind: SyncRequest['kind'], { direction, moves }: Policy): Pick<RunOptions, 'tidy'> {
  return direction === 'down' || moves === 'only' ? {} : { tidy: { thorough: kind === 'reconcile' } };
}

/** The same lock, history and report as a sync; only what is missing or incomplete in the bucket is sent. */
async function reupload(
  parts: SyncParts,
  request: ReuploadRequest,
  hooks: RunHooks,
  signal: AbortSignal,
): Promise<Report> {
  const jobs = await reuploadJobs(parts, request, signal);
  const options = { ...REUPLOAD, maxDelete: parts.settings.maxDelete, ...runOptionsOf(parts) };
  return runParts(
    jobs,
    { ...REUPLOAD, entry: {}, hooks, ...parts },
    ({ source, ...job }: ReuploadJob, more, ending) =>
      run(runSides(parts, job.scope.library), { ...options, ...job, ...more }, source, ending),
    signal,
  );
}

/**
 * Runs a saved plan in its library. The guards are asked again; each action still checks file and object for
 * itself, and one whose row has changed since is left as PLAN_STALE.
 */
async function apply(parts: SyncParts, plan: SavedPlan, hooks: RunHooks, signal: AbortSignal): Promise<Report> {
  const library = await parts.libraries.find(plan.library.id);
  if (library === null) {
    throw new RollcallError('NOT_FOUND', `the plan's library ${plan.library.name} is not in this catalog`);
  }
  if (library.bucket !== plan.library.bucket || library.prefix !== plan.library.prefix) {
    throw new RollcallError('BAD_PLAN', `the library ${library.name} has another bucket or prefix than the plan`);
  }
  const options: RunOptions = {
    scope: { library, album: plan.album },
    policy: plan.policy,
    ...runOptionsOf(parts),
    maxDelete: plan.maxDelete,
    kind: 'apply',
    hooks,
  };
  return run(runSides(parts, library), options, (current) => savedActions(plan, library, current), signal);
}

async function savedActions(saved: SavedPlan, library: Library, current: RunInProgress): Promise<Plan> {
  const { fresh, stale } = await stillHolding(saved, library, current.sides.catalog, current.signal);
  for (const action of stale) {
    const message = 'its row has changed since the plan was made; make a new plan';
    current.tally.fail(action.path, { code: 'PLAN_STALE', message });
  }
  return {
    actions: fresh,
    albums: saved.albums,
    complete: true,
    // Nobody has looked: the guard does.
    filesOnDisk: 0,
    photosInScope: saved.photosInScope,
    skipped: [],
  };
}

/** For what uploads: photos are read once, also to be looked at. */
export function runSides(parts: SyncParts, library: Library): Sides {
  const sides = sidesOf(parts, library);
  return parts.intake ? { ...sides, disk: parts.intake.keeping(sides.disk, library) } : sides;
}

function sidesOf(parts: SyncParts, library: Library): Sides {
  return { catalog: parts.catalog, disk: parts.openDisk(library), bucket: parts.openBucket(library) };
}

async function compare(parts: SyncParts, request: CompareRequest, signal: AbortSignal): Promise<readonly Compared[]> {
  const compared: Compared[] = [];
  for (const scope of await resolveScopes(parts, { ...request, inBucket: true }, signal)) {
    const { localImages } = request;
    const localKeys = localImages === undefined ? null : localKeysOf(localImages, scope);
    const sides = sidesOf(parts, scope.library);
    const lists = await compareScope(sides, scope, { settings: parts.settings, localKeys }, signal);
    compared.push({ ...scope, lists });
  }
  return compared;
}

async function files(
  parts: SyncParts,
  task: FileTask,
  request: FilesRequest,
  hooks: RunHooks,
  signal: AbortSignal,
): Promise<FilesReport> {
  const [scope] = await resolveScopes(parts, { ...request, inBucket: task === 'download' }, signal);
  if (!scope || scope.album === null) throw new RollcallError('BAD_INPUT', 'an album is needed', { field: 'album' });
  const sides = runSides(parts, scope.library);
  return runFileTask(
    task,
    request.filenames,
    { sides, parts, hooks, library: scope.library, album: scope.album },
    signal,
  );
}
