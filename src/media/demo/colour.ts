/** Colours and what a brush leaves on a pixel. */

/** Red, green and blue from 0 to 1; more is overexposed. */
export type Colour = readonly [number, number, number];

/** Colour on a brush, and how much of it covers what is under it. One object serves a whole layer. */
export interface Ink {
  r: number;
  g: number;
  b: number;
  cover: number;
}

/** `#rrggbb`. */
export function colour(hex: string): Colour {
  const value = Number.parseInt(hex.slice(1), 16);
  return [(value >> 16) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255];
}

export function mix(a: Colour, b: Colour, t: number): Colour {
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
}

export function scaled([r, g, b]: Colour, light: number): Colour {
  return [r * light, g * light, b * light];
}

/** The colour at a place (0 to 1) of a row of colours with equal distances. */
export function along(colours: readonly Colour[], place: number): Colour {
  const at = Math.min(1, Math.max(0, place)) * (colours.length - 1);
  const first = Math.max(0, Math.min(Math.floor(at), colours.length - 2));
  const a = colours[first] ?? [0, 0, 0];
  return mix(a, colours[first + 1] ?? a, at - first);
}

export function dip(ink: Ink, paint: Colour, cover: number): void {
  ink.r = paint[0];
  ink.g = paint[1];
  ink.b = paint[2];
  ink.cover = cover;
}

/** Dips into a mixture of two colours. */
export function dipMix(ink: Ink, a: Colour, b: Colour, t: number, cover: number): void {
  ink.r = a[0] + (b[0] - a[0]) * t;
  ink.g = a[1] + (b[1] - a[1]) * t;
  ink.b = a[2] + (b[2] - a[2]) * t;
  ink.cover = cover;
}

/** Adds a colour to what is on the brush. */
export function stir(ink: Ink, paint: Colour, amount: number): void {
  ink.r += (paint[0] - ink.r) * amount;
  ink.g += (paint[1] - ink.g) * amount;
  ink.b += (paint[2] - ink.b) * amount;
}

/** Makes what is on the brush lighter or darker. */
export function shine(ink: Ink, light: number): void {
  ink.r *= light;
  ink.g *= light;
  ink.b *= light;
}
