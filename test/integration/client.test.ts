import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { afterEach, describe, expect, expectTypeOf, test, vi } from 'vitest';
import { createClient, ProblemError, type RunEvent, type RunReport } from '../../src/client/client.ts';
import { EventStreamReader } from '../../src/client/event-stream.ts';
import { type ApiRoutes, createApp } from '../../src/http/app.ts';
import { listen } from '../../src/http/listen.ts';
import type { HttpEnv, HttpParts } from '../../src/http/parts.ts';
import type { PhotoState } from '../../src/sync/types.ts';
import { cliWorld } from '../e2e/cli-world.ts';
import { builtCli } from '../support/built.ts';
import { ALBUM, HEALTH, LIBRARY, PHOTO, REPORT, RUN, testParts } from '../support/http-parts.ts';
import { readExposition, sampleName } from '../support/prometheus.ts';

const never = new AbortController().signal;
/** What a test opened, closed in reverse after it. */
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function api(replaced: Partial<HttpParts> = {}, options: Parameters<typeof createClient>[1] = {}) {
  const parts = testParts(replaced);
  const server = await listen(createApp(parts), { host: '127.0.0.1', port: 0, log: parts.log }, never);
  closers.push(() => server.close());
  const url = `http://127.0.0.1:${server.port}`;
  return { parts, url, client: createClient(url, options) };
}

/** What was thrown, which must be a problem. */
async function problemOf(asked: Promise<unknown>): Promise<ProblemError> {
  const thrown: unknown = await asked.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(ProblemError);
  return thrown as ProblemError;
}

describe('the types of the client', () => {
  type Endpoints<App> =
    App extends OpenAPIHono<HttpEnv, infer Typed, '/'>
      ? {
          [Path in keyof Typed & string]: `${keyof Typed[Path] & string} ${Path}`;
        }[keyof Typed & string]
      : never;

  test('know every route, so that none falls off the chain that carries them', async () => {
    // A route that is missing here, or is not typed, is an error of the type check.
    const typed: Record<Endpoints<ApiRoutes>, true> = {
      '$get /api/albums': true,
      '$get /api/albums/:id': true,
      '$get /api/albums/:id/photos': true,
      '$get /api/archive': true,
      '$post /api/archive/restore': true,
      '$get /api/health': true,
      '$get /api/libraries': true,
      '$post /api/libraries': true,
      '$post /api/libraries/check': true,
      '$delete /api/libraries/:id': true,
      '$get /api/libraries/:id': true,
      '$patch /api/libraries/:id': true,
      '$get /api/overview': true,
      '$get /api/photos': true,
      '$get /api/photos/:id': true,
      '$get /api/photos/:id/sides': true,
      '$get /api/photos/:id/url': true,
      '$post /api/photos/:id/reupload': true,
      '$post /api/reconcile': true,
      '$post /api/reupload': true,
      '$get /api/runs': true,
      '$get /api/runs/:id': true,
      '$get /api/runs/:id/actions': true,
      '$post /api/runs/:id/apply': true,
      '$post /api/runs/:id/cancel': true,
      '$get /api/runs/:id/events': true,
      '$get /api/runs/:id/plan': true,
      '$get /api/runs/:id/plan/steps': true,
      '$post /api/s3/compare': true,
      '$post /api/s3/download': true,
      '$post /api/s3/remove': true,
      '$post /api/s3/upload': true,
      '$post /api/sync': true,
      '$get /metrics': true,
    };
    const response = await createApp(testParts()).request('/openapi.json');
    const { paths } = (await response.json()) as { paths: Record<string, Record<string, unknown>> };
    const documented = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `$${method} ${path.replaceAll(/{(\w+)}/g, ':$1')}`),
    );
    const pages = ['$get /', '$get /docs', '$get /openapi.json', '$get /style.css'];
    expect(documented.toSorted()).toEqual([...Object.keys(typed), ...pages].toSorted());
  });

  test('are those of the routes: queries, bodies and answers, and no problem among the answers', () => {
    const { api } = createClient('http://localhost');
    type Photos = Awaited<ReturnType<Awaited<ReturnType<(typeof api.albums)[':id']['photos']['$get']>>['json']>>;
    expectTypeOf<Photos['photos'][number]['state']>().toEqualTypeOf<PhotoState>();
    type Synced = Awaited<ReturnType<typeof api.sync.$post>>;
    expectTypeOf<Synced['status']>().toEqualTypeOf<200 | 202>();
    type Healthy = Awaited<ReturnType<typeof api.health.$get>>;
    expectTypeOf<Healthy['status']>().toEqualTypeOf<200 | 503>();
    expectTypeOf<Awaited<ReturnType<Healthy['json']>>['status']>().toEqualTypeOf<'ok' | 'degraded' | 'down'>();
    const right: Parameters<typeof api.sync.$post>[0] = { json: { moves: 'only' } };
    // @ts-expect-error There is no such policy.
    const wrong: Parameters<typeof api.sync.$post>[0] = { json: { overwrite: 'always' } };
    // @ts-expect-error There is no such route.
    expect([right, wrong, api.nothing]).toHaveLength(3);
    expectTypeOf<RunReport['photos']['new']>().toEqualTypeOf<number>();
  });
});

