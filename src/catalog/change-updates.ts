/** The changes that name an existing row by its id. A row that is gone meanwhile is left out without a word. */
import { posix } from 'node:path';
import type pg from 'pg';
import type { RowChange } from '../sync/catalog-port.ts';
import type { Library } from '../sync/types.ts';
import { storable } from './text.ts';

export type KnownChange = Extract<RowChange, { kind: 'state' | 'refreshed' | 'deleting' | 'deleted' }>;
type StateChange = Extract<RowChange, { kind: 'state' }>;
type Refresh = Extract<RowChange, { kind: 'refreshed' }>;

/**
 * What any new state means for the stamps: grace runs from the first orphaning, and whoever sees a photo in some state
 * again sees that a deletion that was announced did not come about.
 */
const STAMPS = `
  "orphanedAt" = CASE WHEN u.state = 'orphaned' THEN coalesce(p."orphanedAt", now()) END, "deletingAt" = NULL`;

const STATE = `
UPDATE "Photo" AS p SET "state" = u.state, "lastError" = u.error, "updatedAt" = now(), ${STAMPS}
  FROM unnest($2::uuid[], $3::"PhotoState"[], $4::text[]) AS u (id, state, error)
 WHERE p."id" = u.id AND p."libraryId" = $1
   AND ((p."state", p."lastError") IS DISTINCT FROM (u.state, u.error)
        OR p."deletingAt" IS NOT NULL OR (p."orphanedAt" IS NOT NULL) <> (u.state = 'orphaned'))`;

/**
 * A new spelling of the path is taken only if it still is the path of the row's key. An MD5 stays known as long as the
 * file is the one it was computed for (a device gets another number whenever it is mounted, an inode and the time it was
 * made do not change), a part size as long as the ETag is the one it explains.
 */
const REFRESHED = `
UPDATE "Photo" AS p SET
  "path" = coalesce(u.path, p."path"), "fileName" = coalesce(u.file, p."fileName"),
  "size" = coalesce(u.size, p."size"), "mtimeNs" = coalesce(u.mtime, p."mtimeNs"),
  "device" = coalesce(u.device, p."device"), "inode" = coalesce(u.inode, p."inode"),
  "birthNs" = CASE WHEN u.inode IS NULL THEN p."birthNs" ELSE u.birth END,
  "md5" = CASE WHEN
    (coalesce(u.size, p."size"), coalesce(u.mtime, p."mtimeNs"), coalesce(u.inode, p."inode")) IS NOT DISTINCT FROM
    (p."size", p."mtimeNs", p."inode") AND coalesce(p."birthNs" = u.birth, true) THEN p."md5" END,
  "etag" = coalesce(u.etag, p."etag"),
  "partSize" = CASE WHEN coalesce(u.etag, p."etag") IS NOT DISTINCT FROM p."etag" THEN p."partSize" END,
  "state" = u.state, "lastError" = NULL, "updatedAt" = now(), ${STAMPS}
  FROM unnest($2::uuid[], $3::"PhotoState"[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[],
              $9::bigint[], $10::bigint[], $11::bigint[], $12::text[])
    AS u (id, state, path, file, key, size, mtime, device, inode, birth, etag)
 WHERE p."id" = u.id AND p."libraryId" = $1 AND (u.path IS NULL OR p."key" = u.key)`;

const DELETING = `
UPDATE "Photo" SET "deletingAt" = now(), "updatedAt" = now()
 WHERE "libraryId" = $1 AND "id" = ANY($2::uuid[]) AND "deletingAt" IS NULL`;

/** Only a deletion that was announced removes a row. */
const DELETED = `
DELETE FROM "Photo" WHERE "libraryId" = $1 AND "id" = ANY($2::uuid[]) AND "deletingAt" IS NOT NULL`;

/** Writes changes of which no two mean the same row. */
export async function updateRows(
  client: pg.PoolClient,
  library: Library,
  changes: readonly KnownChange[],
): Promise<void> {
  const sorted = changes.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  await setStates(
    client,
    library,
    sorted.filter((change) => change.kind === 'state'),
  );
  await refresh(
    client,
    library,
    sorted.filter((change) => change.kind === 'refreshed'),
  );
  await touch(client, DELETING, library, idsOf(sorted, 'deleting'));
  await touch(client, DELETED, library, idsOf(sorted, 'deleted'));
}

async function setStates(client: pg.PoolClient, library: Library, changes: readonly StateChange[]): Promise<void> {
  if (changes.length === 0) return;
  const values = [
    library.id,
    changes.map((change) => change.id),
    changes.map((change) => change.state),
    changes.map((change) => storable(change.error)),
  ];
  await client.query({ name: 'rollcall-state', text: STATE, values });
}

async function refresh(client: pg.PoolClient, library: Library, changes: readonly Refresh[]): Promise<void> {
  if (changes.length === 0) return;
  const paths = changes.map((change) => change.path ?? null);
  const values = [
    library.id,
    changes.map((change) => change.id),
    changes.map((change) => change.state),
    paths,
    paths.map((path) => path && posix.basename(path)),
    paths.map((path) => path && library.prefix + path.normalize('NFC')),
    changes.map((change) => change.local?.size),
    changes.map((change) => change.local?.mtimeNs),
    changes.map((change) => change.local?.device),
    changes.map((change) => change.local?.inode),
    changes.map((change) => change.local?.birthNs),
    changes.map((change) => change.etag ?? null),
  ];
  await client.query({ name: 'rollcall-refreshed', text: REFRESHED, values });
}

async function touch(client: pg.PoolClient, text: string, library: Library, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await client.query(text, [library.id, ids]);
}

function idsOf(changes: readonly KnownChange[], kind: 'deleting' | 'deleted'): string[] {
  return changes.filter((change) => change.kind === kind).map((change) => change.id);
}
