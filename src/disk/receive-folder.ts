/** The folder that a download goes to: found or made part by part, and held so that it cannot be exchanged. */
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, realpath, stat } from 'node:fs/promises';
import { errnoOf, type Identity, identityOf, isAbsence, sameIdentity } from './facts.ts';
import { unwritable } from './receive-faults.ts';
import { isBelow, type VerifiedRoot } from './root.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;

/** Where Linux shows a process its open folders: a path through here is bound to the folder, not to its name. */
const DESCRIPTORS = '/proc/self/fd';

/** Some network file systems cannot sync a folder; what they promise of a new name they promise without it. */
const CANNOT_SYNC = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'EBADF', 'EPERM']);

/** A folder held open. */
export class HeldFolder {
  /** The absolute path at which it was found, with no links in it. */
  readonly path: string;
  readonly identity: Identity;
  readonly #handle: FileHandle;
  readonly #at: string;

  private constructor(path: string, identity: Identity, handle: FileHandle, at: string) {
    this.path = path;
    this.identity = identity;
    this.#handle = handle;
    this.#at = at;
  }

  /**
   * Throws what the file system does, ENOTDIR for a link. Where `descriptors` does not show open folders (macOS), names
   * in the folder are reached by `path`: `assertInPlace` tells when another folder has taken it, but not one that
   * comes and goes around each look.
   */
  static async open(reached: string, path = reached, descriptors = DESCRIPTORS): Promise<HeldFolder> {
    const handle = await open(reached, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      const identity = identityOf(await handle.stat({ bigint: true }));
      const bound = `${descriptors}/${handle.fd}`;
      return new HeldFolder(path, identity, handle, (await leadsTo(bound, identity)) ? bound : path);
    } catch (thrown) {
      await handle.close();
      throw thrown;
    }
  }

  /** The path of a name in this folder, for file system calls. */
  child(name: string): string {
    return `${this.#at}/${name}`;
  }

  names(): Promise<string[]> {
    return readdir(this.#at);
  }

  /** Throws FILE_UNWRITABLE unless this folder still lies where it was found, below the root. */
  async assertInPlace(root: VerifiedRoot, path: string): Promise<void> {
    try {
      const real = await realpath(this.path);
      const inside = real === root.real || isBelow(root.real, real);
      if (inside && sameIdentity(identityOf(await lstat(real, { bigint: true })), this.identity)) return;
    } catch (thrown) {
      if (!isAbsence(thrown)) throw thrown;
    }
    throw unwritable(path, 'its folder was moved or replaced meanwhile');
  }

  /** Makes new and removed names in it survive a power failure. */
  async sync(): Promise<void> {
    try {
      await this.#handle.sync();
    } catch (thrown) {
      if (!CANNOT_SYNC.has(errnoOf(thrown) ?? '')) throw thrown;
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** Keeps account of the folders that had to be made, so that those of a failure can be removed. */
export interface MadeFolders {
  noteMade(path: string, identity: Identity): void;
  /** Nothing came to this folder. */
  removeMade(path: string): Promise<void>;
}

export interface FolderRequest {
  readonly root: VerifiedRoot;
  /** The parts of the path of the file, its name left out. */
  readonly parts: readonly string[];
  /** Of the file, for messages. */
  readonly path: string;
  readonly made: MadeFolders;
  /** Where to find open folders by their number, `/proc/self/fd` if left out. */
  readonly descriptors?: string;
}

/**
 * Goes down from the root, never through a link, and makes what is missing. An existing folder is used however it is
 * spelled. FILE_UNWRITABLE for a link or a file on the way; else throws what the file system does, ENOENT when a
 * folder is removed meanwhile.
 */
export async function holdFolder(request: FolderRequest): Promise<HeldFolder> {
  const { root, parts, path, made, descriptors } = request;
  let folder = await HeldFolder.open(root.real, root.real, descriptors);
  try {
    if (!sameIdentity(folder.identity, root.identity)) {
      throw unwritable(path, `another folder is in the place of the root ${root.path} (was its disk unmounted?)`);
    }
    for (const part of parts) {
      const above = folder;
      folder = await enter(above, part, request);
      await above.close();
    }
    return folder;
  } catch (thrown) {
    await made.removeMade(folder.path);
    await folder.close();
    throw thrown;
  }
}

async function enter(above: HeldFolder, part: string, { path, made, descriptors }: FolderRequest) {
  const spelled = await spellingIn(above, part);
  const isNew = spelled === null && (await makeIn(above, part));
  const name = spelled ?? part;
  const stats = await lstat(above.child(name), { bigint: true });
  if (!stats.isDirectory()) {
    throw unwritable(path, `${name} is ${stats.isSymbolicLink() ? 'a link' : 'a file'} and not a folder`);
  }
  const next = await HeldFolder.open(above.child(name), `${above.path}/${name}`, descriptors);
  if (isNew) made.noteMade(next.path, next.identity);
  return next;
}

/** How the folder spells this name; null if it has nothing of this name in any Unicode normal form. */
async function spellingIn(folder: HeldFolder, name: string): Promise<string | null> {
  try {
    await lstat(folder.child(name));
    return name;
  } catch (thrown) {
    if (errnoOf(thrown) !== 'ENOENT') throw thrown;
  }
  // Nearly all names have one form, and a folder may be large.
  if (otherForms(name).length === 0) return null;
  const normal = name.normalize('NFC');
  return (await folder.names()).find((entry) => entry.normalize('NFC') === normal) ?? null;
}

/** The same name in other Unicode normal forms. */
export function otherForms(name: string): string[] {
  return [...new Set([name.normalize('NFC'), name.normalize('NFD')])].filter((form) => form !== name);
}

/** False: somebody else has just made it. */
async function makeIn(above: HeldFolder, name: string): Promise<boolean> {
  try {
    await mkdir(above.child(name));
  } catch (thrown) {
    if (errnoOf(thrown) !== 'EEXIST') throw thrown;
    return false;
  }
  await above.sync();
  return true;
}

async function leadsTo(bound: string, identity: Identity): Promise<boolean> {
  try {
    return sameIdentity(identityOf(await stat(`${bound}/.`, { bigint: true })), identity);
  } catch {
    return false;
  }
}
