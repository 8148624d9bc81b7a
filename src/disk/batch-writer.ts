/** Collects the worker's findings into batches. */
import type { BigIntStats } from 'node:fs';
import type { ErrorCode } from '../errors.ts';
import { birthOf } from './facts.ts';
import type { Blind, FoundProblem, WalkBatch } from './walk-messages.ts';

/** A file's spelling on disk and its facts. */
export interface SeenFile {
  readonly path: string;
  readonly stats: BigIntStats;
}

export class BatchWriter {
  readonly #size: number;
  readonly #send: (batch: WalkBatch) => void;
  #columns: Columns;
  #found: FoundProblem[] = [];

  /** `send` gets a batch when it is full, and the last one from `finish`. */
  constructor(size: number, send: (batch: WalkBatch) => void) {
    this.#size = size;
    this.#send = send;
    this.#columns = new Columns(size);
  }

  /** `normal` is the NFC path that all these files share. */
  add(normal: string, file: SeenFile, twins: readonly SeenFile[]): void {
    const columns = this.#columns;
    if (twins.length > 0) columns.twins.push([columns.paths.length, twins.map((twin) => twin.path)]);
    columns.add(normal, file);
    if (columns.paths.length >= this.#size) this.#flush(false);
  }

  /** The entry at `path` is there but cannot be synced; the walk knows all else. */
  notice(path: string, code: ErrorCode, message: string, blind: Blind): void {
    this.#found.push({ problem: { path, code, message, hides: false }, blind });
  }

  /** Files may have been missed. */
  hides(path: string, code: ErrorCode, message: string, blindPath: string): void {
    this.#found.push({ problem: { path, code, message, hides: true }, blind: { path: blindPath, only: 'all' } });
  }

  finish(): void {
    this.#flush(true);
  }

  /** Forgets the files that were not sent: what was just seen was not the library. */
  dropFiles(): void {
    this.#columns = new Columns(this.#size);
  }

  #flush(last: boolean): void {
    // Cleared only afterwards: a batch that is not sent because the root was lost keeps its problems for the last one.
    this.#send({ ...this.#columns.filled(), found: this.#found, last });
    this.dropFiles();
    this.#found = [];
  }
}

class Columns {
  readonly paths: string[] = [];
  readonly twins: [number, string[]][] = [];
  readonly #normal: string[] = [];
  #allNormal = true;
  readonly #sizes: Float64Array<ArrayBuffer>;
  readonly #mtimes: BigInt64Array<ArrayBuffer>;
  readonly #devices: BigInt64Array<ArrayBuffer>;
  readonly #inodes: BigInt64Array<ArrayBuffer>;
  readonly #births: BigInt64Array<ArrayBuffer>;
  readonly #links: Uint32Array<ArrayBuffer>;

  constructor(size: number) {
    this.#sizes = new Float64Array(size);
    this.#mtimes = new BigInt64Array(size);
    this.#devices = new BigInt64Array(size);
    this.#inodes = new BigInt64Array(size);
    this.#births = new BigInt64Array(size);
    this.#links = new Uint32Array(size);
  }

  /** The arrays wrap unsigned numbers into signed 64-bit ones, as `identityOf` does. */
  add(normal: string, { path, stats }: SeenFile): void {
    const at = this.paths.length;
    this.paths.push(path);
    this.#normal.push(normal);
    if (path !== normal) this.#allNormal = false;
    this.#sizes[at] = Number(stats.size);
    this.#mtimes[at] = stats.mtimeNs;
    this.#devices[at] = stats.dev;
    this.#inodes[at] = stats.ino;
    this.#births[at] = birthOf(stats);
    this.#links[at] = Number(stats.nlink);
  }

  filled(): Omit<WalkBatch, 'found' | 'last'> {
    return {
      paths: this.paths,
      normal: this.#allNormal ? null : this.#normal,
      sizes: this.#sizes,
      mtimes: this.#mtimes,
      devices: this.#devices,
      inodes: this.#inodes,
      births: this.#births,
      links: this.#links,
      twins: this.twins,
    };
  }
}
