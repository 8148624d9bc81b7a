/** Chance that comes again: the same numbers for the same seed. */
import { createHash } from 'node:crypto';

/** The same numbers in [0, 1) for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** A number in [0, 1) for a name: whatever else is going on, and in whatever order. */
export function chanceOf(seed: number, name: string): number {
  return createHash('md5').update(`${seed} ${name}`).digest().readUInt32BE() / 2 ** 32;
}

/** The seed of a test: SEED of the environment, or one that nobody has chosen. */
export function seedOf(fallback = Date.now() % 1_000_000_007): number {
  return Number(process.env['SEED'] ?? fallback);
}
