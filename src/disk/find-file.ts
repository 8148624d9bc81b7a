/** From a path to the file it means, without ever leaving the root. */
import type { BigIntStats } from 'node:fs';
import { lstat, realpath } from 'node:fs/promises';
import { RollcallError } from '../errors.ts';
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
  const fault = pathFault(path);
  if (fault !== null) throw new RollcallError('NAME_INVALID', `${path} ${fault}`);
  const found = await lookUp(root, path);
  if (found === null) await assertStillThere(root);
  return found;
}

/** FILE_UNREADABLE: what stands at this path cannot be used as the file it should be. */
export function unreadable(path: string, why: string, cause?: unknown): RollcallError {
  return new RollcallError('FILE_UNREADABLE', `${path} cannot be read: ${why}`, { cause });
}

async function lookUp(root: VerifiedRoot, path: string): Promise<FoundFile | null> {
  const parts = path.split('/');
  let at = root.real;
  let stats: BigIntStats | null = null;
  for (const [depth, part] of parts.entries()) {
    at = `${at}/${part}`;
    stats = await lstatOrNull(at, path);
    if (stats === null) return null;
    if (depth === parts.length - 1) break;
    if (stats.isSymbolicLink()) throw unreadable(path, `${parts.slice(0, depth + 1).join('/')} is a link to a folder`);
    if (!stats.isDirectory()) return null;
  }
  if (stats?.isSymbolicLink()) return followLink(root, path, at);
  return stats && { real: at, stats };
}

async function lstatOrNull(absolute: string, path: string): Promise<BigIntStats | null> {
  try {
    return await lstat(absolute, { bigint: true });
  } catch (thrown) {
    if (isAbsence(thrown)) return null;
    throw unreadable(path, explain(thrown), thrown);
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
