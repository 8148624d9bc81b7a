import { createRoute, z } from '@hono/zod-openapi';
import { answer, listOf } from '../answer.ts';
import { findById, libraryFilter } from '../find.ts';
import { type App, json, problems } from '../openapi.ts';
import type { HttpParts } from '../parts.ts';
import { ActionPageQuery, given, IdParams, RunPageQuery } from '../requests.ts';
import { Listeners, runEvents } from '../run-events.ts';
import { RunProgress } from '../run-progress.ts';
import { Run, RunActionList, RunList } from '../run-schemas.ts';
import { RunWatch } from '../run-watch.ts';
import { Report } from '../schemas.ts';

const tags = ['Sync'];

const list = createRoute({
  method: 'get',
  path: '/api/runs',
  tags,
  summary: 'The history of runs, newest first',
  request: { query: RunPageQuery },
  responses: { 200: json(RunList, 'A page of runs.'), ...problems(400, 404, 503) },
});

const one = createRoute({
  method: 'get',
  path: '/api/runs/{id}',
  tags,
  summary: 'One run and its report',
  request: { params: IdParams },
  responses: { 200: json(Run, 'The run.'), ...problems(404, 503) },
});

const actions = createRoute({
  method: 'get',
  path: '/api/runs/{id}/actions',
  tags,
  summary: 'What a run did, photo by photo',
  description: 'In the order in which it was recorded. A run that is made of others has none: its parts do.',
  request: { params: IdParams, query: ActionPageQuery },
  responses: { 200: json(RunActionList, 'A page of actions.'), ...problems(400, 404, 503) },
});

const cancel = createRoute({
  method: 'post',
  path: '/api/runs/{id}/cancel',
  tags,
  summary: 'Ask for the end of a run',
  description:
    'Of a run that goes, what is in flight is drained within seconds, and its report has the error `CANCELLED`. What has ' +
    'not begun ends at once. The parts of a run end with it. Asking again changes nothing; 409 `RUN_ENDED`: it is over.',
  request: { params: IdParams },
  responses: { 202: json(Run, 'The run, as it is now.'), ...problems(404, 409, 503) },
});

const EventData = z.union([RunProgress, Report]).openapi({ description: 'What the data of one event holds, as JSON.' });

const events = createRoute({
  method: 'get',
  path: '/api/runs/{id}/events',
  tags,
  summary: 'Follow a run: server-sent events',
  description:
    'A `progress` event (its data is a `RunProgress`) at once and whenever anything has changed, then a `report` event ' +
    '(a `Report`, as the run has it), after which the stream ends; of a run that is over, the `report` at once. ' +
    'A client that comes back with `Last-Event-ID` is told of what is newer than that, if anything is; one that has had ' +
    'the report gets a 204, at which a browser stops coming back. Comments keep the connection alive.',
  parameters: [
    { in: 'header', name: 'Last-Event-ID', schema: { type: 'string' }, description: 'The `id` of an event.' },
  ],
  request: { params: IdParams },
  responses: {
    200: {
      description: 'The events.',
      content: { 'text/event-stream': { schema: EventData } },
    },
    204: { description: 'The client has had the report.' },
    ...problems(404, 429, 503),
  },
});

export function runRoutes(app: App, { browser, libraries, log, listeners: limits }: HttpParts) {
  const listeners = new Listeners(limits);
  const watch = new RunWatch(browser, log);
  return app
    .openapi(list, async (c) => {
      const { library, parent, kind, status, album, ...page } = given(c.req.valid('query'));
      const filter = {
        ...(await libraryFilter(libraries, library)),
        ...given({ parentId: parent === 'none' ? null : parent, kind, status, album }),
      };
      return answer(c, listOf('runs', await browser.runs(filter, page)), 200);
    })
    .openapi(one, async (c) => {
      const { id } = c.req.valid('param');
      return answer(c, await findById('run', id, (uuid) => browser.run(uuid)), 200);
    })
    .openapi(actions, async (c) => {
      const { outcome, ...page } = given(c.req.valid('query'));
      const { id } = c.req.valid('param');
      const found = await findById('run', id, (uuid) => browser.actions(uuid, given({ outcome }), page));
      return answer(c, listOf('actions', found), 200);
    })
    .openapi(cancel, async (c) => {
      const { id } = c.req.valid('param');
      return answer(c, await findById('run', id, (uuid) => browser.cancel(uuid)), 202);
    })
    .openapi(events, async (c) => {
      const { id } = c.req.valid('param');
      const watching = await findById('run', id, (uuid) => watch.watch(uuid));
      return runEvents(c, watching, c.req.header('Last-Event-ID'), listeners);
    });
}
