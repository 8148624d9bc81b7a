import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RollcallError } from '../../src/errors.ts';
import { openMedia } from '../../src/media/open-media.ts';
import type { MediaPort, MediaResult, MediaSource } from '../../src/sync/media-port.ts';
import { measured } from '../support/cpu.ts';
import {
  MTIME_NS,
  mediaSource,
  nameOf,
  quarters,
  quartersOf,
  short,
  tiffOf,
  withExif,
  withXmp,
  xmpOf,
} from '../support/media.ts';

const { signal } = new AbortController();
const MAX_PIXELS = 268_402_689;

let media: MediaPort;
beforeAll(() => {
  media = openMedia({ maxPixels: MAX_PIXELS, concurrency: 2 });
});
afterAll(() => media.close());

function look(file: Buffer, fileName: string, more: Partial<MediaSource> = {}): Promise<MediaResult> {
  return media.process(mediaSource(file, fileName, more), signal);
}

async function colours(result: MediaResult, name: 'thumb' | 'preview' = 'preview'): Promise<string[]> {
  return (await quartersOf(result, name)).map(nameOf);
}

const UPRIGHT = ['red', 'green', 'blue', 'white'];

describe('a picture', () => {
  test('has variants of 320 and 1600 pixels, a placeholder, its size, and nothing of itself in the variants', async () => {
    const plain = await quarters(2_000, 1_500).jpeg().toBuffer();
    const file = withXmp(withExif(plain, tiffOf({ orientation: short(1) })), xmpOf('xmp:Rating="4"'));
    const result = await look(file, 'a.jpg');
    expect(result).toMatchObject({ state: 'ready', error: null, metadata: { width: 2_000, height: 1_500, rating: 4 } });
    expect(Buffer.from(result.thumbhash!, 'base64').length).toBeGreaterThan(10);
    const shapes = result.variants.map(({ name, width, height }) => [name, width, height]);
    expect(shapes).toEqual([
      ['thumb', 320, 240],
      ['preview', 1_600, 1_200],
    ]);
    for (const { bytes, width, height } of result.variants) {
      const { exif, xmp, icc, iptc, format, orientation, space, ...size } = await sharp(bytes).metadata();
      expect({ exif, xmp, icc, iptc, format, orientation, space }).toEqual({ format: 'webp', space: 'srgb' });
      expect(size).toMatchObject({ width, height });
    }
    expect(await colours(result)).toEqual(UPRIGHT);
    expect(await colours(result, 'thumb')).toEqual(UPRIGHT);
  });

  test('is read once, but for the few bytes that tell its format', async () => {
    const source = mediaSource(await quarters(300, 200).png().toBuffer(), 'a.png');
    await media.process(source, signal);
    expect(source.tally.bytesRead).toBeLessThanOrEqual(source.size + 64);
  });

  test('is not enlarged when it is small', async () => {
    const { variants } = await look(await quarters(40, 30).png().toBuffer(), 'small.png');
    expect(variants.map(({ width, height }) => [width, height])).toEqual([
      [40, 30],
      [40, 30],
    ]);
  });

  test('of one line of pixels has variants too', async () => {
    const { state, variants } = await look(await quarters(4_000, 1).png().toBuffer(), 'line.png');
    expect(state).toBe('ready');
    expect(variants.map(({ width, height }) => [width, height])).toEqual([
      [320, 1],
      [1_600, 1],
    ]);
  });

  test.each([
    ['png', (image: Sharp) => image.png()],
    ['png, interlaced', (image: Sharp) => image.png({ progressive: true })],
    ['png, with a palette', (image: Sharp) => image.png({ palette: true })],
    ['png, 16 bits', (image: Sharp) => image.toColourspace('rgb16').png()],
    ['webp', (image: Sharp) => image.webp({ quality: 90 })],
    ['gif', (image: Sharp) => image.gif()],
    ['tiff', (image: Sharp) => image.tiff({ compression: 'lzw' })],
    ['avif', (image: Sharp) => image.avif({ quality: 80, effort: 0 })],
    ['jpg, progressive', (image: Sharp) => image.jpeg({ progressive: true })],
    ['jpg, CMYK', (image: Sharp) => image.toColourspace('cmyk').jpeg({ quality: 95 })],
    ['tiff, Display P3', (image: Sharp) => image.withIccProfile('p3').tiff()],
  ])('in the format %s comes out with its colours in sRGB', async (format, encode) => {
    const file = await encode(quarters(120, 80)).toBuffer();
    const result = await look(file, `a.${format.split(',')[0]}`);
    expect(result).toMatchObject({ state: 'ready', error: null, metadata: { width: 120, height: 80 } });
    const got = await quartersOf(result, 'preview');
    // Inks can't do every green.
    if (!format.includes('CMYK')) expect(got.map(nameOf)).toEqual(UPRIGHT);
    else expect(got.map((colour) => colour.indexOf(Math.max(...colour))).slice(0, 3)).toEqual([0, 1, 2]);
  });

  test('keeps what is transparent', async () => {
    const file = await sharp({ create: { width: 50, height: 50, channels: 4, background: '#ff000000' } })
      .png()
      .toBuffer();
    const { variants } = await look(file, 'clear.png');
    const { channels } = await sharp(variants[0]!.bytes).stats();
    expect(channels[3]!.max).toBe(0);
  });

  test('that moves has the variants of its first page, and its duration', async () => {
    const pages = await Promise.all(
      ['#e61e1e', '#1ec828', '#2832dc'].map((background) =>
        sharp({ create: { width: 60, height: 40, channels: 3, background } })
          .png()
          .toBuffer(),
      ),
    );
    for (const format of ['gif', 'webp'] as const) {
      const image = sharp(pages, { join: { animated: true } });
      const delay = { delay: [100, 200, 700] };
      const file = await (format === 'gif' ? image.gif(delay) : image.webp(delay)).toBuffer();
      const result = await look(file, `a.${format}`);
      expect(result.metadata, format).toMatchObject({ width: 60, height: 40, durationMs: 1_000 });
      expect(result.variants[0], format).toMatchObject({ width: 60, height: 40 });
      expect(await colours(result), format).toEqual(['red', 'red', 'red', 'red']);
    }
  });

  test('is what its bytes are, whatever its name says', async () => {
    expect(await look(await quarters(60, 40).png().toBuffer(), 'a.jpg')).toMatchObject({ state: 'ready' });
  });
});

