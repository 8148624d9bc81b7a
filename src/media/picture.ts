/** What is known of a picture before it is decoded, whatever its format. */
import { isCutOff } from './boxes.ts';
import type { Colour } from './colour.ts';
import { ContentFault } from './faults.ts';
import { type Header, readHeader } from './header.ts';
import { readJxl } from './jxl.ts';
import { isSideways } from './orient.ts';
import { type RawHeader, readRaw } from './raw.ts';
import type { Format } from './sniff.ts';
import { type Extent, NO_EXTENT, type Sources } from './told.ts';

export interface Picture {
  readonly told: Omit<Sources, 'sidecar' | 'container'>;
  /** Upright. */
  readonly extent: Extent;
  /** What is to be decoded for the variants, or why nothing is. */
  readonly decodable: Decodable | ContentFault;
}

export interface Decodable {
  readonly file: Buffer;
  /** Not for sharp: HEIC is a job for its own decoder. */
  readonly isHeic: boolean;
  readonly colour: Colour;
  /** To be applied to the pixels as they come. */
  readonly orientation: number | undefined;
  readonly pixels: number;
  readonly decodingBytes: number;
}

/** Throws a ContentFault where not even a header can be read. `wanted` is the orientation that a sidecar asks for. */
export async function openPicture(file: Buffer, format: Format, wanted: number | undefined): Promise<Picture> {
  if (format === 'raw') return openRaw(file, wanted);
  return format === 'jxl' ? openJxl(file) : openPlain(file, wanted);
}

async function openPlain(file: Buffer, wanted: number | undefined): Promise<Picture> {
  const header = await readHeader(file);
  const { width, height, durationMs, told, colour, decodingBytes } = header;
  // HEIC and AVIF come upright, and programs copy into sidecars what EXIF says.
  const orientation = header.format === 'heif' ? undefined : (wanted ?? header.orientation);
  const isHeic = header.format === 'heif' && header.codec !== 'av1';
  const decodable = { file, isHeic, colour, orientation, pixels: width * height, decodingBytes };
  const extent = { ...turned({ width, height }, orientation), durationMs };
  // The decoder of HEIC leaves what is missing blank, and is content.
  if (isHeic && isCutOff(file)) {
    return { told, extent, decodable: new ContentFault('corrupt', 'the picture is cut off') };
  }
  return { told, extent, decodable };
}

/** The variants are those of the preview; size and words are those of the RAW file, where it has them. */
async function openRaw(file: Buffer, wanted: number | undefined): Promise<Picture> {
  const raw = readRaw(file);
  const { preview } = raw;
  const header = preview === null ? withoutPreview(raw) : await readHeader(preview.bytes).catch(asContentFault);
  const inPreview = header instanceof ContentFault ? null : header;
  const orientation = wanted ?? raw.orientation ?? inPreview?.orientation;
  const size = raw.size ?? preview;
  return {
    told: {
      exif: raw.exif ?? inPreview?.told.exif ?? null,
      xmp: raw.xmp ?? inPreview?.told.xmp ?? null,
      iptc: inPreview?.told.iptc ?? null,
    },
    extent: { ...NO_EXTENT, ...(size === null ? {} : turned(size, orientation)) },
    decodable: header instanceof ContentFault ? header : decodablePreview(raw, header, orientation),
  };
}

function decodablePreview(raw: RawHeader, header: Header, orientation: number | undefined): Decodable | ContentFault {
  const { preview } = raw;
  if (preview === null) return withoutPreview(raw);
  const { colour, width, height, decodingBytes } = header;
  return {
    file: preview.bytes,
    isHeic: false,
    colour,
    orientation: isUprightAlready(raw, preview) ? undefined : orientation,
    pixels: width * height,
    decodingBytes,
  };
}

function withoutPreview({ cutOff }: RawHeader): ContentFault {
  if (cutOff) return new ContentFault('corrupt', 'the file is cut off');
  return new ContentFault('unsupported', 'the RAW file has no preview in it that can be shown');
}

function asContentFault(thrown: unknown): ContentFault {
  if (thrown instanceof ContentFault) return thrown;
  throw thrown;
}

/** Some cameras turn the preview and not the sensor's data. */
function isUprightAlready({ size }: RawHeader, preview: { readonly width: number; readonly height: number }): boolean {
  return size !== null && size.width > size.height && preview.width < preview.height;
}

function openJxl(file: Buffer): Picture {
  const { size, exif, xmp } = readJxl(file);
  const decodable = new ContentFault('unsupported', 'JPEG XL pictures are not decoded');
  return { told: { exif, xmp, iptc: null }, extent: { ...NO_EXTENT, ...size }, decodable };
}

function turned(size: { readonly width: number; readonly height: number }, orientation: number | undefined) {
  const { width, height } = size;
  return isSideways(orientation) ? { width: height, height: width } : { width, height };
}
