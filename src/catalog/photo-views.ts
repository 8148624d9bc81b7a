/** Photos as people look at them: pages of an album, each with its variants. */
import type {
  CatalogBrowser,
  Page,
  PageRequest,
  PhotoDetails,
  PhotoFilter,
  PhotosFilter,
  PhotoView,
} from '../sync/browse.ts';
import { BEHIND_ALL_KEYS } from './albums.ts';
import { cursorParts, isText, isTime, isUuid, limitOf, pageOf } from './cursor.ts';
import type { Database } from './database.ts';
import type { Prisma } from './generated/client.ts';

const WITH_VARIANTS = {
  variants: {
    select: { name: true, width: true, height: true, size: true, key: true },
    orderBy: [{ width: 'asc' }, { name: 'asc' }],
  },
} as const satisfies Prisma.PhotoInclude;

type Row = Prisma.PhotoGetPayload<{ include: typeof WITH_VARIANTS }>;

/** CatalogBrowser.photos. */
export async function photosOfAlbum(
  database: Database,
  albumId: string,
  filter: PhotoFilter,
  page: PageRequest,
): ReturnType<CatalogBrowser['photos']> {
  return filter.order === 'takenAt'
    ? photosByTime(database, albumId, filter, page)
    : photosByKey(database, albumId, filter, page);
}

/** The photos with these ids, which are UUIDs, in their order; those that there are not are left out. */
export async function photosById(database: Database, ids: readonly string[]): Promise<readonly PhotoView[]> {
  const query = { where: { id: { in: [...ids] } }, include: WITH_VARIANTS };
  const rows = await database.askPrisma((prisma) => prisma.photo.findMany(query));
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => {
    const row = byId.get(id.toLowerCase());
    return row === undefined ? [] : [photoView(row)];
  });
}

async function photosByKey(
  database: Database,
  albumId: string,
  { state }: PhotoFilter,
  page: PageRequest,
): Promise<Page<PhotoView>> {
  const limit = limitOf(page);
  const after = cursorParts(page, [isText])?.[0];
  if (!isUuid(albumId)) return { items: [], nextCursor: null };
  const where = { albumId, ...(state && { state }), ...(after !== undefined && { key: { gt: after } }) };
  const query = { where, orderBy: { key: 'asc' }, take: limit + 1, include: WITH_VARIANTS } as const;
  const rows = await database.askPrisma((prisma) => prisma.photo.findMany(query));
  return pageOf(rows, limit, photoView, (row) => [row.key]);
}

/**
 * A state that few photos are in is found by its index, a page of many by that of the keys, of which each library has a
 * stretch of its own (libraries.ts).
 */
const PAGE_OF_ALL = `
SELECT p.* FROM "Library" AS l CROSS JOIN LATERAL (
  SELECT "id", "libraryId", "key" FROM "Photo"
   WHERE "libraryId" = l."id" AND "bucket" = l."bucket" AND "key" > (AFTER) COLLATE "C" AND STATE
     AND "key" < (CASE WHEN l."prefix" = '' THEN $2 ELSE left(l."prefix", -1) || '0' END) COLLATE "C"
   ORDER BY "key" LIMIT $1) AS p
 WHERE LIBRARIES ORDER BY p."libraryId", p."key" LIMIT $1`;

/** CatalogBrowser.allPhotos. */
export async function photosOfAll(
  database: Database,
  { libraryId, state }: PhotosFilter,
  page: PageRequest,
): Promise<Page<PhotoView>> {
  const limit = limitOf(page);
  const after = cursorParts(page, [isUuid, isText]);
  if (libraryId !== undefined && !isUuid(libraryId)) return { items: [], nextCursor: null };
  const values: unknown[] = [limit + 1, BEHIND_ALL_KEYS];
  const given = (value: unknown) => `$${values.push(value)}`;
  const [library, key] = after ? after.map(given) : [];
  const libraries = [
    ...(library === undefined ? [] : [`l."id" >= ${library}::uuid`]),
    ...(libraryId === undefined ? [] : [`l."id" = ${given(libraryId)}::uuid`]),
  ];
  const first = library === undefined ? 'l."prefix"' : `CASE l."id" WHEN ${library} THEN ${key} ELSE l."prefix" END`;
  const sql = PAGE_OF_ALL.replace('AFTER', first)
    .replace('STATE', state === undefined ? 'true' : `"state" = ${given(state)}::"PhotoState"`)
    .replace('LIBRARIES', libraries.join(' AND ') || 'true');
  const { rows } = await database.ask(() => database.pool.query<KeyedPlace>(sql, values));
  const { items, nextCursor } = pageOf(
    rows,
    limit,
    ({ id }) => id,
    (place) => [place.libraryId, place.key],
  );
  return { items: await photosById(database, items), nextCursor };
}

