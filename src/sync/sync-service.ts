/** Resolves a request to the scopes it covers and runs each (DESIGN 12: POST /api/sync). */
import { asRollcallError, RollcallError } from '../errors.ts';
import type { CatalogBrowser, LibraryStore } from './browse.ts';
import { parseDeleteLimit } from './delete-limit.ts';
import type { Sides } from './inventory.ts';
import type { Plan } from './plan.ts';
import { type SavedPlan, stillHolding } from './plan-file.ts';
import type { BucketPort, CatalogPort, Clock, DiskPort, Log } from './ports.ts';
import { policyOf } from './policy.ts';
import { surveyPlan } from './prepare.ts';
import { type RunInProgress, type RunOptions, run } from './run.ts';
import { albumPath } from './scope.ts';
import type { RunHooks, SyncRequest, SyncService } from './service.ts';
import { sumReports } from './tally.ts';
import type { Library, Report, Scope, SyncSettings } from './types.ts';

/** What the service is made of. Disk and bucket are opened a run, so that each run counts its own requests. */
export interface SyncParts {
  readonly catalog: CatalogPort;
  readonly libraries: LibraryStore;
  readonly browser: CatalogBrowser;
  openDisk(library: Library): DiskPort;
  openBucket(library: Library): BucketPort;
  readonly settings: SyncSettings;
  readonly log: Log;
  readonly now: Clock;
}

/** The service over these parts. */
export function createSyncService(parts: SyncParts): SyncService {
  return {
    sync: (request, hooks, signal) => sync(parts, request, hooks, signal),
    apply: (plan, hooks, signal) => apply(parts, plan, hooks, signal),
  };
}

async function sync(parts: SyncParts, request: SyncRequest, hooks: RunHooks, signal: AbortSignal): Promise<Report> {
  const scopes = await resolve(parts, request);
  const kind = request.kind ?? 'sync';
  const policy = policyOf(request);
  const maxDelete =
    request.maxDelete === undefined ? parts.settings.maxDelete : parseDeleteLimit(request.maxDelete, 'maxDelete');
  const options = {
    policy,
    kind,
    maxDelete,
    hooks,
    settings: parts.settings,
    log: parts.log,
    now: parts.now,
    ...(request.only && { only: request.only }),
  };
  const [scope] = scopes;
  if (scope && scopes.length === 1)
    return run(sidesOf(parts, scope.library), { ...options, scope }, surveyPlan, signal);
  return syncAll(parts, scopes, options, signal);
}

/** Several libraries, one after the other; one that fails does not stop the others. */
async function syncAll(
  parts: SyncParts,
  scopes: readonly Scope[],
  options: Omit<RunOptions, 'scope'>,
  signal: AbortSignal,
): Promise<Report> {
  const startedMs = parts.now();
  const { kind, policy, hooks } = options;
  const parentId = await parts.catalog.beginRun({ library: null, album: null, kind, policy });
  hooks.onStart?.(parentId);
  const reports: Report[] = [];
  for (const scope of scopes) {
    if (signal.aborted) break;
    reports.push(await runPart(parts, { ...options, scope, parentId }, signal));
  }
  const report = sumReports(parentId, reports, parts.now() - startedMs);
  await parts.catalog.finishRun(parentId, report.status, report);
  return report;
}

async function runPart(parts: SyncParts, options: RunOptions, signal: AbortSignal): Promise<Report> {
  let runId = '';
  const onStart = (id: string) => {
    runId = id;
  };
  try {
    const sides = sidesOf(parts, options.scope.library);
    return await run(sides, { ...options, hooks: { ...options.hooks, onStart } }, surveyPlan, signal);
  } catch (thrown) {
    const error = asRollcallError(thrown);
    if (error.code.startsWith('DATABASE_')) throw error;
    const status = error.code.startsWith('GUARD_') ? 'refused' : 'failed';
    const failed = sumReports(runId, [], 0);
    const path = options.scope.library.name;
    return { ...failed, status, failures: [{ path, code: error.code, message: error.message }] };
  }
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
    settings: parts.settings,
    maxDelete: parts.settings.maxDelete,
    kind: 'apply',
    hooks,
    log: parts.log,
    now: parts.now,
  };
  return run(sidesOf(parts, library), options, (current) => savedActions(plan, library, current), signal);
}

