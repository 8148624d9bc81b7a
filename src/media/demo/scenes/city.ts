/** Towns at dusk and at night, their lights on the water. */
import type { Canvas, Scene } from '../canvas.ts';
import { type Colour, colour, dip, dipMix, mix, shine } from '../colour.ts';
import { between, type Random, smoothstep } from '../noise.ts';
import { paintClouds, paintSky, paintStars } from './sky.ts';
import { paintWater } from './water.ts';

interface Mood {
  readonly sky: readonly Colour[];
  readonly clouds: readonly [light: Colour, shade: Colour, amount: number];
  readonly walls: Colour;
  /** Share of the windows that are lit. */
  readonly lit: number;
}

const MOODS = {
  dusk: {
    sky: ['#1b2a55', '#54507f', '#c9707a', '#ffb37a'].map(colour),
    clouds: [colour('#f49a86'), colour('#4b4470'), 0.5],
    walls: colour('#1c1f38'),
    lit: 0.34,
  },
  blue: {
    sky: ['#0c1b42', '#1f3c78', '#4f74ab', '#a9bcc9'].map(colour),
    clouds: [colour('#7f95bd'), colour('#1d3160'), 0.42],
    walls: colour('#121c36'),
    lit: 0.46,
  },
  night: {
    sky: ['#04060f', '#0a1024', '#1a1c38', '#4b3a48'].map(colour),
    clouds: [colour('#4d4358'), colour('#0b0d1c'), 0.45],
    walls: colour('#0a0c18'),
    lit: 0.52,
  },
} satisfies Record<string, Mood>;

type CityMood = keyof typeof MOODS;

interface House {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly light: Colour;
}

/** Towers along a waterfront. */
export function skyline(scene: Scene, name: CityMood): void {
  const { canvas, random } = scene;
  const { width, height } = canvas;
  const mood: Mood = MOODS[name];
  const quay = Math.round(height * between(random, 0.66, 0.72));
  paintSky(canvas, quay, mood.sky);
  if (name === 'night') paintStars(scene, quay * 0.6, 260);
  const [light, shade, amount] = mood.clouds;
  paintClouds(scene, { horizon: quay, light, shade, amount, sun: [width * 0.5, quay] });
  canvas.glow(width * between(random, 0.3, 0.7), quay, width * 0.5, mood.sky[3] ?? light, 0.4, 2);
  for (let row = 0; row < 4; row++) paintRow(scene, mood, quay, row / 3);
  lampsAlong(canvas, random, quay);
  const [far, near] = [mix(mood.walls, mood.sky[2] ?? light, 0.3), mix(mood.walls, [0, 0, 0], 0.4)];
  paintWater(scene, { top: quay, far, near, waves: 0.42, mirrors: 0.88 });
}

/** A row of houses: the further, the taller and the paler. */
function paintRow({ canvas, random }: Scene, mood: Mood, quay: number, nearness: number): void {
  const { width } = canvas;
  const walls = mix(mix(mood.walls, mood.sky[2] ?? mood.walls, 0.6), mood.walls, nearness);
  const middle = between(random, 0.3, 0.7);
  for (let x = -20; x < width; ) {
    const wide = width * between(random, 0.018, 0.05) * (1 - nearness * 0.2);
    const centre = Math.exp(-(((x / width - middle) / 0.3) ** 2));
    const tall = quay * (0.09 + (0.16 + centre * 0.5) * random() ** 1.3 * (1 - nearness * 0.62));
    const tint = random();
    const light: Colour = tint < 0.75 ? [1.1, 0.8, 0.46] : tint < 0.92 ? [1.05, 0.98, 0.86] : [0.62, 0.82, 1.05];
    paintHouse(
      canvas,
      random,
      { left: x, right: x + wide, top: quay - tall, light },
      quay,
      walls,
      mood.lit * (0.5 + nearness * 0.5),
    );
    x += wide * between(random, 0.92, 1.35);
  }
}

function paintHouse(canvas: Canvas, random: Random, house: House, quay: number, walls: Colour, lit: number): void {
  const { left, right, top, light } = house;
  const [cell, floor] = [between(random, 4.6, 6.4), between(random, 6, 8)];
  const columns = Math.ceil((right - left) / cell) + 1;
  const windows = Float32Array.from({ length: columns * (Math.ceil((quay - top) / floor) + 1) }, () =>
    random() < lit ? between(random, 0.35, 1) : 0,
  );
  canvas.brush(left, top, right, quay, (x, y, ink) => {
    const [across, down] = [(x - left) / cell, (y - top - 4) / floor];
    dip(ink, walls, 1);
    shine(ink, 0.85 + 0.35 * smoothstep(left, right, x));
    const isPane = across % 1 > 0.28 && down > 0 && down % 1 > 0.4 && x < right - 2;
    const brightness = isPane ? (windows[Math.floor(down) * columns + Math.floor(across)] ?? 0) : 0;
    if (brightness > 0) dipMix(ink, walls, light, brightness, 1);
  });
  if (random() < 0.22) paintMast(canvas, (left + right) / 2, top, between(random, 14, 46), walls);
}

function paintMast(canvas: Canvas, x: number, foot: number, tall: number, paint: Colour): void {
  canvas.polygon(
    [
      [x - 1.4, foot],
      [x, foot - tall],
      [x + 1.4, foot],
    ],
    paint,
  );
  canvas.disc(x, foot - tall, 1.2, [1, 0.25, 0.2], 1, 1);
  canvas.glow(x, foot - tall, 9, [1, 0.2, 0.15], 0.7, 2);
}

function lampsAlong(canvas: Canvas, random: Random, quay: number): void {
  for (let x = between(random, 0, 20); x < canvas.width; x += between(random, 16, 30)) {
    canvas.disc(x, quay - 4, 1.3, [1.2, 1, 0.7], 1, 1);
    canvas.glow(x, quay - 4, 16, [1, 0.72, 0.4], 0.55, 2);
  }
}

/** Lights out of focus behind a wet window: circles of colour. */
export function bokeh(scene: Scene, hues: readonly string[]): void {
  const { canvas, random, noise } = scene;
  const { width, height } = canvas;
  const [dark, ...lights] = hues.map(colour);
  const ground = dark ?? [0, 0, 0];
  const [du, dv] = [random(), random()];
  canvas.wash(0, height, (x, y, ink) => {
    const cloud = noise.at(x / width / 2.4 + du, y / width / 2.4 + dv);
    dipMix(ink, ground, lights[0] ?? ground, smoothstep(0.35, 1, cloud) * 0.32, 1);
    shine(ink, 0.7 + 0.6 * (1 - y / height));
  });
  for (let i = 0; i < 150; i++) {
    const size = width * (0.008 + 0.042 * random() ** 1.6);
    const [x, y] = [random() * width, height * (0.5 + (random() - 0.5) * (0.5 + random() * 0.7))];
    const paint = mix(lights[Math.floor(random() * lights.length)] ?? ground, [1, 0.97, 0.9], random() * 0.35);
    const cover = between(random, 0.1, 0.52);
    canvas.disc(x, y, size, paint, cover, 2.5);
    canvas.disc(x, y, size * 0.86, mix(paint, ground, 0.4), cover * 0.35, size * 0.5);
    canvas.glow(x, y, size * 2.6, paint, cover * 0.3, 2);
  }
}
