/** Errors as RFC 9457 problem documents: every answer that is not a success has this shape. */
import { STATUS_CODES } from 'node:http';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { asRollcallError, RollcallError } from '../errors.ts';
import type { Log } from '../sync/ports.ts';
import type { HttpEnv } from './parts.ts';
import { ScopeError } from './scopes.ts';

export interface Problem {
  /** Always `about:blank`: what kind of problem it is, `code` says. */
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  /** Which input is wrong, when it is one. */
  readonly field?: string;
  /** Which scope a token needs for this, when the one that was sent has less. */
  readonly scope?: string;
  /** This very occurrence: the request's id, as it is in the log. */
  readonly instance: string;
}

/** The error as an answer. What nobody foresaw is described in the log only. */
export function problemAnswer(c: Context<HttpEnv>, error: RollcallError, headers: Record<string, string> = {}) {
  const requestId = c.get('requestId');
  const problem: Problem = {
    type: 'about:blank',
    title: STATUS_CODES[error.status] ?? 'Error',
    status: error.status,
    detail: error.code === 'INTERNAL' ? `unexpected error; the log tells more at request ${requestId}` : error.message,
    code: error.code,
    ...(error.field === undefined ? {} : { field: error.field }),
    ...(error instanceof ScopeError && { scope: error.scope }),
    instance: `urn:uuid:${requestId}`,
  };
  return c.body(JSON.stringify(problem), error.status as ContentfulStatusCode, {
    'Content-Type': 'application/problem+json',
    // As RFC 6750 has it.
    ...(error instanceof ScopeError && {
      'WWW-Authenticate': `Bearer realm="rollcall", error="insufficient_scope", scope="${error.scope}"`,
    }),
    ...headers,
  });
}

/** For `app.onError`: whatever was thrown becomes a problem document, and a log line when it is the server's fault. */
export function problemHandler(log: Log) {
  return (thrown: unknown, c: Context<HttpEnv>): Response => {
    const error = thrown instanceof HTTPException ? fromHono(thrown) : asRollcallError(thrown);
    if (error.status >= 500) {
      const fields = { requestId: c.get('requestId'), code: error.code, err: error.cause ?? error };
      if (error.code === 'INTERNAL') log.error(fields, 'unexpected error');
      else log.warn(fields, error.message);
    }
    return problemAnswer(c, error);
  };
}

/** Hono's own complaints about a body, which come before ours. */
function fromHono(thrown: HTTPException): RollcallError {
  if (thrown.status === 415) {
    return new RollcallError('UNSUPPORTED_MEDIA_TYPE', 'send the body as Content-Type: application/json');
  }
  if (thrown.status === 400) return new RollcallError('BAD_INPUT', 'the body is not valid JSON', { field: 'body' });
  return new RollcallError('INTERNAL', thrown.message, { cause: thrown });
}
