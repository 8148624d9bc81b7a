/** Trying one path of a run again: by the rules of that run, and that photo alone. */
import type { FilesReport, Report, Run } from '../api/types.ts';
import { albumOfPath } from './failures.ts';
import type { Task, Words } from './manager.ts';

/** Where a run's rules are kept; other fields of it are not asked for again. */
type Rules = Readonly<Partial<Record<'direction' | 'compare' | 'overwrite' | 'orphans', string>>>;

export type Retry =
  /** By a sync of this one file. */
  | { readonly by: 'sync'; readonly json: { library?: string; album: string; files: [string]; rules: Rules } }
  /** As the file was sent, fetched or removed by name. */
  | { readonly by: Task; readonly json: { library?: string; album: string; file: string } };

const TASKS: Readonly<Record<string, Task>> = { upload: 'upload', download: 'download', remove: 'remove' };
/** What these are about is no single photo, or nothing that trying again would change. */
const NO_PHOTO = /^(GUARD_|BUCKET_|DATABASE_|FOLDER_|LISTING_)|^(SYNC_IN_PROGRESS|LOCK_LOST|CANCELLED|LOST)$/;

/** How a path of a run is tried again; null: not by itself. */
export function retryOf(run: Pick<Run, 'kind' | 'libraryId' | 'policy'>, path: string, code: string): Retry | null {
  if (run.kind === 'verify' || NO_PHOTO.test(code)) return null;
  const file = path.slice(path.lastIndexOf('/') + 1);
  const scope = { ...(run.libraryId !== null && { library: run.libraryId }), album: albumOfPath(path) };
  const task = TASKS[run.kind];
  if (task !== undefined) return { by: task, json: { ...scope, file } };
  const { direction, compare, overwrite, orphans } = (run.policy ?? {}) as Rules;
  const rules = Object.entries({ direction, compare, overwrite, orphans }).filter(([, word]) => word !== undefined);
  return { by: 'sync', json: { ...scope, files: [file], rules: Object.fromEntries(rules) } };
}

export interface Retried {
  readonly settled: boolean;
  readonly words: Words;
}

/** What came of it. */
export function retriedBySync(path: string, report: Report): Retried {
  const left = [...report.failures, ...report.conflicts][0] ?? report.error;
  if (left) return failed(path, left.message);
  const { unstable, waiting } = report.actions;
  if (unstable > 0) return later(path, 'is being written: the next sync takes it');
  if (waiting > 0) return later(path, 'waits for its object to be restored');
  return settled(path);
}

export function retriedByName(path: string, { results }: Pick<FilesReport, 'results'>): Retried {
  const [result] = results;
  const isGood = result !== undefined && ['uploaded', 'downloaded', 'removed', 'skipped'].includes(result.status);
  return isGood ? settled(path) : failed(path, result?.message ?? 'it is not there');
}

function settled(path: string): Retried {
  return { settled: true, words: { tone: 'good', text: `✅ ${path} is settled` } };
}

function later(path: string, why: string): Retried {
  return { settled: false, words: { tone: 'info', text: `ℹ️ ${path} ${why}` } };
}

function failed(path: string, why: string): Retried {
  return { settled: false, words: { tone: 'bad', text: `❌ ${path}: ${why}` } };
}
