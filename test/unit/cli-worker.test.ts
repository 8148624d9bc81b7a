import { describe, expect, test } from 'vitest';
import { parseCommandLine } from '../../src/cli/program.ts';

describe('rollcall worker', () => {
  test.each([
    [[], 2],
    [['--concurrency', '8'], 8],
    [['--concurrency', '32'], 32],
  ])('%j syncs so many albums at a time: %i', (given, concurrency) => {
    expect(parseCommandLine(['worker', ...given], '1.0.0')).toMatchObject({ command: 'worker', concurrency });
  });

  test.each(['0', '33', '-1', '1.5', 'many', ''])('--concurrency %j is refused by name', (given) => {
    const answer = parseCommandLine(['worker', '--concurrency', given], '1.0.0');
    expect(answer).toMatchObject({ command: null, exitCode: 2, stderr: expect.stringContaining('--concurrency') });
  });

  test('takes nothing that it would not use', () => {
    expect(parseCommandLine(['worker', 'photos'], '1.0.0')).toMatchObject({ command: null, exitCode: 2 });
  });
});
