/** How fast a run goes, and how long it will take at that. */
import type { Clock } from './ports.ts';
import type { Progress } from './service.ts';

/** Rates over the last seconds, and what they say of the rest. Null: not known yet. */
export interface Pace {
  readonly keysPerSecond: number | null;
  readonly filesPerSecond: number | null;
  readonly bytesPerSecond: number | null;
  readonly etaSeconds: number | null;
}

/** What a pace is measured of. */
export type Measured = Omit<Progress, 'library' | 'lastPath' | 'phase'> & { readonly phase: string };

interface Sample {
  readonly atMs: number;
  readonly scanned: number;
  readonly actions: number;
  readonly bytes: number;
}

const WINDOW_MS = 10_000;
/** Below this a rate is noise. */
const SHORTEST_MS = 500;

/** Measures the pace of one run after another over a sliding window, so that an ETA follows what happens now. */
export function paceMeter(now: Clock): (progress: Measured) => Pace {
  let samples: Sample[] = [];
  let measured = '';
  return (progress) => {
    const stretch = `${progress.runId}/${progress.phase}`;
    if (stretch !== measured) samples = [];
    measured = stretch;
    const { scanned, actions } = progress;
    const last: Sample = { atMs: now(), scanned, actions: actions.done, bytes: progress.bytes.done };
    samples.push(last);
    // One sample from before the window stays: the window must span it even when progress is rare.
    while ((samples[1]?.atMs ?? Number.POSITIVE_INFINITY) < last.atMs - WINDOW_MS) samples.shift();
    return paceBetween(samples[0] ?? last, last, progress);
  };
}

function paceBetween(first: Sample, last: Sample, { actions, bytes: size }: Measured): Pace {
  const elapsedMs = last.atMs - first.atMs;
  if (elapsedMs < SHORTEST_MS) {
    return { keysPerSecond: null, filesPerSecond: null, bytesPerSecond: null, etaSeconds: null };
  }
  // Counts go back when a part of a run is tried again.
  const perSecond = (from: number, to: number) => (Math.max(0, to - from) * 1000) / elapsedMs;
  const filesPerSecond = perSecond(first.actions, last.actions);
  const bytesPerSecond = perSecond(first.bytes, last.bytes);
  // The slower of the two decides: many small files are bound by their number, few large ones by their bytes.
  const waits = [timeLeft(actions, filesPerSecond), timeLeft(size, bytesPerSecond)].filter((wait) => wait !== null);
  return {
    keysPerSecond: perSecond(first.scanned, last.scanned),
    filesPerSecond,
    bytesPerSecond,
    etaSeconds: waits.length === 0 ? null : Math.max(...waits),
  };
}

function timeLeft(part: { readonly done: number; readonly total: number | null }, perSecond: number): number | null {
  if (part.total === null || perSecond <= 0) return null;
  return Math.max(0, part.total - part.done) / perSecond;
}
