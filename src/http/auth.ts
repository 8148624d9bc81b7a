/** Who may call: with tokens their bearers, without one only pages of this very server on this very machine (DESIGN 12). */
import { timingSafeEqual } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { RollcallError } from '../errors.ts';
import type { Clock } from '../sync/ports.ts';
import type { HttpEnv } from './parts.ts';
import { problemAnswer } from './problem.ts';
import { type Caller, includes, routeOf, ScopeError, scopeOfRoute } from './scopes.ts';
import type { TokenSource } from './token-file.ts';
import { digestOf, type TokenEntry } from './token-lines.ts';

/** What the server was told of tokens. */
export interface Auth {
  /** API_TOKEN, which may do everything. */
  readonly token: string | null;
  /** Others, each with its scope. */
  readonly more?: TokenSource;
}

/** Whose token a request carries; null: none that is good. */
export type Identify = (c: Context<HttpEnv>) => Caller | null;

const READS = new Set(['GET', 'HEAD']);

/** Null: no token is asked for. Tokens are compared as digests, so that the time taken tells nothing of them. */
export function identifier({ token, more }: Auth, now: Clock = Date.now): Identify | null {
  if (token === null && more === undefined) return null;
  const own: TokenEntry[] =
    token === null ? [] : [{ name: 'API_TOKEN', scope: 'admin', digest: digestOf(token), expiresMs: null }];
  return (c) => {
    const given = /^Bearer +([^ ]+)$/i.exec(c.req.header('Authorization') ?? '')?.[1];
    return given === undefined ? null : callerWith(given, [...own, ...(more?.entries() ?? [])], now());
  };
}

/** Looks at all of them, whichever it is. */
function callerWith(token: string, entries: readonly TokenEntry[], nowMs: number): Caller | null {
  const digest = digestOf(token);
  let found: Caller | null = null;
  for (const entry of entries) {
    const isIt = timingSafeEqual(digest, entry.digest);
    if (isIt && (entry.expiresMs === null || nowMs < entry.expiresMs)) found = entry;
  }
  return found;
}

/**
 * 401 unless the request carries a token, and 403 unless that token's scope is what the route wants. `/api/health` is open,
 * and so is the admin page (`isOpen`), which asks for a token itself.
 */
export function requireToken(identify: Identify, isOpen: (path: string) => boolean): MiddlewareHandler<HttpEnv> {
  return async function requireToken(c, next) {
    const route = routeOf(c);
    // Where there is no route there is nothing to keep, but strangers are not told what there is.
    const wanted = route === null ? 'read' : scopeOfRoute(route);
    if (wanted === 'anyone' || (READS.has(c.req.method) && isOpen(c.req.path))) return next();
    const caller = identify(c);
    if (caller === null) return refuseStranger(c);
    c.set('caller', caller);
    const scope = wanted === 'page' ? 'read' : wanted;
    if (!includes(caller.scope, scope)) throw new ScopeError(caller, scope, `${c.req.method} ${c.req.path}`);
    return next();
  };
}

function refuseStranger(c: Context<HttpEnv>): Response {
  const given = c.req.header('Authorization') !== undefined;
  const detail = given
    ? 'the Authorization header does not hold a right token: it must be "Bearer" and API_TOKEN, or a token of API_TOKENS_FILE'
    : 'a token is needed: send the header "Authorization: Bearer" with API_TOKEN, or a token of API_TOKENS_FILE';
  const challenge = given ? 'Bearer realm="rollcall", error="invalid_token"' : 'Bearer realm="rollcall"';
  return problemAnswer(c, new RollcallError('UNAUTHORIZED', detail), { 'WWW-Authenticate': challenge });
}

/**
 * Without a token, whoever reaches the port may do anything. A web page in the user's browser must not be able to:
 * neither under a name of its own that resolves to this machine (DNS rebinding) nor across origins, where a browser lets
 * it send what it likes and only keeps the answer from it.
 */
export function requireLoopback(): MiddlewareHandler<HttpEnv> {
  return async function requireLoopback(c, next) {
    const host = c.req.header('Host') ?? new URL(c.req.url).host;
    if (!isLoopback(host)) {
      throw new RollcallError(
        'FORBIDDEN_ORIGIN',
        'without API_TOKEN only localhost, 127.0.0.1 and [::1] are answered; set API_TOKEN to use another host name',
      );
    }
    if (crossesOrigins(c, host) && !isFollowedLink(c)) {
      throw new RollcallError(
        'FORBIDDEN_ORIGIN',
        'another origin may not call here; set API_TOKEN and send it instead',
      );
    }
    await next();
  };
}

function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i.test(host);
}

function crossesOrigins(c: Context<HttpEnv>, host: string): boolean {
  const origin = c.req.header('Origin');
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`) return true;
  const site = c.req.header('Sec-Fetch-Site');
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}

/** Somebody clicked a link to here, in a page or a mail, and sees the answer in a tab of its own. */
function isFollowedLink(c: Context<HttpEnv>): boolean {
  const mode = c.req.header('Sec-Fetch-Mode');
  return READS.has(c.req.method) && mode === 'navigate' && c.req.header('Sec-Fetch-Dest') === 'document';
}
