/** Turns pixels upright. */
import type { Sharp } from 'sharp';

type Turn = (image: Sharp) => Sharp;

/** By EXIF orientation (EXIF 3.0, 4.6.5.1.6). sharp mirrors before it rotates, in whichever order it is told. */
const TURNS: Readonly<Record<number, Turn>> = {
  2: (image) => image.flop(),
  3: (image) => image.rotate(180),
  4: (image) => image.flip(),
  5: (image) => image.flop().rotate(270),
  6: (image) => image.rotate(90),
  7: (image) => image.flop().rotate(90),
  8: (image) => image.rotate(270),
};

/** How to turn a picture of this orientation; null: it is upright. */
export function turnFor(orientation: number | undefined): Turn | null {
  return TURNS[orientation ?? 1] ?? null;
}

/** Does it stand on its side as it is stored? */
export function isSideways(orientation: number | undefined): boolean {
  return orientation !== undefined && orientation >= 5 && orientation <= 8;
}
