import { describe, expect, test } from 'vitest';
import { PLAN_GROUPS } from '../../src/sync/plan-groups.ts';
import type { Comparison, FilesReport, Report, Run, RunProgress } from '../../src/web/api/types.ts';
import {
  buttonOf,
  endWords,
  failureWords,
  filesFor,
  nothingWords,
  type Stage,
  startWords,
  type Task,
} from '../../src/web/logic/manager.ts';
import { bytesOf, doesAnything, GROUPS } from '../../src/web/logic/plan.ts';
import { retriedByName, retriedBySync, retryOf } from '../../src/web/logic/retry.ts';
import { reuploadWords } from '../../src/web/logic/reupload.ts';
import { partShare, progressShare, progressWords, runBars } from '../../src/web/logic/run-words.ts';
import { REPORT, RUN } from '../support/http-parts.ts';

const COMPARISON: Comparison = {
  missing_in_s3: [{ filename: 'a.jpg', localPath: 'x/a.jpg', size: 1 }],
  missing_locally: [{ filename: 'b.jpg', s3Key: 'photos/x/b.jpg', size: 1 }],
  different: [{ filename: 'c.jpg', reason: 'content_mismatch', localMd5: null, s3Etag: 'e' }],
  identical: [{ filename: 'd.jpg', size: 1 }],
};
const READY: Stage = { at: 'ready', comparison: COMPARISON };
const TASKS: readonly Task[] = ['upload', 'download', 'remove'];

describe('the buttons of the S3 manager', () => {
  test('say what they do, and removing waits for a selection', () => {
    expect(TASKS.map((task) => buttonOf(task, READY, 0))).toEqual([
      { label: '☁️ Sync to S3', busy: false, disabled: false },
      { label: '⬇️ Sync from S3', busy: false, disabled: false },
      { label: '🗑️ Remove from S3', busy: false, disabled: true },
    ]);
    expect(buttonOf('remove', READY, 2).disabled).toBe(false);
  });

  test('all wait while both sides are compared', () => {
    for (const task of TASKS) {
      expect(buttonOf(task, { at: 'comparing' }, 1)).toEqual({ label: '🔍 Comparing…', busy: true, disabled: true });
    }
  });

  test('wait for the one that works', () => {
    const stage: Stage = { at: 'working', task: 'upload', comparison: COMPARISON };
    expect(buttonOf('upload', stage, 1)).toEqual({ label: '⏳ Syncing…', busy: true, disabled: true });
    expect(buttonOf('download', stage, 1)).toEqual({ label: '⬇️ Sync from S3', busy: false, disabled: true });
  });

  test('can be pressed again when the comparison failed', () => {
    expect(buttonOf('upload', { at: 'unknown' }, 0).disabled).toBe(false);
  });

  test('are about what one side lacks and what differs', () => {
    expect(filesFor('upload', COMPARISON)).toEqual(['a.jpg', 'c.jpg']);
    expect(filesFor('download', COMPARISON)).toEqual(['b.jpg', 'c.jpg']);
  });
});

