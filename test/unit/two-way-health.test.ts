import { describe, expect, test } from 'vitest';
import { twoWayHealth } from '../../src/http/two-way-health.ts';

const NOW = Date.parse('2026-11-20T12:00:00.000Z');
const ago = (seconds: number) => new Date(NOW - seconds * 1_000).toISOString();
const judge = (lastGoodAt: string | null, failingSince: string | null, intervalSeconds = 60) =>
  twoWayHealth([{ library: 'Family', lastGoodAt, failingSince, error: 'Access Denied' }], intervalSeconds, NOW)[0];

describe('the health of a two-way library', () => {
  test.each([
    ['has a good run and nothing failed since', ago(30), null],
    ['has never run', null, null],
    ['was off for a night', ago(40_000), null],
    ['fails, but not for ten intervals yet', ago(590), ago(500)],
    ['has never been good, for less than ten intervals', null, ago(590)],
  ])('is well when it %s', (_name, lastGoodAt, failingSince) => {
    expect(judge(lastGoodAt, failingSince)).toEqual({ library: 'Family', ok: true, lastGoodAt });
  });

  test.each([
    ['its last good run is ten intervals old and something failed since', ago(601), ago(10)],
    ['it has never been good for ten intervals', null, ago(601)],
    ['it has been failing for eleven days', ago(11 * 86_400), ago(11 * 86_400 - 60)],
  ])('is bad when %s, and says since when and why', (_name, lastGoodAt, failingSince) => {
    expect(judge(lastGoodAt, failingSince)).toEqual({
      library: 'Family',
      ok: false,
      lastGoodAt,
      error: `no good run, failing since ${failingSince}: Access Denied`,
    });
  });

  test('waits longer where cycles are rarer', () => {
    expect(judge(ago(5_000), ago(100), 900)?.ok).toBe(true);
    expect(judge(ago(9_001), ago(100), 900)?.ok).toBe(false);
  });

  test('is not judged while the schedule is off', () => {
    expect(judge(ago(9_001), ago(100), 0)?.ok).toBe(true);
  });
});
