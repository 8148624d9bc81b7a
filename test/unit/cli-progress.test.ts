import { describe, expect, test } from 'vitest';
import { progressLine, progressText, showProgress } from '../../src/cli/progress.ts';
import { plain, type Screen } from '../../src/cli/screen.ts';
import { columnsOf } from '../../src/cli/text.ts';
import type { Progress } from '../../src/sync/service.ts';

const SCANNING: Progress = {
  runId: 'r1',
  library: 'mine',
  phase: 'scanning',
  scanned: 12_345,
  actions: { done: 0, total: null },
  bytes: { done: 0, total: null },
  lastPath: '2024/summer/x.jpg',
};

function working(done: number, total: number, bytesDone = 0, bytesTotal = 0): Progress {
  return { ...SCANNING, phase: 'working', actions: { done, total }, bytes: { done: bytesDone, total: bytesTotal } };
}

const NO_PACE = { keysPerSecond: null, filesPerSecond: null, bytesPerSecond: null, etaSeconds: null };

describe('the text of progress', () => {
  test('while comparing counts what was compared', () => {
    expect(progressText(SCANNING, NO_PACE)).toBe('Comparing mine: 12,345 files');
    expect(progressText(SCANNING, { ...NO_PACE, keysPerSecond: 5_600.4 })).toBe(
      'Comparing mine: 12,345 files, 5,600 files/s',
    );
  });

  test('while working has files, bytes, rates and the time to go', () => {
    const pace = { keysPerSecond: 0, filesPerSecond: 56.2, bytesPerSecond: 12_300_000, etaSeconds: 21 };
    expect(progressText(working(123, 1_000, 45_200_000, 310_400_000), pace)).toBe(
      'Syncing mine: 123/1,000 files, 45.2 MB/310.4 MB, 56 files/s, 12.3 MB/s, ETA 0:21',
    );
  });

  test('leaves out what is not known or does not apply', () => {
    expect(progressText(working(1, 5), NO_PACE)).toBe('Syncing mine: 1/5 files');
  });
});

describe('the progress line', () => {
  test('ends with as much of the path as fits', () => {
    expect(progressLine('Syncing', '2024/summer/x.jpg', 40)).toBe('Syncing  2024/summer/x.jpg');
    expect(progressLine('Syncing', '2024/summer/x.jpg', 20)).toBe('Syncing  …mmer/x.jpg');
    expect(progressLine('Syncing', '2024/summer/x.jpg', 16)).toBe('Syncing');
    expect(progressLine('Syncing', null, 40)).toBe('Syncing');
  });

  test('never breaks the line and is never too wide, whatever a file is called', () => {
    const line = progressLine('Syncing', 'a\nb\u001B[2J日本日本日本日本日本日本日本日本.jpg', 30);
    expect([...line].some((character) => character < ' ')).toBe(false);
    expect(columnsOf(line)).toBeLessThanOrEqual(30);
  });
});

describe('showing progress', () => {
  function fakeScreen(columns: number | null) {
    const out: string[] = [];
    const err: string[] = [];
    const live: (string | null)[] = [];
    const screen: Screen = {
      print: (line) => out.push(line),
      say: (line) => err.push(line),
      live: (line) => live.push(line),
      liveColumns: () => columns,
      paint: { out: plain, err: plain },
      interactive: columns !== null,
    };
    return { screen, out, err, live };
  }

  test('on a terminal redraws one line, at most ten times a second, and clears it at the end', () => {
    const { screen, out, err, live } = fakeScreen(80);
    let now = 0;
    const show = showProgress(screen, false, () => now);
    for (now = 0; now < 1_000; now += 10) show(working(now, 1_000));
    expect(live.length).toBe(10);
    now = 2_000;
    show({ ...working(1_000, 1_000), phase: 'done' });
    expect(live.at(-1)).toBeNull();
    expect([...out, ...err]).toEqual([]);
  });

  test('elsewhere says a line every five seconds on standard error, none for a short run', () => {
    const { screen, out, err } = fakeScreen(null);
    let now = 0;
    const show = showProgress(screen, false, () => now);
    for (now = 0; now < 4_900; now += 100) show(SCANNING);
    expect(err).toEqual([]);
    for (; now < 14_900; now += 100) show(SCANNING);
    expect(err).toEqual(['Comparing mine: 12,345 files, 0 files/s', 'Comparing mine: 12,345 files, 0 files/s']);
    expect(out).toEqual([]);
  });

  test('for a program prints JSON lines, one a second and one for each phase', () => {
    const { screen, out, err } = fakeScreen(80);
    let now = 0;
    const show = showProgress(screen, true, () => now);
    for (now = 0; now < 2_000; now += 100) show(SCANNING);
    show(working(0, 5));
    const lines = out.map((line) => JSON.parse(line) as { type: string; phase: string });
    expect(lines.map((line) => line.phase)).toEqual(['scanning', 'scanning', 'working']);
    expect(new Set(lines.map((line) => line.type))).toEqual(new Set(['progress']));
    expect(err).toEqual([]);
  });
});
