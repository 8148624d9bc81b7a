/** What can go wrong with a picture, and how it is told. */
import { RollcallError } from '../errors.ts';
import type { MediaState } from '../sync/media-port.ts';
import { label } from './clean.ts';

/** The content of a file is at fault: a state of the photo, caught where its result is made. */
export class ContentFault extends Error {
  readonly state: Exclude<MediaState, 'ready'>;

  constructor(state: Exclude<MediaState, 'ready'>, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.state = state;
  }
}

/** The processing itself is at fault; the same file may do another time. */
export function mediaFailed(what: string, cause?: unknown): RollcallError {
  return new RollcallError('MEDIA_FAILED', what, { cause });
}

/** A file that keeps a decoder busy for minutes is made to. */
export function tooLong(cause?: unknown): ContentFault {
  return new ContentFault('corrupt', 'the picture takes too long to decode', { cause });
}

const NO_MEMORY = /out of memory|cannot allocate|unable to allocate|allocation failed/i;

/** What a decoder threw, as what it means. */
export function asFault(thrown: unknown): Error {
  if (thrown instanceof ContentFault || thrown instanceof RollcallError) return thrown;
  const said = thrown instanceof Error ? thrown.message : String(thrown);
  if (NO_MEMORY.test(said)) return mediaFailed('there was no memory to decode the picture', thrown);
  if (/^timeout: /.test(said)) return tooLong(thrown);
  // Decoders say the same for each line or tile that they miss.
  const first = label(said.split('\n')[0]?.replace(/^Input buffer has corrupt header: /, '')) ?? 'unknown';
  return new ContentFault('corrupt', `the picture is broken or cut off (${first})`, { cause: thrown });
}
