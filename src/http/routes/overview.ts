import { createRoute } from '@hono/zod-openapi';
import { answer } from '../answer.ts';
import { type App, json, problems } from '../openapi.ts';
import { Overview } from '../overview-schemas.ts';
import type { HttpParts } from '../parts.ts';

const overview = createRoute({
  method: 'get',
  path: '/api/overview',
  tags: ['Server'],
  summary: 'What there is: photos by state and bytes of each library, and what the schedule does next',
  responses: { 200: json(Overview, 'As it is now.'), ...problems(503) },
});

export function overviewRoutes(app: App, { browser, schedule }: HttpParts) {
  return app.openapi(overview, async (c) => {
    const libraries = await browser.totals(c.req.raw.signal);
    const next = { reconcileAt: schedule.nextReconcileAt(), twoWaySeconds: schedule.twoWaySeconds };
    return answer(c, { libraries, next }, 200);
  });
}
