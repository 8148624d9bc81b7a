/** `npm run bench -- <name> [--photos N] [--runs N] [--folder path]`: runs a benchmark, prints its table, writes its JSON file. */
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { catalog } from './catalog.ts';
import { coldStart } from './cold-start.ts';
import { compare } from './compare/compare.ts';
import { heads } from './heads.ts';
import { listing } from './listing.ts';
import { media } from './media.ts';
import { memory } from './memory.ts';
import { renamed } from './renamed.ts';
import { type Benchmark, type BenchmarkResult, boundOf, isMet } from './support/benchmark.ts';
import { load } from './support/machine.ts';
import { RESULTS, writeResult } from './support/results.ts';
import { rounded } from './support/statistics.ts';
import { unchanged } from './unchanged.ts';

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  unchanged,
  renamed,
  memory,
  catalog,
  'cold-start': coldStart,
  heads,
  listing,
  media,
  compare,
};
/** Above this many waiting processes a core, figures say more about the neighbours than about Rollcall. */
const BUSY_LOAD_A_CORE = 0.5;

/** As a shell tells of a program that Ctrl-C ended. */
const STOPPED = 130;

const USAGE = `npm run bench -- <name> [--photos N] [--runs N] [--folder path] [--only work] [--node-option=--flag]…
names: ${Object.keys(BENCHMARKS).join(', ')}`;

async function main(argv: readonly string[]): Promise<number> {
  const asked = readArguments(argv);
  if (asked === null) {
    console.error(USAGE);
    return 2;
  }
  const { name, benchmark, ...settings } = asked;
  const stopping = stopOnSignals();
  const loadBefore = load();
  const begun = new Date();
  const run = benchmark({ ...settings, signal: stopping, say: (line) => console.error(line) });
  const result = await run.catch((thrown: unknown) => {
    if (stopping.aborted) return null;
    throw thrown;
  });
  if (result === null) return STOPPED;
  if (result.measured !== null) {
    const { measured, bars, table } = result;
    const { runs } = settings;
    writeResult({
      name,
      begun,
      runs,
      loadBefore,
      bars,
      table,
      measured: { nodeOptions: settings.nodeOptions, ...measured },
    });
  }
  print(name, result);
  if (loadBefore > availableParallelism() * BUSY_LOAD_A_CORE) {
    console.log(`The machine was busy (load ${rounded(loadBefore)} at the start): repeat this when it is not.`);
  }
  console.log(`Written to ${RESULTS}`);
  return result.bars.every(isMet) ? 0 : 1;
}

function readArguments(argv: readonly string[]) {
  try {
    const { positionals, values } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        photos: { type: 'string', default: '100000' },
        runs: { type: 'string', default: '5' },
        folder: { type: 'string' },
        only: { type: 'string' },
        'node-option': { type: 'string', multiple: true, default: [] },
      },
    });
    const [name = '', ...more] = positionals;
    const benchmark = Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined;
    const [photos, runs] = [Number(values.photos), Number(values.runs)];
    if (benchmark === undefined || more.length > 0 || !isCount(photos) || !isCount(runs)) return null;
    const folder = values.folder === undefined ? null : resolve(values.folder);
    const only = values.only ?? null;
    return { name, benchmark, photos, runs, folder, only, nodeOptions: values['node-option'] };
  } catch {
    return null;
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

/** The first signal makes the benchmark clean up and end, a second one ends it at once. */
function stopOnSignals(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(STOPPED);
      console.error('Stopping: what was made is being removed.');
      stop.abort(new Error('stopped'));
    });
  }
  return stop.signal;
}

function print(name: string, { table, bars }: BenchmarkResult): void {
  const width = Math.max(...table.map(([label]) => label.length));
  console.log(`\n${name}`);
  for (const [label, value] of table) console.log(`  ${label.padEnd(width)}  ${value}`);
  for (const bar of bars) {
    const verdict = isMet(bar) ? 'met' : 'MISSED';
    console.log(`  bar: ${bar.what} ${boundOf(bar)}: ${rounded(bar.measured)} ${bar.unit}, ${verdict}`);
  }
}

process.exitCode = await main(process.argv.slice(2)).catch((thrown: unknown) => {
  console.error(thrown);
  return 3;
});
