/** What /api/s3/… accepts, as zod schemas (DESIGN 7). */
import { z } from '@hono/zod-openapi';
import type { CatalogBrowser } from '../sync/browse.ts';
import type { SyncRequest } from '../sync/service.ts';
import { isUuid } from './find.ts';
import { albumPath, fileName, given, only, text } from './requests.ts';

/** How an album is named. */
export const albumFields = {
  library: text(255).optional().openapi({ description: 'Id or name; needed where several have the album.' }),
  album: albumPath.optional().openapi({
    type: 'string',
    description: 'Path of the album, relative to the root of its library; `.` for the files in the root itself.',
    example: '2024/summer',
  }),
  albumId: z.uuid('must be the id of an album').optional(),
  styleId: albumPath.optional().openapi({ type: 'string', description: 'Another name for `albumId` and `album`.' }),
};

interface AlbumFields {
  readonly library?: string | undefined;
  readonly album?: string | undefined;
  readonly albumId?: string | undefined;
  readonly styleId?: string | undefined;
}

/** How many of the names that an album has here are given. */
export function albumsNamed({ album, albumId, styleId }: AlbumFields): number {
  return [album, albumId, styleId].filter((name) => name !== undefined).length;
}

const oneAlbum = (fields: AlbumFields) => albumsNamed(fields) === 1;
const NOT_ONE_ALBUM = { path: ['album'], error: 'must be given, or else albumId or styleId, and only one of them' };

const localImages = z
  .array(
    only('a local image', {
      filename: fileName,
      localPath: text(4096).openapi({ description: "Relative to the library's root, or absolute and inside it." }),
    }),
    'must be a list',
  )
  .openapi({ description: 'Compare only these files of the album. Objects without a file are listed either way.' });

export const CompareBody = only('a comparison', { ...albumFields, localImages: localImages.optional() })
  .refine(oneAlbum, NOT_ONE_ALBUM)
  .openapi('CompareRequest');

/** As a comparison lists it: of all that it says of a file, the name is what counts. */
const namedFile = z.object({ filename: fileName }, 'must be the name of a file, or an object with its filename');

const images = z
  .array(
    z
      .union(
        [fileName, namedFile],
        'must be the name of a file in the album, without a folder, or an object with it as filename',
      )
      .transform((image) => (typeof image === 'string' ? image : image.filename)),
    'must be a list',
  )
  .openapi({ description: 'Names of files, or entries of a comparison.' });

export const ImagesBody = only('this', { ...albumFields, images })
  .refine(oneAlbum, NOT_ONE_ALBUM)
  .openapi('ImagesRequest');

export const RemoveBody = only('a removal', { ...albumFields, filenames: z.array(fileName, 'must be a list') })
  .refine(oneAlbum, NOT_ONE_ALBUM)
  .openapi('RemoveRequest');

/** The album that the fields name, as the engine is asked for it. A `styleId` may be an id or a path. */
export async function albumOf(
  { library, album, albumId, styleId }: AlbumFields,
  browser: CatalogBrowser,
): Promise<Pick<SyncRequest, 'library' | 'album' | 'albumId'>> {
  if (styleId === undefined) return given({ library, album, albumId });
  const isId = isUuid(styleId) && (await browser.album(styleId)) !== null;
  return given({ library, ...(isId ? { albumId: styleId } : { album: styleId }) });
}
