import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createQueueWorld, type QueueWorld } from '../support/queue-world.ts';
import { type CliWorld, cliWorld, jsonLines, type Running } from './cli-world.ts';

/** The queue is filled by this process and worked by processes of the built program. */
let world: QueueWorld;
let cli: CliWorld;

beforeEach(async () => {
  [world, cli] = await Promise.all([createQueueWorld({}, { concurrency: 0 }), cliWorld()]);
  Object.assign(cli.env, {
    DATABASE_URL: world.databaseUrl,
    S3_BUCKET: world.bucket,
    S3_ENDPOINT: world.proxy.endpoint,
    AWS_ACCESS_KEY_ID: world.s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: world.s3.secretAccessKey,
    PHOTOS_ROOT: world.root,
    LOG_LEVEL: 'info',
  });
});

afterEach(async () => {
  cli.close();
  await world.close();
});

async function startWorker(): Promise<Running> {
  const worker = cli.start('worker', '--json', '--concurrency', '2');
  await worker.says('"type":"ready"');
  return worker;
}

async function stop(worker: Running): Promise<void> {
  worker.process.kill('SIGTERM');
  const ran = await worker.ended;
  expect(ran, ran.stderr).toMatchObject({ exitCode: 0, signal: null });
}

/** Paths of what a worker has sent. */
function sentBy(worker: Running): string[] {
  const lines = jsonLines(worker.said().slice(0, worker.said().lastIndexOf('\n')));
  return lines.flatMap(({ msg, path }) => (String(msg).startsWith('⬆️') ? [String(path)] : []));
}

/** Runs over one album, or over one and its library, may never go at the same time. */
async function expectNoTwoAtOnce(): Promise<void> {
  const twice = await world.query(
    `SELECT a."album", a."kind", b."album" AS other, b."kind" AS "otherKind"
       FROM "Run" AS a JOIN "Run" AS b ON a."id" < b."id" AND a."libraryId" = b."libraryId"
      WHERE NOT EXISTS (SELECT 1 FROM "AlbumTask" WHERE "runId" IN (a."id", b."id"))
        AND (a."album" IS NULL OR b."album" IS NULL OR a."album" = b."album")
        AND a."startedAt" < b."finishedAt" AND b."startedAt" < a."finishedAt"`,
  );
  expect(twice).toEqual([]);
}

async function until(what: () => Promise<boolean> | boolean, seconds = 300): Promise<void> {
  const endMs = performance.now() + seconds * 1_000;
  while (!(await what())) {
    if (performance.now() > endMs) throw new Error('it did not come about');
    await pause(50);
  }
}

const albumsDone = async (runId: string) =>
  (await world.tasks(runId)).filter(({ album, status }) => album !== '' && status === 'done').length;

