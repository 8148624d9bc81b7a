/** Collects the worker's findings into batches. */
import type { BigIntStats } from 'node:fs';
import type { ErrorCode } from '../errors.ts';
import type { Blind, FoundProblem, WalkBatch } from './walk-messages.ts';

/** A file's spelling on disk and its facts. */
export interface SeenFile {
  readonly path: string;
  readonly stats: BigIntStats;
}

export class BatchWriter {
  readonly #size: number;
  readonly #send: (batch: WalkBatch) => void;
  #normal: string[] = [];
  #files: SeenFile[] = [];
  #twins: [number, string[]][] = [];
  #found: FoundProblem[] = [];

  /** `send` gets a batch when it is full, and the last one from `finish`. */
  constructor(size: number, send: (batch: WalkBatch) => void) {
    this.#size = size;
    this.#send = send;
  }

  /** `normal` is the NFC path that all these files share; all but one of them are twins. */
  add(normal: string, file: SeenFile, twins: readonly SeenFile[]): void {
    if (twins.length > 0) this.#twins.push([this.#files.length, twins.map((twin) => twin.path)]);
    this.#normal.push(normal);
    this.#files.push(file);
    if (this.#files.length >= this.#size) this.#flush(false);
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
    [this.#normal, this.#files, this.#twins] = [[], [], []];
  }

  #flush(last: boolean): void {
    const stats = this.#files.map((file) => file.stats);
    const paths = this.#files.map((file) => file.path);
    const normal = this.#normal;
    const batch = {
      paths,
      normal: paths.every((path, i) => path === normal[i]) ? null : normal,
      sizes: Float64Array.from(stats, (one) => Number(one.size)),
      // The arrays wrap unsigned numbers into signed 64-bit ones, as `identityOf` does.
      mtimes: BigInt64Array.from(stats, (one) => one.mtimeNs),
      devices: BigInt64Array.from(stats, (one) => one.dev),
      inodes: BigInt64Array.from(stats, (one) => one.ino),
      twins: this.#twins,
      found: this.#found,
      last,
    };
    // Only now: a batch that is not sent because the root was lost keeps its problems for the last one.
    this.#send(batch);
    this.dropFiles();
    this.#found = [];
  }
}
