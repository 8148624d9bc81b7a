/** What waits for archived objects as a person reads it: one line an object, and what to do next. Pure. */
import type { ArchivedObject } from '../sync/browse.ts';
import type { Library } from '../sync/types.ts';
import type { Paint, Style } from './screen.ts';
import { columnsOf, count, counted, dateTime, oneLine, padded, printable } from './text.ts';

/** How many are how far. */
export interface ArchiveCounts {
  readonly waiting: number;
  readonly inProgress: number;
  readonly restored: number;
  readonly failed: number;
}

/** One that could not be looked at counts as failed whatever is known of it from before. */
export function countArchived(objects: readonly ArchivedObject[]): ArchiveCounts {
  const of = (status: ArchivedObject['status']) =>
    objects.filter((one) => one.status === status && one.lastError === null).length;
  const [waiting, inProgress, restored] = [of('waiting'), of('in progress'), of('restored')];
  return { waiting, inProgress, restored, failed: objects.length - waiting - inProgress - restored };
}

const WORDS: Readonly<Record<ArchivedObject['status'], readonly [Style, string]>> = {
  waiting: ['yellow', 'waiting'],
  'in progress': ['cyan', 'in progress'],
  restored: ['green', 'readable'],
  failed: ['red', 'failed'],
};
const WIDEST_WORD = 'in progress'.length;
const WIDEST_NAME = 60;

/** A library's objects under its name; nothing for one without any. */
export function archivedLines(library: Library, objects: readonly ArchivedObject[], paint: Paint): string[] {
  if (objects.length === 0) return [];
  const names = objects.map(({ key }) =>
    printable(key.startsWith(library.prefix) ? key.slice(library.prefix.length) : key),
  );
  const width = Math.min(
    WIDEST_NAME,
    names.reduce((widest, name) => Math.max(widest, columnsOf(name)), 0),
  );
  const place = printable(`${library.name} = s3://${library.bucket}/${library.prefix}`);
  return [
    paint('bold', `${place}: ${counted(objects.length, 'archived object')}`),
    ...objects.map((object, i) => objectLine(object, padded(names[i] ?? '', width), paint)),
    '',
  ];
}

function objectLine(object: ArchivedObject, name: string, paint: Paint): string {
  const { status, lastError, storageClass, what } = object;
  const [style, word] = lastError === null ? WORDS[status] : WORDS.failed;
  const note = lastError === null ? noteOf(object) : oneLine(lastError);
  const facts = [`${storageClass}, for a ${what}`, note].filter((part) => part !== '').join(', ');
  return `  ${paint(style, padded(word, WIDEST_WORD))}  ${name}  ${paint('dim', facts)}`;
}

function noteOf({ status, requestedAt, restoredUntil }: ArchivedObject): string {
  switch (status) {
    case 'in progress':
      return requestedAt === null ? '' : `asked for ${dateTime(requestedAt)}`;
    case 'restored':
      return restoredUntil === null ? '' : `until ${dateTime(restoredUntil)}`;
    case 'waiting':
      return restoredUntil === null ? '' : `was readable until ${dateTime(restoredUntil)}`;
    case 'failed':
      return '';
  }
}

/** How many are how far, and what to do about it. `until`: when the first restored copy goes again. */
export function nextSteps(counts: ArchiveCounts, until: string | null): string[] {
  const { waiting, inProgress, restored, failed } = counts;
  if (waiting + inProgress + restored + failed === 0) return ['Nothing waits for an archived object.'];
  const total = [
    [waiting, 'waiting'],
    [inProgress, 'in progress'],
    [restored, 'readable'],
    [failed, 'failed'],
  ] as const;
  const lines = [`${total.flatMap(([n, word]) => (n > 0 ? [`${count(n)} ${word}`] : [])).join(', ')}.`];
  if (waiting > 0)
    lines.push('To be asked for: rollcall restore (it costs money; rollcall restore --help tells more).');
  if (inProgress > 0) lines.push('Restoring takes hours; rollcall restore-status tells how far it is.');
  if (restored > 0) {
    const last = until === null ? '' : `, before ${dateTime(until)}`;
    lines.push(`To do what has waited for the readable ones: rollcall sync${last}.`);
  }
  if (failed > 0) lines.push('What failed is not asked for until you run rollcall restore again.');
  return lines;
}

/** When the first of the restored copies goes. */
export function firstExpiry(objects: readonly ArchivedObject[]): string | null {
  const times = objects.flatMap(({ status, restoredUntil }) =>
    status === 'restored' && restoredUntil !== null ? [restoredUntil] : [],
  );
  return times.toSorted()[0] ?? null;
}
