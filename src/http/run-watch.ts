/** Looks at runs for whoever listens: once for each run and moment, however many do. */
import { createHash } from 'node:crypto';
import { asRollcallError } from '../errors.ts';
import type { Log } from '../sync/ports.ts';
import type { RunFollower, RunHistory, RunView } from '../sync/run-history.ts';
import { isOver, type RunState } from '../sync/run-state.ts';
import { type RunProgressEvent, runProgress } from './run-progress.ts';

const POLL_MS = 500;
/** A run of very many parts takes longer to look at, and is looked at less often: a tenth of a connection at most. */
const SPARED = 10;
/** A database that is away is asked less often. */
const AWAY_MS = 5_000;

/** What there was to see of a run; another object for whatever is worth telling. */
export type Sight =
  /** `id` is the same for the same counts, whichever process looks. */
  | { readonly what: 'going'; readonly id: string; readonly event: RunProgressEvent; readonly data: string }
  | { readonly what: 'ended'; readonly id: string; readonly run: RunView }
  /** It went with its library. */
  | { readonly what: 'gone'; readonly id: string };

/** One listener's look at a run. */
export interface Watching {
  readonly latest: Sight;
  /** Resolves when `latest` is another than `seen`, after so many ms, or when the signal aborts. */
  next(seen: Sight, ms: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

type Runs = Pick<RunHistory, 'follow' | 'run'>;

/** Holds timers for as long as somebody listens, and nothing otherwise. */
export class RunWatch {
  readonly #runs: Runs;
  readonly #log: Log;
  readonly #polls = new Map<string, Poll>();

  constructor(runs: Runs, log: Log) {
    this.#runs = runs;
    this.#log = log;
  }

  /** Null: there is no such run. DATABASE_* when it cannot be looked at. To be closed. */
  async watch(runId: string): Promise<Watching | null> {
    const known = this.#polls.get(runId);
    const poll = known ?? new Poll(runId, this.#runs, this.#log, () => this.#polls.delete(runId));
    this.#polls.set(runId, poll);
    poll.join();
    try {
      const first = await poll.first;
      const latest = poll.latest ?? first;
      if (latest.what !== 'gone') return watching(poll, latest);
    } catch (thrown) {
      poll.leave();
      throw thrown;
    }
    poll.leave();
    return null;
  }
}

function watching(poll: Poll, first: Sight): Watching {
  let left = false;
  return {
    get latest() {
      return poll.latest ?? first;
    },
    next: (seen, ms, signal) => poll.next(seen, ms, signal),
    close: () => {
      if (left) return;
      left = true;
      poll.leave();
    },
  };
}

/** Looks at one run until it is over or nobody listens any more. */
class Poll {
  /** What was seen first; rejects when that could not be. */
  readonly first: Promise<Sight>;
  latest: Sight | null = null;
  readonly #runs: Runs;
  readonly #log: Log;
  readonly #follower: RunFollower;
  readonly #runId: string;
  readonly #onDeserted: () => void;
  readonly #progressOf = runProgress();
  readonly #ending = new AbortController();
  readonly #waiting = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #listeners = 0;

  constructor(runId: string, runs: Runs, log: Log, onDeserted: () => void) {
    this.#runId = runId;
    this.#runs = runs;
    this.#log = log;
    this.#onDeserted = onDeserted;
    this.#follower = runs.follow(runId);
    this.first = this.#look();
    // Whoever joined is told; nobody else needs to be.
    this.first.catch(() => {});
  }

  join(): void {
    this.#listeners += 1;
  }

  leave(): void {
    this.#listeners -= 1;
    if (this.#listeners > 0 || this.#ending.signal.aborted) return;
    this.#ending.abort();
    clearTimeout(this.#timer);
    this.#onDeserted();
  }

  async next(seen: Sight, ms: number, signal: AbortSignal): Promise<void> {
    if (this.latest !== seen || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    const timer = setTimeout(wake, ms);
    signal.addEventListener('abort', wake, { once: true });
    this.#waiting.add(wake);
    await promise;
    clearTimeout(timer);
    signal.removeEventListener('abort', wake);
    this.#waiting.delete(wake);
  }

  async #look(): Promise<Sight> {
    const begunMs = performance.now();
    const state = await this.#follower.read(this.#ending.signal);
    const sight = await this.#sightOf(state);
    const same = this.latest?.what === 'going' && sight.what === 'going' && this.latest.data === sight.data;
    if (this.latest === null || !same) this.#show(sight);
    if (sight.what === 'going') this.#lookAgain(Math.max(POLL_MS, SPARED * (performance.now() - begunMs)));
    return sight;
  }

  async #sightOf(state: RunState | null): Promise<Sight> {
    if (state === null) return { what: 'gone', id: '' };
    if (isOver(state.status)) {
      const run = await this.#runs.run(this.#runId);
      return run === null ? { what: 'gone', id: '' } : { what: 'ended', id: `${state.changedMs}-end`, run };
    }
    const event = this.#progressOf(state);
    return { what: 'going', id: idOf(state), event, data: JSON.stringify(event) };
  }

  #show(sight: Sight): void {
    this.latest = sight;
    for (const wake of this.#waiting) wake();
  }

  #lookAgain(ms: number): void {
    if (this.#ending.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#look().catch((thrown: unknown) => {
        if (this.#ending.signal.aborted) return;
        this.#log.debug({ run: this.#runId, cause: asRollcallError(thrown).message }, 'a run could not be looked at');
        this.#lookAgain(AWAY_MS);
      });
    }, ms);
  }
}

/** When it changed last, so that ids increase, and what it looks like, because clocks of machines differ. */
function idOf({ heardMs: _, changedMs, ...state }: RunState): string {
  const look = createHash('sha256').update(JSON.stringify(state)).digest('hex').slice(0, 8);
  return `${changedMs}-${look}`;
}
