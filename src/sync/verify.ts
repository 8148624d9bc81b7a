/**
 * Holds the bytes on disk and in the bucket against the rows (DESIGN 13).
 *
 * A verify may take days and changes nothing, so it takes no lock that would keep a sync out: only other verifies of the
 * same photos. How it stays honest beside a sync: what is found wrong is reported only after the row was read again and
 * still says what the photo was held against, otherwise the photo is read again against the new row; a version that disk
 * and bucket agree on is no damage, whatever the row says; and a result is noted only where key, size, date, MD5 and ETag
 * of the row are those it was found with. What could not be noted is first in line next time.
 */
import { asRollcallError, RollcallError } from '../errors.ts';
import type { CatalogPort, CheckPlan, ScopeLock } from './catalog-port.ts';
import { guardEmptyRoot } from './guards.ts';
import { prefixOf, type Sides } from './inventory.ts';
import type { Clock, Log } from './ports.ts';
import { ProgressMeter } from './progress.ts';
import { startPulse } from './pulse.ts';
import { resolveScopes, type ScopeParts } from './resolve-scopes.ts';
import { logWith } from './run-log.ts';
import { type PartOptions, runParts } from './run-parts.ts';
import type { RunHooks, VerifyRequest } from './service.ts';
import type { Report, RunStatus, Scope, SyncSettings } from './types.ts';
import { VerifyRun } from './verify-run.ts';

/** What a verify is made of. */
export interface VerifyParts extends ScopeParts {
  readonly catalog: CatalogPort;
  readonly settings: Pick<SyncSettings, 'checkConcurrency' | 'maxDelete'>;
  readonly log: Log;
  readonly now: Clock;
}

const KIND = 'verify';

/**
 * SyncService.verify. A run that was cut off answers, or throws, with the status `failed`; the next full one of the same
 * scope leaves out what it had read, for a month.
 */
export async function verify(
  parts: VerifyParts,
  request: VerifyRequest,
  hooks: RunHooks,
  signal: AbortSignal,
): Promise<Report> {
  const { catalog, log, now } = parts;
  const percent = percentOf(request);
  const scopes = await resolveScopes(parts, { ...request, inBucket: false }, signal);
  return runParts(
    scopes.map((scope) => ({ scope })),
    { catalog, kind: KIND, policy: { sample: percent }, entry: {}, hooks, log, now },
    ({ scope }, options, ending) => verifyScope(parts, scope, percent, options, ending),
    signal,
  );
}

/** Null: everything. */
function percentOf({ sample }: VerifyRequest): number | null {
  if (sample === undefined || sample === 100) return null;
  if (sample > 0 && sample < 100) return sample;
  throw new RollcallError('BAD_INPUT', 'sample must be a share in percent, above 0 and at most 100', {
    field: 'sample',
  });
}

async function verifyScope(
  parts: VerifyParts,
  scope: Scope,
  percent: number | null,
  options: PartOptions,
  signal: AbortSignal,
): Promise<Report> {
  const { catalog } = parts;
  const lock = await catalog.lock(scope, signal, 'verify');
  try {
    const begun = percent === null ? await catalog.unfinishedVerify(scope, signal) : null;
    const plan = await catalog.planCheck(scope, { since: begun, percent }, signal);
    // One that had checked nothing yet is no beginning to go on from.
    const resumes = begun !== null && plan.done > 0;
    return await recorded({ parts, scope, percent, plan, resumes, lock, ...options }, signal);
  } finally {
    await lock.release();
  }
}

interface Verifying extends PartOptions {
  readonly parts: VerifyParts;
  readonly scope: Scope;
  readonly percent: number | null;
  readonly plan: CheckPlan;
  readonly resumes: boolean;
  readonly lock: ScopeLock;
}

async function recorded(verifying: Verifying, signal: AbortSignal): Promise<Report> {
  const { parts, scope, plan, resumes, lock, hooks } = verifying;
  const { catalog, now, settings } = parts;
  const startedMs = now();
  const id = await begin(verifying);
  hooks.onStart?.(id);
  const log = logWith(parts.log, { run: id, library: scope.library.name, album: scope.album });
  if (resumes) {
    log.info({ since: plan.since }, `Goes on with the verify of ${plan.since}: ${plan.done} photos are done`);
    hooks.onResume?.({ library: scope.library.name, since: plan.since, photos: plan.done });
  }
  const progress = new ProgressMeter(id, scope.library.name, hooks.onProgress, now);
  const pulse = startPulse({ catalog, runId: id, progress: () => progress.state, log });
  const stop = AbortSignal.any([signal, pulse.signal, lock.signal]);
  const sides = { catalog, disk: parts.openDisk(scope.library), bucket: parts.openBucket(scope.library) };
  const run = new VerifyRun({ id, scope, sides, plan, settings, progress, log, signal: stop });
  const end = async (status: RunStatus, error?: RollcallError): Promise<Report> => {
    pulse.stop();
    const report = run.report({ runId: id, status, durationMs: now() - startedMs, ...(error && { error }) });
    await catalog.finishRun(id, report.status, report);
    return report;
  };
  try {
    await assertReadable(sides, scope, stop);
    await run.readAll();
    return await end('succeeded');
  } catch (thrown) {
    const error = asRollcallError(lock.signal.aborted ? lock.signal.reason : thrown);
    const ended = end(error.code.startsWith('GUARD_') ? 'refused' : 'failed', error);
    if (error.code === 'CANCELLED') return await ended;
    await ended.catch((cause: unknown) => {
      log.error({ cause: asRollcallError(cause).message }, 'the end of the run could not be recorded');
    });
    throw error;
  } finally {
    pulse.stop();
    progress.finish();
  }
}

/** `since` makes the next one able to go on from here. */
function begin({ parts, scope, percent, plan, resumes, parentId }: Verifying): Promise<string> {
  return parts.catalog.beginRun({
    library: scope.library,
    album: scope.album,
    kind: KIND,
    policy: { sample: percent, since: plan.since, resumed: resumes },
    ...(parentId !== undefined && { parentId }),
  });
}

/** A disk that is not mounted and a bucket that may not be used are no damage. */
async function assertReadable({ disk, bucket, catalog }: Sides, scope: Scope, signal: AbortSignal): Promise<void> {
  await disk.verifyRoot(signal);
  if (await disk.isBare(signal)) {
    guardEmptyRoot(scope.library.root, false, await catalog.countLive(scope, signal));
  }
  await bucket.preflight(prefixOf(scope), signal);
}