describe('a picture that lies on its side', () => {
  // What is stored for each orientation so that the picture, looked at, has red and green above blue and white.
  const stored: Record<number, (image: Sharp) => Sharp> = {
    1: (image) => image,
    2: (image) => image.flop(),
    3: (image) => image.rotate(180),
    4: (image) => image.flip(),
    5: (image) => image.flop().rotate(270),
    6: (image) => image.rotate(270),
    7: (image) => image.flop().rotate(90),
    8: (image) => image.rotate(90),
  };
  const lying = async (orientation: number, width = 1_800, height = 1_260) => {
    const upright = await quarters(width, height).png().toBuffer();
    return stored[orientation]!(sharp(upright)).jpeg({ quality: 90 }).toBuffer();
  };

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    '(EXIF orientation %i) is upright in its variants, and has the size of an upright one',
    async (orientation) => {
      const file = withExif(await lying(orientation), tiffOf({ orientation: short(orientation) }));
      const result = await look(file, 'a.jpg');
      expect(result).toMatchObject({ state: 'ready', metadata: { width: 1_800, height: 1_260 } });
      expect(result.variants.map(({ width, height }) => [width, height])).toEqual([
        [320, 224],
        [1_600, 1_120],
      ]);
      expect(await colours(result)).toEqual(UPRIGHT);
      expect(await colours(result, 'thumb')).toEqual(UPRIGHT);
    },
  );

  test('is turned once when its sidecar repeats what EXIF says', async () => {
    const file = withExif(await lying(6, 300, 200), tiffOf({ orientation: short(6) }));
    const result = await look(file, 'a.jpg', { sidecar: Buffer.from(xmpOf('tiff:Orientation="6"')) });
    expect(result.metadata).toMatchObject({ width: 300, height: 200 });
    expect(await colours(result)).toEqual(UPRIGHT);
  });

  test('is turned as its sidecar says where EXIF says something else, or nothing', async () => {
    const sidecar = Buffer.from(xmpOf('', '<tiff:Orientation>8</tiff:Orientation>'));
    const file = await lying(8, 300, 200);
    for (const jpeg of [file, withExif(file, tiffOf({ orientation: short(3) }))]) {
      const result = await look(jpeg, 'a.jpg', { sidecar });
      expect(result.metadata).toMatchObject({ width: 300, height: 200 });
      expect(await colours(result)).toEqual(UPRIGHT);
    }
  });

  test('lies as it is stored when the orientation is none that there is', async () => {
    for (const wrong of [0, 9, 65_535]) {
      const file = withExif(await quarters(300, 200).jpeg().toBuffer(), tiffOf({ orientation: short(wrong) }));
      expect(await colours(await look(file, 'a.jpg')), `${wrong}`).toEqual(UPRIGHT);
    }
  });
});

