import { describe, expect, test } from 'vitest';
import { type Outcome, outcomeOf, tableLines, worstExitCode } from '../../src/cli/batch-table.ts';
import { parseCommandLine } from '../../src/cli/program.ts';
import { plain } from '../../src/cli/screen.ts';
import { columnsOf } from '../../src/cli/text.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { Tally } from '../../src/sync/tally.ts';
import type { RunStatus } from '../../src/sync/types.ts';

const TARGET = { line: 4, written: '~/Pictures', folder: '/home/me/Pictures', bucket: 'my-photos', prefix: 'p/' };
const NO_REQUESTS = { head: 0, list: 0, get: 0, put: 0, copy: 0, delete: 0 };

function reportOf(status: RunStatus, actions: Partial<Tally['actions']>, code?: ErrorCode) {
  const tally = new Tally();
  Object.assign(tally.actions, actions);
  const report = tally.report({ runId: 'r', status, requests: NO_REQUESTS, retries: 0, durationMs: 1_234 });
  return code === undefined ? report : { ...report, error: { code, message: 'it says why' } };
}

const BAD_LINE: Outcome = {
  line: 2,
  target: null,
  status: 'bad line',
  exitCode: 2,
  report: null,
  error: { code: 'BAD_INPUT', message: 'must have three or four fields, local_path | bucket | prefix | excludes' },
};

describe('the table of a batch', () => {
  test('has a line for each line of the file: what was done, how long it took, or why not', () => {
    const outcomes = [
      BAD_LINE,
      outcomeOf(TARGET, reportOf('succeeded', { uploaded: 3, skipped: 1_000 })),
      outcomeOf({ ...TARGET, line: 12 }, reportOf('succeeded', {})),
      outcomeOf(TARGET, reportOf('partial', { uploaded: 1, failed: 2 })),
      outcomeOf(TARGET, reportOf('failed', { uploaded: 1 }, 'CANCELLED')),
      outcomeOf(TARGET, reportOf('refused', {}, 'GUARD_EMPTY_ROOT')),
      { ...BAD_LINE, line: 20, target: TARGET, status: 'not run', error: null } as const,
    ];
    expect(tableLines(outcomes, null, plain).join('\n')).toBe(`\
Line  Status     Folder      To                 Result
   2  bad line                                  must have three or four fields, local_path | bucket | prefix | excludes
   4  succeeded  ~/Pictures  s3://my-photos/p/  3 uploaded, 1,000 skipped, 1.2 s
  12  succeeded  ~/Pictures  s3://my-photos/p/  nothing to do, 1.2 s
   4  partial    ~/Pictures  s3://my-photos/p/  1 uploaded, 2 failed, 1.2 s
   4  stopped    ~/Pictures  s3://my-photos/p/  1 uploaded, 1.2 s, CANCELLED: it says why
   4  refused    ~/Pictures  s3://my-photos/p/  GUARD_EMPTY_ROOT: it says why
  20  not run    ~/Pictures  s3://my-photos/p/`);
  });

  test.each([80, 100, 140])('fits into %i columns, however long the names, and shows their ends', (columns) => {
    const long = { ...TARGET, written: `~/${'x'.repeat(90)}/summer`, prefix: `${'p'.repeat(90)}/2024/` };
    const lines = tableLines([BAD_LINE, outcomeOf(long, reportOf('succeeded', { uploaded: 3 }))], columns, plain);
    for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(columns);
    expect(lines[2]).toMatch(/…\S*summer {2}…\S*p\/2024\/ {2}3 uploaded, 1\.2 s$/);
  });

  test('says first that photos are lost, and does not call that nothing to do', () => {
    const report = reportOf('succeeded', { skipped: 2 });
    const [, line] = tableLines([outcomeOf(TARGET, { ...report, photos: { ...report.photos, lost: 1 } })], null, plain);
    expect(line).toMatch(/ {2}1 LOST, 2 skipped, 1\.2 s$/);
  });

  test('lets no name of a folder move the cursor', () => {
    const lines = tableLines([outcomeOf({ ...TARGET, written: 'a\u001B[2J' }, reportOf('succeeded', {}))], 100, plain);
    expect(lines.join('')).not.toContain('\u001B');
  });

  test.each([
    [[0, 0], 0],
    [[0, 1, 0], 1],
    [[1, 2], 2],
    [[4, 3, 2], 4],
    [[], 0],
  ] as const)('of lines that ended with %j has the exit code %i', (codes, worst) => {
    expect(worstExitCode(codes.map((exitCode) => ({ ...BAD_LINE, exitCode })))).toBe(worst);
  });
});

describe('batch and init on the command line', () => {
  const parse = (...argv: string[]) => parseCommandLine(argv, '1.2.3');

  test('batch takes a config file and the policies that hold for all targets', () => {
    const given = ['--config', 'my.conf', '--direction', 'both', '--delete', '--max-delete', '5%', '-n'];
    expect(parse('batch', ...given)).toEqual({
      command: 'batch',
      options: { json: false, verbose: false },
      arguments: { config: 'my.conf', direction: 'both', delete: true, maxDelete: '5%', dryRun: true, all: false },
    });
    expect(parse('batch')).toMatchObject({ arguments: { delete: false, dryRun: false, all: false } });
  });

  test.each([
    ['batch', '--library', 'x'],
    ['batch', '--album', 'x'],
    ['batch', '--watch'],
    ['batch', '--plan-out', 'x'],
    ['batch', '--config', ''],
    ['batch', 'folder'],
    ['init', 'a', 'b'],
    ['init', ''],
  ])('%s %s %s is a usage error', (...argv) => {
    expect(parse(...argv)).toMatchObject({ command: null, exitCode: 2 });
  });

  test('init takes a file or none', () => {
    expect(parse('init', 'my.conf')).toMatchObject({ command: 'init', file: 'my.conf' });
    expect(parse('init')).not.toHaveProperty('file');
  });

  test('both help a newcomer with an example', () => {
    expect(parse('batch', '--help')).toMatchObject({
      stdout: expect.stringContaining('~/Pictures | my-bucket | photos/'),
    });
    expect(parse('init', '--help')).toMatchObject({ stdout: expect.stringContaining('writes ~/.rollcall.conf') });
  });
});
