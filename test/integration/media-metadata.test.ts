import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openMedia } from '../../src/media/open-media.ts';
import type { MediaPort, MediaSource, PhotoMetadata } from '../../src/sync/media-port.ts';
import { measured } from '../support/cpu.ts';
import {
  ascii,
  below,
  blob,
  bytes,
  type Ifd,
  long,
  mediaSource,
  quarters,
  rational,
  raw,
  short,
  tiffOf,
  withExif,
  withIptc,
  withXmp,
  xmpOf,
} from '../support/media.ts';

const { signal } = new AbortController();

let media: MediaPort;
let jpeg: Buffer;
beforeAll(async () => {
  media = openMedia({ maxPixels: 1_000_000, concurrency: 2 });
  jpeg = await quarters(30, 20).jpeg().toBuffer();
});
afterAll(() => media.close());

async function metadataOf(file: Buffer, more: Partial<MediaSource> = {}, name = 'a.jpg'): Promise<PhotoMetadata> {
  const { state, error, metadata } = await media.process(mediaSource(file, name, more), signal);
  expect({ state, error }).toEqual({ state: 'ready', error: null });
  // What PostgreSQL refuses: it must be nowhere.
  expect(JSON.stringify(metadata)).not.toMatch(/\\u0000|\\ud[89a-f]/i);
  return metadata;
}

const exposure: Ifd = {
  exposureTime: rational(1, 250),
  fNumber: rational(28, 10),
  iso: short(400),
  taken: ascii('2023:07:08 09:10:11'),
  fraction: ascii('25'),
  offsetTaken: ascii('+05:30'),
  focalLength: rational(51, 10),
  focalLength35: short(26),
  lens: ascii('Fern 8 main camera'),
};
const gps: Ifd = {
  latitudeRef: ascii('S'),
  latitude: rational(33, 1, 51, 1, 3_540, 100),
  longitudeRef: ascii('E'),
  longitude: rational(151, 1, 12, 1, 40, 1),
  altitudeRef: bytes(1),
  altitude: rational(55, 10),
};
const full = () =>
  tiffOf({ make: ascii('Linden '), model: ascii('Fern 8'), rating: short(4), exif: below(exposure), gps: below(gps) });

