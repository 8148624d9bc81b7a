/** Nights far from any town: the Milky Way over firs, northern lights over a bay. */
import type { Scene } from '../canvas.ts';
import { type Colour, colour, dip, dipMix, mix } from '../colour.ts';
import { between, type Random, smoothstep } from '../noise.ts';
import { hillLine, paintFir, slope, snowySlope, woodLine } from './land.ts';
import { paintMilkyWay, paintSky, paintStars } from './sky.ts';
import { paintWater } from './water.ts';

const GREEN = colour('#4df2a1');
const VIOLET = colour('#8a5cf0');

/** Stars and the Milky Way, firs against the last light. */
export function starryNight(scene: Scene): void {
  const { canvas, random, noise } = scene;
  const { width, height } = canvas;
  const warmth = random();
  const glow = mix(colour('#3c5a86'), colour('#a8653f'), warmth);
  paintSky(canvas, height, [colour('#050818'), colour('#0b1430'), colour('#18264a'), glow, glow]);
  paintMilkyWay(scene, height * 0.9);
  paintStars(scene, height * 0.85, Math.round((width * height) / 750));
  if (random() < 0.5) shootingStar(scene);
  const far = hillLine(canvas, random, { base: height * 0.78, rise: height * 0.05, features: 3, roughness: 0.5 });
  const rock = mix(glow, colour('#0a1020'), 0.72);
  const ground = slope(noise, far, { rock, haze: mix(rock, glow, 0.3), depth: height * 0.2, texture: 0.4 });
  const near = hillLine(canvas, random, { base: height * 0.9, rise: height * 0.04, features: 2, roughness: 0.5 });
  canvas.below(woodLine(random, far, height * 0.03), near, ground);
  canvas.below(near, height, (_x, _y, ink) => dip(ink, colour('#05070d'), 1));
  plantFirs(scene, near);
}

/** Northern lights, in the sky and in the water. */
export function northernLights(scene: Scene): void {
  const { canvas, random, noise } = scene;
  const { width, height } = canvas;
  const shore = Math.round(height * between(random, 0.66, 0.74));
  paintSky(canvas, height, ['#04081a', '#081430', '#10284a', '#1d4a5c'].map(colour));
  paintStars(scene, shore, Math.round((width * height) / 1_400));
  for (let curtain = 0; curtain < 3; curtain++) paintCurtain(scene, shore, 0.9 - curtain * 0.22);
  const line = hillLine(canvas, random, {
    base: shore - height * 0.1,
    rise: height * 0.085,
    features: 3,
    roughness: 0.52,
  });
  const [snow, shade] = [colour('#7fa5a8'), colour('#2a4560')];
  const look = { rock: colour('#10202c'), snow, shade, haze: colour('#1c3a48'), depth: height * 0.3 };
  canvas.below(line, shore, snowySlope(noise, line, look));
  paintWater(scene, { top: shore, far: colour('#12343c'), near: colour('#040a16'), waves: 0.3, mirrors: 0.85 });
  paintCabin(scene, width * between(random, 0.2, 0.8), shore, height * 0.02);
}

function paintCurtain({ canvas, random, noise }: Scene, shore: number, strength: number): void {
  const { width } = canvas;
  const [phase, bend, lift, dv] = [random() * 6, between(random, 1.2, 2.4), between(random, 0.35, 0.8), random()];
  const foot = Float32Array.from({ length: width }, (_, x) => {
    const u = x / width;
    return shore * (lift + 0.13 * Math.sin(u * bend * 3 + phase) + 0.06 * Math.sin(u * bend * 8.3 + phase * 2));
  });
  canvas.wash(0, shore, (x, y, ink) => {
    const up = ((foot[Math.floor(x)] as number) - y) / shore;
    if (up < -0.06 || up > 0.62) return;
    const rays = noise.at((x + up * 60) / width / 0.42 + dv, 0.3 + up * 0.03 + dv) ** 1.6;
    const fall = up < 0 ? smoothstep(-0.06, 0, up) : Math.exp(-up * 5.2);
    const cover = Math.min(1, strength * fall * (0.12 + rays * 1.35));
    dipMix(ink, GREEN, VIOLET, smoothstep(0.1, 0.42, up + (rays - 0.5) * 0.12), cover);
  });
}

function plantFirs({ canvas, random }: Scene, ground: Float32Array): void {
  const { width, height } = canvas;
  const gap = between(random, 0.35, 0.65) * width;
  for (let x = -10; x < width + 10; x += between(random, 12, 44)) {
    const open = smoothstep(0, width * 0.4, Math.abs(x - gap));
    const tall = height * between(random, 0.06, 0.14) * (0.6 + open * 2.6);
    const foot = (ground[Math.min(width - 1, Math.max(0, Math.round(x)))] ?? height) + height * 0.03;
    paintFir(canvas, random, x, foot, tall, colour('#070a12'));
  }
}

function shootingStar({ canvas, random }: Scene): void {
  const [x, y] = [between(random, 0.15, 0.7) * canvas.width, between(random, 0.08, 0.3) * canvas.height];
  for (let i = 0; i < 90; i++) {
    canvas.glow(x + i * 1.5, y + i * 0.62, 1.2 + i * 0.02, [0.9, 0.95, 1], 0.012 * i * random() ** 0.3, 1);
  }
}

/** A lit window at the water's edge, for scale. */
function paintCabin({ canvas, random }: Scene, x: number, shore: number, size: number): void {
  const dark: Colour = colour('#0a0d12');
  const wide = size * between(random, 1.5, 2);
  canvas.polygon(
    [
      [x, shore - size],
      [x + wide, shore - size],
      [x + wide, shore + 1],
      [x, shore + 1],
    ],
    dark,
  );
  canvas.polygon(
    [
      [x - 3, shore - size],
      [x + wide / 2, shore - size * 1.7],
      [x + wide + 3, shore - size],
    ],
    dark,
  );
  windowLight(canvas, random, x + wide * 0.45, shore - size * 0.55);
}

function windowLight(canvas: Scene['canvas'], random: Random, x: number, y: number): void {
  canvas.disc(x, y, 2.2, [1.2, 0.95, 0.6], 1, 1.5);
  canvas.glow(x, y, between(random, 30, 50), [1, 0.7, 0.35], 0.5, 3);
}
