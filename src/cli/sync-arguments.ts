/** What `sync`, `moves` and `status` were given, checked and turned into a request of the engine. */
import { resolve } from 'node:path';
import type { Needs } from '../compose.ts';
import { BUCKET_NAME, prefixFault } from '../config.ts';
import { RollcallError } from '../errors.ts';
import { parseDeleteLimit } from '../sync/delete-limit.ts';
import { policyOf } from '../sync/policy.ts';
import { albumPath } from '../sync/scope.ts';
import type { SyncRequest } from '../sync/service.ts';
import type { PlaceArguments, SyncArguments, SyncCommand } from './invocation.ts';

type Target = NonNullable<Needs['target']>;

/** A checked command line: what to compose, what to ask of the engine, what to do with the plan. */
export interface SyncJob {
  readonly target: Target | null;
  readonly request: SyncRequest;
  /** Absolute; null: the plan is not saved. */
  readonly planOut: string | null;
  readonly printAll: boolean;
  /** Stay and sync again when files change. */
  readonly watch: boolean;
}

/** Checks the arguments of `sync`, `moves` or `status`. BAD_INPUT says which is wrong and what would be right. */
export function syncJob(kind: SyncCommand, given: SyncArguments, cwd: string): SyncJob {
  const target = placeTarget(given, cwd);
  const moves = kind === 'moves' ? 'only' : given.moves;
  if (given.delete && given.orphans !== undefined && given.orphans !== 'delete') {
    throw bad('--delete', `--delete deletes orphans and --orphans ${given.orphans} keeps them: give one of the two`);
  }
  if (moves === 'only' && (given.delete || given.orphans === 'delete')) {
    throw bad('--moves', '--moves only does nothing but renames: leave --delete and --orphans delete out');
  }
  if (given.watch) checkWatch(given);
  if (given.maxDelete !== undefined) parseDeleteLimit(given.maxDelete, '--max-delete');
  const request: SyncRequest = {
    kind,
    dryRun: kind === 'status' || given.dryRun || given.planOut !== undefined,
    ...(given.library === undefined ? {} : { library: given.library }),
    ...(given.album === undefined ? {} : { album: albumPath(given.album, '--album') }),
    ...(given.direction === undefined ? {} : { direction: given.direction }),
    ...(given.compare === undefined ? {} : { compare: given.compare }),
    ...(given.overwrite === undefined ? {} : { overwrite: given.overwrite }),
    ...(given.delete ? { orphans: 'delete', deleteNow: true } : {}),
    ...(given.orphans === undefined ? {} : { orphans: given.orphans }),
    ...(moves === undefined ? {} : { moves }),
    ...(given.maxDelete === undefined ? {} : { maxDelete: given.maxDelete }),
  };
  policyOf(request);
  return {
    target,
    request,
    planOut: given.planOut === undefined ? null : resolve(cwd, given.planOut),
    printAll: given.all,
    watch: given.watch,
  };
}

/** Watching syncs whole libraries, for good. Deletions as they happen would pass MAX_DELETE by, a few at a time. */
function checkWatch(given: SyncArguments): void {
  if (given.album !== undefined) throw bad('--watch', '--watch watches whole libraries: leave --album out');
  if (given.dryRun || given.planOut !== undefined) {
    throw bad('--watch', '--watch syncs and does not plan: leave --dry-run and --plan-out out');
  }
  if (!given.delete) return;
  const instead = '--orphans delete, which waits ORPHAN_GRACE_DAYS';
  throw bad('--watch', `--watch does not go with --delete, which would follow every slip at once: give ${instead}`);
}

/** The folder and place that were named, if any. BAD_INPUT for one beside a configured library. */
export function placeTarget({ folder, target, library }: PlaceArguments, cwd: string): Target | null {
  if (folder === undefined) return null;
  if (library !== undefined) {
    throw bad('--library', '--library names a configured library: give it or a folder, not both');
  }
  if (folder.trim() === '') throw bad('folder', 'the folder is empty');
  if (/^s3:/i.test(folder)) {
    throw bad('folder', 'the folder comes before the bucket, as in ~/Pictures s3://bucket/prefix');
  }
  return { folder: resolve(cwd, folder), ...(target === undefined ? NOWHERE : parseBucketAddress(target)) };
}

const NOWHERE = { bucket: null, prefix: null };

/**
 * Reads `s3://bucket/prefix`. A `/` is added to a prefix without one, so that `photos` never means `photos-old`
 * too. BAD_INPUT names what is wrong.
 */
export function parseBucketAddress(text: string): { readonly bucket: string; readonly prefix: string } {
  const match = /^s3:\/\/([^/]*)\/?(.*)$/s.exec(text);
  if (match === null) throw bad('target', 'the target must look like s3://bucket/prefix');
  const [, bucket = '', rest = ''] = match;
  if (!BUCKET_NAME.test(bucket)) {
    throw bad('target', 'the bucket in s3://bucket/prefix must have a name of 3 to 63 of a-z, 0-9, . and -');
  }
  const prefix = rest === '' || rest.endsWith('/') ? rest : `${rest}/`;
  const fault = prefixFault(prefix);
  if (fault !== null) throw bad('target', `the prefix in s3://bucket/prefix ${fault}`);
  return { bucket, prefix };
}

function bad(field: string, message: string): RollcallError {
  return new RollcallError('BAD_INPUT', message, { field });
}
