/** Plans that are kept by dry runs and carried out as they were shown, over HTTP: a real database and bucket behind it. */
import { mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/catalog/database.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import { planStore } from '../../src/catalog/plans.ts';
import { createApp } from '../../src/http/app.ts';
import { type Listening, listen } from '../../src/http/listen.ts';
import type { HttpParts } from '../../src/http/parts.ts';
import { KeptPlan, PlanStepList } from '../../src/http/plan-schemas.ts';
import { QueuedRun } from '../../src/http/run-schemas.ts';
import { Problem, Report } from '../../src/http/schemas.ts';
import { compareKeys } from '../../src/sync/key-order.ts';
import { never } from '../support/catalog.ts';
import { testParts } from '../support/http-parts.ts';
import { listenTo } from '../support/sse.ts';
import { createWorld, type World } from '../support/world.ts';

let w: World;
let server: Listening;
let url: string;

beforeAll(async () => {
  w = await createWorld();
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
  const { browser, libraries, plans } = w.catalog;
  const parts = testParts({ service: w.service, libraries, browser, plans, queue: null, ...more });
  const patience = { finishMs: 200, drainMs: 10_000 };
  server = await listen(createApp(parts), { host: '127.0.0.1', port: 0, log: parts.log, patience }, never);
  url = `http://127.0.0.1:${server.port}`;
}

const ASYNC = { Prefer: 'respond-async' };

function post(path: string, body?: object, headers: Record<string, string> = {}) {
  const sent = body ? { 'Content-Type': 'application/json', ...headers } : headers;
  return fetch(`${url}${path}`, { method: 'POST', headers: sent, ...(body && { body: JSON.stringify(body) }) });
}

const get = async (path: string): Promise<unknown> => (await fetch(`${url}${path}`)).json();

async function preview(body: object = {}) {
  const answer = await post('/api/sync', { library: 'test', dryRun: true, ...body });
  expect(answer.status).toBe(200);
  const { runId } = Report.parse(await answer.json());
  return { runId, plan: KeptPlan.parse(await get(`/api/runs/${runId}/plan`)) };
}

async function apply(runId: string) {
  const answer = await post(`/api/runs/${runId}/apply`);
  return { status: answer.status, body: await answer.json() };
}

async function problem(answer: Response) {
  const { code, status } = Problem.parse(await answer.json());
  return { code, status };
}

describe('a plan that is kept', () => {
  test('tells its groups with counts, bytes and cost, and its steps page by page', async () => {
    for (let n = 0; n < 5; n++) w.write(`a/${n}.jpg`, 'x'.repeat(10));
    await w.sync();
    w.remove('a/0.jpg');
    await w.deleteObject('photos/a/1.jpg');
    w.write('b/new.jpg', 'y'.repeat(7));
    const { runId, plan } = await preview();
    expect(plan).toMatchObject({ runId, appliedAt: null, appliedBy: null, steps: 3, bytes: 17 });
    expect(plan.groups).toMatchObject([
      { group: 'missing', steps: 1, bytes: 10 },
      { group: 'orphaned', steps: 1, bytes: 0, usd: 0 },
      { group: 'new', steps: 1, bytes: 7 },
    ]);
    expect(plan.usd).toBeCloseTo(2 * 0.000_005, 9);
    const first = PlanStepList.parse(await get(`/api/runs/${runId}/plan/steps?limit=2`));
    const rest = PlanStepList.parse(await get(`/api/runs/${runId}/plan/steps?limit=2&cursor=${first.nextCursor}`));
    const steps = [...first.steps, ...rest.steps].map(({ kind, path }) => `${kind} ${path}`);
    expect(steps.toSorted()).toEqual(['mark a/0.jpg', 'reupload a/1.jpg', 'upload b/new.jpg']);
    expect(rest.nextCursor).toBeNull();
    const news = PlanStepList.parse(await get(`/api/runs/${runId}/plan/steps?group=new`));
    expect(news.steps.map(({ path }) => path)).toEqual(['b/new.jpg']);
    expect(await problem(await fetch(`${url}/api/runs/${runId}/plan/steps?group=odd`))).toMatchObject({ status: 400 });
  });

  test('is carried out as it was shown: what came since is not done', async () => {
    w.write('a/shown.jpg');
    const { runId } = await preview();
    w.write('a/later.jpg');
    expect(await apply(runId)).toMatchObject({ status: 200, body: { status: 'succeeded', actions: { uploaded: 1 } } });
    expect(await w.keys()).toEqual(['photos/a/shown.jpg']);
    const { runs } = (await get('/api/runs?kind=apply')) as { runs: { id: string }[] };
    expect(KeptPlan.parse(await get(`/api/runs/${runId}/plan`)).appliedBy).toBe(runs[0]!.id);
  });

  test('leaves and reports what does not hold any more', async () => {
    for (const name of ['fine', 'edited', 'gone', 'synced', 'taken']) w.write(`a/${name}.jpg`);
    const { runId } = await preview();
    w.write('a/edited.jpg', 'other bytes, and another date', 1_600_000_100);
    w.remove('a/gone.jpg');
    await w.put('photos/a/taken.jpg', 'somebody else was here first');
    await w.service.files('upload', { library: 'test', album: 'a', filenames: ['synced.jpg'] }, {}, never);
    const { body } = await apply(runId);
    const report = Report.parse(body);
    expect(report).toMatchObject({ status: 'partial', actions: { uploaded: 1, failed: 1, conflicts: 1, unstable: 2 } });
    expect(report.failures).toMatchObject([{ path: 'a/synced.jpg', code: 'PLAN_STALE' }]);
    expect(report.conflicts).toMatchObject([{ path: 'a/taken.jpg' }]);
    expect(await w.keys()).toEqual(['photos/a/fine.jpg', 'photos/a/synced.jpg', 'photos/a/taken.jpg']);
    expect(await w.read('photos/a/taken.jpg')).toBe('somebody else was here first');
  });

  test('says nothing of a file or an object that is not so any more', async () => {
    for (const name of ['back', 'kept', 'lost', 'orphan', 'whole']) w.write(`a/${name}.jpg`);
    await w.sync();
    const filenames = ['back.jpg', 'kept.jpg'];
    await w.service.files('remove', { library: 'test', album: 'a', filenames }, {}, never);
    for (const name of filenames) await w.put(`photos/a/${name}`, `bytes of a/${name}`);
    for (const name of ['lost', 'orphan', 'whole']) w.remove(`a/${name}.jpg`);
    await w.deleteObject('photos/a/lost.jpg');
    const { runId, plan } = await preview();
    expect(plan.steps).toBe(5);
    await w.deleteObject('photos/a/back.jpg');
    await w.put('photos/a/lost.jpg', 'bytes of a/lost.jpg');
    await w.deleteObject('photos/a/orphan.jpg');
    const { body } = await apply(runId);
    const stale = Report.parse(body).failures.map(({ path, code }) => `${code} ${path}`);
    expect(stale.toSorted()).toEqual(['back', 'lost', 'orphan'].map((name) => `PLAN_STALE a/${name}.jpg`));
    const states = (await w.rows()).map(({ path, state }) => `${state} ${path}`);
    expect(states.toSorted()).toEqual([
      'missing a/back.jpg',
      'orphaned a/whole.jpg',
      'synced a/kept.jpg',
      'synced a/lost.jpg',
      'synced a/orphan.jpg',
    ]);
  });

  test('leaves alone what was to take the name of a photo that does not move away after all', async () => {
    w.write('a/1.jpg');
    await w.sync();
    renameSync(join(w.library.root, 'a/1.jpg'), join(w.library.root, 'a/2.jpg'));
    w.write('a/1.jpg', 'another photo, under the name of the first');
    const { runId, plan } = await preview();
    expect(plan.groups).toMatchObject([{ group: 'new' }, { group: 'moved' }]);
    await w.query(`UPDATE "Photo" SET "state" = 'failed'`);
    const before = await w.rows();
    const { failures } = Report.parse((await apply(runId)).body);
    expect(failures.map(({ path, code }) => `${code} ${path}`).toSorted()).toEqual([
      'PLAN_STALE a/1.jpg',
      'PLAN_STALE a/2.jpg',
    ]);
    expect(await w.rows()).toEqual(before);
  });

  test('that cannot be read is not taken, and neither is one that is not wanted any more', async () => {
    w.write('a/1.jpg');
    const { runId } = await preview();
    await expect(w.catalog.plans.take(runId, AbortSignal.abort())).rejects.toThrow();
    const version = (from: number, to: number) =>
      w.query(`UPDATE "Plan" SET "header" = replace("header"::text, '"version": ${from}', '"version": ${to}')::jsonb`);
    await version(1, 9);
    expect(await apply(runId)).toMatchObject({ body: { code: 'BAD_PLAN' } });
    await version(9, 1);
    expect(await apply(runId)).toMatchObject({ status: 200, body: { actions: { uploaded: 1 } } });
  });

  test('of renames keeps the photos and sends no bytes', async () => {
    for (const name of ['1', '2']) w.write(`old/${name}.jpg`);
    await w.sync();
    const before = await w.rows();
    for (const name of ['1', '2']) {
      w.remove(`old/${name}.jpg`);
      w.write(`new/${name}.jpg`, `bytes of old/${name}.jpg`);
    }
    const { runId, plan } = await preview();
    expect(plan.groups).toMatchObject([{ group: 'moved', steps: 2, bytes: 0 }]);
    expect(await apply(runId)).toMatchObject({ body: { actions: { moved: 2 }, bytes: { uploaded: 0 } } });
    expect((await w.rows()).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    expect(await w.keys()).toEqual(['photos/new/1.jpg', 'photos/new/2.jpg']);
  });

  test('is carried out once, however many ask for it at a time', async () => {
    w.write('a/1.jpg');
    const { runId } = await preview();
    const answers = await Promise.all([1, 2, 3, 4].map(() => apply(runId)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409, 409]);
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({ code: 'PLAN_APPLIED' });
    expect((await apply(runId)).body).toMatchObject({ code: 'PLAN_APPLIED', field: 'id' });
  });

  test('can be carried out by another process than the one that made it', async () => {
    w.write('a/1.jpg');
    const { runId } = await preview();
    const other = await openCatalog({ url: w.databaseUrl, maxConnections: 2 }, never);
    try {
      expect(await other.plans.find(runId)).toMatchObject({ runId, steps: 1 });
      const [plan] = await other.plans.take(runId, never);
      expect(await w.service.apply(plan!, {}, never)).toMatchObject({ actions: { uploaded: 1 } });
    } finally {
      await other.close();
    }
    expect((await apply(runId)).body).toMatchObject({ code: 'PLAN_APPLIED' });
  });

  test('over several libraries is one plan, and carried out library by library', async () => {
    const other = mkdtempSync(join(tmpdir(), 'rollcall-other-'));
    const { id } = await w.catalog.libraries.create({
      ...{ name: 'other', root: other, bucket: w.bucket, prefix: 'other/', excludes: [] },
    });
    try {
      w.write('a/1.jpg');
      writeFileSync(join(other, '2.jpg'), 'two');
      utimesSync(join(other, '2.jpg'), 1_600_000_000, 1_600_000_000);
      const { runId } = Report.parse(await (await post('/api/sync', { dryRun: true })).json());
      expect(KeptPlan.parse(await get(`/api/runs/${runId}/plan`))).toMatchObject({ steps: 2 });
      expect(await apply(runId)).toMatchObject({
        status: 200,
        body: { status: 'succeeded', actions: { uploaded: 2 } },
      });
      expect(await w.keys()).toEqual(['other/2.jpg', 'photos/a/1.jpg']);
    } finally {
      await w.catalog.libraries.remove(id);
      rmSync(other, { recursive: true });
    }
  });

  test('stays while something else is at work there', async () => {
    w.write('a/1.jpg');
    const { runId } = await preview();
    const lock = await w.catalog.port.lock({ library: w.library, album: null }, never);
    try {
      expect(await apply(runId)).toMatchObject({ status: 409, body: { code: 'SYNC_IN_PROGRESS' } });
    } finally {
      await lock.release();
    }
    expect(await apply(runId)).toMatchObject({ status: 200, body: { actions: { uploaded: 1 } } });
  });

  test('is refused by the guards like a sync', async () => {
    w.write('a/1.jpg');
    await w.sync();
    w.write('a/2.jpg');
    const { runId } = await preview();
    w.remove('a');
    expect(await apply(runId)).toMatchObject({ status: 422, body: { code: 'GUARD_EMPTY_ROOT' } });
  });

  test('is forgotten after a day, and with its run', async () => {
    w.write('a/1.jpg');
    const { runId } = await preview();
    await w.query(`UPDATE "Plan" SET "expiresAt" = now()`);
    for (const path of ['plan', 'plan/steps']) {
      expect(await problem(await fetch(`${url}/api/runs/${runId}/${path}`))).toEqual({
        status: 404,
        code: 'NOT_FOUND',
      });
    }
    expect((await apply(runId)).status).toBe(404);
    await preview();
    expect(await w.query('SELECT "runId" FROM "Plan"')).toHaveLength(1);
    await w.query('DELETE FROM "Run"');
    expect(await w.query('SELECT 1 FROM "PlanBlock"')).toEqual([]);
  });

  test('gives way to newer ones beyond the latest twenty', async () => {
    w.write('a/1.jpg');
    const first = await preview();
    for (let n = 0; n < 20; n++) await w.sync({ dryRun: true, keepPlan: true });
    expect(await w.query('SELECT 1 FROM "Plan"')).toHaveLength(20);
    expect((await fetch(`${url}/api/runs/${first.runId}/plan`)).status).toBe(404);
  });

  test('is none of a sync, of an id that nothing has, of what was cut off', async () => {
    w.write('a/1.jpg');
    const { runId } = await w.sync();
    for (const id of [runId, '0d1f0a52-6f0f-4d39-bd0c-1c7c7c7b0a01', 'nonsense']) {
      expect((await fetch(`${url}/api/runs/${id}/plan`)).status).toBe(404);
      expect((await apply(id)).status).toBe(404);
    }
    const cut = await preview();
    await w.query(`UPDATE "Run" SET "status" = 'failed', "report" = '{"error": {"code": "CANCELLED"}}'`);
    expect(await apply(cut.runId)).toMatchObject({ status: 404 });
  });

  test('of a command line that looks is not kept', async () => {
    w.write('a/1.jpg');
    const { runId } = await w.sync({ dryRun: true });
    expect((await fetch(`${url}/api/runs/${runId}/plan`)).status).toBe(404);
  });

  test('of 6,000 steps is read back whole, whatever the names', async () => {
    const name = 'odd "name" + % 日本 ';
    for (let n = 0; n < 6_000; n++) w.write(`big/${name}${n}`, 'x');
    await w.put('photos/elsewhere/adopted', 'x');
    w.write('elsewhere/adopted', 'x');
    const { runId, plan } = await preview();
    expect(plan.groups).toMatchObject([
      { group: 'new', steps: 6_000, bytes: 6_000 },
      { group: 'other', steps: 1 },
    ]);
    for (const [query, count] of [
      ['', 6_001],
      ['group=new&', 6_000],
      ['group=other&', 1],
      ['group=lost&', 0],
    ] as const) {
      const listed: string[] = [];
      for (let cursor = ''; ; ) {
        const page = PlanStepList.parse(await get(`/api/runs/${runId}/plan/steps?${query}limit=777${cursor}`));
        listed.push(...page.steps.map(({ path }) => path));
        if (page.nextCursor === null) break;
        expect(page.steps).toHaveLength(777);
        cursor = `&cursor=${page.nextCursor}`;
      }
      expect([listed.length, new Set(listed).size]).toEqual([count, count]);
    }
    const [kept] = await w.catalog.plans.take(runId, never);
    const paths = kept!.actions.map(({ path }) => path);
    expect(paths).toEqual(paths.toSorted(compareKeys));
    expect(new Set(paths).size).toBe(6_001);
    expect(kept!.actions[0]).toMatchObject({ local: { size: 1, mtimeNs: 1_600_000_000_000_000_000n } });
  });
});

describe('with Prefer: respond-async', () => {
  test('a dry run is answered at once, can be followed, and its report ends the stream', async () => {
    w.write('a/1.jpg');
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    w.proxy.fail(() => ({ kind: 'after', first: () => held }));
    const answer = await post('/api/sync', { library: 'test', dryRun: true }, ASYNC);
    expect(answer.status).toBe(202);
    const { runId } = QueuedRun.parse(await answer.json());
    expect(answer.headers.get('Location')).toBe(`/api/runs/${runId}`);
    const stream = await listenTo(`${url}/api/runs/${runId}/events`);
    expect(await stream.next()).toMatchObject({ event: 'progress', data: { phase: 'scanning' } });
    letGo();
    const last = (await stream.rest()).at(-1)!;
    expect(last).toMatchObject({ event: 'report', data: { status: 'planned' } });
    expect(KeptPlan.parse(await get(`/api/runs/${runId}/plan`)).steps).toBe(1);
  });

  test('a plan is carried out, followed album by album, and can be cancelled', async () => {
    for (const album of ['a', 'b', 'c']) for (let n = 0; n < 20; n++) w.write(`${album}/${n}.jpg`);
    const { runId } = await preview();
    const { promise: asked, resolve: noteAsked } = Promise.withResolvers<void>();
    // An album goes once something of it is done; no more is done before the end was asked for.
    let sent = 0;
    const first = async () => {
      sent += 1;
      if (sent > 2) await asked;
      await pause(400);
    };
    w.proxy.fail(({ method, path }) => (method === 'PUT' && path.endsWith('.jpg') ? { kind: 'after', first } : null));
    const answer = await post(`/api/runs/${runId}/apply`, undefined, ASYNC);
    expect(answer.status).toBe(202);
    const { runId: applying } = QueuedRun.parse(await answer.json());
    const stream = await listenTo(`${url}/api/runs/${applying}/events`);
    let albums: unknown[] = [];
    for (let event = await stream.next(); event !== null; event = await stream.next()) {
      if (event.event === 'report') {
        expect(event.data).toMatchObject({ error: { code: 'CANCELLED' } });
        break;
      }
      const { parts } = event.data as { parts: { album: string; status: string; actions: { total: number } }[] };
      if (!parts.some(({ status }) => status === 'running') || albums.length > 0) continue;
      albums = parts.map(({ album }) => album).toSorted();
      expect(parts.map(({ actions }) => actions.total)).toEqual([20, 20, 20]);
      expect((await post(`/api/runs/${applying}/cancel`)).status).toBe(202);
      noteAsked();
    }
    expect(albums).toEqual(['a', 'b', 'c']);
    expect((await w.keys()).length).toBeLessThan(60);
  });

  test('what cannot begin is an error at once', async () => {
    const nothing = await post('/api/sync', { library: 'nope', dryRun: true }, ASYNC);
    expect(nothing.status).toBe(404);
    const none = await post(`/api/runs/0d1f0a52-6f0f-4d39-bd0c-1c7c7c7b0a01/apply`, undefined, ASYNC);
    expect(none.status).toBe(404);
  });

  test('a server that closes lets a dry run come to an end that is on record', async () => {
    w.write('a/1.jpg');
    w.proxy.fail(() => ({ kind: 'after', first: () => pause(300) }));
    const { runId } = QueuedRun.parse(await (await post('/api/sync', { library: 'test', dryRun: true }, ASYNC)).json());
    await server.close();
    const [run] = await w.query<{ status: string }>('SELECT "status" FROM "Run" WHERE "id" = $1', [runId]);
    expect(run?.status).not.toBe('running');
  });

  test('a dry run whose process died is ended by those that live', async () => {
    const [run] = await w.query<{ id: string }>(
      `INSERT INTO "Run" ("libraryId", "kind", "status", "policy", "startedAt", "progress")
       VALUES ($1, 'sync', 'running', '{"dryRun": true}', now() - interval '1 hour', '{"at": "2024-01-01T00:00:00Z"}')
       RETURNING "id"`,
      [w.library.id],
    );
    await w.catalog.closeAbandonedRuns(never);
    expect(await get(`/api/runs/${run!.id}`)).toMatchObject({ status: 'failed' });
  });
});

test('the steps of a plan go in one transaction with it', async () => {
  w.write('a/1.jpg');
  const { runId } = await w.sync({ dryRun: true, keepPlan: true });
  const database = openDatabase({ url: w.databaseUrl, maxConnections: 1 });
  try {
    const [plan] = await planStore(database).take(runId, never);
    const broken = { ...plan!, actions: [...plan!.actions, { ...plan!.actions[0]!, kind: null } as never] };
    await expect(planStore(database).keep(runId, broken)).rejects.toThrow();
    expect(await w.query('SELECT 1 FROM "PlanBlock"')).toHaveLength(1);
  } finally {
    await database.close();
  }
});
