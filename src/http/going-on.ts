/** A run that the request itself begins and need not wait for: answered when it is in the history, it goes on in this process. */
import type { Context } from 'hono';
import { asRollcallError } from '../errors.ts';
import type { RunHooks } from '../sync/service.ts';
import type { Report } from '../sync/types.ts';
import { answer } from './answer.ts';
import type { HttpEnv, HttpParts } from './parts.ts';
import { prefersAsync } from './prefer.ts';
import { runSignal } from './run-signal.ts';

type Work = (hooks: RunHooks, signal: AbortSignal) => Promise<Report>;

/**
 * Answers the report, or, where the client would rather not wait, that the run goes. What is thrown before the run has
 * begun is thrown here either way; after that it is in the run's report.
 */
export async function goingOn(c: Context<HttpEnv>, { log }: Pick<HttpParts, 'log'>, work: Work) {
  if (!prefersAsync(c.req.header('Prefer'))) return answer(c, await work({}, runSignal(c)), 200);
  const { promise: begun, resolve } = Promise.withResolvers<string>();
  const ended = work({ onStart: resolve }, runSignal(c));
  const settled = ended.then(
    () => undefined,
    (thrown: unknown) => log.debug({ code: asRollcallError(thrown).code }, 'a run that nobody waits for has failed'),
  );
  c.env?.goesOn?.(settled);
  const runId = await Promise.race([begun, ended.then((report) => report.runId)]);
  return accepted(c, runId, { 'Preference-Applied': 'respond-async' });
}

/** The run goes, or waits for its turn. */
export function accepted(c: Context<HttpEnv>, runId: string, headers: Record<string, string> = {}) {
  return answer(c, { runId }, 202, { Location: `/api/runs/${runId}`, ...headers });
}
