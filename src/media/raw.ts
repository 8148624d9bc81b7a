/**
 * RAW files of cameras: their sensor data are not developed, but each has a JPEG inside that the camera made. Most are
 * TIFFs with other names (DNG, CR2, NEF, ARW, PEF, ORF, RW2), CR3 is made of boxes, RAF has a header of its own.
 */
import { VARIANTS } from '../sync/media-port.ts';
import { boxesIn, boxOf } from './boxes.ts';
import { exifOf, orientationOf } from './exif.ts';
import { type EmbeddedJpeg, jpegAt, jpegsIn, largest } from './jpeg.ts';
import { type Directory, Tiff } from './tiff.ts';
import type { Told } from './told.ts';
import { readXmp } from './xmp.ts';

export interface RawHeader {
  readonly preview: EmbeddedJpeg | null;
  /** Of the picture that a converter would make of it, as it is stored; null: not known. */
  readonly size: { readonly width: number; readonly height: number } | null;
  /** Undefined: not known. */
  readonly orientation: number | undefined;
  /** Does it say that something is where the file has ended? */
  readonly cutOff: boolean;
  readonly exif: Told | null;
  readonly xmp: Told | null;
}

const XMP = 0x02bc;
const MOST_XMP_BYTES = 4 << 20;

export function readRaw(file: Buffer): RawHeader {
  const tiff = Tiff.open(file);
  const directories = tiff?.all() ?? [];
  const { image, exposure, place } = tiff === null ? boxedDirectories(file) : exifDirectories(tiff);
  return {
    preview: previewOf(file, directories),
    size: sizeOf([...directories, ...[image, exposure].filter((one) => one !== null)]),
    orientation: orientationOf(image?.number(0x0112)),
    cutOff: directories.some((directory) => stripsOf(directory).some(([at, length]) => at + length > file.length)),
    exif: image === null ? null : exifOf({ image, exposure, place }),
    xmp: readXmp(image?.bytes(XMP, MOST_XMP_BYTES)),
  };
}

function exifDirectories(tiff: Tiff) {
  const image = tiff.first();
  const below = (tag: number) => tiff.directory(image?.number(tag));
  return { image, exposure: below(0x8769), place: below(0x8825) };
}

/** CR3 has a TIFF block for each directory, in a box of Canon's within `moov`. */
function boxedDirectories(file: Buffer) {
  const moov = boxOf(boxesIn(file), 'moov');
  const canon = moov === null ? null : boxOf(boxesIn(moov), 'uuid');
  // Its name of 16 bytes comes first.
  const boxes = canon === null ? [] : boxesIn(canon.subarray(16));
  const first = (type: string) => Tiff.open(boxOf(boxes, type) ?? Buffer.alloc(0))?.first() ?? null;
  return { image: first('CMT1'), exposure: first('CMT2'), place: first('CMT4') };
}

/** The largest one that is listed; where the lists are a maker's secret, the largest that is there. */
function previewOf(file: Buffer, directories: readonly Directory[]): EmbeddedJpeg | null {
  const listed = largest([...directories.flatMap((directory) => listedIn(file, directory)), fujiPreview(file)]);
  const good = listed !== null && Math.max(listed.width, listed.height) >= VARIANTS.preview;
  // The tiles of a DNG can be JPEGs too, and are no pictures.
  const tiled = directories.some((directory) => directory.has(0x0144));
  return good || tiled ? listed : largest([listed, ...jpegsIn(file)]);
}

function listedIn(file: Buffer, directory: Directory): (EmbeddedJpeg | null)[] {
  // JPEGInterchangeFormat; a strip of its own; Panasonic's JpgFromRaw.
  const places = [[directory.number(0x0201), directory.number(0x0202)] as const, ...stripsOf(directory).slice(0, 1)];
  const found = places.map(([at, length]) =>
    at === undefined || length === undefined || at + length > file.length
      ? null
      : jpegAt(file.subarray(at, at + length)),
  );
  return [...found, jpegAt(directory.bytes(0x002e, file.length) ?? Buffer.alloc(0))];
}

function stripsOf(directory: Directory): (readonly [offset: number, length: number])[] {
  const [offsets, lengths] = [directory.numbers(0x0111), directory.numbers(0x0117)];
  return offsets.map((offset, i) => [offset, lengths[i] ?? 0] as const);
}

function fujiPreview(file: Buffer): EmbeddedJpeg | null {
  if (file.length < 92 || file.toString('latin1', 0, 8) !== 'FUJIFILM') return null;
  const [at, length] = [file.readUInt32BE(84), file.readUInt32BE(88)];
  return jpegAt(file.subarray(at, at + length));
}

/** What a DNG wants it cropped to, or the largest that any directory tells of. */
function sizeOf(directories: readonly Directory[]): RawHeader['size'] {
  const sizes = directories.flatMap((directory) => {
    const one = (tag: number) => directory.number(tag);
    const [cropWidth, cropHeight] = directory.numbers(0xc620);
    const pairs = [
      [one(0x0100), one(0x0101)],
      [one(0xa002), one(0xa003)],
      // Panasonic tells the borders of its sensor.
      [difference(one(0x0007), one(0x0005)), difference(one(0x0006), one(0x0004))],
    ] as const;
    return [[cropWidth, cropHeight, true] as const, ...pairs.map((pair) => [...pair, false] as const)];
  });
  let best: RawHeader['size'] = null;
  for (const [width, height, cropped] of sizes) {
    if (!isLength(width) || !isLength(height)) continue;
    if (cropped) return { width, height };
    if (best === null || width * height > best.width * best.height) best = { width, height };
  }
  return best;
}

function difference(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a - b;
}

function isLength(value: number | undefined): value is number {
  return Number.isInteger(value) && value !== undefined && value > 0 && value < 1_000_000;
}
