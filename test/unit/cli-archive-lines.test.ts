import { describe, expect, test } from 'vitest';
import { archivedLines, countArchived, firstExpiry, nextSteps } from '../../src/cli/archive-lines.ts';
import { plain } from '../../src/cli/screen.ts';
import { dateTime } from '../../src/cli/text.ts';
import type { ArchivedObject } from '../../src/sync/browse.ts';
import type { Library } from '../../src/sync/types.ts';

const LIBRARY: Library = {
  id: 'id',
  name: 'Family',
  root: '/srv/photos',
  bucket: 'my-bucket',
  prefix: 'photos/',
  excludes: [],
  sync: 'up',
};
const NOON = '2026-11-20T12:00:00.000Z';
const NEXT_WEEK = '2026-11-28T00:00:00.000Z';

function archived(key: string, facts: Partial<ArchivedObject> = {}): ArchivedObject {
  return {
    id: key,
    libraryId: 'id',
    bucket: 'my-bucket',
    key: `photos/${key}`,
    photoId: null,
    storageClass: 'DEEP_ARCHIVE',
    what: 'move',
    status: 'waiting',
    requestedAt: null,
    restoredUntil: null,
    lastError: null,
    createdAt: NOON,
    ...facts,
  };
}

const OBJECTS = [
  archived('a.jpg'),
  archived('2014/b.jpg', { status: 'in progress', requestedAt: NOON, what: 'download', storageClass: 'GLACIER' }),
  archived('c\n.jpg', { status: 'restored', requestedAt: NOON, restoredUntil: NEXT_WEEK }),
  archived('d.jpg', { status: 'failed', lastError: 'access to\nit is denied' }),
  archived('e.jpg', { restoredUntil: NOON }),
  archived('f.jpg', { status: 'in progress', lastError: 'it could not be looked at' }),
  archived('g.jpg', { status: 'restored' }),
];

describe('what waits for archived objects', () => {
  test('is one line an object under its library: how far it is, since or until when, or why it failed', () => {
    expect(archivedLines(LIBRARY, OBJECTS, plain)).toEqual([
      'Family = s3://my-bucket/photos/: 7 archived objects',
      '  waiting      a.jpg       DEEP_ARCHIVE, for a move',
      `  in progress  2014/b.jpg  GLACIER, for a download, asked for ${dateTime(NOON)}`,
      `  readable     c\\x0a.jpg   DEEP_ARCHIVE, for a move, until ${dateTime(NEXT_WEEK)}`,
      '  failed       d.jpg       DEEP_ARCHIVE, for a move, access to it is denied',
      `  waiting      e.jpg       DEEP_ARCHIVE, for a move, was readable until ${dateTime(NOON)}`,
      '  failed       f.jpg       DEEP_ARCHIVE, for a move, it could not be looked at',
      '  readable     g.jpg       DEEP_ARCHIVE, for a move',
      '',
    ]);
    expect(archivedLines(LIBRARY, [], plain)).toEqual([]);
  });

  test('is counted by how far it is', () => {
    expect(countArchived(OBJECTS)).toEqual({ waiting: 2, inProgress: 1, restored: 2, failed: 2 });
  });

  test('ends with what to do next, by when', () => {
    expect(firstExpiry(OBJECTS)).toBe(NEXT_WEEK);
    expect(nextSteps(countArchived(OBJECTS), NEXT_WEEK)).toEqual([
      '2 waiting, 1 in progress, 2 readable, 2 failed.',
      'To be asked for: rollcall restore (it costs money; rollcall restore --help tells more).',
      'Restoring takes hours; rollcall restore-status tells how far it is.',
      `To do what has waited for the readable ones: rollcall sync, before ${dateTime(NEXT_WEEK)}.`,
      'What failed is not asked for until you run rollcall restore again.',
    ]);
    expect(nextSteps(countArchived([archived('g.jpg', { status: 'restored' })]), null)).toEqual([
      '1 readable.',
      'To do what has waited for the readable ones: rollcall sync.',
    ]);
    expect(nextSteps(countArchived([]), null)).toEqual(['Nothing waits for an archived object.']);
  });
});
