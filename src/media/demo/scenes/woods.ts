/** Woods: autumn with a low sun, winter with snow in the air. */
import type { Canvas, Scene } from '../canvas.ts';
import { type Colour, colour, dip, dipMix, mix, scaled, shine, stir } from '../colour.ts';
import { between, type Random, ridge, smoothstep } from '../noise.ts';
import { hillLine, paintFir, paintFlakes } from './land.ts';
import { paintSky } from './sky.ts';

const LEAVES = ['#d9621e', '#e8962a', '#f2c14a', '#b23a1a', '#8f8a2c', '#c9791f'].map(colour);

/** Trunks in the haze of a low sun, the ground full of leaves. */
export function autumnWood(scene: Scene): void {
  const { canvas, random, noise } = scene;
  const { width, height } = canvas;
  const ground = height * between(random, 0.7, 0.78);
  const [sunX, sunY] = [width * between(random, 0.3, 0.7), height * between(random, 0.3, 0.45)];
  const [du, dv] = [random(), random()];
  const [dark, gold, bright] = [colour('#4a3516'), colour('#cf8a2e'), colour('#ffe6a6')];
  canvas.wash(0, height, (x, y, ink) => {
    const leaf = noise.at(x / width / 1.1 + du, y / width / 1.1 + dv);
    const far = Math.sqrt(((x - sunX) / width) ** 2 + ((y - sunY) / height) ** 2);
    dipMix(ink, dark, gold, smoothstep(0.25, 0.75, leaf), 1);
    stir(ink, bright, smoothstep(0.75, 0, far) * (0.45 + leaf * 0.5));
  });
  canvas.glow(sunX, sunY, width * 0.42, bright, 0.65, 3);
  for (let layer = 0; layer < 4; layer++) {
    paintTrunks(scene, layer / 3, ground);
    if (layer === 1) paintLeafFloor(scene, ground);
    paintCrowns(scene, layer / 3, height * 0.5);
  }
  paintRays(canvas, random, sunX, sunY);
}

function paintTrunks({ canvas, random, noise }: Scene, nearness: number, ground: number): void {
  const { width, height } = canvas;
  const bark = mix(colour('#b98a4e'), colour('#1d130b'), nearness ** 0.6);
  const spacing = width * (0.03 + nearness * 0.12);
  for (let x = random() * spacing; x < width; x += spacing * between(random, 0.6, 1.6)) {
    const half = width * (0.003 + nearness ** 1.6 * 0.017) * between(random, 0.7, 1.3);
    const foot = ground + (height - ground) * nearness * between(random, 0.5, 1.1);
    const [lean, phase] = [between(random, -0.05, 0.05), random() * 6];
    const margin = half * 3 + Math.abs(lean) * foot;
    canvas.brush(x - margin, 0, x + margin, foot, (px, py, ink) => {
      const up = (foot - py) / foot;
      const wide = half * (1 + 1.3 * Math.exp(-up * 26)) * (1.06 - up * 0.35);
      const aside = px - x - lean * (foot - py) - Math.sin(up * 5 + phase) * half * 0.6;
      const inside = wide - Math.abs(aside) + 0.5;
      if (inside <= 0) return;
      dip(ink, bark, Math.min(1, inside));
      shine(ink, 0.72 + 0.5 * smoothstep(1, -1, aside / wide) + (noise.at(px / 90, py / 560) - 0.5) * 0.9);
    });
  }
}

function paintCrowns({ canvas, random }: Scene, nearness: number, lowest: number): void {
  const { width } = canvas;
  for (let i = 0; i < 420; i++) {
    const paint = LEAVES[Math.floor(random() * LEAVES.length)] ?? [1, 0.6, 0.2];
    const y = random() ** 1.7 * lowest * (1.15 - nearness * 0.3);
    const radius = width * (0.002 + nearness * 0.005) * between(random, 0.6, 1.7);
    const light = scaled(mix(colour('#e9b964'), paint, 0.35 + nearness * 0.65), 1.12 - nearness * 0.42 * random());
    canvas.disc(random() * width, y, radius, light, between(random, 0.35, 0.85), 1 + radius * 0.8);
  }
}