describe('EXIF', () => {
  const expected = {
    takenAt: { atMs: Date.UTC(2023, 6, 8, 3, 40, 11, 250), offsetMinutes: 330, from: 'exif' },
    camera: { make: 'Linden', model: 'Fern 8' },
    lens: 'Fern 8 main camera',
    exposureSeconds: 0.004,
    fNumber: 2.8,
    iso: 400,
    focalLengthMm: 5.1,
    focalLength35mm: 26,
    gps: { latitude: -33.8598333, longitude: 151.2111111, altitude: -5.5 },
    rating: 4,
  };

  test('of a JPEG is read in full', async () => {
    expect(await metadataOf(withExif(jpeg, full()))).toEqual({
      width: 30,
      height: 20,
      durationMs: null,
      title: null,
      description: null,
      keywords: [],
      ...expected,
    });
  });

  test.each(['png', 'webp', 'avif'] as const)('of a %s is read too', async (format) => {
    const image = sharp(await quarters(30, 20).png().toBuffer()).withExif({
      IFD0: { Make: 'Linden', Model: 'Fern 8' },
      IFD2: { DateTimeOriginal: '2023:07:08 09:10:11', ISOSpeedRatings: '400' },
    });
    expect(await metadataOf(await image.toFormat(format).toBuffer(), {}, `a.${format}`)).toMatchObject({
      takenAt: { atMs: Date.UTC(2023, 6, 8, 9, 10, 11), offsetMinutes: null, from: 'exif' },
      camera: { make: 'Linden', model: 'Fern 8' },
      iso: 400,
    });
  });

  test('of a TIFF is its own', async () => {
    const pixels = Buffer.from([0, 50, 100, 150, 200, 250]);
    const file = tiffOf({
      imageWidth: short(3),
      imageLength: short(2),
      bitsPerSample: short(8),
      compression: short(1),
      photometric: short(1),
      make: ascii('Linden'),
      stripOffsets: blob(pixels),
      samplesPerPixel: short(1),
      rowsPerStrip: short(2),
      stripByteCounts: long(pixels.length),
      exif: below(exposure),
    });
    expect(await metadataOf(file, {}, 'a.tif')).toMatchObject({
      width: 3,
      height: 2,
      camera: { make: 'Linden' },
      iso: 400,
    });
  });

  test('knows the ways of cameras: an offset for all times, an ISO above 65,535, Latin-1, fields of Windows', async () => {
    const wide = (text: string) => raw(1, Buffer.from(`${text}\0`, 'utf16le'));
    const block = tiffOf({
      make: raw(2, Buffer.from('Citroën\0', 'latin1')),
      xpTitle: wide('Größe 📷'),
      xpKeywords: wide('sea;sun; sea'),
      exif: below({
        digitized: ascii('2020:01:01 00:00:00'),
        offset: ascii('-03:00'),
        iso: short(65_535),
        longIso: long(102_400),
      }),
    });
    expect(await metadataOf(withExif(jpeg, block))).toMatchObject({
      camera: { make: 'Citroën', model: null },
      title: 'Größe 📷',
      keywords: ['sea', 'sun'],
      takenAt: { atMs: Date.UTC(2020, 0, 1, 3), offsetMinutes: -180, from: 'exif' },
      iso: 102_400,
    });
  });

  test('tells of no place where no receiver was: 0, 0, and degrees that the earth lacks', async () => {
    const at = (latitude: Ifd['latitude'], longitude: Ifd['longitude']) =>
      metadataOf(withExif(jpeg, tiffOf({ gps: below({ latitude, longitude }) })));
    expect((await at(rational(0, 1, 0, 1, 0, 1), rational(0, 1, 0, 1, 0, 1))).gps).toBeNull();
    expect((await at(rational(91, 1, 0, 1, 0, 1), rational(10, 1, 0, 1, 0, 1))).gps).toBeNull();
    expect((await at(rational(0, 0, 0, 0, 0, 0), rational(0, 0, 0, 0, 0, 0))).gps).toBeNull();
    expect((await at(rational(48, 1), rational(11, 2, 0, 0, 0, 0))).gps).toEqual({
      latitude: 48,
      longitude: 5.5,
      altitude: null,
    });
  });
});

