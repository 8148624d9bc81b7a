import { createRoute } from '@hono/zod-openapi';
import { carryOut } from '../carry-out.ts';
import { type App, json, problems } from '../openapi.ts';
import type { HttpParts } from '../parts.ts';
import { prefer } from '../prefer.ts';
import { given, ReconcileBody, SyncBody } from '../requests.ts';
import { QueuedRun } from '../run-schemas.ts';
import { Report } from '../schemas.ts';
import { assertScope } from '../scopes.ts';

const queued = {
  ...json(
    QueuedRun,
    'The run waits for its turn, or goes, and can be followed: asked for by `Prefer: respond-async` (passed over by a ' +
      'server without a queue), or its end could not be waited for (the server stopped, or lost its database for a while).',
  ),
  headers: {
    Location: { description: 'Of the run.', schema: { type: 'string' } },
    'Preference-Applied': { description: '`respond-async`, if it was asked for.', schema: { type: 'string' } },
  },
} as const;

const responses = {
  200: json(Report, 'The report.'),
  202: queued,
  ...problems(400, 404, 409, 413, 415, 422, 502, 503),
};

const sync = createRoute({
  method: 'post',
  path: '/api/sync',
  tags: ['Sync'],
  summary: 'Bring disk, catalog and bucket into agreement',
  description:
    'Answers the report when the run is done. A run whose photos failed is `partial` and still 200. ' +
    'The run goes on when the caller hangs up, and is in the history either way. ' +
    'A whole library is spread over its albums, by the queue: a sync of it that is under way is waited for. ' +
    'An album is synced at once: if it is being synced already, that is 409 `SYNC_IN_PROGRESS`. ' +
    'A dry run is never queued; its plan is kept for a day at `/api/runs/{id}/plan`, and `/api/runs/{id}/apply` carries it out.',
  parameters: [prefer],
  request: { body: json(SyncBody, 'What to sync and how. No body: every library, with the default policies.') },
  responses,
});

const reconcile = createRoute({
  method: 'post',
  path: '/api/reconcile',
  tags: ['Sync'],
  summary: 'Do now what RECONCILE_CRON does',
  description:
    'Holds rows against bucket against disk: missing objects are sent again, what has drifted is put right by the default ' +
    'policies, `lost` and `untracked` photos are reported. Answers like a sync.',
  parameters: [prefer],
  request: { body: json(ReconcileBody, 'What to reconcile. No body: every library.') },
  responses,
});

export function syncRoutes(app: App, parts: HttpParts) {
  return app
    .openapi(sync, (c) => {
      const request = given(c.req.valid('json'));
      if (request.orphans === 'delete' && request.dryRun !== true) {
        assertScope(c, 'admin', 'a sync that deletes objects (orphans: delete)');
      }
      return carryOut(c, parts, request);
    })
    .openapi(reconcile, (c) => carryOut(c, parts, { ...given(c.req.valid('json')), kind: 'reconcile' }));
}