describe('the toasts of the S3 manager', () => {
  const results = (count: number, status: FilesReport['results'][number]['status']) =>
    Array.from({ length: count }, (_, at) => ({ filename: `${at}.jpg`, status }));

  test('are these, word for word', () => {
    expect(startWords('upload', 5).text).toBe('ℹ️ Syncing 5 files to S3...');
    expect(startWords('download', 3).text).toBe('ℹ️ Syncing 3 files from S3...');
    expect(nothingWords('upload').text).toBe('✅ All files are already synced to S3!');
    expect(nothingWords('download').text).toBe('✅ All files are already synced from S3!');
    expect(failureWords('upload', 'Access Denied').text).toBe('❌ Failed to sync to S3: Access Denied');
    expect(failureWords('download', 'Access Denied').text).toBe('❌ Failed to sync from S3: Access Denied');
    expect(endWords('upload', { results: results(5, 'uploaded') })).toEqual([
      { tone: 'good', text: '✅ Successfully uploaded 5 images to S3' },
    ]);
    expect(endWords('download', { results: results(3, 'downloaded') })[0]?.text).toBe(
      '✅ Successfully synced 3 images from S3',
    );
    expect(endWords('remove', { results: results(1, 'removed') })[0]?.text).toBe(
      '✅ Successfully removed 1 image from S3',
    );
  });

  test('tell success and failure apart when there are both', () => {
    const failed = { filename: 'x.jpg', status: 'failed', code: 'OBJECT_DENIED', message: 'Access Denied' } as const;
    const texts = endWords('upload', {
      results: [...results(2, 'uploaded'), failed, { ...failed, filename: 'y.jpg' }],
    });
    expect(texts.map(({ text }) => text)).toEqual([
      '✅ Successfully uploaded 2 images to S3',
      '❌ Failed to sync to S3: x.jpg: Access Denied (and 1 more)',
    ]);
  });

  test('of a re-upload say what is lost for good', () => {
    const { photos, actions } = REPORT;
    const said = (change: Partial<Parameters<typeof reuploadWords>[0]>) =>
      reuploadWords({ photos, failures: [], conflicts: [], actions: { ...actions, uploaded: 0 }, ...change });
    expect(said({}).map(({ text }) => text)).toEqual(['✅ Nothing is missing in S3']);
    expect(said({ actions: { ...actions, uploaded: 0, reuploaded: 2 } })[0]?.text).toBe(
      '✅ Successfully uploaded 2 images to S3',
    );
    expect(said({ photos: { ...photos, lost: 1 } })[0]).toEqual({
      tone: 'bad',
      text: '❌ 1 photo cannot be re-uploaded: gone from disk too',
    });
  });
});

describe('trying a path of a run again', () => {
  const policy = { direction: 'down', compare: 'existence', overwrite: 'known', orphans: 'mark', dryRun: false };
  const of = (kind: string) => ({ kind, libraryId: 'l', policy });

  test('is a sync of that file alone, by the rules of the run', () => {
    expect(retryOf(of('apply'), 'a/b/c.jpg', 'OBJECT_DENIED')).toEqual({
      by: 'sync',
      json: {
        ...{ library: 'l', album: 'a/b', files: ['c.jpg'] },
        rules: { direction: 'down', compare: 'existence', overwrite: 'known', orphans: 'mark' },
      },
    });
    expect(retryOf({ kind: 'sync', libraryId: null, policy: null }, 'c.jpg', 'CONFLICT')).toEqual({
      by: 'sync',
      json: { album: '.', files: ['c.jpg'], rules: {} },
    });
  });

  test.each(['upload', 'download', 'remove'] as const)('is the same once more after %s', (kind) => {
    const json = { library: 'l', album: 'a', file: 'c.jpg' };
    expect(retryOf(of(kind), 'a/c.jpg', 'OBJECT_DENIED')).toEqual({ by: kind, json });
  });

  test.each([
    ['sync', 'FOLDER_UNREADABLE'],
    ['sync', 'GUARD_EMPTY_ROOT'],
    ['sync', 'LISTING_FAILED'],
    ['sync', 'LOST'],
    ['verify', 'DISK_DAMAGED'],
  ])('is none in %s for %s', (kind, code) => {
    expect(retryOf(of(kind), 'a/c.jpg', code)).toBeNull();
  });

  test('is settled only if nothing of it is left', () => {
    const report = { failures: [], conflicts: [], actions: { unstable: 0, waiting: 0 } } as unknown as Report;
    const said = (change: object) => retriedBySync('x', { ...report, ...change } as Report);
    expect(said({})).toEqual({ settled: true, words: { tone: 'good', text: '✅ x is settled' } });
    expect(said({ failures: [{ path: 'x', code: 'C', message: 'no' }] }).words.text).toBe('❌ x: no');
    expect(said({ conflicts: [{ path: 'x', code: 'C', message: 'two' }] }).words.text).toBe('❌ x: two');
    expect(said({ error: { code: 'C', message: 'all' } }).words.text).toBe('❌ x: all');
    expect(said({ actions: { unstable: 1, waiting: 0 } })).toMatchObject({ settled: false, words: { tone: 'info' } });
    expect(said({ actions: { unstable: 0, waiting: 1 } })).toMatchObject({ settled: false, words: { tone: 'info' } });
    expect(retriedByName('x', { results: [{ filename: 'x', status: 'uploaded' }] }).settled).toBe(true);
    expect(retriedByName('x', { results: [{ filename: 'x', status: 'failed', message: 'm' }] }).words.text).toBe(
      '❌ x: m',
    );
    expect(retriedByName('x', { results: [] }).settled).toBe(false);
  });
});

