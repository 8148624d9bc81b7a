import { createRoute } from '@hono/zod-openapi';
import { withAddresses } from '../addresses.ts';
import { answer, listOf } from '../answer.ts';
import { findById, libraryFilter } from '../find.ts';
import { type App, json, problems } from '../openapi.ts';
import type { HttpParts } from '../parts.ts';
import { given, IdParams, LibraryPageQuery, PhotoPageQuery } from '../requests.ts';
import { Album, AlbumList, PhotoList } from '../schemas.ts';

const list = createRoute({
  method: 'get',
  path: '/api/albums',
  tags: ['Photos'],
  summary: 'Albums, with the states of their photos',
  request: { query: LibraryPageQuery },
  responses: { 200: json(AlbumList, 'A page of albums.'), ...problems(400, 404, 503) },
});

const one = createRoute({
  method: 'get',
  path: '/api/albums/{id}',
  tags: ['Photos'],
  summary: 'One album',
  request: { params: IdParams },
  responses: { 200: json(Album, 'The album.'), ...problems(404, 503) },
});

const photos = createRoute({
  method: 'get',
  path: '/api/albums/{id}/photos',
  tags: ['Photos'],
  summary: 'The photos of an album',
  request: { params: IdParams, query: PhotoPageQuery },
  responses: { 200: json(PhotoList, 'A page of photos.'), ...problems(400, 404, 503) },
});

export function albumRoutes(app: App, { browser, libraries, openBucket }: HttpParts) {
  return app
    .openapi(list, async (c) => {
      const { library, ...page } = given(c.req.valid('query'));
      const filter = await libraryFilter(libraries, library);
      return answer(c, listOf('albums', await browser.albums(filter, page)), 200);
    })
    .openapi(one, async (c) => {
      const { id } = c.req.valid('param');
      return answer(c, await findById('album', id, (uuid) => browser.album(uuid)), 200);
    })
    .openapi(photos, async (c) => {
      const { state, order, ...page } = given(c.req.valid('query'));
      const album = await findById('album', c.req.valid('param').id, (uuid) => browser.album(uuid));
      const found = await browser.photos(album.id, given({ state, order }), page);
      const items = await withAddresses(found.items, openBucket);
      return answer(c, listOf('photos', { ...found, items }), 200);
    });
}
