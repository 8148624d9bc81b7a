/** The header of a picture, read without decoding it, and what is told there. */
import sharp, { type Metadata } from 'sharp';
import { within } from './clean.ts';
import { type Colour, colourOf } from './colour.ts';
import { orientationOf, readExif } from './exif.ts';
import { asFault, ContentFault } from './faults.ts';
import { readIptc } from './iptc.ts';
import { LONGEST_MS, type Sources } from './told.ts';
import { readXmp } from './xmp.ts';

export interface Header {
  readonly format: string;
  readonly codec: string | null;
  /** Of the pixels as they are decoded. */
  readonly orientation: number | undefined;
  /** Of one page, as it is stored. */
  readonly width: number;
  readonly height: number;
  /** Of all pages of an animation; null: there is but one. */
  readonly durationMs: number | null;
  readonly colour: Colour;
  /** About how much memory decoding it takes. */
  readonly decodingBytes: number;
  readonly told: Omit<Sources, 'sidecar' | 'container'>;
}

const FORMATS: ReadonlySet<string> = new Set(['jpeg', 'png', 'gif', 'webp', 'tiff', 'heif']);

/** Throws a ContentFault where there is no header to read. */
export async function readHeader(file: Buffer): Promise<Header> {
  const metadata = await sharp(file, { limitInputPixels: false }).metadata().catch(rethrow);
  const { format, width } = metadata;
  const height = metadata.pageHeight ?? metadata.height;
  // What the bytes began with and what libvips makes of them must be the same: nothing else is to be decoded.
  if (!FORMATS.has(format)) throw new ContentFault('unsupported', `${format} pictures are not decoded`);
  if (!(width > 0 && height > 0)) throw new ContentFault('corrupt', 'the picture has no pixels');
  return {
    format,
    codec: metadata.compression ?? null,
    // In HEIC and AVIF the container says it, the decoder does it, and what EXIF repeats is for information.
    orientation: format === 'heif' ? undefined : orientationOf(metadata.orientation),
    width,
    height,
    durationMs: durationOf(metadata),
    colour: colourOf(metadata),
    decodingBytes: width * height * bytesPerPixel(metadata),
    told: {
      // A TIFF is its own EXIF block.
      exif: readExif(format === 'tiff' ? file : metadata.exif),
      xmp: readXmp(metadata.xmp),
      iptc: readIptc(metadata.iptc),
    },
  };
}

function rethrow(thrown: unknown): never {
  throw asFault(thrown);
}

/** Delays that browsers, too, take for a tenth of a second. */
const LEAST_DELAY_MS = 11;

function durationOf({ pages, delay, format }: Metadata): number | null {
  if ((pages ?? 1) < 2 || delay === undefined || format === 'tiff') return null;
  let sum = 0;
  for (const ms of delay) sum += ms < LEAST_DELAY_MS ? 100 : ms;
  return within(sum, 0, LONGEST_MS) ?? null;
}

/** Baseline JPEGs, plain PNGs and most TIFFs are decoded line by line; others as a whole. */
function bytesPerPixel({ format, isProgressive, depth, channels }: Metadata): number {
  const each = (depth === 'ushort' ? 2 : depth === 'float' ? 4 : 1) * channels;
  if (format === 'jpeg') return isProgressive ? 6 : 0.2;
  if (format === 'png') return isProgressive ? each : 0.2;
  return format === 'tiff' ? each : 8;
}
