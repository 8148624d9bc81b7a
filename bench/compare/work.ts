/** The words of the comparison: a work, who does it, what is measured of them, and what they are held to. */
import type { Bar } from '../support/benchmark.ts';
import { median } from '../support/statistics.ts';
import type { Counts } from './counting-proxy.ts';
import type { Command, Timed } from './timed.ts';
import type { Toolbox } from './tools.ts';

export const OURS = 'rollcall';

export interface Stage {
  readonly box: Toolbox;
  /** Of the works with small photos; the others have theirs in proportion. */
  readonly photos: number;
  readonly signal: AbortSignal;
}

/** A number as people read it: `100,000`. */
export function inWords(number: number): string {
  return number.toLocaleString('en');
}

export interface Contestant {
  readonly name: string;
  /** The program that it needs, where that may not be there. */
  readonly program?: string;
  /** Too slow to be run in every round. */
  readonly once?: true;
  /** Asks nothing of the bucket: there is nothing to count. */
  readonly local?: true;
  /** What has to be so for its turn; round 0 is the one in which requests are counted. */
  before?(round: number): void;
  command(round: number): Command;
  /** Throws when it did not do what is measured. */
  check?(stdout: string): void;
  /** After its turn, not timed: takes away what the turn left, and throws when that is not what it should be. */
  after?(round: number): Promise<void>;
}

export interface Work {
  readonly name: string;
  /** What its contestants work with. */
  readonly box: Toolbox;
  /** In a few words, for people. */
  readonly title: string;
  /** Whose wall time counts as one where works are drawn beside each other. */
  readonly reference: string;
  readonly limits: readonly Limit[];
  prepare(): Promise<void>;
  readonly contestants: readonly Contestant[];
}

/** What is kept of a turn. */
export type Sample = Omit<Timed, 'stdout'>;

/** What was measured of one contestant. */
export interface Score {
  readonly name: string;
  /** By round. */
  readonly samples: readonly Sample[];
  /** Null when they were not counted. */
  readonly requests: Counts | null;
}

export interface Limit {
  readonly what: string;
  readonly unit: string;
  readonly bound: { readonly atMost: number } | { readonly atLeast: number };
  /** Null when somebody who is needed for it did not take part. */
  measure(scores: readonly Score[]): number | null;
}

/** A wall time over another's: the median of the ratios of the rounds, so that a busy moment falls on both. */
export function wallOver(of: string, over: string, atMost: number): Limit {
  return {
    what: `${of} over ${over}`,
    unit: '×',
    bound: { atMost },
    measure: (scores) => wallRatio(scores, of, over),
  };
}

export function wallRatio(scores: readonly Score[], of: string, over: string): number | null {
  const [ours, theirs] = [samplesOf(scores, of), samplesOf(scores, over)];
  const ratios = theirs.flatMap(({ wallSeconds }, round) => {
    const own = ours[round];
    return own === undefined ? [] : [own.wallSeconds / wallSeconds];
  });
  return ratios.length === 0 ? null : median(ratios);
}

export function peakMemory(of: string, atMostMb: number): Limit {
  return {
    what: `peak memory of ${of}`,
    unit: 'MB',
    bound: { atMost: atMostMb },
    measure: (scores) => medianOf(scores, of, ({ peakRssBytes }) => peakRssBytes / 1e6),
  };
}

/** Of all processors: also what database and bucket do for the contestant, which run on the same machine. */
export function busyCores(during: string, atLeastPercent: number): Limit {
  return {
    what: `processors busy during ${during}`,
    unit: '%',
    bound: { atLeast: atLeastPercent },
    measure: (scores) => medianOf(scores, during, ({ machineBusy }) => machineBusy * 100),
  };
}

export function requestsSent(of: string, kind: keyof Counts, atMost: number): Limit {
  return {
    what: `${kind.toUpperCase()} requests of ${of}`,
    unit: 'requests',
    bound: { atMost },
    measure: (scores) => scores.find(({ name }) => name === of)?.requests?.[kind] ?? null,
  };
}

/** What could be measured of the limits. */
export function barsOf({ title, limits }: Pick<Work, 'title' | 'limits'>, scores: readonly Score[]): Bar[] {
  return limits.flatMap(({ what, unit, bound, measure }) => {
    const measured = measure(scores);
    return measured === null ? [] : [{ what: `${title}: ${what}`, measured, unit, ...bound }];
  });
}

function medianOf(scores: readonly Score[], name: string, figure: (sample: Sample) => number): number | null {
  const samples = samplesOf(scores, name);
  return samples.length === 0 ? null : median(samples.map(figure));
}

function samplesOf(scores: readonly Score[], wanted: string): readonly Sample[] {
  return scores.find(({ name }) => name === wanted)?.samples ?? [];
}