describe('a file that is no good picture', () => {
  const noise = () =>
    sharp({
      create: {
        width: 450,
        height: 350,
        channels: 3,
        background: '#888',
        noise: { type: 'gaussian', mean: 128, sigma: 40 },
      },
    });

  test('is corrupt when it is empty, or only has the name of one', async () => {
    for (const [file, name, error] of [
      [Buffer.alloc(0), 'a.jpg', 'the file is empty'],
      [Buffer.from('To do: take photos'), 'a.jpg', 'the file does not begin like a picture of any kind'],
      [
        Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'),
        'a.png',
        'the file does not begin like a picture of any kind',
      ],
      [Buffer.alloc(100_000), 'a.cr2', 'the file does not begin like a picture of any kind'],
    ] as const) {
      expect(await look(file, name)).toMatchObject({
        state: 'corrupt',
        error,
        variants: [],
        thumbhash: null,
        metadata: { width: null, takenAt: { atMs: Number(MTIME_NS / 1_000_000n), from: 'file' } },
      });
    }
  });

  test('is corrupt when it breaks off, with the size and the words that are still to be read', async () => {
    const exif = tiffOf({ orientation: short(6), rating: short(3) });
    const whole = withExif(await noise().jpeg().toBuffer(), exif);
    for (const file of [whole.subarray(0, whole.length >> 1), whole.subarray(0, whole.length - 900)]) {
      const result = await look(file, 'a.jpg');
      expect(result).toMatchObject({
        state: 'corrupt',
        error: expect.stringMatching(/^the picture is broken or cut off \(/),
        metadata: { width: 350, height: 450, rating: 3 },
        variants: [],
      });
    }
  });

  test.each(['png', 'webp', 'gif', 'tiff', 'avif'] as const)('is corrupt when it is half a %s', async (format) => {
    const whole = await (format === 'avif'
      ? noise().resize(180).avif({ effort: 0 })
      : noise().resize(180).toFormat(format)
    ).toBuffer();
    const result = await look(whole.subarray(0, whole.length >> 1), `a.${format}`);
    expect(result).toMatchObject({ state: 'corrupt', variants: [], thumbhash: null });
    expect(result.error).not.toMatch(/\n|\/|vips_/);
  });

  test('is corrupt when nothing follows its first bytes', async () => {
    const heif = Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1');
    for (const [head, name] of [
      [Buffer.from([0xff, 0xd8, 0xff, 0xe0]), 'a.jpg'],
      [Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), 'a.png'],
      [Buffer.from('GIF89a'), 'a.gif'],
      [Buffer.from('II*\0\x08\0\0\0', 'latin1'), 'a.tif'],
      [heif, 'a.heic'],
    ] as const) {
      expect(await look(head, name), name).toMatchObject({ state: 'corrupt', variants: [] });
    }
  });

  test('is refused, by its header alone, when it has more pixels than MAX_PIXELS', async () => {
    const bomb = pngBomb(30_000, 30_000);
    expect(bomb.length).toBeLessThan(200_000);
    const { result, cpuMs } = await measured(() => look(bomb, 'bomb.png'));
    expect(cpuMs).toBeLessThan(1_000);
    expect(result).toMatchObject({
      state: 'refused',
      error: `the picture has 900000000 pixels; MAX_PIXELS allows ${MAX_PIXELS}`,
      metadata: { width: 30_000, height: 30_000 },
      variants: [],
    });
  });

  test('is refused by the size of a page, not of all pages together', async () => {
    const small = openMedia({ maxPixels: 60 * 40 });
    const page = await quarters(60, 40).png().toBuffer();
    const animation = await sharp([page, await quarters(60, 40).negate().png().toBuffer()], {
      join: { animated: true },
    })
      .gif()
      .toBuffer();
    expect(await small.process(mediaSource(animation, 'a.gif'), signal)).toMatchObject({ state: 'ready' });
    const larger = await quarters(61, 40).png().toBuffer();
    expect(await small.process(mediaSource(larger, 'a.png'), signal)).toMatchObject({ state: 'refused' });
    await small.close();
  });

  test('is refused unread when it has more bytes than are read into memory', async () => {
    const source = mediaSource(await quarters(60, 40).jpeg().toBuffer(), 'a.jpg');
    const reads: number[] = [];
    const read: MediaSource['read'] = (offset, length, aborted) => {
      reads.push(length);
      return source.read(offset, length, aborted);
    };
    const result = await media.process({ ...source, size: 2 ** 40, read }, signal);
    expect(result).toMatchObject({ state: 'refused', error: expect.stringContaining('1099511627776 bytes') });
    expect(reads).toEqual([64]);
  });

  test('is unsupported when its format is not decoded: SVG never is', async () => {
    const svg = Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    for (const [file, name] of [
      [svg, 'a.svg'],
      [Buffer.from('8BPS\0\x01'), 'a.psd'],
      [Buffer.from('BM\0\0\0\0'), 'a.bmp'],
    ] as const) {
      expect(await look(file, name), name).toMatchObject({
        state: 'unsupported',
        variants: [],
        error: expect.any(String),
      });
    }
    expect(await look(Buffer.from('a,b'), 'a.csv', { kind: 'other' })).toMatchObject({
      state: 'unsupported',
      error: null,
    });
  });

  test('keeps its sidecar’s words', async () => {
    const sidecar = Buffer.from(xmpOf('xmp:Rating="5" photoshop:DateCreated="2020-01-02T03:04:05+01:00"'));
    expect(await look(Buffer.alloc(0), 'a.jpg', { sidecar })).toMatchObject({
      state: 'corrupt',
      metadata: { rating: 5, takenAt: { atMs: Date.UTC(2020, 0, 2, 2, 4, 5), offsetMinutes: 60, from: 'xmp' } },
    });
  });

  test('neither stops nor slows the others', async () => {
    const good = await quarters(500, 400).jpeg().toBuffer();
    const broken = [
      Buffer.alloc(0),
      Buffer.from('text'),
      good.subarray(0, 900),
      pngBomb(30_000, 30_000),
      Buffer.alloc(5_000, 0xff),
    ];
    const files = Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? good : broken[(i >> 1) % broken.length]!));
    const results = await Promise.all(files.map((file, i) => look(file, `${i}.jpg`)));
    expect(results.filter((_, i) => i % 2 === 0).map(({ state }) => state)).toEqual(Array(15).fill('ready'));
    expect(results.filter((_, i) => i % 2 === 1).map(({ state }) => state)).not.toContain('ready');
  });
});

