/** A log file that does not grow without end. */
import { appendFileSync, renameSync, statSync } from 'node:fs';

const MOST_BYTES = 2_000_000;
const TAIL_CHARACTERS = 4000;

/**
 * Appends to `path`; at 2 MB the file becomes `path.1`, replacing the one before. A log that can't be written (a full
 * disk) is no reason to stop what it tells about: the lines are dropped, but for the tail in memory.
 */
export class BoundedLog {
  readonly path: string;
  #tail = '';
  #bytes: number | undefined;

  constructor(path: string) {
    this.path = path;
  }

  write(text: string): void {
    this.#tail = (this.#tail + text).slice(-TAIL_CHARACTERS);
    try {
      this.#bytes ??= statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
      if (this.#bytes > MOST_BYTES) {
        renameSync(this.path, `${this.path}.1`);
        this.#bytes = 0;
      }
      appendFileSync(this.path, text, { mode: 0o600 });
      this.#bytes += Buffer.byteLength(text);
    } catch {
      this.#bytes = undefined;
    }
  }

  /** What was written since `forget`, at most 4,000 characters of it. */
  get tail(): string {
    return this.#tail;
  }

  forget(): void {
    this.#tail = '';
  }
}
