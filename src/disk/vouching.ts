/** What a walk's silence proves: whether a key that it did not yield is gone from the disk. */
import { compareKeys } from '../sync/key-order.ts';
import type { Excludes } from './excludes.ts';
import { pathOf } from './keys.ts';
import type { Blind } from './walk-messages.ts';

const BEYOND_ASCII = /[^\0-\x7f]/;

export class Vouching {
  readonly #prefix: string;
  readonly #album: string | null;
  readonly #excludes: Excludes;
  /** NFC paths below which nothing is known; '' is all. */
  readonly #blind = new Set<string>();
  /** Folders in which nothing is known of names beyond ASCII. */
  readonly #blindBeyondAscii = new Set<string>();
  #passed: string | null = null;
  #ended = false;

  constructor(prefix: string, album: string | null, excludes: Excludes) {
    this.#prefix = prefix;
    this.#album = album;
    this.#excludes = excludes;
  }

  doubt({ path, only }: Blind): void {
    (only === 'all' ? this.#blind : this.#blindBeyondAscii).add(path);
  }

  /** The walk has yielded everything up to this key. */
  pass(key: string): void {
    this.#passed = key;
  }

  end(): void {
    this.#ended = true;
  }

  vouchesFor(key: string): boolean {
    if (!this.#ended && (this.#passed === null || compareKeys(key, this.#passed) > 0)) return false;
    const { path } = pathOf(this.#prefix, key);
    // A key that no file can have is not this walk's to judge.
    if (path === null || !this.#inScope(path)) return false;
    return !this.#isBlindFor(path) && !this.#excludes.coversFile(path);
  }

  #inScope(path: string): boolean {
    if (this.#album === null) return true;
    const slash = path.lastIndexOf('/');
    return (slash === -1 ? '.' : path.slice(0, slash)) === this.#album;
  }

  /** Looks at the path and each folder above it. */
  #isBlindFor(path: string): boolean {
    if (this.#blind.size === 0 && this.#blindBeyondAscii.size === 0) return false;
    if (this.#blind.has(path)) return true;
    for (let end = path.length; end > 0; ) {
      const slash = path.lastIndexOf('/', end - 1);
      const folder = path.slice(0, Math.max(slash, 0));
      const name = path.slice(slash + 1, end);
      if (this.#blind.has(folder)) return true;
      if (this.#blindBeyondAscii.has(folder) && BEYOND_ASCII.test(name)) return true;
      end = slash;
    }
    return false;
  }
}
