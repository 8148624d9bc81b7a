/**
 * A picture in the making: layers of paint on floating-point pixels, so that soft light has no steps. A million pixels
 * a picture pass through here, so the inner loops allocate nothing.
 */
import type { Colour, Ink } from './colour.ts';
import { dip } from './colour.ts';
import type { NoiseField, Random } from './noise.ts';

/** Mixes the ink for one pixel; an ink that covers nothing leaves it as it is. */
export type Brush = (x: number, y: number, ink: Ink) => void;

export type Point = readonly [x: number, y: number];

/** What every scene draws with. */
export interface Scene {
  readonly canvas: Canvas;
  readonly random: Random;
  readonly noise: NoiseField;
}

/** Rows that a polygon's edges are cut into for each row of pixels. */
const SUBROWS = 4;

export class Canvas {
  readonly width: number;
  readonly height: number;
  /** Three values a pixel; more than 1 is overexposed. */
  readonly pixels: Float32Array;
  readonly #ink: Ink = { r: 0, g: 0, b: 0, cover: 0 };

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.pixels = new Float32Array(width * height * 3);
  }

  /** Fills rows with the colours that `colourAt` gives them; `0` is the first row and `1` the last. */
  gradient(top: number, bottom: number, colourAt: (place: number) => Colour): void {
    const [from, to] = [Math.max(0, Math.round(top)), Math.min(this.height, Math.round(bottom))];
    for (let y = from; y < to; y++) {
      const [r, g, b] = colourAt((y - top) / Math.max(1, bottom - top - 1));
      for (let i = y * this.width * 3; i < (y + 1) * this.width * 3; i += 3) {
        this.pixels[i] = r;
        this.pixels[i + 1] = g;
        this.pixels[i + 2] = b;
      }
    }
  }

  /** Lets a brush go over a rectangle, cut to the canvas. */
  brush(left: number, top: number, right: number, bottom: number, brush: Brush): void {
    const ink = this.#ink;
    const [x0, x1] = [Math.max(0, Math.floor(left)), Math.min(this.width, Math.ceil(right))];
    const [y0, y1] = [Math.max(0, Math.floor(top)), Math.min(this.height, Math.ceil(bottom))];
    for (let y = y0; y < y1; y++) {
      for (let x = x0; x < x1; x++) {
        ink.cover = 0;
        brush(x, y, ink);
        if (ink.cover > 0) this.#cover(x, y, ink.cover);
      }
    }
  }

  /** The same over whole rows for soft things, four pixels at a time; the width is even. */
  wash(top: number, bottom: number, brush: Brush): void {
    const ink = this.#ink;
    const end = Math.min(this.height, Math.ceil(bottom));
    for (let y = Math.max(0, Math.floor(top)); y < end; y += 2) {
      for (let x = 0; x < this.width; x += 2) {
        ink.cover = 0;
        brush(x, y, ink);
        if (ink.cover <= 0) continue;
        this.#cover(x, y, ink.cover);
        this.#cover(x + 1, y, ink.cover);
        if (y + 1 === end) continue;
        this.#cover(x, y + 1, ink.cover);
        this.#cover(x + 1, y + 1, ink.cover);
      }
    }
  }

  /** Fills what lies between two lines of heights, a smooth edge at the upper one; `bottom` may be one row. */
  below(line: Float32Array, bottom: Float32Array | number, brush: Brush): void {
    const ink = this.#ink;
    const top = Math.max(0, Math.floor(line.reduce((a, b) => Math.min(a, b), this.height)));
    const flat = typeof bottom === 'number' ? Math.min(bottom, this.height) : this.height;
    const floor = typeof bottom === 'number' ? new Float32Array(this.width).fill(bottom) : bottom;
    for (let y = top; y < flat; y++) {
      for (let x = 0; x < this.width; x++) {
        const inside = y + 1 - (line[x] as number);
        if (inside <= 0 || y > (floor[x] as number) + 1) continue;
        ink.cover = 1;
        brush(x, y, ink);
        this.#cover(x, y, inside < 1 ? ink.cover * inside : ink.cover);
      }
    }
  }

  /** Light around a point: added, and falling off to nothing at the radius. */
  glow(cx: number, cy: number, radius: number, light: Colour, strength: number, falloff: 1 | 2 | 3 = 2): void {
    const [r, g, b] = light;
    const [x0, x1] = [Math.max(0, Math.floor(cx - radius)), Math.min(this.width, Math.ceil(cx + radius))];
    const [y0, y1] = [Math.max(0, Math.floor(cy - radius)), Math.min(this.height, Math.ceil(cy + radius))];
    const pixels = this.pixels;
    for (let y = y0; y < y1; y++) {
      const rows = (y - cy) ** 2;
      for (let x = x0; x < x1; x++) {
        const left = 1 - Math.sqrt((x - cx) * (x - cx) + rows) / radius;
        if (left <= 0) continue;
        const amount = strength * (falloff === 1 ? left : falloff === 2 ? left * left : left * left * left);
        const i = (y * this.width + x) * 3;
        pixels[i] = lit(pixels[i] as number, r * amount);
        pixels[i + 1] = lit(pixels[i + 1] as number, g * amount);
        pixels[i + 2] = lit(pixels[i + 2] as number, b * amount);
      }
    }
  }

  /** A round spot whose edge is `soft` pixels wide. */
  disc(cx: number, cy: number, radius: number, paint: Colour, cover: number, soft = 1): void {
    const reach = radius + soft / 2;
    const [x0, x1] = [Math.max(0, Math.floor(cx - reach)), Math.min(this.width, Math.ceil(cx + reach) + 1)];
    const [y0, y1] = [Math.max(0, Math.floor(cy - reach)), Math.min(this.height, Math.ceil(cy + reach) + 1)];
    dip(this.#ink, paint, cover);
    for (let y = y0; y < y1; y++) {
      const rows = (y - cy) ** 2;
      for (let x = x0; x < x1; x++) {
        const inside = (reach - Math.sqrt((x - cx) * (x - cx) + rows)) / soft;
        if (inside > 0) this.#cover(x, y, inside < 1 ? cover * inside : cover);
      }
    }
  }

  /** A filled polygon with smooth edges; paint for one colour, a brush for more. */
  polygon(points: readonly Point[], paint: Colour | Brush): void {
    const brush: Brush = typeof paint === 'function' ? paint : (_x, _y, ink) => dip(ink, paint, 1);
    const xs = points.map(([x]) => x);
    const ys = points.map(([, y]) => y);
    const left = Math.max(0, Math.floor(Math.min(...xs)));
    const cover = new Float32Array(Math.max(0, Math.min(this.width, Math.ceil(Math.max(...xs)) + 1) - left));
    const edges = edgesOf(points);
    const last = Math.min(this.height - 1, Math.ceil(Math.max(...ys)));
    for (let y = Math.max(0, Math.floor(Math.min(...ys))); y <= last; y++) {
      cover.fill(0);
      const near = edges.filter(({ top, bottom }) => top <= y + 1 && bottom >= y);
      for (let sub = 0; sub < SUBROWS; sub++) addRow(cover, left, near, y + (sub + 0.5) / SUBROWS);
      for (let x = 0; x < cover.length; x++) {
        const share = (cover[x] as number) / SUBROWS;
        if (share < 0.004) continue;
        this.#ink.cover = 1;
        brush(left + x, y, this.#ink);
        this.#cover(left + x, y, this.#ink.cover * Math.min(1, share));
      }
    }
  }

  /** Puts the colour of the nearest pixel on the brush. */
  pick(x: number, y: number, ink: Ink): void {
    const column = x < 0 ? 0 : x > this.width - 1 ? this.width - 1 : Math.round(x);
    const row = y < 0 ? 0 : y > this.height - 1 ? this.height - 1 : Math.round(y);
    const i = (row * this.width + column) * 3;
    ink.r = this.pixels[i] as number;
    ink.g = this.pixels[i + 1] as number;
    ink.b = this.pixels[i + 2] as number;
  }

  #cover(x: number, y: number, cover: number): void {
    const i = (y * this.width + x) * 3;
    const { pixels } = this;
    const { r, g, b } = this.#ink;
    const left = 1 - cover;
    pixels[i] = (pixels[i] as number) * left + r * cover;
    pixels[i + 1] = (pixels[i + 1] as number) * left + g * cover;
    pixels[i + 2] = (pixels[i + 2] as number) * left + b * cover;
  }
}

