/** What keeps a download from its place, in words that a person can act on. */
import { RollcallError } from '../errors.ts';
import { errnoOf, explain } from './facts.ts';

const FULL: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full (ENOSPC): make room',
  EDQUOT: 'the disk quota is used up (EDQUOT): make room or raise it',
};

/** EFBIG concerns this file only: FAT takes none of 4 GiB and more, but any smaller one. */
const ADVICE: Readonly<Record<string, string>> = {
  EFBIG: 'the file system or a limit (ulimit -f) takes no file of this size (EFBIG)',
  EROFS: 'the file system is mounted read-only (EROFS)',
  ENAMETOOLONG: 'the name is too long for this file system (ENAMETOOLONG)',
  ENOENT: 'its folder was moved or removed meanwhile (ENOENT)',
  EINVAL: 'this file system does not take such a name or time (EINVAL)',
};

/** FILE_UNWRITABLE: nothing can be put at this path. */
export function unwritable(path: string, why: string, cause?: unknown): RollcallError {
  return new RollcallError('FILE_UNWRITABLE', `${path} cannot be written: ${why}`, { cause });
}

export function fileExists(path: string): RollcallError {
  return new RollcallError('FILE_EXISTS', `${path} is there already and was left as it is`);
}

export function unstable(path: string, why: string): RollcallError {
  return new RollcallError('FILE_UNSTABLE', `${path} changed and was not replaced: ${why}; the next run takes it up`);
}

/** What a file system call threw, as DISK_FULL or FILE_UNWRITABLE; anything else (an abort) as it is. */
export function writeFault(path: string, thrown: unknown): unknown {
  const code = thrown instanceof RollcallError ? null : errnoOf(thrown);
  if (code === null) return thrown;
  const full = FULL[code];
  if (full === undefined) return unwritable(path, ADVICE[code] ?? explain(thrown), thrown);
  return new RollcallError('DISK_FULL', `${path} cannot be written: ${full}`, { cause: thrown });
}
