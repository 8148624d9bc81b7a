/** The moment in which a download becomes visible. */
import { link, lstat, rename, unlink } from 'node:fs/promises';
import type { FileFacts } from '../sync/types.ts';
import { differenceFrom, errnoOf, factsOf, type Identity, identityOf, isAbsence, sameIdentity } from './facts.ts';
import { fileExists, unstable } from './receive-faults.ts';
import type { HeldFolder } from './receive-folder.ts';

/** What `link` answers where there are no hard links, or none may be made: FAT, some network shares, containers. */
const NO_HARD_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EMLINK']);

export interface Placement {
  readonly folder: HeldFolder;
  readonly temporary: string;
  readonly name: string;
  /** Of the file in the library, for messages. */
  readonly path: string;
}

/**
 * Gives the file its name unless something has it: FILE_EXISTS. One step where there are hard links. Where there are
 * none, a file that appears between the look and the rename, microseconds apart, would be replaced.
 */
export async function placeNew(placement: Placement, file: Identity, makeLink: typeof link = link): Promise<void> {
  const { folder, temporary, name, path } = placement;
  const final = folder.child(name);
  try {
    await makeLink(folder.child(temporary), final);
  } catch (thrown) {
    const code = errnoOf(thrown);
    if (code === 'EEXIST') await assertOurs(final, file, path);
    else if (code !== null && NO_HARD_LINKS.has(code)) return renameIfFree(placement);
    else throw thrown;
  }
  // A second name of the same file; if it cannot be removed now, it is a remainder like any other.
  await unlink(folder.child(temporary)).catch(() => {});
}

/** A network share may repeat a link whose answer was lost, and then find its own. */
async function assertOurs(final: string, file: Identity, path: string): Promise<void> {
  const stats = await lstat(final, { bigint: true });
  if (!sameIdentity(identityOf(stats), file)) throw fileExists(path);
}

async function renameIfFree({ folder, temporary, name, path }: Placement): Promise<void> {
  if (await isTaken(folder.child(name))) throw fileExists(path);
  await rename(folder.child(temporary), folder.child(name));
}

async function isTaken(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (thrown) {
    if (isAbsence(thrown)) return false;
    throw thrown;
  }
}

/**
 * Puts the file in the place of that version; the name is never without a file. FILE_UNSTABLE if another version is
 * there. What remains: a change between this look and the rename, microseconds apart, would be lost, and so would
 * be what a program goes on writing into the old file that it holds open. Node can exchange no two files in one step.
 */
export async function placeOver({ folder, temporary, name, path }: Placement, replacing: FileFacts): Promise<void> {
  assertVersion(path, replacing, await lstat(folder.child(name), { bigint: true }).catch(nullIfAbsent));
  await rename(folder.child(temporary), folder.child(name));
}

/** Throws FILE_UNSTABLE unless this is the version that may be replaced. */
export function assertVersion(
  path: string,
  replacing: FileFacts,
  stats: (Parameters<typeof factsOf>[0] & { isFile(): boolean }) | null,
): void {
  if (stats === null) throw unstable(path, 'it was moved or removed');
  if (!stats.isFile()) throw unstable(path, 'it is no regular file any more');
  const difference = differenceFrom(replacing, factsOf(stats));
  if (difference !== null) throw unstable(path, difference);
}

export function nullIfAbsent(thrown: unknown): null {
  if (isAbsence(thrown)) return null;
  throw thrown;
}
