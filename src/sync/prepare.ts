/** What comes between a run's beginning and its first effect: the plan, the guards, the warnings, the bucket's ways. */

import type { Action, WaitAction } from './actions.ts';
import { isArchived } from './classify.ts';
import { MoveFinder, unrestored } from './find-moves.ts';
import { guardEmptyRoot, guardMaxDelete, manyGone } from './guards.ts';
import { openSurvey } from './inventory.ts';
import { Leftovers } from './leftovers.ts';
import { objectDates } from './object-dates.ts';
import { loggedName } from './outcomes.ts';
import { makePlan } from './plan.ts';
import type { SavedPlan } from './plan-file.ts';
import { copiesFor } from './plan-moves.ts';
import type { Plan } from './plan-options.ts';
import type { RunInProgress, RunOptions } from './run.ts';

/** So many photos that needed nothing are named in an album run's log. */
const SKIPPED_NAMED = 10_000;

/** Makes the plan by looking at all three sides. */
export async function surveyPlan(current: RunInProgress): Promise<Plan> {
  const { sides, options, tally, progress, signal } = current;
  const { scope, policy, settings, now } = options;
  // A run that was given its files one by one renames nothing.
  const whole = options.only === undefined && options.decide === undefined && policy.direction !== 'down';
  const finds = whole && (policy.moves !== false || settings.dedupeCopy);
  const { library } = scope;
  const leftovers = await sides.catalog.leftovers(library, signal);
  const survey = openSurvey(sides, scope, settings, policy.direction, signal);
  const rules = { policy, settings, pathOf: (key: string) => sides.disk.pathOf(key) };
  const plan = await makePlan(survey, rules, tally, {
    nameSkipped: scope.album === null ? 0 : SKIPPED_NAMED,
    only: options.only ?? null,
    ...(options.decide && { decide: options.decide }),
    onDecided: (triple, action, classified) => options.watch?.decided(triple, action, classified),
    now,
    knownConflict: (action) => options.differences?.of(scope.library.id, action) ?? null,
    datesOf: (batch) => objectDates(sides.bucket, batch, settings.checkConcurrency, signal),
    onScanned: (keys, lastPath) => progress.scanned(keys, lastPath),
    moves: finds ? new MoveFinder({ sides, library, policy, settings, signal }) : null,
    leftovers: new Leftovers(leftovers, scope, whole),
    copies: (uploads, md5s) => copiesFor(uploads, md5s, { catalog: sides.catalog, library, signal }),
    unrestored: (keys) => unrestored({ sides, settings, signal }, keys),
  });
  signal.throwIfAborted();
  return plan;
}

const WRITES = new Set<Action['kind']>(['upload', 'reupload', 'move', 'leftover', 'copy']);

/** What the bucket honours of safe writing, learnt before the first write to it, and a word about what it lacks. */
export async function learnBucket({ sides, options, tally, signal }: RunInProgress, plan: Plan): Promise<void> {
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
  switch (action.kind) {
    case 'adopt':
      return action.otherwise === 'replace';
    case 'delete':
      return action.object !== undefined;
    default:
      return WRITES.has(action.kind);
  }
}

/** Refuses a plan against an empty root, or one with too many deletions: GUARD_EMPTY_ROOT, GUARD_MAX_DELETE. */
export async function guard(current: RunInProgress, plan: Plan): Promise<void> {
  const { sides, options, signal } = current;
  const { library } = options.scope;
  if (plan.filesOnDisk === 0 && plan.complete) {
    const live = await sides.catalog.countLive(options.scope, signal);
    if (live > 0) guardEmptyRoot(library.root, await hasContents(current), live);
  }
  // Where the file stays, nothing is lost and the photos were named one by one: no limit.
  const deletions = plan.actions.filter((action) => action.kind === 'delete' && action.local === undefined).length;
  guardMaxDelete(deletions, plan.photosInScope, options.maxDelete);
}

/**
 * Is there any photo in the library at all? Where downloads bring back what was deleted, a folder that was emptied is
 * enough: only a root with nothing in it is taken for a disk that is not mounted.
 */
async function hasContents({ sides, options, signal }: RunInProgress): Promise<boolean> {
  if (options.policy.orphans === 'download') return !(await sides.disk.isBare(signal));
  for await (const batch of sides.disk.walk(null, signal).batches) {
    if (batch.length > 0) return true;
  }
  return false;
}

