/**
 * Rollcall beside what a person could take instead: the same files, the same endpoint, one machine, in turn. Each work is
 * done by all contestants `--runs` times; ratios are taken round by round, so that a busy moment falls on both. One round
 * more goes through a proxy that counts requests and is not timed. What was measured of a work is written when the work is
 * done, so that several sittings, and one that is stopped, add up.
 */
import { mkdirSync } from 'node:fs';
import { builtCli } from '../../test/support/built.ts';
import type { Bar, Benchmark, BenchmarkOptions, Line } from '../support/benchmark.ts';
import { load } from '../support/machine.ts';
import { type Result, writeResult } from '../support/results.ts';
import { median, rounded } from '../support/statistics.ts';
import { Workplace } from '../support/workplace.ts';
import { startCountingProxy } from './counting-proxy.ts';
import { openGround } from './endpoint.ts';
import { type Played, playRounds } from './rounds.ts';
import { learn } from './learn.ts';
import type { Toolbox } from './tools.ts';
import { barsOf, type Score, wallRatio } from './work.ts';
import { works } from './works.ts';

/** `compare-<work>.json`. */
export interface Comparison extends Result, Played {
  readonly work: string;
  readonly title: string;
  readonly reference: string;
  /** Which S3 server. */
  readonly endpoint: string;
}

export const compare: Benchmark = (options) => Workplace.use((place) => measureIn(place, options));

async function measureIn(place: Workplace, options: BenchmarkOptions) {
  const { signal, photos, only, runs, say } = options;
  const ground = await openGround(place, signal);
  const proxy = await startCountingProxy(ground.s3.endpoint);
  place.defer(() => proxy.close());
  const folder = place.path('work');
  mkdirSync(folder);
  const box: Toolbox = { ground, folder, main: await builtCli() };
  const proxied: Toolbox = { ...box, ground: { ...ground, s3: { ...ground.s3, endpoint: proxy.endpoint } } };
  const counted = works({ box: proxied, photos, signal });
  const all: { readonly bars: Bar[]; readonly table: Line[] } = { bars: [], table: [] };
  for (const [i, work] of works({ box, photos, signal }).entries()) {
    if (only !== null && only !== work.name) continue;
    const [begun, loadBefore] = [new Date(), load()];
    say(`${work.title}: preparing`);
    await work.prepare();
    const through = counted[i] ?? work;
    for (const { box } of [work, through]) await learn(box, signal);
    const played = await playRounds(work, { runs, signal, say, counted: through, takeCounts: proxy.take });
    const { name, title, reference } = work;
    const bars = barsOf(work, played.scores);
    const table = linesOf(title, reference, played);
    const measured = { work: name, title, reference, endpoint: ground.what, ...played };
    writeResult({ name: `compare-${name}`, begun, runs, loadBefore, bars, table, measured });
    all.bars.push(...bars);
    all.table.push(...table);
  }
  if (all.table.length === 0) throw new Error(`there is no work that is called ${only}`);
  return { ...all, measured: null };
}

function linesOf(title: string, reference: string, { scores, missing }: Played): Line[] {
  const absent = missing.map((program): Line => [`  ${program}`, 'is not installed']);
  return [[title, ''], ...scores.map((score) => lineOf(scores, reference, score)), ...absent];
}

function lineOf(scores: readonly Score[], reference: string, { name, samples, requests }: Score): Line {
  const of = (figure: (sample: Score['samples'][number]) => number) => median(samples.map(figure));
  const ratio = wallRatio(scores, name, reference);
  const sent = Object.entries(requests ?? {}).flatMap(([kind, count]) => (count === 0 ? [] : [`${count} ${kind}`]));
  const figures = [
    `${rounded(of(({ wallSeconds }) => wallSeconds))} s`,
    ...(ratio === null ? [] : [`${rounded(ratio)} ×`]),
    `CPU ${rounded(of(({ cpuSeconds }) => cpuSeconds))} s`,
    `processors ${rounded(of(({ machineBusy }) => machineBusy) * 100, 0)} % busy`,
    `${rounded(
      of(({ peakRssBytes }) => peakRssBytes / 1e6),
      0,
    )} MB`,
    ...(sent.length > 0 ? [sent.join(', ')] : []),
  ];
  return [`  ${name}`, figures.join(', ')];
}
