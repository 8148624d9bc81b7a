/** Following runs over HTTP: a listening server, a real database and a real bucket behind it. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Catalog, openCatalog } from '../../src/catalog/open.ts';
import { createApp } from '../../src/http/app.ts';
import { type Listening, listen, type Patience } from '../../src/http/listen.ts';
import { RunProgress } from '../../src/http/run-progress.ts';
import { Report } from '../../src/http/schemas.ts';
import type { Progress } from '../../src/sync/service.ts';
import { sumReports } from '../../src/sync/tally.ts';
import { never } from '../support/catalog.ts';
import { testParts } from '../support/http-parts.ts';
import { type EventStream, listenTo, type ServerEvent } from '../support/sse.ts';
import { createWorld, type World } from '../support/world.ts';

let w: World;
/** Another process's. */
let elsewhere: Catalog;
let server: Listening;
let url: string;
let opened: EventStream[];
/** How often the database was asked how far a run is, or how it ended. */
let asked = 0;

beforeAll(async () => {
  w = await createWorld({ uploadConcurrency: 2, dedupeCopy: false });
  elsewhere = await openCatalog({ url: w.databaseUrl, maxConnections: 2 }, never);
  w.write('first.jpg');
  await w.sync();
});
afterAll(async () => {
  await elsewhere.close();
  await w.close();
});

beforeEach(async () => {
  await w.wipe();
  await w.query('DELETE FROM "Run"');
  w.proxy.reset();
  asked = 0;
  opened = [];
  await serve();
});
afterEach(async () => {
  for (const stream of opened) stream.close();
  await server.close();
});

async function serve(patience: Partial<Patience> = {}): Promise<void> {
  const { browser, libraries } = w.catalog;
  const counted = {
    ...browser,
    follow: (id: string) => {
      const { read } = browser.follow(id);
      return {
        read: (signal: AbortSignal) => {
          asked += 1;
          return read(signal);
        },
      };
    },
    run: (id: string) => {
      asked += 1;
      return browser.run(id);
    },
  };
  const parts = testParts({ service: w.service, libraries, browser: counted });
  server = await listen(createApp(parts), { host: '127.0.0.1', port: 0, log: parts.log, patience }, never);
  url = `http://127.0.0.1:${server.port}`;
}

async function follow(runId: string, lastEventId?: string): Promise<EventStream> {
  const stream = await listenTo(`${url}/api/runs/${runId}/events`, lastEventId);
  opened.push(stream);
  return stream;
}

/** A run in another process, and what it says. */
async function runElsewhere() {
  const { port } = elsewhere;
  const id = await port.beginRun({ library: w.library, album: null, kind: 'sync', policy: {} });
  const progress = (done: number): Progress => ({
    ...{ runId: id, library: 'test', phase: 'working', scanned: 50, lastPath: `${done}.jpg` },
    actions: { done, total: 50 },
    bytes: { done: done * 1_000, total: 50_000 },
  });
  return {
    id,
    pulse: (done: number) => port.pulse(id, progress(done)),
    finish: () => port.finishRun(id, 'succeeded', sumReports(id, [], 5)),
  };
}

const doneOf = (event: ServerEvent | null) => RunProgress.parse(event?.data).actions.done;

describe('the events of a run', () => {
  test('tell how far a slow upload is, how fast it goes and how long it will take, and end with its report', async () => {
    for (let photo = 0; photo < 30; photo++) w.write(`a/${photo}.jpg`, Buffer.alloc(2_000, photo));
    w.proxy.fail(({ method }) => (method === 'PUT' ? { kind: 'after', first: () => sleep(900) } : null));
    const answered = fetch(`${url}/api/sync`, {
      ...{ method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"library":"test"}' },
    });
    const running = async () => (await w.catalog.browser.runs({ status: 'running' }, { limit: 1 })).items;
    await expect.poll(running).toHaveLength(1);
    const runId = (await running())[0]?.id ?? '';
    const stream = await follow(runId);
    expect(stream.response.headers.get('Content-Type')).toContain('text/event-stream');
    expect(stream.response.headers.get('Cache-Control')).toBe('no-store');
    const events = await stream.rest();
    const report = await (await answered).json();
    expect(report).toMatchObject({ runId, status: 'succeeded', actions: { uploaded: 30 } });

    const last = events.pop();
    expect(last).toMatchObject({ event: 'report', data: report });
    expect(Report.parse(last?.data)).toEqual(await (await fetch(`${url}/api/runs/${runId}`)).json().then(reportOf));
    const told = events.map(({ data }) => RunProgress.parse(data));
    expect(events.every(({ event }) => event === 'progress')).toBe(true);
    expect(told.length).toBeGreaterThan(2);
    expect(told.at(-1)).toMatchObject({
      ...{ library: 'test', phase: 'working', scanned: 30, status: 'running', parts: [] },
      ...{ actions: { total: 30 }, bytes: { total: 60_000 }, lastPath: expect.stringMatching(/^a\/\d+\.jpg$/) },
    });
    const done = told.map(({ actions }) => actions.done);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    expect(told.some(({ filesPerSecond }) => (filesPerSecond ?? 0) > 0)).toBe(true);
    expect(told.some(({ bytesPerSecond }) => (bytesPerSecond ?? 0) > 0)).toBe(true);
    expect(told.some(({ etaSeconds }) => (etaSeconds ?? 0) > 0)).toBe(true);
    const ids = [...events, last].map((event) => Number(event?.id.split('-')[0]));
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
  });

  test('of a run in another process are the same', async () => {
    const run = await runElsewhere();
    await run.pulse(3);
    const stream = await follow(run.id);
    expect(doneOf(await stream.next())).toBe(3);
    await run.pulse(7);
    expect(doneOf(await stream.next())).toBe(7);
    await run.finish();
    expect(await stream.next()).toMatchObject({ event: 'report', data: { runId: run.id, status: 'succeeded' } });
    expect(await stream.next()).toBeNull();
  });

  test('of a run that is over are its report, at once, and then no more', async () => {
    const run = await runElsewhere();
    await run.finish();
    const [report, ...more] = await (await follow(run.id)).rest();
    expect(report).toMatchObject({ event: 'report', data: { runId: run.id } });
    expect(more).toEqual([]);
    // A browser would come back for ever otherwise.
    expect((await follow(run.id, report?.id)).response.status).toBe(204);
  });

  test('of a run whose process died without a word end all the same', async () => {
    const run = await runElsewhere();
    await w.query(`UPDATE "Run" SET "status" = 'failed', "finishedAt" = now() WHERE "id" = $1`, [run.id]);
    const [report] = await (await follow(run.id)).rest();
    expect(Report.parse(report?.data)).toMatchObject({ status: 'failed', error: { code: 'INTERNAL' } });
  });

  test('end when the run goes with its library', async () => {
    const run = await runElsewhere();
    const stream = await follow(run.id);
    await stream.next();
    await w.query('DELETE FROM "Run"');
    expect(await stream.rest()).toEqual([]);
  });

  test('of a run that nobody knows are not found', async () => {
    const none = await fetch(`${url}/api/runs/${crypto.randomUUID()}/events`);
    expect(none.status).toBe(404);
    expect(await none.json()).toMatchObject({ code: 'NOT_FOUND' });
    expect((await fetch(`${url}/api/runs/x/events`)).status).toBe(404);
  });
});