describe('the time a picture was taken', () => {
  const taken = (date: string): Ifd => ({ exif: below({ taken: ascii(date) }) });

  test('comes from the sidecar, then EXIF, XMP, IPTC, the satellites, and at last the file', async () => {
    const time: Ifd = { gpsTime: rational(5, 1, 6, 1, 7, 1), gpsDate: ascii('2005:05:05') };
    const steps: [string, (file: Buffer) => Buffer, object][] = [
      ['file', (file) => file, { from: 'file', atMs: 1_767_323_045_678, offsetMinutes: 0 }],
      [
        'GPS',
        (file) => withExif(file, tiffOf({ gps: below(time) })),
        { from: 'exif', atMs: Date.UTC(2005, 4, 5, 5, 6, 7), offsetMinutes: 0 },
      ],
      [
        'IPTC',
        (file) =>
          withIptc(file, [
            [55, '20040404'],
            [60, '040404-0400'],
          ]),
        { from: 'xmp', atMs: Date.UTC(2004, 3, 4, 8, 4, 4), offsetMinutes: -240 },
      ],
      [
        'XMP',
        (file) =>
          withXmp(file, xmpOf('photoshop:DateCreated="2003-03-03T03:03:03.5+03:00" xmp:CreateDate="2013-03-03"')),
        { from: 'xmp', atMs: Date.UTC(2003, 2, 3, 0, 3, 3, 500), offsetMinutes: 180 },
      ],
      [
        'EXIF',
        (file) => withExif(file, tiffOf({ ...taken('2002:02:02 02:02:02'), gps: below(time) })),
        { from: 'exif', atMs: Date.UTC(2002, 1, 2, 2, 2, 2), offsetMinutes: null },
      ],
    ];
    let file = jpeg;
    for (const [name, add, expected] of steps) {
      file = add(file);
      expect((await metadataOf(file)).takenAt, name).toEqual(expected);
    }
    const sidecar = Buffer.from(xmpOf('', '<exif:DateTimeOriginal>2001-01-01T01:01:01Z</exif:DateTimeOriginal>'));
    expect((await metadataOf(file, { sidecar })).takenAt).toEqual({
      from: 'xmp',
      atMs: Date.UTC(2001, 0, 1, 1, 1, 1),
      offsetMinutes: 0,
    });
  });

  test.each([
    '0000:00:00 00:00:00',
    '    :  :     :  :  ',
    '1970:01:01 00:00:00',
    '2023:02:30 10:00:00',
    '2023:13:01 10:00:00',
    '2023:01:01 25:00:00',
    '9999:12:31 23:59:59',
    '0001:01:01 00:00:00',
    '20230101',
    'yesterday',
    '',
  ])('is not %j', async (date) => {
    expect((await metadataOf(withExif(jpeg, tiffOf(taken(date))))).takenAt.from).toBe('file');
  });

  test('has no offset that no place has', async () => {
    for (const offset of ['+25:00', '+05:99', '   :  ', 'CET']) {
      const block = tiffOf({ exif: below({ taken: ascii('2023:01:01 10:00:00'), offsetTaken: ascii(offset) }) });
      const { takenAt } = await metadataOf(withExif(jpeg, block));
      expect(takenAt, offset).toEqual({ from: 'exif', atMs: Date.UTC(2023, 0, 1, 10), offsetMinutes: null });
    }
  });

  test('of the file stays within the calendar', async () => {
    const { takenAt } = await metadataOf(jpeg, { mtimeNs: 2n ** 100n });
    expect(takenAt).toEqual({ from: 'file', atMs: Date.UTC(9999, 11, 31), offsetMinutes: 0 });
  });
});

