/** Is it there? asked of many keys by HEAD: the program beside a plain loop over the SDK, and beside the bare wire. */
import { join } from 'node:path';
import { pathOf, RawS3 } from '../test/support/contract-s3-http.ts';
import { openEndpoint } from './compare/endpoint.ts';
import type { Endpoint } from './compare/objects.ts';
import { inOrderOf } from './compare/rounds.ts';
import type { Benchmark, BenchmarkOptions } from './support/benchmark.ts';
import { isThere, keyOf } from './support/head-keys.ts';
import { measure } from './support/measured-process.ts';
import { median, rounded } from './support/statistics.ts';
import { Workplace } from './support/workplace.ts';

const SCRIPT = join(import.meta.dirname, 'support/ask-heads.ts');
/** More say nothing more, and the bar speaks of these. */
const MOST_KEYS = 10_000;
const AT_ONCE = 32;
const LEAST_RATIO = 3;

const WAYS = {
  program: 'the program',
  sdk: "the SDK's plain loop",
  wire: 'signed before, by node:http alone',
} as const;
type Way = keyof typeof WAYS;

interface Asked {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

export const heads: Benchmark = (options) => Workplace.use((place) => measureIn(place, options));

async function measureIn(place: Workplace, options: BenchmarkOptions) {
  const keys = Math.min(options.photos, MOST_KEYS);
  const { s3, what } = await openEndpoint(place, options.signal);
  options.say(`putting every other of ${keys} keys into ${what}`);
  await putHalf(s3, keys, options.signal);
  const asked: Record<Way, Asked[]> = { program: [], sdk: [], wire: [] };
  for (let run = 1; run <= options.runs; run++) {
    const ways = inOrderOf(Object.keys(WAYS) as Way[], run);
    for (const way of ways) asked[way].push(await ask(place, s3, way, keys, options));
    const last = Object.entries(asked).map(([way, all]) => `${way} ${rounded(all.at(-1)?.seconds ?? 0)} s`);
    options.say(`run ${run} of ${options.runs}: ${last.join(', ')}`);
  }
  return resultOf(keys, what, asked);
}

async function putHalf(s3: Endpoint, keys: number, signal: AbortSignal): Promise<void> {
  const server = new RawS3(s3);
  try {
    let next = 0;
    const putSome = async () => {
      while (next < keys) {
        signal.throwIfAborted();
        const index = next++;
        if (!isThere(index)) continue;
        const headers = { 'x-amz-meta-mtime': `1700000000.${index}` };
        const path = pathOf(s3.bucket, keyOf(index));
        const { status } = await server.send({ method: 'PUT', path, body: String(index), headers });
        if (status !== 200) throw new Error(`a PUT was answered with ${status}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, putSome));
  } finally {
    server.close();
  }
}

/** What it took without starting Node, and all that was found was there. */
async function ask(place: Workplace, s3: Endpoint, way: Way, keys: number, options: BenchmarkOptions): Promise<Asked> {
  const env = {
    S3_ENDPOINT: s3.endpoint,
    S3_BUCKET: s3.bucket,
    AWS_REGION: s3.region,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
  };
  const { nodeOptions, signal } = options;
  const args = [SCRIPT, way, String(keys), String(AT_ONCE)];
  const { stdout } = await measure({ args, env, folder: place.folder, nodeOptions }, signal);
  const told = JSON.parse(stdout) as Asked & { readonly there: number };
  if (told.there !== Math.ceil(keys / 2)) throw new Error(`${way} found ${told.there} of ${keys} keys`);
  return { seconds: told.seconds, cpuSeconds: told.cpuSeconds };
}

/** Ratios are taken run by run: what slows one down slows its neighbours down too. */
function resultOf(keys: number, endpoint: string, asked: Record<Way, Asked[]>) {
  const ratio = (way: Way, of: keyof Asked) =>
    median(asked[way].map((other, run) => other[of] / (asked.program[run]?.[of] ?? Number.NaN)));
  const rows = (Object.entries(WAYS) as [Way, string][]).map(([way, name]) => {
    const seconds = median(asked[way].map((one) => one.seconds));
    const cpu = median(asked[way].map((one) => one.cpuSeconds));
    const each = `${Math.round((cpu / keys) * 1e6)} µs of a processor each`;
    return [name, `${Math.round(keys / seconds)} a second, ${each}`] as const;
  });
  const [wall, cpu] = [ratio('sdk', 'seconds'), ratio('sdk', 'cpuSeconds')];
  const [wireWall, wireCpu] = [ratio('wire', 'seconds'), ratio('wire', 'cpuSeconds')];
  return {
    table: [
      ['endpoint', endpoint],
      [`${keys} keys, ${AT_ONCE} at once, half of them there`, ''],
      ...rows,
      ["the SDK's loop over the program, time", `${rounded(wall)} ×`],
      ['  processor', `${rounded(cpu)} ×`],
      ['the wire over the program, time', `${rounded(wireWall)} ×`],
      ['  processor', `${rounded(wireCpu)} ×`],
    ] as const,
    bars: [
      { what: "processor time of the SDK's loop over the program's", measured: cpu, atLeast: LEAST_RATIO, unit: '×' },
    ],
    measured: { endpoint, keys, atOnce: AT_ONCE, asked, ratios: { wall, cpu, wireWall, wireCpu } },
  };
}