describe('the client', () => {
  test('asks and answers in the words of the API', async () => {
    const { parts, client } = await api();
    const synced = await client.api.sync.$post({ json: { album: '2024/summer', dryRun: true } });
    expect(await synced.json()).toEqual(REPORT);
    expect(parts.asked).toEqual([{ album: '2024/summer', dryRun: true, keepPlan: true }]);
    const photos = await client.api.albums[':id'].photos.$get({
      param: { id: ALBUM.id },
      query: { state: 'lost', limit: 5 },
    });
    expect(await photos.json()).toEqual({ photos: [], nextCursor: null });
    expect(await (await client.api.photos[':id'].$get({ param: { id: PHOTO.id } })).json()).toEqual(PHOTO);
    const removed = await client.api.libraries[':id'].$delete({ param: { id: LIBRARY.id } });
    expect([removed.status, await removed.text()]).toEqual([204, '']);
    readExposition(await (await client.metrics.$get()).text());
  });

  test('throws problems, with code, status, field and the occurrence that the log has', async () => {
    const { client } = await api();
    const bad = await problemOf(client.api.runs.$get({ query: { limit: 0 } }));
    expect(bad).toMatchObject({ name: 'ProblemError', status: 400, code: 'BAD_INPUT', field: 'limit' });
    expect(bad.message).toContain('from 1 to 1000');
    expect(bad.instance).toMatch(/^urn:uuid:/);
    const missing = await problemOf(client.api.runs[':id'].$get({ param: { id: ALBUM.id } }));
    expect(missing).toMatchObject({ status: 404, code: 'NOT_FOUND', message: expect.stringContaining(ALBUM.id) });
  });

  test('answers health when it is down, which is no problem', async () => {
    const { client } = await api({ health: async () => ({ ...HEALTH, status: 'down' }) });
    const response = await client.api.health.$get();
    expect([response.status, (await response.json()).status]).toEqual([503, 'down']);
  });

  test('sends the token that it is given, and is refused with another', async () => {
    const auth = { token: 'correct-horse-battery-staple' };
    const { client, url } = await api({ auth }, auth);
    expect((await client.api.runs.$get({ query: {} })).status).toBe(200);
    const stranger = createClient(url, { token: 'wrong-horse-battery-staple' });
    expect(await problemOf(stranger.api.runs.$get({ query: {} }))).toMatchObject({ status: 401, code: 'UNAUTHORIZED' });
    expect(await problemOf(stranger.events(RUN.id).next())).toMatchObject({ status: 401 });
  });

  test('finds what is named with anything, and nothing else', async () => {
    const { client, parts } = await api();
    for (const name of ['a/b', '../runs', 'what?', '#1', '100%', 'ä ö', ':id', '%2e%2e']) {
      const made = await parts.libraries.create({ ...LIBRARY, name });
      const found = await client.api.libraries[':id'].$get({ param: { id: name } });
      expect((await found.json()).id, name).toBe(made.id);
    }
    for (const id of ['', '.', '..']) {
      expect(() => client.api.libraries[':id'].$delete({ param: { id } })).toThrow(TypeError);
    }
    expect(await parts.libraries.find(LIBRARY.id)).not.toBeNull();
  });

  test('says what answered when it was not Rollcall', async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(502, { 'Content-Type': 'text/html' }).end('<h1>Bad Gateway</h1>');
    });
    const problem = await problemOf(createClient(url).api.runs.$get({ query: {} }));
    expect(problem).toMatchObject({ status: 502, code: 'HTTP_502', message: 'the answer was 502 Bad Gateway' });
  });

  test('uses the fetch it is given, and addresses of its own page when it is given none', async () => {
    const app = createApp(testParts());
    const asked: string[] = [];
    const client = createClient('', {
      fetch: async (input, init) => {
        asked.push(String(input));
        return app.request(String(input), init);
      },
    });
    expect((await client.api.albums.$get({ query: { library: 'Family' } })).status).toBe(200);
    expect(asked).toEqual(['/api/albums?library=Family']);
  });

  test('works below a path, behind a proxy', async () => {
    const paths: (string | undefined)[] = [];
    const { url } = await serve((request, response) => {
      paths.push(request.url);
      response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
    });
    await createClient(`${url}/photos/`).api.runs[':id'].$get({ param: { id: 'x' } });
    expect(paths).toEqual(['/photos/api/runs/x']);
  });
});

