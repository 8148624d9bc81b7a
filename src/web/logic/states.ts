/** The states of a photo in words: what each means, and which are worth a look. */
import type { Photo, PhotoState } from '../api/types.ts';

export interface StateWords {
  readonly label: string;
  /** `bad`: a photo is in danger; `warn`: somebody should look; `quiet`: as it should be, or will be by itself. */
  readonly tone: 'bad' | 'warn' | 'good' | 'quiet';
  readonly meaning: string;
}

/** What is wrong comes first. */
export const STATES: Readonly<Record<PhotoState, StateWords>> = {
  lost: {
    label: 'Lost',
    tone: 'bad',
    meaning: 'Gone from disk and from the bucket. Only a backup has it, if one has.',
  },
  missing: {
    label: 'Missing',
    tone: 'bad',
    meaning: 'On disk, but its object is gone from the bucket: one copy is left.',
  },
  failed: {
    label: 'Failed',
    tone: 'bad',
    meaning: 'The last attempt to sync it failed. It is tried again by the next sync.',
  },
  conflict: {
    label: 'Conflict',
    tone: 'warn',
    meaning: 'Disk and bucket hold different versions. Only a person can tell which is right.',
  },
  orphaned: {
    label: 'Orphaned',
    tone: 'warn',
    meaning: 'Gone from disk. Its object is kept in the bucket: one copy is left.',
  },
  archived: {
    label: 'Archived',
    tone: 'quiet',
    meaning: 'Its object lies in an archive storage class and has to be restored before it can be read.',
  },
  pending: {
    label: 'Pending',
    tone: 'quiet',
    meaning: 'Seen on disk, not in the bucket yet. The next sync uploads it.',
  },
  synced: { label: 'Synced', tone: 'good', meaning: 'On disk and in the bucket, and both agree.' },
};

export const STATE_ORDER = Object.keys(STATES) as readonly PhotoState[];

export function isPhotoState(text: string | undefined): text is PhotoState {
  return text !== undefined && Object.hasOwn(STATES, text);
}

type Counts = Readonly<Record<PhotoState, number>>;

const NO_COUNTS: Counts = {
  lost: 0,
  missing: 0,
  failed: 0,
  conflict: 0,
  orphaned: 0,
  archived: 0,
  pending: 0,
  synced: 0,
};

export function sumStates(all: readonly Counts[]): Counts {
  return all.reduce<Counts>(
    (sum, one) => Object.fromEntries(STATE_ORDER.map((state) => [state, sum[state] + one[state]])) as Counts,
    NO_COUNTS,
  );
}

/** How many photos a person should look at. */
export function troubles(states: Counts): number {
  return STATE_ORDER.reduce((sum, state) => (isTrouble(state) ? sum + states[state] : sum), 0);
}

export function isTrouble(state: PhotoState): boolean {
  return STATES[state].tone === 'bad' || STATES[state].tone === 'warn';
}

/** The verdict of the whole page in one sentence: are the photos safe? */
export function verdict(states: Counts): { readonly tone: StateWords['tone']; readonly text: string } {
  const total = STATE_ORDER.reduce((sum, state) => sum + states[state], 0);
  const bad = states.lost + states.missing + states.failed;
  const warn = states.conflict + states.orphaned;
  const photos = (count: number) => `${count.toLocaleString('en')} ${count === 1 ? 'photo' : 'photos'}`;
  if (total === 0) return { tone: 'quiet', text: 'No photos are on record yet. Sync to make a beginning.' };
  if (states.lost > 0) return { tone: 'bad', text: `${photos(states.lost)} can be found nowhere.` };
  if (bad > 0) return { tone: 'bad', text: `${photos(bad)} ${bad === 1 ? 'is' : 'are'} not safe in the bucket.` };
  if (warn > 0) return { tone: 'warn', text: `${photos(warn)} ${warn === 1 ? 'needs' : 'need'} a look.` };
  if (states.pending > 0)
    return {
      tone: 'quiet',
      text: `${photos(states.pending)} ${states.pending === 1 ? 'waits' : 'wait'} for the next sync.`,
    };
  return {
    tone: 'good',
    text: total === 1 ? 'The photo is safe on both sides.' : `All ${photos(total)} are safe on both sides.`,
  };
}

/** Why this very photo is in its state, from what is on record. */
export function reasons(
  photo: Pick<Photo, 'state' | 'lastError' | 'damage' | 'orphanedAt' | 'etag' | 'media'>,
): string[] {
  return [
    STATES[photo.state].meaning,
    ...(photo.lastError === null ? [] : [`Last error: ${photo.lastError}`]),
    ...(photo.damage === null ? [] : photo.damage.split('\n').map((line) => `Found by a check: ${line}`)),
    ...(photo.etag === null && photo.state !== 'pending' ? ['Disk and bucket have never agreed on it.'] : []),
    ...(photo.media?.error ? [`Its picture: ${photo.media.error}`] : []),
  ];
}
