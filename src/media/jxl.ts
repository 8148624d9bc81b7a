/** JPEG XL (ISO 18181): not decoded, but it is read how large it is and what is told in it. */
import { type Box, boxesIn, boxOf } from './boxes.ts';
import { readExif } from './exif.ts';
import { isSideways } from './orient.ts';
import type { Told } from './told.ts';
import { readXmp } from './xmp.ts';

export interface JxlHeader {
  /** Upright. */
  readonly size: { readonly width: number; readonly height: number } | null;
  readonly exif: Told | null;
  readonly xmp: Told | null;
}

const CODESTREAM = 0xff0a;

export function readJxl(file: Buffer): JxlHeader {
  if (file.readUInt16BE(0) === CODESTREAM) return { size: sizeOf(file), exif: null, xmp: null };
  const boxes = boxesIn(file);
  const exif = boxOf(boxes, 'Exif');
  const exifAt = exif !== null && exif.length >= 4 ? 4 + exif.readUInt32BE(0) : 0;
  const codestream = codestreamOf(boxes);
  return {
    size: codestream === null ? null : sizeOf(codestream),
    exif: readExif(exif?.subarray(exifAt)),
    xmp: readXmp(boxOf(boxes, 'xml ')),
  };
}

/** Its beginning; a part has its number before it. */
function codestreamOf(boxes: readonly Box[]): Buffer | null {
  return boxOf(boxes, 'jxlc') ?? boxOf(boxes, 'jxlp')?.subarray(4) ?? null;
}

/** Width to height, by the three bits that say it. */
const RATIOS = [
  [0, 1],
  [1, 1],
  [12, 10],
  [4, 3],
  [3, 2],
  [16, 9],
  [5, 4],
  [2, 1],
] as const;

const LENGTH_BITS = [9, 13, 18, 30];

function sizeOf(codestream: Buffer): JxlHeader['size'] {
  if (codestream.length < 16 || codestream.readUInt16BE(0) !== CODESTREAM) return null;
  const bits = bitReader(codestream, 2);
  const small = bits(1) === 1;
  const length = () => (small ? (bits(5) + 1) * 8 : bits(LENGTH_BITS[bits(2)] ?? 0) + 1);
  const height = length();
  const ratio = bits(3);
  const [across, down] = RATIOS[ratio] ?? RATIOS[0];
  const width = ratio === 0 ? length() : Math.floor((height * across) / down);
  const allDefault = bits(1) === 1;
  const orientation = !allDefault && bits(1) === 1 ? bits(3) + 1 : 1;
  return isSideways(orientation) ? { width: height, height: width } : { width, height };
}

/** From the lowest bit up; zeros after the end. */
function bitReader(bytes: Buffer, from: number): (count: number) => number {
  let at = from * 8;
  return (count) => {
    let value = 0;
    for (let i = 0; i < count; i++, at++) value += (((bytes[at >> 3] ?? 0) >> (at & 7)) & 1) * 2 ** i;
    return value;
  };
}
