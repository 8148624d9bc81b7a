import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { RollcallError } from '../../src/errors.ts';
import type { Action } from '../../src/sync/actions.ts';
import type { Log } from '../../src/sync/ports.ts';
import { ProgressMeter, ProgressSum } from '../../src/sync/progress.ts';
import { type Pulse, startPulse } from '../../src/sync/pulse.ts';
import { logWith } from '../../src/sync/run-log.ts';
import type { Progress } from '../../src/sync/service.ts';

const SILENT: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a pulse', () => {
  const told: { atMs: number; scanned: number }[] = [];
  let answer: () => Promise<{ cancelled: boolean }>;
  let meter: ProgressMeter;
  let pulse: Pulse;

  beforeEach(() => {
    told.length = 0;
    answer = async () => ({ cancelled: false });
    meter = new ProgressMeter('r1', 'mine', undefined, () => Date.now());
    vi.setSystemTime(0);
    const catalog = {
      pulse: (_id: string, { scanned }: Progress) => {
        told.push({ atMs: Date.now(), scanned });
        return answer();
      },
    };
    pulse = startPulse({ catalog, runId: 'r1', progress: () => meter.state, log: SILENT });
  });
  afterEach(() => pulse.stop());

  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

  test('tells what moves once a second, however often it moves', async () => {
    for (let tick = 1; tick <= 300; tick++) {
      meter.scanned(tick, 'a.jpg');
      await pass(10);
    }
    expect(told.map(({ atMs }) => atMs)).toEqual([1_000, 2_000, 3_000]);
  });

  test('tells every two seconds that nothing moves', async () => {
    await pass(7_500);
    expect(told.map(({ atMs }) => atMs)).toEqual([1_000, 3_000, 5_000, 7_000]);
  });

  test('of a run that is over within a second costs nothing', async () => {
    meter.scanned(1, 'a.jpg');
    await pass(900);
    pulse.stop();
    await pass(10_000);
    expect(told).toEqual([]);
  });

  test('asks one question at a time, and goes on when it was not answered', async () => {
    let fail = () => {};
    answer = () =>
      new Promise((_resolve, reject) => {
        fail = () => reject(new RollcallError('DATABASE_UNREACHABLE', 'away'));
      });
    meter.scanned(1, 'a.jpg');
    await pass(20_000);
    expect(told).toHaveLength(1);
    fail();
    answer = async () => ({ cancelled: false });
    await pass(1_000);
    // What was not heard is told again, though nothing has moved since.
    expect(told).toHaveLength(2);
    expect(pulse.signal.aborted).toBe(false);
  });

  test('ends the run when it learns that somebody asked for it, and goes on telling while that drains', async () => {
    answer = async () => ({ cancelled: true });
    await pass(1_000);
    expect(pulse.signal.reason).toMatchObject({ code: 'CANCELLED' });
    await pass(4_000);
    expect(told.length).toBeGreaterThan(1);
  });

  test('says nothing once it is stopped, whatever is still under way', async () => {
    let release = () => {};
    answer = () =>
      new Promise((resolve) => {
        release = () => resolve({ cancelled: true });
      });
    await pass(1_000);
    pulse.stop();
    release();
    await pass(10_000);
    expect(told).toHaveLength(1);
  });
});

describe('progress', () => {
  const local = { size: 10, mtimeNs: 1n, device: 1n, inode: 1n };
  const row = {} as never;
  const step = { key: 'k', path: 'p', reason: 'r' };

  test('knows the bytes to send and to fetch', () => {
    const meter = new ProgressMeter('r1', 'mine', undefined, () => 0);
    const actions: Action[] = [
      { kind: 'upload', ...step, local },
      { kind: 'download', ...step, object: { size: 5, etag: 'e' } },
      { kind: 'mark', ...step, row, state: 'orphaned' },
    ];
    meter.working(actions, false);
    expect(meter.state).toMatchObject({ actions: { done: 0, total: 3 }, bytes: { done: 0, total: 15 } });
    expect(meter.state.albums).toBeUndefined();
  });

  test('over a library is told album by album, those that are begun or went wrong first', () => {
    const meter = new ProgressMeter('r1', 'mine', undefined, () => 0);
    const upload = (path: string): Action => ({ kind: 'upload', ...step, path, local });
    meter.working(['a/1', 'b/1', 'b/2', 'c/1', '1'].map(upload), true);
    expect(meter.state.albums?.map(({ album }) => album)).toEqual(['a', 'b', 'c', '.']);
    meter.done({ actions: 1, bytes: 0, path: 'b/1' });
    meter.ended({ path: 'c/1', outcome: 'failed' });
    meter.done({ actions: 2, bytes: 0, path: 'c/1' });
    meter.done({ actions: 3, bytes: 0, path: 'a/1' });
    expect(meter.state).toBe(meter.state);
    expect(meter.state.albums).toEqual([
      { album: 'b', actions: { done: 1, total: 2 }, failed: 0 },
      { album: 'c', actions: { done: 1, total: 1 }, failed: 1 },
      { album: '.', actions: { done: 0, total: 1 }, failed: 0 },
      { album: 'a', actions: { done: 1, total: 1 }, failed: 0 },
    ]);
  });

  test('of several runs adds up those that have ended and the one that goes', () => {
    const heard: Progress[] = [];
    const sum = new ProgressSum('parent', (progress) => heard.push(progress));
    const part = (runId: string, done: number): Progress => ({
      ...{ runId, library: `of ${runId}`, phase: 'working', scanned: 10 * done, lastPath: `${done}.jpg` },
      actions: { done, total: 5 },
      bytes: { done: 100 * done, total: 500 },
    });
    for (const told of [part('a', 1), part('a', 5), part('b', 1), part('b', 2)]) sum.add(told);
    expect(sum.state).toEqual({
      ...{ runId: 'parent', library: 'of b', phase: 'working', scanned: 70, lastPath: '2.jpg' },
      actions: { done: 7, total: null },
      bytes: { done: 700, total: null },
    });
    expect(heard.map(({ runId }) => runId)).toEqual(['a', 'a', 'b', 'b']);
  });
});

test('a log with fields has them on every line, behind what the line says itself', () => {
  const lines: [string, object, string][] = [];
  const at = (level: string) => (fields: object, message: string) => void lines.push([level, fields, message]);
  const log = logWith(
    { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
    { run: 1, path: 0 },
  );
  log.debug({}, 'a');
  log.info({ path: 'x' }, 'b');
  log.warn({ code: 'C' }, 'c');
  log.error({}, 'd');
  expect(lines).toEqual([
    ['debug', { run: 1, path: 0 }, 'a'],
    ['info', { run: 1, path: 'x' }, 'b'],
    ['warn', { run: 1, path: 0, code: 'C' }, 'c'],
    ['error', { run: 1, path: 0 }, 'd'],
  ]);
});
