/**
 * The sync of a library whose albums were renamed: every photo under another path, not a byte to send. Beside each, in
 * turn, the sync after it, which finds nothing to do: what renaming itself costs is the difference.
 */
import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Benchmark, BenchmarkOptions } from './support/benchmark.ts';
import { makePhotoFiles } from './support/photo-files.ts';
import { builtProgram, type MeasuredSync } from './support/program.ts';
import { assertMoved, assertUnchanged } from './support/report-of-sync.ts';
import { environment, startServices } from './support/services.ts';
import { median, rounded } from './support/statistics.ts';
import { Workplace } from './support/workplace.ts';

export const renamed: Benchmark = (options) => Workplace.use((place) => measureIn(place, options));

async function measureIn(place: Workplace, options: BenchmarkOptions) {
  const { photos, runs, nodeOptions, signal, say } = options;
  const program = await builtProgram();
  const photosRoot = place.path('library');
  await makePhotoFiles(photosRoot, photos, { contents: true }, signal);
  const { database, s3 } = await startServices(place, { database: true, s3: true }, signal);
  if (database === null || s3 === null) throw new Error('the embedded services did not come up');
  const env = environment(place, { databaseUrl: database.url, photosRoot, s3 });
  const programPlace = { folder: place.folder, env, nodeOptions };
  say('first sync');
  await program.sync(programPlace, signal);
  const moving: MeasuredSync[] = [];
  const quiet: MeasuredSync[] = [];
  for (let run = 1; run <= runs; run++) {
    renameAlbums(photosRoot, run);
    const moved = await program.sync(programPlace, signal);
    assertMoved(moved.report, photos);
    const after = await program.sync(programPlace, signal);
    assertUnchanged(after.report, photos);
    moving.push(moved);
    quiet.push(after);
    say(`run ${run} of ${runs}: ${rounded(moved.wallSeconds)} s, then ${rounded(after.wallSeconds)} s`);
  }
  return resultOf(photos, moving, quiet);
}

/** Every album gets a name that it has not had. */
function renameAlbums(root: string, run: number): void {
  for (const name of readdirSync(root)) renameSync(join(root, name), join(root, `${name.split(' ')[0]} ${run}`));
}

function resultOf(photos: number, moving: readonly MeasuredSync[], quiet: readonly MeasuredSync[]) {
  const of = (runs: readonly MeasuredSync[], what: 'wallSeconds' | 'cpuSeconds' | 'peakRssBytes') =>
    median(runs.map((run) => run[what]));
  const wall = of(moving, 'wallSeconds');
  const { requests } = moving[0]?.report ?? {};
  return {
    table: [
      ['all albums renamed: wall', `${rounded(wall)} s, ${Math.round(photos / wall)} photos/s`],
      ['  CPU (user + system)', `${rounded(of(moving, 'cpuSeconds'))} s`],
      ['  peak memory', `${rounded(of(moving, 'peakRssBytes') / 1e6, 0)} MB`],
      ['  requests', JSON.stringify(requests)],
      ['nothing changed after it: wall', `${rounded(of(quiet, 'wallSeconds'))} s`],
    ] as const,
    bars: [],
    measured: {
      photos,
      medians: {
        wallSeconds: wall,
        cpuSeconds: of(moving, 'cpuSeconds'),
        peakRssBytes: of(moving, 'peakRssBytes'),
        quietWallSeconds: of(quiet, 'wallSeconds'),
      },
      requests,
      wallSeconds: moving.map((run) => run.wallSeconds),
    },
  };
}