function paintLeafFloor({ canvas, random, noise }: Scene, ground: number): void {
  const { width, height } = canvas;
  const line = ridge(random, width, 4, 0.5).map((bump) => ground + bump * height * 0.012);
  const [du, dv] = [random(), random()];
  const [rust, earth, light] = [colour('#b2611f'), colour('#3a2412'), colour('#f0b45a')];
  canvas.below(line, height, (x, y, ink) => {
    const down = (y - ground) / (height - ground);
    const near = 1 / (0.3 + down);
    const leaf = noise.at(((x - width / 2) / width) * near * 1.5 + du, near * 1.1 + dv);
    dipMix(ink, earth, rust, smoothstep(0.3, 0.72, leaf), 1);
    stir(ink, light, (1 - down) * 0.5 + smoothstep(0.62, 0.9, leaf) * 0.35);
    shine(ink, 1.05 - down * 0.45);
  });
  for (let i = 0; i < 900; i++) {
    const down = random() ** 0.8;
    const paint = LEAVES[Math.floor(random() * LEAVES.length)] ?? rust;
    const radius = 0.8 + down * 4.4 * random();
    canvas.disc(
      random() * width,
      ground + down * (height - ground),
      radius,
      scaled(paint, 1.05 - down * 0.4),
      0.75,
      1.4,
    );
  }
}

function paintRays(canvas: Canvas, random: Random, x: number, y: number): void {
  const turn = random() * 9;
  canvas.wash(0, canvas.height, (px, py, ink) => {
    const [dx, dy] = [px - x, py - y];
    const angle = Math.atan2(dy, dx);
    const beam = Math.sin(angle * 9 + turn) * Math.sin(angle * 23 + turn * 2);
    const fall = 1 - Math.sqrt(dx * dx + dy * dy) / (canvas.width * 0.62);
    if (beam > 0 && fall > 0) dip(ink, [1, 0.9, 0.66], beam * fall * 0.26);
  });
}

const WINTER_SKIES = {
  clear: ['#7d8fb8', '#b9b3cc', '#f1c9bd', '#ffe6cf'].map(colour),
  grey: ['#8ba0b8', '#b4c3d2', '#d5dde4', '#eef1f2'].map(colour),
};

/** Firs under snow, and more of it falling. */
export function winter(scene: Scene, weather: keyof typeof WINTER_SKIES): void {
  const { canvas, random, noise } = scene;
  const { width, height } = canvas;
  const sky = WINTER_SKIES[weather];
  const low = sky[3] ?? [1, 1, 1];
  paintSky(canvas, height * 0.7, sky);
  canvas.glow(width * 0.65, height * 0.45, width * 0.5, low, 0.45, 2);
  for (let layer = 0; layer < 4; layer++) {
    const near = layer / 3;
    const line = hillLine(canvas, random, {
      base: height * (0.5 + near * 0.32),
      rise: height * 0.05,
      features: 2,
      roughness: 0.42,
    });
    const snow = mix(low, colour('#f4f7fb'), near);
    const shade = mix(mix(low, colour('#8fa5c8'), 0.4), colour('#7f97c4'), near);
    canvas.below(line, height, (x, y, ink) => {
      const drift = noise.at((x + y) / 900, y / 330) + (y - (line[x] as number)) / height;
      dipMix(ink, snow, shade, smoothstep(0.4, 1.15, drift), 1);
    });
    const bough = mix(mix(low, colour('#5d7080'), 0.6), colour('#1c2b2c'), near);
    for (let x = between(random, -30, 40); x < width; x += width * between(random, 0.012, 0.07) * (0.6 + near * 1.3)) {
      const tall = height * (0.05 + near * 0.26) * between(random, 0.6, 1.25);
      snowyFir(canvas, random, x, (line[Math.max(0, Math.round(x))] ?? height) + 6 + near * 20, tall, bough, snow);
    }
  }
  paintFlakes(scene, 420, [1, 1, 1], width * 0.008);
}

function snowyFir(
  canvas: Canvas,
  random: Random,
  x: number,
  foot: number,
  tall: number,
  bough: Colour,
  snow: Colour,
): void {
  paintFir(canvas, random, x, foot, tall, bough);
  const loads = Math.round(tall / 6);
  for (let i = 0; i < loads; i++) {
    const share = Math.sqrt(random());
    const reach = tall * 0.15 * share;
    const [dx, y] = [between(random, -1, 0.75) * reach, foot - tall * (1 - share * 0.95)];
    const half = tall * between(random, 0.015, 0.045);
    canvas.polygon(
      [
        [x + dx - half, y + half * 0.7],
        [x + dx, y - half * 0.35],
        [x + dx + half, y + half * 0.75],
        [x + dx, y + half * 0.4],
      ],
      snow,
    );
  }
}
