import type { Context } from 'hono';
import type { HttpEnv } from './parts.ts';

/**
 * What ends a run that a request began: the server's end. Not the request's own signal, because a proxy that gives up
 * waiting must not stop an hour's upload.
 */
export function runSignal(c: Context<HttpEnv>): AbortSignal {
  // Outside listen.ts there is no server to stop, and Hono gives no bindings at all.
  return c.env?.stopping ?? new AbortController().signal;
}
