import { describe, expect, test } from 'vitest';
import { type FinishedTask, sumLibraries, sumTasks } from '../../src/sync/sum-tasks.ts';
import { sumReports } from '../../src/sync/tally.ts';
import type { Report } from '../../src/sync/types.ts';

const NOTHING = sumReports('', [], 0);

type Parts = { readonly [Key in 'photos' | 'actions' | 'bytes' | 'requests']?: Partial<Report[Key]> };

function report(parts: Parts & Partial<Pick<Report, 'status' | 'failures' | 'warnings' | 'error'>> = {}): Report {
  const { photos, actions, bytes, requests, ...rest } = parts;
  return {
    ...NOTHING,
    ...rest,
    photos: { ...NOTHING.photos, ...photos },
    actions: { ...NOTHING.actions, ...actions },
    bytes: { ...NOTHING.bytes, ...bytes },
    requests: { ...NOTHING.requests, ...requests },
  };
}

const task = (more: Partial<FinishedTask>): FinishedTask => ({
  album: 'a',
  status: 'done',
  error: null,
  last: report(),
  earlier: [],
  ...more,
});
const run = { cancelled: false, durationMs: 1_234 };

describe('the sum of tasks', () => {
  test('counts photos as the last look at each album found them, and effects of all its attempts', () => {
    const cutOff = report({
      status: 'partial',
      photos: { new: 10 },
      actions: { uploaded: 4, failed: 6 },
      bytes: { uploaded: 400 },
      requests: { list: 1, put: 10 },
    });
    const last = report({
      photos: { new: 6, existing: 4 },
      actions: { uploaded: 6, skipped: 4 },
      bytes: { uploaded: 600 },
      requests: { list: 1, put: 6 },
    });
    const sum = sumTasks('r', [task({ earlier: [cutOff], last })], run);
    expect(sum).toMatchObject({
      runId: 'r',
      status: 'succeeded',
      photos: { new: 6, existing: 4 },
      actions: { uploaded: 10, skipped: 0, failed: 0 },
      bytes: { uploaded: 1_000 },
      requests: { list: 2, put: 16 },
      durationMs: 1_234,
    });
    expect(sum.cost.usd).toBeCloseTo((18 * 0.005) / 1_000, 9);
  });

  test('takes what is known of an attempt whose process died', () => {
    const earlier = [{ actions: { uploaded: 3, adopted: 1 }, bytes: { uploaded: 30, downloaded: 0 }, requests: {} }];
    const last = report({ photos: { existing: 5 }, actions: { skipped: 5 }, requests: { list: 1 } });
    expect(sumTasks('r', [task({ earlier, last })], run)).toMatchObject({
      actions: { uploaded: 3, adopted: 1, skipped: 2 },
      bytes: { uploaded: 30 },
      requests: { list: 1, put: 0 },
    });
  });

  test('is partial when an album failed, with the album among the failures', () => {
    const error = { code: 'BUCKET_UNREACHABLE', message: 'gone' } as const;
    const sum = sumTasks('r', [task({ album: null }), task({ album: 'b', status: 'failed', error, last: null })], run);
    expect(sum).toMatchObject({ status: 'partial', failures: [{ path: 'b', ...error }] });
    expect(sum.error).toBeUndefined();
  });

  test('is what the only task came to', () => {
    const error = { code: 'GUARD_EMPTY_ROOT', message: 'nothing there' } as const;
    const last = report({ status: 'refused', error });
    expect(sumTasks('r', [task({ album: null, status: 'failed', error, last })], run)).toMatchObject({
      status: 'refused',
      error,
    });
  });

  test('tells a failure once that the survey and the album both met', () => {
    const failures = [{ path: 'a/locked', code: 'FOLDER_UNREADABLE', message: 'no' }];
    const met = report({ status: 'partial', failures, actions: { failed: 1 } });
    const sum = sumTasks('r', [task({ album: null, last: met }), task({ last: met })], run);
    expect(sum).toMatchObject({ status: 'partial', failures, actions: { failed: 1 } });
  });

  test('of a run that was cancelled says so, whatever came of its parts', () => {
    const cancelled = { ...run, cancelled: true };
    const waiting = task({ album: 'b', status: 'cancelled', last: null });
    expect(sumTasks('r', [task({}), waiting], cancelled)).toMatchObject({
      status: 'failed',
      error: { code: 'CANCELLED' },
      failures: [],
    });
    const some = task({ last: report({ actions: { uploaded: 1 } }) });
    expect(sumTasks('r', [some, waiting], cancelled)).toMatchObject({
      status: 'partial',
      error: { code: 'CANCELLED' },
    });
    expect(sumLibraries('r', [], cancelled)).toMatchObject({ status: 'failed', error: { code: 'CANCELLED' } });
  });
});
