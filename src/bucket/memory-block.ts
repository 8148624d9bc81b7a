/** One piece of memory of which ranges are lent: the lowest first, so that what is never needed is never touched. */

/** Ranges begin at, and are rounded up to, whole pages. */
const PAGE = 4_096;

interface Range {
  readonly start: number;
  readonly end: number;
}

export class MemoryBlock {
  readonly #size: number;
  #bytes: Buffer | null = null;
  #isRefused = false;
  /** In order, none of them next to another. */
  #free: Range[];
  #lent = 0;
  #lost = 0;

  constructor(size: number) {
    this.#size = size;
    this.#free = [{ start: 0, end: size }];
  }

  /** Bytes that are out. */
  get lent(): number {
    return this.#lent;
  }

  /** Bytes that will not be lent any more. */
  get lost(): number {
    return this.#lost;
  }

  /** The start of a range for so many bytes; null when none is large enough. */
  take(bytes: number): number | null {
    const size = inPages(bytes);
    const index = this.#free.findIndex(({ start, end }) => end - start >= size);
    const range = this.#free[index];
    if (range === undefined) return null;
    const rest = { start: range.start + size, end: range.end };
    this.#free.splice(index, 1, ...(rest.start < rest.end ? [rest] : []));
    this.#lent += size;
    return range.start;
  }

  /** The memory itself, which is allocated with the first range that is used. Null: there is no such piece to be had. */
  at(start: number, bytes: number): Buffer | null {
    if (this.#isRefused) return null;
    try {
      this.#bytes ??= Buffer.allocUnsafeSlow(this.#size);
    } catch {
      this.#isRefused = true;
      return null;
    }
    return this.#bytes.subarray(start, start + bytes);
  }

  /** Takes a range back. */
  give(start: number, bytes: number): void {
    const size = inPages(bytes);
    this.#lent -= size;
    let freed: Range = { start, end: start + size };
    const apart: Range[] = [];
    for (const range of this.#free) {
      if (range.end === freed.start) freed = { start: range.start, end: freed.end };
      else if (range.start === freed.end) freed = { start: freed.start, end: range.end };
      else apart.push(range);
    }
    const before = apart.filter((range) => range.start < freed.start);
    this.#free = [...before, freed, ...apart.slice(before.length)];
  }

  /** Never lends this range again. */
  lose(bytes: number): void {
    this.#lent -= inPages(bytes);
    this.#lost += inPages(bytes);
  }
}

/** What a range for so many bytes takes up. */
export function inPages(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / PAGE)) * PAGE;
}
