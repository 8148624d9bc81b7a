/** Opens a file for reading, and proves that it is and stays the version that was planned for. */
import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { RollcallError } from '../errors.ts';
import type { OpenFile } from '../sync/ports.ts';
import type { FileFacts } from '../sync/types.ts';
import { abortable } from './abortable.ts';
import { differenceFrom, errnoOf, explain, factsOf, isAbsence } from './facts.ts';
import { findFile, unreadable } from './find-file.ts';
import { assertStillThere, isBelow, type VerifiedRoot } from './root.ts';

// O_NOFOLLOW: links were resolved, so one here appeared a moment ago. O_NONBLOCK: a FIFO would wait for a writer.
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** Opens the version that `expected` describes. FILE_UNSTABLE, FILE_GONE or FILE_UNREADABLE otherwise. */
export async function openVersion(root: VerifiedRoot, path: string, expected: FileFacts): Promise<VersionedFile> {
  const found = await findFile(root, path);
  if (found === null) throw gone(path);
  assertVersion(path, expected, found.stats);
  const handle = await openHandle(root, path, found.real);
  try {
    const { facts } = assertVersion(path, expected, await handle.stat({ bigint: true }));
    // A folder above it may have been exchanged for a link between the look and the opening.
    if (!isBelow(root.real, await realpath(found.real))) throw unstable(path, 'a folder above it became a link');
    return new VersionedFile(root, path, facts, handle);
  } catch (thrown) {
    await handle.close();
    if (thrown instanceof RollcallError) throw thrown;
    throw isAbsence(thrown) ? unstable(path, 'it was moved or removed') : unreadable(path, explain(thrown), thrown);
  }
}

async function openHandle(root: VerifiedRoot, path: string, real: string): Promise<FileHandle> {
  try {
    return await open(real, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (thrown) {
    if (errnoOf(thrown) === 'ELOOP') throw unstable(path, 'a link has taken its place');
    if (!isAbsence(thrown)) throw unreadable(path, explain(thrown), thrown);
    await assertStillThere(root);
    throw gone(path);
  }
}

class VersionedFile implements OpenFile {
  readonly facts: FileFacts;
  readonly #root: VerifiedRoot;
  readonly #path: string;
  readonly #handle: FileHandle;
  #closed: Promise<void> | null = null;

  constructor(root: VerifiedRoot, path: string, facts: FileFacts, handle: FileHandle) {
    this.#root = root;
    this.#path = path;
    this.facts = facts;
    this.#handle = handle;
  }

  async read(
    offset: number,
    length: number,
    signal: AbortSignal,
    room: (bytes: number) => Buffer = Buffer.allocUnsafe,
  ): Promise<Buffer> {
    const buffer = room(length);
    for (let done = 0; done < length; ) {
      const bytes = await abortable(signal, () => this.#readInto(buffer, done, offset + done));
      if (bytes === 0) throw unstable(this.#path, `it ends at byte ${offset + done} of ${this.facts.size}`);
      done += bytes;
    }
    return buffer;
  }

  async verifyUnchanged(): Promise<void> {
    const open = await this.#handle.stat({ bigint: true }).catch((cause: unknown) => {
      throw unreadable(this.#path, explain(cause), cause);
    });
    assertVersion(this.#path, this.facts, open);
    const found = await findFile(this.#root, this.#path);
    if (found === null) throw unstable(this.#path, 'it was moved or removed');
    assertVersion(this.#path, this.facts, found.stats);
  }

  /** May be called again. */
  close(): Promise<void> {
    this.#closed ??= this.#handle.close();
    return this.#closed;
  }

  async #readInto(buffer: Buffer, at: number, position: number): Promise<number> {
    try {
      return (await this.#handle.read(buffer, at, buffer.length - at, position)).bytesRead;
    } catch (thrown) {
      throw unreadable(this.#path, explain(thrown), thrown);
    }
  }
}

function assertVersion(path: string, expected: FileFacts, stats: Parameters<typeof factsOf>[0]): { facts: FileFacts } {
  if (!stats.isFile()) throw unstable(path, 'it is no regular file any more');
  const facts = factsOf(stats);
  const difference = differenceFrom(expected, facts);
  if (difference !== null) throw unstable(path, difference);
  return { facts };
}

function gone(path: string): RollcallError {
  return new RollcallError('FILE_GONE', `${path} is gone`);
}

function unstable(path: string, why: string): RollcallError {
  return new RollcallError('FILE_UNSTABLE', `${path} changed: ${why}; the next run takes it up`);
}
