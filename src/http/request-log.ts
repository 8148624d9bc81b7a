import { randomUUID } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import type { Log } from '../sync/ports.ts';
import type { HttpEnv } from './parts.ts';

const BY_MACHINES = new Set(['/api/health', '/metrics']);

/**
 * Gives each request an id, answers it as `X-Request-Id` and logs the request under it when it is answered: the path
 * without its query and no headers, so that no token gets into the log, only the name of the one that was sent. What is asked for again and again by
 * machines, health and metrics, is at level debug.
 */
export function requestLog(log: Log): MiddlewareHandler<HttpEnv> {
  return async function requestLog(c, next) {
    const requestId = randomUUID();
    c.set('requestId', requestId);
    const start = performance.now();
    await next();
    c.header('X-Request-Id', requestId);
    const ms = Math.round(performance.now() - start);
    const token = c.get('caller')?.name;
    const fields = {
      requestId,
      method: c.req.method,
      path: c.req.path,
      status: c.res.status,
      ms,
      ...(token && { token }),
    };
    if (BY_MACHINES.has(c.req.path)) log.debug(fields, 'request');
    else log.info(fields, 'request');
  };
}
