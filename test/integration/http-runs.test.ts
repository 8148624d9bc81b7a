/** Syncs that go through the queue, and the history of runs, over HTTP: a real queue, database and bucket behind it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import { type Listening, listen } from '../../src/http/listen.ts';
import type { HttpParts } from '../../src/http/parts.ts';
import { RunProgress } from '../../src/http/run-progress.ts';
import { QueuedRun, Run, RunActionList, RunList } from '../../src/http/run-schemas.ts';
import { Problem, Report } from '../../src/http/schemas.ts';
import { never } from '../support/catalog.ts';
import { testParts } from '../support/http-parts.ts';
import { createQueueWorld, type QueueWorld } from '../support/queue-world.ts';
import { listenTo } from '../support/sse.ts';

let w: QueueWorld;
let server: Listening;
let url: string;

beforeAll(async () => {
  w = await createQueueWorld({ uploadConcurrency: 2, dedupeCopy: false });
  w.write('first.jpg');
  await w.sync();
});
afterAll(() => w.close());

beforeEach(async () => {
  await w.wipe();
  await w.query('DELETE FROM "Run"');
  w.proxy.reset();
  await serve();
});
afterEach(() => server.close());

async function serve(more: Partial<HttpParts> = {}): Promise<void> {
  const { browser, libraries } = w.catalog;
  const parts = testParts({ service: w.service, libraries, browser, queue: w.queue, ...more });
  const patience = { finishMs: 200, drainMs: 5_000 };
  server = await listen(createApp(parts), { host: '127.0.0.1', port: 0, log: parts.log, patience }, never);
  url = `http://127.0.0.1:${server.port}`;
}

const ASYNC = { Prefer: 'respond-async' };

function post(path: string, body: object = {}, headers: Record<string, string> = {}, signal: AbortSignal = never) {
  const sent = { 'Content-Type': 'application/json', ...headers };
  return fetch(`${url}${path}`, { method: 'POST', headers: sent, body: JSON.stringify(body), signal });
}

async function get(path: string): Promise<unknown> {
  return (await fetch(`${url}${path}`)).json();
}

async function ended(runId: string) {
  await w.queue.ended(runId, AbortSignal.timeout(150_000));
  return Report.parse(Run.parse(await get(`/api/runs/${runId}`)).report);
}

/** Uploads wait until they are let go. */
function heldUploads(): () => void {
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  w.proxy.fail(({ method }) => (method === 'PUT' ? { kind: 'after', first: () => held } : null));
  return letGo;
}

/** Two uploads go through, the others wait until somebody has asked for the end, and take a while then. */
function uploadsUntil(asked: Promise<unknown>): void {
  let sent = 0;
  const first = async () => {
    sent += 1;
    if (sent > 2) await asked;
    await sleep(200);
  };
  w.proxy.fail(({ method }) => (method === 'PUT' ? { kind: 'after', first } : null));
}

async function running() {
  const list = async () => RunList.parse(await get('/api/runs?status=running&kind=sync')).runs;
  await expect.poll(list).not.toHaveLength(0);
  return (await list())[0]!;
}

