import { describe, expect, test } from 'vitest';
import { failureLines, newMemory, runLines } from '../../src/cli/watch-lines.ts';
import { WatchQueue } from '../../src/cli/watch-queue.ts';
import { RollcallError } from '../../src/errors.ts';
import type { Report } from '../../src/sync/types.ts';
import { LIBRARY, REPORT } from '../support/http-parts.ts';

const never = new AbortController().signal;
const albums = (...names: string[]) => new Set(names);

describe('what a watching sync does next', () => {
  test('begins with a full pass, and then waits', () => {
    const queue = new WatchQueue(0);
    expect(queue.take(0)).toBe('full pass');
    queue.passDueAt(60_000);
    expect(queue.take(1)).toEqual([]);
    expect(queue.take(59_999)).toEqual([]);
    expect(queue.take(60_000)).toBe('full pass');
  });

  test('runs over the only album that changed; over the library, where photos may have moved, when several did', () => {
    const queue = new WatchQueue(1e9);
    queue.changed('A', albums('a'));
    queue.changed('A', albums('a'));
    queue.changed('B', albums('1'));
    queue.changed('B', albums('2'));
    queue.changed('C', albums('1', '2', '3'));
    expect(queue.take(0)).toEqual([
      { library: 'A', album: 'a' },
      { library: 'B', album: null },
      { library: 'C', album: null },
    ]);
    expect(queue.take(0)).toEqual([]);
  });

  test('runs over the library when anything may have changed, whatever else is known', () => {
    const queue = new WatchQueue(1e9);
    queue.changed('A', albums('a'));
    queue.changed('A', null);
    queue.changed('A', albums('b'));
    expect(queue.take(0)).toEqual([{ library: 'A', album: null }]);
  });

  test('a change while its album is worked on is done afterwards', () => {
    const queue = new WatchQueue(1e9);
    queue.changed('A', albums('a'));
    queue.take(0);
    queue.changed('A', albums('a'));
    expect(queue.take(0)).toEqual([{ library: 'A', album: 'a' }]);
  });

  test('does again what was put off once it is due, and only then', () => {
    const queue = new WatchQueue(1e9);
    queue.postpone({ library: 'A', album: 'a' }, 3_000);
    queue.postpone({ library: 'A', album: 'a' }, 4_000);
    queue.postpone({ library: 'B', album: null }, 5_000);
    expect(queue.take(3_999)).toEqual([]);
    expect(queue.take(4_000)).toEqual([{ library: 'A', album: 'a' }]);
    expect(queue.take(5_000)).toEqual([{ library: 'B', album: null }]);
    expect(queue.take(9_000)).toEqual([]);
  });

  test('a full pass takes with it what changed and what was put off before it', () => {
    const queue = new WatchQueue(0);
    queue.changed('A', albums('a'));
    queue.postpone({ library: 'A', album: 'b' }, 10);
    expect(queue.take(0)).toBe('full pass');
    queue.passDueAt(1e9);
    expect(queue.take(100)).toEqual([]);
  });

  test('is ready at once for what has changed, and as soon as something does', async () => {
    const queue = new WatchQueue(1e9);
    const ready = queue.ready(0, never);
    queue.changed('A', null);
    await ready;
    await queue.ready(0, never);
  });

  test('is ready when something is due', async () => {
    const queue = new WatchQueue(1e9);
    queue.postpone({ library: 'A', album: null }, 5);
    await queue.ready(0, never);
    await new WatchQueue(10).ready(20, never);
  });

  test('waits no longer when it is to stop', async () => {
    const queue = new WatchQueue(1e9);
    await queue.ready(0, AbortSignal.abort());
    const stop = new AbortController();
    const ready = queue.ready(0, stop.signal);
    stop.abort();
    await ready;
  });
});

describe('what a watching sync tells', () => {
  const quiet: Report = {
    ...REPORT,
    actions: { ...REPORT.actions, uploaded: 0, skipped: 7 },
    bytes: { uploaded: 0, downloaded: 0 },
  };
  const did = (actions: Partial<Report['actions']>, more: Partial<Report> = {}): Report => ({
    ...quiet,
    ...more,
    actions: { ...quiet.actions, ...actions },
    durationMs: 1_200,
  });

  test('is nothing of a run that did nothing', () => {
    expect(runLines(LIBRARY, null, quiet, newMemory())).toEqual([]);
    expect(runLines(LIBRARY, null, did({ updated: 1, skipped: 1 }), newMemory())).toEqual([]);
  });

  test('is one line of a run that did something', () => {
    const report = did(
      { uploaded: 3, downloaded: 1, adopted: 2, skipped: 9 },
      { bytes: { uploaded: 2_000, downloaded: 0 } },
    );
    expect(runLines(LIBRARY, null, report, newMemory())).toEqual([
      'Family: 3 uploaded, 1 downloaded, 2 adopted (2.0 kB uploaded, 1.2 s)',
    ]);
    expect(runLines(LIBRARY, '2024/summer', did({ deleted: 1 }), newMemory())).toEqual([
      'Family, 2024/summer: 1 deleted (1.2 s)',
    ]);
  });

  test('is a trouble once, however many passes find it, and again when it has changed', () => {
    const memory = newMemory();
    const failures = [{ path: 'a.jpg', code: 'FILE_UNREADABLE', message: 'permission denied' }];
    const troubled = did({ failed: 1, conflicts: 1 }, { failures });
    const lines = ['Family: a.jpg: permission denied', 'Family: 1 in conflict, 1 failed (1.2 s)'];
    expect(runLines(LIBRARY, null, troubled, memory)).toEqual(lines);
    expect(runLines(LIBRARY, null, troubled, memory)).toEqual([]);
    expect(runLines(LIBRARY, 'album', quiet, memory)).toEqual([]);
    expect(runLines(LIBRARY, null, troubled, memory)).toEqual([]);
    expect(runLines(LIBRARY, null, did({ failed: 2 }, { failures }), memory)).toEqual(['Family: 2 failed (1.2 s)']);
    expect(runLines(LIBRARY, null, quiet, memory)).toEqual([]);
    expect(runLines(LIBRARY, null, troubled, memory)).toEqual(lines);
  });

  test('is a failure of whole runs once, and that it is over', () => {
    const memory = newMemory();
    const error = new RollcallError('BUCKET_UNREACHABLE', 'no route\nto the bucket');
    expect(failureLines(LIBRARY, error, memory)).toEqual(['Family: no route to the bucket (BUCKET_UNREACHABLE)']);
    expect(failureLines(LIBRARY, error, memory)).toEqual([]);
    expect(failureLines(LIBRARY, new RollcallError('BUCKET_UNREACHABLE', 'in other words'), memory)).toEqual([]);
    expect(runLines(LIBRARY, null, { ...quiet, status: 'partial' }, memory)).toEqual([]);
    expect(runLines(LIBRARY, null, quiet, memory)).toEqual(['Family: works again']);
    expect(runLines(LIBRARY, null, quiet, memory)).toEqual([]);
    expect(failureLines(LIBRARY, error, memory)).toHaveLength(1);
  });
});
