/** From a path to the file it means, without ever leaving the root. */
import type { BigIntStats } from 'node:fs';
import { lstat, realpath } from 'node:fs/promises';
import { asRollcallError, RollcallError } from '../errors.ts';
import { explain, isAbsence } from './facts.ts';
import { pathFault } from './keys.ts';
import { assertStillThere, isBelow, type VerifiedRoot } from './root.ts';

/** What a path leads to: `real` has a link in its last part resolved. */
export interface FoundFile {
  readonly real: string;
  readonly stats: BigIntStats;
}

/**
 * Finds what the walk would: folders are not followed through links, a file is if its link stays inside the root.
 * Null only if nothing has this name under the verified root; NAME_INVALID for a path that is no path below it,
 * FILE_UNREADABLE for all else.
 */
export async function findFile(root: VerifiedRoot, path: string): Promise<FoundFile | null> {
  const found = await lookUp(root, path, new Map());
  if (found === null) await assertStillThere(root);
  return found;
}

/** The same of several, all at once: in their order, an error standing for what is at its path. */
export async function findFiles(
  root: VerifiedRoot,
  paths: readonly string[],
): Promise<readonly (FoundFile | null | RollcallError)[]> {
  const folders = new Map<string, Promise<Folder>>();
  const found = await Promise.all(paths.map((path) => lookUp(root, path, folders).catch(asRollcallError)));
  if (!found.includes(null)) return found;
  // After the last of them: what was not found under a root that is still in place is gone.
  const trouble = await assertStillThere(root).then(() => null, asRollcallError);
  return found.map((one) => one ?? trouble);
}

/** FILE_UNREADABLE: what stands at this path cannot be used as the file it should be. */
export function unreadable(path: string, why: string, cause?: unknown): RollcallError {
  return new RollcallError('FILE_UNREADABLE', `${path} cannot be read: ${why}`, { cause });
}

/** What stands at a folder's path: none, or nothing that has files; a link, which is not followed; or what went wrong. */
type Folder = 'folder' | 'none' | 'link' | { readonly trouble: unknown };

/** `folders`: those that were looked at already, by their paths. */
async function lookUp(
  root: VerifiedRoot,
  path: string,
  folders: Map<string, Promise<Folder>>,
): Promise<FoundFile | null> {
  const fault = pathFault(path);
  if (fault !== null) throw new RollcallError('NAME_INVALID', `${path} ${fault}`);
  for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
    const at = path.slice(0, end);
    const looked = folders.get(at) ?? folderAt(`${root.real}/${at}`);
    folders.set(at, looked);
    const folder = await looked;
    if (folder === 'none') return null;
    if (folder === 'link') throw unreadable(path, `${at} is a link to a folder`);
    if (folder !== 'folder') throw unreadable(path, explain(folder.trouble), folder.trouble);
  }
  const at = `${root.real}/${path}`;
  let stats: BigIntStats;
  try {
    stats = await lstat(at, { bigint: true });
  } catch (thrown) {
    if (isAbsence(thrown)) return null;
    throw unreadable(path, explain(thrown), thrown);
  }
  return stats.isSymbolicLink() ? followLink(root, path, at) : { real: at, stats };
}

async function folderAt(absolute: string): Promise<Folder> {
  try {
    const stats = await lstat(absolute);
    return stats.isSymbolicLink() ? 'link' : stats.isDirectory() ? 'folder' : 'none';
  } catch (trouble) {
    return isAbsence(trouble) ? 'none' : { trouble };
  }
}

async function followLink(root: VerifiedRoot, path: string, link: string): Promise<FoundFile> {
  let real: string;
  let stats: BigIntStats;
  try {
    real = await realpath(link);
    stats = await lstat(real, { bigint: true });
  } catch (thrown) {
    throw unreadable(path, isAbsence(thrown) ? 'it is a link to nothing' : explain(thrown), thrown);
  }
  if (!isBelow(root.real, real)) throw unreadable(path, 'it is a link that leads out of the library');
  return { real, stats };
}
