/** Ranges behind ranges: at dawn, in the evening, in snow, mirrored in a lake. */
import type { Scene } from '../canvas.ts';
import { type Colour, colour, mix } from '../colour.ts';
import { between, ridge } from '../noise.ts';
import { hillLine, paintFir, slope, snowySlope, woodLine } from './land.ts';
import { paintClouds, paintSky, paintSun } from './sky.ts';
import { paintWater } from './water.ts';

interface Mood {
  readonly sky: readonly Colour[];
  readonly sun: Colour;
  readonly clouds: readonly [light: Colour, shade: Colour, amount: number];
  readonly far: Colour;
  readonly near: Colour;
}

const MOODS = {
  dawn: {
    sky: ['#3b4a7a', '#7c7aa6', '#e2a48f', '#ffd9a0'].map(colour),
    sun: colour('#ffd79a'),
    clouds: [colour('#ffc9a3'), colour('#7b7199'), 0.42],
    far: colour('#c99aa0'),
    near: colour('#1d2438'),
  },
  evening: {
    sky: ['#22345f', '#6c5a8c', '#e0715c', '#ffb65c'].map(colour),
    sun: colour('#ff9d4d'),
    clouds: [colour('#ff9f70'), colour('#5b4474'), 0.5],
    far: colour('#b5685f'),
    near: colour('#181426'),
  },
  day: {
    sky: ['#2f6fb5', '#6aa4d8', '#b4d6ec', '#e6f1f4'].map(colour),
    sun: colour('#fff4d6'),
    clouds: [colour('#ffffff'), colour('#8fa6c0'), 0.46],
    far: colour('#a9c3d6'),
    near: colour('#1f3a2c'),
  },
  mist: {
    sky: ['#8fa3ad', '#b4c1c4', '#d9dcd5', '#efe9dc'].map(colour),
    sun: colour('#fff3dc'),
    clouds: [colour('#eef0ec'), colour('#9fb0b8'), 0.3],
    far: colour('#c9d0cf'),
    near: colour('#23343a'),
  },
} satisfies Record<string, Mood>;

const LAYERS = 6;

type MountainMood = keyof typeof MOODS;

/** Six ranges, each nearer and darker; firs on the nearest. */
export function ranges(scene: Scene, name: MountainMood): void {
  const { canvas, random, noise } = scene;
  const { width, height } = canvas;
  const mood: Mood = MOODS[name];
  const horizon = height * 0.66;
  const sun = [width * between(random, 0.25, 0.75), height * between(random, 0.3, 0.42)] as const;
  paintBackdrop(scene, mood, horizon, sun);
  const hills = Array.from({ length: LAYERS }, (_, layer) => {
    const nearness = layer / (LAYERS - 1);
    const bumps = { base: height * (0.44 + nearness * 0.4), rise: height * (0.11 - nearness * 0.03) };
    return hillLine(canvas, random, { ...bumps, features: 3 + layer * 0.6, roughness: 0.56 - nearness * 0.1 });
  });
  for (const [layer, line] of hills.entries()) {
    const nearness = layer / (LAYERS - 1);
    const edge = layer < 3 ? line : woodLine(random, line, height * (0.008 + (nearness - 0.5) * 0.075));
    const rock = mix(mood.far, mood.near, nearness ** 0.85);
    const haze = mix(rock, mix(mood.far, mood.sky.at(-1) ?? mood.far, 0.55 * (1 - nearness)), 0.75);
    const look = { rock, haze, depth: height * 0.3, texture: 0.35 + nearness * 0.3 };
    canvas.below(edge, hills[layer + 1] ?? height, slope(noise, line, look));
  }
  if (name !== 'mist') canvas.glow(sun[0], sun[1], width * 0.6, mood.sun, 0.26, 2);
}

/** Snow peaks over a wood, and a lake that mirrors both. */
export function lake(scene: Scene, name: MountainMood): void {
  const { canvas, random, noise } = scene;
  const { width, height } = canvas;
  const mood: Mood = MOODS[name];
  const shore = height * 0.62;
  paintBackdrop(scene, mood, shore, [width * between(random, 0.1, 0.3), height * 0.2]);
  for (const [base, rise, far] of [
    [0.4, 0.12, 0.6],
    [0.45, 0.19, 0.12],
  ] as const) {
    const line = hillLine(canvas, random, { base: height * base, rise: height * rise, features: 3.2, roughness: 0.5 });
    const look = {
      rock: mix(colour('#4a4d57'), mood.far, far),
      snow: mix(mix([1, 1, 1], mood.sun, 0.45), mood.far, far),
      shade: mix(mix(mood.far, colour('#5f7396'), 0.65), mood.far, far),
      haze: mix(mood.far, mood.sky.at(-1) ?? mood.far, 0.4),
      depth: height * 0.4,
    };
    canvas.below(line, shore, snowySlope(noise, line, look));
  }
  for (const [lift, dark] of [
    [0.07, 0.72],
    [0.022, 0.95],
  ] as const) {
    const hills = ridge(random, width, 2.5, 0.5).map((h) => shore - height * (lift + h * lift * 0.5));
    const rock = mix(mood.far, mood.near, dark);
    const look = { rock, haze: mix(rock, mood.far, 0.35), depth: height * 0.2, texture: 0.8 };
    canvas.below(woodLine(random, hills, height * 0.065), shore, slope(noise, hills, look));
  }
  const [far, near] = [mix(mood.far, mood.near, 0.35), mix(mood.near, mood.sky[0] ?? mood.near, 0.35)];
  paintWater(scene, { top: shore, far, near, waves: 0.16, mirrors: 0.82 });
  for (let x = -15; x < width * 0.34; x += between(random, 20, 52)) {
    const tall = height * between(random, 0.25, 0.62) * (1 - x / (width * 0.42));
    paintFir(canvas, random, x, height + 20, tall, mix(mood.near, [0, 0, 0], 0.35));
  }
}

function paintBackdrop(scene: Scene, mood: Mood, horizon: number, sun: readonly [number, number]): void {
  paintSky(scene.canvas, horizon + scene.canvas.height * 0.12, mood.sky);
  const [light, shade, amount] = mood.clouds;
  paintClouds(scene, { horizon, light, shade, amount, sun });
  paintSun(scene.canvas, sun[0], sun[1], scene.canvas.width * 0.015, mood.sun, mood === MOODS.day ? 1 : 0.4);
}
