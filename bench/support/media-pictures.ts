/** Pictures to process: photos of 12 megapixels, and files that are made to take all the memory there is. */
import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';

const WIDTH = 4_000;
const HEIGHT = 3_000;

/** JPEGs of 12 megapixels, with the detail and the size of photos (2 to 5 MB); all different. */
export async function makePhotos(folder: string, count: number, signal: AbortSignal): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (let i = 0; i < count; i++) {
    signal.throwIfAborted();
    const sideways = i % 3 === 2;
    const photo = await (await scene(i))
      .jpeg({ quality: 92 })
      .withMetadata({ orientation: sideways ? 6 : 1 })
      .toBuffer();
    await writeFile(join(folder, `photo-${i}.jpg`), photo);
  }
}

/** Pictures that `makeManyPhotos` draws. */
const DRAWN = 10;
const PHOTOS_AN_ALBUM = 100;

/** As many as one likes, of a few pictures: no two have the same bytes. */
export async function makeManyPhotos(folder: string, count: number, signal: AbortSignal): Promise<void> {
  const drawn = join(folder, 'album-0');
  await makePhotos(drawn, Math.min(count, DRAWN), signal);
  for (let i = 0; i < count; i++) {
    signal.throwIfAborted();
    const album = join(folder, `album-${Math.floor(i / PHOTOS_AN_ALBUM)}`);
    const path = join(album, `photo-${i}.jpg`);
    await mkdir(album, { recursive: true });
    if (i >= DRAWN) {
      const picture = await readFile(join(drawn, `photo-${i % DRAWN}.jpg`));
      await writeFile(path, withComment(picture, `photo ${i}`));
    }
    // Old enough to be synced at once.
    await utimes(path, 1_600_000_000 + i, 1_600_000_000 + i);
  }
}

/** A JPEG with a comment right after its first marker. */
function withComment(jpeg: Buffer, text: string): Buffer {
  const comment = Buffer.from(`\xff\xfe\0${String.fromCharCode(text.length + 2)}${text}`, 'latin1');
  return Buffer.concat([jpeg.subarray(0, 2), comment, jpeg.subarray(2)]);
}

/** Shapes that are large, soft and crisp, under a grain. */
async function scene(seed: number): Promise<Sharp> {
  const shapes = Array.from({ length: 260 }, (_, i) => {
    const [x, y, r] = [random(seed, i, 0) * WIDTH, random(seed, i, 1) * HEIGHT, 20 + random(seed, i, 2) ** 3 * 900];
    const colour = `hsl(${Math.floor(random(seed, i, 3) * 360)} 50% ${Math.floor(20 + random(seed, i, 4) * 60)}%)`;
    const edges = `${x},${y - r} ${x + r},${y + r * random(seed, i, 5)} ${x - r},${y + r}`;
    return i % 2 === 0
      ? `<circle cx="${x}" cy="${y}" r="${r}" fill="${colour}"/>`
      : `<polygon points="${edges}" fill="${colour}"/>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}">${shapes.join('')}</svg>`;
  const noise = { type: 'gaussian', mean: 128, sigma: 9 } as const;
  const size = { width: WIDTH, height: HEIGHT, channels: 3, background: '#808080' } as const;
  const grain = await sharp({ create: { ...size, noise } })
    .blur(0.7)
    .png({ compressionLevel: 1 })
    .toBuffer();
  return sharp(Buffer.from(svg))
    .flatten({ background: '#345' })
    .composite([{ input: grain, blend: 'soft-light' }]);
}

/** 0 to 1, always the same. */
function random(seed: number, i: number, which: number): number {
  const value = Math.sin(seed * 311.7 + i * 74.7 + which * 127.1) * 43_758.5453;
  return value - Math.floor(value);
}

/** Large pictures of formats that are decoded as a whole, one of more pixels than are allowed, and broken ones. */
export async function makeHeavyPictures(folder: string, signal: AbortSignal): Promise<void> {
  await mkdir(folder, { recursive: true });
  const write = async (name: string, image: Sharp) => {
    signal.throwIfAborted();
    await writeFile(join(folder, name), await image.toBuffer());
  };
  const plain = (side: number) =>
    sharp({ create: { width: side, height: side, channels: 3, background: '#369' }, limitInputPixels: false });
  const photo = await (await scene(99)).jpeg({ quality: 92 }).toBuffer();
  await write('refused.png', plain(20_000).toColourspace('b-w').png({ compressionLevel: 9 }));
  for (let i = 0; i < 2; i++) {
    await write(`interlaced-${i}.png`, plain(9_000).png({ progressive: true, compressionLevel: 9 }));
    await write(`progressive-${i}.jpg`, plain(9_000).jpeg({ progressive: true, chromaSubsampling: '4:4:4' }));
    await write(`large-${i}.webp`, plain(9_000).webp({ effort: 0 }));
    await write(`large-${i}.tif`, plain(9_000).tiff({ compression: 'lzw', tile: true }));
    await writeFile(join(folder, `cut-${i}.jpg`), photo.subarray(0, photo.length >> 1));
  }
}
