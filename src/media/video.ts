/**
 * One video: how long and how large it is, when and where it was made. Read in pieces, never as a whole, and by readers
 * that are bounded whatever the file says: a general library took minutes for an index with one wrong byte.
 */
import type { MediaResult, MediaSource } from '../sync/media-port.ts';
import { isAvi, readAvi } from './avi.ts';
import { ContentFault } from './faults.ts';
import { isIsoVideo, readIsoVideo } from './iso-video.ts';
import { isMatroska, readMatroska } from './matroska.ts';
import { type Container, PiecewiseFile } from './piecewise.ts';
import { metadataOf, NO_EXTENT, NOTHING_TOLD, type Told } from './told.ts';

const HEAD_BYTES = 16;

/** Names of what is read; a file of such a name that cannot be is broken. */
const READABLE = /\.(?:mp4|m4v|mov|qt|3gp|3g2|webm|mkv|avi)$/i;

export async function processVideo(
  source: MediaSource,
  sidecar: Told | null,
  signal: AbortSignal,
): Promise<MediaResult> {
  let container: Container | null = null;
  let fault: ContentFault | null = null;
  try {
    container = await look(source, signal);
    if (container.cutOff) fault = new ContentFault('corrupt', 'the video is cut off');
  } catch (thrown) {
    if (!(thrown instanceof ContentFault)) throw thrown;
    fault = thrown;
  }
  const sources = { ...NOTHING_TOLD, container: container?.told ?? null, sidecar };
  return {
    state: fault?.state ?? 'ready',
    error: fault?.message ?? null,
    metadata: metadataOf(sources, container?.extent ?? NO_EXTENT, source.mtimeNs),
    thumbhash: null,
    variants: [],
  };
}

async function look(source: MediaSource, signal: AbortSignal): Promise<Container> {
  if (source.size === 0) throw new ContentFault('corrupt', 'the file is empty');
  const file = new PiecewiseFile(source, signal);
  const head = await file.read(0, HEAD_BYTES);
  if (isIsoVideo(head)) return readIsoVideo(file);
  if (isMatroska(head)) return readMatroska(file);
  if (isAvi(head)) return readAvi(file);
  throw READABLE.test(source.fileName)
    ? new ContentFault('corrupt', 'the file does not begin like a video')
    : new ContentFault('unsupported', 'videos of this format are not read');
}
