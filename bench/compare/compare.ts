/**
 * Rollcall beside what a person could take instead: the same files, the same endpoint, one machine, in turn. Each work is
 * done by all contestants `--runs` times; ratios are taken round by round, so that a busy moment falls on both. One round
 * more goes through a proxy that counts requests and is not timed.
 */
import { mkdirSync } from 'node:fs';
import { builtCli } from '../../test/support/built.ts';
import type { Bar, Benchmark, BenchmarkOptions } from '../support/benchmark.ts';
import { median, rounded } from '../support/statistics.ts';
import { Workplace } from '../support/workplace.ts';
import { type Counts, startCountingProxy } from './counting-proxy.ts';
import { openGround } from './endpoint.ts';
import { isInstalled, type Timed, timed } from './timed.ts';
import type { Toolbox } from './tools.ts';
import { type Contestant, type Work, works } from './works.ts';

/** What was measured of one contestant. */
interface Score {
  readonly name: string;
  readonly wallSeconds: readonly number[];
  readonly cpuSeconds: number;
  readonly peakRssBytes: number;
  readonly requests: Counts;
}

interface Result {
  readonly name: string;
  readonly title: string;
  readonly scores: readonly Score[];
  /** Programs that are not on this machine. */
  readonly missing: readonly string[];
}

export const compare: Benchmark = (options) => Workplace.use((place) => measureIn(place, options));

async function measureIn(place: Workplace, options: BenchmarkOptions) {
  const { signal, photos } = options;
  const ground = await openGround(place, signal);
  const proxy = await startCountingProxy(ground.s3.endpoint);
  place.defer(() => proxy.close());
  const folder = place.path('work');
  mkdirSync(folder);
  const box: Toolbox = { ground, folder, main: await builtCli() };
  const counted: Toolbox = { ...box, ground: { ...ground, s3: { ...ground.s3, endpoint: proxy.endpoint } } };
  const asked = works({ box, photos, signal }).filter(({ name }) => options.only === null || options.only === name);
  const results: Result[] = [];
  const bars: Bar[] = [];
  for (const work of asked) {
    const through = works({ box: counted, photos, signal }).find(({ name }) => name === work.name);
    const result = await resultOf(work, through ?? work, proxy.take, options);
    results.push(result);
    bars.push(...barsOf(work, result));
  }
  return { table: results.flatMap(linesOf), bars, measured: { photos, endpoint: ground.what, works: results } };
}

async function resultOf(work: Work, counted: Work, take: () => Counts, options: BenchmarkOptions): Promise<Result> {
  const { runs, signal, say } = options;
  say(`${work.title}: preparing`);
  await work.prepare();
  const missing = await missingOf(work.contestants);
  const there = work.contestants.filter(({ program }) => program === undefined || !missing.includes(program));
  const turns = new Map<string, Timed[]>(there.map(({ name }) => [name, []]));
  for (let round = 1; round <= runs; round++) {
    for (const contestant of there) {
      if (contestant.once && round > 1) continue;
      const turn = await takeTurn(work, contestant, round, signal);
      turns.get(contestant.name)?.push(turn);
      say(`${work.name}, round ${round}: ${contestant.name} ${rounded(turn.wallSeconds)} s`);
    }
  }
  const scores: Score[] = [];
  for (const { name } of there) {
    const contestant = counted.contestants.find((other) => other.name === name);
    take();
    if (contestant) await takeTurn(counted, contestant, 0, signal);
    const all = turns.get(name) ?? [];
    scores.push({
      name,
      wallSeconds: all.map(({ wallSeconds }) => wallSeconds),
      cpuSeconds: median(all.map(({ cpuSeconds }) => cpuSeconds)),
      peakRssBytes: median(all.map(({ peakRssBytes }) => peakRssBytes)),
      requests: take(),
    });
  }
  return { name: work.name, title: work.title, scores, missing };
}

async function takeTurn(work: Work, contestant: Contestant, round: number, signal: AbortSignal): Promise<Timed> {
  work.before?.(round, contestant.name);
  const turn = await timed(contestant.command(round), signal);
  contestant.check?.(turn.stdout);
  return turn;
}

async function missingOf(contestants: readonly Contestant[]): Promise<string[]> {
  const wanted = [...new Set(contestants.flatMap(({ program }) => program ?? []))];
  const there = await Promise.all(wanted.map(isInstalled));
  return wanted.filter((_program, i) => !there[i]);
}

function barsOf(work: Work, { scores }: Result): Bar[] {
  return work.limits.flatMap(({ of, over, atMost }) => {
    const ratio = ratioOf(scores, of, over);
    if (ratio === null) return [];
    return [
      { what: `${work.title}: ${of} over ${over}`, measured: rounded(ratio), atMost: rounded(atMost), unit: '×' },
    ];
  });
}

/** The median of the ratios of the rounds; null when one of them was not there. */
function ratioOf(scores: readonly Score[], of: string, over: string): number | null {
  const [ours, theirs] = [of, over].map((name) => scores.find((score) => score.name === name)?.wallSeconds);
  if (ours === undefined || theirs === undefined) return null;
  return median(theirs.flatMap((wall, i) => (ours[i] === undefined ? [] : [ours[i] / wall])));
}

function linesOf({ title, scores, missing }: Result): [string, string][] {
  const lines = scores.map((score): [string, string] => {
    const { wallSeconds, cpuSeconds, peakRssBytes, requests } = score;
    const sent = Object.entries(requests).flatMap(([kind, count]) => (count === 0 ? [] : [`${count} ${kind}`]));
    const figures = [
      `${rounded(median(wallSeconds))} s`,
      `CPU ${rounded(cpuSeconds)} s`,
      `${rounded(peakRssBytes / 1e6, 0)} MB`,
      sent.join(', ') || 'no request',
    ];
    return [`  ${score.name}`, figures.join(', ')];
  });
  const absent = missing.map((program): [string, string] => [`  ${program}`, 'is not installed']);
  return [[title, ''], ...lines, ...absent];
}
