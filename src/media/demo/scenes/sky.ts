/** Skies: what is above every horizon. */
import type { Canvas, Scene } from '../canvas.ts';
import { along, type Colour, dipMix, mix } from '../colour.ts';
import { between, smoothstep } from '../noise.ts';

export interface Clouds {
  /** The row they fade out at. */
  readonly horizon: number;
  readonly light: Colour;
  readonly shade: Colour;
  /** How much of the sky they take, 0 to 1. */
  readonly amount: number;
  /** Where the light comes from, in pixels. */
  readonly sun: readonly [number, number];
}

/** From the top of the picture down to the horizon. */
export function paintSky(canvas: Canvas, horizon: number, colours: readonly Colour[]): void {
  canvas.gradient(0, horizon, (place) => along(colours, place));
}

/** Clouds in perspective, lit from the sun's side. */
export function paintClouds({ canvas, random, noise }: Scene, clouds: Clouds): void {
  const { horizon, light, shade, amount, sun } = clouds;
  const [du, dv] = [random(), random()];
  const { width } = canvas;
  const [thin, thick] = [0.74 - amount * 0.5, 0.98 - amount * 0.42];
  canvas.wash(0, horizon, (x, y, ink) => {
    const high = (horizon - y) / horizon;
    const near = 0.22 + high;
    const u = (x - width / 2) / width / near / 2.2 + du;
    const v = 0.34 / near + dv;
    const density = noise.at(u, v);
    const cover = smoothstep(thin, thick, density + (near - 0.7) * 0.06);
    if (cover <= 0.004) return;
    const aside = Math.max(-1, Math.min(1, (sun[0] - x) / (width * 0.3)));
    const up = Math.max(-1, Math.min(1, (y - sun[1]) / (horizon * 0.25)));
    const towards = noise.at(u + aside * 0.012, v + up * 0.014);
    const lit = Math.min(1, Math.max(0, 0.55 + (density - towards) * 5 - (density - 0.6) * 0.9));
    dipMix(ink, shade, light, lit, cover * smoothstep(0, 0.16, high) * 0.94);
  });
}

/** A sun or moon with the light around it. `haze` (0 to 1) is how far its edge melts into that light. */
export function paintSun(canvas: Canvas, x: number, y: number, radius: number, light: Colour, haze: number): void {
  canvas.glow(x, y, canvas.width * 0.7, light, 0.42, 3);
  canvas.glow(x, y, radius * 8, light, 0.55, 3);
  canvas.glow(x, y, radius * 3.2, mix(light, [1, 1, 1], 0.5), 0.5 + haze * 0.5, 2);
  canvas.disc(x, y, radius, mix(light, [1.08, 1.06, 1], 0.75), 1, 1.5 + radius * 1.6 * haze);
}

export function paintStars(scene: Scene, horizon: number, count: number): void {
  const { canvas, random } = scene;
  for (let i = 0; i < count; i++) {
    const [x, y] = [random() * canvas.width, random() ** 1.15 * horizon];
    const brightness = random() ** 5;
    const tint = random();
    const light: Colour = [0.75 + tint * 0.25, 0.85, 1 - tint * 0.25];
    canvas.glow(x, y, 1 + brightness * 2, light, 0.35 + brightness * 0.9, 1);
    if (brightness > 0.75) canvas.glow(x, y, 10, light, 0.25, 3);
  }
}

/** The band of the Milky Way, leaning across the sky. */
export function paintMilkyWay({ canvas, random, noise }: Scene, horizon: number): void {
  const { width } = canvas;
  const lean = between(random, 0.35, 0.6);
  const [du, dv] = [random(), random()];
  canvas.wash(0, horizon, (x, y, ink) => {
    const across = (x / width - 0.75 + (y / horizon) * lean) * 2.6;
    const band = Math.exp(-across * across * 3.2);
    if (band < 0.02) return;
    const dust = noise.at(x / width / 1.4 + du, y / width / 1.4 + dv);
    const dark = smoothstep(0.5, 0.75, noise.at(x / width / 0.9 + dv, y / width / 0.9 + du));
    const glow = band * (0.25 + dust * 0.75) * (1 - dark * 0.85 * Math.exp(-across * across * 16));
    dipMix(ink, [0.5, 0.52, 0.74], [0.98, 0.86, 0.78], band * dust, glow * 0.5);
  });
}
