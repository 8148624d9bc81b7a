/** The measured part of docs/performance.md. Pure. */
import { type Bar, boundOf } from '../support/benchmark.ts';
import { median } from '../support/statistics.ts';
import { type Sample, type Score, wallRatio } from '../compare/work.ts';
import { isComparison, type Measured } from './measured.ts';

const BEGIN = '<!-- measured: written by npm run bench:page, from here -->';
const END = '<!-- measured: to here -->';

/** The page with what is between its markers replaced. Throws when it has none. */
export function withMeasured(page: string, measured: string): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`the page has no ${BEGIN} … ${END}`);
  return `${before}${BEGIN}\n\n${measured.trim()}\n\n${END}${after}`;
}

export function measuredPart(results: readonly Measured[], plot: string): string {
  return [
    '## Bars',
    barsTable(results),
    `![Wall times of the works, each over that of its reference](${plot})`,
    ...results.flatMap(resultSection),
    '## How, when and on what',
    ...machinesOf(results),
    sittingsTable(results),
    versionsLine(results),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function barsTable(results: readonly Measured[]): string {
  const rows = results.flatMap((result) =>
    // Those of the comparison begin with its title.
    result.bars.map((bar) => [
      isComparison(result) ? bar.what : `${result.benchmark}: ${bar.what}`,
      boundOf(bar),
      `${figure(bar.measured)} ${bar.unit}`,
      verdictOf(bar),
    ]),
  );
  return tableOf(['', 'bar', 'measured', ''], rows);
}

function verdictOf(bar: Bar & { readonly met: boolean }): string {
  if (bar.met) return 'met';
  const bound = 'atMost' in bar ? bar.atMost : bar.atLeast;
  return bound === 0 ? '**missed**' : `**missed**, by ${figure((Math.abs(bar.measured - bound) / bound) * 100)} %`;
}

function resultSection(result: Measured): string[] {
  if (!isComparison(result)) {
    const rows = result.table.map(([label, value]) => [label.trim(), value]);
    return [`## ${capital(result.benchmark)}`, tableOf(['', ''], rows)];
  }
  const { title, reference, scores, missing } = result;
  const head = ['', 'wall', `× ${reference}`, 'CPU', 'processors busy', 'peak memory', 'requests'];
  const rows = scores.map((score) => scoreRow(scores, reference, score));
  const absent = missing.length === 0 ? [] : [`Not installed where this was measured: ${missing.join(', ')}.`];
  return [`## ${capital(title)}`, tableOf(head, rows), ...absent];
}

function scoreRow(scores: readonly Score[], reference: string, { name, samples, requests }: Score): string[] {
  const all = (of: (sample: Sample) => number) => samples.map(of);
  const walls = all(({ wallSeconds }) => wallSeconds);
  const ratio = wallRatio(scores, name, reference);
  const busy = median(all(({ machineBusy }) => machineBusy));
  const range = walls.length > 1 ? ` (${figure(Math.min(...walls))} to ${figure(Math.max(...walls))})` : ', once';
  return [
    name,
    `${figure(median(walls))} s${range}`,
    ratio === null ? '' : figure(ratio),
    `${figure(median(all(({ cpuSeconds }) => cpuSeconds)))} s`,
    // JSON has no NaN.
    Number.isFinite(busy) ? `${(busy * 100).toFixed(0)} %` : '',
    `${(median(all(({ peakRssBytes }) => peakRssBytes)) / 1e6).toFixed(0)} MB`,
    requests === null ? '' : requestsText(requests),
  ];
}

function requestsText(requests: NonNullable<Score['requests']>): string {
  const sent = Object.entries(requests).filter(([, count]) => count > 0);
  if (sent.length === 0) return 'none';
  return sent.map(([kind, count]) => `${count.toLocaleString('en')} ${kind.toUpperCase()}`).join(', ');
}

function machinesOf(results: readonly Measured[]): string[] {
  const lines = results.map(({ machine: { cores, cpu, memoryGb, system, node } }) => {
    return `A machine with ${cores} processors (${cpu}), ${memoryGb} GB, ${system}, Node ${node}.`;
  });
  return [...new Set(lines)];
}

function sittingsTable(results: readonly Measured[]): string {
  const rows = results.map((result) => [
    isComparison(result) ? result.title : result.benchmark,
    result.begun.slice(0, 16).replace('T', ' '),
    result.commit ?? '',
    String(result.runs),
    figure(result.machine.loadBefore),
    isComparison(result) ? result.endpoint : '',
  ]);
  return tableOf(['', 'begun (UTC)', 'commit', 'rounds', 'load at the start', 'S3 endpoint'], rows);
}

function versionsLine(results: readonly Measured[]): string {
  const versions = Object.assign({}, ...results.map((result) => (isComparison(result) ? result.versions : {})));
  const told = Object.entries(versions).map(([program, version]) => `${program}: \`${version}\``);
  return told.length === 0 ? '' : `Versions, as each program tells its own: ${told.toSorted().join(', ')}.`;
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Three digits that tell something: `0.732`, `15.2`, `174`. */
export function figure(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3;
  return value.toLocaleString('en', { maximumFractionDigits: digits });
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
