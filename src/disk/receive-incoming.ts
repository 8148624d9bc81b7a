/** A download that has begun: bytes into its temporary file, then its place, or nothing. */
import { type FileHandle, lstat, statfs, unlink } from 'node:fs/promises';
import { relative } from 'node:path';
import { RollcallError } from '../errors.ts';
import type { IncomingFile } from '../sync/ports.ts';
import type { FileFacts } from '../sync/types.ts';
import { abortable } from './abortable.ts';
import { factsOf, identityOf, sameIdentity } from './facts.ts';
import { unwritable, writeFault } from './receive-faults.ts';
import { nullIfAbsent, type Placement, placeNew, placeOver } from './receive-place.ts';
import type { Remains } from './receive-remains.ts';
import type { VerifiedRoot } from './root.ts';

export interface IncomingParts {
  readonly root: VerifiedRoot;
  readonly placement: Placement;
  readonly replacing: FileFacts | null;
  readonly remains: Remains;
  /** Of the temporary file; closed with the folder by commit or discard. */
  readonly handle: FileHandle;
  readonly signal: AbortSignal;
}

export class Incoming implements IncomingFile {
  readonly #parts: IncomingParts;
  #size = 0;
  #ended: Promise<void> | null = null;

  constructor(parts: IncomingParts) {
    this.#parts = parts;
  }

  async assertRoom(bytes: number): Promise<void> {
    const { folder, path } = this.#parts.placement;
    const { blocks, bavail, bsize } = await statfs(folder.path, { bigint: true });
    // Some network file systems answer nothing but zeros.
    if (blocks === 0n || bavail * bsize >= BigInt(bytes)) return;
    const free = bavail * bsize;
    throw new RollcallError('DISK_FULL', `${path} has ${bytes} bytes, and there is room for ${free} on its disk`);
  }

  /**
   * Throws FILE_UNWRITABLE unless the folder still lies where it was found, with the temporary file in it: where folders
   * cannot be held, both may have gone through a link.
   */
  async assertInPlace(): Promise<void> {
    const { root, handle, placement } = this.#parts;
    const { folder, temporary, path } = placement;
    await folder.assertInPlace(root, path);
    const file = identityOf(await handle.stat({ bigint: true }));
    const found = await lstat(folder.child(temporary), { bigint: true }).catch(nullIfAbsent);
    if (found === null || !sameIdentity(identityOf(found), file)) {
      throw unwritable(path, 'its temporary file was moved or removed meanwhile');
    }
  }

  write(chunk: Uint8Array): Promise<void> {
    const position = this.#size;
    this.#size += chunk.byteLength;
    return this.#attempt(() => abortable(this.#parts.signal, () => this.#writeAll(chunk, position)));
  }

  commit(mtimeNs: bigint): Promise<{ readonly facts: FileFacts; readonly path: string }> {
    const { root, placement, signal } = this.#parts;
    return this.#attempt(async () => {
      const settled = await abortable(signal, () => this.#settle(secondsOf(mtimeNs)));
      const facts = await this.#place(settled);
      this.#ended ??= this.#close();
      await this.#ended;
      return { facts, path: relative(root.real, `${placement.folder.path}/${placement.name}`) };
    });
  }

  discard(): Promise<void> {
    this.#ended ??= this.#remove();
    return this.#ended;
  }

  async #attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      throw writeFault(this.#parts.placement.path, thrown);
    }
  }

  async #writeAll(chunk: Uint8Array, position: number): Promise<void> {
    const { handle, placement } = this.#parts;
    for (let done = 0; done < chunk.byteLength; ) {
      const { bytesWritten } = await handle.write(chunk, done, chunk.byteLength - done, position + done);
      if (bytesWritten === 0) throw unwritable(placement.path, 'the file system takes no more bytes');
      done += bytesWritten;
    }
  }

  /** Sets the time and brings everything to the disk; answers what the disk then says of the file. */
  async #settle(seconds: string): Promise<FileFacts> {
    const { handle, placement } = this.#parts;
    for (let last = false; ; last = true) {
      await handle.utimes(seconds, seconds);
      const { mtimeNs } = await handle.stat({ bigint: true });
      await handle.sync();
      const settled = factsOf(await handle.stat({ bigint: true }));
      if (settled.size !== this.#size) {
        throw unwritable(placement.path, `of ${this.#size} bytes written the disk holds ${settled.size}`);
      }
      // A network share may get the bytes only now, and with them its file a new time.
      if (settled.mtimeNs === mtimeNs || last) return settled;
    }
  }

  async #place(settled: FileFacts): Promise<FileFacts> {
    const { placement, replacing, remains, signal } = this.#parts;
    const { folder, name, path } = placement;
    await this.assertInPlace();
    signal.throwIfAborted();
    if (replacing === null) await placeNew(placement, settled);
    else await placeOver(placement, replacing);
    remains.keep(folder.path);
    await folder.sync();
    const stats = await lstat(folder.child(name), { bigint: true }).catch(nullIfAbsent);
    const facts = stats && factsOf(stats);
    // Not by inode: where there are no hard links, a rename may give a new one.
    if (facts?.size === settled.size && facts.mtimeNs === settled.mtimeNs) return facts;
    throw new RollcallError('FILE_UNSTABLE', `${path} was changed right after it was downloaded`);
  }

  /** A temporary file that cannot be removed now is hidden by its name and swept up in a day. */
  async #remove(): Promise<void> {
    const { placement, remains } = this.#parts;
    await unlink(placement.folder.child(placement.temporary)).catch(() => {});
    await this.#close();
    await remains.removeMade(placement.folder.path);
  }

  /** The bytes are synced or unwanted by now: what closing says changes nothing. */
  async #close(): Promise<void> {
    await this.#parts.handle.close().catch(() => {});
    await this.#parts.placement.folder.close().catch(() => {});
  }
}

/**
 * Node takes times as seconds in a double, which is exact to 120 ns in this century, and takes a negative number for
 * "now": as text it is the time before 1970 that it should be.
 */
function secondsOf(ns: bigint): string {
  const second = 1_000_000_000n;
  return String(Number(ns / second) + Number(ns % second) / 1e9);
}
