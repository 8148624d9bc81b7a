/** What a benchmark is given and what it answers. */
import { rounded } from './statistics.ts';

export interface BenchmarkOptions {
  readonly photos: number;
  /** How often the measured part is repeated; medians are told. */
  readonly runs: number;
  /** Files of one's own to measure with, where a benchmark takes them (`media`). */
  readonly folder: string | null;
  /** One part by its name, where a benchmark has several (`compare`). */
  readonly only: string | null;
  /** Options of Node itself for the measured process, to try its heap settings or to profile it. */
  readonly nodeOptions: readonly string[];
  readonly signal: AbortSignal;
  /** Tells a person what is going on. */
  say(line: string): void;
}

/** A promise of the project and what was measured of it. */
export type Bar = {
  readonly what: string;
  /** Not rounded: 0.7549 is no 0.75. */
  readonly measured: number;
  readonly unit: string;
} & ({ readonly atMost: number } | { readonly atLeast: number });

export type Line = readonly [label: string, value: string];

export interface BenchmarkResult {
  /** Lines of the table on the screen. */
  readonly table: readonly Line[];
  readonly bars: readonly Bar[];
  /** Everything that was measured, for the JSON file. Null when it has written files of its own. */
  readonly measured: object | null;
}

export type Benchmark = (options: BenchmarkOptions) => Promise<BenchmarkResult>;

export function isMet(bar: Bar): boolean {
  return 'atMost' in bar ? bar.measured <= bar.atMost : bar.measured >= bar.atLeast;
}

/** `at most 0.75 ×`. */
export function boundOf(bar: Bar): string {
  const [most, bound] = 'atMost' in bar ? ['at most', bar.atMost] : ['at least', bar.atLeast];
  return `${most} ${rounded(bound).toLocaleString('en')} ${bar.unit}`;
}
