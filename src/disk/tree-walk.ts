/**
 * The walk itself, with synchronous calls: five times less CPU than the asynchronous ones for 100,000 files, which is
 * why it runs in a worker thread.
 *
 * Order: in each folder entries are sorted by their NFC names, folders as `name/`, and folders are walked where they
 * sort. That is the byte order of the full paths: `a-b` before everything in `a/`, that before `a0`.
 */
import { type BigIntStats, lstatSync, opendirSync, realpathSync, statSync } from 'node:fs';
import { compareKeys } from '../sync/key-order.ts';
import type { BatchWriter, SeenFile } from './batch-writer.ts';
import type { Excludes } from './excludes.ts';
import { errnoOf, explain, type Identity, identityOf, isAbsence, sameIdentity } from './facts.ts';
import { keyFault } from './keys.ts';
import { type DirectoryEntry, type EntryKind, listDirectory } from './list-directory.ts';
import { isBelow, type VerifiedRoot } from './root.ts';

/** A folder of the library: all folders on disk whose names differ only in normalisation. Paths; '' is the root. */
interface Folder {
  readonly path: string;
  readonly spellings: readonly string[];
}

/** An entry in a folder: where it sorts, its NFC path, its path as the disk spells it. */
interface Listed {
  readonly order: string;
  readonly path: string;
  readonly spelling: string;
  readonly kind: EntryKind;
}

/** The root is not the folder any more that it was when the walk began. */
class RootLost extends Error {}

export interface TreeWalkOptions {
  readonly root: VerifiedRoot;
  readonly prefix: string;
  readonly excludes: Excludes;
  readonly out: BatchWriter;
}

export class TreeWalk {
  readonly #root: VerifiedRoot;
  readonly #prefix: string;
  readonly #excludes: Excludes;
  readonly #out: BatchWriter;
  /** The folders being walked, from the root down, by their spelling. */
  readonly #entered = new Map<string, Identity>();
  readonly #unreadables = new Set<string>();

  constructor({ root, prefix, excludes, out }: TreeWalkOptions) {
    this.#root = root;
    this.#prefix = prefix;
    this.#excludes = excludes;
    this.#out = out;
  }

  /** Walks the whole library, or the files directly in one album. Sends the last batch in any case. */
  run(album: string | null): void {
    try {
      const start: Folder = { path: '', spellings: [''] };
      if (album === null || album === '.') this.#walk(start, album === null);
      else this.#walkAlbum(start, album.split('/'));
      this.checkRoot();
    } catch (thrown) {
      if (!(thrown instanceof RootLost)) throw thrown;
      this.#out.dropFiles();
      this.#out.hides('.', 'FOLDER_UNREADABLE', thrown.message, '');
    }
    this.#out.finish();
  }