describe('XMP', () => {
  const everything = xmpOf(
    `tiff:Make="Corvo" tiff:Model="C5" aux:Lens="Corvo 35mm" exif:ExposureTime="1/60" exif:FNumber="4/1" exif:FocalLength="350/10"
     exif:GPSLatitude="48,8,15N" exif:GPSLongitude="11,34.518E" exif:GPSAltitude="520/1" xmp:Rating="-1"`,
    `<exif:ISOSpeedRatings><rdf:Seq><rdf:li>200</rdf:li></rdf:Seq></exif:ISOSpeedRatings>
     <dc:title><rdf:Alt><rdf:li xml:lang="de">Meer</rdf:li><rdf:li xml:lang="x-default">Sea &amp; sun</rdf:li></rdf:Alt></dc:title>
     <dc:description><rdf:Alt><rdf:li xml:lang="x-default">Two&#10;lines</rdf:li></rdf:Alt></dc:description>
     <dc:subject><rdf:Bag><rdf:li>sea</rdf:li><rdf:li>sun</rdf:li><rdf:li>sea</rdf:li></rdf:Bag></dc:subject>`,
  );
  const expected = {
    camera: { make: 'Corvo', model: 'C5' },
    lens: 'Corvo 35mm',
    exposureSeconds: 1 / 60,
    fNumber: 4,
    focalLengthMm: 35,
    iso: 200,
    gps: { latitude: 48.1375, longitude: 11.5753, altitude: 520 },
    rating: -1,
    title: 'Sea & sun',
    description: 'Two\nlines',
    keywords: ['sea', 'sun'],
  };

  test('of a file is read in full, as attributes and as elements', async () => {
    expect(await metadataOf(withXmp(jpeg, everything))).toMatchObject(expected);
  });

  test('of a sidecar wins over the file, word by word, also when it is UTF-16', async () => {
    const sidecar = Buffer.from(
      `\uFEFF${xmpOf('xmp:Rating="2"', '<dc:subject><rdf:Bag><rdf:li>mine</rdf:li></rdf:Bag></dc:subject>')}`,
      'utf16le',
    );
    const metadata = await metadataOf(withXmp(jpeg, everything), { sidecar });
    expect(metadata).toMatchObject({ ...expected, rating: 2, keywords: ['mine'] });
  });

  test('wins over EXIF in what people say, and EXIF in what the camera knows', async () => {
    const block = tiffOf({ description: ascii('DIGITAL CAMERA'), make: ascii('Linden'), rating: short(1) });
    const { camera, ...told } = await metadataOf(withExif(withXmp(jpeg, everything), block));
    expect(camera?.make).toBe('Linden');
    expect(told).toMatchObject({ description: 'Two\nlines', rating: -1 });
  });

  test('is known by its namespaces, whatever their prefixes, and in several descriptions', async () => {
    const packet = `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
      <rdf:Description xmlns:xap="http://ns.adobe.com/xap/1.0/"><xap:Rating>3</xap:Rating></rdf:Description>
      <rdf:Description xmlns:d="http://purl.org/dc/elements/1.1/"><d:subject><rdf:Bag><rdf:li>one</rdf:li></rdf:Bag></d:subject></rdf:Description>
    </rdf:RDF>`;
    expect(await metadataOf(jpeg, { sidecar: Buffer.from(packet) })).toMatchObject({ rating: 3, keywords: ['one'] });
  });

  test.each([
    ['an entity bomb', `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>${xmpOf('xmp:Rating="5"')}`],
    ['no XML', '<x:xmpmeta <<<< \0\0\0'],
    ['nothing', ''],
    ['tags in tags', '<a>'.repeat(50_000)],
    ['entities without end', xmpOf('', `<dc:title>${'&amp;'.repeat(800_000)}</dc:title>`)],
    ['tags without end', xmpOf('', '<dc:subject/>'.repeat(50_000))],
    ['attributes without end', xmpOf(Array.from({ length: 50_000 }, (_, i) => `a${i}="1"`).join(' '))],
    [
      'names of JavaScript',
      '<rdf:RDF><rdf:Description><__proto__><rating>5</rating></__proto__></rdf:Description></rdf:RDF>',
    ],
    ['more than 4 MiB', xmpOf(`xmp:Rating="5" dc:x="${'x'.repeat(5 << 20)}"`)],
  ])('that is %s is left alone, in no time', async (_, packet) => {
    const { result, cpuMs } = await measured(() => metadataOf(jpeg, { sidecar: Buffer.from(packet) }));
    expect(result).toMatchObject({ rating: null, keywords: [], title: null });
    expect(cpuMs).toBeLessThan(1_000);
  });
});

test('IPTC is read where nothing newer is there', async () => {
  const file = withIptc(jpeg, [
    [5, 'Harbour'],
    [120, 'Boats in the morning'],
    [25, 'boats'],
    [25, 'Überfahrt'],
  ]);
  const told = { title: 'Harbour', description: 'Boats in the morning', keywords: ['boats', 'Überfahrt'] };
  expect(await metadataOf(file)).toMatchObject(told);
  const title = '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Port</rdf:li></rdf:Alt></dc:title>';
  expect(await metadataOf(withXmp(file, xmpOf('', title)))).toMatchObject({ ...told, title: 'Port' });
});

