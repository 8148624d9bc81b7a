/** Land: ridges, trees and snow that scenes are put together from. */
import type { Brush, Canvas, Point, Scene } from '../canvas.ts';
import { type Colour, dip, dipMix, scaled, shine, stir } from '../colour.ts';
import { between, type NoiseField, type Random, ridge, smoothstep } from '../noise.ts';

export interface Hills {
  /** The row they stand around, and how far they rise and fall. */
  readonly base: number;
  readonly rise: number;
  readonly features: number;
  readonly roughness: number;
}

/** The upper edge of a range of hills, in each column. */
export function hillLine(canvas: Canvas, random: Random, { base, rise, features, roughness }: Hills): Float32Array {
  return ridge(random, canvas.width, features, roughness).map((height) => base - height * rise);
}

export interface Ground {
  readonly rock: Colour;
  /** What it fades to further down, `depth` rows below its edge. */
  readonly haze: Colour;
  readonly depth: number;
  /** How strong its structure is, 0 to 1. */
  readonly texture: number;
}

/** A slope under a ridge; noise runs down it as rock does. */
export function slope(noise: NoiseField, line: Float32Array, { rock, haze, depth, texture }: Ground): Brush {
  return (x, y, ink) => {
    const down = y - (line[x] as number);
    const grain = noise.at((x + down * 0.7) / 465, (y - down * 0.55) / 225) - 0.5;
    dip(ink, rock, 1);
    shine(ink, 1 + grain * texture);
    stir(ink, haze, smoothstep(0, depth, down) * 0.86);
  };
}

/** Snow on rock, lit from one side. */
export function snowySlope(
  noise: NoiseField,
  line: Float32Array,
  { rock, snow, shade, haze, depth }: Omit<Ground, 'texture'> & { readonly snow: Colour; readonly shade: Colour },
): Brush {
  const steepness = line.map((edge, x) => (line[x + 10] ?? edge) - (line[Math.max(0, x - 10)] ?? edge));
  return (x, y, ink) => {
    const down = y - (line[x] as number);
    const shift = Math.min(line.length - 1, Math.max(0, Math.round(x - down * 0.32)));
    const rough = noise.at((x - down * 0.4) / 315, (y + down * 0.3) / 195);
    const fine = noise.at(x / 98, (y + x * 0.4) / 68);
    const lit = smoothstep(-11, 11, (steepness[shift] as number) + (rough - 0.5) * 36);
    const bare = smoothstep(0.5, 0.64, rough * 0.62 + fine * 0.38 + down / depth / 5 - 0.04);
    dipMix(ink, shade, snow, lit, 1);
    stir(ink, rock, bare * (1 - lit * 0.25));
    stir(ink, haze, smoothstep(depth * 0.15, depth, down) * 0.75);
  };
}

/** A conifer as a dark shape: boughs that spread and droop, ragged at their tips. */
export function paintFir(canvas: Canvas, random: Random, x: number, foot: number, height: number, paint: Colour): void {
  const tiers = Math.max(6, Math.round(height / 9));
  const right: Point[] = [];
  const left: Point[] = [];
  for (let tier = 1; tier <= tiers; tier++) {
    const share = tier / tiers;
    const y = foot - height * (1 - share * 0.96);
    const reach = height * 0.17 * share ** 0.9;
    right.push([x + reach * between(random, 0.7, 1.2), y + height * 0.016], [x + reach * 0.55, y - height * 0.004]);
    left.push([x - reach * between(random, 0.7, 1.2), y + height * 0.016], [x - reach * 0.55, y - height * 0.004]);
  }
  const outline: Point[] = [[x, foot - height], ...right, [x + 2, foot], [x - 2, foot], ...left.toReversed()];
  canvas.polygon(outline, (_, y, ink) => dip(ink, scaled(paint, 0.7 + ((foot - y) / height) * 0.5), 1));
}

/** A wood seen from afar: the ridge line with tree tops on it. */
export function woodLine(random: Random, line: Float32Array, tree: number): Float32Array {
  const edge = Float32Array.from(line);
  for (let x = -10; x < line.length; x += between(random, tree * 0.1, tree * 0.32)) {
    const height = tree * between(random, 0.45, 1.1);
    const half = height * between(random, 0.16, 0.24);
    for (let column = Math.max(0, Math.ceil(x - half)); column < Math.min(line.length, x + half); column++) {
      const ragged = height * (1 - Math.abs(column - x) / half) + between(random, 0, tree * 0.05);
      edge[column] = Math.min(edge[column] as number, (line[column] as number) - ragged);
    }
  }
  return edge;
}

/** Snowflakes or petals in the air, some of them out of focus. */
export function paintFlakes({ canvas, random }: Scene, count: number, paint: Colour, largest: number): void {
  for (let i = 0; i < count; i++) {
    const near = random() ** 4;
    const radius = 1 + near * largest;
    const cover = 0.75 - near * 0.55;
    canvas.disc(random() * canvas.width, random() * canvas.height, radius, paint, cover, 1.2 + radius * 0.7);
  }
}
