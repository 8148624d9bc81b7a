/** Pictures for tests: sources of the media port, EXIF and RAW built by hand, colours of rendered variants. */
import sharp, { type Sharp } from 'sharp';
import type { MediaResult, MediaSource } from '../../src/sync/media-port.ts';

/** 2026-01-02T03:04:05.678Z */
export const MTIME_NS = 1_767_323_045_678_000_000n;

/** A file in memory, and how many of its bytes were read. */
export function mediaSource(file: Buffer, fileName: string, more: Partial<MediaSource> = {}) {
  const tally = { bytesRead: 0 };
  const source: MediaSource = {
    fileName,
    kind: 'image',
    size: file.length,
    mtimeNs: MTIME_NS,
    sidecar: null,
    async read(offset, length, signal) {
      signal.throwIfAborted();
      if (offset < 0 || offset + length > file.length) throw new Error(`read ${length} bytes at ${offset}`);
      tally.bytesRead += length;
      return Buffer.from(file.subarray(offset, offset + length));
    },
    ...more,
  };
  return { ...source, tally };
}

export const RED = [230, 30, 30] as const;
export const GREEN = [30, 200, 40] as const;
export const BLUE = [40, 50, 220] as const;
export const WHITE = [240, 240, 240] as const;

/** A quarter each: red and green above blue and white. */
export function quarters(width: number, height: number): Sharp {
  const pixels = Buffer.from([RED, GREEN, BLUE, WHITE].flat());
  const four = sharp(pixels, { raw: { width: 2, height: 2, channels: 3 } });
  return four.resize(width, height, { fit: 'fill', kernel: 'nearest' });
}

/** The colours in the middle of the four quarters of a variant: above, then below. */
export async function quartersOf(result: MediaResult, name: 'thumb' | 'preview'): Promise<number[][]> {
  const variant = result.variants.find((one) => one.name === name)!;
  const { data, info } = await sharp(variant.bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return [0.25, 0.75].flatMap((down) =>
    [0.25, 0.75].map((across) => {
      const at = (Math.floor(info.height * down) * info.width + Math.floor(info.width * across)) * info.channels;
      return [...data.subarray(at, at + 3)];
    }),
  );
}

/** Which of the four colours this is nearest to; `?` if to none. */
export function nameOf(colour: readonly number[]): string {
  const known = { red: RED, green: GREEN, blue: BLUE, white: WHITE };
  const near = Object.entries(known).find(([, of]) => of.every((value, i) => Math.abs(value - colour[i]!) < 16));
  return near?.[0] ?? `? ${colour}`;
}

export interface Field {
  readonly type: number;
  readonly count: number;
  /** Little-endian; or what its offset points to. */
  readonly bytes: Buffer | Ifd;
}

const TAGS = {
  imageWidth: 0x0100,
  imageLength: 0x0101,
  bitsPerSample: 0x0102,
  compression: 0x0103,
  photometric: 0x0106,
  description: 0x010e,
  make: 0x010f,
  model: 0x0110,
  stripOffsets: 0x0111,
  orientation: 0x0112,
  samplesPerPixel: 0x0115,
  rowsPerStrip: 0x0116,
  stripByteCounts: 0x0117,
  tileOffsets: 0x0144,
  subIfds: 0x014a,
  jpegOffset: 0x0201,
  jpegLength: 0x0202,
  rating: 0x4746,
  exposureTime: 0x829a,
  fNumber: 0x829d,
  exif: 0x8769,
  gps: 0x8825,
  iso: 0x8827,
  longIso: 0x8833,
  taken: 0x9003,
  digitized: 0x9004,
  offset: 0x9010,
  offsetTaken: 0x9011,
  fraction: 0x9291,
  focalLength: 0x920a,
  xpTitle: 0x9c9b,
  xpKeywords: 0x9c9e,
  focalLength35: 0xa405,
  lens: 0xa434,
  cropSize: 0xc620,
  latitudeRef: 1,
  latitude: 2,
  longitudeRef: 3,
  longitude: 4,
  altitudeRef: 5,
  altitude: 6,
  gpsTime: 7,
  gpsDate: 0x1d,
} as const;

type TagName = keyof typeof TAGS;

export type Ifd = { readonly [Name in TagName]?: Field | undefined };

export const ascii = (text: string): Field => raw(2, Buffer.from(`${text}\0`, 'utf8'));
export const short = (...values: number[]): Field => numbers(3, 2, values);
export const long = (...values: number[]): Field => numbers(4, 4, values);
export const rational = (...values: number[]): Field => ({
  ...numbers(4, 4, values),
  type: 5,
  count: values.length / 2,
});
export const bytes = (...values: number[]): Field => raw(1, Buffer.from(values));
export const raw = (type: number, content: Buffer): Field => ({ type, count: content.length, bytes: content });
/** A field that says where another directory is. */
export const below = (ifd: Ifd): Field => ({ type: 4, count: 1, bytes: ifd });
/** A field that says where these bytes are, whatever they are. */
export const blob = (content: Buffer): Field => ({ type: -1, count: 1, bytes: content });

function numbers(type: number, size: number, values: number[]): Field {
  const content = Buffer.alloc(values.length * size);
  for (const [i, value] of values.entries()) content.writeUIntLE(value, i * size, size);
  return { type, count: values.length, bytes: content };
}

/** A little-endian TIFF of these directories, chained. */
export function tiffOf(...ifds: Ifd[]): Buffer {
  const chunks: Buffer[] = [Buffer.from('II*\0\x08\0\0\0', 'latin1')];
  let at = 8;
  const place = (content: Buffer): number => {
    const begun = at;
    const padded = content.length % 2 === 0 ? content : Buffer.concat([content, Buffer.alloc(1)]);
    chunks.push(padded);
    at += padded.length;
    return begun;
  };
  const write = (ifd: Ifd): { offset: number; link: (next: number) => void } => {
    const fields = Object.entries(ifd).filter((entry): entry is [string, Field] => entry[1] !== undefined);
    const directory = Buffer.alloc(2 + fields.length * 12 + 4);
    const offset = place(directory);
    directory.writeUInt16LE(fields.length);
    for (const [i, [name, { type, count, bytes: content }]] of fields.entries()) {
      const entry = 2 + i * 12;
      directory.writeUInt16LE(TAGS[name as TagName], entry);
      directory.writeUInt16LE(type < 0 ? 4 : type, entry + 2);
      directory.writeUInt32LE(count, entry + 4);
      if (!Buffer.isBuffer(content)) directory.writeUInt32LE(write(content).offset, entry + 8);
      else if (type < 0 || content.length > 4) directory.writeUInt32LE(place(content), entry + 8);
      else content.copy(directory, entry + 8);
    }
    return { offset, link: (next) => directory.writeUInt32LE(next, directory.length - 4) };
  };
  let link: (next: number) => void = () => {};
  for (const ifd of ifds) {
    const written = write(ifd);
    link(written.offset);
    link = written.link;
  }
  return Buffer.concat(chunks);
}

/** The JPEG with an application segment put in at its beginning. */
export function withSegment(jpeg: Buffer, marker: number, content: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), head, content, jpeg.subarray(2)]);
}

