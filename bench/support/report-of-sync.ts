/** The report at the end of `rollcall sync --json`, held against what a benchmark means to measure. */
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
