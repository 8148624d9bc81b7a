/** A dry run's plan as people look at it: in groups, what is dangerous first, with counts, bytes and what it will cost. */
import type { Action, Report } from '../api/types.ts';

export type GroupName =
  | 'delete'
  | 'lost'
  | 'conflict'
  | 'missing'
  | 'orphaned'
  | 'new'
  | 'changed'
  | 'moved'
  | 'download'
  | 'waiting'
  | 'other';

interface GroupWords {
  readonly label: string;
  readonly meaning: string;
  readonly tone: 'bad' | 'warn' | 'quiet' | 'good';
}

export const GROUPS: Readonly<Record<GroupName, GroupWords>> = {
  delete: {
    label: 'To delete',
    tone: 'bad',
    meaning: 'Objects that will be deleted from the bucket: their files have been gone for long enough.',
  },
  lost: { label: 'Lost', tone: 'bad', meaning: 'Gone from disk and bucket. Nothing can be done for them here.' },
  conflict: { label: 'Conflicts', tone: 'warn', meaning: 'Left alone: only a person can tell which side is right.' },
  missing: {
    label: 'Missing',
    tone: 'warn',
    meaning: 'On disk, gone from the bucket or incomplete there: uploaded again.',
  },
  orphaned: { label: 'Orphaned', tone: 'warn', meaning: 'Gone from disk: marked, their objects are kept.' },
  new: { label: 'New', tone: 'good', meaning: 'On disk, not in the bucket yet: uploaded.' },
  changed: {
    label: 'Changed',
    tone: 'good',
    meaning: 'Edited since the last sync: the newer version replaces the older.',
  },
  moved: {
    label: 'Moved',
    tone: 'good',
    meaning: 'Renamed, or known by their content: copied in the bucket, nothing is uploaded.',
  },
  download: { label: 'To download', tone: 'good', meaning: 'In the bucket, not on disk: downloaded.' },
  waiting: { label: 'Waiting', tone: 'quiet', meaning: 'Their objects are archived and have to be restored first.' },
  other: {
    label: 'Records only',
    tone: 'quiet',
    meaning: 'Nothing is transferred: what is on record is brought up to date.',
  },
};

export interface PlanGroup extends GroupWords {
  readonly name: GroupName;
  readonly actions: readonly Action[];
  /** To be sent or fetched. */
  readonly bytes: number;
}

export function groupOf(action: Action): GroupName {
  switch (action.kind) {
    case 'upload':
      return 'new';
    case 'reupload':
      return action.object === undefined || action.damaged ? 'missing' : 'changed';
    case 'download':
      return action.local === undefined ? 'download' : 'changed';
    case 'move':
    case 'copy':
      return 'moved';
    case 'delete':
      return 'delete';
    case 'mark':
      return action.state;
    case 'wait':
      return 'waiting';
    case 'report':
      return action.what === 'unstable' ? 'waiting' : action.what;
    case 'adopt':
    case 'update':
    case 'leftover':
      return 'other';
  }
}

/** What this action sends or fetches. */
export function bytesOf(action: Action): number {
  if (action.kind === 'upload' || action.kind === 'reupload') return action.local.size;
  if (action.kind === 'download') return action.object.size;
  if (action.kind === 'move' && action.edited) return action.local.size;
  return 0;
}

/** The groups that are not empty, in the order of GROUPS. */
export function groupPlan(plan: readonly Action[]): PlanGroup[] {
  const byName = Map.groupBy(plan, groupOf);
  return (Object.keys(GROUPS) as GroupName[]).flatMap((name) => {
    const actions = byName.get(name) ?? [];
    if (actions.length === 0) return [];
    return [{ name, ...GROUPS[name], actions, bytes: actions.reduce((sum, one) => sum + bytesOf(one), 0) }];
  });
}

/** Of S3 Standard in us-east-1, USD a request; deleting is free. */
const PRICE = { put: 0.005 / 1000, get: 0.0004 / 1000 };
/** Files beyond this go up in parts of it, a request each, and two around them. */
const PART = 16 * 1024 * 1024;

/** What carrying the plan out costs in requests, about: what is on the way of it is added to what looking has cost. */
export function estimateUsd(plan: readonly Action[], looked: number): number {
  return plan.reduce((usd, action) => usd + requestsUsd(action), looked);
}

function requestsUsd(action: Action): number {
  const bytes = bytesOf(action);
  switch (action.kind) {
    case 'upload':
    case 'reupload':
      return PRICE.put * (bytes > PART ? Math.ceil(bytes / PART) + 2 : 1);
    case 'move':
    case 'copy':
      return PRICE.put + PRICE.get;
    case 'download':
    case 'adopt':
      return PRICE.get;
    default:
      return 0;
  }
}

/** Does the plan do anything at all? Reports alone are nothing to apply. */
export function doesAnything(plan: readonly Action[]): boolean {
  return plan.some(({ kind }) => kind !== 'report');
}

/** The report's own counts as short words, what is wrong first; nothing that is zero. */
export function reportWords({
  photos,
  actions,
}: Pick<Report, 'photos' | 'actions'>): { readonly text: string; readonly tone: 'bad' | 'warn' | 'quiet' }[] {
  const words: [number, string, 'bad' | 'warn' | 'quiet'][] = [
    [photos.lost, 'lost', 'bad'],
    [actions.failed, 'failed', 'bad'],
    [actions.conflicts, 'in conflict', 'warn'],
    [actions.deleted, 'deleted', 'warn'],
    [actions.marked, 'marked', 'warn'],
    [actions.uploaded, 'uploaded', 'quiet'],
    [actions.reuploaded, 'uploaded again', 'quiet'],
    [actions.downloaded, 'downloaded', 'quiet'],
    [actions.moved, 'moved', 'quiet'],
    [actions.copied, 'copied', 'quiet'],
    [actions.waiting, 'waiting', 'quiet'],
    [actions.unstable, 'being written', 'quiet'],
    [actions.adopted, 'adopted', 'quiet'],
    [actions.updated, 'updated', 'quiet'],
    [Math.max(0, actions.skipped - actions.adopted), 'skipped', 'quiet'],
  ];
  return words.flatMap(([count, word, tone]) =>
    count === 0 ? [] : [{ text: `${count.toLocaleString('en')} ${word}`, tone }],
  );
}