describe('a sync that is asked for with Prefer: respond-async', () => {
  test('is answered at once, can be followed album by album, and ends with the sum of its albums', async () => {
    for (const album of ['a', 'b', 'c']) for (let n = 0; n < 3; n++) w.write(`${album}/${n}.jpg`);
    // Nothing of the bucket is seen, and nothing sent, before somebody listens.
    const { promise: held, resolve: beginWork } = Promise.withResolvers<void>();
    w.proxy.fail(() => ({ kind: 'after', first: () => held }));
    const answer = await post('/api/sync', { library: 'test' }, ASYNC);
    expect(answer.status).toBe(202);
    const { runId } = QueuedRun.parse(await answer.json());
    expect(answer.headers.get('Location')).toBe(`/api/runs/${runId}`);
    expect(answer.headers.get('Preference-Applied')).toBe('respond-async');
    const stream = await listenTo(`${url}/api/runs/${runId}/events`);
    const told = [];
    let letGo = () => {};
    for (let event = await stream.next(); event !== null; event = await stream.next()) {
      if (event.event === 'progress') {
        told.push(RunProgress.parse(event.data));
        if (told.length === 1) {
          letGo = heldUploads();
          beginWork();
        }
        if (told.at(-1)?.partCounts.running === 2) letGo();
        continue;
      }
      expect(Report.parse(event.data)).toMatchObject({ runId, status: 'succeeded', actions: { uploaded: 9 } });
    }
    expect(told[0]?.phase).toMatch(/queued|scanning/);
    const busiest = told.find(({ partCounts }) => partCounts.running === 2)!;
    expect(busiest.parts.map(({ album }) => album)).toEqual(['a', 'b', 'c', null]);
    expect(busiest.partCounts).toMatchObject({ succeeded: 1, running: 2, queued: 1 });
    expect(await ended(runId)).toMatchObject({ status: 'succeeded', photos: { new: 9 } });
    const parts = RunList.parse(await get(`/api/runs?parent=${runId}`)).runs;
    expect(parts.map(({ album }) => album).toSorted()).toEqual(['a', 'b', 'c', null]);
  });

  test('may be that of an album', async () => {
    w.write('a/1.jpg');
    w.write('b/1.jpg');
    const answer = await post('/api/sync', { library: 'test', album: 'a' }, ASYNC);
    expect(answer.status).toBe(202);
    const { runId } = QueuedRun.parse(await answer.json());
    expect(await ended(runId)).toMatchObject({ actions: { uploaded: 1 } });
    expect(await w.keys()).toEqual(['photos/a/1.jpg']);
  });

  test('is refused at once when it names what there is not, or what is wrong', async () => {
    expect((await post('/api/sync', { library: 'nope' }, ASYNC)).status).toBe(404);
    expect((await post('/api/sync', { library: 'test', direction: 'sideways' }, ASYNC)).status).toBe(400);
    expect(RunList.parse(await get('/api/runs')).runs).toEqual([]);
  });

  test('is never queued in a dry run, and waited for where there is no queue', async () => {
    w.write('a/1.jpg');
    const dry = await post('/api/sync', { library: 'test', dryRun: true }, ASYNC);
    expect(dry.status).toBe(202);
    const { runId } = QueuedRun.parse(await dry.json());
    expect(await ended(runId)).toMatchObject({ status: 'planned', actions: { uploaded: 1 } });
    expect(await w.tasks(runId)).toEqual([]);
    await server.close();
    await serve({ queue: null });
    const direct = await post('/api/sync', { library: 'test' }, ASYNC);
    expect(direct.status).toBe(200);
    expect(Report.parse(await direct.json())).toMatchObject({ status: 'succeeded', actions: { uploaded: 1 } });
  });
});

