/** One video: how long and how large it is, when and where it was made. Read in pieces, never as a whole. */
import { CustomSource, Input, type InputVideoTrack, ALL_FORMATS, type MetadataTags } from 'mediabunny';
import type { MediaResult, MediaSource } from '../sync/media-port.ts';
import { boxesIn, boxHeader, boxOf } from './boxes.ts';
import { decodeText, label, placeOf, prose, within } from './clean.ts';
import { ContentFault } from './faults.ts';
import { momentOf, momentSince1904 } from './moment.ts';
import { type Extent, metadataOf, NO_EXTENT, NOTHING_TOLD, type Told } from './told.ts';

/** The index of a film of many hours has a few million bytes. */
const MOST_BYTES = 64 << 20;
/** Boxes at the top of a file, of which one is its index. */
const MOST_TOP_BOXES = 64;
const MVHD_WITHIN = 4_096;
const LONGEST_MS = 1e10;
const MOST_SIDE = 100_000;

/** Containers that are read; a file of such a name that cannot be is broken. */
const READABLE = /\.(?:mp4|m4v|mov|qt|3gp|3g2|webm|mkv)$/i;

export async function processVideo(
  source: MediaSource,
  sidecar: Told | null,
  signal: AbortSignal,
): Promise<MediaResult> {
  let [extent, container, fault]: [Extent, Told | null, ContentFault | null] = [NO_EXTENT, null, null];
  try {
    if (source.size === 0) throw new ContentFault('corrupt', 'the file is empty');
    ({ extent, container } = await look(source, signal));
  } catch (thrown) {
    if (!(thrown instanceof ContentFault)) throw thrown;
    fault = thrown;
  }
  return {
    state: fault?.state ?? 'ready',
    error: fault?.message ?? null,
    metadata: metadataOf({ ...NOTHING_TOLD, container, sidecar }, extent, source.mtimeNs),
    thumbhash: null,
    variants: [],
  };
}

async function look(source: MediaSource, signal: AbortSignal) {
  const reading = new Reading(source, signal);
  const input = new Input({ formats: ALL_FORMATS, source: reading.forMediabunny() });
  try {
    if (!(await input.canRead())) throw unreadable(source.fileName);
    const track = await input.getPrimaryVideoTrack();
    const tags = await input.getMetadataTags();
    const extent = { ...(await sizeOf(track)), durationMs: await durationOf(input) };
    return { extent, container: { ...toldBy(tags), ...(await createdAt(reading, tags)) } };
  } catch (thrown) {
    // What reading threw is more than a fault of the content, whatever the library made of it.
    if (reading.failure !== null) throw reading.failure;
    signal.throwIfAborted();
    if (thrown instanceof ContentFault) throw thrown;
    const said = label(thrown instanceof Error ? thrown.message : String(thrown)) ?? 'unknown error';
    throw new ContentFault('corrupt', `the video is broken or cut off (${said})`, { cause: thrown });
  } finally {
    input.dispose();
  }
}

function unreadable(fileName: string): ContentFault {
  return READABLE.test(fileName)
    ? new ContentFault('corrupt', 'the file does not begin like a video')
    : new ContentFault('unsupported', 'videos of this format are not read');
}

/** Reads pieces of the file, and no more of them than an index can have. */
class Reading {
  readonly size: number;
  failure: unknown = null;
  readonly #source: MediaSource;
  readonly #signal: AbortSignal;
  #left = MOST_BYTES;

  constructor(source: MediaSource, signal: AbortSignal) {
    this.size = source.size;
    this.#source = source;
    this.#signal = signal;
  }

  async read(offset: number, length: number): Promise<Buffer> {
    this.#left -= length;
    if (this.#left < 0) throw new ContentFault('corrupt', `the video's index has more than ${MOST_BYTES} bytes`);
    return this.#source.read(offset, length, this.#signal);
  }

  forMediabunny(): CustomSource {
    const read = async (start: number, end: number) => {
      try {
        return await this.read(start, end - start);
      } catch (thrown) {
        this.failure ??= thrown;
        throw thrown;
      }
    };
    return new CustomSource({ getSize: () => this.size, read, handleUnhandledError: () => {} });
  }
}

async function sizeOf(track: InputVideoTrack | null): Promise<Pick<Extent, 'width' | 'height'>> {
  if (track === null) return { width: null, height: null };
  const [width, height] = [await track.getDisplayWidth(), await track.getDisplayHeight()];
  return { width: side(width), height: side(height) };
}

function side(value: number): number | null {
  return within(Math.round(value), 1, MOST_SIDE) ?? null;
}

/** As the container says; else, for what was recorded as it came, from its packets. */
async function durationOf(input: Input): Promise<number | null> {
  const seconds = (await input.getDurationFromMetadata()) ?? (await input.computeDuration());
  return within(Math.round(seconds * 1000), 0, LONGEST_MS) ?? null;
}

/** QuickTime's own word has the offset; what every MP4 has is UTC. */
async function createdAt(reading: Reading, { raw }: MetadataTags): Promise<Pick<Told, 'takenAt'>> {
  const said = momentOf(textOf(raw, 'com.apple.quicktime.creationdate')) ?? momentOf(textOf(raw, '©day'));
  return { takenAt: said ?? (await movieCreatedAt(reading)) };
}

async function movieCreatedAt(reading: Reading): Promise<Told['takenAt']> {
  for (let at = 0, seen = 0; at + 16 <= reading.size && seen < MOST_TOP_BOXES; seen++) {
    const { type, headerLength, length } = boxHeader(await reading.read(at, 16), reading.size - at);
    if (length < headerLength) return undefined;
    if (type === 'moov') {
      const content = Math.min(length - headerLength, MVHD_WITHIN, reading.size - at - headerLength);
      return movieTime(boxOf(boxesIn(await reading.read(at + headerLength, content)), 'mvhd'));
    }
    at += length;
  }
  return undefined;
}

/** Version 1 has times of 64 bits. */
function movieTime(mvhd: Buffer | null): Told['takenAt'] {
  if (mvhd === null || mvhd.length < 12) return undefined;
  return momentSince1904(mvhd[0] === 1 ? Number(mvhd.readBigUInt64BE(4)) : mvhd.readUInt32BE(4));
}

function toldBy({ raw, title, description }: MetadataTags): Told {
  return {
    make: label(textOf(raw, 'com.apple.quicktime.make') ?? textOf(raw, '©mak')),
    model: label(textOf(raw, 'com.apple.quicktime.model') ?? textOf(raw, '©mod')),
    gps: placeIn(textOf(raw, 'com.apple.quicktime.location.ISO6709') ?? textOf(raw, '©xyz')),
    title: prose(title),
    description: prose(description),
  };
}

/** A tag of `ilst`, or one of `udta`, which has a length and a language before it. */
function textOf(raw: MetadataTags['raw'], name: string): string | undefined {
  const value = raw?.[name];
  if (typeof value === 'string') return value;
  return value instanceof Uint8Array && value.length > 4 ? decodeText(value.subarray(4)) : undefined;
}

/** ISO 6709: `+48.1371+011.5753+520.0/`. */
function placeIn(text: string | undefined): Told['gps'] {
  const match = /^([+-]\d{1,2}(?:\.\d{1,12})?)([+-]\d{1,3}(?:\.\d{1,12})?)([+-]\d{1,6}(?:\.\d{1,6})?)?/.exec(
    text ?? '',
  );
  if (match === null) return undefined;
  return placeOf(Number(match[1]), Number(match[2]), match[3] === undefined ? undefined : Number(match[3]));
}
