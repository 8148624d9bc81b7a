import { createRoute, z } from '@hono/zod-openapi';
import type { AdminPage } from '../admin-page.ts';
import { answer } from '../answer.ts';
import { docsPage } from '../docs-page.ts';
import { type App, describeApi, problems } from '../openapi.ts';
import type { HttpParts } from '../parts.ts';
import { startPage } from '../start-page.ts';
import { STYLE } from '../style.ts';
import { adminDocument } from './admin.ts';

const tags = ['Server'];

const page = <const Path extends string>(path: Path, summary: string, mediaType: string) =>
  createRoute({
    method: 'get',
    path,
    tags,
    summary,
    responses: {
      200: { description: 'The page.', content: { [mediaType]: { schema: z.string() } } },
      ...problems<never>(),
    },
  });

const start = page('/', 'The admin page', 'text/html');
const docs = page('/docs', 'This document, to read', 'text/html');
const style = page('/style.css', "The pages' style", 'text/css');
const document = createRoute({
  method: 'get',
  path: '/openapi.json',
  tags,
  summary: 'This document, as OpenAPI 3.1',
  responses: {
    200: {
      description: 'The document.',
      content: { 'application/json': { schema: z.record(z.string(), z.unknown()) } },
    },
    ...problems<never>(),
  },
});

/**
 * Pages to read hold no script: they work offline and under a policy that allows none. What acts is the admin page;
 * without one there is a page of links in its place.
 */
export function pageRoutes(app: App, parts: HttpParts, admin: AdminPage | null): void {
  app.openapi(start, (c) => (admin === null ? c.html(startPage(parts.version)) : adminDocument(c, parts, admin)));
  app.openapi(style, (c) => c.body(STYLE, 200, { 'Content-Type': 'text/css; charset=utf-8' }));
  app.openapi(document, (c) => answer(c, { ...describeApi(app, parts) } as Record<string, unknown>, 200));
  app.openapi(docs, (c) => c.html(docsPage(describeApi(app, parts))));
}
