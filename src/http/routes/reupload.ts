import { createRoute } from '@hono/zod-openapi';
import { answer } from '../answer.ts';
import { findById } from '../find.ts';
import { type App, json, problems } from '../openapi.ts';
import type { HttpParts } from '../parts.ts';
import { IdParams } from '../requests.ts';
import { ReuploadBody } from '../reupload-requests.ts';
import { runSignal } from '../run-signal.ts';
import { albumOf } from '../s3-requests.ts';
import { Report } from '../schemas.ts';

const WHAT =
  'Only photos of the catalog whose object is missing, incomplete, or was found damaged by `rollcall verify`; whatever ' +
  'else differs is left to a sync. A photo that is gone from disk too is told as lost. ' +
  'Answers the report when the run is done; the run goes on when the caller hangs up.';

const many = createRoute({
  method: 'post',
  path: '/api/reupload',
  tags: ['Sync'],
  summary: 'Upload again what the bucket has lost',
  description: WHAT,
  request: { body: json(ReuploadBody, 'An album, a library or photos. No body: whatever is missing anywhere.') },
  responses: { 200: json(Report, 'The report.'), ...problems(400, 404, 409, 413, 415, 422, 502, 503) },
});

const one = createRoute({
  method: 'post',
  path: '/api/photos/{id}/reupload',
  tags: ['Photos'],
  summary: 'Upload a photo again if the bucket has lost it',
  description: WHAT,
  request: { params: IdParams },
  responses: { 200: json(Report, 'The report.'), ...problems(404, 409, 422, 502, 503) },
});

export function reuploadRoutes(app: App, { service, browser }: HttpParts) {
  return app
    .openapi(many, async (c) => {
      const { photoIds, ...fields } = c.req.valid('json');
      const request = photoIds === undefined ? await albumOf(fields, browser) : { photoIds };
      return answer(c, await service.reupload(request, {}, runSignal(c)), 200);
    })
    .openapi(one, async (c) => {
      const { id } = await findById('photo', c.req.valid('param').id, (uuid) => browser.photo(uuid));
      return answer(c, await service.reupload({ photoIds: [id] }, {}, runSignal(c)), 200);
    });
}
