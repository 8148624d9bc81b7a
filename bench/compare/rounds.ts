/** All contestants of a work, in turn, as often as is asked; and one turn more of each in which requests are counted. */
import { median, rounded } from '../support/statistics.ts';
import type { Counts } from './counting-proxy.ts';
import { type Timed, timed, versionOf } from './timed.ts';
import type { Contestant, Sample, Score, Work } from './work.ts';

/** Whoever takes longer for a turn takes no other one only to have requests counted. */
const LONGEST_COUNTED_SECONDS = 60;

export interface Rounds {
  readonly runs: number;
  readonly signal: AbortSignal;
  /** The same work, through a proxy that counts. */
  readonly counted: Work;
  /** Those since it was asked last. */
  takeCounts(): Counts;
  say(line: string): void;
}

export interface Played {
  readonly scores: readonly Score[];
  /** By program: the first line of what it says of its version. */
  readonly versions: Readonly<Record<string, string>>;
  /** Programs that are not on this machine. */
  readonly missing: readonly string[];
}

export async function playRounds(work: Work, rounds: Rounds): Promise<Played> {
  const { versions, missing } = await programsOf(work.contestants);
  const there = work.contestants.filter(({ program }) => program === undefined || !missing.includes(program));
  const samples = new Map<string, Sample[]>(there.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds.runs; round++) {
    for (const contestant of inOrderOf(there, round)) {
      if (contestant.once && round > 1) continue;
      const { stdout, ...sample } = await turnOf(contestant, round, rounds.signal);
      await endTurn(contestant, round, stdout);
      samples.get(contestant.name)?.push(sample);
      rounds.say(`${work.name}, round ${round} of ${rounds.runs}: ${contestant.name} ${rounded(sample.wallSeconds)} s`);
    }
  }
  const scores: Score[] = [];
  for (const contestant of there) {
    const own = samples.get(contestant.name) ?? [];
    const slow = median(own.map(({ wallSeconds }) => wallSeconds)) > LONGEST_COUNTED_SECONDS;
    const requests = contestant.local || slow ? null : await countedTurn(contestant, rounds);
    scores.push({ name: contestant.name, samples: own, requests });
  }
  return { scores, versions, missing };
}

/** Another one begins each round, so that nobody always comes after the same neighbour. */
export function inOrderOf<Item>(items: readonly Item[], round: number): readonly Item[] {
  const first = items.length === 0 ? 0 : (round - 1) % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}

async function turnOf(contestant: Contestant, round: number, signal: AbortSignal): Promise<Timed> {
  contestant.before?.(round);
  return timed(contestant.command(round), signal);
}

async function endTurn(contestant: Contestant, round: number, stdout: string): Promise<void> {
  contestant.check?.(stdout);
  await contestant.after?.(round);
}

async function countedTurn(contestant: Contestant, rounds: Rounds): Promise<Counts | null> {
  const through = rounds.counted.contestants.find(({ name }) => name === contestant.name);
  if (through === undefined) return null;
  rounds.say(`${rounds.counted.name}: counting the requests of ${contestant.name}`);
  rounds.takeCounts();
  const { stdout } = await turnOf(through, 0, rounds.signal);
  const counts = rounds.takeCounts();
  await endTurn(contestant, 0, stdout);
  return counts;
}

async function programsOf(contestants: readonly Contestant[]) {
  const wanted = [...new Set(contestants.flatMap(({ program }) => program ?? []))];
  const versions: Record<string, string> = {};
  const missing: string[] = [];
  for (const program of wanted) {
    const version = await versionOf(program);
    if (version === null) missing.push(program);
    else versions[program] = version;
  }
  return { versions, missing };
}