async function savedActions(saved: SavedPlan, library: Library, current: RunInProgress): Promise<Plan> {
  const { fresh, stale } = await stillHolding(saved, library, current.sides.catalog, current.signal);
  for (const action of stale) {
    const message = 'its row has changed since the plan was made; make a new plan';
    current.tally.fail(action.path, { code: 'PLAN_STALE', message });
  }
  return {
    actions: fresh,
    complete: true,
    filesOnDisk: fresh.filter((action) => 'local' in action).length,
    photosInScope: saved.photosInScope,
    skipped: [],
    untracked: [],
  };
}

function sidesOf(parts: SyncParts, library: Library): Sides {
  return { catalog: parts.catalog, disk: parts.openDisk(library), bucket: parts.openBucket(library) };
}

/** What a request covers: an album, a library, or every library. */
async function resolve(parts: SyncParts, request: SyncRequest): Promise<readonly Scope[]> {
  if (request.albumId !== undefined) return [await byAlbumId(parts, request.albumId, request.library)];
  if (request.library !== undefined) {
    const library = await parts.libraries.find(request.library);
    if (library === null)
      throw new RollcallError('NOT_FOUND', `there is no library ${request.library}`, { field: 'library' });
    return [await scopeOf(parts, library, request.album)];
  }
  const libraries = await allLibraries(parts.libraries);
  if (request.album === undefined) return libraries.map((library) => ({ library, album: null }));
  return [await libraryOfAlbum(parts, libraries, request.album)];
}

async function byAlbumId(parts: SyncParts, albumId: string, libraryName: string | undefined): Promise<Scope> {
  const album = await parts.browser.album(albumId);
  const library = album && (await parts.libraries.find(album.libraryId));
  const named = libraryName === undefined || library?.id === libraryName || library?.name === libraryName;
  if (!album || !library || !named) {
    throw new RollcallError('NOT_FOUND', `there is no album ${albumId}`, { field: 'albumId' });
  }
  return { library, album: album.path };
}

async function scopeOf(parts: SyncParts, library: Library, album: string | undefined): Promise<Scope> {
  if (album === undefined) return { library, album: null };
  const path = albumPath(album);
  if (await hasAlbum(parts, library, path)) return { library, album: path };
  throw new RollcallError('NOT_FOUND', `${library.name} has no album ${path}`, { field: 'album' });
}

/** An album is known by a folder on disk or by its rows. The disk is asked only where there are no rows. */
async function hasAlbum(parts: SyncParts, library: Library, path: string): Promise<boolean> {
  if ((await parts.browser.albumByPath(library.id, path)) !== null) return true;
  const disk = parts.openDisk(library);
  await disk.verifyRoot(AbortSignal.timeout(30_000));
  return disk.hasFolder(path, AbortSignal.timeout(30_000));
}

async function libraryOfAlbum(parts: SyncParts, libraries: readonly Library[], album: string): Promise<Scope> {
  const path = albumPath(album);
  const having: Library[] = [];
  for (const library of libraries) {
    if (await hasAlbum(parts, library, path)) having.push(library);
  }
  const [only] = having;
  if (only === undefined) throw new RollcallError('NOT_FOUND', `there is no album ${path}`, { field: 'album' });
  if (having.length > 1) {
    const names = having.map(({ name }) => name).join(', ');
    throw new RollcallError('BAD_INPUT', `album ${path} is in several libraries (${names}); name one in library`, {
      field: 'library',
    });
  }
  return { library: only, album: path };
}

async function allLibraries(store: LibraryStore): Promise<readonly Library[]> {
  const libraries: Library[] = [];
  let cursor: string | null = null;
  do {
    const page = await store.list({ limit: 1_000, ...(cursor !== null && { cursor }) });
    libraries.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return libraries;
}
