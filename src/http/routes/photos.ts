import { createRoute } from '@hono/zod-openapi';
import { addressOf, withAddresses } from '../addresses.ts';
import { answer, listOf } from '../answer.ts';
import { findById, libraryFilter } from '../find.ts';
import { Address } from '../media-schemas.ts';
import { type App, json, problems } from '../openapi.ts';
import type { HttpParts } from '../parts.ts';
import { AddressQuery, given, IdParams, PhotosQuery } from '../requests.ts';
import { Photo, PhotoList } from '../schemas.ts';
import { PhotoSides } from '../sides-schemas.ts';

const one = createRoute({
  method: 'get',
  path: '/api/photos/{id}',
  tags: ['Photos'],
  summary: 'One photo',
  request: { params: IdParams },
  responses: { 200: json(Photo, 'The photo.'), ...problems(404, 503) },
});

const list = createRoute({
  method: 'get',
  path: '/api/photos',
  tags: ['Photos'],
  summary: 'Photos of all albums, by state',
  request: { query: PhotosQuery },
  responses: {
    200: json(PhotoList, 'A page of photos, a library after the other, by name.'),
    ...problems(400, 404, 503),
  },
});

const sides = createRoute({
  method: 'get',
  path: '/api/photos/{id}/sides',
  tags: ['Photos'],
  summary: 'What disk and bucket hold of a photo right now',
  description:
    'Looks at the file and asks the bucket for the object, and changes nothing. What cannot be read is `unreadable`, ' +
    'never `gone`.',
  request: { params: IdParams },
  responses: { 200: json(PhotoSides, 'Both sides.'), ...problems(404, 503) },
});

const address = createRoute({
  method: 'get',
  path: '/api/photos/{id}/url',
  tags: ['Photos'],
  summary: 'An address at which a browser reads a photo, or a smaller picture of it, from the bucket',
  request: { params: IdParams, query: AddressQuery },
  responses: { 200: json(Address, 'The address.'), ...problems(400, 404, 502, 503) },
});

export function photoRoutes(app: App, { browser, libraries, openBucket, lookAt }: HttpParts) {
  return app
    .openapi(list, async (c) => {
      const { library, state, ...page } = given(c.req.valid('query'));
      const filter = { ...(await libraryFilter(libraries, library)), ...given({ state }) };
      const found = await browser.allPhotos(filter, page);
      return answer(c, listOf('photos', { ...found, items: await withAddresses(found.items, openBucket) }), 200);
    })
    .openapi(sides, async (c) => {
      const { id } = c.req.valid('param');
      const photo = await findById('photo', id, (uuid) => browser.photo(uuid));
      return answer(c, await lookAt(photo, c.req.raw.signal), 200);
    })
    .openapi(one, async (c) => {
      const { id } = c.req.valid('param');
      const found = await findById('photo', id, (uuid) => browser.photo(uuid));
      const [photo = { ...found, variants: [] }] = await withAddresses([found], openBucket);
      return answer(c, photo, 200);
    })
    .openapi(address, async (c) => {
      const { id } = c.req.valid('param');
      const found = await findById('photo', id, (uuid) => browser.photo(uuid));
      return answer(c, await addressOf(found, given(c.req.valid('query')), openBucket, Date.now()), 200);
    });
}
