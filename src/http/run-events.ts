/** A run's progress as server-sent events. */
import type { Context } from 'hono';
import { type SSEStreamingApi, streamSSE } from 'hono/streaming';
import { asRollcallError } from '../errors.ts';
import type { RunView } from '../sync/run-history.ts';
import { sumReports } from '../sync/tally.ts';
import type { Report } from '../sync/types.ts';
import { toJson } from './answer.ts';
import type { HttpEnv } from './parts.ts';
import type { Sight, Watching } from './run-watch.ts';

/** Proxies give up on a connection on which nothing comes, most of them after a minute. */
const KEEP_ALIVE_MS = 15_000;
/** A client comes back so soon after the server has gone. */
const RETRY_MS = 2_000;

/**
 * Answers what is seen of a run until it ends, the client goes or the server closes. A client that knows the sight
 * `lastEventId` is told only of others. No sight is kept for a slow client: it is told of the latest when it can take it.
 */
export function runEvents(c: Context<HttpEnv>, watching: Watching, lastEventId: string | undefined): Response {
  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, c.req.raw.signal, ...(c.env?.closing ? [c.env.closing] : [])]);
  const known = watching.latest.id === lastEventId ? watching.latest : null;
  // A browser comes back after each end of a connection, unless it is told that there is no more to come.
  if (c.req.raw.method === 'HEAD' || known?.what === 'ended') {
    watching.close();
    return c.body(null, known?.what === 'ended' ? 204 : 200, { 'Content-Type': 'text/event-stream' });
  }
  // Said to nginx, which would gather events otherwise.
  c.header('X-Accel-Buffering', 'no');
  return streamSSE(c, async (stream) => {
    stream.onAbort(() => gone.abort());
    try {
      await send(stream, watching, known, signal);
    } finally {
      watching.close();
    }
  });
}

async function send(stream: SSEStreamingApi, watching: Watching, known: Sight | null, signal: AbortSignal) {
  let seen = known;
  // Headers go out with the first bytes: a client that knows the latest is to be told at once that it is heard.
  if (seen !== null) await stream.write(': nothing new\n\n');
  while (!signal.aborted) {
    const sight = watching.latest;
    if (sight === seen) {
      await watching.next(sight, KEEP_ALIVE_MS, signal);
      if (watching.latest === sight && !signal.aborted) await stream.write(': still here\n\n');
      continue;
    }
    const retry = seen === null ? { retry: RETRY_MS } : {};
    seen = sight;
    if (sight.what === 'going') {
      await stream.writeSSE({ event: 'progress', id: sight.id, data: sight.data, ...retry });
      continue;
    }
    if (sight.what === 'ended') {
      await stream.writeSSE({ event: 'report', id: sight.id, data: toJson(reportOf(sight.run)), ...retry });
    }
    return;
  }
}

/** A process that died left none. */
function reportOf({ id, status, report, startedAt, finishedAt }: RunView): Report {
  if (report !== null) return report;
  const { code, message } = asRollcallError(new Error('the process that carried this run out ended without a report'));
  const durationMs = finishedAt === null ? 0 : Date.parse(finishedAt) - Date.parse(startedAt);
  const ended = status === 'queued' || status === 'running' ? 'failed' : status;
  return { ...sumReports(id, [], durationMs), status: ended, error: { code, message } };
}
