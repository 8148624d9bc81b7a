/** Holds the files of an album against its objects, byte for byte, and touches neither (DESIGN 7). */
import pMap from 'p-map';
import { asRollcallError, RollcallError } from '../errors.ts';
import { type Comparison, type Contents, Lists, type OnDisk, placeOf } from './compare-lists.ts';
import { guardEmptyRoot } from './guards.ts';
import { openSurvey, type Sides, type Survey } from './inventory.ts';
import type { BucketObject, CatalogRow, LocalFile, Scope, SyncSettings, Triple } from './types.ts';

export interface CompareOptions {
  readonly settings: Pick<SyncSettings, 'checkConcurrency' | 'uploadConcurrency'>;
  /** Only files with these keys are compared; null: all. Objects without a file are listed either way. */
  readonly localKeys: ReadonlySet<string> | null;
}

/** A file and an object under one key. */
interface Pair extends Triple {
  readonly local: LocalFile;
  readonly object: BucketObject;
}

interface Judgement {
  readonly contents: Contents;
  readonly md5: string | null;
}

/** One of the two became another while they were compared. */
const MOVED_ON = new Set(['FILE_UNSTABLE', 'FILE_GONE', 'OBJECT_PRECONDITION']);

const UNKNOWN: Judgement = { contents: 'unknown', md5: null };

/**
 * Compares a scope. A file whose MD5 is on record and that still is that version is not read; any other that has an
 * object is, at most `uploadConcurrency` at a time. Throws what kept a side from being read whole (FOLDER_UNREADABLE,
 * FILE_UNREADABLE, LISTING_FAILED, …), GUARD_* for a root that is not there, BUCKET_*, OBJECT_* and DATABASE_*: what
 * could not be read is in no list.
 */
export async function compareScope(
  sides: Sides,
  scope: Scope,
  options: CompareOptions,
  signal: AbortSignal,
): Promise<Comparison> {
  await sides.disk.verifyRoot(signal);
  // Only a listing shows what the disk does not know; markers of folders are no photos.
  const settings = { existenceCheck: 'list', checkConcurrency: options.settings.checkConcurrency } as const;
  const survey = openSurvey(sides, scope, settings, 'up', signal);
  const lists = new Lists(scope);
  let filesOnDisk = 0;
  for await (const batch of survey.triples) {
    const known = new Map(batch.filter(isPair).map((pair) => [pair.key, onRecord(pair)]));
    const unread = batch.filter(isPair).filter(({ key }) => known.get(key) === null && isAskedFor(key, options));
    const read = await readContents(sides, unread, options.settings.uploadConcurrency, signal);
    for (const triple of batch) {
      if (triple.local) filesOnDisk += 1;
      const judged = read.get(triple.key) ?? known.get(triple.key) ?? UNKNOWN;
      lists.add(triple, placeOfTriple(triple, survey, judged, options), judged.md5);
    }
  }
  signal.throwIfAborted();
  const hiding = survey.problems().find((problem) => problem.hides);
  if (hiding) throw new RollcallError(hiding.code, `${hiding.path}: ${hiding.message}; nothing was compared`);
  if (filesOnDisk === 0 && (await sides.disk.isBare(signal))) {
    guardEmptyRoot(scope.library.root, false, await sides.catalog.countLive(scope, signal));
  }
  return lists.comparison;
}

function isPair(triple: Triple): triple is Pair {
  return triple.local !== undefined && triple.object !== undefined;
}

function isAskedFor(key: string, { localKeys }: CompareOptions): boolean {
  return localKeys === null || localKeys.has(key);
}

/** What is known of a pair without reading the file; null: it has to be read. */
function onRecord({ local, row, object }: Pair): Judgement | null {
  // Which of the files is meant?
  if (local.twins !== undefined) return UNKNOWN;
  if (row === undefined || row.md5 === null || !isVersion(row, local)) return null;
  if (object.size !== local.size) return { contents: 'other size', md5: row.md5 };
  const same = object.etag === row.etag || object.etag === row.md5;
  return same ? { contents: 'same', md5: row.md5 } : null;
}

function isVersion(row: CatalogRow, local: LocalFile): boolean {
  return row.size === local.size && row.mtimeNs === local.mtimeNs && row.inode === local.inode;
}

/** Reads the files of these pairs. The first error ends it, once what is under way has ended. */
async function readContents(
  sides: Sides,
  pairs: readonly Pair[],
  concurrency: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Judgement>> {
  const judged = new Map<string, Judgement>();
  let failed: RollcallError | null = null;
  const read = async (pair: Pair) => {
    if (failed !== null || signal.aborted) return;
    try {
      judged.set(pair.key, await readPair(sides, pair, signal));
    } catch (thrown) {
      failed ??= asRollcallError(thrown);
    }
  };
  await pMap(pairs, read, { concurrency });
  signal.throwIfAborted();
  if (failed !== null) throw failed;
  return judged;
}

async function readPair({ disk, bucket }: Sides, pair: Pair, signal: AbortSignal): Promise<Judgement> {
  const { local, row, object } = pair;
  try {
    const file = await disk.open(local.path, local, signal);
    try {
      const recorded = row?.etag === object.etag ? row : { md5: null, partSize: null };
      const { match, md5 } = await bucket.compare(file, object, recorded, signal);
      return { contents: object.size === local.size ? match : 'other size', md5 };
    } finally {
      await file.close();
    }
  } catch (thrown) {
    if (MOVED_ON.has(asRollcallError(thrown).code)) return UNKNOWN;
    throw thrown;
  }
}

function placeOfTriple(triple: Triple, survey: Survey, judged: Judgement, options: CompareOptions) {
  const vouches = survey.vouchesFor(triple.key);
  const absent: OnDisk = vouches.disk ? 'none' : 'left out';
  const present: OnDisk = isAskedFor(triple.key, options) ? 'file' : 'left out';
  const bucket = triple.object ? 'object' : vouches.bucket ? 'none' : 'unseen';
  return placeOf(triple.local ? present : absent, bucket, judged.contents);
}
