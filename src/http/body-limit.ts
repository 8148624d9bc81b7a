import type { MiddlewareHandler } from 'hono';
import { RollcallError } from '../errors.ts';
import type { HttpEnv } from './parts.ts';

const WITH_BODY = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/**
 * Reads the body, PAYLOAD_TOO_LARGE beyond the bytes that `limitOf` gives a path. An empty body loses its content type, so that
 * `Content-Type: application/json` with nothing after it means "no body" and not "malformed".
 */
export function limitBody(limitOf: (path: string) => number): MiddlewareHandler<HttpEnv> {
  return async function limitBody(c, next) {
    const raw = c.req.raw;
    if (!WITH_BODY.has(raw.method)) return next();
    const limit = limitOf(c.req.path);
    const announced = Number(raw.headers.get('Content-Length') ?? 0);
    if (announced > limit) throw tooLarge(limit);
    const body = await readAll(raw, limit);
    const headers = new Headers(raw.headers);
    if (body.length === 0) headers.delete('Content-Type');
    c.req.raw = new Request(raw.url, {
      method: raw.method,
      headers,
      signal: raw.signal,
      ...(body.length === 0 ? {} : { body }),
    });
    await next();
  };
}

async function readAll(request: Request, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunksOf(request)) {
    size += chunk.length;
    if (size > limit) throw tooLarge(limit);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks, size));
}

async function* chunksOf(request: Request): AsyncGenerator<Uint8Array> {
  if (request.body === null) return;
  try {
    yield* request.body;
  } catch (cause) {
    throw new RollcallError('BAD_INPUT', 'the body ended before it was complete', { cause, field: 'body' });
  }
}

function tooLarge(limit: number): RollcallError {
  return new RollcallError('PAYLOAD_TOO_LARGE', `the body is larger than ${limit} bytes`);
}
