/** The MediaPort of a process: sharp for what it decodes, libheif for HEIC, the camera's own preview for RAW. */
import { availableParallelism } from 'node:os';
import sharp from 'sharp';
import type { MediaPort, MediaResult, MediaSource } from '../sync/media-port.ts';
import { Budget } from './budget.ts';
import { HeicDecoder } from './heic.ts';
import { MOST_FILE_BYTES, processImage, type Studio } from './image.ts';
import { metadataOf, NO_EXTENT, NOTHING_TOLD } from './told.ts';
import { processVideo } from './video.ts';
import { readXmp } from './xmp.ts';

export interface MediaOptions {
  /** An image with more is not decoded. */
  readonly maxPixels: number;
  /** Images at once; as many as there are processors if left out. */
  readonly concurrency?: number;
}

/** What decoders may take all together, by estimate. One picture that needs more is decoded alone. */
const DECODING_BYTES = 1 << 30;

/** Sets sharp up for the whole process: its threads and its cache are shared by all. */
export function openMedia(options: MediaOptions): MediaPort {
  // One thread a picture, and as many pictures as processors: encoding WebP is most of the work and has but one thread
  // (bench/media.ts measures it). No picture comes twice, so nothing is to be cached.
  sharp.concurrency(1);
  sharp.cache(false);
  return new Media(options.concurrency ?? availableParallelism(), options.maxPixels);
}

class Media implements MediaPort {
  readonly concurrency: number;
  readonly #places: Budget;
  readonly #studio: Studio;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  constructor(concurrency: number, maxPixels: number) {
    this.concurrency = concurrency;
    this.#places = new Budget(concurrency);
    this.#studio = {
      maxPixels,
      heic: new HeicDecoder(),
      files: new Budget(MOST_FILE_BYTES),
      decoding: new Budget(DECODING_BYTES),
    };
  }

  async process(source: MediaSource, signal: AbortSignal): Promise<MediaResult> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    const leave = await this.#places.take(1, either);
    const running = this.#process(source, either).finally(leave);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(new DOMException('the processing of media was closed', 'AbortError'));
    await Promise.allSettled(this.#running);
    await this.#studio.heic.close();
  }

  async #process(source: MediaSource, signal: AbortSignal): Promise<MediaResult> {
    const sidecar = readXmp(source.sidecar);
    if (source.kind === 'image') return processImage(source, sidecar, this.#studio, signal);
    if (source.kind === 'video') return processVideo(source, sidecar, signal);
    const metadata = metadataOf({ ...NOTHING_TOLD, sidecar }, NO_EXTENT, source.mtimeNs);
    return { state: 'unsupported', error: null, metadata, thumbhash: null, variants: [] };
  }
}
