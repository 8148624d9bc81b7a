/** Writes one body to its file. */
import { type FileHandle, open, rm } from 'node:fs/promises';

/** Bytes that are gathered before they are written: a small body is one write. */
const GATHER_BYTES = 128 * 1024;

/** Takes the bytes of one new body. Exactly one of finish and discard ends it. */
export class BodyWriter {
  readonly id: number;
  readonly #makeRoom: () => Promise<string>;
  readonly #durable: boolean;
  #path: string | null = null;
  #file: FileHandle | null = null;
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  constructor(id: number, makeRoom: () => Promise<string>, durable: boolean) {
    this.id = id;
    this.#makeRoom = makeRoom;
    this.#durable = durable;
  }

  /** Takes bytes; a promise means: wait for it before giving more. */
  write(data: Buffer): Promise<void> | undefined {
    this.#pending.push(data);
    this.#pendingBytes += data.length;
    return this.#pendingBytes >= GATHER_BYTES ? this.#flush() : undefined;
  }

  /** After this the bytes are on disk under the writer's number. */
  async finish(): Promise<void> {
    await this.#flush();
    if (this.#durable) await this.#file?.datasync();
    await this.#file?.close();
    this.#file = null;
  }

  /** Forgets the body and what was written of it. Never throws. */
  async discard(): Promise<void> {
    this.#pending = [];
    await this.#file?.close().catch(() => undefined);
    if (this.#path !== null) await rm(this.#path, { force: true }).catch(() => undefined);
  }

  async #flush(): Promise<void> {
    if (this.#file === null) {
      const path = await this.#makeRoom();
      this.#file = await open(path, 'wx');
      this.#path = path;
    }
    const buffers = this.#pending;
    const total = this.#pendingBytes;
    this.#pending = [];
    this.#pendingBytes = 0;
    if (total === 0) return;
    const { bytesWritten } = await this.#file.writev(buffers);
    // The system may take less than it is given.
    if (bytesWritten < total) await writeAll(this.#file, Buffer.concat(buffers).subarray(bytesWritten));
  }
}

async function writeAll(file: FileHandle, data: Buffer): Promise<void> {
  for (let at = 0; at < data.length; ) at += (await file.write(data, at, data.length - at)).bytesWritten;
}
