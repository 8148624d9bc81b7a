/** Pending changes as a person reads them, grouped by kind with the reason of each. Pure. */
import type { Action } from '../sync/actions.ts';
import type { SavedPlan } from '../sync/plan-file.ts';
import type { Paint, Style } from './screen.ts';
import { bytes, columnsOf, count, oneLine, padded, printable } from './text.ts';

const FIRST = 20;
const WIDEST_PATH = 60;

/** What a person must see first comes first; deletions stand out last. */
const GROUPS = {
  lost: ['red', 'Lost: gone from disk and bucket both'],
  conflict: ['yellow', 'Conflicts: left alone, for you to decide'],
  unstable: ['yellow', 'Still changing: left for the next run'],
  wait: ['yellow', 'Waiting: archived, to be restored first with rollcall restore'],
  move: ['cyan', 'Move: renamed on disk, so renamed in the bucket without uploading'],
  edited: ['cyan', 'Move and upload: renamed, and changed on disk or missing from the bucket'],
  leftover: ['cyan', 'Finish a move: the old object goes'],
  download: ['cyan', 'Download'],
  copy: ['cyan', 'Copy in the bucket, which holds the same bytes under another name'],
  upload: ['cyan', 'Upload'],
  reupload: ['cyan', 'Upload again'],
  adopt: ['cyan', 'Adopt: in the bucket already, to be recorded'],
  update: ['cyan', 'Correct the record'],
  orphaned: ['cyan', 'Mark as orphaned: gone from disk, the object stays'],
  delete: ['red', 'DELETE from the bucket'],
} as const satisfies Record<string, readonly [Style, string]>;

const ARROWS = { up: '→', down: '←', both: '↔' } as const;

function groupOf(action: Action): keyof typeof GROUPS {
  if (action.kind === 'report') return action.what;
  if (action.kind === 'move' && action.edited) return 'edited';
  return action.kind === 'mark' ? action.state : action.kind;
}

/** The lines of one library's plan; the first 20 of each kind unless `all`. */
export function planLines(plan: SavedPlan, all: boolean, paint: Paint): string[] {
  const { library, actions } = plan;
  const album = plan.album === null ? '' : `, album ${plan.album}`;
  const arrow = ARROWS[plan.policy.direction];
  const where = printable(`${library.name}${album} ${arrow} s3://${library.bucket}/${library.prefix}`);
  if (actions.length === 0) return [`${where}: ${plan.policy.moves === 'only' ? 'no renames' : 'nothing'} pending`, ''];
  const byGroup = Map.groupBy(actions, groupOf);
  const groups = (Object.keys(GROUPS) as (keyof typeof GROUPS)[]).flatMap((group) => {
    const members = byGroup.get(group);
    if (members === undefined) return [];
    const [style, heading] = GROUPS[group];
    return [...groupLines(paint(style, heading), members, all, paint), ''];
  });
  return [paint('bold', `${where}: ${count(actions.length)} pending`), '', ...groups];
}

function groupLines(heading: string, members: readonly Action[], all: boolean, paint: Paint): string[] {
  const size = members.reduce((sum, action) => sum + bytesToMove(action), 0);
  const total = size === 0 ? count(members.length) : `${count(members.length)}, ${bytes(size)}`;
  const shown = all ? members : members.slice(0, FIRST);
  const paths = shown.map(pathText);
  const width = Math.min(
    WIDEST_PATH,
    paths.reduce((widest, path) => Math.max(widest, columnsOf(path)), 0),
  );
  const lines = shown.map(
    (action, i) => `  ${padded(paths[i] ?? '', width)}  ${paint('dim', oneLine(noteOf(action)))}`,
  );
  if (members.length > shown.length) {
    lines.push(`  … and ${count(members.length - shown.length)} more (--all prints every one)`);
  }
  return [`${heading} (${total})`, ...lines.map((line) => line.trimEnd())];
}

function pathText(action: Action): string {
  return printable(action.kind === 'move' ? `${action.from.path} → ${action.path}` : action.path);
}

/** Both names of a move stand there already. */
function noteOf(action: Action): string {
  if (action.kind !== 'move') return action.reason;
  if (action.via !== undefined) return 'names exchanged: makes room first';
  return action.target === undefined ? '' : 'the new name has the same bytes already';
}

function bytesToMove(action: Action): number {
  if (action.kind === 'download') return action.object.size;
  if (action.kind === 'move') return action.edited ? action.local.size : 0;
  return action.kind === 'upload' || action.kind === 'reupload' ? action.local.size : 0;
}
