/** Hot-air balloons in the morning. */
import type { Canvas, Scene } from '../canvas.ts';
import { colour, dip, mix, shine, stir } from '../colour.ts';
import { between, smoothstep } from '../noise.ts';
import { hillLine, slope, woodLine } from './land.ts';
import { paintClouds, paintSky, paintSun } from './sky.ts';

const SILK: readonly (readonly [string, string])[] = [
  ['#d8352a', '#f6c945'],
  ['#1f6fb5', '#f4f1e6'],
  ['#e8862a', '#7a2f5a'],
  ['#2f9e7a', '#f2d15c'],
  ['#c23b7a', '#f3e3d0'],
];

/** Hot-air balloons over hills, early. */
export function balloons(scene: Scene): void {
  const { canvas, random, noise } = scene;
  const { width, height } = canvas;
  const horizon = height * 0.74;
  paintSky(canvas, height, ['#4f7fc0', '#93b2d8', '#f0cdb4', '#ffe2b0', '#ffe2b0'].map(colour));
  const sun = [width * between(random, 0.2, 0.8), horizon - height * 0.06] as const;
  paintClouds(scene, { horizon, light: colour('#fff2e0'), shade: colour('#a9b0c8'), amount: 0.36, sun });
  paintSun(canvas, sun[0], sun[1], width * 0.016, colour('#ffe0a0'), 0.5);
  for (let layer = 0; layer < 4; layer++) {
    const near = layer / 3;
    const line = hillLine(canvas, random, {
      base: height * (0.74 + near * 0.14),
      rise: height * 0.045,
      features: 3 + layer,
      roughness: 0.45,
    });
    const rock = mix(colour('#b7a7a0'), colour('#39432b'), near);
    const look = { rock, haze: mix(rock, colour('#f5d9b0'), 0.6), depth: height * 0.16, texture: 0.5 };
    canvas.below(layer < 2 ? line : woodLine(random, line, height * 0.02), height, slope(noise, line, look));
  }
  const sizes = Array.from({ length: 9 }, () => height * (0.02 + 0.13 * random() ** 2)).sort((a, b) => a - b);
  for (const [i, radius] of sizes.entries()) {
    const x = width * ((i * 0.381_97 + random() * 0.12) % 1) * 0.9 + width * 0.05;
    paintBalloon(
      canvas,
      x,
      height * between(random, 0.12, 0.55),
      radius,
      SILK[i % SILK.length] ?? ['#ffffff', '#888888'],
      sun[0],
    );
  }
}

function paintBalloon(
  canvas: Canvas,
  x: number,
  y: number,
  radius: number,
  silk: readonly [string, string],
  sunX: number,
): void {
  const [one, other] = [colour(silk[0]), colour(silk[1])];
  const haze = Math.max(0, 0.5 - radius / 120);
  const side = sunX < x ? 1 : -1;
  const halfAt = (v: number) => (v < 0 ? Math.sqrt(Math.max(0, 1 - v * v)) : Math.cos(v * 1.02) * (1 - v * 0.18));
  canvas.brush(x - radius, y - radius, x + radius + 1, y + radius * 1.32, (px, py, ink) => {
    const v = (py - y) / radius;
    const half = v > 1.3 ? 0 : halfAt(v);
    const aside = (px - x) / radius;
    const inside = (half - Math.abs(aside)) * radius + 0.5;
    if (inside <= 0 || half <= 0) return;
    const gore = Math.floor((Math.asin(Math.max(-1, Math.min(1, aside / half))) / Math.PI + 0.5) * 8);
    dip(ink, gore % 2 === 0 ? one : other, Math.min(1, inside));
    if (Math.abs(v - 0.25) < 0.12) stir(ink, other, 0.85);
    shine(ink, 1.02 - 0.42 * smoothstep(-0.6, 1, (aside / half) * side) - 0.1 * v);
    stir(ink, [0.96, 0.86, 0.76], haze);
  });
  const basket = mix(colour('#4a2f1c'), [0.9, 0.8, 0.7], haze);
  const at = (dx: number, dy: number) => [x + dx * radius, y + dy * radius] as const;
  for (const edge of [-1, 1]) {
    canvas.polygon(
      [at(edge * 0.2, 1.28), at(edge * 0.2 + 0.012, 1.28), at(edge * 0.1 + 0.012, 1.55), at(edge * 0.1, 1.55)],
      basket,
    );
  }
  canvas.polygon([at(-0.11, 1.55), at(0.11, 1.55), at(0.09, 1.72), at(-0.09, 1.72)], basket);
}
