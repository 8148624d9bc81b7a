/** The files that benchmarks leave behind: one for each, or for each part that can be measured alone. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bar, isMet, type Line } from './benchmark.ts';
import { describeMachine, load, type Machine } from './machine.ts';

export const RESULTS = join(import.meta.dirname, '../results');

export interface Result {
  readonly benchmark: string;
  readonly begun: string;
  /** Of the sources, as `git describe --always --dirty` tells it; null outside of a clone. */
  readonly commit: string | null;
  /** How often the measured part was repeated. */
  readonly runs: number;
  readonly machine: Machine & { readonly loadBefore: number; readonly loadAfter: number };
  readonly bars: readonly (Bar & { readonly met: boolean })[];
  readonly table: readonly Line[];
}

interface Written {
  readonly name: string;
  readonly begun: Date;
  readonly runs: number;
  readonly loadBefore: number;
  readonly bars: readonly Bar[];
  readonly table: readonly Line[];
  readonly measured: object;
}

/** Replaces what was measured under this name before. */
export function writeResult({ name, begun, runs, loadBefore, bars, table, measured }: Written): void {
  const result: Result = {
    benchmark: name,
    begun: begun.toISOString(),
    commit: commitOfSources(),
    runs,
    machine: { ...describeMachine(), loadBefore, loadAfter: load() },
    bars: bars.map((bar) => ({ ...bar, met: isMet(bar) })),
    table,
  };
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, `${name}.json`), `${JSON.stringify({ ...result, ...measured }, null, 2)}\n`);
}

function commitOfSources(): string | null {
  const options = { cwd: import.meta.dirname, encoding: 'utf8', stdio: 'pipe' } as const;
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], options).trim();
  } catch {
    return null;
  }
}
