/** EXIF for a demo picture, as sharp takes it: IFD0 is the image, IFD2 the exposure, IFD3 the place. */
import type { Exif } from 'sharp';
import type { DemoAlbum, Picture } from './albums.ts';
import { CAMERAS } from './cameras.ts';
import { between, type Random } from './noise.ts';

export interface Exposure {
  readonly iso: number;
  readonly exif: Exif;
}

/** Plausible settings for the hour the picture was taken at, and everything else a camera writes down. */
export function exposureOf(album: DemoAlbum, picture: Picture, random: Random): Exposure {
  const camera = CAMERAS[picture.camera];
  const dark = isNight(picture.taken);
  const iso = dark ? pick(random, [800, 1_600, 3_200]) : pick(random, [64, 100, 200]);
  const time = dark ? pick(random, ['1/30', '1/4', '4/1', '15/1']) : pick(random, ['1/125', '1/320', '1/640']);
  const aperture = dark || picture.camera === 'phone' ? camera.aperture : pick(random, [4, 5.6, 8]);
  const [shortest, longest] = camera.focal;
  const focal = Math.round(between(random, shortest, longest) * 10) / 10;
  const taken = exifDate(picture.taken);
  const exif = {
    IFD0: { Make: camera.make, Model: camera.model, DateTime: taken, Artist: 'Rollcall demo', Copyright: 'CC0' },
    IFD2: {
      DateTimeOriginal: taken,
      DateTimeDigitized: taken,
      OffsetTimeOriginal: album.offset,
      ExposureTime: time,
      FNumber: rational(aperture, 10),
      ISOSpeedRatings: String(iso),
      FocalLength: rational(focal, 10),
      LensModel: camera.lens,
    },
    IFD3: placeOf(album, picture, random),
  };
  return { iso, exif };
}

/** When the picture was taken, in milliseconds since 1970. */
export function takenAt(album: DemoAlbum, picture: Picture): number {
  return Date.parse(picture.taken + album.offset);
}

function placeOf({ place: [latitude, longitude, altitude], offset }: DemoAlbum, picture: Picture, random: Random) {
  const taken = new Date(picture.taken + offset).toISOString();
  const [hours, minutes, seconds] = taken.slice(11, 19).split(':');
  return {
    GPSLatitudeRef: latitude < 0 ? 'S' : 'N',
    GPSLatitude: degrees(latitude + between(random, -0.02, 0.02)),
    GPSLongitudeRef: longitude < 0 ? 'W' : 'E',
    GPSLongitude: degrees(longitude + between(random, -0.02, 0.02)),
    GPSAltitudeRef: '0',
    GPSAltitude: rational(altitude + Math.round(between(random, -8, 8)), 1),
    GPSTimeStamp: `${hours}/1 ${minutes}/1 ${seconds}/1`,
    GPSDateStamp: taken.slice(0, 10).replaceAll('-', ':'),
  };
}

function isNight(taken: string): boolean {
  const hour = Number(taken.slice(11, 13));
  return hour < 5 || hour >= 21;
}

function exifDate(taken: string): string {
  return taken.replaceAll('-', ':').replace('T', ' ');
}

function rational(value: number, denominator: number): string {
  return `${Math.round(value * denominator)}/${denominator}`;
}

/** Degrees, minutes and hundredths of a second, without a sign. */
function degrees(value: number): string {
  const seconds = Math.abs(value) * 3_600;
  return `${Math.floor(seconds / 3_600)}/1 ${Math.floor((seconds / 60) % 60)}/1 ${rational(seconds % 60, 100)}`;
}

function pick<Item>(random: Random, items: readonly [Item, ...Item[]]): Item {
  return items[Math.floor(random() * items.length)] ?? items[0];
}
