/** A sync that a request asks for: by the request itself, or through the queue, waited for or not. */
import type { Context } from 'hono';
import { asRollcallError, RollcallError } from '../errors.ts';
import type { RunQueue } from '../sync/run-queue.ts';
import type { SyncRequest } from '../sync/service.ts';
import type { Report } from '../sync/types.ts';
import { answer } from './answer.ts';
import { accepted, goingOn } from './going-on.ts';
import type { HttpEnv, HttpParts } from './parts.ts';
import { prefersAsync } from './prefer.ts';
import { runSignal } from './run-signal.ts';

/**
 * Answers the report, or that the run is queued. An album's sync and a dry run belong to this process; what spreads over
 * albums goes through the queue if there is one, and neither the client's going nor the server's end stops it. A dry run
 * is never queued: whoever looks does not wait behind those who work.
 */
export async function carryOut(c: Context<HttpEnv>, parts: HttpParts, request: SyncRequest) {
  const { queue, service } = parts;
  if (request.dryRun === true) {
    return goingOn(c, parts, (hooks, signal) => service.sync({ ...request, keepPlan: true }, hooks, signal));
  }
  // A few photos are settled at once; nobody else has to help.
  if (request.files !== undefined) return goingOn(c, parts, (hooks, signal) => service.sync(request, hooks, signal));
  const queued = queue !== null;
  if (queued && prefersAsync(c.req.header('Prefer'))) {
    const { runId } = await queue.enqueue(request);
    return accepted(c, runId, { 'Preference-Applied': 'respond-async' });
  }
  const spreads = request.album === undefined && request.albumId === undefined;
  if (!queued || !spreads) return answer(c, await service.sync(request, {}, runSignal(c)), 200);
  const { runId } = await queue.enqueue(request);
  const report = await endOf(c, parts, queue, runId);
  if (report === null) return accepted(c, runId);
  // As the request that carries a run out is answered.
  const { error } = report;
  if (error !== undefined && error.code !== 'CANCELLED') throw new RollcallError(error.code, error.message);
  return answer(c, report, 200);
}

/** Null: its end cannot be waited for any longer, and the run goes on. */
async function endOf(c: Context<HttpEnv>, { log }: HttpParts, queue: RunQueue, runId: string): Promise<Report | null> {
  try {
    return await queue.ended(runId, AbortSignal.any([runSignal(c), c.req.raw.signal]));
  } catch (thrown) {
    const { code, message } = asRollcallError(thrown);
    if (code !== 'CANCELLED') log.warn({ run: runId, code }, `the end of a queued run was not waited for: ${message}`);
    return null;
  }
}
