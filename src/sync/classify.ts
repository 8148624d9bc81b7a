/**
 * From what the three sides hold under a key to what that means: a pure function, and the truth table that it is
 * (DESIGN 2). Policies are not its business: see decide.ts.
 */
import type { Vouching } from './inventory.ts';
import type { BucketObject, CatalogRow, LocalFile, PhotoClass, Presence, Triple } from './types.ts';

/**
 * The disk's testimony. `file`: a file and nothing to hold it against (no row, or one never agreed on); `same`,
 * `changed`: against the agreed size and modification time; `gone`: the walk vouches that there is none; `unseen`:
 * it does not (an unreadable folder, an exclude, a skipped link).
 */
export type DiskSays = 'file' | 'same' | 'changed' | 'gone' | 'unseen';

/** The row's: `unsettled` rows have never been agreed on (no ETag). */
export type RowSays = 'none' | 'unsettled' | 'agreed';

/**
 * The bucket's. `recorded`: size and ETag are the row's; otherwise against the file's size, `shorter`, `equal` or
 * `longer`; `other`: not the recorded one and no file to hold it against; `none`: the listing vouches that there is
 * none; `unseen`: it does not.
 */
export type BucketSays = 'none' | 'recorded' | 'shorter' | 'equal' | 'longer' | 'other' | 'unseen';

/** What it comes to, before any policy. */
export type Finding =
  | 'upload' // new to the bucket
  | 'bring back' // was in the bucket, is not now
  | 'adopt' // the bucket has something of this very size: the same, if the contents agree
  | 'incomplete' // the bucket has less than the file
  | 'edited' // the file changed, the object is still the version on record
  | 'differs' // the object is not the one on record, or was never ours
  | 'both changed'
  | 'in agreement'
  | 'orphan' // file gone, object as recorded
  | 'foreign orphan' // file gone, the object is not the one on record
  | 'lost' // file and object gone
  | 'untracked' // an object nobody knows
  | 'leave'; // a side could not be read: nothing is concluded

interface Case {
  readonly disk: DiskSays;
  readonly row: RowSays;
  readonly bucket: BucketSays;
  readonly class: PhotoClass | null;
  readonly presence: Presence;
  readonly finding: Finding;
}

const it = (
  disk: DiskSays,
  row: RowSays,
  bucket: BucketSays,
  photoClass: PhotoClass | null,
  presence: Presence,
  finding: Finding,
): Case => ({ disk, row, bucket, class: photoClass, presence, finding });

/** Every case there is. A combination that is not here cannot come about (test/unit/classify.test.ts). */
export const TRUTH_TABLE: readonly Case[] = [
  //  disk       row          bucket      class        presence      finding
  it('file', 'none', 'none', 'new', 'missing', 'upload'),
  it('file', 'none', 'shorter', 'new', 'incomplete', 'incomplete'),
  it('file', 'none', 'equal', 'new', 'present', 'adopt'),
  it('file', 'none', 'longer', 'new', 'different', 'differs'),
  it('file', 'none', 'unseen', 'new', 'unknown', 'leave'),

  it('file', 'unsettled', 'none', 'existing', 'missing', 'upload'),
  it('file', 'unsettled', 'shorter', 'existing', 'incomplete', 'incomplete'),
  it('file', 'unsettled', 'equal', 'existing', 'present', 'adopt'),
  it('file', 'unsettled', 'longer', 'existing', 'different', 'differs'),
  it('file', 'unsettled', 'unseen', 'existing', 'unknown', 'leave'),

  it('same', 'agreed', 'none', 'existing', 'missing', 'bring back'),
  it('same', 'agreed', 'recorded', 'existing', 'present', 'in agreement'),
  it('same', 'agreed', 'shorter', 'existing', 'incomplete', 'incomplete'),
  it('same', 'agreed', 'equal', 'existing', 'different', 'adopt'),
  it('same', 'agreed', 'longer', 'existing', 'different', 'differs'),
  it('same', 'agreed', 'unseen', 'existing', 'unknown', 'leave'),

  it('changed', 'agreed', 'none', 'existing', 'missing', 'bring back'),
  it('changed', 'agreed', 'recorded', 'existing', 'different', 'edited'),
  it('changed', 'agreed', 'shorter', 'existing', 'different', 'both changed'),
  it('changed', 'agreed', 'equal', 'existing', 'different', 'adopt'),
  it('changed', 'agreed', 'longer', 'existing', 'different', 'both changed'),
  it('changed', 'agreed', 'unseen', 'existing', 'unknown', 'leave'),

  it('gone', 'none', 'other', 'untracked', 'present', 'untracked'),
  it('gone', 'unsettled', 'none', 'orphaned', 'missing', 'lost'),
  it('gone', 'unsettled', 'other', 'orphaned', 'different', 'foreign orphan'),
  it('gone', 'unsettled', 'unseen', 'orphaned', 'unknown', 'leave'),
  it('gone', 'agreed', 'none', 'orphaned', 'missing', 'lost'),
  it('gone', 'agreed', 'recorded', 'orphaned', 'present', 'orphan'),
  it('gone', 'agreed', 'other', 'orphaned', 'different', 'foreign orphan'),
  it('gone', 'agreed', 'unseen', 'orphaned', 'unknown', 'leave'),

  it('unseen', 'none', 'other', null, 'present', 'leave'),
  it('unseen', 'unsettled', 'none', null, 'missing', 'leave'),
  it('unseen', 'unsettled', 'other', null, 'different', 'leave'),
  it('unseen', 'unsettled', 'unseen', null, 'unknown', 'leave'),
  it('unseen', 'agreed', 'none', null, 'missing', 'leave'),
  it('unseen', 'agreed', 'recorded', null, 'present', 'leave'),
  it('unseen', 'agreed', 'other', null, 'different', 'leave'),
  it('unseen', 'agreed', 'unseen', null, 'unknown', 'leave'),
];

