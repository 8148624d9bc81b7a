/** Wide land: dunes, and fields of lavender. */
import type { Brush, Scene } from '../canvas.ts';
import { type Colour, colour, dipMix, mix, shine, stir } from '../colour.ts';
import { between, ridge, smoothstep } from '../noise.ts';
import { hillLine, slope, woodLine } from './land.ts';
import { paintClouds, paintSky, paintSun } from './sky.ts';

const DUNES = 6;

/** Sand in low light: a bright and a dark side to every crest. */
export function dunes(scene: Scene): void {
  const { canvas, random } = scene;
  const { width, height } = canvas;
  const horizon = height * 0.46;
  paintSky(canvas, horizon * 1.2, ['#2d5f9e', '#7ba3c4', '#f0cfa0', '#f6dcb0'].map(colour));
  paintClouds(scene, { horizon, light: colour('#fff1dc'), shade: colour('#b9a7a4'), amount: 0.24, sun: [0, horizon] });
  paintSun(canvas, width * 0.12, horizon * 0.62, width * 0.014, colour('#fff0c8'), 0.8);
  const lines = Array.from({ length: DUNES }, (_, layer) => {
    const near = layer / (DUNES - 1);
    const base = horizon + height * (0.05 + near ** 1.5 * 0.5);
    const rise = height * (0.05 + near * 0.16);
    // Folded where it crosses zero: crests are sharp, hollows round.
    return ridge(random, width, 2.4 - near, 0.2).map((bump) => base - (0.8 - Math.abs(bump)) * rise);
  });
  for (const [layer, line] of lines.entries()) {
    canvas.below(line, lines[layer + 1] ?? height, sand(scene, line, layer / (DUNES - 1)));
  }
}

/** Where the crest falls to the right, sand lies in its shadow; ripples on what the sun sees. */
function sand({ canvas, random, noise }: Scene, line: Float32Array, near: number): Brush {
  const { height } = canvas;
  const last = line.length - 1;
  const fall = line.map((edge, x) => (line[Math.min(last, x + 6)] ?? edge) - (line[Math.max(0, x - 6)] ?? edge));
  const [lean, bend] = [between(random, 0.5, 1.3), between(random, 12, 40)];
  const [light, shade, dark] = [mix(colour('#f3d3a4'), colour('#f2b26a'), near), colour('#7a3f2c'), colour('#5e2d22')];
  return (x, y, ink) => {
    const down = y - (line[x] as number);
    const from = Math.round(x - down * lean - Math.sin(down / bend) * bend * 0.35);
    const steep = fall[Math.max(0, Math.min(last, from))] as number;
    const lee = smoothstep(-0.6, 1.6, steep) * smoothstep(height * 0.5, 0, down);
    const ripples = Math.sin(down * 0.42 + noise.at(x / 700, y / 500) * 46 + x * 0.03) * 0.045 * near * (1 - lee);
    dipMix(ink, light, shade, lee * (0.3 + near * 0.55), 1);
    shine(ink, 1 + ripples + (noise.at(x / 260, y / 150) - 0.5) * 0.14);
    stir(ink, dark, smoothstep(0, height * 0.6, down) * 0.35);
  };
}

const LAVENDER_SKIES = {
  evening: {
    sky: ['#4a5a9c', '#a68bb8', '#f4b48e', '#ffdfa8'].map(colour),
    low: colour('#ffdfa8'),
    shade: colour('#a68bb8'),
  },
  day: {
    sky: ['#3f78bd', '#86b1dc', '#cfe0ea', '#f6ead2'].map(colour),
    low: colour('#f6ead2'),
    shade: colour('#86b1dc'),
  },
};

/** Rows of lavender that run to a lone tree. */
export function lavender(scene: Scene, hour: keyof typeof LAVENDER_SKIES): void {
  const { canvas, random, noise } = scene;
  const { width, height } = canvas;
  const horizon = height * 0.42;
  const vanishing = width * between(random, 0.35, 0.65);
  const { sky, low, shade } = LAVENDER_SKIES[hour];
  paintSky(canvas, horizon * 1.1, sky);
  paintClouds(scene, { horizon, light: mix(low, [1, 1, 1], 0.4), shade, amount: 0.44, sun: [vanishing, horizon] });
  canvas.glow(vanishing, horizon, width * 0.5, low, 0.5, 2);
  const hills = hillLine(canvas, random, { base: horizon - 6, rise: height * 0.04, features: 3, roughness: 0.45 });
  const far = { rock: mix(colour('#4f5f7a'), low, 0.35), haze: low, depth: height * 0.2, texture: 0.3 };
  canvas.below(woodLine(random, hills, height * 0.012), height, slope(noise, hills, far));
  canvas.brush(0, horizon, width, height, rows(scene, horizon, vanishing, low));
  paintTree(scene, vanishing + width * between(random, -0.12, 0.12), horizon + height * 0.012, height * 0.2);
}

/** Bushes in rows, in perspective; the furthest take on the light of the sky. */
function rows({ canvas, noise }: Scene, horizon: number, vanishing: number, low: Colour): Brush {
  const [earth, bush, bloom, tip] = [colour('#4b3a34'), colour('#3d2f63'), colour('#7d5cc0'), colour('#c3a2ee')];
  const air = mix(bloom, low, 0.6);
  return (x, y, ink) => {
    const down = (y - horizon + 2) / (canvas.height - horizon);
    const row = (x - vanishing) / (down * canvas.width * 0.105);
    const off = row - Math.round(row);
    const aside = Math.abs(off) * 2;
    const tuft = noise.at(Math.round(row) * 0.37 + off * 0.9, 7 / (down + 0.12));
    dipMix(ink, bush, bloom, smoothstep(0.3, 0.65, tuft + (1 - aside) * 0.14), 1);
    stir(ink, tip, smoothstep(0.6, 0.85, tuft) * 0.8);
    stir(ink, earth, smoothstep(0.55, 0.95, aside + (tuft - 0.5) * 0.5));
    stir(ink, air, smoothstep(0.3, 0, down) * 0.7);
    shine(ink, 1.12 - down * 0.28);
  };
}

function paintTree({ canvas, random }: Scene, x: number, foot: number, tall: number): void {
  const dark = colour('#1f2a1c');
  canvas.polygon(
    [
      [x - tall * 0.035, foot],
      [x - tall * 0.015, foot - tall * 0.6],
      [x + tall * 0.015, foot - tall * 0.6],
      [x + tall * 0.035, foot],
    ],
    dark,
  );
  for (let i = 0; i < 260; i++) {
    const [angle, out] = [random() * 7, Math.sqrt(random())];
    const [dx, dy] = [Math.cos(angle) * out * tall * 0.38, Math.sin(angle) * out * tall * 0.3];
    const light = 0.25 + 0.45 * smoothstep(tall * 0.3, -tall * 0.3, dy + dx * 0.4) + random() * 0.2;
    canvas.disc(
      x + dx,
      foot - tall * 0.68 + dy,
      tall * between(random, 0.02, 0.05),
      mix(dark, colour('#6d7d3c'), light),
      0.9,
      3,
    );
  }
}