/** Like a second exposure: never past white. */
function lit(under: number, amount: number): number {
  return under < 1 ? under + amount * (1 - under) : under;
}

interface Edge {
  readonly top: number;
  readonly bottom: number;
  /** Where it is at row 0, and how far it goes aside in each row. */
  readonly x: number;
  readonly step: number;
}

function edgesOf(points: readonly Point[]): Edge[] {
  return points.flatMap(([ax, ay], i) => {
    const [bx, by] = points.at(i - 1) ?? [ax, ay];
    if (ay === by) return [];
    const step = (bx - ax) / (by - ay);
    return [{ top: Math.min(ay, by), bottom: Math.max(ay, by), x: ax - ay * step, step }];
  });
}

/** Adds how much of each pixel a polygon covers at one height; the first of `cover` stands for column `left`. */
function addRow(cover: Float32Array, left: number, edges: readonly Edge[], y: number): void {
  const crossings: number[] = [];
  for (const { top, bottom, x, step } of edges) if (top <= y && y < bottom) crossings.push(x + y * step - left);
  crossings.sort((a, b) => a - b);
  for (let i = 0; i + 1 < crossings.length; i += 2) {
    const [from, to] = [crossings[i] ?? 0, crossings[i + 1] ?? 0];
    for (let x = Math.max(0, Math.floor(from)); x < Math.min(cover.length, to); x++) {
      cover[x] = (cover[x] as number) + Math.min(x + 1, to) - Math.max(x, from);
    }
  }
}
