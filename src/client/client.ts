/**
 * A typed client of the HTTP API, for Node, browsers and whatever else has `fetch`. Of the server it takes nothing but
 * types.
 */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Hono, Schema } from 'hono';
import { hc } from 'hono/client';
import type { ApiRoutes } from '../http/app.ts';
import { orProblem, ProblemError } from './problem-error.ts';
import { type FollowOptions, followRun, type RunEvent, type RunReport } from './run-events.ts';

/** This file is what `rollcall/client` is to its callers. */
export { type FollowOptions, ProblemError, type RunEvent, type RunReport };

export interface ClientOptions {
  /** API_TOKEN or one of API_TOKENS_FILE, where the server has any. */
  readonly token?: string;
  /** Instead of the global one. */
  readonly fetch?: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
}

export interface Client extends Pick<Routes, 'api' | 'metrics'> {
  /**
   * What is told of a run until its report, which is the last event. Goes on after connections that break; throws a
   * ProblemError (`NOT_FOUND` for a run that there is not) or the signal's reason.
   */
  events(runId: string, options?: FollowOptions): AsyncGenerator<RunEvent, void, undefined>;
}

/**
 * A client of the server at this address (empty: of the server that the page came from). Each route is a property of
 * the one before it: `client.api.runs[':id'].$get({ param: { id } })` answers a Response whose `json()` has the route's
 * type. What is refused or fails is thrown as a ProblemError.
 */
export function createClient(baseUrl: string, options: ClientOptions = {}): Client {
  const { token, fetch: send = (input, init) => fetch(input, init) } = options;
  const routes = withParamsEncoded(
    hc<Answers<ApiRoutes>>(baseUrl, {
      fetch: async (input: string | URL | Request, init?: RequestInit) => orProblem(await send(input, init)),
      headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
    }),
  );
  return {
    api: routes.api,
    metrics: routes.metrics,
    events: (id, followOptions = {}) =>
      followRun(
        (headers, signal) => routes.api.runs[':id'].events.$get({ param: { id } }, { headers, init: { signal } }),
        followOptions,
      ),
  };
}

type Routes = ReturnType<typeof hc<Answers<ApiRoutes>>>;

/** The routes without their problem documents, which are never answered but thrown. */
type Answers<App> =
  App extends OpenAPIHono<infer Env, infer Typed, infer BasePath>
    ? WithoutProblems<Typed> extends infer Answered extends Schema
      ? Hono<Env, Answered, BasePath>
      : never
    : never;

type WithoutProblems<Typed extends Schema> = {
  [Path in keyof Typed]: { [Method in keyof Typed[Path]]: NoProblem<Typed[Path][Method]> };
};

type NoProblem<Endpoint> = Endpoint extends { readonly output: { readonly type: 'about:blank' } } ? never : Endpoint;

/** Hono's client puts parameters into the path as they are: a name with a slash would lead to another route. */
function withParamsEncoded<Target extends object>(target: Target): Target {
  return new Proxy(target, {
    get: (routes, key) => {
      const inner: unknown = Reflect.get(routes, key);
      return typeof inner === 'function' ? withParamsEncoded(inner) : inner;
    },
    apply: (call, self, [input, ...more]: unknown[]) =>
      Reflect.apply(call as () => unknown, self, [encodeParams(input), ...more]),
  });
}

function encodeParams(input: unknown): unknown {
  if (typeof input !== 'object' || input === null || !('param' in input)) return input;
  const params = Object.entries(input.param as Record<string, string>);
  return { ...input, param: Object.fromEntries(params.map(([name, value]) => [name, pathPart(name, value)])) };
}

function pathPart(name: string, value: string): string {
  if (/^\.{0,2}$/.test(value)) throw new TypeError(`${name} cannot be ${JSON.stringify(value)}`);
  return encodeURIComponent(value);
}
