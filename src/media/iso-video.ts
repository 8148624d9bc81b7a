/** MP4, QuickTime and their relatives (ISO 14496-12): what their index says of a video. */
import { boxHeader } from './boxes.ts';
import { within } from './clean.ts';
import { ContentFault } from './faults.ts';
import { toldByTags } from './iso-tags.ts';
import { momentSince1904 } from './moment.ts';
import type { Container, PiecewiseFile } from './piecewise.ts';
import { LONGEST_MS, type Moment } from './told.ts';

const MOST_BOXES = 512;
/** Tags with a cover picture among them may be longer, and are not read. */
const MOST_TAG_BYTES = 1 << 20;
const MOST_SIDE = 100_000;

interface Place {
  readonly type: string;
  /** Of the content. */
  readonly at: number;
  readonly end: number;
}

interface Size {
  readonly width: number | null;
  readonly height: number | null;
}

export async function readIsoVideo(file: PiecewiseFile): Promise<Container> {
  const top = await places(file, 0, file.size);
  const moov = top.find(({ type }) => type === 'moov');
  if (moov === undefined)
    throw new ContentFault('corrupt', 'the video has no index: it was cut off, or never finished');
  const parts = await places(file, moov.at, moov.end);
  const all = (type: string) => parts.filter((part) => part.type === type);
  const contentOf = async (type: string, most: number) => {
    const [part] = all(type);
    if (part === undefined || (part.end - part.at > most && type !== 'mvhd')) return null;
    return file.read(part.at, Math.min(part.end - part.at, most));
  };
  const movie = movieHeader(await contentOf('mvhd', 120));
  const tags = toldByTags(await contentOf('meta', MOST_TAG_BYTES), await contentOf('udta', MOST_TAG_BYTES));
  return {
    extent: { ...(await videoSize(file, all('trak'))), durationMs: movie.durationMs },
    told: { ...tags, takenAt: tags.takenAt ?? movie.createdAt },
    cutOff: top.some(({ end }) => end > file.size),
  };
}

/** The boxes of one level, by their headers alone. */
async function places(file: PiecewiseFile, from: number, to: number): Promise<readonly Place[]> {
  const found: Place[] = [];
  for (let at = from; at + 8 <= Math.min(to, file.size) && found.length < MOST_BOXES; ) {
    const { type, headerLength, length } = boxHeader(await file.read(at, 16), to - at);
    if (length < headerLength) break;
    found.push({ type, at: at + headerLength, end: at + length });
    at += length;
  }
  return found;
}

/** Version 1 has times of 64 bits. */
function movieHeader(mvhd: Buffer | null): { createdAt: Moment | undefined; durationMs: number | null } {
  if (mvhd === null || mvhd.length < 32) return { createdAt: undefined, durationMs: null };
  const long = mvhd[0] === 1;
  const created = long ? Number(mvhd.readBigUInt64BE(4)) : mvhd.readUInt32BE(4);
  const scale = mvhd.readUInt32BE(long ? 20 : 12);
  const duration = long ? Number(mvhd.readBigUInt64BE(24)) : mvhd.readUInt32BE(16);
  // All ones: not known; 0: in pieces, each with its own.
  const known = duration > 0 && duration < (long ? 2 ** 63 : 0xffff_ffff);
  const durationMs = known ? within(Math.round((duration / scale) * 1000), 0, LONGEST_MS) : undefined;
  return { createdAt: momentSince1904(created), durationMs: durationMs ?? null };
}

/** Of the first track with pictures that has one. */
async function videoSize(file: PiecewiseFile, tracks: readonly Place[]): Promise<Size> {
  for (const track of tracks) {
    const parts = await places(file, track.at, track.end);
    const mdia = parts.find(({ type }) => type === 'mdia');
    const tkhd = parts.find(({ type }) => type === 'tkhd');
    if (mdia === undefined || tkhd === undefined) continue;
    const hdlr = (await places(file, mdia.at, mdia.end)).find(({ type }) => type === 'hdlr');
    if (hdlr === undefined || (await file.read(hdlr.at, 12)).toString('latin1', 8) !== 'vide') continue;
    const size = trackSize(await file.read(tkhd.at, Math.min(96, tkhd.end - tkhd.at)));
    if (size.width !== null && size.height !== null) return size;
  }
  return { width: null, height: null };
}

/** As it is to be looked at: the matrix says how it is turned, and the size is in 16.16 fixed point. */
function trackSize(tkhd: Buffer): Size {
  const matrix = tkhd[0] === 1 ? 52 : 40;
  if (tkhd.length < matrix + 44) return { width: null, height: null };
  const sides = [matrix + 36, matrix + 40].map((at) => side(tkhd.readUInt32BE(at) / 65_536));
  const turned = tkhd.readInt32BE(matrix) === 0 && tkhd.readInt32BE(matrix + 4) !== 0;
  const [width = null, height = null] = turned ? sides.toReversed() : sides;
  return { width, height };
}

export function side(value: number | undefined): number | null {
  return within(Math.round(value ?? 0), 1, MOST_SIDE) ?? null;
}

/** Does a file begin with a box of one of these formats? */
export function isIsoVideo(head: Buffer): boolean {
  return ['ftyp', 'moov', 'mdat', 'wide', 'free', 'skip', 'pnot'].includes(head.toString('latin1', 4, 8));
}
