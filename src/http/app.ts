import { OpenAPIHono } from '@hono/zod-openapi';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { RollcallError } from '../errors.ts';
import { identifier, requireLoopback, requireToken } from './auth.ts';
import { limitBody } from './body-limit.ts';
import type { App } from './openapi.ts';
import { isPagePath } from './page-paths.ts';
import type { HttpEnv, HttpParts } from './parts.ts';
import { problemAnswer, problemHandler } from './problem.ts';
import { requestLog } from './request-log.ts';
import { throwBadInput } from './requests.ts';
import { adminRoutes } from './routes/admin.ts';
import { albumRoutes } from './routes/albums.ts';
import { archiveRoutes } from './routes/archive.ts';
import { healthRoutes } from './routes/health.ts';
import { libraryRoutes } from './routes/libraries.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { overviewRoutes } from './routes/overview.ts';
import { pageRoutes } from './routes/pages.ts';
import { photoRoutes } from './routes/photos.ts';
import { planRoutes } from './routes/plans.ts';
import { reuploadRoutes } from './routes/reupload.ts';
import { runRoutes } from './routes/runs.ts';
import { s3Routes } from './routes/s3.ts';
import { syncRoutes } from './routes/sync.ts';
import { securityHeaders } from './security-headers.ts';

const BODY_LIMIT = 1024 * 1024;
/** Room to send a comparison's lists of a hundred thousand files back. */
const LISTS_LIMIT = 16 * 1024 * 1024;

/**
 * What a client can call, a group of routes each. A group answers the app as its chain of `openapi` calls has typed it:
 * the client's types come from there (client/client.ts), and a group that is not in this list has none.
 */
const API_ROUTES = [
  syncRoutes,
  reuploadRoutes,
  s3Routes,
  runRoutes,
  planRoutes,
  libraryRoutes,
  albumRoutes,
  photoRoutes,
  archiveRoutes,
  healthRoutes,
  overviewRoutes,
  metricsRoutes,
] as const;

/** The apps that the groups of routes answer with, for Hono's client: a union, which costs less to check than one chain. */
export type ApiRoutes = ReturnType<(typeof API_ROUTES)[number]>;

/**
 * The HTTP API (DESIGN 12) over its parts. It has nothing to close: what it holds to follow runs goes with those who
 * listen. listen.ts serves it. BAD_CONFIG when API_TOKENS_FILE cannot be used.
 */
export function createApp(parts: HttpParts): App {
  parts.auth.more?.check();
  const app = new OpenAPIHono<HttpEnv>({ defaultHook: throwBadInput });
  const identify = identifier(parts.auth);
  const page = parts.page();

  app.use(requestLog(parts.log));
  app.use(securityHeaders());
  app.use(async function noStore(c, next) {
    await next();
    // Only what is the same for everybody may be kept: the page and its parts say so themselves.
    const isData = c.req.path.startsWith('/api/') || !c.res.headers.has('Cache-Control');
    if (isData) c.header('Cache-Control', 'no-store');
  });
  app.use(identify === null ? requireLoopback() : requireToken(identify, (path) => page !== null && isPagePath(path)));
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) => {
        const allow = methods.join(', ');
        const detail = `${c.req.path} does not take ${c.req.method}, but ${allow}`;
        return problemAnswer(c, new RollcallError('METHOD_NOT_ALLOWED', detail), { Allow: allow });
      },
    }),
  );
  app.use(limitBody((path) => (path.startsWith('/api/s3/') ? LISTS_LIMIT : BODY_LIMIT)));
  app.onError(problemHandler(parts.log));
  app.notFound((c) => problemAnswer(c, new RollcallError('NOT_FOUND', `there is nothing at ${c.req.path}; see /docs`)));

  if (identify !== null) {
    app.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  }
  for (const routes of API_ROUTES) routes(app, parts);
  pageRoutes(app, parts, page);
  if (page !== null) adminRoutes(app, parts, page);
  return app;
}
