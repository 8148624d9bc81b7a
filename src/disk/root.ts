/** A library's root folder, and whether it is still the one that was verified. */
import { lstat, opendir, realpath, stat } from 'node:fs/promises';
import { RollcallError } from '../errors.ts';
import { errnoOf, explain, type Identity, identityOf, isAbsence, sameIdentity } from './facts.ts';

/** A root that was there, and readable. */
export interface VerifiedRoot {
  readonly path: string;
  /** The same with all links resolved. */
  readonly real: string;
  readonly identity: Identity;
}

/** GUARD_ROOT_MISSING, GUARD_ROOT_NOT_DIRECTORY or GUARD_ROOT_UNREADABLE if the folder cannot be trusted. */
export async function verifyRoot(path: string): Promise<VerifiedRoot> {
  try {
    const stats = await stat(path, { bigint: true });
    if (!stats.isDirectory()) {
      throw new RollcallError(
        'GUARD_ROOT_NOT_DIRECTORY',
        `${path} is not a folder: name the folder that holds the albums`,
      );
    }
    await readSomething(path);
    return { path, real: await realpath(path), identity: identityOf(stats) };
  } catch (thrown) {
    if (thrown instanceof RollcallError) throw thrown;
    if (isAbsence(thrown)) {
      const message = `${path} does not exist: is its disk mounted, and the path right?`;
      throw new RollcallError('GUARD_ROOT_MISSING', message, { cause: thrown });
    }
    const message = `${path} cannot be read: ${explain(thrown)}; is its disk mounted, and may this user read it?`;
    throw new RollcallError('GUARD_ROOT_UNREADABLE', message, { cause: thrown });
  }
}

/** Lists an entry (needs r) and looks one up (needs x): a dead mount often still answers a stat. */
async function readSomething(path: string): Promise<void> {
  await using folder = await opendir(path);
  await folder.read();
  await lstat(`${path}/.`);
}

/** Does the root hold nothing but what a new file system does? */
export async function isBare(root: VerifiedRoot): Promise<boolean> {
  try {
    const folder = await opendir(root.path);
    for await (const entry of folder) if (entry.name !== 'lost+found') return false;
    return true;
  } catch (cause) {
    const message = `${root.path} cannot be read: ${explain(cause)}`;
    throw new RollcallError('GUARD_ROOT_UNREADABLE', message, { cause });
  }
}

/**
 * Throws FILE_UNREADABLE unless the verified folder is still in place, so that a name not found under it is gone and
 * not merely unmounted.
 */
export async function assertStillThere(root: VerifiedRoot): Promise<void> {
  let trouble = 'another folder is in its place (was its disk unmounted?)';
  try {
    const stats = await stat(root.path, { bigint: true });
    if (sameIdentity(identityOf(stats), root.identity)) return;
  } catch (thrown) {
    trouble = errnoOf(thrown) === 'ENOENT' ? 'it is gone (was its disk unmounted?)' : explain(thrown);
  }
  throw new RollcallError('FILE_UNREADABLE', `the root ${root.path} changed during the run: ${trouble}`);
}

/** Does a resolved path lie below this resolved folder? */
export function isBelow(folder: string, path: string): boolean {
  return path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}
