/** What was found in photos, written for thousands of them with a few statements. */
import type pg from 'pg';
import type { PhotoMetadata } from '../sync/media-port.ts';
import type { ProcessedPhoto, StoredVariant } from '../sync/media-store.ts';
import type { Library } from '../sync/types.ts';
import { chunksOf } from './chunks.ts';
import type { Database } from './database.ts';
import { storable, storableJson } from './text.ts';
import { writeInLibrary } from './transaction.ts';

/** Whoever changes the photo, or its sidecar, has the row before or after this transaction. */
const LOCK = `
SELECT p."id" FROM unnest($2::uuid[], $3::uuid[]) AS u (id, claim)
  JOIN "Photo" AS p ON p."id" = u.id AND p."mediaClaim" = u.claim AND p."libraryId" = $1
 ORDER BY p."id" FOR NO KEY UPDATE OF p`;

/**
 * The sidecar is looked at again: one that came in the same moment as the photo itself may not have been there to be
 * seen when the photo was claimed.
 */
const STILL_SO = `
SELECT q."id" FROM "Photo" AS q LEFT JOIN LATERAL "sidecarOf"(q."libraryId", q."key") AS s ON true
 WHERE q."id" = ANY($1::uuid[]) AND q."mediaWith" IS NOT DISTINCT FROM s."md5"`;

/** What could not be found out stays as it is on record. */
const SAVE = `
UPDATE "Photo" AS p SET
  "mediaOf" = u.md5, "mediaState" = u.state, "mediaError" = u.error, "mediaAt" = now(),
  "mediaClaim" = NULL, "mediaClaimedAt" = NULL, "mediaAttempts" = 0,
  "width" = CASE WHEN u.found THEN u.width ELSE p."width" END,
  "height" = CASE WHEN u.found THEN u.height ELSE p."height" END,
  "durationMs" = CASE WHEN u.found THEN u.duration ELSE p."durationMs" END,
  "takenAt" = CASE WHEN u.found THEN u.taken ELSE p."takenAt" END,
  "takenOffset" = CASE WHEN u.found THEN u.offs ELSE p."takenOffset" END,
  "takenFrom" = CASE WHEN u.found THEN u.taken_from ELSE p."takenFrom" END,
  "exif" = CASE WHEN u.found THEN u.exif ELSE p."exif" END,
  "thumbhash" = CASE WHEN u.found THEN u.thumbhash ELSE p."thumbhash" END
  FROM unnest($1::uuid[], $2::text[], $3::"MediaState"[], $4::text[], $5::boolean[], $6::int[], $7::int[], $8::int[],
              $9::timestamptz[], $10::int[], $11::text[], $12::jsonb[], $13::text[])
    AS u (id, md5, state, error, found, width, height, duration, taken, offs, taken_from, exif, thumbhash)
 WHERE p."id" = u.id`;

const LET_GO = `UPDATE "Photo" SET "mediaClaim" = NULL, "mediaClaimedAt" = NULL WHERE "id" = ANY($1::uuid[])`;

/** The trigger makes remains of them. */
const REPLACED = `
DELETE FROM "Variant" AS v WHERE v."photoId" = ANY($1::uuid[]) AND NOT EXISTS (
  SELECT FROM unnest($2::uuid[], $3::text[], $4::text[]) AS u (photo, name, key)
   WHERE u.photo = v."photoId" AND u.name = v."name" AND u.key = v."key")`;

const RECORD = `
WITH owned AS (DELETE FROM "VariantRemains" WHERE "libraryId" = $1 AND "key" = ANY($4::text[]))
INSERT INTO "Variant" ("libraryId", "photoId", "name", "key", "width", "height", "size", "etag")
SELECT $1, u.* FROM unnest($2::uuid[], $3::text[], $4::text[], $5::int[], $6::int[], $7::bigint[], $8::text[]) AS u
ON CONFLICT ("photoId", "name") DO UPDATE SET
  "width" = excluded."width", "height" = excluded."height", "size" = excluded."size", "etag" = excluded."etag"`;

/** Of results that were not taken; the same object may well be on record, made by whoever was quicker. */
const STRAY = `
INSERT INTO "VariantRemains" ("libraryId", "key", "etag")
SELECT DISTINCT ON (u.key) $1::uuid, u.key, u.etag FROM unnest($2::text[], $3::text[]) AS u (key, etag)
 WHERE EXISTS (SELECT FROM "Library" WHERE "id" = $1)
   AND NOT EXISTS (SELECT FROM "Variant" AS v WHERE v."libraryId" = $1 AND v."key" = u.key)
ON CONFLICT ("libraryId", "key") DO UPDATE SET "etag" = excluded."etag"`;

