import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { colourOf } from '../../src/media/colour.ts';
import { openMedia } from '../../src/media/open-media.ts';
import type { MediaPort, MediaResult, MediaSource } from '../../src/sync/media-port.ts';
import { measured } from '../support/cpu.ts';
import {
  ascii,
  below,
  blob,
  type Ifd,
  long,
  mediaSource,
  nameOf,
  quarters,
  quartersOf,
  rational,
  short,
  tiffOf,
  withExif,
  xmpOf,
} from '../support/media.ts';

const { signal } = new AbortController();
const fixture = (name: string) => readFileSync(join(import.meta.dirname, '../fixtures', name));

let media: MediaPort;
beforeAll(() => {
  media = openMedia({ maxPixels: 10_000_000, concurrency: 2 });
});
afterAll(() => media.close());

function look(file: Buffer, fileName: string, more: Partial<MediaSource> = {}): Promise<MediaResult> {
  return media.process(mediaSource(file, fileName, more), signal);
}

const coloursOf = async (result: MediaResult) => (await quartersOf(result, 'preview')).map(nameOf);
const UPRIGHT = ['red', 'green', 'blue', 'white'];

describe('HEIC', () => {
  const heic = fixture('turned.heic');
  // The container turns it clockwise.
  const TURNED = ['blue', 'red', 'white', 'green'];

  test('of a phone is decoded from Display P3 and turned once, though EXIF repeats how it lies', async () => {
    const result = await look(heic, 'IMG_1.HEIC');
    expect(result).toMatchObject({
      state: 'ready',
      error: null,
      metadata: {
        width: 64,
        height: 96,
        camera: { make: 'Halden', model: 'Halden HX-2' },
        takenAt: { atMs: Date.UTC(2024, 4, 6, 5, 8, 9), offsetMinutes: 120, from: 'exif' },
      },
    });
    expect(result.variants.map(({ width, height }) => [width, height])).toEqual([
      [64, 96],
      [64, 96],
    ]);
    expect(await coloursOf(result)).toEqual(TURNED);
    expect(result.thumbhash).not.toBeNull();
  });

  test('is not turned once more by a sidecar', async () => {
    const result = await look(heic, 'IMG_1.heic', {
      sidecar: Buffer.from(xmpOf('tiff:Orientation="6" xmp:Rating="1"')),
    });
    expect(result.metadata).toMatchObject({ width: 64, height: 96, rating: 1 });
    expect(await coloursOf(result)).toEqual(TURNED);
  });

  test('that breaks off is corrupt, and the next one is decoded', async () => {
    // Tiles of a large picture are often missing only at the end, which the decoder would not mind.
    const missing = Buffer.concat([heic, Buffer.from('\0\0\x10\0mdat'), Buffer.alloc(100)]);
    const files = [heic.subarray(0, heic.length - 1), heic, missing, heic];
    const results = await Promise.all(files.map((file, i) => look(file, `${i}.heic`)));
    expect(results.map(({ state }) => state)).toEqual(['corrupt', 'ready', 'corrupt', 'ready']);
    expect(results[2]).toMatchObject({
      metadata: { width: 64, height: 96 },
      error: 'the picture is cut off',
      variants: [],
    });
  });

  test('of more than MAX_PIXELS is refused', async () => {
    const small = openMedia({ maxPixels: 96 * 64 - 1 });
    expect(await small.process(mediaSource(heic, 'a.heic'), signal)).toMatchObject({ state: 'refused', variants: [] });
    await small.close();
  });

  test('that is given up while it is decoded is given up at once', async () => {
    const own = openMedia({ maxPixels: 10_000_000, concurrency: 1 });
    const abort = new AbortController();
    const decoding = own.process(mediaSource(heic, 'a.heic'), abort.signal);
    setTimeout(() => abort.abort(new Error('enough')), 20);
    await expect(decoding).rejects.toThrow('enough');
    expect(await own.process(mediaSource(heic, 'b.heic'), signal)).toMatchObject({ state: 'ready' });
    await own.close();
  });
});

describe('colours', () => {
  test('of profiles are converted, those of sRGB by any name are left as they are', async () => {
    const pixels = await quarters(200, 150).png().toBuffer();
    for (const profile of ['p3', 'srgb'] as const) {
      const file = await sharp(pixels)
        .withIccProfile(profile)
        .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
        .toBuffer();
      const stored = await sharp(file, { ignoreIcc: true }).raw().toBuffer();
      expect(nameOf([...stored.subarray(0, 3)]) === 'red').toBe(profile === 'srgb');
      const colour = colourOf(await sharp(file).metadata());
      expect(colour).toEqual({ byDecoder: false, profile: profile === 'srgb' ? null : expect.any(Buffer) });
      expect(await coloursOf(await look(file, 'a.jpg'))).toEqual(UPRIGHT);
    }
  });
});

