/** Which photos have to be looked at: SQL about rows of "Photo" AS p. */
import type { MediaScope } from '../sync/media-store.ts';
import { isUuid } from './cursor.ts';

/** Could a photo's picture be looked at at all? It is in the bucket, and its file is on disk. */
export const LOOKABLE = `p."kind" IN ('image', 'video') AND p."etag" IS NOT NULL AND p."md5" IS NOT NULL
  AND p."state" NOT IN ('orphaned', 'lost')`;

/** In the very words of its index (prisma/migrations, fewer_indexes), so that PostgreSQL sees that it may use that. */
export const DUE = `p."kind" IN ('image', 'video') AND p."etag" IS NOT NULL AND p."md5" IS NOT NULL
  AND (p."mediaOf" IS DISTINCT FROM p."md5" OR p."mediaWoken") AND p."state" NOT IN ('orphaned', 'lost')`;

/**
 * In the order of that index, which no other one has: PostgreSQL would take that and read all photos to find out that
 * none is due. Pictures before videos, as they were written. Without keys, since each new photo is due and this way they
 * take one entry between them.
 */
export const IN_TURN = 'p."libraryId", p."kind"';

/** Nobody is at it, and it is not put off: whoever claimed it longer ago has died, or will find his claim gone. */
export const FREE = `(p."mediaClaimedAt" IS NULL OR p."mediaClaimedAt" < now() - interval '10 minutes')`;

/** So often a photo may be looked at in vain before it is given up. */
export const ATTEMPTS = 5;

/** One version of one photo. */
export interface PhotoVersion {
  readonly libraryId: string;
  readonly key: string;
  readonly md5: string;
}

export interface Condition {
  readonly sql: string;
  readonly values: readonly unknown[];
}

/** The photos of a scope. Only what is asked for stands in it, since each scope has an index of its own. */
export function within(scope: MediaScope | PhotoVersion): Condition {
  const parts: string[] = [];
  const values: unknown[] = [];
  const add = (sql: (parameter: string) => string, value: unknown) => {
    values.push(value);
    parts.push(sql(`$${values.length}`));
  };
  if (scope.libraryId !== undefined) add((id) => `p."libraryId" = ${id}`, uuid(scope.libraryId));
  if ('md5' in scope) {
    parts.push('p."bucket" = (SELECT "bucket" FROM "Library" WHERE "id" = $1)');
    add((key) => `p."key" = ${key}`, scope.key);
    add((md5) => `p."md5" = ${md5}`, scope.md5);
    return { sql: parts.join(' AND '), values };
  }
  if (scope.album !== undefined) {
    add((path) => `p."albumId" = (SELECT "id" FROM "Album" WHERE "libraryId" = $1 AND "path" = ${path})`, scope.album);
  }
  if (scope.photoIds !== undefined) add((ids) => `p."id" = ANY(${ids}::uuid[])`, scope.photoIds.filter(isUuid));
  return { sql: parts.length === 0 ? 'true' : parts.join(' AND '), values };
}

/** An id that is no UUID is one that nothing has. */
function uuid(id: string): string | null {
  return isUuid(id) ? id : null;
}