describe('a sync that is waited for', () => {
  test('of a whole library goes through the queue and answers the report', async () => {
    for (const album of ['a', 'b']) w.write(`${album}/1.jpg`);
    const answer = await post('/api/sync', { library: 'test' });
    expect(answer.status).toBe(200);
    const report = Report.parse(await answer.json());
    expect(report).toMatchObject({ status: 'succeeded', actions: { uploaded: 2 } });
    expect(await w.tasks(report.runId)).toHaveLength(3);
  });

  test('of everything does too', async () => {
    w.write('a/1.jpg');
    const answer = await post('/api/sync');
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ status: 'succeeded', actions: { uploaded: 1 } });
  });

  test('of an album belongs to the request, and does not wait for another one', async () => {
    w.write('a/1.jpg');
    const letGo = heldUploads();
    const first = post('/api/sync', { library: 'test', album: 'a' });
    await running();
    const second = await post('/api/sync', { library: 'test', album: 'a' });
    expect(second.status).toBe(409);
    expect(Problem.parse(await second.json()).code).toBe('SYNC_IN_PROGRESS');
    letGo();
    const report = Report.parse(await (await first).json());
    expect(report).toMatchObject({ actions: { uploaded: 1 } });
    expect(await w.tasks(report.runId)).toEqual([]);
  });

  test('goes on when the client has gone', async () => {
    w.write('a/1.jpg');
    const letGo = heldUploads();
    const client = new AbortController();
    const waiting = post('/api/sync', { library: 'test' }, {}, client.signal).catch(() => 'gone');
    await running();
    const [parent] = RunList.parse(await get('/api/runs?library=test')).runs.filter((run) => run.parentId === null);
    client.abort();
    expect(await waiting).toBe('gone');
    letGo();
    expect(await ended(parent?.id ?? '')).toMatchObject({ status: 'succeeded', actions: { uploaded: 1 } });
  });

  test('goes on when the server ends, which says where to look for it', async () => {
    w.write('a/1.jpg');
    const letGo = heldUploads();
    const waiting = post('/api/sync', { library: 'test' });
    await running();
    await server.close();
    const answer = await waiting;
    expect(answer.status).toBe(202);
    const { runId } = QueuedRun.parse(await answer.json());
    letGo();
    await serve();
    expect(await ended(runId)).toMatchObject({ status: 'succeeded', actions: { uploaded: 1 } });
  });

  test('and is refused by a guard is answered as if there were no queue', async () => {
    for (let n = 0; n < 30; n++) w.write(`a/${n}.jpg`);
    expect((await post('/api/sync', { library: 'test' })).status).toBe(200);
    w.remove('a');
    const refused = await post('/api/sync', { library: 'test' });
    expect(refused.status).toBe(422);
    expect(Problem.parse(await refused.json()).code).toBe('GUARD_EMPTY_ROOT');
  });
});

describe('POST /api/reconcile', () => {
  test('sends again what the bucket has lost, and is of its own kind in the history', async () => {
    w.write('a/1.jpg');
    w.write('b/1.jpg');
    await w.sync();
    await w.deleteObject('photos/a/1.jpg');
    const answer = await post('/api/reconcile', { library: 'test' });
    expect(answer.status).toBe(200);
    const report = Report.parse(await answer.json());
    expect(report).toMatchObject({ status: 'succeeded', actions: { reuploaded: 1 } });
    const { runs } = RunList.parse(await get('/api/runs?kind=reconcile'));
    expect(runs.map(({ id }) => id)).toContain(report.runId);
  });

  test('need not be waited for, takes every library without a body, and knows no other field', async () => {
    const answer = await fetch(`${url}/api/reconcile`, { method: 'POST', headers: ASYNC });
    expect(answer.status).toBe(202);
    await ended(QueuedRun.parse(await answer.json()).runId);
    const wrong = await post('/api/reconcile', { dryRun: true });
    expect(wrong.status).toBe(400);
    expect(Problem.parse(await wrong.json()).field).toBe('dryRun');
  });
});

