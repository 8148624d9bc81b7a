import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
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
    S3_ENDPOINT: proxy.endpoint,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    STABLE_SECONDS: '0',
  });
});

afterEach(async () => {
  world.close();
  await proxy.close();
  await s3.close();
  await database.drop();
});

const config = (...lines: string[]) => writeFileSync(join(world.dir, '.rollcall.conf'), `${lines.join('\n')}\n`);

async function keys(): Promise<string[]> {
  const { Contents = [] } = await s3.client.send(new ListObjectsV2Command({ Bucket: s3.bucket }));
  return Contents.map(({ Key }) => Key ?? '');
}

/** A missing folder, a bad line, a missing bucket, and a good target after them all. */
function writeTroubles(): void {
  world.write('a/2024/x.jpg', 'x');
  world.write('a/2024/x.tif', 'xx');
  world.write('b/y.jpg', 'y');
  config(
    '# what goes where',
    `~/nowhere | ${s3.bucket} | nowhere/`,
    'b my-bucket b',
    'b | no-such-bucket | b',
    `a | ${s3.bucket} | archive | *.tif`,
  );
}

describe('rollcall batch', () => {
  test('names a bad line, a missing folder and a missing bucket, does the rest, and ends with the worst code', async () => {
    writeTroubles();
    const ran = await world.run('batch');
    expect(ran, ran.stderr).toMatchObject({ exitCode: 4, signal: null });
    expect(await keys()).toEqual(['archive/2024/x.jpg']);
    expect(ran.stderr).toMatch(/\.rollcall\.conf, line 3 must have three or four fields/);
    const table = ran.stdout.slice(ran.stdout.indexOf('Line  Status')).split('\n');
    expect(table).toEqual([
      expect.stringMatching(/^Line {2}Status {5}Folder {5}To .*Result$/),
      expect.stringMatching(/^ {3}2 {2}refused {4}~\/nowhere {2}\S*nowhere\/ .*GUARD_ROOT_MISSING: /),
      expect.stringMatching(/^ {3}3 {2}bad line .*must have three or four fields/),
      expect.stringMatching(/^ {3}4 {2}failed {5}b {10}s3:\/\/no-such-bucket\/b\/ .*BUCKET_MISSING: /),
      expect.stringMatching(/^ {3}5 {2}succeeded {2}a {10}\S*archive\/ .*1 uploaded, \d/),
      '1 of 4 lines all well',
      '',
    ]);
  });

  test('leaves only what was synced to a later sync of everything', async () => {
    writeTroubles();
    await world.run('batch');
    Object.assign(world.env, { S3_BUCKET: s3.bucket, PHOTOS_ROOT: join(world.dir, 'b') });
    const ran = await world.run('sync', '--json');
    expect(ran, ran.stdout).toMatchObject({ exitCode: 0 });
    expect(jsonLines(ran.stdout).at(-1)).toMatchObject({ photos: { new: 1, existing: 1 }, failures: [] });
  });

  test('tells a program of each line, and of all of them in the last', async () => {
    writeTroubles();
    const lines = jsonLines((await world.run('batch', '--json')).stdout);
    expect(lines.filter(({ type }) => type === 'error')).toEqual([
      { type: 'error', line: 3, code: 'BAD_INPUT', message: expect.stringContaining('three or four fields') },
    ]);
    expect(lines.filter(({ type, status }) => type === 'target' && status !== 'running')).toMatchObject([
      { line: 2, status: 'refused', error: { code: 'GUARD_ROOT_MISSING' } },
      { line: 4, status: 'failed', error: { code: 'BUCKET_MISSING' } },
      { line: 5, status: 'succeeded', error: null, report: { actions: { uploaded: 1 } } },
    ]);
    expect(lines.at(-1)).toMatchObject({
      type: 'report',
      file: join(world.dir, '.rollcall.conf'),
      exitCode: 4,
      targets: [
        { line: 2, folder: join(world.dir, 'nowhere'), status: 'refused', exitCode: 3 },
        { line: 3, folder: null, status: 'bad line', exitCode: 2, error: { code: 'BAD_INPUT' } },
        { line: 4, bucket: 'no-such-bucket', prefix: 'b/', status: 'failed', exitCode: 4 },
        { line: 5, prefix: 'archive/', status: 'succeeded', exitCode: 0, actions: { uploaded: 1 } },
      ],
    });
  });

  test('run again sends nothing; its log has every action and a summary last', async () => {
    world.write('a/x.jpg', 'x');
    world.write('b/y.jpg', 'y');
    config(`a | ${s3.bucket} | a`, `b | ${s3.bucket} | b`);
    const first = await world.run('batch');
    expect([first.exitCode, saidBesides(first)]).toEqual([0, '']);
    const log = world.log('batch');
    expect(log.filter(({ msg }) => String(msg).startsWith('Uploading new photo: '))).toHaveLength(2);
    expect(log.at(-1)).toMatchObject({ exitCode: 0, targets: [{ line: 1 }, { line: 2 }] });
    proxy.reset();
    const again = await world.run('batch');
    expect(again.stdout).toContain('2 of 2 lines all well');
    expect(proxy.seen.filter(({ method }) => method === 'PUT')).toEqual([]);
  });

  test('--dry-run prints the plan of each target and touches nothing, the excludes of a library neither', async () => {
    world.write('a/x.jpg', 'x');
    config(`a | ${s3.bucket} | a | *.png`);
    expect(await world.run('batch')).toMatchObject({ exitCode: 0 });
    world.write('a/y.jpg', 'y');
    world.write('a/z.png', 'z');
    world.write('b/w.jpg', 'w');
    config(`a | ${s3.bucket} | a | *.jpg`, `b | ${s3.bucket} | b |`);
    const planned = await world.run('batch', '--dry-run');
    expect(planned, planned.stderr).toMatchObject({ exitCode: 0 });
    expect(planned.stdout).toContain('z.png');
    expect(planned.stdout).not.toContain('y.jpg');
    expect(planned.stdout).toContain('w.jpg');
    expect(await keys()).toEqual(['a/x.jpg']);
    // Without the field the library keeps its own: still those of the first run.
    config(`a | ${s3.bucket} | a`);
    await world.run('batch');
    expect(await keys()).toEqual(['a/x.jpg', 'a/y.jpg']);
  });

  test('names the line of excludes that can never match, and takes them over nowhere', async () => {
    world.write('a/x.jpg', 'x');
    config(`a | ${s3.bucket} | a | [raw`);
    const ran = await world.run('batch');
    expect(ran.exitCode).toBe(2);
    expect(ran.stdout).toMatch(/\n {3}1 {2}failed .*BAD_INPUT: excludes: "\[raw" has a \[ that is never closed/);
    expect(await keys()).toEqual([]);
  });

  test('holds each target to the guard, and goes on after one that it refuses', async () => {
    for (let i = 0; i < 20; i += 1) world.write(`a/${i}.jpg`, `${i}`);
    world.write('b/y.jpg', 'y');
    config(`a | ${s3.bucket} | a`, `b | ${s3.bucket} | b`);
    await world.run('batch');
    for (let i = 1; i < 20; i += 1) rmSync(join(world.dir, `a/${i}.jpg`));
    world.write('b/z.jpg', 'z');
    const ran = await world.run('batch', '--delete');
    expect(ran).toMatchObject({ exitCode: 3, stdout: expect.stringContaining('GUARD_MAX_DELETE') });
    expect(await keys()).toHaveLength(22);
    expect(await world.run('batch', '--delete', '--max-delete', '19')).toMatchObject({ exitCode: 0 });
    expect(await keys()).toEqual(['a/0.jpg', 'b/y.jpg', 'b/z.jpg']);
  });

  test('stopped, it finishes what is under way and begins no further target', async () => {
    world.env['SYNC_UPLOAD_CONCURRENCY'] = '1';
    for (let i = 0; i < 5; i += 1) world.write(`a/${i}.jpg`, `${i}`);
    world.write('b/y.jpg', 'y');
    config(`a | ${s3.bucket} | a`, `b | ${s3.bucket} | b`);
    const [held, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const first = () => {
      held.resolve();
      return release.promise;
    };
    proxy.fail(({ method, path }) => (method === 'PUT' && path.endsWith('/a/1.jpg') ? { kind: 'after', first } : null));
    const running = world.start('batch');
    await Promise.race([held.promise, running.ended]);
    running.process.kill('SIGINT');
    await running.says('no further target is begun');
    release.resolve();
    const ran = await running.ended;
    expect(ran, ran.stderr).toMatchObject({ exitCode: 1, signal: null });
    expect(ran.stdout).toMatch(/\n {3}1 {2}stopped .*2 uploaded.*\n {3}2 {2}not run /);
    expect(await keys()).toEqual(['a/0.jpg', 'a/1.jpg']);
    expect(await world.run('batch')).toMatchObject({ exitCode: 0 });
    expect(await keys()).toHaveLength(6);
  });

  test('without a config file says how to get one, and without a target what a line looks like', async () => {
    expect(await world.run('batch')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/there is no config file .*\.rollcall\.conf; `rollcall init` writes a sample/),
    });
    expect(await world.run('batch', '--config', 'my.conf')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('`rollcall init my.conf` writes a sample'),
    });
    config('# nothing yet');
    expect(await world.run('batch', '--json')).toMatchObject({
      exitCode: 2,
      stdout: expect.stringContaining('names no target yet'),
    });
  });
});

describe('rollcall init', () => {
  test('writes a sample that only its owner reads, and never over one that is there', async () => {
    const ran = await world.run('init');
    const path = join(world.dir, '.rollcall.conf');
    expect(ran).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`Written: ${path}\n`) });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8')).toContain('local_path | bucket | prefix | excludes');
    writeFileSync(path, 'mine');
    expect(await world.run('init')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('is there already and was left as it is'),
    });
    expect(readFileSync(path, 'utf8')).toBe('mine');
  });

  test('takes another path, and says what is wrong with one that cannot be written', async () => {
    expect(await world.run('init', 'my.conf', '--json')).toMatchObject({ exitCode: 0 });
    expect(existsSync(join(world.dir, 'my.conf'))).toBe(true);
    const ran = await world.run('init', 'no/such/my.conf');
    expect(ran).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('cannot be written: ENOENT') });
  });
});
