/** The sea: sunsets, sails, a lighthouse. */
import type { Brush, Scene } from '../canvas.ts';
import { type Colour, colour, dipMix, mix } from '../colour.ts';
import { between, smoothstep } from '../noise.ts';
import { hillLine, snowySlope } from './land.ts';
import { paintClouds, paintSky, paintStars, paintSun } from './sky.ts';
import { paintSail, paintWater } from './water.ts';

interface Mood {
  readonly sky: readonly Colour[];
  readonly sun: Colour;
  readonly clouds: readonly [light: Colour, shade: Colour, amount: number];
  readonly water: readonly [far: Colour, near: Colour];
}

const MOODS = {
  gold: {
    sky: ['#35507f', '#8d86a4', '#f3ae74', '#ffd98c'].map(colour),
    sun: colour('#ffce73'),
    clouds: [colour('#ffd2a0'), colour('#7c6f8f'), 0.5],
    water: [colour('#b98a72'), colour('#1c3550')],
  },
  rose: {
    sky: ['#41406f', '#9a6a97', '#ef8e8e', '#ffc6a0'].map(colour),
    sun: colour('#ffb39a'),
    clouds: [colour('#ffb2a8'), colour('#6b5583'), 0.56],
    water: [colour('#b57e90'), colour('#272a52')],
  },
  noon: {
    sky: ['#1f6fc0', '#4f9ddb', '#9ccdec', '#d8eef6'].map(colour),
    sun: colour('#fffbe8'),
    clouds: [colour('#ffffff'), colour('#a3b8cc'), 0.4],
    water: [colour('#5fb0c9'), colour('#0f5c8a')],
  },
  storm: {
    sky: ['#2b3540', '#48545f', '#75818a', '#b3b7b1'].map(colour),
    sun: colour('#e9ecdf'),
    clouds: [colour('#a9b2b8'), colour('#2d353e'), 0.8],
    water: [colour('#6d7f84'), colour('#1b3038')],
  },
  moon: {
    sky: ['#050b1f', '#0d1c3d', '#1f3763', '#48608b'].map(colour),
    sun: colour('#dfe8ff'),
    clouds: [colour('#7d8fb8'), colour('#101c38'), 0.38],
    water: [colour('#2d4672'), colour('#050b1c')],
  },
} satisfies Record<string, Mood>;

type SeaMood = keyof typeof MOODS;

/** The open sea with the sun over it; sails when the weather is fair. */
export function sea(scene: Scene, name: SeaMood): void {
  const { canvas, random } = scene;
  const { width, height } = canvas;
  const horizon = Math.round(height * between(random, 0.5, 0.6));
  const x = width * between(random, 0.3, 0.7);
  paintSeascape(scene, MOODS[name], horizon, [x, horizon - height * (name === 'noon' ? 0.42 : 0.11)]);
  if (name === 'storm' || name === 'moon') return;
  const cloth = name === 'noon' ? colour('#fdfdf8') : mix(MOODS[name].sky[3] ?? [1, 1, 1], colour('#4a3550'), 0.35);
  for (let i = 0; i < 2; i++) {
    const size = height * between(random, 0.035, 0.1);
    paintSail(canvas, width * between(random, 0.12, 0.88), horizon + size * 0.3, size, cloth, colour('#2a2230'));
  }
}

/** A headland with a lighthouse, its lamp lit when it is dark. */
export function lighthouse(scene: Scene, name: SeaMood): void {
  const { canvas, random, noise } = scene;
  const { width, height } = canvas;
  const mood: Mood = MOODS[name];
  const horizon = Math.round(height * 0.62);
  paintSeascape(scene, mood, horizon, [width * 0.22, horizon - height * 0.2]);
  const side = width * 0.7;
  const ground = hillLine(canvas, random, { base: 0, rise: height * 0.022, features: 7, roughness: 0.62 });
  const line = ground.map((bump, x) => {
    const land = smoothstep(width * 0.42, side, x);
    return bump + height * (1.02 - 0.47 * land) + (1 - land) * height * 0.05;
  });
  const rock = mix(colour('#3d4238'), mood.sky[0] ?? [0, 0, 0], name === 'noon' ? 0.1 : 0.45);
  const foot = (line[Math.round(side)] ?? 0) + 12;
  paintTower(scene, side, foot, height * 0.36, mood, name);
  const light = mood.sky[3] ?? rock;
  const look = { rock, snow: mix(mix(rock, colour('#7d8a4c'), 0.5), light, 0.22), shade: mix(rock, [0, 0, 0], 0.35) };
  canvas.below(
    line,
    height,
    snowySlope(noise, line, { ...look, haze: mix(rock, [0, 0, 0], 0.55), depth: height * 0.45 }),
  );
  paintSurf(scene, line, mix(mood.sky[3] ?? [1, 1, 1], [1, 1, 1], 0.4));
}

