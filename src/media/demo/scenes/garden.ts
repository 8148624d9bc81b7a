/** Flowers from close by: sharp petals before a blurred green. */
import type { Scene } from '../canvas.ts';
import { type Colour, colour, dipMix, mix, shine, stir } from '../colour.ts';
import { between, type NoiseField, type Random, smoothstep } from '../noise.ts';

interface Kind {
  readonly petals: number;
  /** Rings of petals, from the outside in. */
  readonly rings: number;
  /** How pointed: 0.5 is round, 2 is a spike. */
  readonly taper: number;
  /** Share of the flower that its heart takes. */
  readonly heart: number;
  readonly outer: Colour;
  readonly inner: Colour;
  readonly disc: Colour;
}

const KINDS = {
  daisy: {
    petals: 21,
    rings: 2,
    taper: 0.42,
    heart: 0.25,
    outer: colour('#fbfaf4'),
    inner: colour('#e9e2cf'),
    disc: colour('#f2b321'),
  },
  poppy: {
    petals: 5,
    rings: 2,
    taper: 0.3,
    heart: 0.14,
    outer: colour('#e8402f'),
    inner: colour('#8d1512'),
    disc: colour('#22201d'),
  },
  cosmos: {
    petals: 8,
    rings: 1,
    taper: 0.36,
    heart: 0.17,
    outer: colour('#e88fc0'),
    inner: colour('#b33f88'),
    disc: colour('#e7a51e'),
  },
  dahlia: {
    petals: 17,
    rings: 6,
    taper: 0.62,
    heart: 0.05,
    outer: colour('#f28a4b'),
    inner: colour('#c9342f'),
    disc: colour('#7d1f1f'),
  },
  sunflower: {
    petals: 26,
    rings: 2,
    taper: 0.75,
    heart: 0.4,
    outer: colour('#ffc72c'),
    inner: colour('#e8860c'),
    disc: colour('#3b2313'),
  },
  aster: {
    petals: 34,
    rings: 2,
    taper: 0.5,
    heart: 0.2,
    outer: colour('#a58cf0'),
    inner: colour('#6347b8'),
    disc: colour('#f0c02e'),
  },
} satisfies Record<string, Kind>;

type Flower = keyof typeof KINDS;

interface Place {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  /** 0 is in focus, 1 only a patch of colour. */
  readonly blur: number;
}

/** One flower in focus, others behind it. */
export function flowers(scene: Scene, name: Flower): void {
  const { canvas, random } = scene;
  const { width, height } = canvas;
  const kind: Kind = KINDS[name];
  const size = Math.min(width, height);
  paintMeadow(scene, mix(kind.outer, kind.inner, 0.4));
  for (let i = 0; i < 5; i++) {
    const blur = between(random, 0.6, 1);
    const place = {
      x: random() * width,
      y: height * between(random, 0.1, 0.95),
      radius: size * between(random, 0.06, 0.15),
      blur,
    };
    paintStem(scene, place);
    paintFlower(scene, kind, place);
  }
  const main = {
    x: width * between(random, 0.38, 0.62),
    y: height * between(random, 0.38, 0.5),
    radius: size * 0.33,
    blur: 0,
  };
  paintStem(scene, main);
  paintFlower(scene, kind, main);
}

/** Leaves and light, out of focus. */
function paintMeadow({ canvas, random, noise }: Scene, bloom: Colour): void {
  const { width, height } = canvas;
  const [du, dv] = [random(), random()];
  const [deep, fresh, light] = [colour('#16301f'), colour('#5f8a3c'), colour('#d8dc98')];
  canvas.wash(0, height, (x, y, ink) => {
    const patch = noise.at(x / width / 5 + du, y / width / 5 + dv);
    const other = noise.at(x / width / 3.4 + dv, y / width / 3.4 + du);
    dipMix(ink, deep, fresh, smoothstep(0.25, 0.75, patch), 1);
    stir(ink, light, smoothstep(0.5, 0.95, other) * (1 - y / height) * 0.9);
  });
  for (let i = 0; i < 46; i++) {
    const radius = width * between(random, 0.012, 0.05);
    const paint = random() < 0.3 ? bloom : mix(fresh, light, random());
    canvas.disc(random() * width, random() * height, radius, paint, between(random, 0.06, 0.24), radius * 0.5);
  }
}

