/** What is refused before anything is touched (DESIGN 4): pure. */
import { RollcallError } from '../errors.ts';
import type { DeleteLimit } from './types.ts';

/** A share of the photos never refuses fewer deletions than this. */
const ALWAYS_ALLOWED = 10;

/** How many deletions (or, with a warning, marks) a limit allows among so many photos. */
export function allowedBy(limit: DeleteLimit, photosInScope: number): number {
  if ('count' in limit) return limit.count;
  return Math.max(ALWAYS_ALLOWED - 1, Math.floor((photosInScope * limit.percent) / 100));
}

/** GUARD_MAX_DELETE when a plan would delete more than the limit allows. */
export function guardMaxDelete(deletions: number, photosInScope: number, limit: DeleteLimit): void {
  const allowed = allowedBy(limit, photosInScope);
  if (deletions <= allowed) return;
  const share = 'percent' in limit ? `${limit.percent}% of ${photosInScope} photos` : `${limit.count}`;
  throw new RollcallError(
    'GUARD_MAX_DELETE',
    `${deletions} objects would be deleted, more than MAX_DELETE allows (${share}); nothing was done. ` +
      `If that is what you want, raise the limit for this run: --max-delete ${deletions}`,
  );
}

/** GUARD_EMPTY_ROOT when a root without a single photo stands against a catalog that has some. */
export function guardEmptyRoot(root: string, filesInRoot: boolean, livePhotos: number): void {
  if (filesInRoot || livePhotos === 0) return;
  throw new RollcallError(
    'GUARD_EMPTY_ROOT',
    `${root} is empty, but the catalog has ${livePhotos} photos of it; nothing was done. Is the disk mounted?`,
  );
}

/** A warning when so many photos went missing from disk at once that a mounted folder may be gone. */
export function manyGone(gone: number, photosInScope: number, limit: DeleteLimit, what: string): string | null {
  if (gone <= allowedBy(limit, photosInScope)) return null;
  return `${gone} of ${photosInScope} photos are gone from disk at once and ${what}. Is a folder of the library not mounted?`;
}
