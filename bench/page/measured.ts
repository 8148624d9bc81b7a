/**
 * What the page is made of: the results of this machine, and for what was not measured here those that it was made of last
 * time. So works can be measured in several sittings, and one that is measured anew takes the place of its former figures.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Comparison } from '../compare/compare.ts';
import type { Result } from '../support/results.ts';

export type Measured = Result | Comparison;

/** As the issue lists them; what it does not name comes after. */
const ORDER = [
  'compare-unchanged',
  'memory',
  'compare-first-small',
  'compare-first-large',
  'compare-renamed',
  'heads',
  'catalog',
  'compare-media',
  'media',
  'cold-start',
];

export function isComparison(result: Measured): result is Comparison {
  return 'scores' in result;
}

/** Those of the folder in the place of former ones of their name, in order. */
export function together(former: readonly Measured[], now: readonly Measured[]): Measured[] {
  const byName = new Map([...former, ...now].map((result) => [result.benchmark, result]));
  const place = ({ benchmark }: Measured) => {
    const at = ORDER.indexOf(benchmark);
    return at === -1 ? ORDER.length : at;
  };
  return [...byName.values()].toSorted((a, b) => place(a) - place(b) || (a.benchmark < b.benchmark ? -1 : 1));
}

/** What is kept of a result: samples of the comparison, and of everything else what its table and its bars say. */
export function kept(result: Measured): Measured {
  const { benchmark, begun, commit, runs, machine, bars, table } = result;
  const common = { benchmark, begun, commit, runs, machine, bars, table };
  if (!isComparison(result)) return common;
  const { work, title, reference, endpoint, versions, missing, scores } = result;
  return { ...common, work, title, reference, endpoint, versions, missing, scores };
}

/** Of every benchmark that was run here; those that are older than this page have no table. */
export function resultsIn(folder: string): Measured[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  const results = files.map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Measured);
  return results.filter(({ table, commit }) => table !== undefined && commit !== undefined).map(kept);
}
