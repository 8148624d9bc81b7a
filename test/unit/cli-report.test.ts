import { describe, expect, test } from 'vitest';
import { exitCodeOf } from '../../src/cli/exit-code.ts';
import { reportLines } from '../../src/cli/report.ts';
import { plain } from '../../src/cli/screen.ts';
import { greetingLines } from '../../src/cli/serve-greeting.ts';
import type { Report } from '../../src/sync/types.ts';

const NOTHING: Report = {
  runId: '0193-run',
  status: 'succeeded',
  photos: { new: 0, existing: 0, orphaned: 0, moved: 0, changed: 0, untracked: 0, lost: 0 },
  actions: {
    uploaded: 0,
    reuploaded: 0,
    skipped: 0,
    adopted: 0,
    moved: 0,
    copied: 0,
    downloaded: 0,
    updated: 0,
    marked: 0,
    deleted: 0,
    conflicts: 0,
    unstable: 0,
    waiting: 0,
    failed: 0,
  },
  bytes: { uploaded: 0, downloaded: 0 },
  requests: { head: 0, list: 1, get: 0, put: 0, copy: 0, delete: 0 },
  retries: 0,
  cost: { usd: 0.000005 },
  durationMs: 812,
  warnings: [],
  failures: [],
  conflicts: [],
};

const printed = (report: Report) => reportLines(report, plain).join('\n');

describe('a report', () => {
  test('of a first sync says what there was, what was done and what it cost', () => {
    const report: Report = {
      ...NOTHING,
      photos: { ...NOTHING.photos, new: 15, existing: 8 },
      actions: { ...NOTHING.actions, uploaded: 13, reuploaded: 1, skipped: 9, adopted: 2 },
      bytes: { uploaded: 48_211_034, downloaded: 0 },
      requests: { ...NOTHING.requests, put: 14 },
      retries: 0,
      cost: { usd: 0.000075 },
      durationMs: 2412,
    };
    expect(printed(report)).toBe(`Synced in 2.4 s.
  Photos    15 new, 8 existing
  Actions   13 uploaded, 1 re-uploaded, 9 skipped (2 of them adopted)
  Bytes     48.2 MB uploaded
  Requests  1 LIST, 14 PUT (under $0.0001)
  Run       0193-run`);
  });

  test('of a second sync says that there was nothing to do', () => {
    const report: Report = {
      ...NOTHING,
      photos: { ...NOTHING.photos, existing: 23 },
      actions: { ...NOTHING.actions, skipped: 23 },
    };
    expect(printed(report)).toBe(`In sync, nothing to do (812 ms).
  Photos    23 existing
  Actions   23 skipped
  Requests  1 LIST (under $0.0001)
  Run       0193-run`);
  });

  test('puts warnings first, then problems grouped by code with their first paths, then the rest', () => {
    const denied = Array.from({ length: 7 }, (_, i) => ({
      path: `2024/${i}.jpg`,
      code: 'FILE_UNREADABLE',
      message: 'permission denied',
    }));
    const report: Report = {
      ...NOTHING,
      status: 'partial',
      photos: { ...NOTHING.photos, new: 8, lost: 1 },
      actions: { ...NOTHING.actions, failed: 8, conflicts: 1 },
      warnings: ['LOST, gone from disk and bucket both: a.jpg', 'many\nfiles gone'],
      failures: [{ path: 'x\u001B.jpg', code: 'OBJECT_DENIED', message: 'denied' }, ...denied],
      conflicts: [{ path: 'b.jpg', code: 'CONFLICT', message: 'both changed' }],
    };
    expect(printed(report)).toBe(`LOST, gone from disk and bucket both: a.jpg
Warning: many files gone

8 problems:
  FILE_UNREADABLE (7)
    2024/0.jpg: permission denied
    2024/1.jpg: permission denied
    2024/2.jpg: permission denied
    2024/3.jpg: permission denied
    2024/4.jpg: permission denied
    … and 2 more
  OBJECT_DENIED (1)
    x\\x1b.jpg: denied

1 conflict:
  CONFLICT (1)
    b.jpg: both changed

Finished in 812 ms, but not all of it worked.
  Photos    8 new, 1 lost
  Actions   1 in conflict, 8 failed
  Requests  1 LIST (under $0.0001)
  Run       0193-run`);
  });

  test('of a run that looked for renames only claims no more than that', () => {
    const lines = (report: Report) => reportLines(report, plain, true).slice(0, 2);
    const quiet: Report = { ...NOTHING, photos: { ...NOTHING.photos, existing: 2 } };
    expect(lines(quiet)[0]).toBe('No renames to carry out (812 ms).');
    expect(lines({ ...quiet, status: 'planned' })[0]).toBe('No renames to carry out (812 ms).');
    const moved: Report = {
      ...NOTHING,
      photos: { ...NOTHING.photos, new: 1, moved: 3 },
      actions: { ...NOTHING.actions, moved: 3 },
    };
    expect(lines(moved)).toEqual(['Renamed in 812 ms.', 'What is new, edited or gone is left for rollcall sync.']);
    expect(lines({ ...quiet, status: 'refused' })[0]).toMatch(/^Refused/);
  });

  test('says what moved, what was copied, and what to do about what waits', () => {
    const report: Report = {
      ...NOTHING,
      photos: { ...NOTHING.photos, new: 1, moved: 1_000 },
      actions: { ...NOTHING.actions, moved: 998, copied: 1, waiting: 2 },
      requests: { ...NOTHING.requests, copy: 999, delete: 1 },
    };
    expect(printed(report)).toBe(`2 photos wait for archived objects.
  rollcall restore asks for them (it costs money), rollcall restore-status tells how far they are.

Synced in 812 ms.
  Photos    1 new, 1,000 moved
  Actions   998 moved, 1 copied in the bucket, 2 waiting for a restore
  Requests  1 LIST, 999 COPY, 1 DELETE (under $0.0001)
  Run       0193-run`);
  });

  test.each([
    [{ status: 'planned' }, 'In sync (812 ms).'],
    [{ status: 'planned', actions: { ...NOTHING.actions, uploaded: 1 } }, 'Planned in 812 ms; nothing was touched.'],
    [
      { status: 'refused', error: { code: 'GUARD_EMPTY_ROOT', message: '/mnt/photos is empty' } },
      'Refused, nothing was touched: /mnt/photos is empty (GUARD_EMPTY_ROOT).',
    ],
    [
      { status: 'failed', error: { code: 'BUCKET_DENIED', message: 'access to bucket b is denied' } },
      'Failed after 812 ms: access to bucket b is denied (BUCKET_DENIED).',
    ],
    [
      { status: 'partial', error: { code: 'CANCELLED', message: 'the run was cancelled' } },
      'Stopped after 812 ms; the next sync goes on from here.',
    ],
  ] satisfies [Partial<Report>, string][])('with %j has its own headline', (part, headline) => {
    expect(printed({ ...NOTHING, ...part }).split('\n')[0]).toBe(headline);
  });

  test('of a dry run says what would be done', () => {
    const report: Report = { ...NOTHING, status: 'planned', actions: { ...NOTHING.actions, uploaded: 2, marked: 1 } };
    expect(printed(report)).toContain('  Would be  2 uploaded, 1 marked\n');
  });

  test('with a lost photo never says that all is in sync', () => {
    const report: Report = { ...NOTHING, photos: { ...NOTHING.photos, lost: 1 } };
    expect(printed(report)).not.toContain('In sync');
  });
});