describe('processing', () => {
  test('throws what reading throws', async () => {
    const gone = new RollcallError('FILE_UNSTABLE', 'a.jpg changed');
    const source = mediaSource(await quarters(60, 40).jpeg().toBuffer(), 'a.jpg');
    const read = () => Promise.reject(gone);
    await expect(media.process({ ...source, read }, signal)).rejects.toBe(gone);
    await expect(media.process({ ...source, read, kind: 'video', fileName: 'a.mp4' }, signal)).rejects.toBe(gone);
  });

  test('throws what the signal says, also while it waits for its turn', async () => {
    const one = openMedia({ maxPixels: MAX_PIXELS, concurrency: 1 });
    const abort = new AbortController();
    const file = await quarters(3_000, 2_000).jpeg().toBuffer();
    const first = one.process(mediaSource(file, 'a.jpg'), signal);
    const second = one.process(mediaSource(file, 'b.jpg'), abort.signal);
    const third = one.process(mediaSource(file, 'c.jpg'), signal);
    abort.abort(new Error('enough'));
    await expect(second).rejects.toThrow('enough');
    expect([await first, await third].map(({ state }) => state)).toEqual(['ready', 'ready']);
    await one.close();
    await expect(one.process(mediaSource(file, 'd.jpg'), signal)).rejects.toMatchObject({ name: 'AbortError' });
  });
});

/** A true PNG of black pixels, one bit each. */
function pngBomb(width: number, height: number): Buffer {
  const chunk = (type: string, content: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(content.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const lines = deflateSync(Buffer.alloc((Math.ceil(width / 8) + 1) * height));
  const mark = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat([mark, chunk('IHDR', header), chunk('IDAT', lines), chunk('IEND', Buffer.alloc(0))]);
}
