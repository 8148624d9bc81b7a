import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startTestS3, type TestS3 } from '../support/s3.ts';
import { type CliWorld, cliWorld, jsonLines, type Running } from './cli-world.ts';

let world: CliWorld;
let database: { url: string; drop(): Promise<void> };
let s3: TestS3;
let proxy: FaultProxy;

beforeEach(async () => {
  [world, database, s3] = await Promise.all([cliWorld(), createTestDatabase(), startTestS3()]);
  proxy = await startFaultProxy(s3.endpoint);
  Object.assign(world.env, {
    DATABASE_URL: database.url,
    S3_BUCKET: s3.bucket,
    S3_ENDPOINT: proxy.endpoint,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    PHOTOS_ROOT: join(world.dir, 'photos'),
    STABLE_SECONDS: '1',
    // Only file events count, unless a test says otherwise.
    SYNC_INTERVAL_SECONDS: '86400',
  });
  world.write('photos/2024/a.jpg', 'a');
});

afterEach(async () => {
  world.close();
  await proxy.close();
  await s3.close();
  await database.drop();
});

async function objects() {
  const { Contents = [] } = await s3.client.send(new ListObjectsV2Command({ Bucket: s3.bucket, Prefix: 'photos/' }));
  return Contents;
}
const keys = async () => (await objects()).map(({ Key = '' }) => Key.slice('photos/'.length));
const soon = { timeout: 100_000, interval: 100 };

/** A watching sync whose first pass is over. */
async function watching(...args: string[]): Promise<Running> {
  const watch = world.start('sync', '--watch', ...args);
  await watch.says(/: 1 uploaded|"uploaded":1/);
  return watch;
}

async function stopped(watch: Running) {
  watch.process.kill('SIGINT');
  const ran = await watch.ended;
  expect(ran, ran.stderr).toMatchObject({ exitCode: 0, signal: null });
  return ran;
}

describe('rollcall sync --watch', () => {
  test('syncs everything, then what is added, in new folders too, a line a run, and ends well on Ctrl-C', async () => {
    const watch = await watching();
    await watch.says(/Watching .*photos/);
    expect(await keys()).toEqual(['2024/a.jpg']);
    world.write('photos/2024/b.jpg', 'b');
    await expect.poll(keys, soon).toEqual(['2024/a.jpg', '2024/b.jpg']);
    world.write('photos/2025/spring/c.jpg', 'c');
    await expect.poll(keys, soon).toEqual(['2024/a.jpg', '2024/b.jpg', '2025/spring/c.jpg']);
    // Two albums are new, and a photo could have moved between them: one run over the library.
    await watch.says(/photos: 1 uploaded (.|\n)*photos: 1 uploaded/);
    const { stdout, stderr } = await stopped(watch);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^photos: 1 uploaded \(1 B uploaded, .*\)$/);
    expect(lines[1]).toMatch(/^photos, 2024: 1 uploaded \(1 B uploaded, .*\)$/);
    expect(lines).toHaveLength(3);
    expect(stderr, stderr).toMatch(/^Watching .*photos\. Ctrl-C stops\.\n((Comparing|Syncing) .*\n)*Stopping: .*\n$/);
  });

  test('a file that is still being written is synced whole, once it is', async () => {
    const watch = await watching();
    for (let part = 1; part <= 12; part++) {
      writeFileSync(join(world.dir, 'photos/2024/slow.jpg'), 'part '.repeat(part));
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    await expect.poll(async () => (await objects()).map(({ Size }) => Size), soon).toEqual([1, 60]);
    await stopped(watch);
  });

  test('several albums at once are one run over the library', async () => {
    const watch = await watching();
    mkdirSync(join(world.dir, 'new'));
    for (const album of ['1', '2', '3', '4', '5', '6', '7']) world.write(`new/${album}/x.jpg`, album);
    renameSync(join(world.dir, 'new'), join(world.dir, 'photos/new'));
    await watch.says(/photos: 7 uploaded/);
    await stopped(watch);
  });

  test('a full pass behind it finds what no event tells of', async () => {
    world.env['SYNC_INTERVAL_SECONDS'] = '1';
    const watch = await watching('--direction', 'both');
    await s3.client.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key: 'photos/2024/a.jpg' }));
    await expect.poll(keys, soon).toEqual(['2024/a.jpg']);
    await s3.client.send(new PutObjectCommand({ Bucket: s3.bucket, Key: 'photos/b.jpg', Body: 'b' }));
    await watch.says(/photos: 1 downloaded/);
    await stopped(watch);
  });

  test('tells a failure once and goes on', async () => {
    world.env['SYNC_INTERVAL_SECONDS'] = '1';
    const watch = await watching();
    proxy.fail(() => ({ kind: 'answer', status: 403, body: '<Error><Code>AccessDenied</Code></Error>' }));
    await watch.says('(BUCKET_DENIED)');
    world.write('photos/2024/b.jpg', 'b');
    const before = proxy.seen.length;
    await expect.poll(() => proxy.seen.length, soon).toBeGreaterThan(before + 2);
    proxy.fail(() => null);
    await expect.poll(keys, soon).toEqual(['2024/a.jpg', '2024/b.jpg']);
    const { stderr } = await stopped(watch);
    expect(stderr.match(/BUCKET_DENIED/g)).toHaveLength(1);
  });

  test('a root that goes away is refused, and watched again when it is back', async () => {
    world.env['SYNC_INTERVAL_SECONDS'] = '1';
    const watch = await watching();
    renameSync(join(world.dir, 'photos'), join(world.dir, 'unmounted'));
    await watch.says('(GUARD_ROOT_MISSING)');
    expect(await keys()).toEqual(['2024/a.jpg']);
    renameSync(join(world.dir, 'unmounted'), join(world.dir, 'photos'));
    await watch.says('photos: works again');
    rmSync(join(world.dir, 'photos/2024/a.jpg'));
    world.write('photos/2024/b.jpg', 'b');
    await watch.says(/1 marked/);
    await expect.poll(keys, soon).toEqual(['2024/a.jpg', '2024/b.jpg']);
    await stopped(watch);
  });

  test('with --json every line of standard output is JSON, a report a run', async () => {
    const watch = await watching('--json');
    world.write('photos/2024/b.jpg', 'b');
    await watch.says('"album":"2024"');
    const lines = jsonLines((await stopped(watch)).stdout);
    const reports = lines.filter(({ type }) => type === 'report');
    expect(reports[0]).toMatchObject({ library: 'photos', album: null, actions: { uploaded: 1 } });
    expect(reports.at(-1)).toMatchObject({ library: 'photos', album: '2024', actions: { uploaded: 1 } });
    expect(lines.find(({ type }) => type === 'watching')).toMatchObject({ roots: [join(world.dir, 'photos')] });
  });

  test('what cannot be meant is refused before anything starts', async () => {
    const ran = await world.run('sync', '--watch', '--dry-run');
    expect(ran).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--watch syncs and does not plan') });
    const unknown = await world.run('sync', '--watch', '--library', 'nobody');
    expect(unknown).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('(NOT_FOUND)') });
  });
});
