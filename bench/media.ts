/**
 * Variants of photos: how many a second, beside what `vipsthumbnail` does with the same files, sizes and settings; how
 * sharp's threads are best set; and how much memory pictures take that are made to take much.
 */
import { execFile } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Bar, Benchmark, BenchmarkOptions } from './support/benchmark.ts';
import { type Measured, measure } from './support/measured-process.ts';
import { makeHeavyPictures, makePhotos } from './support/media-pictures.ts';
import { median, rounded } from './support/statistics.ts';
import { vipsArguments } from './support/vipsthumbnail.ts';
import { Workplace } from './support/workplace.ts';

const run = promisify(execFile);
const SCRIPT = join(import.meta.dirname, 'support/process-media.ts');
/** More photos than this say nothing more. */
const MOST_PHOTOS = 24;
/** vipsthumbnail's time over ours at least this. */
const LEAST_RATIO = 0.9;
/** A GiB of pictures being decoded, 512 MiB of files, and Node. */
const MOST_MEMORY_MB = 2_000;
type Setting = readonly [atOnce: number, threads: number];

export const media: Benchmark = (options) => Workplace.use((place) => measureIn(place, options));

async function measureIn(place: Workplace, options: BenchmarkOptions) {
  const { signal, say } = options;
  const folder = options.folder ?? (await generated(place, options));
  const photos = (await readdir(folder)).length;
  const cores = availableParallelism();
  const settings: Setting[] = [
    [cores, 1],
    [cores, cores],
    [1, cores],
    [cores * 2, 1],
  ];
  const ours = new Map<string, number[]>(settings.map((setting) => [setting.join(' × '), []]));
  const vips: number[] = [];
  const installed = await hasVips();
  if (!installed)
    say('vipsthumbnail is not installed (Debian: libvips-tools): there is nothing to hold the figures against');
  for (let i = 1; i <= options.runs; i++) {
    for (const setting of settings) {
      const { seconds } = await process(place, folder, setting, options);
      ours.get(setting.join(' × '))?.push(seconds);
    }
    if (installed) vips.push(await vipsSeconds(place, folder, cores, signal));
    say(
      `run ${i} of ${options.runs}: ${[...ours].map(([name, all]) => `${name}: ${rounded(all.at(-1) ?? 0)} s`).join(', ')}`,
    );
  }
  const heavy = await heavyMemory(place, cores, options);
  return resultOf({ photos, ours, vips, heavy });
}

async function generated(place: Workplace, { photos, signal, say }: BenchmarkOptions): Promise<string> {
  const count = Math.min(photos, MOST_PHOTOS);
  say(`making ${count} photos of 12 megapixels`);
  await makePhotos(place.path('photos'), count, signal);
  return place.path('photos');
}

async function process(place: Workplace, folder: string, [atOnce, threads]: Setting, options: BenchmarkOptions) {
  // As bin/rollcall.js sets it.
  const env = { UV_THREADPOOL_SIZE: String(availableParallelism() + 4) };
  const args = [SCRIPT, folder, String(atOnce), String(threads)];
  const measured: Measured = await measure(
    { args, env, folder: place.folder, nodeOptions: options.nodeOptions },
    options.signal,
  );
  return { ...measured, ...(JSON.parse(measured.stdout) as { seconds: number; states: string[] }) };
}

async function hasVips(): Promise<boolean> {
  return run('vipsthumbnail', ['--vips-version']).then(
    () => true,
    () => false,
  );
}

/** Both sizes of all photos, by as many processes as there are processors: the fastest way to use it. */
async function vipsSeconds(place: Workplace, folder: string, cores: number, signal: AbortSignal): Promise<number> {
  await mkdir(place.path('vips'), { recursive: true });
  const files = (await readdir(folder)).map((name) => join(folder, name));
  const env = { PATH: globalThis.process.env['PATH'] ?? '', VIPS_CONCURRENCY: '1' };
  const begun = performance.now();
  const shares = Array.from({ length: cores }, (_, core) => files.filter((_file, i) => i % cores === core));
  await Promise.all(
    shares.map(async (share) => {
      for (const size of vipsArguments(place.path('vips'))) {
        await run('vipsthumbnail', [...share, ...size], { env, signal });
      }
    }),
  );
  return (performance.now() - begun) / 1000;
}

async function heavyMemory(place: Workplace, cores: number, options: BenchmarkOptions) {
  options.say('making large and broken pictures');
  await makeHeavyPictures(place.path('heavy'), options.signal);
  const { peakRssBytes, seconds, states } = await process(place, place.path('heavy'), [cores, 1], options);
  return { peakMb: rounded(peakRssBytes / 1e6, 0), seconds: rounded(seconds), states: states.toSorted() };
}

interface Figures {
  readonly photos: number;
  readonly ours: ReadonlyMap<string, readonly number[]>;
  readonly vips: readonly number[];
  readonly heavy: Awaited<ReturnType<typeof heavyMemory>>;
}

function resultOf({ photos, ours, vips, heavy }: Figures) {
  const rates = [...ours].map(([name, seconds]) => [name, photos / median(seconds)] as const);
  const chosen = rates[0]?.[1] ?? Number.NaN;
  const best = Math.max(...rates.map(([, rate]) => rate));
  const theirs = photos / median(vips);
  const bars: Bar[] = [
    {
      what: 'best setting of threads over the chosen one',
      measured: best / chosen,
      atMost: 1.1,
      unit: 'times',
    },
    { what: 'peak memory of large and broken pictures', measured: heavy.peakMb, atMost: MOST_MEMORY_MB, unit: 'MB' },
  ];
  const ratio = {
    what: 'photos a second of vipsthumbnail over ours',
    measured: theirs / chosen,
    unit: 'times',
  };
  if (vips.length > 0) bars.unshift({ ...ratio, atMost: 1 / LEAST_RATIO });
  return {
    table: [
      ...rates.map(
        ([name, rate]) => [`pictures at once × threads each: ${name}`, `${rounded(rate)} photos/s`] as const,
      ),
      ['vipsthumbnail', vips.length > 0 ? `${rounded(theirs)} photos/s` : 'not installed'] as const,
      ['large and broken pictures', `${heavy.peakMb} MB, ${heavy.seconds} s`] as const,
    ],
    bars,
    measured: { photos, seconds: Object.fromEntries(ours), vipsSeconds: vips, heavy },
  };
}
