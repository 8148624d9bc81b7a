import { expect, test } from 'vitest';
import type { Comparison } from '../../bench/compare/compare.ts';
import { inOrderOf } from '../../bench/compare/rounds.ts';
import { oneAfterAnother } from '../../bench/compare/tools.ts';
import { barsOf, busyCores, peakMemory, requestsSent, type Score, wallOver } from '../../bench/compare/work.ts';
import { kept, type Measured, together } from '../../bench/page/measured.ts';
import { plotOf } from '../../bench/page/plot.ts';
import { figure, measuredPart, withMeasured } from '../../bench/page/tables.ts';
import { busyShare, processorTimesIn } from '../../bench/support/machine.ts';

const NO_REQUESTS = { list: 0, head: 0, get: 0, put: 0, copy: 0, delete: 0, post: 0 };

function score(name: string, walls: readonly number[], requests: Partial<typeof NO_REQUESTS> | null): Score {
  const samples = walls.map((wallSeconds) => ({
    wallSeconds,
    cpuSeconds: wallSeconds * 1.5,
    peakRssBytes: 200e6,
    machineBusy: 0.925,
  }));
  return { name, samples, requests: requests && { ...NO_REQUESTS, ...requests } };
}

const scores = [
  score('rollcall', [1, 3, 2], { list: 100 }),
  score('rclone', [2, 4, 8], { list: 1_300 }),
  score('find <floor>', [0.1, 0.1, 0.1], null),
];
const machine = {
  cores: 2,
  cpu: 'Some CPU',
  memoryGb: 25,
  system: 'linux x64 6',
  node: 'v24',
  loadBefore: 0.1,
  loadAfter: 1,
};
const common = { begun: '2026-11-21T21:00:00.000Z', commit: 'abc1234', runs: 3, machine };
const comparison: Comparison = {
  ...common,
  benchmark: 'compare-unchanged',
  work: 'unchanged',
  title: 'nothing changed, 100,000 small photos',
  reference: 'rclone',
  endpoint: 'an S3 server',
  versions: { rclone: 'rclone v1' },
  missing: ['aws'],
  scores,
  table: [],
  bars: [
    { what: 'ours over theirs', measured: 0.7549, unit: '×', atMost: 0.75, met: false },
    { what: 'rows', measured: 60_000, unit: 'rows/s', atLeast: 50_000, met: true },
  ],
};
const other: Measured = {
  ...common,
  benchmark: 'cold-start',
  bars: [{ what: 'first answer', measured: 1.2, unit: 's', atMost: 1.5, met: true }],
  table: [['  to the first answer', '1.2 s']],
};

test('what is held to a bar is the median of the rounds, each against its neighbour', () => {
  const limits = [
    wallOver('rollcall', 'rclone', 0.4),
    wallOver('rollcall', 'aws', 1),
    peakMemory('rollcall', 300),
    busyCores('rollcall', 90),
    requestsSent('rollcall', 'list', 101),
  ];
  expect(barsOf({ title: 'a work', limits }, scores)).toEqual([
    { what: 'a work: rollcall over rclone', measured: 0.5, unit: '×', atMost: 0.4 },
    { what: 'a work: peak memory of rollcall', measured: 200, unit: 'MB', atMost: 300 },
    { what: 'a work: processors busy during rollcall', measured: 92.5, unit: '%', atLeast: 90 },
    { what: 'a work: LIST requests of rollcall', measured: 100, unit: 'requests', atMost: 101 },
  ]);
});

test('the page tells every bar with what was measured, and by how much one is missed', () => {
  const part = measuredPart([comparison, other], 'plot.svg');
  expect(part).toContain('| ours over theirs | at most 0.75 × | 0.755 × | **missed**, by 0.653 % |');
  expect(part).toContain('| rows | at least 50,000 rows/s | 60,000 rows/s | met |');
  expect(part).toContain('| cold-start: first answer | at most 1.5 s | 1.2 s | met |');
});

