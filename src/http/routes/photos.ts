import { createRoute } from '@hono/zod-openapi';
import { answer } from '../answer.ts';
import { findById } from '../find.ts';
import { type App, json, problems } from '../openapi.ts';
import type { HttpParts } from '../parts.ts';
import { IdParams } from '../requests.ts';
import { Photo } from '../schemas.ts';

const one = createRoute({
  method: 'get',
  path: '/api/photos/{id}',
  tags: ['Photos'],
  summary: 'One photo',
  request: { params: IdParams },
  responses: { 200: json(Photo, 'The photo.'), ...problems(404, 503) },
});

export function photoRoutes(app: App, { browser }: HttpParts) {
  return app.openapi(one, async (c) => {
    const { id } = c.req.valid('param');
    return answer(c, await findById('photo', id, (uuid) => browser.photo(uuid)), 200);
  });
}
