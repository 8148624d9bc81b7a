/** Photos that are due, taken by whoever looks at them next, and given back. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { compareKeys } from '../sync/key-order.ts';
import type { ClaimedPhoto, MediaScope } from '../sync/media-store.ts';
import type { FileFacts, PhotoKind } from '../sync/types.ts';
import { chunksOf } from './chunks.ts';
import type { Database } from './database.ts';
import { ATTEMPTS, DUE, FREE, IN_TURN, type PhotoVersion, within } from './media-due.ts';
import { storable } from './text.ts';
import { writeTransaction } from './transaction.ts';

/** What somebody else is claiming, or changing, at this moment is not waited for. */
const LOCK = `
SELECT p."id" FROM "Photo" AS p WHERE ${DUE} AND ${FREE} AND WITHIN
 ORDER BY ${IN_TURN} LIMIT MOST FOR NO KEY UPDATE SKIP LOCKED`;

const SPENT = 'its processing was cut off again and again: it may take more memory than there is';

/**
 * A statement of its own: it sees the sidecars as they are after the photos were locked, and whoever changes one later
 * finds the claim and ends it. A claim that was never ended counts as an attempt, or a photo that takes the process with
 * it would do so for ever. From the claim on nothing is known of the photo any more: should it not be ended, it stays due.
 */
const CLAIM = `
UPDATE "Photo" AS p SET
  "mediaWoken" = false, "mediaWith" = u.with,
  "mediaClaim" = CASE WHEN u.same OR u.spent THEN NULL ELSE $2::uuid END,
  "mediaClaimedAt" = CASE WHEN u.same OR u.spent THEN NULL ELSE now() END,
  "mediaOf" = CASE WHEN u.same OR u.spent THEN p."md5" END,
  "mediaAttempts" = CASE WHEN u.spent THEN 0 ELSE p."mediaAttempts" + (p."mediaClaim" IS NOT NULL)::int END,
  "mediaState" = CASE WHEN u.spent THEN 'failed' ELSE p."mediaState" END,
  "mediaError" = CASE WHEN u.spent THEN $3 ELSE p."mediaError" END,
  "mediaAt" = CASE WHEN u.spent THEN now() ELSE p."mediaAt" END
  FROM (
    SELECT q."id", s."md5" AS with, s."path", s."size", s."mtimeNs", s."device", s."inode", s."birthNs",
           (q."mediaOf" = q."md5" AND q."mediaWith" IS NOT DISTINCT FROM s."md5") IS TRUE AS same,
           q."mediaClaim" IS NOT NULL AND q."mediaAttempts" + 1 >= $4 AS spent
      FROM "Photo" AS q LEFT JOIN LATERAL "sidecarOf"(q."libraryId", q."key") AS s ON true
     WHERE q."id" = ANY($1::uuid[])) AS u
 WHERE p."id" = u."id"
RETURNING p."mediaClaim" AS claim, p."id", p."libraryId", p."key", p."path", p."kind", p."md5", p."size", p."mtimeNs",
  p."device", p."inode", p."birthNs", u."path" AS "sidecarPath", u."size" AS "sidecarSize",
  u."mtimeNs" AS "sidecarMtimeNs", u."device" AS "sidecarDevice", u."inode" AS "sidecarInode",
  u."birthNs" AS "sidecarBirthNs"`;

/** As the driver hands them over. */
interface Facts {
  readonly size: string;
  readonly mtimeNs: string;
  readonly device: string | null;
  readonly inode: string | null;
  readonly birthNs: string | null;
}

interface ClaimRow extends Facts {
  readonly claim: string | null;
  readonly id: string;
  readonly libraryId: string;
  readonly key: string;
  readonly path: string;
  readonly kind: PhotoKind;
  readonly md5: string;
  readonly sidecarPath: string | null;
  readonly sidecarSize: string;
  readonly sidecarMtimeNs: string;
  readonly sidecarDevice: string | null;
  readonly sidecarInode: string | null;
  readonly sidecarBirthNs: string | null;
}

/** MediaStore.claim. */
export async function claimPhotos(
  database: Database,
  scope: MediaScope | PhotoVersion,
  limit: number,
  signal: AbortSignal,
): Promise<readonly ClaimedPhoto[]> {
  for (;;) {
    signal.throwIfAborted();
    const { locked, claimed } = await writeTransaction(database, (client) => claimSome(client, scope, limit));
    // None of those that were locked has to be looked at, and there may be others.
    if (claimed.length > 0 || locked === 0) return claimed;
  }
}