test('the page has a table of each work, with all who took part and who could not', () => {
  const part = measuredPart([comparison, other], 'plot.svg');
  expect(part).toContain('## Nothing changed, 100,000 small photos');
  expect(part).toContain('| rollcall | 2 s (1 to 3) | 0.5 | 3 s | 93 % | 200 MB | 100 LIST |');
  expect(part).toContain('| rclone | 4 s (2 to 8) | 1 | 6 s | 93 % | 200 MB | 1,300 LIST |');
  expect(part).toContain('| find <floor> | 0.1 s (0.1 to 0.1) | 0.025 |');
  expect(part).toContain('Not installed where this was measured: aws.');
  expect(part).toContain('| to the first answer | 1.2 s |');
  expect(part).toContain('rclone: `rclone v1`');
});

test('only what is between the markers is written anew, and a page without them is refused', () => {
  const markers = /<!--.*?-->/g;
  const empty =
    'by hand\n<!-- measured: written by npm run bench:page, from here -->\n<!-- measured: to here -->\nby hand too\n';
  const once = withMeasured(empty, 'one');
  const twice = withMeasured(once, 'two');
  expect(once.replaceAll(markers, '')).toBe('by hand\n\n\none\n\n\nby hand too\n');
  expect(twice).toBe(once.replace('one', 'two'));
  expect(() => withMeasured('no markers', 'one')).toThrow('has no');
});

test('what was measured anew takes the place of its former figures, and nothing else is lost', () => {
  const anew = { ...comparison, runs: 5 };
  expect(together([other, comparison], [anew])).toEqual([anew, other]);
  expect(
    together(
      [],
      [
        { ...other, benchmark: 'b' },
        { ...other, benchmark: 'a' },
      ],
    ).map((one) => one.benchmark),
  ).toEqual(['a', 'b']);
  expect(kept({ ...other, raw: [1, 2, 3] } as Measured)).toEqual(other);
  expect(kept(comparison)).toEqual(comparison);
});

test('a bar of the plot is as long as its wall time over the reference, and cut off where it would leave no room', () => {
  const slow = { ...comparison, scores: [...scores, score('slow', [40, 40, 80], null)] };
  const plot = plotOf([slow]);
  const lengths = [...plot.matchAll(/<rect class="(?:ours|other)" .*?width="([\d.]+)"/g)].map(([, width]) =>
    Number(width),
  );
  const [ours = 0, theirs = 0, floor = 0, longest = 0] = lengths;
  expect(lengths).toHaveLength(4);
  expect(ours / theirs).toBeCloseTo(0.5);
  expect(floor / theirs).toBeCloseTo(0.025, 2);
  expect(longest / theirs).toBeCloseTo(2);
  expect(plot.match(/class="cut"/g)).toHaveLength(1);
  expect(plot).toContain('find &lt;floor&gt;');
});

test('figures have the digits that tell something', () => {
  expect([0.7321, 15.234, 174.4, 100_000, 0].map(figure)).toEqual(['0.732', '15.2', '174', '100,000', '0']);
});

test('another contestant begins each round, and all take part in each', () => {
  const orders = [1, 2, 3, 4].map((round) => inOrderOf(['a', 'b', 'c'], round).join(''));
  expect(orders).toEqual(['abc', 'bca', 'cab', 'abc']);
  expect(inOrderOf([], 1)).toEqual([]);
});

test('commands in turn are given to the shell as the words that they are', () => {
  const one = (...argv: string[]) => ({ argv, env: { A: 'b' }, folder: '/' });
  expect(oneAfterAnother(one('echo', "it's", '$HOME'), one('true'))).toEqual({
    argv: ['sh', '-c', `'echo' 'it'\\''s' '$HOME' && 'true'`],
    env: { A: 'b' },
    folder: '/',
  });
});

test('processors that wait for the disk are not busy, and what is not known is not told', () => {
  const before = processorTimesIn('cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 1 1 1 1\n');
  const after = processorTimesIn('cpu  160 0 130 705 105 0 0 0 90 0\n');
  expect(before).toEqual({ idle: 800, all: 1_000 });
  expect(busyShare(before, after)).toBeCloseTo(0.9);
  expect(busyShare(null, after)).toBeNaN();
});
