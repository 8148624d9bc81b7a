/** EXIF 3.0: what a camera writes down. */
import { decodeText, keywordsOf, label, placeOf, prose, ratingOf, within } from './clean.ts';
import { momentOf } from './moment.ts';
import { type Directory, Tiff } from './tiff.ts';
import type { Moment, Told } from './told.ts';

const EXIF_IFD = 0x8769;
const GPS_IFD = 0x8825;

/** Bytes of a text that are looked at. */
const MOST_TEXT = 16_384;

const PREFIX = Buffer.from('Exif\0\0', 'latin1');

/** Null when the block is none. */
export function readExif(block: Buffer | undefined): Told | null {
  if (block === undefined) return null;
  const tiff = Tiff.open(block.subarray(0, PREFIX.length).equals(PREFIX) ? block.subarray(PREFIX.length) : block);
  const image = tiff?.first() ?? null;
  if (tiff === null || image === null) return null;
  return exifOf({
    image,
    exposure: tiff.directory(image.number(EXIF_IFD)),
    place: tiff.directory(image.number(GPS_IFD)),
  });
}

/** The directories that EXIF is spread over. */
export interface ExifDirectories {
  readonly image: Directory | null;
  readonly exposure: Directory | null;
  readonly place: Directory | null;
}

export function exifOf({ image, exposure, place }: ExifDirectories): Told {
  return {
    orientation: orientationOf(image?.number(0x0112)),
    takenAt: takenAt(exposure, image),
    gpsTime: gpsTime(place),
    make: label(text(image, 0x010f)),
    model: label(text(image, 0x0110)),
    lens: label(text(exposure, 0xa434) ?? text(image, 0xa434)),
    exposureSeconds: positive(exposure?.number(0x829a), 1e6),
    fNumber: positive(exposure?.number(0x829d), 1e4),
    iso: positive(isoOf(exposure), 1e8),
    focalLengthMm: positive(exposure?.number(0x920a), 1e5),
    focalLength35mm: positive(exposure?.number(0xa405), 65_534),
    gps: gpsOf(place),
    rating: ratingOf(image?.number(0x4746)),
    title: prose(wideText(image, 0x9c9b)),
    description: prose(text(image, 0x010e) ?? wideText(image, 0x9c9c)),
    keywords: keywordsOf(wideText(image, 0x9c9e)?.split(';') ?? []),
  };
}

/** 1 to 8. */
export function orientationOf(value: number | undefined): number | undefined {
  return Number.isInteger(value) ? within(value, 1, 8) : undefined;
}

/** The moment of exposure, else that of digitisation. Cameras that know one offset mean it for all their times. */
function takenAt(exposure: Directory | null, image: Directory | null): Moment | undefined {
  const offset = (tag: number) => text(exposure, tag);
  const original = momentOf(
    text(exposure, 0x9003) ?? text(image, 0x9003),
    offset(0x9011) ?? offset(0x9010),
    text(exposure, 0x9291),
  );
  if (original !== undefined) return original;
  return momentOf(text(exposure, 0x9004), offset(0x9012) ?? offset(0x9010), text(exposure, 0x9292));
}

/** 65,535 stands for more than fits, which is then in a field of its own. */
function isoOf(exposure: Directory | null): number | undefined {
  const iso = exposure?.number(0x8827);
  return iso === undefined || iso === 65_535 ? exposure?.number(0x8833) : iso;
}

function gpsOf(place: Directory | null): Told['gps'] {
  const latitude = degreesOf(place?.numbers(2), text(place, 1), 'S');
  const longitude = degreesOf(place?.numbers(4), text(place, 3), 'W');
  const altitude = place?.number(6);
  const below = place?.number(5) === 1;
  return placeOf(latitude, longitude, altitude !== undefined && below ? -altitude : altitude);
}

function degreesOf(parts: readonly number[] | undefined, reference: string | undefined, negative: string) {
  const [degrees, minutes = 0, seconds = 0] = parts ?? [];
  if (degrees === undefined) return undefined;
  // Some write the degrees with a fraction and the rest as 0/0.
  const value = degrees + (minutes || 0) / 60 + (seconds || 0) / 3_600;
  return reference?.trim().toUpperCase().startsWith(negative) ? -value : value;
}

function gpsTime(place: Directory | null): Moment | undefined {
  const [hours, minutes, seconds] = place?.numbers(7) ?? [];
  if (hours === undefined || minutes === undefined || seconds === undefined) return undefined;
  const time = [hours, minutes, seconds].map((part) => String(Math.floor(part)).padStart(2, '0')).join(':');
  return momentOf(`${text(place, 0x1d)?.slice(0, 10) ?? ''} ${time}Z`);
}

function positive(value: number | undefined, most: number): number | undefined {
  return value !== undefined && value > 0 ? within(value, 0, most) : undefined;
}

function text(directory: Directory | null, tag: number): string | undefined {
  if (directory === null || !directory.isText(tag)) return undefined;
  const bytes = directory.bytes(tag, MOST_TEXT);
  return bytes === undefined ? undefined : decodeText(bytes).trim() || undefined;
}

/** UTF-16, as Windows writes its fields. */
function wideText(directory: Directory | null, tag: number): string | undefined {
  const bytes = directory?.bytes(tag, MOST_TEXT);
  return bytes?.toString('utf16le').replace(/\0.*$/s, '').trim() || undefined;
}
