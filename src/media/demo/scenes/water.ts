/** Water: what lies below the horizon of lakes and seas. */
import type { Canvas, Scene } from '../canvas.ts';
import { type Colour, type Ink, mix, shine, stir } from '../colour.ts';
import { smoothstep } from '../noise.ts';

interface Glitter {
  readonly x: number;
  readonly light: Colour;
  /** Share of the picture's width. */
  readonly width: number;
}

export interface Water {
  /** The row where it begins. */
  readonly top: number;
  /** What it takes on where it does not mirror, from far to near. */
  readonly far: Colour;
  readonly near: Colour;
  /** How high the waves are: 0 is a mirror, 1 the open sea. */
  readonly waves: number;
  /** How much it mirrors what stands above it, 0 to 1. */
  readonly mirrors: number;
  /** A column of light under the sun or the moon. */
  readonly glitter?: Glitter;
}

/** Paints water from `top` to the bottom; what stands above it must be there already. */
export function paintWater({ canvas, random, noise }: Scene, water: Water): void {
  const { top, far, near, waves, mirrors, glitter } = water;
  const { width, height } = canvas;
  const [du, dv] = [random(), random()];
  canvas.brush(0, top, width, height, (x, y, ink) => {
    const down = (y - top + 1) / (height - top);
    const perspective = 1 / (down + 0.045);
    const u = ((x - width / 2) / width) * perspective * 0.32 + du;
    const v = perspective * 0.62 + dv;
    const wave = (noise.at(u, v * 1.6) - 0.5) * 0.6 + (noise.at(u * 3.1 + v, v * 4.3) - 0.5) * 0.55;
    const reach = waves * (6 + 68 * down);
    canvas.pick(x + wave * reach * 0.5, top - 1 - (y - top) * 0.92 - wave * reach * 2.2, ink);
    const own = 1 - mirrors * (1 - 0.4 * down);
    const depth = smoothstep(0, 0.9, down);
    ink.r += (far[0] + (near[0] - far[0]) * depth - ink.r) * own;
    ink.g += (far[1] + (near[1] - far[1]) * depth - ink.g) * own;
    ink.b += (far[2] + (near[2] - far[2]) * depth - ink.b) * own;
    shine(ink, 1 + wave * waves * 1.15);
    ink.cover = 1;
    if (glitter !== undefined) addGlitter(ink, glitter, (x - glitter.x) / width, down, wave);
  });
}

function addGlitter(ink: Ink, { light, width }: Glitter, aside: number, down: number, wave: number): void {
  const across = aside / (width * (0.35 + down * 0.9));
  const fall = Math.exp(-across * across * 2.2);
  if (fall < 0.01) return;
  const sparkle = smoothstep(0.02, 0.3, wave + fall * 0.2 - 0.06) * fall;
  shine(ink, 1 + 0.12 * sparkle);
  stir(ink, light, Math.min(1, sparkle * 1.2 + fall * 0.16));
}

/** A boat under sail, far out. */
export function paintSail(canvas: Canvas, x: number, foot: number, size: number, cloth: Colour, hull: Colour): void {
  const at = (dx: number, dy: number) => [x + dx * size, foot + dy * size] as const;
  canvas.polygon([at(0.02, -1.02), at(0.05, -0.12), at(0.42, -0.12), at(0.2, -0.55)], cloth);
  canvas.polygon([at(-0.02, -0.92), at(-0.04, -0.12), at(-0.34, -0.1), at(-0.16, -0.48)], mix(cloth, hull, 0.25));
  canvas.polygon([at(-0.42, -0.08), at(0.5, -0.08), at(0.36, 0.05), at(-0.32, 0.05)], hull);
  canvas.polygon([at(-0.01, -1.08), at(0.01, -1.08), at(0.01, -0.05), at(-0.01, -0.05)], hull);
}
