import { once } from 'node:events';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openBuckets } from '../../src/bucket/buckets.ts';
import { type Catalog, openCatalog } from '../../src/catalog/open.ts';
import { createApp } from '../../src/http/app.ts';
import { exposition } from '../../src/http/exposition.ts';
import { checkHealth } from '../../src/http/health.ts';
import { metricsText } from '../../src/http/metrics.ts';
import type { HttpParts } from '../../src/http/parts.ts';
import type { CatalogFigures } from '../../src/sync/figures.ts';
import type { QueueDepth } from '../../src/sync/run-queue.ts';
import { FIGURES, testParts } from '../support/http-parts.ts';
import { readExposition, sampleName } from '../support/prometheus.ts';
import { createWorld, type World } from '../support/world.ts';

const never = new AbortController().signal;
const DEPTH: QueueDepth[] = [{ queue: 'sync-album', waiting: 3, active: 2, dead: 1 }];

/** The value of a sample; undefined when there is none. */
type Read = (name: string, labels?: Record<string, string>) => number | undefined;

function reader(text: string): Read {
  const families = readExposition(text);
  return (name, labels) =>
    families.get(name.replace(/_(bucket|sum|count)$/, ''))?.samples.get(sampleName(name, labels)) ??
    families.get(name)?.samples.get(sampleName(name, labels));
}

