import { createRoute } from '@hono/zod-openapi';
import { addressOf, withAddresses } from '../addresses.ts';
import { answer } from '../answer.ts';
import { findById } from '../find.ts';
import { Address } from '../media-schemas.ts';
import { type App, json, problems } from '../openapi.ts';
import type { HttpParts } from '../parts.ts';
import { AddressQuery, given, IdParams } from '../requests.ts';
import { Photo } from '../schemas.ts';

const one = createRoute({
  method: 'get',
  path: '/api/photos/{id}',
  tags: ['Photos'],
  summary: 'One photo',
  request: { params: IdParams },
  responses: { 200: json(Photo, 'The photo.'), ...problems(404, 503) },
});

const address = createRoute({
  method: 'get',
  path: '/api/photos/{id}/url',
  tags: ['Photos'],
  summary: 'An address at which a browser reads a photo, or a smaller picture of it, from the bucket',
  request: { params: IdParams, query: AddressQuery },
  responses: { 200: json(Address, 'The address.'), ...problems(400, 404, 502, 503) },
});

export function photoRoutes(app: App, { browser, openBucket }: HttpParts) {
  return app
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