/** Puts into the report what a person should read first. */
export function warn({ options, tally }: RunInProgress, plan: Plan): void {
  if (options.surveyed) return;
  const among = (is: (action: Action) => boolean) => plan.actions.filter(is);
  const fetched = among((action) => action.kind === 'download' && action.row !== undefined && !action.local);
  const marked = among((action) => action.kind === 'mark');
  for (const [gone, what] of [
    [fetched, 'are downloaded again'],
    [marked, 'were marked; their objects are kept'],
  ] as const) {
    const many = manyGone(gone.length, plan.photosInScope, options.maxDelete, what);
    if (many !== null) tally.warnings.unshift(many);
  }
  const lost = among((action) => (action.kind === 'mark' ? action.state === 'lost' : isReport(action, 'lost')));
  if (lost.length > 0) tally.warnings.unshift(`LOST, gone from disk and bucket both: ${nameSome(lost)}`);
  const waiting = among((action) => isReport(action, 'unstable'));
  if (waiting.length > 0) tally.warnings.push(`Still being written, left for the next run: ${nameSome(waiting)}`);
}

function isReport(action: Action, what: 'lost' | 'unstable'): boolean {
  return action.kind === 'report' && action.what === what;
}

function nameSome(actions: readonly Action[]): string {
  const named = actions.slice(0, 20).map((action) => action.path);
  return actions.length > named.length
    ? `${named.join(', ')} and ${actions.length - named.length} more`
    : named.join(', ');
}

/** Says in the log what the run found, in the words of DESIGN 6. */
export function logCounts({ options, tally }: RunInProgress, plan: Plan): void {
  const { log, scope, settings } = options;
  const { photos } = tally;
  if (photos.new > 0) {
    log.info({}, `Processing ${photos.new} new photos in batches of ${settings.uploadConcurrency}`);
  }
  if (photos.existing > 0) log.info({}, `Checking ${photos.existing} existing photos for S3 presence`);
  for (const path of plan.skipped) {
    log.info({ path }, `Photo already exists in S3, skipping upload: ${loggedName(path, scope)}`);
  }
}

/** The closing line of a two-way sync, in the words of DESIGN 6. */
export function logTwoWay({ options, tally }: RunInProgress): void {
  const { downloaded, uploaded, skippedDownload, skippedUpload } = tally.files;
  const skipped = skippedDownload + skippedUpload;
  const { failed, conflicts, unstable, marked, deleted } = tally.actions;
  // What failed, waits or was left alone is not in sync, though nothing moved.
  const unsettled = failed + conflicts + unstable + marked + deleted;
  const line =
    downloaded + uploaded + unsettled > 0
      ? `S3 sync completed: ⬇️  ${downloaded} downloaded, ⬆️  ${uploaded} uploaded, ⏭️  ${skipped} skipped`
      : `S3 sync: All files in sync (⏭️  ${skipped} files already exist)`;
  options.log.info({}, line);
}

/** The plan with all that `apply` needs. */
export function savedPlan({ scope, policy, maxDelete, now }: RunOptions, plan: Plan): SavedPlan {
  const { id, name, bucket, prefix } = scope.library;
  return {
    version: 1,
    createdAt: new Date(now()).toISOString(),
    library: { id, name, bucket, prefix },
    album: scope.album,
    policy: { ...policy, dryRun: false },
    photosInScope: plan.photosInScope,
    maxDelete,
    actions: plan.actions,
    albums: plan.albums,
  };
}

/** What waits for a restore is kept in the catalog, and what waits no more is forgotten. */
export async function noteWaiting({ sides, options }: RunInProgress, plan: Plan, waiting: readonly WaitAction[]) {
  const { scope, policy, only, decide, kind, surveyed } = options;
  const settled: WaitAction['what'][] = [];
  // A plan that was saved says nothing of the photos that are not in it.
  const whole = only === undefined && decide === undefined && kind !== 'apply' && !surveyed;
  if (plan.complete && whole) {
    // An album's run does not see where its photos have gone.
    if (policy.direction !== 'down' && policy.moves !== false && scope.album === null) settled.push('move');
    if (policy.moves !== 'only' && (policy.direction !== 'up' || policy.orphans === 'download'))
      settled.push('download');
  }
  const archived = waiting.filter(({ object }) => isArchived(object));
  if (archived.length + settled.length === 0) return;
  const objects = archived.map(({ key, what, object, row }) => ({
    ...{ key, what, storageClass: object.storageClass, photoId: row?.id ?? null },
  }));
  const news = new Set((await sides.catalog.noteWaiting(scope, objects, settled)).map(({ key }) => key));
  const { bucket } = scope.library;
  const told = archived.filter(({ key }) => news.has(key));
  if (told.length === 0) return;
  options.onWaiting?.(
    told.map(({ key, path, to, what, object: { storageClass } }) => {
      return { bucket, key, path: to?.path ?? path, what, storageClass };
    }),
  );
}
