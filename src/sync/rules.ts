/** What decisions go by: who may replace whom (the table in docs/architecture.md), and what must be read first. Pure. */
import type { Finding } from './classify.ts';
import type { CatalogRow, LocalFile, Policy, SyncSettings, Triple } from './types.ts';

/** What a decision depends on beside the photo itself. */
export interface Rules {
  readonly policy: Policy;
  readonly settings: Pick<SyncSettings, 'stableSeconds' | 'orphanGraceDays'>;
  readonly nowMs: number;
  /** The path of a key that only the bucket has, or why it can have none. */
  readonly pathOf: (key: string) => { readonly path: string } | { readonly fault: string };
}

/** Times are set through doubles and kept by some servers in milliseconds: closer than this is no newer. */
const SAME_MOMENT_NS = 1_000n * 1_000n;

/** Which side may replace the other (the table in docs/architecture.md), or null: nothing is touched. */
export function winnerOf(triple: Triple, local: LocalFile, finding: Finding, rules: Rules): 'disk' | 'bucket' | null {
  const winner = winnerByPolicy(triple, local, finding, rules);
  // Damage is no edit: it never goes up over an object that may be whole.
  return winner === 'disk' && isDamagedOnDisk(local, triple.row) ? null : winner;
}

function winnerByPolicy(triple: Triple, local: LocalFile, finding: Finding, rules: Rules): 'disk' | 'bucket' | null {
  const { direction, overwrite } = rules.policy;
  const [sends, fetches] = [direction !== 'down', direction !== 'up'];
  switch (overwrite) {
    case 'never':
      return null;
    case 'source':
      return direction === 'up' ? 'disk' : direction === 'down' ? 'bucket' : null;
    case 'newer': {
      const difference = local.mtimeNs - objectMtimeNs(triple);
      if (difference > SAME_MOMENT_NS) return sends ? 'disk' : null;
      return difference < -SAME_MOMENT_NS && fetches ? 'bucket' : null;
    }
    case 'known':
      // What is replaced must be the version on record, or an object that never became whole.
      if (finding === 'edited' || finding === 'incomplete') return sends ? 'disk' : null;
      if (finding !== 'differs' || triple.row === undefined) return null;
      return fetches && isAsRecorded(local, triple.row) ? 'bucket' : null;
  }
}

function objectMtimeNs({ objectMtimeNs: told, object }: Triple): bigint {
  return told ?? BigInt(object?.lastModifiedMs ?? 0) * 1_000_000n;
}

/**
 * A file modified in the last moments may still be being written; so may one that a server with a clock of its own dates
 * a moment ahead. One dated further in the future is not taken for that.
 */
export function isUnstable(local: LocalFile, { settings, nowMs }: Rules): boolean {
  const ageMs = nowMs - Number(local.mtimeNs / 1_000_000n);
  return Math.abs(ageMs) < settings.stableSeconds * 1_000;
}

/**
 * Has another file taken its place, which only looks the same? Tools that write tags without touching the date do that.
 * A disk that numbers its files anew, or is copied to another, keeps their births or changes the device.
 */
export function isAnotherFile({ device, inode, birthNs, md5 }: CatalogRow, local: LocalFile): boolean {
  if (md5 === null || birthNs === null || local.birthNs === undefined || device !== local.device) return false;
  return inode !== local.inode && birthNs !== local.birthNs;
}

/**
 * A file that has taken another's place is read. `compare: content` reads what no MD5 on record speaks for: none was
 * made, the file is another inode by now, or it was found damaged and may have been mended.
 */
export function mustCompare({ row }: Triple, local: LocalFile, { policy }: Rules): boolean {
  if (row && isAnotherFile(row, local)) return true;
  if (policy.compare !== 'content') return false;
  return row?.md5 === null || row?.inode !== local.inode || isDamagedOnDisk(local, row);
}

export function isDamagedOnDisk(local: LocalFile, row: CatalogRow | undefined): boolean {
  const damaged = row?.damaged === 'disk' || row?.damaged === 'both';
  return damaged && isAsRecorded(local, row);
}

/** An object that was found damaged is the version on record: the file, which is whole, may replace it. */
export function mayMend({ row }: Triple, { policy: { direction, overwrite } }: Rules): boolean {
  return row?.damaged === 'object' && direction !== 'down' && (overwrite === 'known' || overwrite === 'source');
}

export function isAsRecorded(local: LocalFile, row: CatalogRow): boolean {
  return row.etag !== null && row.size === local.size && row.mtimeNs === local.mtimeNs;
}
