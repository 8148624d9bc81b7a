/** The embedded S3 server alone: how long a page of 1,000 keys takes, asked by bare signed HTTP. */
import { pathOf, RawS3 } from '../test/support/contract-s3-http.ts';
import type { Benchmark, BenchmarkOptions } from './support/benchmark.ts';
import { photoContent, photoPath } from './support/photo-files.ts';
import { startServices } from './support/services.ts';
import { median, percentile, rounded } from './support/statistics.ts';
import { Workplace } from './support/workplace.ts';

const PREFIX = 'photos/';
const UPLOADS_AT_ONCE = 32;

export const listing: Benchmark = async (options) => {
  const place = await Workplace.open();
  try {
    const { s3 } = await startServices(place, { database: false, s3: true }, options.signal);
    if (s3 === null) throw new Error('the embedded S3 did not come up');
    const server = new RawS3(s3);
    place.defer(() => server.close());
    options.say(`putting ${options.photos} objects`);
    const putSeconds = await putAll(server, s3.bucket, options);
    return resultOf(options, putSeconds, await timePages(server, s3.bucket, options));
  } finally {
    await place.close();
  }
};

async function putAll(server: RawS3, bucket: string, { photos, signal }: BenchmarkOptions): Promise<number> {
  const begun = performance.now();
  let next = 0;
  const putSome = async () => {
    while (next < photos) {
      signal.throwIfAborted();
      const index = next++;
      const path = pathOf(bucket, PREFIX + photoPath(index));
      const { status } = await server.send({ method: 'PUT', path, body: photoContent(index) });
      if (status !== 200) throw new Error(`a PUT was answered with ${status}`);
    }
  };
  await Promise.all(Array.from({ length: UPLOADS_AT_ONCE }, putSome));
  return (performance.now() - begun) / 1000;
}

/** Milliseconds of each full page of each round, from the request's signing to the answer's last byte. */
async function timePages(server: RawS3, bucket: string, options: BenchmarkOptions): Promise<number[]> {
  const milliseconds: number[] = [];
  for (let round = 0; round < options.runs; round++) {
    let token: string | undefined;
    let keys = 0;
    do {
      options.signal.throwIfAborted();
      const begun = performance.now();
      const page = await pageAfter(server, bucket, token);
      if (page.keys === 1_000) milliseconds.push(performance.now() - begun);
      keys += page.keys;
      token = page.next;
    } while (token !== undefined);
    if (keys !== options.photos) throw new Error(`${keys} keys were listed, not ${options.photos}`);
  }
  return milliseconds;
}

async function pageAfter(server: RawS3, bucket: string, token: string | undefined) {
  const query = {
    'list-type': '2',
    'encoding-type': 'url',
    prefix: PREFIX,
    ...(token !== undefined && { 'continuation-token': token }),
  };
  const { status, body } = await server.send({ method: 'GET', path: pathOf(bucket), query });
  const text = body.toString();
  const [, keys] = /<KeyCount>(\d+)<\/KeyCount>/.exec(text) ?? [];
  if (status !== 200 || keys === undefined) throw new Error(`a listing was answered with ${status}: ${text}`);
  return { keys: Number(keys), next: /<NextContinuationToken>([^<]+)</.exec(text)?.[1] };
}

function resultOf({ photos }: BenchmarkOptions, putSeconds: number, pages: readonly number[]) {
  const [middle, tail] = [median(pages), percentile(pages, 99)];
  return {
    table: [
      ['objects put', `${photos} in ${rounded(putSeconds)} s, ${Math.round(photos / putSeconds)} a second`],
      [`a page of 1,000 out of ${photos}: median`, `${rounded(middle)} ms`],
      ['  99th percentile', `${rounded(tail)} ms`],
      ['  pages timed', String(pages.length)],
    ] as const,
    bars: [{ what: 'a page of 1,000 keys, median', measured: middle, atMost: 10, unit: 'ms' }],
    measured: {
      photos,
      putSeconds,
      page: { medianMs: middle, p99Ms: tail, samplesMs: pages.map((ms) => rounded(ms)) },
    },
  };
}
