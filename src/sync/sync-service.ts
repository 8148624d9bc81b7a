/** The engine's calls: each resolved to the scopes it covers, and run there (DESIGN 7, 12). */
import { RollcallError } from '../errors.ts';
import { applyKept, applyPlan } from './apply.ts';
import { restoreStatusOf, restoreWaiting } from './archive.ts';
import { compareScope } from './compare.ts';
import { parseDeleteLimit } from './delete-limit.ts';
import { Differences } from './differences.ts';
import { runFileTask } from './file-tasks.ts';
import { localKeysOf } from './local-images.ts';
import { decideOnRecord, onRecordPlan } from './named-files.ts';
import { policyOf } from './policy.ts';
import { surveyPlan } from './prepare.ts';
import { resolveScopes } from './resolve-scopes.ts';
import { REUPLOAD, type ReuploadJob, reuploadJobs } from './reupload.ts';
import { run } from './run.ts';
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
import { runOptionsOf, runSides, type SyncParts, sidesOf, tidyingOf } from './sync-parts.ts';
import type { Report } from './types.ts';
import { verify } from './verify.ts';

/** The service over these parts. */
export function createSyncService(parts: SyncParts): SyncService {
  const differences = new Differences();
  return {
    sync: (request, hooks, signal) => sync(parts, differences, request, hooks, signal),
    apply: (plan, hooks, signal) => applyPlan(parts, plan, hooks, signal),
    applyKept: (runId, hooks, signal) => applyKept(parts, parts.plans, runId, hooks, signal),
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
  const keeps = policy.dryRun && request.keepPlan === true;
  const options = {
    policy,
    kind,
    maxDelete,
    differences,
    ...(keeps && { plans: parts.plans }),
    ...(request.files && { only: request.files, decide: decideOnRecord }),
    ...runOptionsOf(parts),
    ...tidyingOf(kind, policy),
  };
  const source = request.files ? onRecordPlan(request.files) : surveyPlan;
  return runParts(
    scopes.map((scope) => ({ scope })),
    { kind, policy, entry: entryOf(request), hooks, ...parts },
    (part, more, ending) => run(runSides(parts, part.scope.library), { ...options, ...part, ...more }, source, ending),
    signal,
  );
}

function entryOf({ runId, parentId }: SyncRequest): Pick<SyncRequest, 'runId' | 'parentId'> {
  return { ...(runId !== undefined && { runId }), ...(parentId !== undefined && { parentId }) };
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
