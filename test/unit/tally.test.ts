import { expect, test } from 'vitest';
import { costOf, sumReports, Tally } from '../../src/sync/tally.ts';

const requests = { head: 0, list: 0, get: 0, put: 0, copy: 0, delete: 0 };
const end = { runId: 'r', requests, retries: 0, durationMs: 1, status: 'succeeded' } as const;

test('a run with a failed photo is partial', () => {
  const tally = new Tally();
  tally.fail('a.jpg', { code: 'OBJECT_DENIED', message: 'no' });
  expect(tally.report(end)).toMatchObject({
    status: 'partial',
    actions: { failed: 1 },
    failures: [{ path: 'a.jpg', code: 'OBJECT_DENIED', message: 'no' }],
  });
});

test('the estimate follows the price list: lists and writes, reads, and deletions for nothing', () => {
  expect(costOf({ ...requests, put: 1_000 })).toBe(0.005);
  expect(costOf({ ...requests, list: 1_000, copy: 1_000 })).toBe(0.01);
  expect(costOf({ ...requests, head: 1_000, get: 1_000 })).toBe(0.0008);
  expect(costOf({ ...requests, delete: 1_000_000 })).toBe(0);
});

test('a thousand failures are listed, all are counted', () => {
  const tally = new Tally();
  for (let i = 0; i < 1_500; i++) tally.fail(`${i}.jpg`, { code: 'OBJECT_DENIED', message: 'no' });
  const report = tally.report(end);
  expect(report.actions.failed).toBe(1_500);
  expect(report.failures).toHaveLength(1_000);
});

test('bytes that an earlier run had sent are told when there are any, and add up', () => {
  const [some, none] = [new Tally(), new Tally()];
  some.resume(0);
  expect(some.report(end).bytes).toEqual({ uploaded: 0, downloaded: 0 });
  some.resume(16);
  some.resume(5);
  const reports = [none.report(end), some.report(end)];
  expect(sumReports('p', reports, 5).bytes).toEqual({ uploaded: 0, downloaded: 0, resumed: 21 });
});

test('several libraries add up, and one that failed makes the whole partial', () => {
  const a = new Tally();
  a.actions.uploaded = 2;
  a.bytes.uploaded = 10;
  const b = new Tally();
  b.actions.uploaded = 3;
  const reports = [a.report({ ...end, requests: { ...requests, put: 2 } }), b.report({ ...end, status: 'failed' })];
  expect(sumReports('p', reports, 5)).toMatchObject({
    runId: 'p',
    status: 'partial',
    actions: { uploaded: 5 },
    bytes: { uploaded: 10 },
    requests: { put: 2 },
    retries: 0,
    durationMs: 5,
  });
});
