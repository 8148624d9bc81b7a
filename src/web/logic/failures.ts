/** A run's failures by their cause, the most frequent first. */
import type { Failure } from '../api/types.ts';
import { adviceFor } from './problems.ts';

export interface Cause {
  readonly code: string;
  readonly advice: string | null;
  readonly failures: readonly Failure[];
}

export function causesOf(failures: readonly Failure[]): Cause[] {
  return [...Map.groupBy(failures, ({ code }) => code)]
    .map(([code, group]) => ({ code, advice: adviceFor(code), failures: group }))
    .sort((a, b) => b.failures.length - a.failures.length || (a.code < b.code ? -1 : 1));
}

/** The album that a path lies in: `.` for the root. */
export function albumOfPath(path: string): string {
  const end = path.lastIndexOf('/');
  return end === -1 ? '.' : path.slice(0, end);
}