function paintSeascape(scene: Scene, mood: Mood, horizon: number, [x, y]: readonly [number, number]): void {
  const { canvas } = scene;
  const { width, height } = canvas;
  paintSky(canvas, horizon, mood.sky);
  if (mood === MOODS.moon) paintStars(scene, horizon, 700);
  const [light, shade, amount] = mood.clouds;
  if (mood !== MOODS.storm)
    paintSun(canvas, x, y, width * (mood === MOODS.moon ? 0.019 : 0.022), mood.sun, mood === MOODS.noon ? 1 : 0.25);
  paintClouds(scene, { horizon, light, shade, amount, sun: [x, y] });
  const [bright, reach] = mood === MOODS.storm ? [0.55, width * 0.3] : [0.35, height * 0.5];
  canvas.glow(x, y, reach, mood.sun, bright, 2);
  const [far, near] = mood.water;
  const glitter = { x, light: mood.sun, width: mood === MOODS.noon ? 0.2 : 0.085 };
  const waves = mood === MOODS.storm ? 1 : 0.6;
  paintWater(scene, { top: horizon, far, near, waves, mirrors: 0.5, ...(mood === MOODS.storm ? {} : { glitter }) });
}

function paintTower({ canvas }: Scene, x: number, foot: number, tall: number, mood: Mood, name: SeaMood): void {
  const dark = name === 'moon' || name === 'storm';
  const lamp: Colour = [1, 0.93, 0.7];
  const half = (up: number) => tall * (0.085 - 0.035 * up);
  const night = mood.sky[0] ?? lamp;
  const shaded =
    (paint: Colour): Brush =>
    (px, _, ink) =>
      dipMix(ink, paint, night, smoothstep(-0.6, 1.2, (px - x) / half(0.4)) * 0.75, 1);
  for (let band = 0; band < 5; band++) {
    const [low, high] = [(band / 5) * 0.82, ((band + 1) / 5) * 0.82];
    const corners = [
      [x - half(low), foot - low * tall],
      [x + half(low), foot - low * tall],
      [x + half(high), foot - high * tall],
      [x - half(high), foot - high * tall],
    ] as const;
    canvas.polygon(corners, shaded(band % 2 === 0 ? colour('#f3efe6') : colour('#b8322b')));
  }
  const box = (left: number, right: number, low: number, high: number, paint: Colour) =>
    canvas.polygon(
      [
        [x + left * tall, foot - low * tall],
        [x + right * tall, foot - low * tall],
        [x + right * tall, foot - high * tall],
        [x + left * tall, foot - high * tall],
      ],
      shaded(paint),
    );
  box(-0.072, 0.072, 0.81, 0.835, colour('#2b2b30'));
  box(-0.04, 0.04, 0.835, 0.92, dark || name === 'rose' ? lamp : colour('#5a7080'));
  const roof = [
    [x - tall * 0.052, foot - tall * 0.92],
    [x + tall * 0.052, foot - tall * 0.92],
    [x, foot - tall],
  ] as const;
  canvas.polygon(roof, shaded(colour('#8c2420')));
  if (!dark && name !== 'rose') return;
  canvas.glow(x, foot - tall * 0.88, tall * 0.7, lamp, 0.75, 3);
  canvas.glow(x, foot - tall * 0.88, tall * 0.12, lamp, 1, 1);
}

/** Foam where the rock meets the water. */
function paintSurf({ canvas, random }: Scene, line: Float32Array, paint: Colour): void {
  for (let i = 0; i < 260; i++) {
    const x = canvas.width * between(random, 0.36, 0.56);
    const edge = line[Math.round(x)] ?? 0;
    const y = edge - random() ** 2 * canvas.height * 0.012;
    canvas.disc(x, y, between(random, 1, 5), paint, between(random, 0.1, 0.5), 4);
  }
}
