/**
 * `npm run bench:page`: docs/performance.md between its markers, its plot and the figures that both are made of, from
 * bench/results and, for what was not measured there, from the figures of last time.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RESULTS } from '../support/results.ts';
import { isComparison, type Measured, resultsIn, together } from './measured.ts';
import { plotOf } from './plot.ts';
import { measuredPart, withMeasured } from './tables.ts';

const DOCS = join(import.meta.dirname, '../../docs');
const PLOT = 'performance.svg';

const page = join(DOCS, 'performance.md');
const figures = join(DOCS, 'performance.json');
mkdirSync(RESULTS, { recursive: true });
const former = existsSync(figures) ? (JSON.parse(readFileSync(figures, 'utf8')) as Measured[]) : [];
const results = together(former, resultsIn(RESULTS));
writeFileSync(figures, `[\n${results.map((result) => JSON.stringify(result)).join(',\n')}\n]\n`);
writeFileSync(join(DOCS, PLOT), plotOf(results.filter(isComparison)));
writeFileSync(page, withMeasured(readFileSync(page, 'utf8'), measuredPart(results, PLOT)));
console.log(`Written to ${page}: ${results.map(({ benchmark }) => benchmark).join(', ')}`);