/** A server made to order, for the bad days of a stream. */
async function serve(handle: (request: IncomingMessage, response: ServerResponse, nth: number) => unknown) {
  let nth = 0;
  const server = createServer((request, response) => {
    nth += 1;
    void handle(request, response, nth);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const STREAM = { 'Content-Type': 'text/event-stream' };
const progress = (id: string, scanned: number) => `event: progress\nid: ${id}\ndata: {"scanned":${scanned}}\n\n`;
const report = (id: string) => `event: report\nid: ${id}\ndata: {"status":"succeeded"}\n\n`;

async function all(events: AsyncIterable<RunEvent>, heard = (_event: RunEvent) => {}): Promise<string[]> {
  const told: string[] = [];
  for await (const event of events) {
    heard(event);
    told.push(event.event === 'progress' ? `${event.id} ${event.data.scanned}` : `${event.id} ${event.data.status}`);
  }
  return told;
}

describe('following a run', () => {
  test('a run that is over tells its report, and the iterator ends', async () => {
    const { client } = await api();
    const told: RunEvent[] = [];
    for await (const event of client.events(RUN.id)) told.push(event);
    expect(told).toEqual([{ event: 'report', id: expect.any(String), data: REPORT }]);
    expect(await all(client.events(RUN.id, { lastEventId: told[0]!.id }))).toEqual([]);
  });

  test('a run that there is not is a problem', async () => {
    const { client } = await api();
    expect(await problemOf(client.events(ALBUM.id).next())).toMatchObject({ status: 404, code: 'NOT_FOUND' });
  });

  test('it goes on where a connection broke, in the middle of an event too, and tells nothing twice', async () => {
    const lastIds: unknown[] = [];
    let breakOff = () => {};
    const { url } = await serve((request, response, nth) => {
      lastIds.push(request.headers['last-event-id']);
      expect(request.headers['accept']).toBe('text/event-stream');
      response.writeHead(200, STREAM);
      if (nth === 1) {
        response.write(`retry: 1\n${progress('a', 1)}${progress('b', 2)}event: progress\nid: c\ndata: {"sca`);
        breakOff = () => response.destroy();
      } else if (nth === 2) response.end(progress('c', 3));
      else response.end(report('d'));
    });
    const events = createClient(url).events(RUN.id);
    const told = await all(events, ({ id }) => {
      if (id === 'b') breakOff();
    });
    expect(told).toEqual(['a 1', 'b 2', 'c 3', 'd succeeded']);
    expect(lastIds).toEqual([undefined, 'b', 'c']);
  });

  test.each([502, 503, 504])('a %i in between is waited out', async (status) => {
    const { url } = await serve((_request, response, nth) => {
      if (nth === 1) response.writeHead(200, STREAM).end(`retry: 1\n${progress('a', 1)}`);
      else if (nth < 4) response.writeHead(status).end();
      else response.writeHead(200, STREAM).end(report('b'));
    });
    expect(await all(createClient(url).events(RUN.id))).toEqual(['a 1', 'b succeeded']);
  });

  test('what will not pass is thrown: the run was forgotten meanwhile, or the first connection is none', async () => {
    const { url } = await serve((_request, response, nth) => {
      if (nth === 1) response.writeHead(200, STREAM).end(`retry: 1\n${progress('a', 1)}`);
      else response.writeHead(404, { 'Content-Type': 'application/problem+json' }).end('{"code":"NOT_FOUND"}');
    });
    expect(await problemOf(all(createClient(url).events(RUN.id)))).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    await expect(all(createClient('http://127.0.0.1:1').events(RUN.id))).rejects.toThrow(TypeError);
    const { url: busy } = await serve((_request, response) => response.writeHead(503).end());
    expect(await problemOf(all(createClient(busy).events(RUN.id)))).toMatchObject({ status: 503, code: 'HTTP_503' });
  });

  test('the signal ends it, while it listens and while it waits to come back', async () => {
    let closed = 0;
    const { url } = await serve((_request, response, nth) => {
      response.writeHead(200, STREAM);
      response.on('close', () => {
        closed += 1;
      });
      if (nth === 1) response.write(progress('a', 1));
      else response.end(`retry: 20000\n${progress('b', 2)}`);
    });
    for (const first of ['a 1', 'b 2']) {
      const ending = new AbortController();
      const events = createClient(url).events(RUN.id, { signal: ending.signal });
      const { value } = await events.next();
      expect(value?.event === 'progress' && `${value.id} ${value.data.scanned}`).toBe(first);
      const next = events.next();
      setTimeout(() => ending.abort(new Error('enough')), 50);
      await expect(next).rejects.toThrow('enough');
      await expect.poll(() => closed).toBe(first === 'a 1' ? 1 : 2);
    }
  });

  test('whoever stops listening hangs up', async () => {
    const { promise: gone, resolve: hungUp } = Promise.withResolvers<void>();
    const { url } = await serve((_request, response) => {
      response.on('close', () => hungUp());
      response.writeHead(200, STREAM).write(progress('a', 1));
    });
    for await (const event of createClient(url).events(RUN.id)) {
      expect(event.id).toBe('a');
      break;
    }
    await gone;
  });

  test('a connection on which nothing comes any more is made again', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    closers.push(() => vi.useRealTimers());
    const lastIds: unknown[] = [];
    const { url } = await serve((request, response, nth) => {
      lastIds.push(request.headers['last-event-id']);
      response.writeHead(200, STREAM);
      if (nth === 1) response.write(progress('a', 1));
      else response.end(report('b'));
    });
    const events = createClient(url).events(RUN.id);
    expect((await events.next()).value?.id).toBe('a');
    const next = events.next();
    // Past the silence, and past the pause before coming back.
    await vi.advanceTimersByTimeAsync(45_000);
    await vi.waitFor(
      async () => {
        await vi.advanceTimersByTimeAsync(1_000);
        expect(lastIds).toEqual([undefined, 'a']);
      },
      { timeout: 100_000 },
    );
    expect((await next).value?.id).toBe('b');
  });
});

describe('the text of an event stream', () => {
  const TEXT =
    '\uFEFF: a comment\r\nretry: 1500\r\nevent: progress\r\nid: 1\r\ndata: {"a":\r\ndata:1}\r\n\r\n' +
    'data: plain ünï\rid: 2\r\rid: 3\n\ndata\n\nretry: soon\nid: no\0ne\ndata:  two spaces\n\ndata: not whole';
  const EVENTS = [
    { event: 'progress', id: '1', data: '{"a":\n1}' },
    { event: 'message', id: '2', data: 'plain ünï' },
    { event: 'message', id: '3', data: '' },
    { event: 'message', id: '3', data: ' two spaces' },
  ];

  test.each([1, 2, 3, 7, 1_000])('is read alike in pieces of %i characters', (size) => {
    const reader = new EventStreamReader('');
    const pieces = Array.from({ length: Math.ceil(TEXT.length / size) }, (_, at) =>
      TEXT.slice(at * size, (at + 1) * size),
    );
    expect(pieces.flatMap((piece) => reader.push(piece))).toEqual(EVENTS);
    expect(reader.retryMs).toBe(1_500);
  });
});

describe('the built client', () => {
  test('has nothing of the server in it', async () => {
    const folder = join(dirname(await builtCli()), '../dist/client');
    const outside = new Set<string>();
    const seen = new Set<string>();
    const visit = (file: string) => {
      if (seen.has(file)) return;
      seen.add(file);
      for (const [, from] of readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?'([^']+)'/g)) {
        if (from!.startsWith('.')) visit(join(dirname(file), from!));
        else outside.add(from!);
      }
    };
    visit(join(folder, 'client.js'));
    expect([...outside]).toEqual(['hono/client']);
    expect([...seen].every((file) => dirname(file) === folder)).toBe(true);
    expect(seen.size).toBe(4);
  });

  test('speaks to the built server: queues a sync, follows it to its report, and the metrics have it', async () => {
    const world = await cliWorld();
    closers.push(() => world.close());
    for (const name of ['a', 'b', 'c']) world.write(`mine/2024/${name}.jpg`, `photo ${name}`);
    const token = 'correct-horse-battery-staple';
    Object.assign(world.env, { PORT: '0', API_TOKEN: token, PHOTOS_ROOT: join(world.dir, 'mine') });
    const server = world.start('serve');
    await server.says('Ctrl-C stops everything.');
    const url = /is up at (http:\/\/\S+)/.exec(server.said())?.[1] ?? '';
    const built = join(dirname(await builtCli()), '../dist/client/client.js');
    const module = (await import(pathToFileURL(built).href)) as { createClient: typeof createClient };
    const client = module.createClient(url, { token });

    const asked = await client.api.sync.$post({ json: {} }, { headers: { Prefer: 'respond-async' } });
    expect(asked.status).toBe(202);
    const { runId } = await asked.json();
    let last: RunEvent | null = null;
    for await (const event of client.events(runId, { signal: AbortSignal.timeout(150_000) })) last = event;
    expect(last).toMatchObject({ event: 'report', data: { runId, status: 'succeeded', actions: { uploaded: 3 } } });
    const run = await (await client.api.runs[':id'].$get({ param: { id: runId } })).json();
    expect(run.report).toEqual(last?.data);

    const library = (await (await client.api.libraries.$get({ query: {} })).json()).libraries[0]?.name ?? '';
    await vi.waitFor(
      async () => {
        const families = readExposition(await (await client.metrics.$get()).text());
        const value = (name: string, labels: Record<string, string>) =>
          families.get(name)?.samples.get(sampleName(name, labels));
        expect(value('rollcall_photos', { library, state: 'synced' })).toBe(3);
        expect(value('rollcall_actions_total', { kind: 'upload', outcome: 'done' })).toBe(3);
        expect(value('rollcall_transferred_bytes_total', { direction: 'up' })).toBe(21);
        expect(value('rollcall_s3_requests_total', { kind: 'put', status: '200' })).toBeGreaterThanOrEqual(3);
        expect(value('rollcall_queue_jobs', { queue: 'sync-album', state: 'dead' })).toBe(0);
        expect(value('rollcall_last_success_timestamp_seconds', { library })).toBeGreaterThan(1_700_000_000);
      },
      { timeout: 100_000, interval: 250 },
    );
    const health = await (await client.api.health.$get()).json();
    expect(health).toMatchObject({ status: 'ok', parts: { queue: { ok: true }, libraries: [{ library }] } });
    server.process.kill('SIGINT');
    expect((await server.ended).exitCode).toBe(0);
  });
});
