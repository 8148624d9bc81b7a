import { createRoute, z } from '@hono/zod-openapi';
import { EXPOSITION_TYPE } from '../exposition.ts';
import { metricsText } from '../metrics.ts';
import { type App, problems } from '../openapi.ts';
import type { HttpParts } from '../parts.ts';

/** Prometheus gives up after ten seconds, if nobody has told it otherwise. */
const PATIENCE_MS = 4_000;

const metrics = createRoute({
  method: 'get',
  path: '/metrics',
  tags: ['Server'],
  summary: 'Numbers for Prometheus',
  description:
    'Runs, actions, photos by state, bytes, requests to S3, the queue, this process. While the database is down it answers ' +
    'all the same, with `rollcall_up{part="database"} 0` and without what the catalog knows.',
  responses: {
    200: { description: 'The metrics.', content: { 'text/plain': { schema: z.string() } } },
    ...problems<never>(),
  },
});

export function metricsRoutes(app: App, parts: HttpParts) {
  return app.openapi(metrics, async (c) => {
    const signal = AbortSignal.any([c.req.raw.signal, AbortSignal.timeout(PATIENCE_MS)]);
    const text = await metricsText({ ...parts.metrics, queue: parts.queue, version: parts.version }, signal);
    return c.text(text, 200, { 'Content-Type': EXPOSITION_TYPE });
  });
}