describe('a RAW file', () => {
  const preview = () => quarters(1_800, 1_200).jpeg().toBuffer();
  const thumbnail = () => quarters(160, 120).negate().jpeg().toBuffer();
  const sensor: Ifd = {
    imageWidth: long(6_000),
    imageLength: long(4_000),
    compression: short(1),
    stripOffsets: blob(Buffer.alloc(9_000, 7)),
    stripByteCounts: long(9_000),
  };
  const jpegIn = (jpeg: Buffer): Ifd => ({ jpegOffset: blob(jpeg), jpegLength: long(jpeg.length) });
  const words = (orientation: number): Ifd => ({
    make: ascii('Halden'),
    model: ascii('HX-2'),
    orientation: short(orientation),
    exif: below({ taken: ascii('2022:03:04 05:06:07'), iso: short(100), exposureTime: rational(1, 60) }),
  });

  test.each(['arw', 'nef', 'dng', 'pef', 'CR2'])(
    '(%s) has the variants of the largest preview in it, turned as the RAW is, and its own size and words',
    async (extension) => {
      const strip = await preview();
      const asStrip: Ifd = { compression: short(7), stripOffsets: blob(strip), stripByteCounts: long(strip.length) };
      const file = tiffOf({ ...jpegIn(await thumbnail()), ...words(6), subIfds: below(asStrip) }, sensor);
      const result = await look(file, `DSC_1.${extension}`);
      expect(result).toMatchObject({
        state: 'ready',
        metadata: {
          width: 4_000,
          height: 6_000,
          camera: { make: 'Halden', model: 'HX-2' },
          iso: 100,
          takenAt: { atMs: Date.UTC(2022, 2, 4, 5, 6, 7), from: 'exif' },
        },
      });
      expect(result.variants.map(({ width, height }) => [width, height])).toEqual([
        [213, 320],
        [1_067, 1_600],
      ]);
      expect(await coloursOf(result)).toEqual(['blue', 'red', 'white', 'green']);
    },
  );

  test('is turned as its sidecar says instead of as the camera says', async () => {
    const file = tiffOf({ ...jpegIn(await preview()), ...words(6) }, sensor);
    const result = await look(file, 'a.nef', { sidecar: Buffer.from(xmpOf('tiff:Orientation="1"')) });
    expect(result.metadata).toMatchObject({ width: 6_000, height: 4_000 });
    expect(await coloursOf(result)).toEqual(UPRIGHT);
  });

  test('whose preview the camera has turned already is not turned again', async () => {
    const upright = await quarters(1_200, 1_800).jpeg().toBuffer();
    const result = await look(tiffOf({ ...jpegIn(upright), ...words(8) }, sensor), 'a.orf');
    expect(result.metadata).toMatchObject({ width: 4_000, height: 6_000 });
    expect(await coloursOf(result)).toEqual(UPRIGHT);
  });

  test('of Fuji has its preview where its header says, and the words of that', async () => {
    const jpeg = withExif(await preview(), tiffOf({ orientation: short(3), make: ascii('FUJIFILM') }));
    const header = Buffer.alloc(148);
    header.write('FUJIFILMCCD-RAW 0201');
    header.writeUInt32BE(148, 84);
    header.writeUInt32BE(jpeg.length, 88);
    const result = await look(Buffer.concat([header, jpeg, Buffer.alloc(5_000, 3)]), 'DSCF1.RAF');
    expect(result).toMatchObject({
      state: 'ready',
      metadata: { width: 1_800, height: 1_200, camera: { make: 'FUJIFILM' } },
    });
    expect(await coloursOf(result)).toEqual(UPRIGHT.toReversed());
  });

  test('of Canon’s boxes has the largest JPEG in it, and the words of its boxes', async () => {
    const box = (type: string, ...content: Buffer[]) => {
      const body = Buffer.concat([Buffer.alloc(4), Buffer.from(type, 'latin1'), ...content]);
      body.writeUInt32BE(body.length);
      return body;
    };
    const cmt = (type: string, ifd: Ifd) => box(type, tiffOf(ifd));
    const uuid = box(
      'uuid',
      Buffer.from('85c0b687820f11e08111f4ce462b6a48', 'hex'),
      cmt('CMT1', { make: ascii('Canon'), orientation: short(8), imageWidth: short(6_000), imageLength: short(4_000) }),
      cmt('CMT2', { taken: ascii('2021:02:03 04:05:06'), iso: short(3_200) }),
      cmt('CMT4', {
        latitudeRef: ascii('N'),
        latitude: rational(48, 1, 0, 1, 0, 1),
        longitude: rational(11, 1, 0, 1, 0, 1),
      }),
    );
    const file = Buffer.concat([
      box('ftyp', Buffer.from('crx \0\0\0\x01crx isom', 'latin1')),
      box('moov', uuid),
      box('uuid', await thumbnail()),
      box('mdat', await preview(), Buffer.alloc(9_000, 5)),
    ]);
    const result = await look(file, 'a.cr3');
    expect(result).toMatchObject({
      state: 'ready',
      metadata: {
        width: 4_000,
        height: 6_000,
        iso: 3_200,
        camera: { make: 'Canon' },
        gps: { latitude: 48, longitude: 11 },
      },
    });
    expect(await coloursOf(result)).toEqual(['green', 'white', 'red', 'blue']);
  });

  test('without a preview is unsupported, with its size and words; cut off, it is corrupt', async () => {
    const file = tiffOf({ ...words(6), ...sensor });
    const told = { metadata: { width: 4_000, height: 6_000, iso: 100 }, variants: [] };
    expect(await look(file, 'a.dng')).toMatchObject({ state: 'unsupported', ...told });
    const lossless = (await preview()).map((byte, i, all) => (all[i - 1] === 0xff && byte === 0xc0 ? 0xc3 : byte));
    expect(await look(tiffOf({ ...words(6), ...sensor }, jpegIn(Buffer.from(lossless))), 'a.dng')).toMatchObject({
      state: 'unsupported',
    });
    const short = tiffOf({ ...words(6) }, { ...sensor, stripOffsets: long(1_000_000) });
    expect(await look(short, 'a.dng')).toMatchObject({ state: 'corrupt', error: 'the file is cut off' });
  });

  test('whose preview is broken is corrupt, with its size and words', async () => {
    const jpeg = await preview();
    const broken = Buffer.concat([jpeg.subarray(0, jpeg.indexOf(Buffer.from([0xff, 0xda]))), Buffer.alloc(300, 0x55)]);
    const told = { metadata: { width: 4_000, height: 6_000, iso: 100 }, variants: [] };
    const file = tiffOf({ ...jpegIn(broken), ...words(6), tileOffsets: long(0) }, sensor);
    expect(await look(file, 'a.nef')).toMatchObject({ state: 'corrupt', ...told });
  });

  test('full of beginnings of pictures is gone through in no time', async () => {
    const file = Buffer.concat([tiffOf(words(1)), Buffer.alloc(8 << 20, Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 2]))]);
    const { result, cpuMs } = await measured(() => look(file, 'a.orf'));
    expect(result).toMatchObject({ state: 'unsupported' });
    expect(cpuMs).toBeLessThan(2_000);
  });
});

