/** Uploads, downloads and removals of files that a caller names one by one (DESIGN 7), as runs of the engine. */

import { type FileTrace, resultOf } from './file-results.ts';
import type { Sides } from './inventory.ts';
import { surveyPlan } from './prepare.ts';
import { decideRemoval } from './removal.ts';
import { type RunOptions, run } from './run.ts';
import type { FilesReport, FileTask, RunHooks } from './service.ts';
import type { Library, Policy } from './types.ts';

const POLICY = { compare: 'content', overwrite: 'source', moves: false, deleteNow: false, dryRun: false } as const;

const POLICIES: Record<FileTask, Policy> = {
  upload: { ...POLICY, direction: 'up', orphans: 'mark' },
  download: { ...POLICY, direction: 'down', orphans: 'download' },
  remove: { ...POLICY, direction: 'up', overwrite: 'never', orphans: 'mark' },
};

/** Where a task is run, and on what. */
export interface FileTaskRun {
  readonly sides: Sides;
  readonly library: Library;
  readonly album: string;
  readonly parts: Pick<RunOptions, 'settings' | 'log' | 'now'>;
  readonly hooks: RunHooks;
}

/** Runs the task on the files with these names and answers for each of them, each once. Throws like a sync. */
export async function runFileTask(
  task: FileTask,
  filenames: readonly string[],
  { sides, library, album, parts, hooks }: FileTaskRun,
  signal: AbortSignal,
): Promise<FilesReport> {
  const folder = album === '.' ? '' : `${album}/`;
  const names = new Map(filenames.map((name) => [`${folder}${name.normalize('NFC')}`, name]));
  const traces = new Map<string, FileTrace>();
  let complete = false;
  const options: RunOptions = {
    scope: { library, album },
    policy: POLICIES[task],
    // Only a listing shows what the disk does not know.
    settings: { ...parts.settings, existenceCheck: 'list' },
    maxDelete: parts.settings.maxDelete,
    kind: task,
    hooks,
    log: parts.log,
    now: parts.now,
    only: filenames,
    ...(task === 'remove' && { decide: decideRemoval }),
    watch: {
      decided: (triple, action) => traces.set(triple.key, { triple, action }),
      ended: (record) => {
        const trace = traces.get(record.key);
        if (trace) trace.record = record;
      },
    },
  };
  const report = await run(
    sides,
    options,
    async (current) => {
      const plan = await surveyPlan(current);
      complete = plan.complete;
      return plan;
    },
    signal,
  );
  // An object whose key is not in normal form: no file can have it, and the run says so.
  const otherwise = new Map([...traces].map(([key, trace]) => [key.normalize('NFC'), trace]));
  const results = [...names].map(([path, filename]) => {
    const key = library.prefix + path;
    const trace = traces.get(key) ?? otherwise.get(key);
    return { filename, ...resultOf(task, path, trace, { report, complete }) };
  });
  return { results, report };
}
