/** MediaStore: what is known of the photos' pictures, and of their variants in the bucket. */
import type { MediaCounts, MediaScope, MediaStore, VariantRow } from '../sync/media-store.ts';
import type { Library } from '../sync/types.ts';
import { chunksOf } from './chunks.ts';
import type { Database } from './database.ts';
import { claimPhotos, giveBack, putOff } from './media-claims.ts';
import { DUE, FREE, IN_TURN, LOOKABLE, within } from './media-due.ts';
import { saveMedia } from './media-save.ts';
import { writeTransaction } from './transaction.ts';

/**
 * In the order of the index of what is due, or else PostgreSQL, which cannot know how few those are, would read all
 * photos to find out that there are none.
 */
const ANY_DUE = `
SELECT FROM "Photo" AS p WHERE ${DUE} AND ${FREE} ORDER BY ${IN_TURN} LIMIT 1`;

const DUE_BY_LIBRARY = `
SELECT p."libraryId", count(*)::float8 AS photos FROM "Photo" AS p WHERE ${DUE} AND ${FREE}
 GROUP BY 1 ORDER BY 1`;

const DUE_COUNT = `SELECT count(*)::float8 AS due FROM "Photo" AS p WHERE ${DUE} AND WITHIN`;

/** Each photo counts once. */
const COUNTS = `
SELECT count(*) FILTER (WHERE due)::float8 AS due,
       ${(['ready', 'unsupported', 'refused', 'corrupt', 'failed'] as const)
         .map((state) => `count(*) FILTER (WHERE NOT due AND "mediaState" = '${state}')::float8 AS ${state}`)
         .join(', ')}
  FROM (SELECT ${DUE} AS due, p."mediaState" FROM "Photo" AS p WHERE WITHIN) AS s`;

/** They are looked at whatever the sidecar, and at once. A claim that holds goes on. */
const DEMAND = `
UPDATE "Photo" AS p SET "mediaOf" = NULL, "mediaAttempts" = 0,
  "mediaClaimedAt" = CASE WHEN p."mediaClaim" IS NOT NULL THEN p."mediaClaimedAt" END
 WHERE ${LOOKABLE} AND WITHIN AND (p."mediaOf" IS NOT NULL OR p."mediaAttempts" > 0
   OR (p."mediaClaim" IS NULL AND p."mediaClaimedAt" IS NOT NULL))`;

const VARIANTS = `
SELECT "photoId", "name", "key", "size"::float8 AS "size", "etag" FROM "Variant"
 WHERE "libraryId" = $1 AND "key" > $2 ORDER BY "key" LIMIT $3`;

const REMAINS = `SELECT "key", "etag" FROM "VariantRemains" WHERE "libraryId" = $1 ORDER BY "key" LIMIT $2`;
const FORGET = `DELETE FROM "VariantRemains" WHERE "libraryId" = $1 AND "key" = ANY($2::text[])`;
const RECORDED = `SELECT "photoId" FROM "Variant" WHERE "libraryId" = $1 AND "key" = ANY($2::text[])`;

/** What a catalog remembers of pictures. An id that is no UUID is one that nothing has. */
export function mediaStore(database: Database): MediaStore {
  const ask = async <Row extends object>(text: string, values: readonly unknown[], signal?: AbortSignal) =>
    (await database.ask(() => database.pool.query<Row>(text, [...values]), signal)).rows;
  return {
    claim: (scope, limit, signal) => claimPhotos(database, scope, limit, signal),
    due: async (signal) => {
      const any = await ask(ANY_DUE, [], signal);
      return any.length === 0 ? [] : ask(DUE_BY_LIBRARY, [], signal);
    },
    counts: async (scope, signal) => {
      const { sql, values } = within(scope);
      const [counts] = await ask<MediaCounts>(COUNTS.replace('WITHIN', sql), values, signal);
      return counts ?? NONE;
    },
    demand: async (scope, which) => {
      await demand(database, scope, which);
      const { sql, values } = within(scope);
      const [counts] = await ask<Pick<MediaCounts, 'due'>>(DUE_COUNT.replace('WITHIN', sql), values);
      return counts?.due ?? 0;
    },
    demandPhotos: (photoIds) => demand(database, { photoIds }, 'all'),
    save: (library, processed) => saveMedia(database, library, processed),
    giveBack: (photos, error) => giveBack(database, photos, error),
    putOff: (photos) => putOff(database, photos),
    variants: (library, after, limit, signal) => ask<VariantRow>(VARIANTS, [library.id, after, limit], signal),
    remains: (library, limit, signal) => ask<{ key: string; etag: string }>(REMAINS, [library.id, limit], signal),
    forgetRemains: (library, keys) => forgetRemains(database, library, keys),
  };
}

const NONE: MediaCounts = { due: 0, ready: 0, unsupported: 0, refused: 0, corrupt: 0, failed: 0 };

async function demand(database: Database, scope: MediaScope, which: 'failed' | 'all'): Promise<void> {
  const { sql, values } = within(scope);
  const only = which === 'failed' ? `${sql} AND p."mediaState" = 'failed'` : sql;
  await writeTransaction(database, (client) => client.query(DEMAND.replace('WITHIN', only), [...values]));
}

/** One that is on record again was made while the old one was being removed, and went with it: it is made once more. */
async function forgetRemains(database: Database, library: Library, keys: readonly string[]): Promise<void> {
  for (const some of chunksOf(keys)) {
    const photoIds = await writeTransaction(database, async (client) => {
      await client.query(FORGET, [library.id, some]);
      const { rows } = await client.query<{ photoId: string }>(RECORDED, [library.id, some]);
      return rows.map(({ photoId }) => photoId);
    });
    if (photoIds.length > 0) await demand(database, { photoIds }, 'all');
  }
}
