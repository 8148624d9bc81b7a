/** XMP (ISO 16684-1): packets inside of files, and sidecars. */
import { keywordsOf, label, placeOf, prose, ratingOf, within } from './clean.ts';
import { orientationOf } from './exif.ts';
import { momentOf } from './moment.ts';
import type { Told } from './told.ts';
import { type XmpProperties, xmpProperties } from './xmp-packet.ts';

/** Null when it is no packet, or one that a stranger made to hurt. */
export function readXmp(packet: Buffer | null | undefined): Told | null {
  const properties = packet ? xmpProperties(packet) : null;
  return properties === null ? null : toldBy(properties);
}

function toldBy(xmp: XmpProperties): Told {
  const numberOf = (name: string) => rational(xmp.text(name));
  return {
    orientation: orientationOf(numberOf('tiff:Orientation')),
    takenAt: takenAt(xmp),
    gpsTime: momentOf(xmp.text('exif:GPSTimeStamp'), 'Z'),
    make: label(xmp.text('tiff:Make')),
    model: label(xmp.text('tiff:Model')),
    lens: label(xmp.text('exifEX:LensModel') ?? xmp.text('aux:Lens')),
    exposureSeconds: positive(numberOf('exif:ExposureTime'), 1e6),
    fNumber: positive(numberOf('exif:FNumber'), 1e4),
    iso: positive(numberOf('exifEX:PhotographicSensitivity') ?? rational(xmp.list('exif:ISOSpeedRatings')[0]), 1e8),
    focalLengthMm: positive(numberOf('exif:FocalLength'), 1e5),
    focalLength35mm: positive(numberOf('exif:FocalLengthIn35mmFilm'), 65_534),
    gps: gpsOf(xmp),
    rating: ratingOf(numberOf('xmp:Rating')),
    title: prose(xmp.text('dc:title')),
    description: prose(xmp.text('dc:description')),
    keywords: keywordsOf(xmp.list('dc:subject')),
  };
}

/** As the Metadata Working Group reads them: when the picture was made, then when its file was. */
function takenAt(xmp: XmpProperties): Told['takenAt'] {
  for (const name of ['photoshop:DateCreated', 'exif:DateTimeOriginal', 'xmp:CreateDate', 'exif:DateTimeDigitized']) {
    const moment = momentOf(xmp.text(name));
    if (moment !== undefined) return moment;
  }
  return undefined;
}

function gpsOf(xmp: XmpProperties): Told['gps'] {
  const altitude = rational(xmp.text('exif:GPSAltitude'));
  const below = xmp.text('exif:GPSAltitudeRef') === '1';
  return placeOf(
    degreesOf(xmp.text('exif:GPSLatitude')),
    degreesOf(xmp.text('exif:GPSLongitude')),
    altitude !== undefined && below ? -altitude : altitude,
  );
}

/** `48,8.2473N` or `48,8,15N`. */
function degreesOf(text: string | undefined): number | undefined {
  const match =
    /^\s*(\d{1,3}(?:\.\d{1,12})?)(?:,(\d{1,2}(?:\.\d{1,12})?))?(?:,(\d{1,2}(?:\.\d{1,12})?))?([NSEW])\s*$/i.exec(
      text ?? '',
    );
  if (match === null) return undefined;
  const value = Number(match[1]) + Number(match[2] ?? 0) / 60 + Number(match[3] ?? 0) / 3_600;
  return /[SW]/i.test(match[4] ?? '') ? -value : value;
}

/** `1/125` or `0.008`. */
function rational(text: string | undefined): number | undefined {
  const match = /^\s*([+-]?\d{1,15}(?:\.\d{1,15})?)(?:\/(\d{1,15}))?\s*$/.exec(text ?? '');
  const value = match === null ? Number.NaN : Number(match[1]) / Number(match[2] ?? 1);
  return Number.isFinite(value) ? value : undefined;
}

function positive(value: number | undefined, most: number): number | undefined {
  return value !== undefined && value > 0 ? within(value, 0, most) : undefined;
}