async function claimSome(client: pg.PoolClient, scope: MediaScope | PhotoVersion, limit: number) {
  const { sql, values } = within(scope);
  const text = LOCK.replace('WITHIN', sql).replace('MOST', `$${values.length + 1}`);
  const found = await client.query<{ id: string }>(text, [...values, limit]);
  if (found.rows.length === 0) return { locked: 0, claimed: [] };
  const ids = found.rows.map(({ id }) => id);
  const { rows } = await client.query<ClaimRow>(CLAIM, [ids, randomUUID(), SPENT, ATTEMPTS]);
  const claimed = rows.flatMap(claimedPhoto);
  claimed.sort((a, b) => compareKeys(a.libraryId, b.libraryId) || compareKeys(a.key, b.key));
  return { locked: rows.length, claimed };
}

function claimedPhoto(row: ClaimRow): ClaimedPhoto[] {
  const { claim, id, libraryId, key, path, kind, md5, sidecarPath } = row;
  if (claim === null) return [];
  const sidecar = sidecarPath === null ? null : { path: sidecarPath, local: factsOf(sidecarFacts(row)) };
  return [{ id, libraryId, claim, key, path, kind, local: factsOf(row), md5, sidecar }];
}

function sidecarFacts(row: ClaimRow): Facts {
  return {
    size: row.sidecarSize,
    mtimeNs: row.sidecarMtimeNs,
    device: row.sidecarDevice,
    inode: row.sidecarInode,
    birthNs: row.sidecarBirthNs,
  };
}

function factsOf({ size, mtimeNs, device, inode, birthNs }: Facts): FileFacts {
  return {
    size: Number(size),
    mtimeNs: BigInt(mtimeNs),
    // Every row that was ever in agreement has them.
    device: BigInt(device ?? 0),
    inode: BigInt(inode ?? 0),
    ...(birthNs !== null && { birthNs: BigInt(birthNs) }),
  };
}

const GIVE_BACK = `
UPDATE "Photo" AS p SET
  "mediaClaim" = NULL, "mediaClaimedAt" = NULL,
  "mediaAttempts" = CASE WHEN $3::text IS NULL THEN p."mediaAttempts" WHEN l.last THEN 0 ELSE p."mediaAttempts" + 1 END,
  "mediaOf" = CASE WHEN l.last THEN p."md5" ELSE p."mediaOf" END,
  "mediaState" = CASE WHEN l.last THEN 'failed' ELSE p."mediaState" END,
  "mediaError" = CASE WHEN l.last THEN $3::text ELSE p."mediaError" END,
  "mediaAt" = CASE WHEN l.last THEN now() ELSE p."mediaAt" END
  FROM (
    SELECT q."id", $3::text IS NOT NULL AND q."mediaAttempts" + 1 >= $4 AS last
      FROM unnest($1::uuid[], $2::uuid[]) AS u (id, claim) JOIN "Photo" AS q ON q."id" = u.id AND q."mediaClaim" = u.claim
     ORDER BY q."id" FOR NO KEY UPDATE OF q) AS l
 WHERE p."id" = l."id"`;

const PUT_OFF = `
UPDATE "Photo" AS p SET "mediaClaim" = NULL, "mediaClaimedAt" = now()
  FROM unnest($1::uuid[], $2::uuid[]) AS u (id, claim) WHERE p."id" = u.id AND p."mediaClaim" = u.claim`;

/** MediaStore.putOff. */
export async function putOff(database: Database, photos: readonly ClaimedPhoto[]): Promise<void> {
  const sorted = photos.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  for (const some of chunksOf(sorted)) {
    const values = [some.map(({ id }) => id), some.map(({ claim }) => claim)];
    await writeTransaction(database, (client) => client.query(PUT_OFF, values));
  }
}

/** MediaStore.giveBack. */
export async function giveBack(
  database: Database,
  photos: readonly ClaimedPhoto[],
  error: string | null,
): Promise<void> {
  for (const some of chunksOf(photos)) {
    const values = [some.map(({ id }) => id), some.map(({ claim }) => claim), storable(error), ATTEMPTS];
    await writeTransaction(database, (client) => client.query(GIVE_BACK, values));
  }
}
