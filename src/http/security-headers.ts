import type { MiddlewareHandler } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import type { HttpEnv } from './parts.ts';

/** What every answer carries. */
const POLICY = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'"],
  connectSrc: ["'self'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
};

/**
 * Nothing runs or loads but what this server serves itself, in no frame, and nothing of it is kept or referred to. A
 * route that shows pictures from buckets names those in `imageSources`.
 */
export function securityHeaders(): MiddlewareHandler<HttpEnv> {
  const headers = secureHeaders({
    contentSecurityPolicy: POLICY,
    xFrameOptions: 'DENY',
    referrerPolicy: 'no-referrer',
    // Said by whoever terminates TLS in front, if anyone does.
    strictTransportSecurity: false,
  });
  return async function securityHeaders(c, next) {
    await headers(c, next);
    const sources = c.get('imageSources') ?? [];
    if (sources.length === 0) return;
    const policy = c.res.headers.get('Content-Security-Policy') ?? '';
    c.header('Content-Security-Policy', policy.replace("img-src 'self'", `img-src 'self' ${sources.join(' ')}`));
  };
}
