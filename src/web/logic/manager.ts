/** The S3 manager of an album: which files each button is about, what it says meanwhile, and what the toasts say after. */
import type { Comparison, FilesReport } from '../api/types.ts';

export type Task = 'upload' | 'download' | 'remove';

export type Stage =
  | { readonly at: 'comparing' }
  | { readonly at: 'ready'; readonly comparison: Comparison }
  | { readonly at: 'working'; readonly task: Task; readonly comparison: Comparison | null }
  | { readonly at: 'unknown' };

export const COMPARING = '🔍 Comparing…';
export const SYNCING = '⏳ Syncing…';
export const LABELS: Readonly<Record<Task, string>> = {
  upload: '☁️ Sync to S3',
  download: '⬇️ Sync from S3',
  remove: '🗑️ Remove from S3',
};

/** What a button says, and whether it can be pressed. One thing at a time. */
export function buttonOf(
  task: Task,
  stage: Stage,
  selected: number,
): { readonly label: string; readonly busy: boolean; readonly disabled: boolean } {
  const removesNothing = task === 'remove' && selected === 0;
  if (stage.at === 'comparing') return { label: COMPARING, busy: true, disabled: true };
  if (stage.at === 'working') {
    const own = stage.task === task;
    return { label: own ? SYNCING : LABELS[task], busy: own, disabled: true };
  }
  return { label: LABELS[task], busy: false, disabled: removesNothing };
}

/** The names that a sync is about: what one side lacks, and what differs. */
export function filesFor(task: 'upload' | 'download', comparison: Comparison): readonly string[] {
  const lacking = task === 'upload' ? comparison.missing_in_s3 : comparison.missing_locally;
  return [...lacking, ...comparison.different].map(({ filename }) => filename);
}

export interface Words {
  readonly tone: 'info' | 'good' | 'bad';
  readonly text: string;
}

const SIDE = { upload: 'to S3', download: 'from S3', remove: 'from S3' } as const;

export function startWords(task: Task, count: number): Words {
  const files = count === 1 ? 'file' : 'files';
  const text =
    task === 'remove' ? `Removing ${count} ${files} from S3...` : `Syncing ${count} ${files} ${SIDE[task]}...`;
  return { tone: 'info', text: `ℹ️ ${text}` };
}

export function nothingWords(task: 'upload' | 'download'): Words {
  return { tone: 'good', text: `✅ All files are already synced ${SIDE[task]}!` };
}

export function failureWords(task: Task, error: string): Words {
  return { tone: 'bad', text: `❌ Failed to ${task === 'remove' ? 'remove' : 'sync'} ${SIDE[task]}: ${error}` };
}

const DONE = { upload: 'uploaded', download: 'downloaded', remove: 'removed' } as const;

/** What came of it: what succeeded and what did not, each in words of its own. */
export function endWords(task: Task, { results }: Pick<FilesReport, 'results'>): Words[] {
  const done = results.filter(({ status }) => status === DONE[task] || status === 'skipped').length;
  const failed = results.filter(({ status }) => status === 'failed' || status === 'conflict' || status === 'not_found');
  const images = done === 1 ? 'image' : 'images';
  const verb = { upload: 'uploaded', download: 'synced', remove: 'removed' }[task];
  return [
    ...(done === 0 ? [] : [{ tone: 'good', text: `✅ Successfully ${verb} ${done} ${images} ${SIDE[task]}` } as const]),
    ...(failed.length === 0 ? [] : [failureWords(task, failuresText(failed))]),
  ];
}

function failuresText(failed: FilesReport['results']): string {
  const [first] = failed;
  const why = first?.message ?? (first?.status === 'not_found' ? 'it is not there' : 'no reason was given');
  const one = `${first?.filename}: ${why}`;
  return failed.length === 1 ? one : `${one} (and ${failed.length - 1} more)`;
}