describe('POST /api/runs/{id}/cancel', () => {
  test('drains a run that goes: what was sent is on record, and the rest is left', async () => {
    for (let n = 0; n < 40; n++) w.write(`a/${n}.jpg`);
    const { promise: asked, resolve: noteAsked } = Promise.withResolvers<void>();
    uploadsUntil(asked);
    const waiting = post('/api/sync', { library: 'test', album: 'a' });
    const { id } = await running();
    await expect.poll(() => w.keys().then((keys) => keys.length)).toBeGreaterThan(1);
    const answer = await post(`/api/runs/${id}/cancel`);
    noteAsked();
    expect(answer.status).toBe(202);
    expect(Run.parse(await answer.json())).toMatchObject({ id, status: 'running', cancelAt: expect.any(String) });
    const report = Report.parse(await (await waiting).json());
    expect(report).toMatchObject({ runId: id, status: 'partial', error: { code: 'CANCELLED' } });
    expect(report.actions.uploaded).toBeLessThan(40);
    expect(await w.keys()).toHaveLength(report.actions.uploaded);
    const again = await post(`/api/runs/${id}/cancel`);
    expect(again.status).toBe(409);
    expect(Problem.parse(await again.json()).code).toBe('RUN_ENDED');
  });

  test('ends the albums of a library that wait, and those that go', async () => {
    const albums = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const album of albums) for (let n = 0; n < 20; n++) w.write(`${album}/${n}.jpg`);
    const { promise: asked, resolve: noteAsked } = Promise.withResolvers<void>();
    uploadsUntil(asked);
    const { runId } = QueuedRun.parse(await (await post('/api/sync', { library: 'test' }, ASYNC)).json());
    await expect.poll(() => w.keys().then((keys) => keys.length)).toBeGreaterThan(1);
    expect((await post(`/api/runs/${runId}/cancel`)).status).toBe(202);
    noteAsked();
    const report = await ended(runId);
    expect(report).toMatchObject({ status: 'partial', error: { code: 'CANCELLED' } });
    expect(report.actions.uploaded).toBeLessThan(120);
    expect(await w.keys()).toHaveLength(report.actions.uploaded);
    const tasks = await w.tasks(runId);
    expect(tasks.map(({ album }) => album)).toEqual(['', ...albums]);
    expect(tasks.filter(({ status }) => status === 'cancelled').length).toBeGreaterThan(3);
    // What is left of it in the queue harms nobody.
    w.proxy.reset();
    expect(await (await post('/api/sync', { library: 'test' })).json()).toMatchObject({
      status: 'succeeded',
      actions: { uploaded: 120 - report.actions.uploaded },
    });
  });

  test('is not found for a run that nobody knows', async () => {
    expect((await post(`/api/runs/${crypto.randomUUID()}/cancel`)).status).toBe(404);
    expect((await post('/api/runs/x/cancel')).status).toBe(404);
  });
});

describe('the history', () => {
  test('can be searched by library, kind, status, album and parent', async () => {
    w.write('a/1.jpg');
    await w.sync({ album: 'a' });
    await w.sync({ dryRun: true });
    const runs = async (query: string) => RunList.parse(await get(`/api/runs?${query}`)).runs;
    expect(await runs('library=test')).toHaveLength(2);
    expect(await runs('status=planned')).toMatchObject([{ album: null, status: 'planned' }]);
    expect(await runs('album=a/')).toMatchObject([{ album: 'a' }]);
    expect(await runs('kind=verify')).toEqual([]);
    expect(await runs(`parent=${crypto.randomUUID()}`)).toEqual([]);
    expect(await runs('parent=none')).toHaveLength(2);
    await w.query(`UPDATE "Run" SET "parentId" = (SELECT "id" FROM "Run" WHERE "album" IS NULL) WHERE "album" = 'a'`);
    expect(await runs('parent=none')).toMatchObject([{ status: 'planned' }]);
    for (const wrong of ['status=great', 'parent=x', 'album=../x', 'what=ever']) {
      const answer = await fetch(`${url}/api/runs?${wrong}`);
      expect(answer.status, wrong).toBe(400);
      expect(Problem.parse(await answer.json()).field).toBe(wrong.split('=')[0]);
    }
  });

  test('has what each run did, photo by photo', async () => {
    for (let n = 0; n < 5; n++) w.write(`a/${n}.jpg`);
    w.proxy.fail(({ method, path }) =>
      method === 'PUT' && path.endsWith('/3.jpg') ? { kind: 'answer', status: 403 } : null,
    );
    const { runId } = await w.sync();
    const page = async (query: string) => RunActionList.parse(await get(`/api/runs/${runId}/actions?${query}`));
    const first = await page('limit=3');
    const rest = await page(`limit=3&cursor=${first.nextCursor}`);
    expect([...first.actions, ...rest.actions].map(({ path }) => path).toSorted()).toEqual(
      [0, 1, 2, 3, 4].map((n) => `a/${n}.jpg`),
    );
    expect(rest.nextCursor).toBeNull();
    expect((await page('outcome=failed')).actions).toMatchObject([
      { path: 'a/3.jpg', kind: 'upload', outcome: 'failed', code: 'OBJECT_DENIED', bytes: 0 },
    ]);
    expect((await fetch(`${url}/api/runs/${crypto.randomUUID()}/actions`)).status).toBe(404);
    expect((await fetch(`${url}/api/runs/${runId}/actions?outcome=fine`)).status).toBe(400);
  });
});
