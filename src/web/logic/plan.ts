/** A dry run's plan in words: what its groups are, and what its steps send. */
import type { Action, Plan, PlanGroup, Report } from '../api/types.ts';

export type GroupName = PlanGroup['group'];

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

/** What this action sends or fetches. */
export function bytesOf(action: Action): number {
  if (action.kind === 'upload' || action.kind === 'reupload') return action.local.size;
  if (action.kind === 'download') return action.object.size;
  if (action.kind === 'move' && action.edited) return action.local.size;
  return 0;
}

/** Does the plan do anything at all? Reports alone are nothing to apply. */
export function doesAnything({ groups }: Pick<Plan, 'groups'>): boolean {
  return groups.some(({ steps, told }) => steps > told);
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
