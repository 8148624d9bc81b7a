/**
 * What the engine asks of whoever understands pictures (DESIGN 10). The adapter is in media/; nothing of sharp or of the
 * metadata readers is to be seen here.
 */

import type { PhotoKind } from './types.ts';

/**
 * What came of processing a file.
 * - `ready`: read; an image has its variants.
 * - `unsupported`: of a format that cannot be previewed. What its metadata tell is there as far as they could be read.
 * - `refused`: more pixels than MAX_PIXELS, or more bytes than are read into memory.
 * - `corrupt`: not what it says it is, or broken off.
 * All of these are states of a photo that syncs; none is a failure of the processing.
 */
export type MediaState = 'ready' | 'unsupported' | 'refused' | 'corrupt';

/** One version of a file, to be read at will; it fails (FILE_UNSTABLE, FILE_UNREADABLE) when it is another by now. */
export interface MediaSource {
  /** The last part of its path: what a format is called by where the bytes don't say. */
  readonly fileName: string;
  readonly kind: PhotoKind;
  /** Bytes. */
  readonly size: number;
  readonly mtimeNs: bigint;
  /** Exactly `length` bytes at `offset`. */
  read(offset: number, length: number, signal: AbortSignal): Promise<Buffer>;
  /** The whole XMP sidecar that belongs to it; null: none. Its words win over those inside the file. */
  readonly sidecar: Buffer | null;
}

/** When a photo was taken, and how that is known. */
export interface TakenAt {
  /** Milliseconds since 1970. Without an offset: as if the clock on the wall had been that of UTC. */
  readonly atMs: number;
  /** Minutes east of UTC; null: not known. */
  readonly offsetMinutes: number | null;
  readonly from: 'exif' | 'xmp' | 'container' | 'file';
}

/** What a photo or a video tells of itself; null: it doesn't. */
export interface PhotoMetadata {
  /** Pixels as it is to be looked at: orientation applied. */
  readonly width: number | null;
  readonly height: number | null;
  /** Of a video or an animation. */
  readonly durationMs: number | null;
  readonly takenAt: TakenAt;
  readonly camera: { readonly make: string | null; readonly model: string | null } | null;
  readonly lens: string | null;
  readonly exposureSeconds: number | null;
  readonly fNumber: number | null;
  readonly iso: number | null;
  readonly focalLengthMm: number | null;
  readonly focalLength35mm: number | null;
  /** Decimal degrees (WGS 84); metres above sea level. Null for 0, 0 and other places that no receiver ever saw. */
  readonly gps: { readonly latitude: number; readonly longitude: number; readonly altitude: number | null } | null;
  /** 1 to 5; 0: rated with nothing; -1: rejected. */
  readonly rating: number | null;
  readonly title: string | null;
  readonly description: string | null;
  readonly keywords: readonly string[];
}

/** Long side in pixels. A smaller image is not enlarged. */
export const VARIANTS = { thumb: 320, preview: 1600 } as const;

export type VariantName = keyof typeof VARIANTS;

/** WebP, sRGB, upright, with no metadata. */
export interface RenderedVariant {
  readonly name: VariantName;
  readonly bytes: Buffer;
  readonly width: number;
  readonly height: number;
}

export interface MediaResult {
  readonly state: MediaState;
  /** For a person, in a sentence; null when there is nothing to say. */
  readonly error: string | null;
  readonly metadata: PhotoMetadata;
  /** ThumbHash in base64; null where there is no picture. */
  readonly thumbhash: string | null;
  readonly variants: readonly RenderedVariant[];
}

/** Reads and renders. Bounded in memory and in what runs at once; to be closed. */
export interface MediaPort {
  /**
   * Reads the file once. Whatever is wrong with its content is in the answer; throws only what `read` throws, what the
   * signal says, and MEDIA_FAILED when the processing itself broke (no memory, a decoder that died).
   */
  process(source: MediaSource, signal: AbortSignal): Promise<MediaResult>;
  /** How many are worth processing at once. */
  readonly concurrency: number;
  close(): Promise<void>;
}
