import { expect, test } from 'vitest';
import { assertDone } from '../../bench/compare/media-sync.ts';
import {
  assertLookedAt,
  assertMoved,
  assertSent,
  assertUnchanged,
  reportOf,
} from '../../bench/support/report-of-sync.ts';
import type { Report } from '../../src/sync/types.ts';

const NO_ACTIONS = {
  uploaded: 0,
  reuploaded: 0,
  skipped: 0,
  adopted: 0,
  moved: 0,
  downloaded: 0,
  updated: 0,
  marked: 0,
  deleted: 0,
  conflicts: 0,
  failed: 0,
};
const NO_REQUESTS = { head: 0, list: 0, get: 0, put: 0, copy: 0, delete: 0 };

interface Told {
  readonly status?: string;
  readonly actions?: Partial<typeof NO_ACTIONS>;
  readonly requests?: Partial<typeof NO_REQUESTS>;
  readonly moved?: number;
  readonly bytes?: number;
}

function report({ status = 'succeeded', actions = {}, requests = {}, moved = 0, bytes = 0 }: Told): Report {
  return {
    type: 'report',
    status,
    photos: { moved },
    actions: { ...NO_ACTIONS, ...actions },
    requests: { ...NO_REQUESTS, ...requests },
    bytes: { uploaded: bytes, downloaded: 0 },
  } as unknown as Report;
}

test('a run counts as one without changes only if all was skipped, by as many listings as there are pages', () => {
  const unchanged = { actions: { skipped: 2_000 }, requests: { list: 2 } };
  expect(() => assertUnchanged(report(unchanged), 2_000)).not.toThrow();
  for (const other of [
    { ...unchanged, status: 'partial' },
    { ...unchanged, actions: { skipped: 1_999 } },
    { ...unchanged, actions: { skipped: 2_000, updated: 1 } },
    { ...unchanged, requests: { list: 2, head: 1 } },
    { ...unchanged, requests: { list: 1 } },
    { ...unchanged, requests: { list: 4 } },
  ]) {
    expect(() => assertUnchanged(report(other), 2_000), JSON.stringify(other)).toThrow('not a run without changes');
  }
});

test('a first sync counts only if all was sent and nothing else was done', () => {
  expect(() => assertSent(report({ actions: { uploaded: 49, reuploaded: 1, skipped: 9 } }), 50)).not.toThrow();
  for (const other of [
    { status: 'partial', actions: { uploaded: 50 } },
    { actions: { uploaded: 49 } },
    { actions: { uploaded: 51 } },
    { actions: { uploaded: 50, failed: 1 } },
    { actions: { uploaded: 50, adopted: 1 } },
  ]) {
    expect(() => assertSent(report(other), 50), JSON.stringify(other)).toThrow('not 50 sent');
  }
});

test('an album that was renamed counts only if every photo was copied on the server and none was sent', () => {
  const renamed = { actions: { moved: 600 }, moved: 600, requests: { list: 1, copy: 600, delete: 2 } };
  expect(() => assertMoved(report(renamed), 600)).not.toThrow();
  for (const other of [
    { ...renamed, status: 'partial' },
    { ...renamed, actions: { moved: 599, uploaded: 1 } },
    { ...renamed, bytes: 1 },
    { ...renamed, requests: { ...renamed.requests, put: 1 } },
    { ...renamed, requests: { ...renamed.requests, delete: 600 } },
    { ...renamed, moved: 0 },
  ]) {
    expect(() => assertMoved(report(other), 600), JSON.stringify(other)).toThrow('not a run of renames alone');
  }
});

test('a sync with previews counts only if both reports are there and every photo has its pictures', () => {
  const sync = JSON.stringify(report({ actions: { uploaded: 10 } }));
  const looked = (ready: number) => `{"type":"progress","done":1}\n{"type":"report","photos":{"ready":${ready}}}`;
  expect(() => assertDone(`${sync}\n${looked(10)}\n`, 10)).not.toThrow();
  expect(() => assertDone(`${sync}\n${looked(9)}\n`, 10)).toThrow('not 10 with their pictures');
  expect(() => assertDone(`${sync}\n`, 10)).toThrow('1 reports');
  expect(() => assertDone(`${JSON.stringify(report({}))}\n${looked(10)}\n`, 10)).toThrow('not 10 sent');
  expect(() => assertLookedAt('{"type":"progress","photos":{"ready":10}}', 10)).toThrow('not 10 with');
});

test('output without a report at its end is no measurement', () => {
  expect(() => reportOf('{"type":"progress"}\n')).toThrow('this is no report');
});