export interface Classified {
  /** Null: nothing can be said, a side that knows the photo could not be read. */
  readonly class: PhotoClass | null;
  readonly presence: Presence;
  readonly finding: Finding;
  /** An existing photo whose bytes on disk are not those agreed on. */
  readonly changed: boolean;
  /** Gone from disk and bucket because somebody asked for it: no loss. */
  readonly asked?: true;
}

/** Storage classes whose objects must be restored before they can be read or copied. */
const ARCHIVED = new Set(['GLACIER', 'DEEP_ARCHIVE']);

/** Must this object be restored before it can be read, unless it was? */
export function isArchived({ storageClass }: Pick<BucketObject, 'storageClass'>): boolean {
  return ARCHIVED.has(storageClass);
}

/** The table by its three columns. */
const TABLE = new Map<DiskSays, Map<RowSays, Map<BucketSays, Classified>>>();
for (const { disk, row, bucket, class: photoClass, presence, finding } of TRUTH_TABLE) {
  const rows = TABLE.get(disk) ?? new Map<RowSays, Map<BucketSays, Classified>>();
  const buckets = rows.get(row) ?? new Map<BucketSays, Classified>();
  TABLE.set(
    disk,
    rows.set(row, buckets.set(bucket, { class: photoClass, presence, finding, changed: disk === 'changed' })),
  );
}

/** Says what a key's three entries mean. Throws on a combination that cannot come about. */
export function classify(triple: Triple, vouching: Vouching): Classified {
  const row = rowSays(triple.row);
  const disk = diskSays(triple.local, triple.row, vouching);
  const bucket = bucketSays(triple, vouching);
  const known = TABLE.get(disk)?.get(row)?.get(bucket);
  if (known === undefined) throw new Error(`no such case: disk ${disk}, row ${row}, bucket ${bucket}`);
  if (known.finding === 'lost' && triple.row?.deleting) return { ...known, asked: true };
  const archived = known.presence === 'present' && triple.object !== undefined && isArchived(triple.object);
  return archived ? { ...known, presence: 'archived' } : known;
}

export function rowSays(row: CatalogRow | undefined): RowSays {
  if (row === undefined) return 'none';
  return row.etag === null ? 'unsettled' : 'agreed';
}

/** Only what a side does not have is it asked to vouch for. */
export function diskSays(
  local: LocalFile | undefined,
  row: CatalogRow | undefined,
  vouching: Pick<Vouching, 'disk'>,
): DiskSays {
  if (local === undefined) return vouching.disk ? 'gone' : 'unseen';
  if (row === undefined || row.etag === null) return 'file';
  return local.size === row.size && local.mtimeNs === row.mtimeNs ? 'same' : 'changed';
}

export function bucketSays({ local, row, object }: Triple, vouching: Pick<Vouching, 'bucket'>): BucketSays {
  if (object === undefined) return vouching.bucket ? 'none' : 'unseen';
  if (isRecorded(row, object)) return 'recorded';
  if (local === undefined) return 'other';
  if (object.size === local.size) return 'equal';
  return object.size < local.size ? 'shorter' : 'longer';
}

function isRecorded(row: CatalogRow | undefined, object: BucketObject): boolean {
  return row !== undefined && row.etag !== null && row.etag === object.etag && row.size === object.size;
}
