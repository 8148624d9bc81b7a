/** Agreements about photos that have no row yet, as nearly all of a first sync are. */
import type pg from 'pg';
import type { Library } from '../sync/types.ts';
import { textArray } from './binary-arrays.ts';
import { type Agreed, type KeyedChange, newlyAgreedQuery } from './change-inserts.ts';
import { chunksOf } from './chunks.ts';
import { type HeldParents, WORTH_HOLDING, withParentsHeld } from './held-parents.ts';
import { AT_ONCE, inTurn } from './in-turn.ts';

/** Of sidecars the photos that they belong to are told, by a trigger. */
export const PHOTOS: HeldParents = { table: 'Photo', needless: ['Photo_albumId_libraryId_fkey', 'Photo_sidecar_came'] };

/**
 * What a move left at these keys is a photo's own object from now on. Without a name, so that its plan is always one for
 * tables as large as they are by now.
 */
const ALL_NEW = `
WITH owned AS (DELETE FROM "Leftover" WHERE "libraryId" = $1 AND "bucket" = $2 AND "key" = ANY($3::text[]))
SELECT NOT EXISTS (SELECT FROM "Photo" WHERE "bucket" = $2 AND "key" = ANY($3::text[])) AS "allNew"`;
/** A planner without statistics takes a key in thousands for one of many rows, and would read all of them. */
const BY_INDEX = 'SET LOCAL enable_seqscan = off';

/**
 * Writes the agreements, if these photos are many and have no rows, and answers them; sidecars are left to others. `albums`
 * are held by the transaction. Another writer may come between with the same photo: a unique violation.
 */
export async function writeNewRows(
  client: pg.PoolClient,
  library: Library,
  albums: ReadonlyMap<string, string>,
  changes: readonly KeyedChange[],
): Promise<ReadonlySet<KeyedChange>> {
  const photos = changes.filter((change) => change.kind === 'agreed').filter((one) => one.photoKind !== 'sidecar');
  if (photos.length < WORTH_HOLDING || !(await haveNoRows(client, library, photos))) return new Set();
  await withParentsHeld(client, PHOTOS, () => inTurn(client, queries(library, albums, photos)));
  return new Set(photos);
}

async function haveNoRows(client: pg.PoolClient, library: Library, photos: readonly Agreed[]): Promise<boolean> {
  await client.query(BY_INDEX);
  for (const chunk of chunksOf(photos)) {
    const values = [library.id, library.bucket, textArray(chunk.map((change) => change.key))];
    const { rows } = await client.query<{ allNew: boolean }>(ALL_NEW, values);
    if (rows[0]?.allNew !== true) return false;
  }
  return true;
}

function* queries(
  library: Library,
  albums: ReadonlyMap<string, string>,
  photos: readonly Agreed[],
): Generator<pg.QueryConfig> {
  for (const chunk of chunksOf(photos, AT_ONCE)) yield newlyAgreedQuery(library, albums, chunk);
}