function paintStem({ canvas, random }: Scene, { x, y, radius, blur }: Place): void {
  const lean = between(random, -0.25, 0.25);
  const half = radius * 0.035 + 1;
  const soft = 1.5 + blur * radius * 0.2;
  const [fresh, deep] = [colour('#7fa04a'), colour('#2d4a22')];
  const margin = Math.abs(lean) * (canvas.height - y) + half + soft + 15;
  canvas.brush(x - margin, y, x + margin, canvas.height, (px, py, ink) => {
    const middle = x + lean * (py - y) + Math.sin((py - y) / 190) * 14;
    const aside = (px - middle) / half;
    const inside = (half + soft / 2 - Math.abs(px - middle)) / soft;
    if (inside <= 0) return;
    dipMix(ink, fresh, deep, smoothstep(-0.7, 1, aside), Math.min(1, inside) * (1 - blur * 0.45));
  });
}

function paintFlower({ canvas, random, noise }: Scene, kind: Kind, place: Place): void {
  const { radius } = place;
  const squash = between(random, 0.82, 0.96);
  for (let ring = 0; ring < kind.rings; ring++) {
    const share = 1 - (ring / kind.rings) * (kind.rings > 2 ? 0.85 : 0.18);
    paintRing(
      { canvas, random, noise },
      kind,
      { ...place, radius: radius * share },
      squash,
      ring / Math.max(1, kind.rings - 1),
    );
  }
  paintHeart(canvas, random, kind, place, squash);
}

/** Petals around a centre: each a bulge of the outline, shaded towards its edges and its foot. */
function paintRing(
  { canvas, random, noise }: Scene,
  kind: Kind,
  { x, y, radius, blur }: Place,
  squash: number,
  depth: number,
): void {
  const turn = random() * 7;
  const soft = 1.6 + blur * radius * 0.42;
  const lengths = Float32Array.from({ length: kind.petals }, () => between(random, 0.86, 1));
  const foot = mix(kind.inner, [0, 0, 0], 0.15 * depth);
  canvas.brush(x - radius - soft, y - radius - soft, x + radius + soft, y + radius + soft, (px, py, ink) => {
    const [dx, dy] = [px - x, (py - y) / squash];
    const distance = Math.sqrt(dx * dx + dy * dy);
    if (distance > radius + soft) return;
    const around = ((Math.atan2(dy, dx) / (2 * Math.PI) + turn) % 1) * kind.petals;
    const petal = Math.floor(around);
    const aside = Math.abs(around - petal - 0.5) * 2;
    const reach = radius * (lengths[petal] as number) * (1 - aside ** (1 / kind.taper)) ** (kind.taper * 0.62);
    const inside = (reach + soft / 2 - distance) / soft;
    if (inside <= 0) return;
    const out = distance / radius;
    dipMix(ink, foot, kind.outer, smoothstep(0.12, 0.72, out), Math.min(1, inside) * (1 - blur * 0.25));
    shine(ink, petalLight(noise, aside, out, around, dx - dy, radius) * (1 - depth * 0.12));
  });
}

/** Veins along a petal, a shadow where it meets its neighbour, light from above left. */
function petalLight(
  noise: NoiseField,
  aside: number,
  out: number,
  around: number,
  lee: number,
  radius: number,
): number {
  const veins = 1 + (noise.at(around * 0.21, out * 0.05) - 0.5) * 0.24;
  const fold = 1 - 0.34 * aside ** 3 * (1.15 - out);
  return veins * fold * (1 - (lee / radius) * 0.1) * (0.86 + 0.2 * out);
}

function paintHeart(
  canvas: Scene['canvas'],
  random: Random,
  kind: Kind,
  { x, y, radius, blur }: Place,
  squash: number,
): void {
  const size = radius * kind.heart;
  const dark = mix(kind.disc, [0, 0, 0], 0.45);
  canvas.disc(x, y, size, dark, 1 - blur * 0.2, 2 + blur * radius * 0.3);
  const seeds = blur > 0 ? 0 : Math.round(60 + size * 4.5);
  for (let i = 0; i < seeds; i++) {
    // The spiral in which sunflowers set their seeds.
    const out = Math.sqrt(i / seeds) * size * 0.97;
    const angle = i * 2.399_963;
    const [dx, dy] = [Math.cos(angle) * out, Math.sin(angle) * out * squash];
    const light = 0.75 - ((dx + dy) / size) * 0.28 + between(random, -0.16, 0.2);
    canvas.disc(
      x + dx,
      y + dy,
      Math.max(1.1, size * 0.052),
      mix(dark, mix(kind.disc, [1, 1, 0.8], 0.15), light),
      0.95,
      1.3,
    );
  }
}
