/** What a token may do, and which route wants what: the one place where that is said. */
import type { Context } from 'hono';
import { matchedRoutes } from 'hono/route';
import { RollcallError } from '../errors.ts';
import { ASSETS_PATH, PAGE_PATHS } from './page-paths.ts';
import type { HttpEnv } from './parts.ts';

/** Each includes those before it. */
export const SCOPES = ['read', 'sync', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/**
 * `read` looks, `sync` has photos and objects brought into agreement, `admin` removes objects and says what there is to
 * sync. `anyone` needs no token, `page` none where the admin page is served.
 */
const ROUTE_SCOPES: Readonly<Record<string, Scope | 'anyone' | 'page'>> = {
  'GET /api/health': 'anyone',
  'GET /api/overview': 'read',
  'GET /metrics': 'read',
  'GET /docs': 'read',
  'GET /openapi.json': 'read',
  'GET /style.css': 'read',

  'GET /api/libraries': 'read',
  'GET /api/libraries/:id': 'read',
  'POST /api/libraries': 'admin',
  'POST /api/libraries/check': 'admin',
  'PATCH /api/libraries/:id': 'admin',
  'DELETE /api/libraries/:id': 'admin',

  'GET /api/albums': 'read',
  'GET /api/albums/:id': 'read',
  'GET /api/albums/:id/photos': 'read',
  'GET /api/photos': 'read',
  'GET /api/photos/:id': 'read',
  'GET /api/photos/:id/sides': 'read',
  'GET /api/photos/:id/url': 'read',
  'POST /api/photos/:id/reupload': 'sync',

  // With `orphans: delete` more: routes/sync.ts.
  'POST /api/sync': 'sync',
  'POST /api/reconcile': 'sync',
  'POST /api/reupload': 'sync',
  'GET /api/runs': 'read',
  'GET /api/runs/:id': 'read',
  'GET /api/runs/:id/actions': 'read',
  'GET /api/runs/:id/events': 'read',
  'GET /api/runs/:id/plan': 'read',
  'GET /api/runs/:id/plan/steps': 'read',
  // Of a plan that deletes more: routes/plans.ts.
  'POST /api/runs/:id/apply': 'sync',
  'POST /api/runs/:id/cancel': 'sync',

  // Reads every byte of an album on both sides.
  'POST /api/s3/compare': 'sync',
  'POST /api/s3/upload': 'sync',
  'POST /api/s3/download': 'sync',
  'POST /api/s3/remove': 'admin',

  'GET /api/archive': 'read',
  'POST /api/archive/restore': 'sync',

  ...Object.fromEntries(PAGE_PATHS.map((path) => [`GET ${path}`, 'page'] as const)),
  [`GET ${ASSETS_PATH}:name`]: 'page',
};

/** Who calls, as far as tokens tell. */
export interface Caller {
  /** Of the token, not of a person. */
  readonly name: string;
  readonly scope: Scope;
}

/** What this route (`GET /api/runs/:id`) wants. One that nobody has entered above wants all there is. */
export function scopeOfRoute(route: string): Scope | 'anyone' | 'page' {
  return ROUTE_SCOPES[route] ?? 'admin';
}

/** Is something said of this route? */
export function isScoped(route: string): boolean {
  return Object.hasOwn(ROUTE_SCOPES, route);
}

/** The route that is going to answer, as it was declared; null: none is. */
export function routeOf(c: Context<HttpEnv>): string | null {
  const found = matchedRoutes(c).find(({ method }) => method !== 'ALL');
  return found === undefined ? null : `${found.method} ${found.path}`;
}

export function includes(has: Scope, wanted: Scope): boolean {
  return SCOPES.indexOf(has) >= SCOPES.indexOf(wanted);
}

/** FORBIDDEN_SCOPE unless the caller may do this. Where no token is wanted, everybody may. */
export function assertScope(c: Context<HttpEnv>, wanted: Scope, what: string): void {
  const caller = c.get('caller');
  if (caller !== undefined && !includes(caller.scope, wanted)) throw new ScopeError(caller, wanted, what);
}

/** FORBIDDEN_SCOPE, and which scope would do. */
export class ScopeError extends RollcallError {
  readonly scope: Scope;

  constructor(caller: Caller, wanted: Scope, what: string) {
    super(
      'FORBIDDEN_SCOPE',
      `${what} needs a token with the scope ${wanted}, and the token ${caller.name} has the scope ${caller.scope}`,
    );
    this.scope = wanted;
  }
}
