/** The album folders of one library: the disk's side of the engine. */
import { RollcallError } from '../errors.ts';
import type { DiskPort, OpenFile } from '../sync/ports.ts';
import type { Library } from '../sync/types.ts';
import { abortable } from './abortable.ts';
import { compileExcludes } from './excludes.ts';
import { factsOf } from './facts.ts';
import { findFile, findFiles, unreadable } from './find-file.ts';
import { hasFolder } from './find-folder.ts';
import { pathFault, placeOf } from './keys.ts';
import { openVersion } from './open-file.ts';
import { receiveFile } from './receive.ts';
import { Remains } from './receive-remains.ts';
import { isBare, type VerifiedRoot, verifyRoot } from './root.ts';
import { walkInventory } from './walk.ts';
import { SINGLE_USE, type Walkers } from './walkers.ts';

export interface DiskOptions {
  /** Patterns in gitignore syntax that hold besides the library's own. */
  readonly alsoExclude?: readonly string[];
  /** Threads to walk with; left out: each walk starts one of its own. */
  readonly walkers?: Walkers;
}

/**
 * Opens a library's folder; nothing is read yet. BAD_INPUT for an exclude that can match nothing. "Gone" is judged
 * against the root as the latest `verifyRoot` or `walk` found it. `close` waits for walks that were left early.
 */
export function openDisk(library: Library, options: DiskOptions = {}): DiskPort & { close(): Promise<void> } {
  const excludes = [...library.excludes, ...(options.alsoExclude ?? [])];
  compileExcludes(excludes);
  const { walkers = SINGLE_USE } = options;
  const workers = new Set<Promise<unknown>>();
  const remains = new Remains();
  let verified: VerifiedRoot | null = null;

  async function verify(signal: AbortSignal): Promise<VerifiedRoot> {
    verified = await abortable(signal, () => verifyRoot(library.root));
    return verified;
  }

  return {
    async verifyRoot(signal) {
      await verify(signal);
    },

    async isBare(signal) {
      const root = verified ?? (await verify(signal));
      return abortable(signal, () => isBare(root));
    },

    walk(album, signal) {
      assertAlbum(album);
      const onWorkerEnd = (ended: Promise<unknown>) => {
        workers.add(ended);
        ended.finally(() => workers.delete(ended));
      };
      const { prefix } = library;
      return walkInventory({ prefix, album, excludes, walkers, verifyRoot: verify, onWorkerEnd }, signal);
    },

    async hasFolder(album, signal) {
      assertAlbum(album);
      const root = verified ?? (await verify(signal));
      return abortable(signal, () => hasFolder(root, album));
    },

    async stat(path, signal) {
      const root = verified ?? (await verify(signal));
      const found = await abortable(signal, () => findFile(root, path));
      if (found === null) return null;
      if (!found.stats.isFile()) throw notRegular(path);
      return factsOf(found.stats);
    },

    async statAll(paths, signal) {
      const root = verified ?? (await verify(signal));
      const found = await abortable(signal, () => findFiles(root, paths));
      return paths.map((path, index) => {
        const one = found[index] ?? null;
        if (one === null || one instanceof RollcallError) return one;
        return one.stats.isFile() ? factsOf(one.stats) : notRegular(path);
      });
    },

    pathOf: (key) => placeOf(library.prefix, key),

    async receive(path, replacing, signal) {
      const root = verified ?? (await verify(signal));
      return receiveFile({ root, path, replacing, remains }, signal);
    },

    async open(path, expected, signal): Promise<OpenFile> {
      const root = verified ?? (await verify(signal));
      return abortable(
        signal,
        () => openVersion(root, path, expected),
        (late) => void late.close(),
      );
    },

    async close() {
      await Promise.all(workers);
    },
  };
}

function notRegular(path: string): RollcallError {
  return unreadable(path, 'it is not a regular file');
}

function assertAlbum(album: string | null): void {
  if (album === null || album === '.') return;
  const fault = album.normalize('NFC') === album ? pathFault(album) : 'is not in Unicode normal form NFC';
  if (fault !== null) throw new RollcallError('BAD_INPUT', `album ${album} ${fault}`, { field: 'album' });
}
