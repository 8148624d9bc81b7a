import { createRoute } from '@hono/zod-openapi';
import { answer } from '../answer.ts';
import { type App, json, problems } from '../openapi.ts';
import type { HttpParts } from '../parts.ts';
import { given, SyncBody } from '../requests.ts';
import { runSignal } from '../run-signal.ts';
import { Report } from '../schemas.ts';

const sync = createRoute({
  method: 'post',
  path: '/api/sync',
  tags: ['Sync'],
  summary: 'Bring disk, catalog and bucket into agreement',
  description:
    'Answers the report when the run is done. A run whose photos failed is `partial` and still 200. ' +
    'The run goes on when the caller hangs up, and is in the history either way.',
  request: { body: json(SyncBody, 'What to sync and how. No body: every library, with the default policies.') },
  responses: { 200: json(Report, 'The report.'), ...problems(400, 404, 409, 413, 415, 422, 502, 503) },
});

export function syncRoutes(app: App, parts: HttpParts) {
  return app.openapi(sync, async (c) => {
    return answer(c, await parts.service.sync(given(c.req.valid('json')), {}, runSignal(c)), 200);
  });
}
