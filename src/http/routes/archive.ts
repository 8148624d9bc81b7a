import { createRoute } from '@hono/zod-openapi';
import { USUAL_RESTORE } from '../../sync/restore-request.ts';
import { answer, listOf } from '../answer.ts';
import { ArchiveList, ArchiveQuery, RestoreBody, Restored } from '../archive-schemas.ts';
import { libraryFilter } from '../find.ts';
import { type App, json, problems } from '../openapi.ts';
import type { HttpParts } from '../parts.ts';
import { given } from '../requests.ts';
import { runSignal } from '../run-signal.ts';

const tags = ['Archive'];

const list = createRoute({
  method: 'get',
  path: '/api/archive',
  tags,
  summary: 'Archived objects that a move or a download waits for, oldest first',
  description: 'As they were when they were last looked at. The sync that does what waits takes them off the list.',
  request: { query: ArchiveQuery },
  responses: { 200: json(ArchiveList, 'A page of archived objects.'), ...problems(400, 404, 502, 503) },
});

const restore = createRoute({
  method: 'post',
  path: '/api/archive/restore',
  tags,
  summary: 'Ask for archived objects to be made readable',
  description:
    'For all that wait and were not asked for before. It costs money, by the object and by the gigabyte, and takes ' +
    'minutes to days. Asking goes on when the caller hangs up.',
  request: { body: json(RestoreBody, 'How. No body: every library, for 7 days, with the tier Standard.') },
  responses: {
    200: json(Restored, 'Everything that waits, and what came of it.'),
    ...problems(400, 404, 413, 415, 502, 503),
  },
});

export function archiveRoutes(app: App, { archive, libraries, service }: HttpParts) {
  return app
    .openapi(list, async (c) => {
      const { library, look, ...page } = given(c.req.valid('query'));
      const filter = await libraryFilter(libraries, library);
      if (look === 'true') {
        const signal = AbortSignal.any([runSignal(c), c.req.raw.signal]);
        await service.restoreStatus(given({ library }), signal);
      }
      return answer(c, listOf('archived', await archive.list(filter, page)), 200);
    })
    .openapi(restore, async (c) => {
      const archived = await service.restore({ ...USUAL_RESTORE, ...given(c.req.valid('json')) }, runSignal(c));
      return answer(c, { archived }, 200);
    });
}
