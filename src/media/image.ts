/** One image: read, understood, rendered. */
import type { MediaResult, MediaSource } from '../sync/media-port.ts';
import type { Budget } from './budget.ts';
import { ContentFault } from './faults.ts';
import type { HeicDecoder } from './heic.ts';
import { type Decodable, openPicture, type Picture } from './picture.ts';
import { type Rendered, render } from './render.ts';
import { type Format, formatOf, SNIFFED_BYTES } from './sniff.ts';
import { metadataOf, NO_EXTENT, NOTHING_TOLD, type Told } from './told.ts';

/** Files are decoded from memory. */
export const MOST_FILE_BYTES = 512 << 20;
/** What is not to be decoded is looked at to such a length only. */
const MOST_HEADER_BYTES = 1 << 20;

export interface Studio {
  readonly maxPixels: number;
  readonly heic: HeicDecoder;
  /** Bytes of files in memory, and of pictures being decoded: two, so that nobody holds one and waits for the other. */
  readonly files: Budget;
  readonly decoding: Budget;
}

export async function processImage(
  source: MediaSource,
  sidecar: Told | null,
  studio: Studio,
  signal: AbortSignal,
): Promise<MediaResult> {
  let picture: Picture | null = null;
  let rendered: Rendered | null = null;
  let fault: ContentFault | null = null;
  const free = await studio.files.take(Math.min(source.size, MOST_FILE_BYTES), signal);
  try {
    picture = await look(source, sidecar?.orientation, signal);
    rendered = await develop(picture.decodable, studio, signal);
  } catch (thrown) {
    if (!(thrown instanceof ContentFault)) throw thrown;
    fault = thrown;
  } finally {
    free();
  }
  const sources = { ...NOTHING_TOLD, ...picture?.told, sidecar };
  return {
    state: fault?.state ?? 'ready',
    error: fault?.message ?? null,
    metadata: metadataOf(sources, picture?.extent ?? NO_EXTENT, source.mtimeNs),
    thumbhash: rendered?.thumbhash ?? null,
    variants: rendered?.variants ?? [],
  };
}

async function look(source: MediaSource, wanted: number | undefined, signal: AbortSignal): Promise<Picture> {
  const { size, fileName } = source;
  if (size === 0) throw new ContentFault('corrupt', 'the file is empty');
  const format = formatOf(await source.read(0, Math.min(size, SNIFFED_BYTES), signal), fileName);
  if (format === 'broken') throw new ContentFault('corrupt', 'the file does not begin like a picture of any kind');
  if (format === 'unsupported') throw new ContentFault('unsupported', 'pictures of this format are not decoded');
  const length = bytesToRead(format, size);
  const file = await source.read(0, length, signal);
  return openPicture(file, format, wanted);
}

function bytesToRead(format: Format, size: number): number {
  if (format === 'jxl') return Math.min(size, MOST_HEADER_BYTES);
  if (size <= MOST_FILE_BYTES) return size;
  throw new ContentFault('refused', `the file has ${size} bytes; up to ${MOST_FILE_BYTES} are read into memory`);
}

async function develop(decodable: Decodable | ContentFault, studio: Studio, signal: AbortSignal): Promise<Rendered> {
  if (decodable instanceof ContentFault) throw decodable;
  const { file, pixels, isHeic, orientation, colour, decodingBytes } = decodable;
  const { maxPixels } = studio;
  if (pixels > maxPixels) {
    throw new ContentFault('refused', `the picture has ${pixels} pixels; MAX_PIXELS allows ${maxPixels}`);
  }
  const free = await studio.decoding.take(decodingBytes, signal);
  try {
    const input = isHeic ? await studio.heic.decode({ file, maxPixels }, signal) : file;
    return await render(input, { orientation, colour, maxPixels }, signal);
  } finally {
    free();
  }
}