describe('words of strangers', () => {
  test('are bounded, and have nothing in them that the catalog refuses', async () => {
    const long = 'x'.repeat(100_000);
    const items = Array.from({ length: 2_000 }, (_, i) => `<rdf:li>${i}-${long.slice(0, 300)}</rdf:li>`).join('');
    const sidecar = Buffer.from(
      xmpOf('', `<dc:description>a\u0007b${long}</dc:description><dc:subject><rdf:Bag>${items}</rdf:Bag></dc:subject>`),
    );
    const block = tiffOf({
      make: raw(2, Buffer.from('Ha\x01l\x7fden\0junk')),
      model: raw(2, Buffer.from([0xed, 0xa0, 0xbd, 0x41])),
    });
    const { description, keywords, camera } = await metadataOf(withExif(jpeg, block), { sidecar });
    expect(camera).toEqual({ make: 'Halden', model: expect.stringContaining('A') });
    expect(description).toBe(`ab${long}`.slice(0, 4_096));
    expect(keywords).toHaveLength(256);
    expect(new Set(keywords.map((keyword) => keyword.length))).toEqual(new Set([256]));
  });

  test('are not cut in the middle of a character', async () => {
    const sidecar = Buffer.from(xmpOf('', `<dc:title>${'x'.repeat(4_095)}📷📷</dc:title>`));
    expect((await metadataOf(jpeg, { sidecar })).title).toBe('x'.repeat(4_095));
  });

  test('are no numbers when they are infinite, negative, or none', async () => {
    const sidecar = Buffer.from(
      xmpOf('xmp:Rating="1e999" exif:FNumber="1/0" exif:ExposureTime="-1" exif:FocalLength="NaN"'),
    );
    const block = tiffOf({
      rating: short(77),
      exif: below({ exposureTime: rational(0, 0), fNumber: raw(11, Buffer.from('000080ff', 'hex')), iso: short(0) }),
    });
    const none = { rating: null, fNumber: null, exposureSeconds: null, focalLengthMm: null, iso: null };
    expect(await metadataOf(withExif(jpeg, block), { sidecar })).toMatchObject(none);
  });
});

describe('an EXIF block that is broken', () => {
  const block = tiffOf({ make: ascii('Linden, a maker'), exif: below(exposure), gps: below(gps) });

  test('keeps nothing else from being read: cut off anywhere', async () => {
    for (let length = 0; length < block.length; length += 7)
      await metadataOf(withExif(jpeg, block.subarray(0, length)));
  });

  test('keeps nothing else from being read: any byte of it another', async () => {
    for (let at = 0; at < block.length; at += 3) {
      const broken = Buffer.from(block);
      broken[at] = 0xff;
      const { state } = await media.process(mediaSource(withExif(jpeg, broken), 'a.jpg'), signal);
      expect(state, `byte ${at}`).toBe('ready');
    }
  });

  test('may tell where it goes on in fractions, and not at all', async () => {
    for (const where of [rational(17, 2), rational(0, 0), raw(12, Buffer.from('000000000000f87f', 'hex'))]) {
      expect(
        (await metadataOf(withExif(jpeg, tiffOf({ make: ascii('Linden'), exif: where, subIfds: where })))).iso,
      ).toBeNull();
    }
  });

  test('is not followed in circles, nor for billions of values', async () => {
    const circle = tiffOf({ make: ascii('Linden'), exif: long(8), gps: long(8), subIfds: long(8, 8, 8, 8) });
    circle.writeUInt32LE(8, 8 + 2 + 4 * 12);
    expect(await metadataOf(withExif(jpeg, circle))).toMatchObject({ camera: { make: 'Linden' } });
    expect(await metadataOf(await sharp(jpeg).tiff().toBuffer(), {}, 'a.tif')).toMatchObject({ width: 30 });
    const huge = Buffer.from(block);
    // The count of the first entry.
    huge.writeUInt32LE(0xffff_ffff, 8 + 2 + 4);
    expect(await metadataOf(withExif(jpeg, huge))).toMatchObject({ camera: null, iso: 400 });
  });
});
