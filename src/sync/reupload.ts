/** Sends again what the bucket has lost: which runs that takes, and what each of them decides. */
import { RollcallError } from '../errors.ts';
import type { CatalogPort, LocatedRow } from './catalog-port.ts';
import type { Classified } from './classify.ts';
import { decide } from './decide.ts';
import { rowFacts } from './make-action.ts';
import type { Decide } from './plan-options.ts';
import { surveyPlan } from './prepare.ts';
import { resolveScopes, type ScopeParts } from './resolve-scopes.ts';
import type { PlanSource } from './run.ts';
import type { ReuploadRequest } from './service.ts';
import type { CatalogRow, Library, Policy, Scope } from './types.ts';

/** The normal policy of a sync upwards, which is what decides how something is sent. Renames are a sync's business. */
const POLICY: Policy = {
  direction: 'up',
  compare: 'existence',
  overwrite: 'known',
  orphans: 'mark',
  deleteNow: false,
  moves: false,
  dryRun: false,
};

export const REUPLOAD = { kind: 'reupload', policy: POLICY } as const;

/** More would make a statement and a plan of unknown size; whoever wants that many means an album or a library. */
export const MOST_PHOTO_IDS = 10_000;
/** So many are named in a warning. */
const NAMED = 20;

/** One run of a re-upload. */
export interface ReuploadJob {
  readonly scope: Scope;
  /** Only the files with these names; left out: all. */
  readonly only?: readonly string[];
  readonly decide: Decide;
  readonly source: PlanSource;
}

/**
 * The runs that a request takes: photos that were named are grouped by their folders. Throws before anything is done:
 * NOT_FOUND for an unknown album, library or photo, which it names; BAD_INPUT for too many photos, or none, or an album
 * beside them.
 */
export async function reuploadJobs(
  parts: ScopeParts & { readonly catalog: CatalogPort },
  request: ReuploadRequest,
  signal: AbortSignal,
): Promise<readonly ReuploadJob[]> {
  const { photoIds } = request;
  if (photoIds !== undefined) return jobsOfPhotos(parts, { ...request, photoIds }, signal);
  const scopes = await resolveScopes(parts, { ...request, inBucket: false }, signal);
  return scopes.map((scope) => ({ scope, decide: decideReupload, source: surveyPlan }));
}

/**
 * Only for photos of the catalog whose object is missing or incomplete, or was found damaged, and whose file is there. A
 * file without a row is a sync's business: it may be a photo that was renamed, which would lose its id here.
 */
export const decideReupload: Decide = (triple, classified, rules) => {
  const { local, row } = triple;
  if (row === undefined) return null;
  if (classified.finding === 'lost' && !row.deleting) {
    const { key, path } = row;
    const reason = 'gone from disk and bucket';
    return { kind: 'report', what: 'lost', code: 'LOST', key, path, reason, row: rowFacts(row) };
  }
  return local !== undefined && isWanting(classified, row) ? decide(triple, classified, rules) : null;
};

function isWanting({ presence, finding }: Classified, row: CatalogRow): boolean {
  if (presence === 'missing' || presence === 'incomplete') return true;
  return finding === 'in agreement' && row.damaged === 'object';
}

async function jobsOfPhotos(
  parts: ScopeParts & { readonly catalog: CatalogPort },
  request: ReuploadRequest & { readonly photoIds: readonly string[] },
  signal: AbortSignal,
): Promise<readonly ReuploadJob[]> {
  const ids = checkedIds(request);
  const rows = await parts.catalog.rowsById(ids, signal);
  const found = new Set(rows.map(({ id }) => id));
  const unknown = ids.find((id) => !found.has(id));
  if (unknown !== undefined) throw noPhoto(unknown);
  const jobs: ReuploadJob[] = [];
  for (const [libraryId, photos] of Map.groupBy(rows, (row) => row.libraryId)) {
    const library = await parts.libraries.find(libraryId);
    if (library === null) throw noPhoto(photos[0]?.id ?? '');
    for (const [album, some] of Map.groupBy(photos, (row) => folderOf(library, row))) {
      jobs.push(jobOf({ library, album }, some));
    }
  }
  return jobs;
}

/** Lower case, each once: as the catalog answers them. */
function checkedIds({ library, album, albumId, photoIds }: ReuploadRequest & { readonly photoIds: readonly string[] }) {
  const field = 'photoIds';
  if (library !== undefined || album !== undefined || albumId !== undefined) {
    throw new RollcallError('BAD_INPUT', 'photoIds name their albums: give them, or an album or library', { field });
  }
  if (photoIds.length === 0) throw new RollcallError('BAD_INPUT', 'photoIds must name a photo', { field });
  if (photoIds.length > MOST_PHOTO_IDS) {
    const message = `photoIds must be at most ${MOST_PHOTO_IDS} ids; an album or a library can be named instead`;
    throw new RollcallError('BAD_INPUT', message, { field });
  }
  return [...new Set(photoIds.map((id) => id.toLowerCase()))];
}

function noPhoto(id: string): RollcallError {
  return new RollcallError('NOT_FOUND', `there is no photo with the id ${id}`, { field: 'photoIds' });
}

/** The folder a photo is in, which a rename that was cut off half-way may have put ahead of its album. */
function folderOf({ prefix }: Library, { key }: LocatedRow): string {
  const path = key.slice(prefix.length);
  const end = path.lastIndexOf('/');
  return end < 0 ? '.' : path.slice(0, end);
}

function jobOf(scope: Scope, photos: readonly LocatedRow[]): ReuploadJob {
  const hidden: string[] = [];
  return {
    scope,
    only: photos.map(({ path }) => path.slice(path.lastIndexOf('/') + 1)),
    decide: (triple, classified, rules) => {
      if (triple.row && !triple.local && classified.finding === 'leave') hidden.push(triple.row.path);
      return decideReupload(triple, classified, rules);
    },
    source: async (current) => {
      const plan = await surveyPlan(current);
      // What could not be read is among the failures already.
      if (hidden.length > 0 && plan.complete) current.tally.warnings.push(hiddenWarning(hidden));
      return plan;
    },
  };
}

function hiddenWarning(paths: readonly string[]): string {
  const more = paths.length > NAMED ? ` and ${paths.length - NAMED} more` : '';
  return `Left alone, an exclude or a link keeps them out of the library: ${paths.slice(0, NAMED).join(', ')}${more}`;
}