describe('JPEG XL', () => {
  test('is unsupported, but its size is read', async () => {
    // A bare codestream: not small, height 1080 (13 bits), 4:3, all default.
    const bits = ['0', '01', '0110111000011'.padStart(13, '0'), '011', '1'];
    const at = [0, 1, 1, 1, 0].map((_, i) => bits[i]!);
    const stream = at
      .map((field) => [...field].reverse().join(''))
      .join('')
      .padEnd(200, '0');
    const packed = stream.match(/.{8}/g)!.map((byte) => Number.parseInt([...byte].reverse().join(''), 2));
    const file = Buffer.from([0xff, 0x0a, ...packed]);
    expect(await look(file, 'a.jxl')).toMatchObject({
      state: 'unsupported',
      error: 'JPEG XL pictures are not decoded',
    });
  });
});

describe('a video', () => {
  const mov = fixture('turned.mov');
  const asVideo = { kind: 'video' } as const;

  test('tells how large it is to be looked at, how long it takes, when and where it was made', async () => {
    expect(await look(mov, 'a.mov', asVideo)).toEqual({
      state: 'ready',
      error: null,
      thumbhash: null,
      variants: [],
      metadata: expect.objectContaining({
        width: 64,
        height: 96,
        durationMs: 1_200,
        takenAt: { atMs: Date.UTC(2024, 4, 6, 5, 8, 9), offsetMinutes: 120, from: 'container' },
        camera: { make: 'Linden', model: 'Linden Fern 8' },
        gps: { latitude: 48.1371, longitude: 11.5753, altitude: 520 },
      }),
    });
  });

  test('without words of its own was made when its index says, which is UTC; never in 1904 or 1970', async () => {
    const without = Buffer.from(
      mov.toString('latin1').replaceAll('com.apple.quicktime.creationdate', 'com.apple.quicktime.creationdat_'),
      'latin1',
    );
    const { takenAt } = (await look(without, 'a.mov', asVideo)).metadata;
    expect(takenAt).toEqual({ atMs: Date.UTC(2024, 4, 6, 5, 8, 9), offsetMinutes: 0, from: 'container' });
    for (const seconds of [0, 2_082_844_800]) {
      without.writeUInt32BE(seconds, without.indexOf('mvhd') + 8);
      expect((await look(without, 'a.mov', asVideo)).metadata.takenAt.from).toBe('file');
    }
  });

  test('is read in pieces', async () => {
    const large = Buffer.concat([mov, Buffer.from('\0\x80\0\0free', 'latin1'), Buffer.alloc((8 << 20) - 8)]);
    const source = mediaSource(large, 'a.mov', asVideo);
    expect(await media.process(source, signal)).toMatchObject({ state: 'ready', metadata: { durationMs: 1_200 } });
    expect(source.tally.bytesRead).toBeLessThan(100_000);
  });

  test('is corrupt when it is empty, is none, or has no index', async () => {
    const unfinished = Buffer.concat([
      mov.subarray(0, mov.indexOf('moov') - 4),
      Buffer.from('\0\0\x10\0mdat'),
      Buffer.alloc(4_088),
    ]);
    for (const file of [Buffer.alloc(0), Buffer.from('text'), Buffer.alloc(5_000), unfinished]) {
      const result = await look(file, 'a.mp4', asVideo);
      expect(result, `${file.length}`).toMatchObject({ state: 'corrupt', error: expect.any(String) });
    }
  });

  test('that breaks off is corrupt, with what its index says', async () => {
    expect(await look(mov.subarray(0, mov.length - 1), 'a.mov', asVideo)).toMatchObject({
      state: 'corrupt',
      error: 'the video is cut off',
      metadata: { width: 64, height: 96, durationMs: 1_200 },
    });
  });

  test('of WebM is read up to its first cluster', async () => {
    const element = (id: string, content: Buffer) => {
      const size = Buffer.alloc(4);
      size.writeUInt32BE(content.length + 0x1000_0000);
      return Buffer.concat([Buffer.from(id, 'hex'), size, content]);
    };
    const of = (...parts: Buffer[]) => Buffer.concat(parts);
    const [duration, date] = [Buffer.alloc(8), Buffer.alloc(8)];
    duration.writeDoubleBE(2_500.4);
    date.writeBigInt64BE(BigInt(Date.UTC(2024, 4, 6) - Date.UTC(2001, 0, 1)) * 1_000_000n);
    const info = element(
      '1549a966',
      of(element('2ad7b1', Buffer.from([0x0f, 0x42, 0x40])), element('4489', duration), element('4461', date)),
    );
    const sound = element('ae', element('83', Buffer.from([2])));
    const video = element('e0', of(element('b0', Buffer.from([2, 0x80])), element('ba', Buffer.from([1, 0xe0]))));
    const tracks = element('1654ae6b', of(sound, element('ae', of(element('83', Buffer.from([1])), video))));
    const head = element('1a45dfa3', element('4282', Buffer.from('webm')));
    const segment = element('18538067', of(info, tracks, element('1f43b675', Buffer.alloc(500))));
    const webm = of(head, segment);
    const metadata = {
      width: 640,
      height: 480,
      durationMs: 2_500,
      takenAt: { atMs: Date.UTC(2024, 4, 6), offsetMinutes: 0, from: 'container' },
    };
    expect(await look(webm, 'a.webm', asVideo)).toMatchObject({ state: 'ready', metadata });
    expect(await look(webm.subarray(0, webm.length - 9), 'a.webm', asVideo)).toMatchObject({
      state: 'corrupt',
      metadata,
    });
    for (let at = 0; at < 150; at++) {
      const broken = Buffer.from(webm);
      broken[at] = 0xff;
      expect((await look(broken, 'a.webm', asVideo)).state, `byte ${at}`).toMatch(/ready|corrupt/);
    }
  });

  test('of AVI tells its size and duration', async () => {
    const avi = Buffer.alloc(500);
    avi.write('RIFF\0\0\0\0AVI LIST\0\0\0\0hdrlavih', 'latin1');
    for (const [at, value] of [
      [4, 492],
      [32, 40_000],
      [48, 75],
      [64, 720],
      [68, 576],
    ] as const)
      avi.writeUInt32LE(value, at);
    expect(await look(avi, 'a.avi', asVideo)).toMatchObject({
      state: 'ready',
      metadata: { width: 720, height: 576, durationMs: 3_000 },
    });
    expect(await look(avi.subarray(0, 400), 'a.avi', asVideo)).toMatchObject({ state: 'corrupt' });
  });

  test('of a format that is not read is unsupported', async () => {
    const stream = Buffer.alloc(188 * 4, 0x47);
    expect(await look(stream, 'a.mts', asVideo)).toMatchObject({
      state: 'unsupported',
      error: 'videos of this format are not read',
    });
  });

  test('never throws for what is in it, whichever byte is another', async () => {
    const index = mov.indexOf('moov');
    for (let at = index; at < mov.length; at += 3) {
      const broken = Buffer.from(mov);
      broken[at] = 0xff;
      expect((await look(broken, 'a.mov', asVideo)).state, `byte ${at}`).toMatch(/ready|corrupt/);
    }
  });
});