interface KeyedPlace {
  readonly id: string;
  readonly libraryId: string;
  readonly key: string;
}

/** What has a time after the cursor, in an index of its own, and behind that what has none, in the order of keys. */
const BY_TIME = `
(SELECT "id", "takenAt", "key" FROM "Photo"
  WHERE "albumId" = $1 AND ($2::text IS NULL OR "state"::text = $2)
    AND $3::timestamptz IS NOT NULL AND "takenAt" IS NOT NULL AND ("takenAt", "key") > ($3::timestamptz, $4)
  ORDER BY "takenAt", "key" LIMIT $5)
UNION ALL
(SELECT "id", "takenAt", "key" FROM "Photo"
  WHERE "albumId" = $1 AND ($2::text IS NULL OR "state"::text = $2)
    AND "takenAt" IS NULL AND ($3::timestamptz IS NOT NULL OR "key" > $4)
  ORDER BY "key" LIMIT $5)
LIMIT $5`;

interface Place {
  readonly id: string;
  readonly takenAt: Date | null;
  readonly key: string;
}

/** In a cursor: the photos after it have no time. */
const NO_TIME = '';

async function photosByTime(
  database: Database,
  albumId: string,
  { state }: PhotoFilter,
  page: PageRequest,
): Promise<Page<PhotoView>> {
  const limit = limitOf(page);
  const isPlace = (part: string) => part === NO_TIME || isTime(part);
  const [time, key] = cursorParts(page, [isPlace, isText]) ?? ['-infinity', ''];
  if (!isUuid(albumId)) return { items: [], nextCursor: null };
  const values = [albumId, state ?? null, time === NO_TIME ? null : time, key, limit + 1];
  const { rows } = await database.ask(() => database.pool.query<Place>(BY_TIME, values));
  const timeOf = ({ takenAt }: Place) => takenAt?.toISOString() ?? NO_TIME;
  const { items, nextCursor } = pageOf(
    rows,
    limit,
    ({ id }) => id,
    (place) => [timeOf(place), place.key],
  );
  return { items: await photosById(database, items), nextCursor };
}

function photoView(row: Row): PhotoView {
  return {
    id: row.id,
    libraryId: row.libraryId,
    albumId: row.albumId,
    path: row.path,
    fileName: row.fileName,
    bucket: row.bucket,
    key: row.key,
    kind: row.kind,
    contentType: row.contentType,
    size: Number(row.size),
    modifiedAt: new Date(Number(row.mtimeNs / 1_000_000n)).toISOString(),
    md5: row.md5,
    etag: row.etag,
    storageClass: row.storageClass,
    state: row.state,
    orphanedAt: row.orphanedAt?.toISOString() ?? null,
    lastError: row.lastError,
    verifiedAt: row.verifiedAt?.toISOString() ?? null,
    checkedAt: row.checkedAt?.toISOString() ?? null,
    damage: row.damage,
    ...pictureOf(row),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

/** Written by media-save.ts and by nobody else: hence the types. */
function pictureOf({ mediaState: state, mediaError: error, mediaAt, ...row }: Row) {
  return {
    media: state === null || mediaAt === null ? null : { state, error, processedAt: mediaAt.toISOString() },
    width: row.width,
    height: row.height,
    durationMs: row.durationMs,
    takenAt: row.takenAt?.toISOString() ?? null,
    takenOffset: row.takenOffset,
    takenFrom: row.takenFrom as PhotoView['takenFrom'],
    thumbhash: row.thumbhash,
    metadata: row.exif as unknown as PhotoDetails | null,
    variants: row.variants.map(({ name, size, ...rest }) => ({
      name: name as PhotoView['variants'][number]['name'],
      ...rest,
      size: Number(size),
    })),
  };
}