/** MediaStore.save. */
export async function saveMedia(
  database: Database,
  library: Library,
  processed: readonly ProcessedPhoto[],
): Promise<ReadonlySet<string>> {
  if (processed.length === 0) return new Set();
  const once = [...new Map(processed.map((one) => [one.photo.id, one])).values()];
  return writeInLibrary(database, library, async (client) => {
    const taken = await take(client, library, once);
    await replaceVariants(
      client,
      library,
      [...taken],
      variantsOf(once, (id) => taken.has(id)),
    );
    for (const some of chunksOf(variantsOf(processed, (id) => !taken.has(id)))) {
      await client.query(STRAY, [library.id, some.map(({ key }) => key), some.map(({ etag }) => etag)]);
    }
    return taken;
  });
}

/** Answers whose claims held: their results are written. */
async function take(
  client: pg.PoolClient,
  library: Library,
  processed: readonly ProcessedPhoto[],
): Promise<ReadonlySet<string>> {
  const taken = new Set<string>();
  for (const some of chunksOf(processed)) {
    const claims = [library.id, some.map(({ photo }) => photo.id), some.map(({ photo }) => photo.claim)];
    const held = await idsOf(client, LOCK, claims);
    const good = new Set(await idsOf(client, STILL_SO, [held]));
    await client.query(SAVE, savedValues(some.filter(({ photo }) => good.has(photo.id))));
    const others = held.filter((id) => !good.has(id));
    if (others.length > 0) await client.query(LET_GO, [others]);
    for (const id of good) taken.add(id);
  }
  return taken;
}

async function idsOf(client: pg.PoolClient, sql: string, values: unknown[]): Promise<readonly string[]> {
  return (await client.query<{ id: string }>(sql, values)).rows.map(({ id }) => id);
}

type PhotoVariant = StoredVariant & { readonly photoId: string };

function variantsOf(processed: readonly ProcessedPhoto[], wanted: (photoId: string) => boolean): PhotoVariant[] {
  const chosen = processed.filter(({ photo }) => wanted(photo.id));
  return chosen.flatMap(({ photo, variants }) => variants.map((variant) => ({ ...variant, photoId: photo.id })));
}

async function replaceVariants(
  client: pg.PoolClient,
  library: Library,
  photoIds: readonly string[],
  variants: readonly PhotoVariant[],
): Promise<void> {
  const byPhoto = Map.groupBy(variants, ({ photoId }) => photoId);
  for (const ids of chunksOf(photoIds, 1_000)) {
    const some = ids.flatMap((id) => byPhoto.get(id) ?? []);
    const keys = [
      some.map(({ photoId }) => photoId),
      some.map(({ name }) => name),
      some.map(({ key }) => key),
    ] as const;
    await client.query(REPLACED, [ids, ...keys]);
    if (some.length === 0) continue;
    const facts = [
      some.map(({ width }) => whole(width) ?? 0),
      some.map(({ height }) => whole(height) ?? 0),
      some.map(({ size }) => size),
      some.map(({ etag }) => etag),
    ];
    await client.query(RECORD, [library.id, ...keys, ...facts]);
  }
}

function savedValues(processed: readonly ProcessedPhoto[]): unknown[] {
  const metadata = processed.map((one) => one.metadata);
  const taken = metadata.map((one) => takenOf(one));
  return [
    processed.map(({ photo }) => photo.id),
    processed.map(({ photo }) => photo.md5),
    processed.map(({ state }) => state),
    processed.map(({ error }) => storable(error)),
    metadata.map((one) => one !== null),
    metadata.map((one) => whole(one?.width)),
    metadata.map((one) => whole(one?.height)),
    metadata.map((one) => whole(one?.durationMs)),
    taken.map(({ at }) => at),
    taken.map(({ offset }) => offset),
    taken.map(({ from }) => from),
    metadata.map((one) => one && storableJson(restOf(one))),
    processed.map(({ thumbhash }) => storable(thumbhash)),
  ];
}

/** What has no column of its own. */
function restOf({ width: _w, height: _h, durationMs: _d, takenAt: _t, ...rest }: PhotoMetadata): object {
  return rest;
}

const LARGEST_INT = 2 ** 31 - 1;

/** A number as an integer column can hold it; one that it cannot is not known. */
function whole(value: number | null | undefined): number | null {
  const rounded = Math.round(value ?? Number.NaN);
  return Math.abs(rounded) <= LARGEST_INT ? rounded : null;
}

const FIRST_MS = Date.parse('0001-01-01T00:00:00.000Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** A moment as people, and RFC 3339, write it: in the years 1 to 9999. */
function takenOf(metadata: PhotoMetadata | null) {
  const { atMs, offsetMinutes, from } = metadata?.takenAt ?? { atMs: Number.NaN, offsetMinutes: null, from: null };
  const ms = Math.round(atMs);
  if (!(ms >= FIRST_MS && ms <= LAST_MS)) return { at: null, offset: null, from: null };
  return { at: new Date(ms).toISOString(), offset: whole(offsetMinutes), from };
}
