/** Who may call: with a token its bearers, without one only pages of this very server on this very machine (DESIGN 12). */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { RollcallError } from '../errors.ts';
import type { HttpEnv } from './parts.ts';
import { problemAnswer } from './problem.ts';

const OPEN_PATHS = new Set(['/api/health']);
const READS = new Set(['GET', 'HEAD']);

/** Does the request carry this token? Compared as digests, so that the time taken tells nothing of it. */
export function bearerCheck(token: string): (c: Context<HttpEnv>) => boolean {
  const expected = digest(token);
  return (c) => {
    const given = /^Bearer +([^ ]+)$/i.exec(c.req.header('Authorization') ?? '')?.[1];
    return given !== undefined && timingSafeEqual(digest(given), expected);
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/**
 * 401 on every path but /api/health unless the request carries the token, and but those that `isOpen` reads: the admin
 * page, which asks for the token itself.
 */
export function requireToken(token: string, isOpen: (path: string) => boolean): MiddlewareHandler<HttpEnv> {
  const hasToken = bearerCheck(token);
  return async function requireToken(c, next) {
    const open = OPEN_PATHS.has(c.req.path) || (READS.has(c.req.method) && isOpen(c.req.path));
    if (open || hasToken(c)) return next();
    const given = c.req.header('Authorization') !== undefined;
    const detail = given
      ? 'the Authorization header does not hold the right token: it must be "Bearer" and the value of API_TOKEN'
      : 'a token is needed: send the header "Authorization: Bearer" with the value of API_TOKEN';
    const challenge = given ? 'Bearer realm="rollcall", error="invalid_token"' : 'Bearer realm="rollcall"';
    return problemAnswer(c, new RollcallError('UNAUTHORIZED', detail), { 'WWW-Authenticate': challenge });
  };
}

/**
 * Without a token, whoever reaches the port may do anything. A web page in the user's browser must not be able to:
 * neither under a name of its own that resolves to this machine (DNS rebinding) nor by writing across origins.
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
    if (!READS.has(c.req.method) && crossesOrigins(c, host)) {
      throw new RollcallError(
        'FORBIDDEN_ORIGIN',
        'another origin may not write here; set API_TOKEN and send it instead',
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
