/** A run's word to the history while it goes: how far it is; and the history's word to it: that it should end. */
import { asRollcallError, RollcallError } from '../errors.ts';
import type { CatalogPort } from './catalog-port.ts';
import type { Log } from './ports.ts';
import type { Progress } from './service.ts';

const BEAT_MS = 1_000;
/** Where nothing moves, it is said so often that nothing does, and asked whether the run should end. */
const STILL_BEATS = 2;

export interface PulseOptions {
  readonly catalog: Pick<CatalogPort, 'pulse'>;
  readonly runId: string;
  /** How far the run is: the same object for as long as nothing has moved. */
  readonly progress: () => Progress;
  readonly log: Log;
}

export interface Pulse {
  /** Aborts with CANCELLED when somebody has asked for the run's end. */
  readonly signal: AbortSignal;
  /** Tells and asks at once, out of turn: for a moment at which it matters whether the end was asked for. */
  ask(): Promise<void>;
  /** Nothing is told from now on. To be called before the run's end is recorded. */
  stop(): void;
}

/**
 * Tells the catalog every second how far a run is, until it is stopped. A catalog that does not answer is passed over:
 * whether the run can go on without it is for the run's own writes to find out. A run that is over within a second tells
 * nothing and costs nothing.
 */
export function startPulse({ catalog, runId, progress, log }: PulseOptions): Pulse {
  const cancelled = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let told: Progress | null = null;
  let still = 0;

  const tell = async (now: Progress): Promise<void> => {
    try {
      const answer = await catalog.pulse(runId, now);
      told = now;
      still = 0;
      if (answer.cancelled) cancelled.abort(new RollcallError('CANCELLED', 'the run was cancelled'));
    } catch (thrown) {
      log.debug({ cause: asRollcallError(thrown).message }, 'how far the run is could not be told');
    }
  };
  const beat = async (): Promise<void> => {
    const now = progress();
    still += 1;
    if (now !== told || still >= STILL_BEATS) await tell(now);
    // One at a time: a slow catalog is asked less often.
    if (!stopped) timer = setTimeout(() => void beat(), BEAT_MS);
  };
  timer = setTimeout(() => void beat(), BEAT_MS);
  return {
    signal: cancelled.signal,
    ask: () => tell(progress()),
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
