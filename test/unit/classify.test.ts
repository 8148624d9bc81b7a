import { describe, expect, test } from 'vitest';
import { type BucketSays, classify, type DiskSays, type RowSays, TRUTH_TABLE } from '../../src/sync/classify.ts';
import type { Triple } from '../../src/sync/types.ts';

const DISK: readonly DiskSays[] = ['file', 'same', 'changed', 'gone', 'unseen'];
const ROW: readonly RowSays[] = ['none', 'unsettled', 'agreed'];
const BUCKET: readonly BucketSays[] = ['none', 'recorded', 'shorter', 'equal', 'longer', 'other', 'unseen'];

// What each finding asks a person to expect, in the words of DESIGN 2. One line a case, nothing computed.
const EXPECTED = `
file      none       none      new        missing     upload
file      none       shorter   new        incomplete  incomplete
file      none       equal     new        present     adopt
file      none       longer    new        different   differs
file      none       unseen    new        unknown     leave
file      unsettled  none      existing   missing     upload
file      unsettled  shorter   existing   incomplete  incomplete
file      unsettled  equal     existing   present     adopt
file      unsettled  longer    existing   different   differs
file      unsettled  unseen    existing   unknown     leave
same      agreed     none      existing   missing     bring back
same      agreed     recorded  existing   present     in agreement
same      agreed     shorter   existing   incomplete  incomplete
same      agreed     equal     existing   different   adopt
same      agreed     longer    existing   different   differs
same      agreed     unseen    existing   unknown     leave
changed   agreed     none      existing   missing     bring back
changed   agreed     recorded  existing   different   edited
changed   agreed     shorter   existing   different   both changed
changed   agreed     equal     existing   different   adopt
changed   agreed     longer    existing   different   both changed
changed   agreed     unseen    existing   unknown     leave
gone      none       other     untracked  present     untracked
gone      unsettled  none      orphaned   missing     lost
gone      unsettled  other     orphaned   different   foreign orphan
gone      unsettled  unseen    orphaned   unknown     leave
gone      agreed     none      orphaned   missing     lost
gone      agreed     recorded  orphaned   present     orphan
gone      agreed     other     orphaned   different   foreign orphan
gone      agreed     unseen    orphaned   unknown     leave
unseen    none       other     null       present     leave
unseen    unsettled  none      null       missing     leave
unseen    unsettled  other     null       different   leave
unseen    unsettled  unseen    null       unknown     leave
unseen    agreed     none      null       missing     leave
unseen    agreed     recorded  null       present     leave
unseen    agreed     other     null       different   leave
unseen    agreed     unseen    null       unknown     leave
`
  .trim()
  .split('\n')
  .map((line) => {
    const [disk, row, bucket, photoClass, presence, ...finding] = line.trim().split(/\s+/);
    return { disk, row, bucket, class: photoClass, presence, finding: finding.join(' ') };
  });

/** A triple that says exactly this; null when the combination cannot come about. */
function tripleOf(disk: DiskSays, row: RowSays, bucket: BucketSays): Triple | null {
  const hasFile = disk === 'file' || disk === 'same' || disk === 'changed';
  if (hasFile && (row === 'agreed') !== (disk !== 'file')) return null;
  if (bucket === 'recorded' && (row !== 'agreed' || disk === 'file')) return null;
  if (hasFile ? bucket === 'other' : ['shorter', 'equal', 'longer'].includes(bucket)) return null;
  if (!hasFile && row === 'none' && (bucket === 'none' || bucket === 'unseen')) return null;
  const fileSize = disk === 'changed' ? 200 : 100;
  const sizes = { recorded: 100, shorter: fileSize - 1, equal: fileSize, longer: fileSize + 1, other: 70 } as const;
  return {
    key: 'photos/a.jpg',
    ...(hasFile && {
      local: { key: 'photos/a.jpg', path: 'a.jpg', size: fileSize, mtimeNs: 5n, device: 1n, inode: 2n },
    }),
    ...(row !== 'none' && {
      row: {
        id: 'r',
        albumId: 'a',
        key: 'photos/a.jpg',
        path: 'a.jpg',
        size: 100,
        mtimeNs: 5n,
        device: 1n,
        inode: 2n,
        birthNs: null,
        md5: null,
        etag: row === 'agreed' ? 'recorded' : null,
        partSize: null,
        state: 'synced',
        orphanedAtMs: null,
        deleting: false,
      },
    }),
    ...(bucket !== 'none' &&
      bucket !== 'unseen' && {
        object: {
          key: 'photos/a.jpg',
          size: sizes[bucket],
          etag: bucket === 'recorded' ? 'recorded' : 'foreign',
          lastModifiedMs: 0,
          storageClass: 'STANDARD',
        },
      }),
  };
}

describe('the truth table', () => {
  test('is this table', () => {
    expect(TRUTH_TABLE.map((known) => ({ ...known, class: String(known.class) }))).toEqual(EXPECTED);
  });

  const combinations = DISK.flatMap((disk) => ROW.flatMap((row) => BUCKET.map((bucket) => ({ disk, row, bucket }))));
  for (const { disk, row, bucket } of combinations) {
    const triple = tripleOf(disk, row, bucket);
    const expected = EXPECTED.find((line) => line.disk === disk && line.row === row && line.bucket === bucket);
    if (triple === null) {
      test(`disk ${disk}, row ${row}, bucket ${bucket} cannot come about and is not in it`, () => {
        expect(expected).toBeUndefined();
      });
    } else {
      test(`disk ${disk}, row ${row}, bucket ${bucket}: ${expected?.finding}`, () => {
        const found = classify(triple, { disk: disk !== 'unseen', bucket: bucket !== 'unseen' });
        expect(found).toEqual({
          class: expected?.class === 'null' ? null : expected?.class,
          presence: expected?.presence,
          finding: expected?.finding,
          changed: disk === 'changed',
        });
      });
    }
  }
});

test('a touched file, same size and other modification time, counts as changed', () => {
  const triple = tripleOf('same', 'agreed', 'recorded')!;
  const touched = { ...triple, local: { ...triple.local!, mtimeNs: 6n } };
  expect(classify(touched, { disk: true, bucket: true }).finding).toBe('edited');
});

test('an object of the recorded ETag and another size is not the recorded one', () => {
  const triple = tripleOf('same', 'agreed', 'recorded')!;
  const odd = { ...triple, object: { ...triple.object!, size: 99 } };
  expect(classify(odd, { disk: true, bucket: true }).finding).toBe('incomplete');
});

test.each(['GLACIER', 'DEEP_ARCHIVE'])('an agreed object in %s is archived, not missing', (storageClass) => {
  const triple = tripleOf('same', 'agreed', 'recorded')!;
  const cold = { ...triple, object: { ...triple.object!, storageClass } };
  expect(classify(cold, { disk: true, bucket: true })).toMatchObject({ presence: 'archived', finding: 'in agreement' });
});
