/** From a painting to the pixels of a photo: tone, falling light in the corners, and grain. */
import type { Canvas } from './canvas.ts';
import { seeded } from './noise.ts';

const GRAIN_VALUES = 1 << 16;
const TONE_STEPS = 2_048;
/** Brightest value the tone curve knows; all above is as white. */
const BRIGHTEST = 1.5;

/** Grain and tone curve, made once for all pictures. */
export class Darkroom {
  readonly #grain: Float32Array;
  readonly #tones: Uint8ClampedArray;

  constructor() {
    const random = seeded(7);
    // Four throws added up are as good as a bell curve, and quick.
    this.#grain = Float32Array.from({ length: GRAIN_VALUES }, () => random() + random() + random() + random() - 2);
    this.#tones = Uint8ClampedArray.from({ length: TONE_STEPS }, (_, i) => tone((i / TONE_STEPS) * BRIGHTEST) * 255);
  }

  /** 8-bit RGB of a canvas. */
  develop({ width, height, pixels }: Canvas): Buffer {
    const out = Buffer.allocUnsafe(pixels.length);
    const tones = this.#tones;
    for (let y = 0, i = 0; y < height; y++) {
      const dy = (y / height - 0.5) ** 2;
      for (let x = 0; x < width; x++) {
        const dx = x / width - 0.5;
        const scale = ((1 - 0.42 * (dy + dx * dx)) * TONE_STEPS) / BRIGHTEST;
        out[i] = tones[stepOf((pixels[i] as number) * scale)] as number;
        out[i + 1] = tones[stepOf((pixels[i + 1] as number) * scale)] as number;
        out[i + 2] = tones[stepOf((pixels[i + 2] as number) * scale)] as number;
        i += 3;
      }
    }
    return out;
  }

  /** Adds grain to 8-bit RGB, in place; `sensitivity` is the ISO number: the more, the coarser. */
  addGrain(pixels: Buffer, width: number, sensitivity: number, seed: number): void {
    const random = seeded(seed);
    const strength = 2.4 + Math.log2(sensitivity / 50) * 1.1;
    const grain = this.#grain.map((value) => value * strength + 0.5);
    for (let row = 0; row < pixels.length; row += width * 3) {
      let at = Math.floor(random() * GRAIN_VALUES);
      const end = Math.min(pixels.length, row + width * 3);
      for (let i = row; i < end; i += 3) {
        const speck = grain[at++ & (GRAIN_VALUES - 1)] as number;
        pixels[i] = byteOf((pixels[i] as number) + speck);
        pixels[i + 1] = byteOf((pixels[i + 1] as number) + speck);
        pixels[i + 2] = byteOf((pixels[i + 2] as number) + speck);
      }
    }
  }
}

function stepOf(value: number): number {
  return value < 0 ? 0 : value >= TONE_STEPS ? TONE_STEPS - 1 : value | 0;
}

function byteOf(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value | 0;
}

/** A little more contrast in the middle, and highlights that roll off instead of clipping. */
function tone(value: number): number {
  const rolled = value > 0.8 ? 0.8 + 0.31 * (1 - 1 / (1 + (value - 0.8) * 5)) : value;
  return Math.min(1, rolled + 0.09 * Math.sin((rolled - 0.5) * 2 * Math.PI) * rolled);
}