describe('a client that comes back', () => {
  test('is told of what is newer than what it knows', async () => {
    const run = await runElsewhere();
    await run.pulse(1);
    const first = await follow(run.id);
    const known = await first.next();
    first.close();
    await run.pulse(2);
    expect(doneOf(await (await follow(run.id, known?.id)).next())).toBe(2);
  });

  test('is told nothing until something changes', async () => {
    const run = await runElsewhere();
    await run.pulse(1);
    const first = await follow(run.id);
    const known = await first.next();
    first.close();
    const second = await follow(run.id, known?.id);
    const next = second.next();
    const before = asked;
    await expect.poll(() => asked).toBeGreaterThan(before + 2);
    await run.pulse(2);
    expect(doneOf(await next)).toBe(2);
    expect(second.comments).toContain(': nothing new');
  });

  test('with an id that is none of ours is told how things are', async () => {
    const run = await runElsewhere();
    await run.pulse(1);
    expect(doneOf(await (await follow(run.id, 'nonsense')).next())).toBe(1);
  });
});

describe('many listeners', () => {
  test('cost the database as much as one, and all get the report', async () => {
    const run = await runElsewhere();
    await run.pulse(1);
    const streams = await Promise.all(Array.from({ length: 100 }, () => follow(run.id)));
    const heard = streams.map((): ServerEvent[] => []);
    const all = streams.map(async (stream, n) => {
      for (let event = await stream.next(); event !== null; event = await stream.next()) heard[n]?.push(event);
    });
    const begunMs = performance.now();
    const before = asked;
    for (let done = 1; done < 6; done++) {
      await run.pulse(done);
      await expect.poll(() => heard.every((events) => events.length > 0 && doneOf(events.at(-1)!) === done)).toBe(true);
    }
    await run.finish();
    await Promise.all(all);
    const elapsedMs = performance.now() - begunMs;
    expect(asked - before).toBeLessThanOrEqual(elapsedMs / 500 + 3);
    for (const events of heard) {
      expect(events.at(-1)).toMatchObject({ event: 'report', data: { runId: run.id } });
      expect(new Set(events.slice(0, -1).map(doneOf))).toEqual(new Set([1, 2, 3, 4, 5]));
    }
  });

  test('cost nothing any more when they have gone, however they went', async () => {
    const run = await runElsewhere();
    const streams = await Promise.all(Array.from({ length: 5 }, () => follow(run.id)));
    for (const stream of streams) await stream.next();
    // One that breaks off without a word, in the middle of it.
    const socket = connect(server.port, '127.0.0.1');
    socket.write(`GET /api/runs/${run.id}/events HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n\r\n`);
    await new Promise((resolve) => socket.once('data', resolve));
    socket.resetAndDestroy();
    for (const stream of streams) stream.close();
    await expect
      .poll(
        async () => {
          const before = asked;
          await sleep(1_500);
          return asked - before;
        },
        { timeout: 100_000 },
      )
      .toBe(0);
  });
});

describe('a server that closes', () => {
  test('sends its listeners away at once', async () => {
    await server.close();
    await serve({ finishMs: 600_000 });
    const run = await runElsewhere();
    const stream = await follow(run.id);
    await stream.next();
    const [events] = await Promise.all([stream.rest(), server.close()]);
    expect(events).toEqual([]);
  });
});

function reportOf(run: unknown): unknown {
  return (run as { report: unknown }).report;
}
