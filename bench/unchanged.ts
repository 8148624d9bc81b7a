/**
 * The sync of a library in which nothing has changed: real files, the embedded PostgreSQL and S3 running in another
 * process, `rollcall sync --json` started cold. The bar is on the CPU that is Rollcall's own: what it takes beyond a
 * process that only lists the bucket through the AWS SDK.
 */
import type { Benchmark, BenchmarkOptions } from './support/benchmark.ts';
import type { Measured } from './support/measured-process.ts';
import { makePhotoFiles } from './support/photo-files.ts';
import { builtProgram, type MeasuredSync, type Program, type ProgramPlace } from './support/program.ts';
import { assertUnchanged } from './support/report-of-sync.ts';
import { environment, startServices } from './support/services.ts';
import { median, rounded } from './support/statistics.ts';
import { Workplace } from './support/workplace.ts';

const PREFIX = 'photos/';
/** Nothing is under it: its listing is one empty page, so what it costs is starting Node and the SDK. */
const EMPTY_PREFIX = 'nothing/';

export const unchanged: Benchmark = (options) => Workplace.use((place) => measureIn(place, options));

async function measureIn(place: Workplace, options: BenchmarkOptions) {
  const { photos, signal, say } = options;
  const program = await builtProgram();
  const photosRoot = place.path('library');
  say(`making ${photos} files`);
  await makePhotoFiles(photosRoot, photos, { contents: true }, signal);
  const { database, s3 } = await startServices(place, { database: true, s3: true }, signal);
  if (database === null || s3 === null) throw new Error('the embedded services did not come up');
  const env = environment(place, { databaseUrl: database.url, photosRoot, s3 });
  const programPlace = { folder: place.folder, env, nodeOptions: [] };
  say('first sync');
  const first = await program.sync(programPlace, signal);
  if (first.report.actions.uploaded !== photos) throw new Error(`not all uploaded: ${JSON.stringify(first.report)}`);
  say(`first sync took ${rounded(first.wallSeconds)} s`);
  return resultOf(options, first, await repeated(program, programPlace, options));
}

interface Samples {
  readonly syncs: MeasuredSync[];
  readonly listings: Measured[];
  readonly starts: Measured[];
  readonly versions: Measured[];
}

/** One after the other and in turn, so that a busy moment of the machine falls on all alike. */
async function repeated(program: Program, place: ProgramPlace, options: BenchmarkOptions): Promise<Samples> {
  const { photos, runs, nodeOptions, signal, say } = options;
  const samples: Samples = { syncs: [], listings: [], starts: [], versions: [] };
  for (let run = 1; run <= runs; run++) {
    const sync = await program.sync({ ...place, nodeOptions }, signal);
    assertUnchanged(sync.report, photos);
    samples.syncs.push(sync);
    samples.listings.push(await program.listing(place, PREFIX, photos, signal));
    samples.starts.push(await program.listing(place, EMPTY_PREFIX, 0, signal));
    samples.versions.push(await program.version(place, signal));
    say(`run ${run} of ${runs}: ${rounded(sync.wallSeconds)} s, ${rounded(sync.cpuSeconds)} s of CPU`);
  }
  return samples;
}

function resultOf({ photos }: BenchmarkOptions, first: MeasuredSync, samples: Samples) {
  const { syncs, listings, starts, versions } = samples;
  const cpu = (measured: readonly Measured[]) => median(measured.map((one) => one.cpuSeconds));
  const wall = median(syncs.map((sync) => sync.wallSeconds));
  const peak = median(syncs.map((sync) => sync.peakRssBytes));
  const beyondListing = cpu(syncs) - cpu(listings);
  const beyondParsing = cpu(syncs) - (cpu(listings) - cpu(starts));
  const { requests } = syncs[0]?.report ?? first.report;
  const seconds = (value: number) => `${rounded(value)} s`;
  return {
    table: [
      ['first sync', `${seconds(first.wallSeconds)}, ${Math.round(photos / first.wallSeconds)} photos/s`],
      ['nothing changed: wall', `${seconds(wall)}, ${Math.round(photos / wall)} photos/s`],
      ['nothing changed: CPU (user + system)', seconds(cpu(syncs))],
      ['  of a process that only lists, by the SDK', seconds(cpu(listings))],
      ['  of one that lists an empty prefix', seconds(cpu(starts))],
      ['  of --version', seconds(cpu(versions))],
      ['own CPU beyond the listing process', seconds(beyondListing)],
      ['own CPU beyond page parsing, start included', seconds(beyondParsing)],
      ['peak memory', `${rounded(peak / 1e6, 0)} MB`],
      ['requests', `${requests.list} LIST, ${requests.head} HEAD, ${requests.put} PUT`],
    ] as const,
    bars: [{ what: 'own CPU beyond page parsing', measured: beyondParsing, atMost: 3, unit: 's' }],
    measured: {
      photos,
      firstSync: {
        ...withoutOutput(first),
        photosPerSecond: photos / first.wallSeconds,
        requests: first.report.requests,
      },
      medians: {
        wallSeconds: wall,
        cpuSeconds: cpu(syncs),
        sdkListingCpuSeconds: cpu(listings),
        sdkStartCpuSeconds: cpu(starts),
        versionCpuSeconds: cpu(versions),
        ownCpuBeyondListingSeconds: beyondListing,
        ownCpuBeyondParsingSeconds: beyondParsing,
        peakRssBytes: peak,
      },
      requests,
      samples: {
        syncs: syncs.map(withoutOutput),
        listings: listings.map(withoutOutput),
        starts: starts.map(withoutOutput),
        versions: versions.map(withoutOutput),
      },
    },
  };
}

function withoutOutput({ wallSeconds, userSeconds, systemSeconds, peakRssBytes }: Measured) {
  return { wallSeconds, userSeconds, systemSeconds, peakRssBytes };
}