describe('rollcall worker', { timeout: 600_000 }, () => {
  test('two of them sync 200 albums, each once, and the sum of the reports is the tree', async () => {
    for (let album = 0; album < 200; album++) {
      for (const photo of ['1.jpg', '2.jpg']) world.write(`album ${album}/${photo}`);
    }
    const workers = await Promise.all([startWorker(), startWorker()]);
    const { runId } = await world.queue.enqueue({ library: 'test' });
    const report = await world.queue.ended(runId, AbortSignal.timeout(400_000));
    expect(report).toMatchObject({
      status: 'succeeded',
      photos: { new: 400, existing: 0, orphaned: 0 },
      actions: { uploaded: 400, skipped: 0, failed: 0 },
      failures: [],
    });
    const albums = (await world.runs()).filter(({ album }) => album !== null);
    expect(new Set(albums.map(({ album }) => album)).size).toBe(200);
    expect(albums).toHaveLength(200);
    expect(await world.rows()).toHaveLength(400);
    expect(await world.keys()).toHaveLength(400);
    await expectNoTwoAtOnce();
    const sent = workers.map(sentBy);
    expect(sent.flat()).toHaveLength(400);
    for (const one of sent) expect(one.length).toBeGreaterThan(20);
    await Promise.all(workers.map(stop));
  });

  test('what a killed one was at is picked up by another, and nothing is lost or twice', async () => {
    for (let album = 0; album < 20; album++) {
      for (let photo = 0; photo < 10; photo++) world.write(`album ${album}/${photo}.jpg`);
    }
    // Slow enough to be killed in the middle.
    world.proxy.fail(({ method }) => (method === 'PUT' ? { kind: 'after', first: () => pause(50) } : null));
    const [victim, other] = await Promise.all([startWorker(), startWorker()]);
    const { runId } = await world.queue.enqueue({ library: 'test' });
    await until(async () => (await albumsDone(runId)) >= 3 && sentBy(victim).length > 0);
    victim.process.kill('SIGKILL');
    world.proxy.fail(() => null);
    const report = await world.queue.ended(runId, AbortSignal.timeout(400_000));
    expect(report).toMatchObject({ status: 'succeeded', failures: [], actions: { failed: 0 } });
    const { photos, actions } = report;
    expect(photos.new + photos.existing).toBe(200);
    expect(actions.uploaded + actions.skipped).toBe(200);
    expect(await world.keys()).toHaveLength(200);
    const rows = await world.rows();
    expect(rows).toHaveLength(200);
    expect(new Set(rows.map(({ state }) => state))).toEqual(new Set(['synced']));
    expect((await world.tasks(runId)).every(({ status }) => status === 'done')).toBe(true);
    await until(async () => (await world.runs()).every(({ status }) => status !== 'running'));
    await expectNoTwoAtOnce();
    await stop(other);
  });

  test('a bucket that is out of reach for 20 seconds costs time, and no photo', async () => {
    for (let album = 0; album < 6; album++) {
      for (let photo = 0; photo < 20; photo++) world.write(`album ${album}/${photo}.jpg`);
    }
    // So that the bucket is known, and what it honours need not be found out.
    await world.sync({ album: 'album 0' });
    let backMs = Number.POSITIVE_INFINITY;
    let puts = 0;
    world.proxy.fail(({ method }) => {
      if (method === 'PUT' && ++puts === 30) backMs = performance.now() + 20_000;
      const away = puts >= 30 && performance.now() < backMs;
      return away ? { kind: 'break-before' } : null;
    });
    const worker = await startWorker();
    const { runId } = await world.queue.enqueue({ library: 'test' });
    const report = await world.queue.ended(runId, AbortSignal.timeout(400_000));
    expect(report).toMatchObject({ status: 'succeeded', failures: [], actions: { failed: 0 } });
    expect(report.photos.new + report.photos.existing).toBe(120);
    expect(await world.keys()).toHaveLength(120);
    expect((await world.rows()).map(({ state }) => state)).toEqual(Array(120).fill('synced'));
    await stop(worker);
  });

  test('what the schedule, the API and the command line ask for at once is done one after the other', async () => {
    for (let album = 0; album < 4; album++) {
      for (let photo = 0; photo < 10; photo++) world.write(`album ${album}/${photo}.jpg`);
    }
    world.proxy.fail(({ method }) => (method === 'PUT' ? { kind: 'after', first: () => pause(30) } : null));
    const workers = await Promise.all([startWorker(), startWorker()]);
    const queued = await Promise.all([
      world.queue.enqueue({ kind: 'reconcile' }),
      world.queue.enqueue({ library: 'test', album: 'album 1' }),
      world.queue.enqueue({ library: 'test' }),
      world.queue.enqueue({ library: 'test', album: 'album 1' }),
    ]);
    const commands = await Promise.all([
      cli.run('sync', '--library', 'test', '--album', 'album 1'),
      cli.run('sync', '--library', 'test', '--album', 'album 1'),
      cli.run('sync', '--library', 'test'),
    ]);
    for (const { exitCode, stderr } of commands) {
      expect([0, 3], stderr).toContain(exitCode);
      if (exitCode === 3) expect(stderr).toContain('SYNC_IN_PROGRESS');
    }
    const ended = queued.map(({ runId }) => world.queue.ended(runId, AbortSignal.timeout(400_000)));
    for (const { status, failures } of await Promise.all(ended)) {
      expect(failures).toEqual([]);
      expect(status).toBe('succeeded');
    }
    expect(await world.keys()).toHaveLength(40);
    expect((await world.rows()).map(({ state }) => state)).toEqual(Array(40).fill('synced'));
    await expectNoTwoAtOnce();
    await Promise.all(workers.map(stop));
  });
});

describe('a worker that cannot work', () => {
  test('is told what it lacks: a server', async () => {
    delete cli.env['DATABASE_URL'];
    const ran = await cli.run('worker');
    expect(ran).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('DATABASE_URL') });
  });

  test("is told what it lacks: the server's bucket", async () => {
    delete cli.env['S3_BUCKET'];
    delete cli.env['S3_ENDPOINT'];
    const ran = await cli.run('worker');
    expect(ran).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('S3_BUCKET') });
  });

  test('is told what it lacks: a library', async () => {
    const root = `${world.root} that is not mounted here`;
    await world.query(`UPDATE "Library" SET "root" = $1`, [root]);
    const ran = await cli.run('worker');
    expect(ran).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('GUARD_ROOT_MISSING') });
  });
});
