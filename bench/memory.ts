/**
 * Does memory stay flat as libraries grow? The sync of a library in which nothing has changed, at N photos and at ten
 * times as many: real (empty) files, real rows, and a synthetic bucket (support/listing-server.ts) for both sizes so
 * that they compare.
 */
import { openCatalog } from '../src/catalog/open.ts';
import { recordFiles } from './support/agreements.ts';
import type { Benchmark, BenchmarkOptions } from './support/benchmark.ts';
import type { Measured } from './support/measured-process.ts';
import { makePhotoFiles } from './support/photo-files.ts';
import { builtProgram, type Program } from './support/program.ts';
import { assertUnchanged } from './support/report-of-sync.ts';
import { environment, type Sides, startServices } from './support/services.ts';
import { median, rounded } from './support/statistics.ts';
import { startSyntheticBucket } from './support/synthetic-bucket.ts';
import { Workplace } from './support/workplace.ts';

const PREFIX = 'photos/';
const TIMES_AS_MANY = 10;
const MOST_MB = 300;
/** Linear, and a tenth of it for what is not. */
const MOST_TIMES_AS_LONG = 11;

export const memory: Benchmark = async (options) => {
  const program = await builtProgram();
  const small = await atSize(program, options, options.photos);
  const large = await atSize(program, options, options.photos * TIMES_AS_MANY);
  const sizes = [small, large];
  return {
    table: sizes.flatMap(({ photos, medians }) => [
      [`${photos} photos: peak memory`, `${rounded(medians.peakRssBytes / 1e6, 0)} MB`] as const,
      [`${photos} photos: wall, CPU`, `${rounded(medians.wallSeconds)} s, ${rounded(medians.cpuSeconds)} s`] as const,
    ]),
    bars: [
      {
        what: `nothing changed, ${large.photos.toLocaleString('en')} keys: peak memory`,
        measured: large.medians.peakRssBytes / 1e6,
        atMost: MOST_MB,
        unit: 'MB',
      },
      {
        what: `nothing changed, ${large.photos.toLocaleString('en')} keys: wall over that of ${small.photos.toLocaleString('en')}`,
        measured: large.medians.wallSeconds / small.medians.wallSeconds,
        atMost: MOST_TIMES_AS_LONG,
        unit: '×',
      },
      {
        what: `nothing changed, ${large.photos.toLocaleString('en')} keys: peak memory over that of ${small.photos.toLocaleString('en')}`,
        measured: large.medians.peakRssBytes / small.medians.peakRssBytes,
        atMost: 1.5,
        unit: '×',
      },
    ],
    measured: { sizes },
  };
};

/** In a workplace of its own, so that no size has the other's rows in its tables. */
async function atSize(program: Program, options: BenchmarkOptions, photos: number) {
  const place = await Workplace.open();
  try {
    const sides = await makeSides(place, options, photos);
    const where = { folder: place.folder, env: environment(place, sides), nodeOptions: options.nodeOptions };
    const measured: Measured[] = [];
    for (let run = 1; run <= options.runs; run++) {
      const sync = await program.sync(where, options.signal);
      assertUnchanged(sync.report, photos);
      measured.push(sync);
      const mb = rounded(sync.peakRssBytes / 1e6, 0);
      options.say(`${photos} photos, run ${run} of ${options.runs}: ${mb} MB, ${rounded(sync.wallSeconds)} s`);
    }
    return { photos, medians: mediansOf(measured), runs: measured.map(({ stdout: _stdout, ...figures }) => figures) };
  } finally {
    options.say(`removing ${photos} files`);
    await place.close();
  }
}

/** Files, rows and objects of one library, all in agreement. */
async function makeSides(place: Workplace, { signal, say }: BenchmarkOptions, photos: number): Promise<Sides> {
  const photosRoot = place.path('library');
  say(`making ${photos} files`);
  await makePhotoFiles(photosRoot, photos, { contents: false }, signal);
  const s3 = await startSyntheticBucket(place, photos, PREFIX);
  const { database } = await startServices(place, { database: true, s3: false }, signal);
  if (database === null) throw new Error('the embedded database did not come up');
  say(`recording ${photos} rows`);
  const catalog = await openCatalog({ url: database.url, maxConnections: 4 }, signal);
  try {
    const wanted = { name: 'library', root: photosRoot, bucket: s3.bucket, prefix: PREFIX, excludes: [] };
    await recordFiles(catalog, await catalog.libraries.ensure(wanted), signal);
  } finally {
    await catalog.close();
  }
  return { databaseUrl: database.url, photosRoot, s3 };
}

function mediansOf(measured: readonly Measured[]) {
  const of = (figure: (one: Measured) => number) => median(measured.map(figure));
  return {
    peakRssBytes: of((one) => one.peakRssBytes),
    wallSeconds: of((one) => one.wallSeconds),
    cpuSeconds: of((one) => one.cpuSeconds),
  };
}
