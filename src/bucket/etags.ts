/** ETags and part sizes: pure functions. An object put whole has its MD5 as ETag, one put in parts `MD5(MD5s)-N`. */
import { createHash, type Hash } from 'node:crypto';

const MIB = 1024 * 1024;
const SMALLEST_PART = 16 * MIB;
/** What S3 takes at least, but for the last one. */
const LEAST_PART = 5 * MIB;
const COPY_PART = 512 * MIB;
const MOST_PARTS = 10_000;

/** Part sizes that clients are known to use: rclone 5, aws 8, s3cmd 15, Rollcall 16, and what people set. */
const USUAL_PARTS_MIB = [
  5, 6, 7, 8, 10, 12, 15, 16, 20, 24, 25, 32, 48, 50, 64, 96, 100, 128, 200, 256, 500, 512, 1024,
];

const MOST_WHOLE_SIZES = 6;

/** Files larger than this go up in parts. */
export const WHOLE_UPLOAD_LIMIT = SMALLEST_PART;

/** An ETag without its quotes and weakness mark; `''` when the server sent none. */
export function unquoted(etag: string | undefined): string {
  return etag === undefined ? '' : etag.replace(/^(?:W\/)?"?([^"]*)"?$/, '$1');
}

/** An ETag as a bucket wants it in an If-Match. */
export function inForm(form: 'quoted' | 'unquoted', etag: string): string {
  return form === 'quoted' ? `"${etag}"` : etag;
}

/** Has this ETag the form of an MD5? (Objects encrypted with KMS have that too, and it is none.) */
export function isMd5Etag(etag: string): boolean {
  return /^[0-9a-f]{32}$/i.test(etag);
}

/** How many parts an ETag of a multipart upload speaks of; null for any other ETag. */
export function partCountOf(etag: string): number | null {
  const match = /^[0-9a-f]{32}-(\d{1,5})$/i.exec(etag);
  return match === null ? null : Number(match[1]);
}

/** Are these the same ETag? Servers differ in the case of the hex digits. */
export function sameEtag(a: string, b: string): boolean {
  return a !== '' && a.toLowerCase() === b.toLowerCase();
}

/** The ETag of an object put together from parts with these MD5s. */
export function multipartEtag(partMd5s: readonly Buffer[]): string {
  const whole = createHash('md5');
  for (const md5 of partMd5s) whole.update(md5);
  return `${whole.digest('hex')}-${partMd5s.length}`;
}

/** The size of the parts a file goes up in: whole MiB, at least 16, at most 10,000 parts. */
export function uploadPartSize(size: number): number {
  return Math.max(SMALLEST_PART, Math.ceil(size / MOST_PARTS / MIB) * MIB);
}

/**
 * The size of the parts in which an object is copied: those of its upload where its ETag and size tell them, since the
 * copy's ETag then is the same; otherwise large ones, at most `limit` bytes.
 */
export function copyPartSize(
  { size, etag }: { readonly size: number; readonly etag: string },
  recorded: number | null,
  limit: number,
): number {
  const parts = partCountOf(etag) ?? 0;
  const likely = parts < 2 ? [] : candidatePartSizes(size, parts, recorded);
  const fitting = likely.find((part) => part >= LEAST_PART && part <= limit);
  return fitting ?? Math.min(limit, Math.max(COPY_PART, Math.ceil(size / MOST_PARTS / MIB) * MIB));
}

/**
 * Part sizes that cut `size` bytes into exactly `parts` parts: the recorded one first, then those that clients
 * use, then those that follow from the size. A handful at most.
 */
export function candidatePartSizes(size: number, parts: number, recorded: number | null): number[] {
  const even = Math.ceil(size / parts);
  const candidates = [
    ...(recorded === null ? [] : [recorded]),
    ...USUAL_PARTS_MIB.map((mib) => mib * MIB),
    Math.ceil(even / MIB) * MIB,
    even,
    ...wholeMibSizes(size, parts),
  ];
  const fits = (part: number): boolean => part > 0 && Math.max(1, Math.ceil(size / part)) === parts;
  // A single part holds the whole file whatever its nominal size.
  const sizes = parts === 1 ? candidates.filter(fits).slice(0, 1) : candidates.filter(fits);
  return [...new Set(sizes)];
}

/** Every whole number of MiB that gives this many parts, when there are only a few: each is a hash of all bytes. */
function wholeMibSizes(size: number, parts: number): number[] {
  if (parts < 2) return [];
  const least = Math.ceil(size / parts / MIB);
  const most = Math.ceil(size / (parts - 1) / MIB) - 1;
  if (most - least >= MOST_WHOLE_SIZES) return [];
  return Array.from({ length: Math.max(most - least + 1, 0) }, (_, i) => (least + i) * MIB);
}

/** Hashes a stream of bytes once: its MD5, and the multipart ETag for each of several part sizes. */
export class ContentHash {
  readonly #whole = createHash('md5');
  readonly #parts: PartHash[];

  constructor(partSizes: readonly number[]) {
    this.#parts = partSizes.map((size) => new PartHash(size));
  }

  update(bytes: Buffer): void {
    this.#whole.update(bytes);
    for (const parts of this.#parts) parts.update(bytes);
  }

  /** The MD5, and which part size gives which ETag. To be called once, at the end. */
  digest(): { readonly md5: string; readonly etags: ReadonlyMap<number, string> } {
    return {
      md5: this.#whole.digest('hex'),
      etags: new Map(this.#parts.map((parts) => [parts.partSize, parts.etag()])),
    };
  }
}

class PartHash {
  readonly partSize: number;
  readonly #finished: Buffer[] = [];
  #open: Hash = createHash('md5');
  #filled = 0;

  constructor(partSize: number) {
    this.partSize = partSize;
  }

  update(bytes: Buffer): void {
    for (let start = 0; start < bytes.length; ) {
      if (this.#filled === this.partSize) this.#finish();
      const end = Math.min(bytes.length, start + this.partSize - this.#filled);
      this.#open.update(bytes.subarray(start, end));
      this.#filled += end - start;
      start = end;
    }
  }

  etag(): string {
    if (this.#filled > 0 || this.#finished.length === 0) this.#finish();
    return multipartEtag(this.#finished);
  }

  #finish(): void {
    this.#finished.push(this.#open.digest());
    this.#open = createHash('md5');
    this.#filled = 0;
  }
}