describe('the steps of a plan', () => {
  const step = { key: 'photos/x.jpg', path: 'x.jpg', reason: 'r' };
  const local = { size: 100, mtimeNs: '1', device: '1', inode: '1' };
  const object = { size: 50, etag: 'e' };

  test('tell what they send or fetch', () => {
    expect(bytesOf({ kind: 'upload', ...step, local })).toBe(100);
    expect(bytesOf({ kind: 'download', ...step, object, local })).toBe(50);
    expect(bytesOf({ kind: 'adopt', ...step, local, object, otherwise: 'conflict' })).toBe(0);
  });

  test('are something to carry out unless they are only told', () => {
    const sum = { bytes: 0, usd: 0 };
    expect(doesAnything({ groups: [] })).toBe(false);
    expect(doesAnything({ groups: [{ group: 'conflict', steps: 2, told: 2, ...sum }] })).toBe(false);
    expect(doesAnything({ groups: [{ group: 'waiting', steps: 2, told: 1, ...sum }] })).toBe(true);
  });

  test('have words for every group', () => {
    expect(Object.keys(GROUPS)).toEqual(PLAN_GROUPS);
  });
});

describe('runs', () => {
  const run = { ...RUN, report: null, progress: null } as unknown as Run;
  const told: RunProgress = {
    ...{ runId: run.id, library: 'Family', status: 'running', cancelled: false, phase: 'working', scanned: 40 },
    ...{ actions: { done: 12, total: 40 }, bytes: { done: 50, total: 200 }, lastPath: 'a.jpg' },
    ...{ keysPerSecond: null, filesPerSecond: 3.14, bytesPerSecond: 4_200_000, etaSeconds: 9 },
    partCounts: { queued: 0, running: 0, succeeded: 0, partial: 0, failed: 0, refused: 0, planned: 0, cancelled: 0 },
    parts: [],
  };

  test('tell how far they are, how fast, and how long still', () => {
    expect(progressWords(told)).toEqual(['12 of 40 files', '3.1 files/s', '4.2 MB/s', '9 s to go']);
    expect(progressShare(told)).toBe(0.25);
    expect(progressShare({ ...told, bytes: { done: 0, total: null } })).toBe(0.3);
    expect(progressWords({ ...told, status: 'queued' })).toEqual(['Waiting for its turn']);
  });

  test('that nobody knows the end of have no share, and their parts neither', () => {
    const unknown = { done: 0, total: null };
    expect(progressShare({ ...told, actions: unknown, bytes: unknown })).toBeNull();
    const part = {
      runId: null,
      library: 'x',
      album: 'a',
      status: 'running',
      scanned: 0,
      actions: unknown,
      bytes: unknown,
    } as const;
    expect([
      partShare(part),
      partShare({ ...part, status: 'queued' }),
      partShare({ ...part, status: 'failed' }),
    ]).toEqual([null, 0, 1]);
    const counts = { ...told.partCounts, running: 1, succeeded: 3 };
    expect(progressShare({ ...told, actions: unknown, bytes: unknown, parts: [part], partCounts: counts })).toBe(0.75);
  });

  test('are bars of a chart, the latest last, none without height and none that still goes', () => {
    const took = (ms: number, change: Partial<Run> = {}): Run => ({
      ...run,
      status: 'succeeded',
      startedAt: '2024-07-01T10:00:00.000Z',
      finishedAt: new Date(Date.parse('2024-07-01T10:00:00.000Z') + ms).toISOString(),
      ...change,
    });
    const bars = runBars([took(10_000), took(0), took(1, { finishedAt: null, status: 'running' })], new Map());
    expect(bars.map(({ height }) => height)).toEqual([0.06, 1]);
    expect(bars[1]?.title).toContain('succeeded, 10 s');
  });
});
