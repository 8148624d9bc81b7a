/** The report at the end of `rollcall sync --json`, held against what a benchmark means to measure. */
import type { MediaCounts } from '../../src/sync/media-store.ts';
import type { Report } from '../../src/sync/types.ts';

/** Throws when the output has no report. */
export function reportOf(stdout: string): Report {
  const line = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as { type: string } & Report;
  if (line.type !== 'report') throw new Error(`this is no report: ${JSON.stringify(line)}`);
  return line;
}

/** Throws unless the run found every photo in agreement by listing alone: other figures would mean something else. */
export function assertUnchanged(report: Report, photos: number): void {
  const { status, actions, requests } = report;
  const { list, ...others } = requests;
  const pages = Math.ceil(photos / 1_000);
  const asExpected =
    status === 'succeeded' &&
    actions.skipped === photos &&
    Object.entries(actions).every(([name, count]) => name === 'skipped' || count === 0) &&
    Object.values(others).every((count) => count === 0) &&
    list >= pages &&
    list <= pages + 1;
  if (!asExpected) throw new Error(`not a run without changes: ${JSON.stringify(report)}`);
}

/** Throws unless the run sent so many photos, and nothing else happened to any. */
export function assertSent({ status, actions, ...more }: Report, photos: number): void {
  const { uploaded, reuploaded, skipped: _skipped, ...others } = actions;
  const asExpected =
    status === 'succeeded' && uploaded + reuploaded === photos && Object.values(others).every((count) => count === 0);
  if (!asExpected) throw new Error(`not ${photos} sent and no more: ${JSON.stringify({ status, actions, ...more })}`);
}

/** Throws unless the run renamed so many photos, without a byte sent. */
export function assertMoved({ status, actions, bytes, requests, photos }: Report, expected: number): void {
  const asExpected =
    status === 'succeeded' &&
    actions.moved === expected &&
    photos.moved === expected &&
    bytes.uploaded === 0 &&
    requests.put === 0 &&
    requests.copy === expected &&
    // Old objects go many at a time (src/sync/execute-moves.ts).
    requests.delete <= Math.ceil(expected / 100);
  if (!asExpected) throw new Error(`not a run of renames alone: ${JSON.stringify({ status, actions, requests })}`);
}

/** Throws unless `rollcall media --json` says at its end that so many photos have their pictures. */
export function assertLookedAt(stdout: string, photos: number): void {
  const line = stdout.trimEnd().split('\n').at(-1) ?? '';
  const { type, photos: counts } = JSON.parse(line) as { type: string; photos?: Partial<MediaCounts> };
  if (type !== 'report' || counts?.ready !== photos) throw new Error(`not ${photos} with their pictures: ${line}`);
}
