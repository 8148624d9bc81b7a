import { createRoute } from '@hono/zod-openapi';
import { answer } from '../answer.ts';
import { identifier } from '../auth.ts';
import { type App, json, problems } from '../openapi.ts';
import type { HealthReport, HttpParts } from '../parts.ts';
import { Health } from '../schemas.ts';

/** Whoever asks for health wants to know of a part that hangs, and soon. */
const PATIENCE_MS = 5_000;

const health = createRoute({
  method: 'get',
  path: '/api/health',
  tags: ['Server'],
  summary: 'The state of each part',
  description: 'Needs no token; without one that is good it says of each part only whether it can be used.',
  security: [],
  responses: {
    200: json(Health, '`ok`, or `degraded`: a part other than the database fails.'),
    503: json(Health, '`down`: the database cannot be used.'),
    ...problems<never>(),
  },
});

export function healthRoutes(app: App, parts: HttpParts) {
  const identify = identifier(parts.auth);
  return app.openapi(health, async (c) => {
    const signal = AbortSignal.any([c.req.raw.signal, AbortSignal.timeout(PATIENCE_MS)]);
    const report = await parts.health(signal);
    return answer(
      c,
      identify === null || identify(c) !== null ? report : outline(report),
      report.status === 'down' ? 503 : 200,
    );
  });
}

/** What a stranger may know. Named field by field, so that what is added later stays inside. */
function outline({ status, version, parts: { database, bucket, roots, twoWay, queue } }: HealthReport) {
  return {
    status,
    version,
    parts: {
      database: { ok: database.ok },
      bucket: { ok: bucket.ok },
      roots: roots.map(({ ok }) => ({ ok })),
      twoWay: twoWay.map(({ ok }) => ({ ok })),
      queue: queue && { ok: queue.ok },
    },
  };
}