describe('the exit code of a report', () => {
  test.each([
    [{ status: 'succeeded' }, 0],
    [{ status: 'planned' }, 0],
    [{ status: 'partial' }, 1],
    [{ status: 'refused', error: { code: 'GUARD_MAX_DELETE', message: '' } }, 3],
    [{ status: 'failed', error: { code: 'BUCKET_MISSING', message: '' } }, 4],
    [{ status: 'failed', error: { code: 'CANCELLED', message: '' } }, 1],
    [{ status: 'failed', failures: [{ path: 'mine', code: 'DATABASE_UNREACHABLE', message: '' }] }, 4],
    [{ status: 'failed' }, 1],
  ] satisfies [Partial<Report>, number][])('%j is %d', (part, exitCode) => {
    expect(exitCodeOf({ ...NOTHING, ...part })).toBe(exitCode);
  });
});

describe('the greeting of serve', () => {
  const embedded = {
    database: { embedded: true, at: '127.0.0.1:5433/rollcall' },
    bucket: { embedded: true, at: 'http://127.0.0.1:9000 s3://rollcall/photos/' },
    photos: { demo: true, at: '/w/photos' },
    dataDir: '/w/.data',
  };

  test('with nothing configured says what is embedded, where it lies and what to set', () => {
    const lines = greetingLines(
      {
        version: '1.2.3',
        config: { apiToken: null },
        rollcall: { places: embedded, notices: ['a stale lock was removed'] },
        address: 'http://127.0.0.1:3001',
        portWasBusy: 3000,
      },
      plain,
    );
    expect(lines.join('\n')).toBe(`Rollcall 1.2.3 is up at http://127.0.0.1:3001
Note: Port 3000 is in use by another program; this is another one.
Note: a stale lock was removed

  Photos    /w/photos (demo library)
  Database  127.0.0.1:5433/rollcall (embedded PostgreSQL)
  Bucket    http://127.0.0.1:9000 s3://rollcall/photos/ (embedded S3, for trying out)
  Data      /w/.data (of what is embedded)
  API       http://127.0.0.1:3001/docs

To use your own, set in the environment or in .env:
  PHOTOS_ROOT=/path/to/your/photos
  DATABASE_URL=postgresql://user:password@host:5432/rollcall
  S3_BUCKET=your-bucket
  S3_ENDPOINT=https://… (only if it is not on AWS)

Sync now:
  npx rollcall sync
  curl -X POST http://127.0.0.1:3001/api/sync

Ctrl-C stops everything.`);
  });

  test('with everything configured asks for nothing, and for the token by its name only', () => {
    const places = {
      database: { embedded: false, at: 'db.example.org/rollcall' },
      bucket: { embedded: false, at: 's3://mine/photos/' },
      photos: { demo: false, at: '/photos' },
      dataDir: '/w/.data',
    };
    const lines = greetingLines(
      {
        version: '1.2.3',
        config: { apiToken: 'secret-secret-secret' },
        rollcall: { places, notices: [] },
        address: 'http://[::1]:3000',
        portWasBusy: null,
      },
      plain,
    ).join('\n');
    expect(lines).not.toContain('To use your own');
    expect(lines).not.toContain('secret-secret');
    expect(lines).toContain('/api/sync -H "Authorization: Bearer $API_TOKEN"');
  });
});
