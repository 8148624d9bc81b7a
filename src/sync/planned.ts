/** What a dry run counts: the actions of its plan as if they had succeeded. */
import type { Action } from './actions.ts';
import type { Tally } from './tally.ts';

/** What a dry run would do, as the counts of its report. */
export function countPlanned(tally: Tally, actions: readonly Action[]): void {
  for (const action of actions) countOne(tally, action);
}

function countOne(tally: Tally, action: Action): void {
  const { actions: counts } = tally;
  if (action.kind === 'upload') countUpload(tally, 'uploaded', action.local.size);
  else if (action.kind === 'reupload') countUpload(tally, 'reuploaded', action.local.size);
  else if (action.kind === 'copy') countUpload(tally, 'copied', 0);
  else if (action.kind === 'move' && action.edited) countUpload(tally, 'uploaded', action.local.size);
  else if (action.kind === 'move') counts.moved += 1;
  else if (action.kind === 'wait') counts.waiting += 1;
  else if (action.kind === 'delete') counts.deleted += 1;
  else if (action.kind === 'mark') counts.marked += 1;
  else if (action.kind === 'download') countDownload(tally, action.object.size);
  else if (action.kind === 'report') countReported(tally, action);
  else if (action.kind !== 'leftover') {
    counts.skipped += 1;
    counts[action.kind === 'adopt' ? 'adopted' : 'updated'] += 1;
  }
}

function countUpload(tally: Tally, as: 'uploaded' | 'reuploaded' | 'copied', bytes: number): void {
  tally.actions[as] += 1;
  tally.files.uploaded += 1;
  tally.bytes.uploaded += bytes;
}

function countDownload(tally: Tally, bytes: number): void {
  tally.actions.downloaded += 1;
  tally.files.downloaded += 1;
  tally.bytes.downloaded += bytes;
}

function countReported(tally: Tally, action: Extract<Action, { kind: 'report' }>): void {
  if (action.what === 'conflict') tally.conflict(action.path, action.code, action.reason);
  else if (action.what === 'unstable') tally.actions.unstable += 1;
}
