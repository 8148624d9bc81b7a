import { cpSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startTestS3, type TestS3 } from '../support/s3.ts';
import { type CliWorld, cliWorld, jsonLines, saidBesides } from './cli-world.ts';

let world: CliWorld;
let database: { url: string; drop(): Promise<void> };
let s3: TestS3;
let proxy: FaultProxy;

beforeEach(async () => {
  [world, database, s3] = await Promise.all([cliWorld(), createTestDatabase(), startTestS3()]);
  proxy = await startFaultProxy(s3.endpoint);
  Object.assign(world.env, {
    HOME: world.dir,
    DATABASE_URL: database.url,
    S3_BUCKET: s3.bucket,
    S3_ENDPOINT: proxy.endpoint,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    PHOTOS_ROOT: join(world.dir, 'photos'),
    STABLE_SECONDS: '0',
  });
  for (const name of ['a', 'b', 'c']) world.write(`photos/2024/${name}.jpg`, `bytes of ${name}`);
  world.write('photos/d.jpg', 'bytes of d');
});

afterEach(async () => {
  world.close();
  await proxy.close();
  await s3.close();
  await database.drop();
});

const mv = (from: string, to: string) => renameSync(join(world.dir, from), join(world.dir, to));

async function keys(): Promise<string[]> {
  const { Contents = [] } = await s3.client.send(new ListObjectsV2Command({ Bucket: s3.bucket }));
  return Contents.map(({ Key }) => Key ?? '');
}

/** Requests with a photo's bytes in them; a copy has none. */
const uploads = () =>
  proxy.seen.filter(({ method, headers }) => method === 'PUT' && headers['x-amz-copy-source'] === undefined);

describe('rollcall moves', () => {
  beforeEach(async () => {
    expect(await world.run('sync')).toMatchObject({ exitCode: 0 });
    mv('photos/2024', 'photos/2025');
    world.write('photos/new.jpg', 'new');
    rmSync(join(world.dir, 'photos/d.jpg'));
    proxy.reset();
  });
  const moved = ['photos/2025/a.jpg', 'photos/2025/b.jpg', 'photos/2025/c.jpg', 'photos/d.jpg'];

  test('shows renames with both names, carries them out without an upload, and leaves all else', async () => {
    const planned = await world.run('moves', '--dry-run');
    expect(planned, planned.stderr).toMatchObject({ exitCode: 0 });
    expect(planned.stdout).toContain('\n  2024/a.jpg → 2025/a.jpg\n  2024/b.jpg → 2025/b.jpg\n');
    expect(planned.stdout).not.toContain('new.jpg');

    const ran = await world.run('moves');
    expect([ran.exitCode, saidBesides(ran)]).toEqual([0, '']);
    expect(ran.stdout).toMatch(/^Renamed in .*\nWhat is new, edited or gone is left for rollcall sync\.\n/);
    expect(ran.stdout).toMatch(/ {2}Actions {3}3 moved/);
    expect(await keys()).toEqual(moved);
    expect(uploads()).toEqual([]);
    const lines = world.log('moves').map(({ msg }) => String(msg));
    for (const name of ['a', 'b', 'c']) {
      expect(lines).toContainEqual(expect.stringMatching(`2024/${name}.jpg.*2025/${name}.jpg`));
    }
    expect(lines.at(-1)).toBe('rollcall moves ends, exit code 0');

    const again = await world.run('moves');
    expect(again).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^No renames to carry out/) });
  });

  test('saves its plan, which can be applied later', async () => {
    const planned = await world.run('moves', '--plan-out', 'plan.json', '--json');
    expect(planned, planned.stderr).toMatchObject({ exitCode: 0 });
    expect(jsonLines(planned.stdout).at(-1)).toMatchObject({ status: 'planned', actions: { moved: 3 } });
    const applied = await world.run('apply', 'plan.json', '--json');
    expect(jsonLines(applied.stdout).at(-1)).toMatchObject({ status: 'succeeded', actions: { moved: 3, uploaded: 0 } });
    expect(await keys()).toEqual(moved);
  });

  test('what it left, a sync does; with --moves false a sync knows no rename', async () => {
    const ran = await world.run('sync', '--moves', 'false', '--json');
    expect(jsonLines(ran.stdout).at(-1)).toMatchObject({ actions: { moved: 0, marked: 4 } });
    expect(await keys()).toContain('photos/2024/a.jpg');
    expect(await keys()).toContain('photos/2025/a.jpg');
    expect(await keys()).toContain('photos/new.jpg');
  });
});

describe('the same content under another name', () => {
  test.each([
    ['true', { copied: 1, uploaded: 0 }, 0],
    ['false', { copied: 0, uploaded: 1 }, 1],
  ])('with DEDUPE_COPY=%s', async (dedupe, actions, sent) => {
    await world.run('sync');
    cpSync(join(world.dir, 'photos/d.jpg'), join(world.dir, 'photos/e.jpg'));
    world.env['DEDUPE_COPY'] = dedupe;
    proxy.reset();
    const ran = await world.run('sync', '--json');
    expect(jsonLines(ran.stdout).at(-1)).toMatchObject({ status: 'succeeded', actions });
    expect(uploads()).toHaveLength(sent);
    expect(await keys()).toContain('photos/e.jpg');
  });
});

test('batch renames in its targets too, and its table says how many', async () => {
  writeFileSync(join(world.dir, '.rollcall.conf'), `photos | ${s3.bucket} | p\n`);
  expect(await world.run('batch')).toMatchObject({ exitCode: 0 });
  mv('photos/2024/a.jpg', 'photos/a.jpg');
  proxy.reset();
  const ran = await world.run('batch');
  expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
  expect(ran.stdout).toMatch(/\n {3}1 {2}succeeded {2}photos .* 1 moved, 3 skipped, /);
  expect(uploads()).toEqual([]);
  expect(await keys()).toEqual(['p/2024/b.jpg', 'p/2024/c.jpg', 'p/a.jpg', 'p/d.jpg']);
});
