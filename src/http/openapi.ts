/** Pieces that every route's documentation is made of. */
import type { OpenAPIHono, z } from '@hono/zod-openapi';
import { identifier } from './auth.ts';
import type { HttpEnv, HttpParts } from './parts.ts';
import { Problem } from './schemas.ts';
import { scopeOfRoute } from './scopes.ts';

export type App = OpenAPIHono<HttpEnv>;

/** A JSON answer or body. */
export function json<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { description, content: { 'application/json': { schema } } };
}

const MEANING = {
  400: 'The input is wrong; `field` says which.',
  401: 'A token is needed or the one given is wrong.',
  403: "The token's scope is not enough. Without tokens: a host name or an origin that may not call.",
  404: 'There is none.',
  409: 'Something else is in the way: a running sync, another library.',
  413: 'The body is too large.',
  415: 'The body is not JSON.',
  422: 'A guard refused before anything was touched; `code` says which.',
  429: 'Too many listen already.',
  500: 'An error nobody foresaw; the log has it.',
  502: 'The bucket cannot be reached or denies access.',
  503: 'The database cannot be used.',
} as const;

type ProblemStatus = keyof typeof MEANING;

/** The problem documents a route may answer with, beside those that every route may. */
export function problems<const Status extends ProblemStatus = never>(...statuses: Status[]) {
  const all = [401, 403, 500, ...statuses] as const;
  const answers = all.map((status) => [
    status,
    { description: MEANING[status], content: { 'application/problem+json': { schema: Problem } } },
  ]);
  return Object.fromEntries(answers) as Record<
    401 | 403 | 500 | Status,
    { description: string; content: { 'application/problem+json': { schema: typeof Problem } } }
  >;
}

/** The OpenAPI 3.1 document of the app's routes. */
export function describeApi(app: App, parts: HttpParts) {
  const isGuarded = identifier(parts.auth) !== null;
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Rollcall',
      version: parts.version,
      description:
        'Keeps a photo library in agreement across album folders on disk, rows in PostgreSQL and objects in an S3 bucket. ' +
        'Errors are RFC 9457 problem documents with a stable `code`.',
    },
    ...(isGuarded && { security: [{ token: [] }] }),
  });
  if (isGuarded) nameScopes(document.paths ?? {});
  return document;
}

/** Each operation with the scope that its route wants, as OpenAPI 3.1 has it. */
function nameScopes(paths: object): void {
  for (const [path, item] of Object.entries(paths) as [string, Record<string, { security?: unknown }>][]) {
    const declared = path.replaceAll(/\{(\w+)\}/g, ':$1');
    for (const [method, operation] of Object.entries(item)) {
      const scope = scopeOfRoute(`${method.toUpperCase()} ${declared}`);
      if (scope !== 'anyone') operation.security = [{ token: [scope === 'page' ? 'read' : scope] }];
    }
  }
}
