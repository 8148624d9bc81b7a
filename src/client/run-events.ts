/** Following a run until its report, over connections that break. */
import type { z } from 'zod';
import type { RunProgressEvent } from '../http/run-progress.ts';
import type { Report } from '../http/schemas.ts';
import { EventStreamReader, type ServerEvent } from './event-stream.ts';
import { ProblemError } from './problem-error.ts';

export type RunReport = z.infer<typeof Report>;

/** What is told of a run; `report` is the last of it. */
export type RunEvent =
  | { readonly event: 'progress'; readonly id: string; readonly data: RunProgressEvent }
  | { readonly event: 'report'; readonly id: string; readonly data: RunReport };

export interface FollowOptions {
  /** Ends the following: the iterator throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** The `id` of an event that is known already: only what is newer is told. */
  readonly lastEventId?: string;
}

/** Opens the stream of a run's events. */
export type OpenEvents = (headers: Record<string, string>, signal: AbortSignal) => Promise<Response>;

/** The server sends something every fifteen seconds: on a connection that is silent for longer nobody is left. */
const SILENCE_MS = 45_000;
const RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 30_000;

/**
 * The events of a run, in order, the last one its report. A connection that breaks or falls silent is made again, and
 * goes on where it was; so is one that the server or a proxy cannot answer for a while, for as long as `signal` allows.
 * Throws a ProblemError, and whatever kept the very first connection from being made.
 */
export async function* followRun(open: OpenEvents, options: FollowOptions): AsyncGenerator<RunEvent, void, undefined> {
  const { signal = new AbortController().signal } = options;
  const follow = { lastId: options.lastEventId ?? '', retryMs: RETRY_MS, failures: 0 };
  let wasOpen = false;
  for (;;) {
    signal.throwIfAborted();
    const connection = new Connection(signal);
    const reader = new EventStreamReader(follow.lastId);
    try {
      const response = await open(headersOf(follow.lastId), connection.signal);
      if (response.status === 204) return;
      wasOpen = true;
      for await (const event of connection.events(response, reader)) {
        follow.failures = 0;
        follow.lastId = event.id;
        const told = runEvent(event);
        if (told !== null) yield told;
        if (told?.event === 'report') return;
      }
    } catch (thrown) {
      signal.throwIfAborted();
      if (!wasOpen || !mayPass(thrown)) throw thrown;
    } finally {
      connection.close();
    }
    follow.retryMs = reader.retryMs ?? follow.retryMs;
    await pause(Math.min(follow.retryMs * 2 ** follow.failures, LONGEST_RETRY_MS), signal);
    follow.failures += 1;
  }
}

function headersOf(lastId: string): Record<string, string> {
  return { Accept: 'text/event-stream', ...(lastId !== '' && { 'Last-Event-ID': lastId }) };
}

/** What the server sends is what this package was built with; an event of another kind is a newer server's. */
function runEvent({ event, id, data }: ServerEvent): RunEvent | null {
  if (event === 'progress') return { event, id, data: JSON.parse(data) as RunProgressEvent };
  if (event === 'report') return { event, id, data: JSON.parse(data) as RunReport };
  return null;
}

/** A server that restarts, a database that is away, a proxy without a server behind it. */
function mayPass(thrown: unknown): boolean {
  if (thrown instanceof ProblemError) return [429, 502, 503, 504].includes(thrown.status);
  return !(thrown instanceof SyntaxError);
}

/** One connection, given up when it falls silent. */
class Connection {
  readonly #ending = new AbortController();
  readonly signal: AbortSignal;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(outer: AbortSignal) {
    this.signal = AbortSignal.any([outer, this.#ending.signal]);
    this.#heard();
  }

  async *events(response: Response, reader: EventStreamReader): AsyncGenerator<ServerEvent, void, undefined> {
    const body = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    if (body === undefined) return;
    for (let part = await body.read(); !part.done; part = await body.read()) {
      this.#heard();
      yield* reader.push(part.value);
    }
  }

  #heard(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ending.abort(), SILENCE_MS);
  }

  /** Ends what is still open of it. */
  close(): void {
    clearTimeout(this.#timer);
    this.#ending.abort();
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const wake = () => resolve();
  signal.addEventListener('abort', wake, { once: true });
  await promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', wake);
}
