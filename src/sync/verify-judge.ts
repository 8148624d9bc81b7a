/** What the two sides of a photo come to against its row: pure. */
import type { Fault } from './damage.ts';
import type { CatalogRow } from './types.ts';
import type { BucketSays, DiskSays } from './verify-sides.ts';

/** What a photo counts as: the first of these that holds, from `damaged` on. */
export type Outcome = 'damaged' | 'unreadable' | 'gone' | 'changed' | 'archived' | 'whole';

export interface Verdict {
  readonly outcome: Outcome;
  /** What is not what was agreed on. */
  readonly damage: readonly Fault[];
  /** What could not be read, which says nothing of what is there. */
  readonly unread: readonly Fault[];
  /** Of a row that has none: what both sides hold. */
  readonly md5: string | null;
  /** Both sides were read, and hold what is on record. */
  readonly whole: boolean;
}

/** Holds what the sides said against the row and each other. `address` names the object in messages. */
export function judge(row: CatalogRow, disk: DiskSays, bucket: BucketSays, address: string): Verdict {
  const damage = [...onDisk(row, disk, bucket), ...inBucket(row, disk, bucket, address)];
  const unread = [disk, bucket].flatMap((side) => (side.kind === 'unread' ? [faultOf(side.error)] : []));
  const whole = damage.length === 0 && disk.kind === 'read' && bucket.kind === 'read';
  const agreed = whole && row.md5 === null && disk.md5 === bucket.md5 && disk.facts.inode === row.inode;
  return {
    outcome: damage.length > 0 ? 'damaged' : unread.length > 0 ? 'unreadable' : outcomeOf(disk, bucket),
    damage,
    unread,
    md5: agreed ? disk.md5 : null,
    whole,
  };
}

function outcomeOf(disk: DiskSays, bucket: BucketSays): Outcome {
  if (disk.kind === 'gone') return 'gone';
  if (disk.kind === 'changed' || bucket.kind === 'other') return 'changed';
  return bucket.kind === 'archived' ? 'archived' : 'whole';
}

function onDisk(row: CatalogRow, disk: DiskSays, bucket: BucketSays): Fault[] {
  if (disk.kind === 'unread') {
    return row.damaged === 'disk' || row.damaged === 'both' ? [{ ...DISK_DAMAGED, message: FOUND_BEFORE }] : [];
  }
  // Disk and bucket agree on something newer: the row is behind.
  if (disk.kind !== 'read' || (bucket.kind === 'other' && bucket.same)) return [];
  if (row.md5 !== null) return disk.md5 === row.md5 ? [] : [DISK_DAMAGED];
  // Without an MD5 on record the object tells what was agreed on, if its ETag proves that it still is that.
  if (bucket.kind !== 'read' || bucket.md5 === disk.md5) return [];
  return [bucket.proved ? DISK_DAMAGED : SIDES_DIFFER];
}

function inBucket(row: CatalogRow, disk: DiskSays, bucket: BucketSays, address: string): Fault[] {
  switch (bucket.kind) {
    case 'missing':
      return [{ code: 'OBJECT_MISSING', message: missing(row, disk, address) }];
    case 'other': {
      const message = `${address} is another version than the one on record, and not what the disk holds`;
      return bucket.same ? [] : [{ code: 'OBJECT_CHANGED', message }];
    }
    case 'corrupt':
      return [objectDamaged(address, bucket.message)];
    case 'read':
      if (row.md5 === null || row.md5 === bucket.md5) return [];
      return [objectDamaged(address, 'its bytes are not those on record, though ETag and size are')];
    default:
      return row.damaged === 'object' || row.damaged === 'both' ? [objectDamaged(address, FOUND_BEFORE)] : [];
  }
}

const DISK_DAMAGED: Fault = {
  code: 'DISK_DAMAGED',
  message: 'its bytes on disk are not those on record, though size and date are',
};
const SIDES_DIFFER: Fault = {
  code: 'SIDES_DIFFER',
  message: 'disk and bucket hold different bytes, and nothing on record tells which are the right ones',
};
const FOUND_BEFORE = 'found damaged before, and it could not be read this time';

function objectDamaged(address: string, why: string): Fault {
  // What the bucket's side says of an object names it too.
  return { code: 'OBJECT_DAMAGED', message: `${address}: ${why.split(`${address}: `).at(-1)}` };
}

function missing({ state }: CatalogRow, disk: DiskSays, address: string): string {
  const nowhere = disk.kind === 'gone' || (disk.kind === 'not expected' && state !== 'archived');
  return nowhere ? `LOST, gone from disk and bucket both (${address})` : `there is no ${address}`;
}

function faultOf({ code, message }: Fault): Fault {
  return { code, message };
}