export function withExif(jpeg: Buffer, tiff: Buffer): Buffer {
  return withSegment(jpeg, 0xe1, Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]));
}

export function withXmp(jpeg: Buffer, packet: string): Buffer {
  return withSegment(jpeg, 0xe1, Buffer.from(`http://ns.adobe.com/xap/1.0/\0${packet}`));
}

/** Fields of IPTC's application record, as Photoshop puts them into JPEGs. */
export function withIptc(jpeg: Buffer, fields: readonly (readonly [number: number, text: string])[]): Buffer {
  const records = fields.map(([number, text]) => {
    const value = Buffer.from(text);
    return Buffer.concat([Buffer.from([0x1c, 2, number, value.length >> 8, value.length & 255]), value]);
  });
  const content = Buffer.concat(records);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const resource = [Buffer.from('Photoshop 3.0\0' + '8BIM\x04\x04\0\0', 'latin1'), length, content];
  return withSegment(jpeg, 0xed, Buffer.concat([...resource, Buffer.alloc(content.length % 2)]));
}

/** A packet with these attributes and elements of its one description. */
export function xmpOf(attributes: string, elements = ''): string {
  const namespaces = {
    dc: 'http://purl.org/dc/elements/1.1/',
    xmp: 'http://ns.adobe.com/xap/1.0/',
    photoshop: 'http://ns.adobe.com/photoshop/1.0/',
    tiff: 'http://ns.adobe.com/tiff/1.0/',
    exif: 'http://ns.adobe.com/exif/1.0/',
    exifEX: 'http://cipa.jp/exif/1.0/',
    aux: 'http://ns.adobe.com/exif/1.0/aux/',
  };
  const declared = Object.entries(namespaces).map(([prefix, uri]) => `xmlns:${prefix}="${uri}"`);
  return `<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" ${declared.join(' ')} ${attributes}>${elements}</rdf:Description>
</rdf:RDF></x:xmpmeta><?xpacket end="w"?>`;
}
