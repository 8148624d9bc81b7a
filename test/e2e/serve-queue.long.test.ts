import { globSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { startTestS3, type TestS3 } from '../support/s3.ts';
import { type CliWorld, cliWorld, type Running } from './cli-world.ts';

/** A server with the database that it brings along, and a bucket elsewhere. */
let cli: CliWorld;
let s3: TestS3;
let proxy: FaultProxy;

beforeEach(async () => {
  [cli, s3] = await Promise.all([cliWorld(), startTestS3()]);
  proxy = await startFaultProxy(s3.endpoint);
  Object.assign(cli.env, {
    PORT: '0',
    S3_BUCKET: s3.bucket,
    S3_ENDPOINT: proxy.endpoint,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    PHOTOS_ROOT: `${cli.dir}/photos`,
  });
});
afterEach(async () => {
  cli.close();
  await proxy.close();
  await s3.close();
});

async function startServer(): Promise<{ server: Running; address: string }> {
  const server = cli.start('serve');
  await server.says('Ctrl-C stops everything.');
  return { server, address: /is up at (http:\/\/\S+)/.exec(server.said())?.[1] ?? '' };
}

interface Run {
  readonly status: string;
  readonly report: {
    readonly photos: { readonly new: number; readonly existing: number };
    readonly failures: readonly unknown[];
  } | null;
}

/** Asks until the run has ended; a server whose database is away says so, and is asked again. */
async function ended(address: string, location: string): Promise<Run> {
  for (;;) {
    const answer = await fetch(`${address}${location}`, { signal: AbortSignal.timeout(20_000) }).catch(() => null);
    if (answer?.ok) {
      const run = (await answer.json()) as Run;
      if (run.status !== 'queued' && run.status !== 'running') return run;
    } else expect(answer?.status ?? 503).toBe(503);
    await pause(200);
  }
}

/** Process id of the PostgreSQL that was brought along. */
function postmaster(): number {
  const [file = ''] = globSync('**/postmaster.pid', { cwd: `${cli.dir}/.data` });
  return Number(readFileSync(`${cli.dir}/.data/${file}`, 'utf8').split('\n')[0]);
}

describe('a queued sync', () => {
  test('survives its database: PostgreSQL is killed in the middle, comes back, and every photo arrives', async () => {
    for (let album = 0; album < 6; album++) {
      for (let photo = 0; photo < 20; photo++) cli.write(`photos/album ${album}/${photo}.jpg`, `${album} ${photo}`);
    }
    let puts = 0;
    proxy.fail(({ method }) => {
      if (method === 'PUT') puts += 1;
      return method === 'PUT' ? { kind: 'after', first: () => pause(40) } : null;
    });
    const { server, address } = await startServer();
    const queued = await fetch(`${address}/api/sync`, { method: 'POST', headers: { Prefer: 'respond-async' } });
    expect(queued.status).toBe(202);
    while (puts < 25) await pause(20);
    process.kill(postmaster(), 'SIGQUIT');
    const run = await ended(address, queued.headers.get('Location') ?? '');
    expect(run).toMatchObject({ status: 'succeeded', report: { failures: [] } });
    expect((run.report?.photos.new ?? 0) + (run.report?.photos.existing ?? 0)).toBe(120);
    const status = await cli.run('status');
    expect(status, status.stderr).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('nothing pending') });
    server.process.kill('SIGINT');
    expect(await server.ended).toMatchObject({ exitCode: 0, signal: null });
  });

  test('survives its server: one that is started again goes on where the killed one was', async () => {
    for (let photo = 0; photo < 60; photo++) cli.write(`photos/album/${photo}.jpg`, `${photo}`);
    let puts = 0;
    proxy.fail(({ method }) => {
      if (method === 'PUT') puts += 1;
      return method === 'PUT' ? { kind: 'after', first: () => pause(40) } : null;
    });
    const first = await startServer();
    const queued = await fetch(`${first.address}/api/sync`, { method: 'POST', headers: { Prefer: 'respond-async' } });
    while (puts < 20) await pause(20);
    first.server.process.kill('SIGKILL');
    await first.server.ended;
    const { server, address } = await startServer();
    const run = await ended(address, queued.headers.get('Location') ?? '');
    expect(run).toMatchObject({ status: 'succeeded', report: { failures: [] } });
    expect((run.report?.photos.new ?? 0) + (run.report?.photos.existing ?? 0)).toBe(60);
    server.process.kill('SIGINT');
    expect(await server.ended).toMatchObject({ exitCode: 0, signal: null });
  });
});
