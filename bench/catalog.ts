/** The catalog alone: how fast rows are written (`apply` of agreements) and read back in key order (`rows`). */
import { type Catalog, openCatalog } from '../src/catalog/open.ts';
import type { RowChange } from '../src/sync/catalog-port.ts';
import type { Library } from '../src/sync/types.ts';
import { agreedChange } from './support/agreements.ts';
import type { Benchmark, BenchmarkOptions } from './support/benchmark.ts';
import { startServices } from './support/services.ts';
import { median, rounded } from './support/statistics.ts';
import { Workplace } from './support/workplace.ts';

const PREFIX = 'photos/';
/** As many as the engine writes at a time during a run (src/sync/recorder.ts). */
const RECORDED_AT_ONCE = 2_000;

export const catalog: Benchmark = async (options) => {
  const place = await Workplace.open();
  try {
    const { database } = await startServices(place, { database: true, s3: false }, options.signal);
    const opened = await openCatalog({ url: database?.url ?? '', maxConnections: 4 }, options.signal);
    place.defer(() => opened.close());
    return await measureIn(opened, options);
  } finally {
    await place.close();
  }
};

async function measureIn(opened: Catalog, { photos, runs, signal, say }: BenchmarkOptions) {
  const changes = Array.from({ length: photos }, (_, index) => agreedChange(PREFIX, index));
  const [whole, batched, read]: [number[], number[], number[]] = [[], [], []];
  for (let run = 1; run <= runs; run++) {
    const library = await newLibrary(opened, `whole-${run}`);
    whole.push(await seconds(() => opened.port.apply(library, changes)));
    read.push(await seconds(() => readAll(opened, library, photos, signal)));
    const other = await newLibrary(opened, `batched-${run}`);
    batched.push(await seconds(() => applyInBatches(opened, other, changes, signal)));
    say(`run ${run} of ${runs}: ${photos} rows written in ${rounded(whole.at(-1) ?? 0)} s`);
  }
  const line = (label: string, all: readonly number[]) =>
    [label, `${rounded(median(all))} s, ${Math.round(photos / median(all))} rows/s`] as const;
  return {
    table: [
      line(`apply, ${photos} new rows in one call`, whole),
      line(`apply, ${RECORDED_AT_ONCE} new rows a call`, batched),
      line('rows, all in key order', read),
    ],
    bars: [],
    measured: {
      photos,
      postgres: await opened.ping(signal),
      medians: { applySeconds: median(whole), applyInBatchesSeconds: median(batched), rowsSeconds: median(read) },
      samples: { apply: whole, applyInBatches: batched, rows: read },
    },
  };
}

function newLibrary({ libraries }: Catalog, name: string): Promise<Library> {
  return libraries.create({ name, root: `/bench/${name}`, bucket: `bench-${name}`, prefix: PREFIX, excludes: [] });
}

async function applyInBatches(
  { port }: Catalog,
  library: Library,
  changes: readonly RowChange[],
  signal: AbortSignal,
): Promise<void> {
  for (let start = 0; start < changes.length; start += RECORDED_AT_ONCE) {
    signal.throwIfAborted();
    await port.apply(library, changes.slice(start, start + RECORDED_AT_ONCE));
  }
}

async function readAll({ port }: Catalog, library: Library, expected: number, signal: AbortSignal): Promise<void> {
  let rows = 0;
  for await (const batch of port.rows({ library, album: null }, signal).batches) rows += batch.length;
  if (rows !== expected) throw new Error(`${rows} rows were read, not ${expected}`);
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}
