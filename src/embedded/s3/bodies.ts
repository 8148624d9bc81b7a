/**
 * The bytes of objects and parts, one file each under numbered folders: a key is never a path. A body becomes visible
 * only when a row of the store names it, so a file half written by a crash is merely rubbish that the sweep removes.
 */
import { mkdir, open, readdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BodyWriter } from './body-writer.ts';

const READ_BYTES = 128 * 1024;
const FILES_A_FOLDER = 1000;
/** Body numbers are generation * this + a counter; each start of the server begins a generation of its own. */
const GENERATION = 2 ** 32;

export interface BodyFilesOptions {
  readonly folder: string;
  /** Sync files and folders to the disk before they count as written. */
  readonly durable: boolean;
  /** The highest body number that a row refers to. */
  readonly highestUsed: number;
  /** Does a row refer to this body? Several do once it was copied. Asked right before its file is removed. */
  readonly isUsed: (id: number) => boolean;
  readonly log: (line: string) => void;
}

/** Writes, reads and removes bodies. Bodies never change once written. */
export class BodyFiles {
  readonly #options: BodyFilesOptions;
  readonly #generation: number;
  #counter = 0;
  #folderMade: { readonly path: string; readonly made: Promise<unknown> } | null = null;
  readonly #unsyncedFolders = new Set<string>();
  /** How many readers each body has; a removed body goes when the last of them is done. */
  readonly #readers = new Map<number, number>();
  readonly #doomed = new Set<number>();
  readonly #removals = new Set<Promise<void>>();

  private constructor(options: BodyFilesOptions, generation: number) {
    this.#options = options;
    this.#generation = generation;
  }

  static async open(options: BodyFilesOptions): Promise<BodyFiles> {
    await mkdir(options.folder, { recursive: true });
    const generations = await numberedEntries(options.folder);
    const highest = Math.max(0, Math.floor(options.highestUsed / GENERATION), ...generations);
    return new BodyFiles(options, highest + 1);
  }

  /** Starts a new body. Nothing is on disk before its first bytes are. */
  create(): BodyWriter {
    const id = this.#generation * GENERATION + this.#counter++;
    return new BodyWriter(id, () => this.#makeRoom(id), this.#options.durable);
  }

  /** Makes new names last, before rows that refer to them are committed. */
  async syncFolders(): Promise<void> {
    if (!this.#options.durable || this.#unsyncedFolders.size === 0) return;
    const folders = [...this.#unsyncedFolders];
    this.#unsyncedFolders.clear();
    await Promise.all(folders.map(syncPath));
  }

  /** Keeps bodies on disk until the returned function is called, even when they are removed in between. */
  hold(ids: readonly number[]): () => void {
    for (const id of ids) this.#readers.set(id, (this.#readers.get(id) ?? 0) + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      for (const id of ids) this.#letGo(id);
    };
  }

  /** Reads bytes start (inclusive) to end (exclusive) of a held body. Throws when the file is shorter. */
  async *read(id: number, start: number, end: number): AsyncGenerator<Buffer, void, undefined> {
    if (end <= start) return;
    const file = await open(this.#path(id), 'r');
    try {
      for (let at = start; at < end; ) {
        const want = Math.min(READ_BYTES, end - at);
        const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(want), 0, want, at);
        if (bytesRead === 0) throw new Error(`body ${id} ends at byte ${at}, before ${end}`);
        yield buffer.subarray(0, bytesRead);
        at += bytesRead;
      }
    } finally {
      await file.close();
    }
  }

  /**
   * Removes those of these bodies that no row refers to any more. Whoever is about to commit a row for a body holds it since
   * it read the row that it copies: so none can come between the question and the removal. What fails to go is swept at the
   * next start.
   */
  remove(ids: readonly number[]): void {
    for (const id of ids) {
      if (this.#readers.has(id)) this.#doomed.add(id);
      else this.#unlink(id);
    }
  }

  /** Waits for removals under way. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#removals);
  }

  /** Removes what earlier runs left behind. `used` tells which numbers of a range rows refer to. */
  async sweep(used: (from: number, to: number) => ReadonlySet<number>, signal: AbortSignal): Promise<void> {
    for (const generation of await numberedEntries(this.#options.folder)) {
      if (generation >= this.#generation) continue;
      const parent = join(this.#options.folder, String(generation));
      for (const folder of await numberedEntries(parent)) {
        if (signal.aborted) return;
        await this.#sweepFolder(generation, folder, used);
      }
      await rmdir(parent).catch(() => undefined);
    }
  }

  async #sweepFolder(
    generation: number,
    folder: number,
    used: (from: number, to: number) => ReadonlySet<number>,
  ): Promise<void> {
    const path = join(this.#options.folder, String(generation), String(folder));
    const first = generation * GENERATION + folder * FILES_A_FOLDER;
    const keep = used(first, first + FILES_A_FOLDER);
    for (const counter of await numberedEntries(path)) {
      const id = generation * GENERATION + counter;
      // Asked again: since `keep` was, a copy of an object that has gone meanwhile may have got a row for its body.
      if (keep.has(id) || this.#readers.has(id) || this.#isUsed(id)) continue;
      await rm(join(path, String(counter)), { force: true });
    }
    await rmdir(path).catch(() => undefined);
  }

  #path(id: number): string {
    const counter = id % GENERATION;
    const generation = String(Math.floor(id / GENERATION));
    return join(this.#options.folder, generation, String(Math.floor(counter / FILES_A_FOLDER)), String(counter));
  }

  async #makeRoom(id: number): Promise<string> {
    const path = this.#path(id);
    const folder = dirname(path);
    if (this.#folderMade?.path !== folder) {
      const root = this.#options.folder;
      this.#unsyncedFolders.add(dirname(folder)).add(root).add(dirname(root));
      this.#folderMade = { path: folder, made: mkdir(folder, { recursive: true }) };
    }
    try {
      await this.#folderMade.made;
    } catch (error) {
      this.#folderMade = null;
      throw error;
    }
    this.#unsyncedFolders.add(folder);
    return path;
  }

  #letGo(id: number): void {
    const others = (this.#readers.get(id) ?? 1) - 1;
    if (others > 0) {
      this.#readers.set(id, others);
      return;
    }
    this.#readers.delete(id);
    if (this.#doomed.delete(id)) this.#unlink(id);
  }

  #unlink(id: number): void {
    if (this.#isUsed(id)) return;
    // Whoever was the last of its rows together with another finds it gone: that is what was wanted.
    const removal = rm(this.#path(id), { force: true })
      .catch((error: unknown) => this.#options.log(`could not remove body ${id}: ${String(error)}`))
      .finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
  }

  /** The commit before it has been answered for: whatever goes wrong here must not undo that. */
  #isUsed(id: number): boolean {
    try {
      return this.#options.isUsed(id);
    } catch (error) {
      this.#options.log(`body ${id} stays until the next start: ${String(error)}`);
      return true;
    }
  }
}

async function syncPath(path: string): Promise<void> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, 'r');
  } catch (error) {
    // Windows can't open folders; their entries are journalled there.
    if (process.platform === 'win32') return;
    throw error;
  }
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function numberedEntries(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => /^[0-9]+$/.test(name)).map(Number);
}
