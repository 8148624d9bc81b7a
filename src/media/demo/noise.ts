/** Chance that comes out the same every time: what the demo pictures are drawn from. */

/** The next number of a sequence, from 0 up to 1. */
export type Random = () => number;

/** A sequence of its own for each seed (mulberry32). */
export function seeded(seed: number): Random {
  // Spread out first: neighbouring seeds would begin alike.
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A number between two bounds. */
export function between(random: Random, low: number, high: number): number {
  return low + random() * (high - low);
}

/** 0 below `low`, 1 above `high`, and a smooth step in between; the other way round if `low` is the greater. */
export function smoothstep(low: number, high: number, value: number): number {
  const t = Math.min(1, Math.max(0, (value - low) / (high - low)));
  return t * t * (3 - 2 * t);
}

const SIDE = 512;
const MASK = SIDE - 1;

/** Cloudy noise (seven octaves of value noise) in a square of side 1 that repeats without seams. */
export class NoiseField {
  readonly #values: Float32Array;

  constructor(seed: number) {
    const random = seeded(seed);
    const values = new Float32Array(SIDE * SIDE);
    for (let cells = 4, weight = 1; cells <= 256; cells *= 2, weight *= 0.52) addOctave(values, random, cells, weight);
    this.#values = stretched(values);
  }

  /** From 0 to 1, 0.5 on average. */
  at(u: number, v: number): number {
    const x = u * SIDE;
    const y = v * SIDE;
    const x0 = Math.floor(x);
    const y0 = Math.floor(y);
    const fx = x - x0;
    const left = x0 & MASK;
    const right = (x0 + 1) & MASK;
    const above = (y0 & MASK) * SIDE;
    const under = ((y0 + 1) & MASK) * SIDE;
    const values = this.#values;
    const a = values[above + left] as number;
    const b = values[above + right] as number;
    const c = values[under + left] as number;
    const d = values[under + right] as number;
    const top = a + (b - a) * fx;
    return top + (c + (d - c) * fx - top) * (y - y0);
  }
}

function addOctave(values: Float32Array, random: Random, cells: number, weight: number): void {
  const grid = Float32Array.from({ length: cells * cells }, () => random() - 0.5);
  const size = SIDE / cells;
  for (let y = 0; y < SIDE; y++) {
    const fy = smoothstep(0, 1, (y % size) / size);
    const above = Math.floor(y / size) * cells;
    const under = ((Math.floor(y / size) + 1) % cells) * cells;
    for (let x = 0; x < SIDE; x++) {
      const fx = smoothstep(0, 1, (x % size) / size);
      const left = Math.floor(x / size);
      const right = (left + 1) % cells;
      const top = lerp(grid[above + left] ?? 0, grid[above + right] ?? 0, fx);
      const bottom = lerp(grid[under + left] ?? 0, grid[under + right] ?? 0, fx);
      values[y * SIDE + x] = (values[y * SIDE + x] ?? 0) + lerp(top, bottom, fy) * weight;
    }
  }
}

/** The same field with its values spread from 0 to 1. */
function stretched(values: Float32Array): Float32Array {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  return values.map((value) => (value - low) / (high - low));
}

function lerp(a: number, b: number, t: number): number {
  return a + (b - a) * t;
}

/**
 * A line of hills: `length` heights around 0, about -1 to 1. `features` hills fit in it; `roughness` (0 to 1) says how
 * jagged they are.
 */
export function ridge(random: Random, length: number, features: number, roughness: number): Float32Array {
  const line = new Float32Array(length);
  for (let cells = features, weight = 1; cells < length / 2; cells *= 2, weight *= roughness) {
    const knots = Float32Array.from({ length: Math.ceil(cells) + 2 }, () => random() * 2 - 1);
    for (let x = 0; x < length; x++) {
      const at = (x / length) * cells;
      const knot = Math.floor(at);
      const height = lerp(knots[knot] ?? 0, knots[knot + 1] ?? 0, smoothstep(0, 1, at - knot));
      line[x] = (line[x] ?? 0) + height * weight;
    }
  }
  return line;
}
