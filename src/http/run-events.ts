/** A run's progress as server-sent events. */
import type { Context } from 'hono';
import { type SSEStreamingApi, streamSSE } from 'hono/streaming';
import { asRollcallError, RollcallError } from '../errors.ts';
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

/** How many may listen at the same time, and for how many milliseconds one may leave unread what it was sent. */
export interface ListenerLimits {
  readonly most: number;
  readonly stalledMs: number;
}

const USUAL_LIMITS: ListenerLimits = { most: 1_000, stalledMs: 60_000 };

/** Counts those who listen: each holds a connection for as long as it likes. */
export class Listeners {
  readonly limits: ListenerLimits;
  #count = 0;

  constructor(limits: Partial<ListenerLimits> = {}) {
    this.limits = { ...USUAL_LIMITS, ...limits };
  }

  /** One more, or TOO_MANY_LISTENERS and the look closed again. */
  join(watching: Watching): { close(): void } {
    if (this.#count >= this.limits.most) {
      watching.close();
      const message = `${this.limits.most} listen already, which is as many as may; ask for the run itself instead`;
      throw new RollcallError('TOO_MANY_LISTENERS', message);
    }
    this.#count += 1;
    let left = false;
    return {
      close: () => {
        if (left) return;
        left = true;
        this.#count -= 1;
        watching.close();
      },
    };
  }
}

/**
 * Answers what is seen of a run until it ends, the client goes or the server closes. A client that knows the sight
 * `lastEventId` is told only of others. No sight is kept for a slow client: it is told of the latest when it can take it;
 * one that takes nothing any more is cut off.
 */
export function runEvents(
  c: Context<HttpEnv>,
  watching: Watching,
  lastEventId: string | undefined,
  listeners: Listeners,
): Response {
  const listening = listeners.join(watching);
  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, c.req.raw.signal, ...(c.env?.closing ? [c.env.closing] : [])]);
  const known = watching.latest.id === lastEventId ? watching.latest : null;
  // A browser comes back after each end of a connection, unless it is told that there is no more to come.
  if (c.req.raw.method === 'HEAD' || known?.what === 'ended') {
    listening.close();
    return c.body(null, known?.what === 'ended' ? 204 : 200, { 'Content-Type': 'text/event-stream' });
  }
  // Said to nginx, which would gather events otherwise.
  c.header('X-Accel-Buffering', 'no');
  const response = streamSSE(c, async (stream) => {
    stream.onAbort(() => gone.abort());
    // What hangs in a write to a client that reads nothing ends with its connection.
    const isTaken = async (write: Promise<unknown>) => {
      const cutOff = () => {
        gone.abort();
        c.env?.hangUp?.();
      };
      const stalled = setTimeout(cutOff, listeners.limits.stalledMs);
      await write.finally(() => clearTimeout(stalled));
    };
    try {
      await send(stream, watching, known, signal, isTaken);
    } finally {
      listening.close();
    }
  });
  // Hono asks for the connection to be kept, even of a client that said it will not use it again.
  response.headers.delete('Connection');
  return response;
}

async function send(
  stream: SSEStreamingApi,
  watching: Watching,
  known: Sight | null,
  signal: AbortSignal,
  isTaken: (write: Promise<unknown>) => Promise<void>,
) {
  let seen = known;
  // Headers go out with the first bytes: a client that knows the latest is to be told at once that it is heard.
  if (seen !== null) await isTaken(stream.write(': nothing new\n\n'));
  while (!signal.aborted) {
    const sight = watching.latest;
    if (sight === seen) {
      await watching.next(sight, KEEP_ALIVE_MS, signal);
      if (watching.latest === sight && !signal.aborted) await isTaken(stream.write(': still here\n\n'));
      continue;
    }
    const retry = seen === null ? { retry: RETRY_MS } : {};
    seen = sight;
    if (sight.what === 'going') {
      await isTaken(stream.writeSSE({ event: 'progress', id: sight.id, data: sight.data, ...retry }));
      continue;
    }
    if (sight.what === 'ended') {
      const data = toJson(reportOf(sight.run));
      await isTaken(stream.writeSSE({ event: 'report', id: sight.id, data, ...retry }));
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
