/** What became of each file that a caller named (DESIGN 7): pure. */

import type { Action } from './actions.ts';
import type { ActionRecord } from './catalog-port.ts';
import type { FileResult, FileTask } from './service.ts';
import type { Report, Triple } from './types.ts';

/** What a run saw under a name, decided and did. */
export interface FileTrace {
  readonly triple: Triple;
  readonly action: Action | null;
  record?: ActionRecord;
}

/** What is known of the run as a whole. */
export interface RunTrace {
  readonly report: Report;
  /** Every side was read to its end. */
  readonly complete: boolean;
}

type Answer = Omit<FileResult, 'filename'>;

const DONE: Readonly<Record<string, FileResult['status']>> = {
  upload: 'uploaded',
  reupload: 'uploaded',
  download: 'downloaded',
  delete: 'removed',
};

const NOT_DONE = { conflict: 'conflict', failed: 'failed', unstable: 'skipped' } as const;

const NOT_THERE: Record<FileTask, Answer> = {
  upload: { status: 'not_found', code: 'FILE_GONE', message: 'there is no such file on disk' },
  download: { status: 'not_found', code: 'OBJECT_MISSING', message: 'the bucket has no such object' },
  remove: { status: 'not_found', code: 'OBJECT_MISSING', message: 'the bucket has no such object' },
};

const NOT_KNOWN: Answer = { status: 'not_found', code: 'NOT_FOUND', message: 'neither disk nor bucket has it' };

/** The result of the file at `path` (NFC); `trace` undefined: no side showed anything under this name. */
export function resultOf(task: FileTask, path: string, trace: FileTrace | undefined, run: RunTrace): Answer {
  const told = run.report.failures.find((failure) => failure.path.normalize('NFC') === path);
  if (trace === undefined) return told || !run.complete ? failed(run, told) : NOT_KNOWN;
  const { triple, action, record } = trace;
  if (record && record.outcome !== 'done') return notDone(record);
  const bothSeen = triple.local !== undefined && triple.object !== undefined;
  if (!record && (action !== null || told || !(run.complete || bothSeen))) return failed(run, told);
  if ((task === 'upload' ? triple.local : triple.object) === undefined) return NOT_THERE[task];
  if (record) return { status: DONE[record.kind] ?? 'skipped' };
  const message = bothSeen ? 'disk and bucket agree already' : 'an exclude or a link keeps it out of the library';
  return { status: 'skipped', message };
}

function notDone({ outcome, code, message }: ActionRecord): Answer {
  const status = outcome === 'done' ? 'skipped' : NOT_DONE[outcome];
  return { status, ...(code !== undefined && { code }), ...(message !== undefined && { message }) };
}

/** Not looked for or not begun: for a reason of its own, or for what ended the run. */
function failed({ report }: RunTrace, told: { readonly code: string; readonly message: string } | undefined): Answer {
  const { code, message } = told ??
    report.error ??
    report.failures[0] ?? { code: 'CANCELLED', message: 'the run ended before this file' };
  return { status: 'failed', code, message };
}
