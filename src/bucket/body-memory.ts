/**
 * Memory for the bytes of files on their way to the bucket: bounded, and used again. New memory for each photo of some
 * megabytes costs more than to fill it: the system hands out zeroed pages, and V8 marks the whole heap to get rid of it.
 */

/** What is smaller is rounded up to it. */
const LEAST_BYTES = 64 * 1024;
/** Idle memory so much larger than what is asked for is too good for it. */
const MOST_WASTE = 2;

/** A share of the memory; to be ended exactly once. */
export interface Lease {
  /** Memory for so many bytes, at most as many as were asked for; the same each time. Nothing is allocated before. */
  readonly room: (bytes: number) => Buffer;
  /** `reusable`: nobody reads or writes there any more, not even somebody who was left behind. */
  readonly end: (reusable: boolean) => void;
}

interface Waiting {
  readonly bytes: number;
  readonly granted: (lease: Lease) => void;
}

/** Lends no more than `limit` bytes at a time, in the order in which they were asked for. */
export class BodyMemory {
  readonly #limit: number;
  /** With `#idleBytes` never more than the limit, but for one lease that is larger than all of it. */
  #lent = 0;
  #idleBytes = 0;
  /** Oldest first. */
  readonly #idle: Buffer[] = [];
  readonly #waiting: Waiting[] = [];

  constructor(limit: number) {
    this.#limit = limit;
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

  /** Null: there is not enough. */
  #lend(bytes: number): Lease | null {
    const idle = this.#takeIdle(bytes);
    const size = idle?.length ?? roundedUp(bytes);
    if (idle === null) {
      if (this.#lent > 0 && this.#lent + size > this.#limit) return null;
      while (this.#idle.length > 0 && this.#lent + this.#idleBytes + size > this.#limit) this.#forgetOldest();
    }
    this.#lent += size;
    return this.#leaseOf(size, idle);
  }

  /** The smallest that is large enough, if there is one. */
  #takeIdle(bytes: number): Buffer | null {
    let best = -1;
    for (const [index, { length }] of this.#idle.entries()) {
      const fits = length >= bytes && length <= MOST_WASTE * Math.max(bytes, LEAST_BYTES);
      if (fits && length < (this.#idle[best]?.length ?? Number.POSITIVE_INFINITY)) best = index;
    }
    const [found = null] = best === -1 ? [] : this.#idle.splice(best, 1);
    this.#idleBytes -= found?.length ?? 0;
    return found;
  }

  #forgetOldest(): void {
    this.#idleBytes -= this.#idle.shift()?.length ?? 0;
  }

  #leaseOf(size: number, idle: Buffer | null): Lease {
    let memory = idle;
    let ended = false;
    return {
      room: (bytes) => {
        if (ended || bytes > size) throw new Error(`no room for ${bytes} bytes in a lease of ${size}`);
        memory ??= Buffer.allocUnsafeSlow(size);
        return memory.subarray(0, bytes);
      },
      end: (reusable) => {
        if (ended) return;
        ended = true;
        this.#lent -= size;
        if (reusable && memory !== null && size <= this.#limit) {
          this.#idle.push(memory);
          this.#idleBytes += size;
        }
        this.#serve();
      },
    };
  }
}

/** To an eighth of the power of two below it, so that files of about one size can share. */
function roundedUp(bytes: number): number {
  if (bytes <= LEAST_BYTES) return LEAST_BYTES;
  const step = 2 ** (Math.floor(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / step) * step;
}
