/** Matroska and WebM (RFC 9559, in EBML of RFC 8794): what stands before the first cluster. */
import { decodeText, prose, within } from './clean.ts';
import { side } from './iso-video.ts';
import { momentSince1904 } from './moment.ts';
import type { Container, PiecewiseFile } from './piecewise.ts';
import { LONGEST_MS, type Moment } from './told.ts';

const SEGMENT = 0x18538067;
const INFO = 0x1549a966;
const TRACKS = 0x1654ae6b;
const CLUSTER = 0x1f43b675;
const TRACK = 0xae;
const TRACK_TYPE = 0x83;
const VIDEO = 0xe0;

const MOST_ELEMENTS = 256;
const MOST_MASTER_BYTES = 1 << 20;
const NANOSECONDS = 1_000_000;

interface Element {
  readonly id: number;
  readonly headerLength: number;
  /** Null: to the end of what it is in. */
  readonly length: number | null;
}

type Children = ReadonlyMap<number, readonly Buffer[]>;

export function isMatroska(head: Buffer): boolean {
  return head.length >= 4 && head.readUInt32BE(0) === 0x1a45dfa3;
}

export async function readMatroska(file: PiecewiseFile): Promise<Container> {
  const { info, tracks, end } = await masters(file);
  const track = (tracks.get(TRACK) ?? []).map(childrenOf).find((one) => unsigned(one, TRACK_TYPE) === 1);
  const video = childrenOf(track?.get(VIDEO)?.[0] ?? Buffer.alloc(0));
  const scale = unsigned(info, 0x2ad7b1) ?? NANOSECONDS;
  const duration = Math.round((float(info.get(0x4489)?.[0]) * scale) / NANOSECONDS);
  // Units other than pixels are for its shape.
  const inPixels = (unsigned(video, 0x54b2) ?? 0) === 0;
  const length = (shown: number, stored: number) =>
    side((inPixels ? unsigned(video, shown) : undefined) ?? unsigned(video, stored));
  return {
    extent: {
      width: length(0x54b0, 0xb0),
      height: length(0x54ba, 0xba),
      durationMs: within(duration, 1, LONGEST_MS) ?? null,
    },
    told: { takenAt: createdAt(info.get(0x4461)?.[0]), title: prose(textOf(info.get(0x7ba9)?.[0])) },
    cutOff: end > file.size,
  };
}

/** The parts of the segment that come before its pictures. */
async function masters(file: PiecewiseFile): Promise<{ info: Children; tracks: Children; end: number }> {
  const found = new Map<number, Children>();
  let end = 0;
  for (let at = 0, seen = 0; at < file.size && seen < MOST_ELEMENTS; seen++) {
    const element = elementAt(await file.read(at, 12));
    if (element === null || element.id === CLUSTER) break;
    const content = at + element.headerLength;
    if (element.id === SEGMENT) {
      // Of what follows all is in it; one that is still being written has no length.
      end = element.length === null ? 0 : content + element.length;
      at = content;
      continue;
    }
    if (element.length === null) break;
    if ((element.id === INFO || element.id === TRACKS) && element.length <= MOST_MASTER_BYTES) {
      found.set(element.id, childrenOf(await file.read(content, element.length)));
    }
    at = content + element.length;
  }
  return { info: found.get(INFO) ?? new Map(), tracks: found.get(TRACKS) ?? new Map(), end };
}

function childrenOf(content: Buffer): Children {
  const children = new Map<number, Buffer[]>();
  for (let at = 0, seen = 0; at < content.length && seen < MOST_ELEMENTS; seen++) {
    const element = elementAt(content.subarray(at, at + 12));
    if (element === null || element.length === null) break;
    const from = at + element.headerLength;
    const value = content.subarray(from, from + element.length);
    children.set(element.id, [...(children.get(element.id) ?? []), value]);
    at = from + element.length;
  }
  return children;
}

/** The header of an element; its lengths are told by the zeros that they begin with. */
function elementAt(bytes: Buffer): Element | null {
  const idLength = Math.clz32(bytes[0] ?? 0) - 23;
  const sizeLength = Math.clz32(bytes[idLength] ?? 0) - 23;
  if (idLength > 4 || sizeLength > 8 || bytes.length < idLength + sizeLength) return null;
  const marked = bytes[idLength] ?? 0;
  let length = marked & (0xff >> sizeLength);
  let unknown = length === 0xff >> sizeLength;
  for (const byte of bytes.subarray(idLength + 1, idLength + sizeLength)) {
    length = length * 256 + byte;
    unknown &&= byte === 0xff;
  }
  return { id: bytes.readUIntBE(0, idLength), headerLength: idLength + sizeLength, length: unknown ? null : length };
}

function unsigned(children: Children, id: number): number | undefined {
  const value = children.get(id)?.[0];
  return value === undefined || value.length < 1 || value.length > 6 ? undefined : value.readUIntBE(0, value.length);
}

function float(value: Buffer | undefined): number {
  if (value?.length === 4) return value.readFloatBE(0);
  return value?.length === 8 ? value.readDoubleBE(0) : Number.NaN;
}

const FROM_1904_TO_2001 = (Date.UTC(2001, 0, 1) - Date.UTC(1904, 0, 1)) / 1000;

/** Nanoseconds since 2001, in UTC; programs that know none write 0. */
function createdAt(value: Buffer | undefined): Moment | undefined {
  const seconds = value?.length === 8 ? Number(value.readBigInt64BE(0) / 1_000_000n) / 1000 : 0;
  return seconds === 0 ? undefined : momentSince1904(FROM_1904_TO_2001 + seconds);
}

function textOf(value: Buffer | undefined): string | undefined {
  return value === undefined ? undefined : decodeText(value);
}
