/** Pictures made to be much more than they look: their text, colour profile or frames swell a thousandfold. */
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openMedia } from '../../src/media/open-media.ts';
import type { MediaPort } from '../../src/sync/media-port.ts';
import { mediaSource, quarters } from '../support/media.ts';

const { signal } = new AbortController();
const SWOLLEN = 200_000_000;
/** Well below what one of them would take if it were unpacked. */
const MOST_GROWTH = 150_000_000;

let media: MediaPort;
beforeAll(() => {
  media = openMedia({ maxPixels: 268_402_689, concurrency: 1 });
});
afterAll(() => media.close());

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

/** A good small PNG with this chunk behind its header. */
async function pngWith(extra: Buffer): Promise<Buffer> {
  const png = await quarters(60, 40).png().toBuffer();
  return Buffer.concat([png.subarray(0, 33), extra, png.subarray(33)]);
}

const zeros = () => deflateSync(Buffer.alloc(SWOLLEN, ' '), { level: 9 });

const BOMBS: Readonly<Record<string, () => Promise<Buffer>>> = {
  'a compressed text': () => pngWith(chunk('zTXt', Buffer.concat([Buffer.from('Comment\0\0'), zeros()]))),
  'compressed XMP': () =>
    pngWith(chunk('iTXt', Buffer.concat([Buffer.from('XML:com.adobe.xmp\0\x01\0\0\0'), zeros()]))),
  'a colour profile': () => pngWith(chunk('iCCP', Buffer.concat([Buffer.from('icc\0\0'), zeros()]))),
  'EXIF of ImageMagick': () =>
    pngWith(chunk('zTXt', Buffer.concat([Buffer.from('Raw profile type exif\0\0'), zeros()]))),
};

test.each(Object.keys(BOMBS))('%s that unpacks to 200 MB is not unpacked, and ends nothing', async (name) => {
  const bomb = await BOMBS[name]!();
  expect(bomb.length).toBeLessThan(500_000);
  let most = 0;
  const before = process.memoryUsage().rss;
  const watching = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss - before);
  }, 5);
  const result = await media.process(mediaSource(bomb, 'bomb.png'), signal);
  clearInterval(watching);
  most = Math.max(most, process.memoryUsage().rss - before);
  expect(['ready', 'corrupt', 'refused']).toContain(result.state);
  expect(most).toBeLessThan(MOST_GROWTH);
  // And the next one is looked at as ever.
  const good = await quarters(60, 40).jpeg().toBuffer();
  expect(await media.process(mediaSource(good, 'good.jpg'), signal)).toMatchObject({ state: 'ready' });
});

test('an animation of thousands of frames is shown by its first', async () => {
  const frame = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  const other = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'blue' } })
    .png()
    .toBuffer();
  const frames = Array.from({ length: 2_000 }, (_, at) => (at % 2 === 0 ? frame : other));
  const gif = await sharp(frames, { join: { animated: true } })
    .gif()
    .toBuffer();
  expect(await media.process(mediaSource(gif, 'a.gif'), signal)).toMatchObject({
    ...{ state: 'ready', metadata: { width: 8, height: 8 } },
  });
});