describe('over a real database', () => {
  let world: World;
  /** That of another process than the one whose syncs are measured. */
  let catalog: Catalog;
  let parts: Pick<HttpParts, 'metrics'>;

  beforeEach(async () => {
    world = await createWorld();
    catalog = await openCatalog({ url: world.databaseUrl, maxConnections: 3, keepFiguresMs: 0 }, never);
    parts = { metrics: { figures: catalog.figures, ping: catalog.ping, s3Requests: () => [] } };
  });

  afterEach(async () => {
    await catalog.close();
    await world.close();
  });

  async function scrape(replaced: Partial<HttpParts> = {}): Promise<Read> {
    const response = await createApp(testParts({ ...parts, queue: null, ...replaced })).request('/metrics');
    expect(response.status).toBe(200);
    expect(response.headers.get('Content-Type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    return reader(await response.text());
  }

  test('an empty catalog has zeros, not gaps', async () => {
    const read = await scrape();
    expect(read('rollcall_up', { part: 'database' })).toBe(1);
    expect(read('rollcall_actions_total', { kind: 'upload', outcome: 'done' })).toBe(0);
    expect(read('rollcall_actions_total', { kind: 'any', outcome: 'failed' })).toBe(0);
    expect(read('rollcall_transferred_bytes_total', { direction: 'up' })).toBe(0);
    expect(read('rollcall_photos', { library: 'test', state: 'lost' })).toBe(0);
    expect(read('rollcall_runs_open', { status: 'running' })).toBe(0);
    expect(read('rollcall_last_success_timestamp_seconds', { library: 'test' })).toBeUndefined();
  });

  test('what runs of other processes did is counted: runs, actions, bytes, requests, durations, photos', async () => {
    const before = Date.now() / 1_000;
    for (const name of ['a', 'b', 'c']) world.write(`2024/${name}.jpg`, Buffer.alloc(100, name));
    const first = await world.sync();
    world.remove('2024/c.jpg');
    world.write('2024/d.jpg', Buffer.alloc(50, 'd'));
    const second = await world.sync({ album: '2024' });
    await world.sync({ dryRun: true });

    const read = await scrape();
    const runs = (scope: string, status: string) => read('rollcall_runs_total', { kind: 'sync', scope, status });
    expect([first.status, second.status]).toEqual(['succeeded', 'succeeded']);
    expect([runs('library', 'succeeded'), runs('album', 'succeeded'), runs('library', 'planned')]).toEqual([1, 1, 1]);
    expect([runs('library', 'failed'), runs('album', 'partial'), runs('libraries', 'failed')]).toEqual([
      0,
      0,
      undefined,
    ]);
    const done = (kind: string) => read('rollcall_actions_total', { kind, outcome: 'done' });
    expect([done('upload'), done('mark'), done('skip'), done('delete')]).toEqual([4, 1, 2, 0]);
    expect(read('rollcall_transferred_bytes_total', { direction: 'up' })).toBe(350);
    expect(read('rollcall_transferred_bytes_total', { direction: 'down' })).toBe(0);
    const puts = first.requests.put + second.requests.put;
    expect(puts).toBeGreaterThanOrEqual(4);
    expect(read('rollcall_run_s3_requests_total', { kind: 'put' })).toBe(puts);
    expect(read('rollcall_run_duration_seconds_count', { kind: 'sync', scope: 'library' })).toBe(2);
    expect(read('rollcall_run_duration_seconds_bucket', { kind: 'sync', scope: 'album', le: '43200' })).toBe(1);
    expect(read('rollcall_run_duration_seconds_sum', { kind: 'sync', scope: 'album' })).toBe(second.durationMs / 1_000);
    expect(read('rollcall_photos', { library: 'test', state: 'synced' })).toBe(3);
    expect(read('rollcall_photos', { library: 'test', state: 'orphaned' })).toBe(1);
    const lastGood = read('rollcall_last_success_timestamp_seconds', { library: 'test' });
    expect(lastGood).toBeGreaterThan(before);
    expect(lastGood).toBeLessThanOrEqual(Date.now() / 1_000);
  });

  test('a run that failed in part is no good run, and neither are a dry run and a look', async () => {
    world.write('a.jpg');
    world.proxy.fail(({ method }) => (method === 'PUT' ? { kind: 'answer', status: 403 } : null));
    expect((await world.sync()).status).toBe('partial');
    world.proxy.fail(() => null);
    await world.sync({ dryRun: true });
    await world.sync({ dryRun: true, kind: 'status' });
    const read = await scrape();
    expect(read('rollcall_runs_total', { kind: 'sync', scope: 'library', status: 'partial' })).toBe(1);
    expect(read('rollcall_actions_total', { kind: 'any', outcome: 'failed' })).toBe(1);
    expect(read('rollcall_last_success_timestamp_seconds', { library: 'test' })).toBeUndefined();
  });

  test('a run over all libraries is counted beside its parts, and what they did only once', async () => {
    world.write('a.jpg', Buffer.alloc(7));
    const root = mkdtempSync(join(tmpdir(), 'rollcall-other-'));
    writeFileSync(join(root, 'b.jpg'), '12345');
    utimesSync(join(root, 'b.jpg'), 1_600_000_000, 1_600_000_000);
    const { bucket } = world;
    await world.catalog.libraries.create({ name: 'other', root, bucket, prefix: 'other/', excludes: [] });
    const report = await world.service.sync({}, {}, AbortSignal.timeout(150_000));
    rmSync(root, { recursive: true });
    expect(report.bytes.uploaded).toBe(12);
    const read = await scrape();
    const runs = (scope: string) => read('rollcall_runs_total', { kind: 'sync', scope, status: 'succeeded' });
    expect([runs('libraries'), runs('library')]).toEqual([1, 2]);
    expect(read('rollcall_transferred_bytes_total', { direction: 'up' })).toBe(12);
    expect(read('rollcall_actions_total', { kind: 'upload', outcome: 'done' })).toBe(2);
    expect(read('rollcall_photos', { library: 'other', state: 'synced' })).toBe(1);
  });

  const begin = async (hoursAgo: number) => {
    const [row] = await world.query<{ id: string }>(
      `INSERT INTO "Run" ("libraryId", "kind", "status", "policy", "startedAt")
       VALUES ($1, 'sync', 'running', '{"dryRun": false}', now() - $2 * interval '1 hour') RETURNING "id"`,
      [world.library.id, hoursAgo],
    );
    return row!.id;
  };
  const end = (id: string) =>
    world.query(
      `UPDATE "Run" SET "status" = 'succeeded', "finishedAt" = now(), "report" = '{"bytes": {"uploaded": 5}}' WHERE "id" = $1`,
      [id],
    );
  const counted = (read: Read) => [
    read('rollcall_runs_open', { status: 'running' }),
    read('rollcall_runs_total', { kind: 'sync', scope: 'library', status: 'succeeded' }) ?? 0,
    read('rollcall_transferred_bytes_total', { direction: 'up' }),
  ];

  test('each run is counted once, when it ends, however long ago it began and however often it is asked', async () => {
    const [old, recent] = [await begin(30), await begin(0)];
    expect(counted(await scrape())).toEqual([2, 0, 0]);
    await end(old);
    expect(counted(await scrape())).toEqual([1, 1, 5]);
    expect(counted(await scrape())).toEqual([1, 1, 5]);
    await end(recent);
    const late = await begin(0.4);
    await end(late);
    expect(counted(await scrape())).toEqual([0, 3, 15]);
    expect(counted(await scrape())).toEqual([0, 3, 15]);
    const another = await openCatalog({ url: world.databaseUrl, maxConnections: 2, keepFiguresMs: 0 }, never);
    const { figures, ping } = another;
    expect(counted(await scrape({ metrics: { figures, ping, s3Requests: () => [] } }))).toEqual([0, 3, 15]);
    await another.close();
  });

  test('counters stay when a library is forgotten with its history', async () => {
    world.write('a.jpg', Buffer.alloc(9));
    await world.sync();
    await scrape();
    await catalog.libraries.remove(world.library.id);
    const read = await scrape();
    expect(counted(read)).toEqual([0, 1, 9]);
    expect(read('rollcall_photos', { library: 'test', state: 'synced' })).toBeUndefined();
  });

  test('many scrapes at once ask the database once', async () => {
    const figures = await Promise.all(Array.from({ length: 50 }, () => catalog.figures(never)));
    expect(new Set(figures).size).toBe(1);
  });

  test('figures are kept for as long as they may be', async () => {
    const keeping = await openCatalog({ url: world.databaseUrl, maxConnections: 2 }, never);
    const first = await keeping.figures(never);
    world.write('a.jpg');
    await world.sync();
    expect(await keeping.figures(never)).toBe(first);
    expect(await catalog.figures(never)).not.toEqual(first);
    await keeping.close();
  });

  test('the state of a library and of the queue is part of health', async () => {
    world.write('a.jpg');
    await world.sync();
    const { disk, bucket } = world.sides();
    const health = (depth: () => Promise<readonly QueueDepth[]>) =>
      checkHealth(
        {
          catalog,
          library: world.library,
          queue: { depth },
          openBucket: () => bucket,
          openDisk: () => disk,
          syncIntervalSeconds: 60,
          version: '1.2.3',
        },
        AbortSignal.timeout(150_000),
      );
    const well = await health(async () => [{ ...DEPTH[0]!, dead: 0 }]);
    expect(well).toMatchObject({ status: 'ok', parts: { queue: { ok: true, queues: [{ waiting: 3, active: 2 }] } } });
    const [library] = well.parts.libraries ?? [];
    expect(library?.library).toBe('test');
    expect(Date.parse(library?.lastGoodAt ?? '')).toBeGreaterThan(Date.now() - 60_000);
    expect(library?.ageSeconds).toBeLessThan(60);

    const dead = await health(async () => DEPTH);
    expect(dead.status).toBe('degraded');
    expect(dead.parts.queue).toEqual({ ok: false, queues: DEPTH, error: '1 jobs were given up after their retries' });
    const broken = await health(async () => {
      throw new Error('the queue has no tables');
    });
    expect(broken.status).toBe('degraded');
    expect(broken.parts.queue).toEqual({ ok: false, queues: [], error: 'the queue has no tables' });
  });
});

describe('while the database is away', () => {
  let world: World;

  beforeAll(async () => {
    world = await createWorld();
  });

  afterAll(async () => {
    await world.close();
  });

  /** A way to the database that can be blocked: connections stay, nothing moves any more. */
  async function blockable() {
    const target = new URL(world.databaseUrl);
    const sockets = new Set<Socket>();
    const relay = createServer((from) => {
      const to = connect(Number(target.port), target.hostname);
      from.pipe(to).pipe(from);
      for (const socket of [from, to]) {
        sockets.add(socket);
        socket.on('error', () => undefined);
      }
      from.on('close', () => to.destroy());
      to.on('close', () => from.destroy());
    }).listen(0, '127.0.0.1');
    await once(relay, 'listening');
    const url = new URL(target);
    url.hostname = '127.0.0.1';
    url.port = String((relay.address() as AddressInfo).port);
    return {
      url: url.href,
      block: () => {
        for (const socket of sockets) socket.unpipe().pause();
      },
      close: async () => {
        for (const socket of sockets) socket.destroy();
        relay.close();
        await once(relay, 'close');
      },
    };
  }

  async function scrapeThrough(catalog: Catalog) {
    const { figures, ping } = catalog;
    const queue = { ...testParts().queue!, depth: (signal: AbortSignal) => ping(signal).then(() => DEPTH) };
    const app = createApp(testParts({ queue, metrics: { figures, ping, s3Requests: () => [] } }));
    const begun = performance.now();
    const response = await app.request('/metrics');
    expect(response.status).toBe(200);
    // So long Prometheus waits for an answer, unless it is told otherwise.
    expect(performance.now() - begun).toBeLessThan(10_000);
    return reader(await response.text());
  }

  test.each(['refuses', 'hangs'] as const)('a scrape is answered when it %s, without what it knows', async (how) => {
    const way = await blockable();
    const catalog = await openCatalog({ url: way.url, maxConnections: 3, keepFiguresMs: 0 }, never);
    const up = await scrapeThrough(catalog);
    expect([up('rollcall_up', { part: 'database' }), up('rollcall_up', { part: 'queue' })]).toEqual([1, 1]);
    expect(up('rollcall_queue_jobs', { queue: 'sync-album', state: 'waiting' })).toBe(3);

    if (how === 'hangs') way.block();
    else await way.close();
    const down = await scrapeThrough(catalog);
    expect([down('rollcall_up', { part: 'database' }), down('rollcall_up', { part: 'queue' })]).toEqual([0, 0]);
    expect(down('rollcall_photos', { library: 'test', state: 'synced' })).toBeUndefined();
    expect(down('rollcall_queue_jobs', { queue: 'sync-album', state: 'waiting' })).toBeUndefined();
    expect(down('process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
    expect(down('rollcall_build_info', { version: '1.2.3', node: process.version })).toBe(1);
    if (how === 'hangs') await way.close();
    await catalog.close();
  });
});

describe('requests to S3', () => {
  let world: World;

  beforeAll(async () => {
    world = await createWorld();
  });

  afterAll(async () => {
    await world.close();
  });

  test('are counted by kind and status, every retry by itself, refusals and silence too', async () => {
    const { region, accessKeyId, secretAccessKey } = world.s3;
    const buckets = openBuckets(
      { endpoint: world.proxy.endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } },
      { checkConcurrency: 2, uploadConcurrency: 2 },
      testParts().log,
    );
    const bucket = buckets.open(world.bucket);
    await world.put('photos/a.jpg', 'a');
    let heads = 0;
    world.proxy.fail(({ method }) => {
      if (method !== 'HEAD') return null;
      heads += 1;
      if (heads === 1) return { kind: 'answer', status: 503 };
      return heads === 2 ? { kind: 'break-before' } : null;
    });
    expect(await bucket.objectExists('photos/a.jpg', never)).toBe(true);
    expect(await bucket.objectExists('photos/b.jpg', never)).toBe(false);
    await bucket.preflight('photos/', never);
    expect(await buckets.open(world.bucket).objectExists('photos/a.jpg', never)).toBe(true);
    world.proxy.fail(() => ({ kind: 'answer', status: 403 }));
    await expect(bucket.preflight('photos/', never)).rejects.toMatchObject({ code: 'BUCKET_DENIED' });

    const text = await metricsText(
      { ...testParts().metrics, queue: null, version: '1', s3Requests: buckets.requests },
      never,
    );
    const read = reader(text);
    const count = (kind: string, status: string) => read('rollcall_s3_requests_total', { kind, status });
    expect([count('head', '200'), count('head', '404'), count('head', '503'), count('head', 'none')]).toEqual([
      2, 1, 1, 1,
    ]);
    expect([count('list', '200'), count('list', '403'), count('put', '200')]).toEqual([1, 1, undefined]);
    expect(bucket.requests()).toMatchObject({ head: 4, list: 2 });
    buckets.close();
  });
});

describe('GET /metrics', () => {
  const token = 'correct-horse-battery-staple';

  test('asks for the token that is set, and holds neither it nor a path', async () => {
    const parts = testParts({ auth: { token } });
    const app = createApp(parts);
    expect((await app.request('/metrics')).status).toBe(401);
    const response = await app.request('/metrics', { headers: { Authorization: `Bearer ${token}` } });
    expect(response.status).toBe(200);
    const text = await response.text();
    readExposition(text);
    expect(text).not.toMatch(/correct-horse|\/srv|2024\/summer/);
    expect(parts.lines.filter(({ level }) => level !== 'debug').map(({ fields }) => fields['status'])).toEqual([]);
  });

  test('has the numbers of at most two hundred libraries, whatever they are called', async () => {
    const names = [
      'say "cheese"',
      'back\\slash',
      'two\nlines',
      'ünï',
      'le="1"',
      ...Array.from({ length: 300 }, (_, at) => `library ${at}`),
    ];
    const libraries = names.map((library) => ({ ...FIGURES.libraries[0]!, library, lastGoodMs: 1_500 }));
    const figures: CatalogFigures = { ...FIGURES, libraries };
    const app = createApp(testParts({ metrics: { ...testParts().metrics, figures: async () => figures } }));
    const read = reader(await (await app.request('/metrics')).text());
    const known = names.filter((library) => read('rollcall_photos', { library, state: 'synced' }) === 1);
    expect(known).toEqual(names.slice(0, 200));
    expect(read('rollcall_last_success_timestamp_seconds', { library: 'two\nlines' })).toBe(1.5);
  });

  test('has what the process uses', async () => {
    const read = reader(await (await createApp(testParts()).request('/metrics')).text());
    expect(read('process_cpu_seconds_total')).toBeGreaterThan(0);
    expect(read('process_start_time_seconds')).toBeGreaterThan(Date.now() / 1_000 - 3_600);
    expect(read('nodejs_heap_size_used_bytes')).toBeGreaterThan(1_000_000);
    expect(read('nodejs_eventloop_time_seconds_total', { state: 'active' })).toBeGreaterThan(0);
  });
});

describe('the text format', () => {
  test('leaves out what has no value, and writes numbers of any size', () => {
    const text = exposition([
      { name: 'empty', help: 'Nothing.', type: 'gauge', values: [] },
      {
        name: 'sizes',
        help: 'A \\ and a\nline.',
        type: 'gauge',
        values: [{ value: 1e21 }, { labels: { a: 'b' }, value: -1.5e-7 }],
      },
    ]);
    expect(text).toBe('# HELP sizes A \\\\ and a\\nline.\n# TYPE sizes gauge\nsizes 1e+21\nsizes{a="b"} -1.5e-7\n');
    readExposition(text);
  });

  test('has cumulative buckets, and one for all', () => {
    const within = [
      { le: 0.5, count: 1 },
      { le: 1, count: 3 },
    ];
    const text = exposition([
      {
        name: 'took_seconds',
        help: 'Time.',
        type: 'histogram',
        values: [{ labels: { kind: 'x' }, count: 4, sum: 9.5, within }],
      },
    ]);
    const read = reader(text);
    const bucket = (le: string) => read('took_seconds_bucket', { kind: 'x', le });
    expect([bucket('0.5'), bucket('1'), bucket('+Inf')]).toEqual([1, 3, 4]);
    expect([read('took_seconds_sum', { kind: 'x' }), read('took_seconds_count', { kind: 'x' })]).toEqual([9.5, 4]);
  });

  test.each([
    ['a sample without a type', 'a 1\n'],
    ['a type without help', '# TYPE a gauge\na 1\n'],
    ['a family twice', '# HELP a A.\n# TYPE a gauge\na 1\n# HELP a A.\n# TYPE a gauge\na{b="c"} 1\n'],
    ['a sample twice', '# HELP a A.\n# TYPE a gauge\na{b="c",d="e"} 1\na{d="e",b="c"} 2\n'],
    ['a sample of another family', '# HELP a A.\n# TYPE a gauge\nb 1\n'],
    ['a label that does not end', '# HELP a A.\n# TYPE a gauge\na{b="c"c"} 1\n'],
    ['a number that is none', '# HELP a A.\n# TYPE a gauge\na undefined\n'],
    ['a counter without _total', '# HELP a A.\n# TYPE a counter\na 1\n'],
    ['no end of the last line', '# HELP a A.\n# TYPE a gauge\na 1'],
  ])('is read strictly here: %s is refused', (_name, text) => {
    expect(() => readExposition(text)).toThrow();
  });
});
