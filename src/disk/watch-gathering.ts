/** Changes, gathered until the disk is quiet for a while. */

/** Beyond so many albums one pass over everything costs less than one over each. */
const MOST_ALBUMS = 1_000;
/** Under changes without end, changes are told after so many times the quiet time. */
const LONGEST_WAIT = 10;

export class Gathering {
  readonly #quietMs: number;
  readonly #tell: (albums: ReadonlySet<string> | null) => void;
  #albums: Set<string> | null = new Set();
  /** When the oldest change that is not told yet was seen. */
  #since: number | null = null;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(quietMs: number, tell: (albums: ReadonlySet<string> | null) => void) {
    this.#quietMs = quietMs;
    this.#tell = tell;
  }

  /** Something changed in this album. */
  add(album: string): void {
    this.#albums?.add(album);
    if (this.#albums !== null && this.#albums.size > MOST_ALBUMS) this.#albums = null;
    this.#wait();
  }

  /** Something may have changed anywhere. */
  addAll(): void {
    this.#albums = null;
    this.#wait();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #wait(): void {
    if (this.#closed) return;
    const now = performance.now();
    this.#since ??= now;
    const longest = this.#since + LONGEST_WAIT * this.#quietMs - now;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#flush(), Math.max(0, Math.min(this.#quietMs, longest)));
  }

  #flush(): void {
    const albums = this.#albums;
    this.#albums = new Set();
    this.#since = null;
    this.#tell(albums);
  }
}
