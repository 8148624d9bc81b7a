/** What a stat says of a file, in the engine's words. */
import type { BigIntStats } from 'node:fs';
import type { FileFacts } from '../sync/types.ts';

/** Which file or folder this is, whatever it is called. */
export interface Identity {
  readonly device: bigint;
  readonly inode: bigint;
}

/** Device and inode are unsigned on disk and wrap into the catalog's signed 64-bit columns. */
export function identityOf(stats: BigIntStats): Identity {
  return { device: BigInt.asIntN(64, stats.dev), inode: BigInt.asIntN(64, stats.ino) };
}

export function sameIdentity(a: Identity, b: Identity): boolean {
  return a.device === b.device && a.inode === b.inode;
}

export function factsOf(stats: BigIntStats): FileFacts {
  // As the catalog and the walk keep it: 64 bits, which a date past 2262 overflows.
  return { size: Number(stats.size), mtimeNs: BigInt.asIntN(64, stats.mtimeNs), ...identityOf(stats) };
}

/** How a file differs from the version that is expected, in words; null when it is that version. */
export function differenceFrom(expected: FileFacts, now: FileFacts): string | null {
  if (!sameIdentity(expected, now)) return 'another file has taken its name';
  if (expected.size !== now.size) return `its size went from ${expected.size} to ${now.size} bytes`;
  if (expected.mtimeNs !== now.mtimeNs) return 'it was modified';
  return null;
}

/** The errno's name of what a file system call threw (`EACCES`), or `null`. */
export function errnoOf(thrown: unknown): string | null {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null;
  return typeof code === 'string' ? code : null;
}

/** Nothing has this name: the only two answers that can ever mean "gone". */
export function isAbsence(thrown: unknown): boolean {
  const code = errnoOf(thrown);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

const ADVICE: Readonly<Record<string, string>> = {
  EACCES: 'permission denied (EACCES): check its owner and mode',
  EPERM: 'not permitted (EPERM): check its owner and mode',
  EIO: 'input/output error (EIO): check the disk',
  ESTALE: 'stale network file handle (ESTALE): mount the share again',
  ENOTCONN: 'the mount is not connected (ENOTCONN): mount it again',
  ELOOP: 'too many symbolic links (ELOOP)',
};

/** What went wrong and where to look, in a few words. */
export function explain(thrown: unknown): string {
  const code = errnoOf(thrown);
  if (code !== null) return ADVICE[code] ?? code;
  return thrown instanceof Error ? thrown.message : String(thrown);
}
