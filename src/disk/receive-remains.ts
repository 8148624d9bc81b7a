/** What downloads may leave behind: temporary files of crashed runs, and folders of downloads that failed. */
import { randomBytes } from 'node:crypto';
import { lstat, realpath, rmdir, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Identity, identityOf, sameIdentity } from './facts.ts';
import type { HeldFolder, MadeFolders } from './receive-folder.ts';

/** The built-in excludes hide such names twice over. */
const TEMPORARY = /^\.~rollcall-[0-9a-f]{16}\.part$/;
const STALE_AFTER_MS = 86_400_000;
/** Downloads come folder by folder, so few need be remembered. */
const REMEMBERED_FOLDERS = 1_000;

export function temporaryName(): string {
  return `.~rollcall-${randomBytes(8).toString('hex')}.part`;
}

/** One library's; shared by its downloads. */
export class Remains implements MadeFolders {
  readonly #swept = new Set<string>();
  /** Folders that downloads made and to which none has come yet. */
  readonly #made = new Map<string, Identity>();

  /** Removes the temporary files in this folder that nobody has touched for a day; looks once only. */
  async sweep(folder: HeldFolder): Promise<void> {
    if (this.#swept.has(folder.path)) return;
    for (const oldest of this.#swept) {
      if (this.#swept.size < REMEMBERED_FOLDERS) break;
      this.#swept.delete(oldest);
    }
    this.#swept.add(folder.path);
    for (const name of await folder.names()) {
      if (TEMPORARY.test(name)) await removeIfStale(folder.child(name));
    }
  }

  noteMade(path: string, identity: Identity): void {
    this.#made.set(path, identity);
  }

  /** A download has come to this folder: it and all above it stay. */
  keep(folder: string): void {
    for (let path = folder; this.#made.size > 0 && path !== dirname(path); path = dirname(path)) {
      this.#made.delete(path);
    }
  }

  /** A download to this folder failed: removes it, and those above it, as far as they were made and are empty. */
  async removeMade(folder: string): Promise<void> {
    for (let path = folder; ; path = dirname(path)) {
      const identity = this.#made.get(path);
      if (identity === undefined || !(await removeEmpty(path, identity))) return;
      this.#made.delete(path);
    }
  }
}

/** By ctime: the modification time may be the photo's already. */
async function removeIfStale(path: string): Promise<void> {
  try {
    const stats = await lstat(path);
    if (stats.isFile() && Date.now() - stats.ctimeMs > STALE_AFTER_MS) await unlink(path);
  } catch {
    // It went by itself, or may not be removed; either way it is in nobody's way.
  }
}

/** False if it was left: another download is in it, or somebody's file, or it is another folder by now. */
async function removeEmpty(path: string, identity: Identity): Promise<boolean> {
  try {
    const now = identityOf(await lstat(path, { bigint: true }));
    if (!sameIdentity(now, identity) || (await realpath(path)) !== path) return false;
    await rmdir(path);
    return true;
  } catch {
    return false;
  }
}
