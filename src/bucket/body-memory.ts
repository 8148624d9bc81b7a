/**
 * Memory for the bytes of files on their way to the bucket: bounded, and used again. New memory for each photo of some
 * megabytes costs more than to fill it: the system hands out zeroed pages, and V8 marks the whole heap to get rid of it.
 */
import { inPages, MemoryBlock } from './memory-block.ts';

/** A share of the memory. */
export interface Lease {
  /** Memory for so many bytes, at most as many as were asked for; the same each time. */
  readonly room: (bytes: number) => Buffer;
  /** To be called at the end. `reusable`: nobody reads or writes there any more, not even somebody who was left behind. */
  readonly end: (reusable: boolean) => void;
}

interface Waiting {
  readonly bytes: number;
  readonly granted: (lease: Lease) => void;
}

/** Once so large a part of the memory was lost to leases that could not be used again, all of it is made anew. */
const MOST_LOST = 1 / 4;
/** A process that sends nothing gives the memory back. */
const IDLE_MS = 10_000;

/** Lends no more than `limit` bytes at a time, in the order in which they were asked for. */
export class BodyMemory {
  readonly #limit: number;
  #block: MemoryBlock | null = null;
  /** Of this block and those before it. */
  #lent = 0;
  #idle: NodeJS.Timeout | null = null;
  readonly #waiting: Waiting[] = [];

  constructor(limit: number) {
    this.#limit = inPages(limit);
  }

  /** Waits for memory; more than there is at all is lent to whoever is alone. Rejects with the signal's reason. */
  async take(bytes: number, signal: AbortSignal): Promise<Lease> {
    signal.throwIfAborted();
    const lease = this.#waiting.length === 0 ? this.#lend(bytes) : null;
    return lease ?? this.#wait(bytes, signal);
  }

  #wait(bytes: number, signal: AbortSignal): Promise<Lease> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        bytes,
        granted: (lease) => {
          signal.removeEventListener('abort', aborted);
          resolve(lease);
        },
      };
      const aborted = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(signal.reason);
        // Those behind may want less.
        this.#serve();
      };
      signal.addEventListener('abort', aborted, { once: true });
      this.#waiting.push(waiting);
    });
  }

  #serve(): void {
    for (let [next] = this.#waiting; next !== undefined; [next] = this.#waiting) {
      const lease = this.#lend(next.bytes);
      if (lease === null) return;
      this.#waiting.shift();
      next.granted(lease);
    }
  }

  /** Null: there is not enough, or not in one piece. Somebody has some then, and gives it back. */
  #lend(bytes: number): Lease | null {
    const size = inPages(bytes);
    if (this.#lent > 0 && this.#lent + size > this.#limit) return null;
    if (size > this.#limit) return this.#lendApart(bytes);
    let block = this.#current();
    let start = block.take(bytes);
    if (start === null) {
      if (block.lent > 0) return null;
      block = this.#renewed();
      start = block.take(bytes) ?? 0;
    }
    return this.#leaseOf(block, start, bytes);
  }

  #current(): MemoryBlock {
    this.#block ??= new MemoryBlock(this.#limit);
    return this.#block;
  }

  #renewed(): MemoryBlock {
    this.#block = null;
    return this.#current();
  }

  #lendApart(bytes: number): Lease {
    const block = new MemoryBlock(inPages(bytes));
    return this.#leaseOf(block, block.take(bytes) ?? 0, bytes);
  }

  #leaseOf(block: MemoryBlock, start: number, bytes: number): Lease {
    let ended = false;
    let memory: Buffer | null = null;
    this.#lent += inPages(bytes);
    return {
      room: (wanted) => {
        if (ended || wanted > bytes) throw new Error(`no room for ${wanted} bytes in a lease of ${bytes}`);
        // A limit may be more than a system gives at once: then each has its own.
        memory ??= block.at(start, bytes) ?? Buffer.allocUnsafeSlow(bytes);
        return memory.subarray(0, wanted);
      },
      end: (reusable) => {
        if (ended) return;
        ended = true;
        this.#lent -= inPages(bytes);
        if (reusable) block.give(start, bytes);
        else block.lose(bytes);
        if (block === this.#block && block.lost > this.#limit * MOST_LOST) this.#block = null;
        this.#serve();
        if (this.#lent === 0) this.#forgetLater();
      },
    };
  }

  #forgetLater(): void {
    if (this.#idle !== null) {
      this.#idle.refresh();
      return;
    }
    this.#idle = setTimeout(() => {
      this.#idle = null;
      if (this.#lent === 0) this.#block = null;
    }, IDLE_MS).unref();
  }
}
