import { secureHeaders } from 'hono/secure-headers';

/** Nothing runs or loads but what this server serves itself, in no frame, and nothing of it is kept or referred to. */
export function securityHeaders() {
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'"],
      connectSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
    xFrameOptions: 'DENY',
    referrerPolicy: 'no-referrer',
    // Said by whoever terminates TLS in front, if anyone does.
    strictTransportSecurity: false,
  });
}
