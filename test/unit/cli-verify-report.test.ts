import { describe, expect, test } from 'vitest';
import { plain } from '../../src/cli/screen.ts';
import { type VerifiedPlace, verifyLines } from '../../src/cli/verify-report.ts';
import { NO_CHECKS } from '../../src/sync/tally.ts';
import type { Failure, Report } from '../../src/sync/types.ts';
import { REPORT } from '../support/http-parts.ts';

function told(failures: readonly Failure[], more: Partial<Report> = {}, place: VerifiedPlace = {}): string {
  const report: Report = {
    ...REPORT,
    status: failures.length > 0 ? 'partial' : 'succeeded',
    actions: { ...REPORT.actions, failed: failures.length },
    checked: {
      ...NO_CHECKS,
      photos: 1_234,
      whole: 1_234 - failures.length,
      damaged: failures.length,
      bytes: 2_500_000,
    },
    failures,
    ...more,
  };
  return verifyLines(report, place, plain).join('\n');
}

const fault = (path: string, code: string, message = 'what is wrong'): Failure => ({ path, code, message });
const disk = (path: string) => fault(path, 'DISK_DAMAGED');

describe('what is advised', () => {
  test('is about the album of each photo, in the words of the command line, for a shell to read', () => {
    const place = { folder: "/my photo's", target: 's3://bucket/p/', sample: 5 };
    const text = told([disk('2024/a.jpg'), disk('2024/b.jpg'), disk('$(rm)/c.jpg')], {}, place);
    expect(text).toContain(
      [
        "    rollcall sync '/my photo'\\''s' s3://bucket/p/ --direction down --album '$(rm)'",
        "    rollcall sync '/my photo'\\''s' s3://bucket/p/ --direction down --album 2024",
      ].join('\n'),
    );
    expect(told([disk('a.jpg')], {}, { library: 'My Family' })).toContain(
      "rollcall sync --library 'My Family' --direction down --album .",
    );
  });

  test('stops at a handful of albums', () => {
    const text = told(Array.from({ length: 9 }, (_, i) => disk(`${i}/a.jpg`)));
    expect(text.split('\n').filter((line) => line.includes('rollcall sync'))).toHaveLength(5);
    expect(text).toContain('… and so on for 4 more albums');
  });

  test('fits what is wrong with both sides of a photo', () => {
    const text = told([
      disk('a.jpg'),
      fault('a.jpg', 'OBJECT_DAMAGED'),
      disk('b.jpg'),
      fault('c.jpg', 'OBJECT_MISSING', 'LOST, gone'),
    ]);
    expect(text).toMatch(/LOST.* \(1\):\n {2}c\.jpg\n/);
    expect(text).toMatch(
      /not to be had from the bucket \(1\):\n {2}a\.jpg: .*\(DISK_DAMAGED\)\n {2}a\.jpg: .*\(OBJECT_DAMAGED\)\n {2}Put the files back from a backup/,
    );
    expect(text).toMatch(/whole in the bucket \(1\):\n {2}b\.jpg\n/);
  });

  test('names every photo that is listed, and says how many are not', () => {
    const many = Array.from({ length: 1_000 }, (_, i) => disk(`a/${i}.jpg`));
    const text = told(many, { actions: { ...REPORT.actions, failed: 1_500 } });
    for (const { path } of many) expect(text).toContain(`  ${path}\n`);
    expect(text).toContain('And 500 more problems: the log names all.');
  });

  test('cannot move the cursor, whatever a photo is called', () => {
    expect(told([disk('a\u001b[2J.jpg')])).not.toContain('\u001b');
  });
});

describe('how it ended', () => {
  test('in order', () => {
    const lines = told([], { requests: { ...REPORT.requests, list: 1, put: 0, get: 1_234 } }).split('\n');
    expect(lines).toEqual([
      'Checked 1,234 photos in 12 ms: no damage.',
      '  Photos    1,234 whole',
      '  Read      2.5 MB',
      '  Requests  1 LIST, 1,234 GET (under $0.0001)',
      `  Run       ${REPORT.runId}`,
    ]);
  });

  test.each([
    [
      { status: 'partial' },
      { sample: 5 },
      'Checked 1,234 photos (a sample of 5%) in 12 ms: not all of them could be read.',
    ],
    [
      { status: 'failed', error: { code: 'CANCELLED', message: '' } },
      {},
      'the next rollcall verify goes on from here.',
    ],
    [{ status: 'failed', error: { code: 'CANCELLED', message: '' } }, { sample: 5 }, 'what was checked stays checked.'],
    [
      { status: 'failed', error: { code: 'BUCKET_UNREACHABLE', message: 'no answer' } },
      {},
      'Broke off after 12 ms and 1,234 photos: no answer (BUCKET_UNREACHABLE).',
    ],
    [
      { status: 'refused', error: { code: 'GUARD_EMPTY_ROOT', message: 'empty' } },
      {},
      'Refused, nothing was checked: empty',
    ],
    [{ checked: NO_CHECKS }, {}, 'There was nothing to check'],
  ] as const)('%#: %j', (end, place, line) => {
    expect(told([], end, place)).toContain(line);
  });

  test('warnings come first', () => {
    expect(told([disk('a.jpg')], { warnings: ['3 archived objects'] })).toMatch(/^Warning: 3 archived objects\n/);
  });
});
