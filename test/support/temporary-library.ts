/** A library in a temporary folder. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Inventory } from '../../src/sync/ports.ts';
import type { Library } from '../../src/sync/types.ts';

export interface TemporaryLibrary extends Disposable {
  /** A folder around the root, for what must lie outside of it. */
  readonly folder: string;
  readonly library: Library;
  /** The absolute path of a path in the library. */
  at(path: string): string;
  /** Writes a file, its folders as needed; modified at that time (seconds) if one is given. */
  write(path: string, content?: string, mtime?: number): void;
}

export function temporaryLibrary(settings: Partial<Library> = {}): TemporaryLibrary {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-disk-'));
  const root = join(folder, 'library');
  mkdirSync(root);
  const at = (path: string) => `${root}/${path}`;
  return {
    folder,
    library: {
      id: 'library-1',
      name: 'photos',
      root,
      bucket: 'bucket',
      prefix: 'photos/',
      excludes: [],
      sync: 'up',
      ...settings,
    },
    at,
    write(path, content = path, mtime) {
      mkdirSync(dirname(at(path)), { recursive: true });
      writeFileSync(at(path), content);
      if (mtime !== undefined) utimesSync(at(path), mtime, mtime);
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** All entries of an inventory. */
export async function entriesOf<Entry>(inventory: Inventory<Entry>): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const batch of inventory.batches) entries.push(...batch);
  return entries;
}
