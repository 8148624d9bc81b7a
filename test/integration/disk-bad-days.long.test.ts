/** Real syncs of a disk on its bad days: calls that fail, and people who are quicker than the sync. */
import { afterAll, describe, expect, test } from 'vitest';
import { RollcallError } from '../../src/errors.ts';
import { badDays, contentOf, made, recover, syncDuring } from '../support/bad-days.ts';
import { afterDeed, type Deed, type DiskFault, diskFaults } from '../support/disk-faults.ts';

const disk = diskFaults();
const world = badDays();
afterAll(() => disk.close());

const NEW = '^album/new.jpg$';
const REMOTE = '^(album|far)/(remote.jpg|[.]~rollcall-.*)$';
const TEMPORARY = '[.]~rollcall-.*[.]part$';

interface Case {
  readonly faults: readonly DiskFault[];
  /** Who fails, and how. */
  readonly failures?: Readonly<Record<string, string>>;
  readonly keepsTemporary?: true;
}

const upload = (fault: Omit<DiskFault, 'path'>, code: string): Case => ({
  faults: [{ path: NEW, ...fault }],
  failures: { 'album/new.jpg': code },
});
const downloads = (fault: DiskFault, code: string): Case => ({
  faults: [fault],
  failures: { 'album/remote.jpg': code, 'far/remote.jpg': code, 'album/retouched.jpg': code },
});

const CASES: Readonly<Record<string, Case>> = {
  'cannot read a file (EIO)': upload({ call: 'handle.read', errno: 'EIO' }, 'FILE_UNREADABLE'),
  'may not open a file (EACCES)': upload({ call: 'open', errno: 'EACCES' }, 'FILE_UNREADABLE'),
  'has too many files open (EMFILE)': upload({ call: 'open', errno: 'EMFILE' }, 'FILE_UNREADABLE'),
  'cannot tell of a file (EIO)': upload({ call: 'lstat', errno: 'EIO' }, 'FILE_UNREADABLE'),
  'cannot list a folder (EIO)': {
    faults: [{ call: 'readdir', path: '^album$', errno: 'EIO' }],
    failures: { album: 'FOLDER_UNREADABLE' },
  },
  'has a stale folder (ESTALE)': {
    faults: [{ call: 'lstat', path: '^album$', errno: 'ESTALE', during: 'walk' }],
    failures: { album: 'FOLDER_UNREADABLE' },
  },
  'is full when a download is written (ENOSPC)': downloads(
    { call: 'handle.write', path: TEMPORARY, errno: 'ENOSPC' },
    'DISK_FULL',
  ),
  'is full when a download is synced (ENOSPC)': downloads(
    { call: 'handle.sync', path: TEMPORARY, errno: 'ENOSPC' },
    'DISK_FULL',
  ),
  'has no room for another name (EDQUOT)': downloads({ call: 'open', path: TEMPORARY, errno: 'EDQUOT' }, 'DISK_FULL'),
  'loses what is written (EIO at the sync)': downloads(
    { call: 'handle.sync', path: TEMPORARY, errno: 'EIO' },
    'FILE_UNWRITABLE',
  ),
  'is read-only (EROFS)': downloads({ call: 'open', path: TEMPORARY, errno: 'EROFS' }, 'FILE_UNWRITABLE'),
  'cannot make a folder (EACCES)': {
    faults: [{ call: 'mkdir', path: '^far$', errno: 'EACCES' }],
    failures: { 'far/remote.jpg': 'FILE_UNWRITABLE' },
  },
  'cannot give a name (EIO at the link)': {
    faults: [{ call: 'link', path: TEMPORARY, errno: 'EIO' }],
    failures: { 'album/remote.jpg': 'FILE_UNWRITABLE', 'far/remote.jpg': 'FILE_UNWRITABLE' },
  },
  'cannot replace a file (EIO at the rename)': {
    faults: [{ call: 'rename', path: TEMPORARY, errno: 'EIO' }],
    failures: { 'album/retouched.jpg': 'FILE_UNWRITABLE' },
  },
  'cannot keep a name (EIO at the sync of the folder)': {
    faults: [{ call: 'handle.sync', path: '^(album|far)$', errno: 'EIO' }],
    failures: {
      'album/remote.jpg': 'FILE_UNWRITABLE',
      'far/remote.jpg': 'FILE_UNWRITABLE',
      'album/retouched.jpg': 'FILE_UNWRITABLE',
    },
  },
  'cannot remove a temporary file': {
    faults: [
      { call: 'handle.write', path: TEMPORARY, errno: 'EIO' },
      { call: 'unlink', path: TEMPORARY, errno: 'EIO' },
    ],
    failures: {
      'album/remote.jpg': 'FILE_UNWRITABLE',
      'far/remote.jpg': 'FILE_UNWRITABLE',
      'album/retouched.jpg': 'FILE_UNWRITABLE',
    },
    keepsTemporary: true,
  },
  'has no hard links (EPERM)': { faults: [{ call: 'link', path: REMOTE, errno: 'EPERM' }] },
};

test.each(Object.entries(CASES))(
  'a disk that %s: who fails is named, all others are synced, the next run finishes',
  async (_, c) => {
    const outcome = await syncDuring({
      begin: () => disk.begin(world().root, c.faults),
      end: () => disk.end(),
      ...(c.keepsTemporary && { keepsTemporary: true }),
    });
    if (outcome instanceof RollcallError) throw outcome;
    const failed = Object.fromEntries(outcome.failures.map(({ path, code }) => [path, code]));
    expect(failed).toEqual(c.failures ?? {});
    await recover();
  },
);

test('a root that cannot be read any more during the walk marks and deletes nothing', async () => {
  const outcome = await syncDuring({
    begin: () => disk.begin(world().root, [{ call: 'opendir', path: '^$', errno: 'ENOTCONN', during: 'walk' }]),
    end: () => disk.end(),
  });
  expect(outcome).toMatchObject({ status: 'partial', actions: { marked: 0, deleted: 0 } });
  await recover();
});

describe.each(['grow', 'shrink', 'replace', 'rewrite', 'vanish'] as const)(
  'while it is read, a file is made to %s',
  (deed: Deed) => {
    test('what was read is not uploaded, nor recorded: the next run takes it up', async () => {
      const after = afterDeed(deed, contentOf('album/new.jpg'));
      if (after !== null) made(after);
      const outcome = await syncDuring({
        begin: () => disk.begin(world().root, [{ call: 'handle.read', path: NEW, deed }]),
        end: () => disk.end(),
      });
      expect(outcome).toMatchObject({ status: 'succeeded', actions: { failed: 0, unstable: 1 } });
      expect(await world().keys()).not.toContain('photos/album/new.jpg');
      await recover(deed === 'vanish' ? ['album/new.jpg'] : []);
    });

    test('also while it is compared with an object of its size', async () => {
      await world().put('photos/album/new.jpg', contentOf('album/new.jpg'));
      const after = afterDeed(deed, contentOf('album/new.jpg'));
      if (after !== null) made(after);
      const outcome = await syncDuring({
        begin: () => disk.begin(world().root, [{ call: 'handle.read', path: NEW, deed }]),
        end: () => disk.end(),
      });
      expect(outcome).toMatchObject({ actions: { failed: 0, unstable: 1, adopted: 0 } });
    });
  },
);
