import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PICTURES } from '../../src/media/demo/albums.ts';
import { ensureDemoLibrary } from '../../src/media/demo/demo-library.ts';
import { Studio } from '../../src/media/demo/studio.ts';

const { signal } = new AbortController();
/** Enough where only their coming and going is looked at: drawing takes its time. */
const FEW = 4;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-demo-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

/** All files below a folder, by their paths in it. */
function filesIn(root: string): string[] {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

test("a folder of one's own photos is no demo library, and one that was made before is, whatever became of some of it", async () => {
  const own = join(folder, 'own');
  mkdirSync(join(own, '2022'), { recursive: true });
  writeFileSync(join(own, '2022/HAL_0412.jpg'), 'mine');
  expect(await ensureDemoLibrary(own, signal, FEW)).toEqual({ made: 0, demo: false });
  const made = join(folder, 'made-before');
  expect(await ensureDemoLibrary(made, signal, FEW)).toEqual({ made: FEW, demo: true });
  const [first, ...others] = filesIn(made).filter((path) => path.endsWith('.jpg'));
  for (const path of others) rmSync(join(made, path));
  expect(await ensureDemoLibrary(made, signal, FEW)).toEqual({ made: 0, demo: true });
  rmSync(join(made, first!));
  expect(await ensureDemoLibrary(made, signal, FEW)).toEqual({ made: 0, demo: false });
});

describe('the demo library of an empty machine', () => {
  let root: string;
  let made: number;

  beforeAll(async () => {
    root = join(folder, 'new', 'photos');
    ({ made } = await ensureDemoLibrary(root, signal));
  });

  test('has at least 3 albums and 40 pictures, albums in albums, and files that are no pictures', () => {
    const files = filesIn(root);
    const pictures = files.filter((path) => path.endsWith('.jpg'));
    const albums = new Set(files.map((path) => path.slice(0, path.lastIndexOf('/'))));
    expect(pictures.length).toBe(made);
    expect(made).toBeGreaterThanOrEqual(40);
    expect(albums.size).toBeGreaterThanOrEqual(3);
    expect([...albums].some((album) => album.split('/').length > 1)).toBe(true);
    expect(files.filter((path) => path.endsWith('.xmp'))).toHaveLength(1);
    expect(readdirSync(join(folder, 'new'))).toEqual(['photos']);
  });

  test("has pictures that decode, of a photo's size and with a photo's range of tones", async () => {
    // Every fourth: a look at each pixel of all takes as long as drawing them.
    const some = filesIn(root)
      .filter((one) => one.endsWith('.jpg'))
      .filter((_, nth) => nth % 4 === 0);
    for (const path of some) {
      const image = sharp(join(root, path));
      const { format, width, height } = await image.metadata();
      expect({ format, sides: [width, height].sort() }, path).toEqual({ format: 'jpeg', sides: [1_067, 1_600] });
      const { entropy, channels } = await image.stats();
      expect(entropy, path).toBeGreaterThan(5);
      expect(Math.max(...channels.map((channel) => channel.stdev)), path).toBeGreaterThan(15);
      expect(statSync(join(root, path)).size, path).toBeGreaterThan(80_000);
    }
  });

  test('has pictures with a date, camera, lens, exposure and place, modified when they were taken', async () => {
    for (const { album, picture } of PICTURES) {
      const path = join(root, album.path, `${picture.name}.jpg`);
      const { exif } = await sharp(path).metadata();
      const { image, exposure, place } = readExif(exif!);
      expect(exposure.get(0x9003)).toBe(picture.taken.replaceAll('-', ':').replace('T', ' '));
      expect(exposure.get(0x9011)).toBe(album.offset);
      expect([image.get(0x010f), image.get(0x0110), exposure.get(0xa434)]).not.toContain(undefined);
      for (const tag of [0x829a, 0x829d, 0x920a]) expect(exposure.get(tag)).toBeGreaterThan(0);
      const latitude = place.get(0x0002) as number;
      expect(Math.abs(latitude - Math.abs(album.place[0]))).toBeLessThan(0.03);
      expect(statSync(path).mtimeMs).toBe(Date.parse(picture.taken + album.offset));
    }
    const years = new Set(PICTURES.map(({ picture }) => picture.taken.slice(0, 4)));
    expect(years.size).toBeGreaterThan(2);
  });

  test('is made once', async () => {
    const before = filesIn(root).map((path) => [path, statSync(join(root, path)).ino]);
    rmSync(join(root, 'Garden'), { recursive: true });
    expect(await ensureDemoLibrary(root, signal)).toMatchObject({ made: 0 });
    const left = before.filter(([path]) => !String(path).startsWith('Garden/'));
    expect(filesIn(root).map((path) => [path, statSync(join(root, path)).ino])).toEqual(left);
  });

  test('is the same wherever it is made', async () => {
    const again = join(folder, 'again');
    const index = PICTURES.findIndex(({ album }) => album.path === '2025/City lights');
    await new Studio().make(index, again);
    const path = `2025/City lights/${PICTURES[index]?.picture.name}.jpg`;
    expect(readFileSync(join(again, path)).equals(readFileSync(join(root, path)))).toBe(true);
  });
});

describe('a folder that is there already', () => {
  test('is not touched when it holds anything at all', async () => {
    const root = join(folder, 'mine');
    mkdirSync(root);
    writeFileSync(join(root, '.hidden'), 'mine');
    expect(await ensureDemoLibrary(root, signal)).toMatchObject({ made: 0 });
    expect(readdirSync(root)).toEqual(['.hidden']);
  });

  test('is not touched when it is a file', async () => {
    const root = join(folder, 'file');
    writeFileSync(root, 'mine');
    expect(await ensureDemoLibrary(root, signal)).toMatchObject({ made: 0 });
    expect(readFileSync(root, 'utf8')).toBe('mine');
  });

  test('is filled when it is empty, and what a crashed process left beside it is removed', async () => {
    const parent = join(folder, 'crashed');
    const root = join(parent, 'photos');
    mkdirSync(root, { recursive: true });
    // No process has this number: it is beyond what a system gives out.
    mkdirSync(join(parent, '.photos.making-999999999/2022'), { recursive: true });
    // And nobody knows whose this is.
    mkdirSync(join(parent, '.photos.making-of'));
    expect(await ensureDemoLibrary(root, signal, FEW)).toMatchObject({ made: FEW });
    expect(readdirSync(parent).sort()).toEqual(['.photos.making-of', 'photos']);
  });

  test('is left to whoever fills it first', async () => {
    const root = join(folder, 'race');
    const drawing = ensureDemoLibrary(root, signal, FEW);
    await begun(root);
    mkdirSync(root);
    writeFileSync(join(root, 'mine.jpg'), 'mine');
    expect(await drawing).toMatchObject({ made: 0 });
    expect(readdirSync(root)).toEqual(['mine.jpg']);
    expect(readdirSync(folder).filter((name) => name.includes('making'))).toEqual([]);
  });
});

test('an abort leaves nothing behind', async () => {
  const parent = join(folder, 'aborted');
  mkdirSync(parent);
  const abort = new AbortController();
  const drawing = ensureDemoLibrary(join(parent, 'photos'), abort.signal, FEW);
  await begun(join(parent, 'photos'));
  const reason = new Error('enough');
  abort.abort(reason);
  await expect(drawing).rejects.toBe(reason);
  expect(readdirSync(parent)).toEqual([]);
});

test('a folder that cannot be made is one clear error', async () => {
  const root = join(folder, 'x'.repeat(300));
  await expect(ensureDemoLibrary(root, signal)).rejects.toMatchObject({
    code: 'GUARD_ROOT_UNREADABLE',
    message: expect.stringContaining('PHOTOS_ROOT'),
  });
});

/** Waits until pictures are being drawn for this root. */
async function begun(root: string): Promise<void> {
  const making = join(dirname(root), `.${basename(root)}.making-${process.pid}`);
  await expect.poll(() => existsSync(making), { timeout: 100_000, interval: 5 }).toBe(true);
}

type Tags = Map<number, string | number>;

/** The three directories of an EXIF block; of a list of numbers, degrees are put together and others keep the first. */
function readExif(block: Buffer): { image: Tags; exposure: Tags; place: Tags } {
  const tiff = block.subarray(block.indexOf('Exif\0\0') + 6);
  const little = tiff.toString('latin1', 0, 2) === 'II';
  const u16 = (at: number) => (little ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const u32 = (at: number) => (little ? tiff.readUInt32LE(at) : tiff.readUInt32BE(at));
  const value = (type: number, count: number, at: number): string | number => {
    if (type === 2) return tiff.toString('latin1', count > 4 ? u32(at) : at, (count > 4 ? u32(at) : at) + count - 1);
    if (type === 3) return u16(at);
    if (type !== 5) return u32(at);
    const parts = Array.from({ length: count }, (_, i) => u32(u32(at) + i * 8) / u32(u32(at) + i * 8 + 4));
    return parts.reduce((sum, part, i) => sum + part / 60 ** i, 0);
  };
  const directory = (at: number): Tags =>
    new Map(
      Array.from({ length: u16(at) }, (_, i) => {
        const entry = at + 2 + i * 12;
        return [u16(entry), value(u16(entry + 2), u32(entry + 4), entry + 8)];
      }),
    );
  const image = directory(u32(4));
  return { image, exposure: directory(image.get(0x8769) as number), place: directory(image.get(0x8825) as number) };
}
