/** What a benchmark is given and what it answers. */

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
export interface Bar {
  readonly what: string;
  readonly measured: number;
  readonly atMost: number;
  readonly unit: string;
}

export interface BenchmarkResult {
  /** Lines of the table on the screen. */
  readonly table: readonly (readonly [label: string, value: string])[];
  readonly bars: readonly Bar[];
  /** Everything that was measured, for the JSON file. */
  readonly measured: object;
}

export type Benchmark = (options: BenchmarkOptions) => Promise<BenchmarkResult>;

export function isMet(bar: Bar): boolean {
  return bar.measured <= bar.atMost;
}
