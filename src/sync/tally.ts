/** What a run has counted so far; becomes its report (DESIGN 12). */

import type { RollcallError } from '../errors.ts';
import type { Action } from './actions.ts';
import type { Classified } from './classify.ts';
import type { CheckCounts, Failure, Report, RequestCounts, RunStatus } from './types.ts';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** More than so many failures are counted but not listed in the report; the run's actions have them all. */
const LISTED = 1_000;

/** USD a request, us-east-1, Standard (FACTS): PUT, COPY and LIST; GET and HEAD. DELETE is free. */
const USD = { write: 0.005 / 1_000, read: 0.0004 / 1_000 } as const;

const NO_REQUESTS: RequestCounts = { head: 0, list: 0, get: 0, put: 0, copy: 0, delete: 0 };

/** Nothing done yet. */
export const NO_ACTIONS: Report['actions'] = {
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
};

/** Nothing read yet. */
export const NO_CHECKS: CheckCounts = {
  photos: 0,
  whole: 0,
  changed: 0,
  gone: 0,
  archived: 0,
  damaged: 0,
  unreadable: 0,
  bytes: 0,
};

export class Tally {
  readonly photos: Mutable<Report['photos']> = {
    new: 0,
    existing: 0,
    orphaned: 0,
    moved: 0,
    changed: 0,
    untracked: 0,
    lost: 0,
  };
  readonly actions: Mutable<Report['actions']> = { ...NO_ACTIONS };
  /** Counted by phase, for `direction: down` and `both`. */
  readonly files = { downloaded: 0, uploaded: 0, skippedDownload: 0, skippedUpload: 0 };
  readonly bytes: Mutable<Report['bytes']> = { uploaded: 0, downloaded: 0 };
  /** Transfers that were done once more. */
  again = 0;
  readonly warnings: string[] = [];
  readonly failures: Failure[] = [];
  readonly conflicts: Failure[] = [];

  /** Counts a photo by what it was found to be. */
  count({ class: photoClass, changed, finding, asked }: Classified): void {
    if (photoClass === null) return;
    this.photos[photoClass] += 1;
    if (changed) this.photos.changed += 1;
    if (finding === 'lost' && !asked) this.photos.lost += 1;
  }

  /** Takes back what `count` counted: the photo turned out to be another one's former or new place. */
  uncount({ class: photoClass, changed, finding, asked }: Classified): void {
    if (photoClass === null) return;
    this.photos[photoClass] -= 1;
    if (changed) this.photos.changed -= 1;
    if (finding === 'lost' && !asked) this.photos.lost -= 1;
  }

  /** Counts bytes that were not sent again. */
  resume(bytes: number): void {
    if (bytes > 0) this.bytes.resumed = (this.bytes.resumed ?? 0) + bytes;
  }

  fail(path: string, error: Pick<RollcallError, 'code' | 'message'>): void {
    this.actions.failed += 1;
    if (this.failures.length < LISTED) this.failures.push({ path, code: error.code, message: error.message });
  }

  conflict(path: string, code: string, message: string): void {
    this.actions.conflicts += 1;
    if (this.conflicts.length < LISTED) this.conflicts.push({ path, code, message });
  }

  /** The report. `failed` photos make a success partial. */
  report(end: {
    readonly runId: string;
    readonly status: RunStatus;
    readonly requests: RequestCounts;
    readonly retries: number;
    readonly durationMs: number;
    readonly checked?: CheckCounts;
    readonly plan?: readonly Action[];
    readonly error?: RollcallError;
    /** Add the counters by phase. */
    readonly byPhase?: boolean;
  }): Report {
    const partial = end.status === 'succeeded' && this.actions.failed > 0;
    return {
      runId: end.runId,
      status: partial ? 'partial' : end.status,
      photos: { ...this.photos },
      actions: { ...this.actions },
      bytes: { ...this.bytes },
      requests: { ...end.requests },
      retries: end.retries + this.again,
      cost: { usd: costOf(end.requests) },
      durationMs: Math.round(end.durationMs),
      warnings: [...this.warnings],
      failures: [...this.failures],
      conflicts: [...this.conflicts],
      ...(end.byPhase && {
        files_downloaded: this.files.downloaded,
        files_uploaded: this.files.uploaded,
        files_skipped_download: this.files.skippedDownload,
        files_skipped_upload: this.files.skippedUpload,
      }),
      ...(end.checked && { checked: end.checked }),
      ...(end.plan && { plan: end.plan }),
      ...(end.error && { error: { code: end.error.code, message: end.error.message } }),
    };
  }
}

/** The estimated price of these requests, in USD. */
export function costOf(requests: RequestCounts): number {
  const usd = USD.write * (requests.put + requests.copy + requests.list) + USD.read * (requests.get + requests.head);
  return Math.round(usd * 1e9) / 1e9;
}

/** The report of a run over several libraries: their sums, and the worst of their ends. */
export function sumReports(runId: string, parts: readonly Report[], durationMs: number): Report {
  const sum = new Tally();
  const requests = { ...NO_REQUESTS };
  let retries = 0;
  for (const part of parts) {
    add(sum.photos, part.photos);
    add(sum.actions, part.actions);
    add(sum.bytes, part.bytes);
    add(requests, part.requests);
    // Reports of earlier versions tell of none.
    retries += part.retries ?? 0;
    sum.files.downloaded += part.files_downloaded ?? 0;
    sum.files.uploaded += part.files_uploaded ?? 0;
    sum.files.skippedDownload += part.files_skipped_download ?? 0;
    sum.files.skippedUpload += part.files_skipped_upload ?? 0;
    sum.warnings.push(...part.warnings);
    sum.failures.push(...part.failures.slice(0, LISTED - sum.failures.length));
    sum.conflicts.push(...part.conflicts.slice(0, LISTED - sum.conflicts.length));
    if (part.error) sum.failures.push({ path: part.runId, ...part.error });
  }
  const plan = parts.some((part) => part.plan) ? { plan: parts.flatMap((part) => part.plan ?? []) } : {};
  const checked = parts.some((part) => part.checked) ? { checked: sumChecks(parts) } : {};
  const byPhase = parts.some((part) => part.files_downloaded !== undefined);
  return sum.report({ runId, status: worstOf(parts), requests, retries, durationMs, byPhase, ...checked, ...plan });
}

function sumChecks(parts: readonly Report[]): CheckCounts {
  const sum = { ...NO_CHECKS };
  for (const part of parts) add(sum, part.checked ?? NO_CHECKS);
  return sum;
}

function worstOf(parts: readonly Report[]): RunStatus {
  const ended = new Set(parts.map((part) => part.status));
  if (ended.size === 1) return parts[0]?.status ?? 'succeeded';
  if (ended.size === 0) return 'succeeded';
  return ended.has('failed') || ended.has('refused') || ended.has('partial') ? 'partial' : 'succeeded';
}

function add<Counts extends { [key: string]: number }>(sum: Counts, more: Readonly<Counts>): void {
  for (const key of Object.keys(more)) {
    (sum as Record<string, number>)[key] = (sum[key] ?? 0) + (more[key] ?? 0);
  }
}
