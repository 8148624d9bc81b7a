/** Reads a file in pieces, and no more of it than an index can take. */
import type { MediaSource } from '../sync/media-port.ts';
import { ContentFault } from './faults.ts';
import type { Extent, Told } from './told.ts';

/** The index of a film of hours is skipped from box to box; what is read of it is small. */
const MOST_BYTES = 16 << 20;

/** What a container tells. */
export interface Container {
  readonly extent: Extent;
  readonly told: Told;
  /** Does it say that something is where the file has ended? */
  readonly cutOff: boolean;
}

export class PiecewiseFile {
  readonly size: number;
  readonly #source: MediaSource;
  readonly #signal: AbortSignal;
  #left = MOST_BYTES;

  constructor(source: MediaSource, signal: AbortSignal) {
    this.size = source.size;
    this.#source = source;
    this.#signal = signal;
  }

  /** As many bytes as there are from here, at most `length`. */
  async read(offset: number, length: number): Promise<Buffer> {
    const bytes = Math.max(0, Math.min(length, this.size - offset));
    if (bytes === 0) return Buffer.alloc(0);
    this.#left -= bytes;
    if (this.#left < 0) throw new ContentFault('corrupt', 'the video’s index leads nowhere');
    return this.#source.read(offset, bytes, this.#signal);
  }
}
