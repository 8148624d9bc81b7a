import { createRoute } from '@hono/zod-openapi';
import { answer, listOf } from '../answer.ts';
import { findById, libraryFilter } from '../find.ts';
import { type App, json, problems } from '../openapi.ts';
import type { HttpParts } from '../parts.ts';
import { given, IdParams, LibraryPageQuery } from '../requests.ts';
import { Run, RunList } from '../run-schemas.ts';

const list = createRoute({
  method: 'get',
  path: '/api/runs',
  tags: ['Sync'],
  summary: 'The history of runs, newest first',
  request: { query: LibraryPageQuery },
  responses: { 200: json(RunList, 'A page of runs.'), ...problems(400, 404, 503) },
});

const one = createRoute({
  method: 'get',
  path: '/api/runs/{id}',
  tags: ['Sync'],
  summary: 'One run and its report',
  request: { params: IdParams },
  responses: { 200: json(Run, 'The run.'), ...problems(404, 503) },
});

export function runRoutes(app: App, { browser, libraries }: HttpParts) {
  return app
    .openapi(list, async (c) => {
      const { library, ...page } = given(c.req.valid('query'));
      const filter = await libraryFilter(libraries, library);
      return answer(c, listOf('runs', await browser.runs(filter, page)), 200);
    })
    .openapi(one, async (c) => {
      const { id } = c.req.valid('param');
      return answer(c, await findById('run', id, (uuid) => browser.run(uuid)), 200);
    });
}
