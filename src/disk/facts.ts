/** What a stat says of a file, in the engine's words. */
import { type BigIntStats, lstatSync } from 'node:fs';
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
  const birthNs = birthOf(stats);
  return {
    size: Number(stats.size),
    // As the catalog and the walk keep it: 64 bits, which a date past 2262 overflows.
    mtimeNs: BigInt.asIntN(64, stats.mtimeNs),
    ...identityOf(stats),
    ...(birthNs !== 0n && { birthNs: BigInt.asIntN(64, birthNs) }),
  };
}

/**
 * When the inode was made; 0 if that is not known. Where the system does not say, Node answers 0 or -1 s (a file system
 * that keeps none) or the time of the last change (a kernel that cannot be asked), which is no birth: a rename moves it.
 * One that happens to equal that time is kept: it is that of a file untouched since.
 */
export function birthOf({ birthtimeNs }: Pick<BigIntStats, 'birthtimeNs'>, kernelSays = KERNEL_SAYS): bigint {
  return kernelSays && birthtimeNs > 0n ? birthtimeNs : 0n;
}

/** Linux before 4.11, and containers that forbid the call: procfs keeps no births, so one there is made up. */
const KERNEL_SAYS = !claimsBirth('/proc/version');

function claimsBirth(path: string): boolean {
  try {
    return lstatSync(path, { bigint: true }).birthtimeNs > 0n;
  } catch {
    return false;
  }
}

/** How a file differs from the version that is expected, in words; null when it is that version. */
export function differenceFrom(expected: FileFacts, now: FileFacts): string | null {
  if (!sameIdentity(expected, now) || bornApart(expected, now)) return 'another file has taken its name';
  if (expected.size !== now.size) return `its size went from ${expected.size} to ${now.size} bytes`;
  if (expected.mtimeNs !== now.mtimeNs) return 'it was modified';
  return null;
}

/** The number of a removed file was given to a new one. A birth that is not known tells nothing. */
function bornApart(a: FileFacts, b: FileFacts): boolean {
  return a.birthNs !== undefined && b.birthNs !== undefined && a.birthNs !== b.birthNs;
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
