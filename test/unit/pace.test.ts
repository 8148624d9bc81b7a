import { describe, expect, test } from 'vitest';
import { paceMeter } from '../../src/sync/pace.ts';
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

describe('the pace', () => {
  test('is not known before half a second', () => {
    let now = 0;
    const pace = paceMeter(() => now);
    pace(working(0, 10));
    now = 499;
    expect(pace(working(5, 10))).toEqual(NO_PACE);
    now = 500;
    expect(pace(working(5, 10)).filesPerSecond).toBe(10);
  });

  test('is that of the last ten seconds', () => {
    let now = 0;
    const pace = paceMeter(() => now);
    let last = pace(working(0, 10_000));
    // 100 files a second for 30 seconds, then 10 a second for 20.
    for (let done = 0, second = 1; second <= 50; second += 1) {
      done += second <= 30 ? 100 : 10;
      now = second * 1000;
      last = pace(working(done, 10_000));
    }
    expect(last.filesPerSecond).toBe(10);
    expect(last.etaSeconds).toBe((10_000 - 3_200) / 10);
  });

  test('takes the longer of the times that files and bytes need', () => {
    let now = 0;
    const pace = paceMeter(() => now);
    pace(working(0, 10, 0, 1_000));
    now = 1000;
    expect(pace(working(5, 10, 100, 1_000)).etaSeconds).toBe(9);
    now = 2000;
    expect(pace(working(5, 10, 900, 1_000)).etaSeconds).toBe(2);
  });

  test('starts anew with each phase and each run', () => {
    let now = 0;
    const pace = paceMeter(() => now);
    pace(SCANNING);
    now = 60_000;
    expect(pace(working(0, 10)).filesPerSecond).toBeNull();
    now = 120_000;
    expect(pace({ ...working(0, 10), runId: 'r2' }).filesPerSecond).toBeNull();
  });

  test('of what stands still is nothing, and nobody knows when it will be done', () => {
    let now = 0;
    const pace = paceMeter(() => now);
    pace(working(5, 10, 100, 1_000));
    now = 4_000;
    expect(pace(working(5, 10, 100, 1_000))).toEqual({
      keysPerSecond: 0,
      filesPerSecond: 0,
      bytesPerSecond: 0,
      etaSeconds: null,
    });
  });

  test('is never below nothing, though a part that is tried again takes its counts back', () => {
    let now = 0;
    const pace = paceMeter(() => now);
    pace(working(8, 10, 800, 1_000));
    now = 1_000;
    expect(pace(working(5, 10, 900, 1_000))).toMatchObject({ filesPerSecond: 0, bytesPerSecond: 100, etaSeconds: 1 });
  });
});
