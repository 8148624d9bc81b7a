/** Draws the demo pictures, one at a time. */
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { OTHER_FILES, PICTURES } from './albums.ts';
import { Canvas } from './canvas.ts';
import { Darkroom } from './develop.ts';
import { exposureOf, takenAt } from './exif.ts';
import { NoiseField, seeded } from './noise.ts';

/** The long and the short side of a picture. */
const [LONG, SHORT] = [1_600, 1_067];
/** Painted smaller than it is saved: half the work, and the grain is added at full size. */
const [PAINTED_LONG, PAINTED_SHORT] = [1_000, 667];
const QUALITY = 85;

export class Studio {
  readonly #noise = new NoiseField(1);
  readonly #darkroom = new Darkroom();

  /** Draws a picture of the list into its album's folder, modified when it was "taken". The same every time. */
  async make(index: number, folder: string): Promise<void> {
    const entry = PICTURES[index];
    if (entry === undefined) throw new RangeError(`there is no demo picture ${index}`);
    const { album, picture } = entry;
    const random = seeded(index);
    const { iso, exif } = exposureOf(album, picture, random);
    const canvas = picture.portrait ? new Canvas(PAINTED_SHORT, PAINTED_LONG) : new Canvas(PAINTED_LONG, PAINTED_SHORT);
    picture.draw({ canvas, random, noise: this.#noise });
    const [width, height] = picture.portrait ? [SHORT, LONG] : [LONG, SHORT];
    const painted = { width: canvas.width, height: canvas.height, channels: 3 } as const;
    const pixels = await sharp(this.#darkroom.develop(canvas), { raw: painted })
      .resize(width, height, { kernel: 'linear' })
      .raw()
      .toBuffer();
    this.#darkroom.addGrain(pixels, width, iso, index);
    const path = join(folder, album.path, `${picture.name}.jpg`);
    await mkdir(dirname(path), { recursive: true });
    await sharp(pixels, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: QUALITY, optimizeCoding: false })
      .withExif(exif)
      .toFile(path);
    const taken = takenAt(album, picture) / 1_000;
    await utimes(path, taken, taken);
  }
}

/** Writes the files that are no pictures. */
export async function writeOtherFiles(folder: string): Promise<void> {
  for (const { path, written, text } of OTHER_FILES) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, text);
    await utimes(target, new Date(written), new Date(written));
  }
}
