/** Pending changes as a person reads them, grouped by kind with the reason of each. Pure. */
import type { Action } from '../sync/types.ts';
import type { SavedPlan } from '../sync/plan-file.ts';
import type { Paint, Style } from './screen.ts';
import { bytes, columnsOf, count, oneLine, padded, printable } from './text.ts';

const FIRST = 20;
const WIDEST_PATH = 60;

/** What a person must see first comes first; deletions stand out last. */
const GROUPS: readonly (readonly [style: Style, heading: string, belongs: (action: Action) => boolean])[] = [
  [
    'red',
    'Lost: gone from disk and bucket both',
    (a) => isReport(a, 'lost') || (a.kind === 'mark' && a.state === 'lost'),
  ],
  ['yellow', 'Conflicts: left alone, for you to decide', (a) => isReport(a, 'conflict')],
  ['yellow', 'Still changing: left for the next run', (a) => isReport(a, 'unstable')],
  ['cyan', 'Upload', (a) => a.kind === 'upload'],
  ['cyan', 'Upload again', (a) => a.kind === 'reupload'],
  ['cyan', 'Adopt: in the bucket already, to be recorded', (a) => a.kind === 'adopt'],
  ['cyan', 'Correct the record', (a) => a.kind === 'update'],
  ['cyan', 'Mark as orphaned: gone from disk, the object stays', (a) => a.kind === 'mark' && a.state === 'orphaned'],
  ['red', 'DELETE from the bucket', (a) => a.kind === 'delete'],
];

function isReport(action: Action, what: string): boolean {
  return action.kind === 'report' && action.what === what;
}

/** The lines of one library's plan; the first 20 of each kind unless `all`. */
export function planLines(plan: SavedPlan, all: boolean, paint: Paint): string[] {
  const { library, actions } = plan;
  const album = plan.album === null ? '' : `, album ${plan.album}`;
  const where = printable(`${library.name}${album} → s3://${library.bucket}/${library.prefix}`);
  if (actions.length === 0) return [`${where}: nothing pending`, ''];
  const groups = GROUPS.flatMap(([style, heading, belongs]) => {
    const members = actions.filter(belongs);
    return members.length === 0 ? [] : [...groupLines(paint(style, heading), members, all, paint), ''];
  });
  return [paint('bold', `${where}: ${count(actions.length)} pending`), '', ...groups];
}

function groupLines(heading: string, members: readonly Action[], all: boolean, paint: Paint): string[] {
  const size = members.reduce((sum, action) => sum + bytesToSend(action), 0);
  const total = size === 0 ? count(members.length) : `${count(members.length)}, ${bytes(size)}`;
  const shown = all ? members : members.slice(0, FIRST);
  const paths = shown.map((action) => printable(action.path));
  const width = Math.min(
    WIDEST_PATH,
    paths.reduce((widest, path) => Math.max(widest, columnsOf(path)), 0),
  );
  const lines = shown.map((action, i) => `  ${padded(paths[i] ?? '', width)}  ${paint('dim', oneLine(action.reason))}`);
  if (members.length > shown.length) {
    lines.push(`  … and ${count(members.length - shown.length)} more (--all prints every one)`);
  }
  return [`${heading} (${total})`, ...lines.map((line) => line.trimEnd())];
}

function bytesToSend(action: Action): number {
  return action.kind === 'upload' || action.kind === 'reupload' ? action.local.size : 0;
}