  /**
   * Throws RootLost unless the root is the folder it was, and readable (a dead mount may still answer a stat). To be
   * asked before a batch is sent, so that what a batch says, and leaves out, was seen under the true root.
   */
  checkRoot(): void {
    let trouble = 'another folder is in its place (was its disk unmounted?)';
    try {
      const same = sameIdentity(identityOf(statSync(this.#root.path, { bigint: true })), this.#root.identity);
      const folder = opendirSync(this.#root.path);
      folder.readSync();
      folder.closeSync();
      if (same) return;
    } catch (thrown) {
      trouble = errnoOf(thrown) === 'ENOENT' ? 'it is gone (was its disk unmounted?)' : explain(thrown);
    }
    throw new RootLost(`the root ${this.#root.path} changed during the walk: ${trouble}`);
  }

  #walk(folder: Folder, deep: boolean): void {
    const entries = this.#list(folder, (kind) => deep || kind !== 'folder');
    for (const [i, entry] of entries.entries()) {
      if (entry.order === entries[i - 1]?.order) continue;
      if (entry.order !== entries[i + 1]?.order) this.#take(entry, []);
      else
        this.#take(
          entry,
          entries.slice(i + 1).filter(({ order }) => order === entry.order),
        );
    }
    for (const spelling of folder.spellings) this.#entered.delete(spelling);
  }

  /** An entry and its twins. */
  #take(entry: Listed, others: readonly Listed[]): void {
    if (entry.kind === 'folder') {
      this.#walk({ path: entry.path, spellings: [entry, ...others].map((one) => one.spelling) }, true);
      return;
    }
    let file = this.#look(entry);
    const twins: SeenFile[] = [];
    for (const other of others) {
      const twin = this.#look(other);
      if (file === null) file = twin;
      else if (twin !== null) twins.push(twin);
    }
    if (file !== null) this.#out.add(entry.path, file, twins);
  }

  #walkAlbum(above: Folder, parts: readonly string[]): void {
    const [name, ...rest] = parts;
    if (name === undefined) {
      this.#walk(above, false);
      return;
    }
    const path = below(above.path, name);
    const found = this.#list(
      above,
      (kind, listed, decodable) => (listed === path && (kind === 'folder' || kind === 'link')) || !decodable,
    );
    for (const link of found.filter((entry) => entry.kind === 'link')) this.#look(link);
    const spellings = found.filter((entry) => entry.kind === 'folder').map((entry) => entry.spelling);
    if (spellings.length > 0) this.#walkAlbum({ path, spellings }, rest);
  }

  /** The entries that are wanted and not excluded, in order. Reports folders and names that cannot be read. */
  #list(folder: Folder, wanted: (kind: EntryKind, path: string, decodable: boolean) => boolean): Listed[] {
    const listed: Listed[] = [];
    for (const spelling of folder.spellings) {
      for (const { name, kind, decodable } of this.#enter(folder, spelling)) {
        const normal = name.normalize('NFC');
        const path = below(folder.path, normal);
        if (!wanted(kind, path, decodable) || this.#excludes.matches(path, kind === 'folder')) continue;
        const entry = { order: kind === 'folder' ? `${normal}/` : normal, path, spelling: below(spelling, name), kind };
        if (this.#isNameable(entry, folder, decodable)) listed.push(entry);
      }
    }
    // Twins: the spelling that is the key's own comes first, then byte order, whatever the disk's order.
    return listed.sort(
      (a, b) =>
        compareKeys(a.order, b.order) ||
        Number(b.spelling === b.path) - Number(a.spelling === a.path) ||
        compareKeys(a.spelling, b.spelling),
    );
  }

  #isNameable({ path, spelling, kind }: Listed, folder: Folder, decodable: boolean): boolean {
    if (!decodable) {
      // Whatever it is called, it may be a photo that is known by a name in another encoding.
      const message = `${spelling} is not named in UTF-8: rename it`;
      this.#out.notice(spelling, 'NAME_INVALID', message, { path: folder.path, only: 'beyond-ascii' });
      return false;
    }
    // A folder's own key does not matter, but there must be room for a file in it.
    const fault = keyFault(this.#prefix, kind === 'folder' ? `${path}/x` : path);
    if (fault === null) return true;
    this.#out.notice(spelling, fault.code, `${spelling} ${fault.message}`, { path, only: 'all' });
    return false;
  }

  /** What is in a folder on disk; nothing when it is gone, or cannot be read, which is reported. */
  #enter(folder: Folder, spelling: string): readonly DirectoryEntry[] {
    const path = this.#absolute(spelling);
    try {
      // The root may be a link, no other folder may have become one.
      const stats = spelling === '' ? statSync(path, { bigint: true }) : lstatSync(path, { bigint: true });
      if (!stats.isDirectory()) throw new Error('it is not a folder any more');
      this.#entered.set(spelling, identityOf(stats));
      return listDirectory(path);
    } catch (thrown) {
      if (isAbsence(thrown)) this.#checkAbsence(spelling);
      else this.#unreadable(folder.path, spelling, thrown);
      return [];
    }
  }

  /** A file's facts; null when it is gone, or is no file, or cannot be looked at, both of which are reported. */
  #look(entry: Listed): SeenFile | null {
    const stats = this.#lstat(entry);
    if (stats === null) return null;
    if (stats.isFile()) return { path: entry.spelling, stats };
    if (stats.isSymbolicLink()) return this.#follow(entry);
    return this.#skip(
      entry,
      stats.isDirectory() ? 'was replaced by a folder during the walk' : 'is not a regular file',
    );
  }

  #lstat({ path, spelling }: Listed): BigIntStats | null {
    try {
      const stats = lstatSync(this.#absolute(spelling), { bigint: true, throwIfNoEntry: false });
      if (stats !== undefined) return stats;
    } catch (thrown) {
      if (!isAbsence(thrown)) {
        this.#out.hides(spelling, 'FILE_UNREADABLE', `${spelling} cannot be read: ${explain(thrown)}`, path);
        return null;
      }
    }
    this.#checkAbsence(spelling);
    return null;
  }

  /** A link counts as the file it leads to, if that lies inside the root. */
  #follow(entry: Listed): SeenFile | null {
    let stats: BigIntStats;
    try {
      const target = realpathSync.native(this.#absolute(entry.spelling));
      if (!isBelow(this.#root.real, target)) return this.#skip(entry, 'is a link that leads out of the library');
      stats = lstatSync(target, { bigint: true });
    } catch (thrown) {
      return this.#skip(entry, isAbsence(thrown) ? 'is a link to nothing' : `cannot be followed: ${explain(thrown)}`);
    }
    if (stats.isDirectory()) return this.#skip(entry, 'is a link to a folder');
    if (!stats.isFile()) return this.#skip(entry, 'is a link to something that is not a regular file');
    return { path: entry.spelling, stats };
  }

  #skip({ path, spelling }: Listed, why: string): null {
    this.#out.notice(spelling, 'FILE_SKIPPED', `${spelling} ${why}; skipped`, { path, only: 'all' });
    return null;
  }

  /** Said once for a folder, however many of its files it is noticed by. */
  #unreadable(path: string, spelling: string, thrown: unknown): void {
    if (this.#unreadables.has(spelling)) return;
    this.#unreadables.add(spelling);
    const name = spelling === '' ? '.' : spelling;
    this.#out.hides(name, 'FOLDER_UNREADABLE', `the folder ${name} cannot be read: ${explain(thrown)}`, path);
  }

  /**
   * A name was not found. It is gone if the nearest folder above it that is there is the one that was entered;
   * otherwise a disk was unmounted from there, and nothing is known.
   */
  #checkAbsence(spelling: string): void {
    const above = spelling.includes('/') ? spelling.slice(0, spelling.lastIndexOf('/')) : '';
    if (above === '') {
      this.checkRoot();
      return;
    }
    try {
      const stats = lstatSync(this.#absolute(above), { bigint: true });
      const entered = this.#entered.get(above);
      if (entered !== undefined && sameIdentity(identityOf(stats), entered)) return;
      const replaced = new Error('another folder took its place during the walk (was a disk unmounted?)');
      this.#unreadable(above.normalize('NFC'), above, replaced);
    } catch (thrown) {
      if (isAbsence(thrown)) this.#checkAbsence(above);
      else this.#unreadable(above.normalize('NFC'), above, thrown);
    }
  }

  #absolute(spelling: string): string {
    return spelling === '' ? this.#root.path : `${this.#root.path}/${spelling}`;
  }
}

function below(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
