/** CatalogBrowser: pages of albums; those of photos are in photo-views.ts. */
import type { AlbumView, CatalogBrowser, StateCounts } from '../sync/browse.ts';
import type { PhotoState } from '../sync/types.ts';
import { cursorParts, isText, isUuid, limitOf, pageOf } from './cursor.ts';
import type { Database } from './database.ts';
import { PhotoState as States } from './generated/enums.ts';
import { photosById, photosOfAlbum, photosOfAll } from './photo-views.ts';
import { runHistory } from './run-history.ts';
import { libraryTotals } from './totals.ts';
import { twoWayHistory } from './two-way-history.ts';

const STATES: readonly PhotoState[] = Object.values(States);

/** One index scan an album, and only for the albums of the page. */
const ALBUM_VIEWS = `
SELECT a."id", a."libraryId", a."path", s.* FROM (ALBUMS) AS a CROSS JOIN LATERAL (
  SELECT count(*)::int AS photos, coalesce(sum(p."size"), 0)::float8 AS bytes,
         ${STATES.map((state) => `count(*) FILTER (WHERE p."state" = '${state}')::int AS "${state}"`).join(', ')}
    FROM "Photo" AS p WHERE p."albumId" = a."id") AS s
 ORDER BY a."libraryId", a."path"`;
const ALBUM_PAGE = ALBUM_VIEWS.replace(
  'ALBUMS',
  `SELECT * FROM "Album" WHERE ($1::uuid IS NULL OR "libraryId" = $1) AND ("libraryId", "path") > ($2::uuid, $3)
    ORDER BY "libraryId", "path" LIMIT $4`,
);
const ALBUM_BY_ID = ALBUM_VIEWS.replace('ALBUMS', 'SELECT * FROM "Album" WHERE "id" = $1');
const ALBUM_BY_PATH = ALBUM_VIEWS.replace('ALBUMS', 'SELECT * FROM "Album" WHERE "libraryId" = $1 AND "path" = $2');
const LEAST_UUID = '00000000-0000-0000-0000-000000000000';

type AlbumRow = Pick<AlbumView, 'id' | 'libraryId' | 'path' | 'photos' | 'bytes'> & StateCounts;

/** The rows of a catalog to look at. An id that is no UUID is one that nothing has. */
export function catalogBrowser(database: Database): CatalogBrowser {
  const albumRows = async (sql: string, values: unknown[]) => {
    const { rows } = await database.ask(() => database.pool.query<AlbumRow>(sql, values));
    return rows;
  };
  return {
    albums: async ({ libraryId }, page) => {
      const limit = limitOf(page);
      const after = cursorParts(page, [isUuid, isText]) ?? [LEAST_UUID, ''];
      if (libraryId !== undefined && !isUuid(libraryId)) return { items: [], nextCursor: null };
      const rows = await albumRows(ALBUM_PAGE, [libraryId ?? null, ...after, limit + 1]);
      return pageOf(rows, limit, albumView, (row) => [row.libraryId, row.path]);
    },
    album: async (id) => firstView(isUuid(id) ? await albumRows(ALBUM_BY_ID, [id]) : []),
    albumByPath: async (libraryId, path) => {
      return firstView(isUuid(libraryId) && isText(path) ? await albumRows(ALBUM_BY_PATH, [libraryId, path]) : []);
    },
    photos: (albumId, filter, page) => photosOfAlbum(database, albumId, filter, page),
    photo: async (id) => (isUuid(id) ? ((await photosById(database, [id]))[0] ?? null) : null),
    allPhotos: (filter, page) => photosOfAll(database, filter, page),
    totals: (signal) => libraryTotals(database, signal),
    ...runHistory(database),
    twoWayHistory: (signal) => twoWayHistory(database, signal),
  };
}

function firstView([row]: readonly AlbumRow[]): AlbumView | null {
  return row === undefined ? null : albumView(row);
}

function albumView({ id, libraryId, path, photos, bytes, ...states }: AlbumRow): AlbumView {
  return { id, libraryId, path, photos, bytes, states };
}
