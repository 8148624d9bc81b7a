/**
 * Reads TIFF directories (TIFF 6.0): what EXIF blocks and most RAW formats are made of. Nothing in it is trusted:
 * offsets may point anywhere, counts may be anything, directories may be chained in circles.
 */

const BYTES_OF_TYPE = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4];
const ASCII = 2;
/** More entries than any camera writes. */
const MOST_ENTRIES = 1_024;
const MOST_DIRECTORIES = 64;
const MOST_NUMBERS = 64;

/** TIFF itself, and the marks that Panasonic and Olympus put in its place. */
const MARKS: ReadonlySet<number> = new Set([0x2a, 0x55, 0x4f52, 0x5352]);

const SUB_IFDS = 0x014a;

interface Entry {
  readonly type: number;
  readonly count: number;
  /** Of the value. */
  readonly offset: number;
}

/** The fields of one directory. */
export class Directory {
  readonly #tiff: Tiff;
  readonly #entries: ReadonlyMap<number, Entry>;
  /** Where the next one of the chain is; 0: nowhere. */
  readonly next: number;

  constructor(tiff: Tiff, entries: ReadonlyMap<number, Entry>, next: number) {
    this.#tiff = tiff;
    this.#entries = entries;
    this.next = next;
  }

  has(tag: number): boolean {
    return this.#entries.has(tag);
  }

  /** How many values there are, as the file says. */
  count(tag: number): number {
    return this.#entries.get(tag)?.count ?? 0;
  }

  /** The first of its numbers. */
  number(tag: number): number | undefined {
    return this.numbers(tag)[0];
  }

  /** Its numbers, at most 64; a rational with the denominator 0 is NaN. */
  numbers(tag: number): readonly number[] {
    const entry = this.#entries.get(tag);
    return entry === undefined ? [] : this.#tiff.numbersAt(entry.type, entry.offset, entry.count);
  }

  /** Its bytes as they are, at most so many. */
  bytes(tag: number, most: number): Buffer | undefined {
    const entry = this.#entries.get(tag);
    if (entry === undefined) return undefined;
    const length = Math.min(entry.count * (BYTES_OF_TYPE[entry.type] ?? 1), most);
    return this.#tiff.bytes.subarray(entry.offset, entry.offset + length);
  }

  isText(tag: number): boolean {
    return this.#entries.get(tag)?.type === ASCII;
  }
}

export class Tiff {
  readonly bytes: Buffer;
  readonly #little: boolean;

  private constructor(bytes: Buffer, little: boolean) {
    this.bytes = bytes;
    this.#little = little;
  }

  /** Null if it is none. */
  static open(bytes: Buffer): Tiff | null {
    const order = bytes.toString('latin1', 0, 2);
    if (bytes.length < 8 || (order !== 'II' && order !== 'MM')) return null;
    const tiff = new Tiff(bytes, order === 'II');
    return MARKS.has(tiff.#uint(2, 2)) ? tiff : null;
  }

  /** The first directory; null if there is none. */
  first(): Directory | null {
    return this.directory(this.#uint(4, 4));
  }

  /** All directories of the chain and those below them (SubIFDs), each once. */
  all(): readonly Directory[] {
    const found: Directory[] = [];
    const seen = new Set<number>();
    const waiting = [this.#uint(4, 4)];
    for (let at = waiting.shift(); at !== undefined && seen.size < MOST_DIRECTORIES; at = waiting.shift()) {
      if (seen.has(at)) continue;
      seen.add(at);
      const directory = this.directory(at);
      if (directory === null) continue;
      found.push(directory);
      waiting.push(...directory.numbers(SUB_IFDS), directory.next);
    }
    return found;
  }

  /** The directory at an offset. Entries whose value is not within the bytes are left out. */
  directory(offset: number | undefined): Directory | null {
    // Offsets may be written as fractions, and as nothing at all.
    if (!Number.isInteger(offset) || offset === undefined || offset < 8 || offset + 2 > this.bytes.length) return null;
    const count = this.#uint(offset, 2);
    const entries = new Map<number, Entry>();
    for (let i = 0; i < Math.min(count, MOST_ENTRIES); i++) {
      const at = offset + 2 + i * 12;
      if (at + 12 > this.bytes.length) break;
      const entry = this.#entry(at);
      const tag = this.#uint(at, 2);
      if (entry !== null && !entries.has(tag)) entries.set(tag, entry);
    }
    const end = offset + 2 + count * 12;
    return new Directory(this, entries, end + 4 <= this.bytes.length ? this.#uint(end, 4) : 0);
  }

  #entry(at: number): Entry | null {
    const [type, count] = [this.#uint(at + 2, 2), this.#uint(at + 4, 4)];
    const length = (BYTES_OF_TYPE[type] ?? 0) * count;
    const offset = length <= 4 ? at + 8 : this.#uint(at + 8, 4);
    return length === 0 || offset + length > this.bytes.length ? null : { type, count, offset };
  }

  numbersAt(type: number, offset: number, count: number): readonly number[] {
    const step = BYTES_OF_TYPE[type] ?? 0;
    return Array.from({ length: Math.min(count, MOST_NUMBERS) }, (_, i) => this.#numberAt(type, offset + i * step));
  }

  #numberAt(type: number, at: number): number {
    switch (type) {
      case 5:
        return this.#uint(at, 4) / this.#denominator(this.#uint(at + 4, 4));
      case 10:
        return this.#int(at, 4) / this.#denominator(this.#int(at + 4, 4));
      case 6:
      case 8:
      case 9:
        return this.#int(at, BYTES_OF_TYPE[type] ?? 1);
      case 11:
        return this.#little ? this.bytes.readFloatLE(at) : this.bytes.readFloatBE(at);
      case 12:
        return this.#little ? this.bytes.readDoubleLE(at) : this.bytes.readDoubleBE(at);
      default:
        return this.#uint(at, BYTES_OF_TYPE[type] ?? 1);
    }
  }

  /** x/0 is how cameras say that they don't know. */
  #denominator(value: number): number {
    return value === 0 ? Number.NaN : value;
  }

  #uint(at: number, length: number): number {
    return this.#little ? this.bytes.readUIntLE(at, length) : this.bytes.readUIntBE(at, length);
  }

  #int(at: number, length: number): number {
    return this.#little ? this.bytes.readIntLE(at, length) : this.bytes.readIntBE(at, length);
  }
}
