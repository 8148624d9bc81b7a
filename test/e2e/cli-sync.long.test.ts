import { existsSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { DeleteObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startTestS3, type TestS3 } from '../support/s3.ts';
import { type CliWorld, cliWorld, jsonLines, type Running, saidBesides } from './cli-world.ts';

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
    STABLE_SECONDS: '0',
  });
});

afterEach(async () => {
  world.close();
  await proxy.close();
  await s3.close();
  await database.drop();
});

/** Three photos in two albums. */
function writePhotos(): void {
  world.write('photos/2024/summer/a.jpg', 'a');
  world.write('photos/2024/summer/100% ü.jpg', 'bb');
  world.write('photos/2025/c.jpg', 'ccc');
}

async function keys(): Promise<string[]> {
  const { Contents = [] } = await s3.client.send(new ListObjectsV2Command({ Bucket: s3.bucket, Prefix: 'photos/' }));
  return Contents.map(({ Key }) => Key ?? '');
}

const writes = () => proxy.seen.filter(({ method, path }) => method !== 'GET' && method !== 'HEAD' && path !== '/');
const remove = (key: string) => s3.client.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key: key }));

describe('rollcall sync', () => {
  test('uploads a library, and run again sends nothing', async () => {
    writePhotos();
    const first = await world.run('sync');
    expect(first, first.stderr).toMatchObject({ exitCode: 0, signal: null });
    expect(first.stdout).toMatch(
      /^Synced in .*\n {2}Photos {4}3 new\n {2}Actions {3}3 uploaded\n {2}Bytes {5}6 B uploaded\n/,
    );
    expect(await keys()).toEqual(['photos/2024/summer/100% ü.jpg', 'photos/2024/summer/a.jpg', 'photos/2025/c.jpg']);

    proxy.reset();
    const second = await world.run('sync');
    expect([second.exitCode, saidBesides(second)]).toEqual([0, '']);
    expect(second.stdout).toMatch(/^In sync, nothing to do .*\n {2}Photos {4}3 existing\n {2}Actions {3}3 skipped\n/);
    expect(writes()).toEqual([]);
  });

  test('writes each upload with its time, and a summary last, to a log file', async () => {
    writePhotos();
    await world.run('sync');
    const lines = world.log('sync');
    const uploads = lines.filter((line) => String(line['msg']).startsWith('Uploading new photo: '));
    expect(uploads).toHaveLength(3);
    for (const line of uploads) expect(line['time']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    const report = { status: 'succeeded', actions: { uploaded: 3 } };
    expect(lines.at(-1)).toMatchObject({ msg: 'rollcall sync ends, exit code 0', exitCode: 0, report });
  });

  test('brings an object back that was deleted by hand, and says so', async () => {
    writePhotos();
    await world.run('sync');
    await remove('photos/2025/c.jpg');
    const ran = await world.run('sync');
    expect(ran.exitCode).toBe(0);
    expect(ran.stderr).toContain('Warning: Existing photo missing from S3, will re-upload: 2025/c.jpg\n');
    expect(ran.stdout).toContain('  Actions   1 re-uploaded, 2 skipped\n');
    expect(await keys()).toContain('photos/2025/c.jpg');
  });

  test('marks a photo whose file is gone and keeps its object; gone from both it is lost', async () => {
    writePhotos();
    await world.run('sync');
    rmSync(join(world.dir, 'photos/2025/c.jpg'));
    const orphaning = await world.run('sync');
    expect(orphaning.exitCode).toBe(0);
    expect(orphaning.stdout).toContain('  Actions   1 marked, 2 skipped\n');
    expect(await keys()).toContain('photos/2025/c.jpg');

    await remove('photos/2025/c.jpg');
    const losing = await world.run('sync');
    expect(losing.stdout).toMatch(/^LOST.*2025\/c\.jpg\n/);
  });

  test('syncs only the album that is named', async () => {
    writePhotos();
    const ran = await world.run('sync', '--album', '2024/summer/');
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    expect(await keys()).toEqual(['photos/2024/summer/100% ü.jpg', 'photos/2024/summer/a.jpg']);
    expect(await world.run('sync', '--album', 'nowhere')).toMatchObject({ exitCode: 2 });
  });

  test('syncs a folder to a bucket and prefix named on the command line', async () => {
    world.write('elsewhere/x.jpg', 'x');
    const ran = await world.run('sync', 'elsewhere', `s3://${s3.bucket}/other`);
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    const { Contents = [] } = await s3.client.send(new ListObjectsV2Command({ Bucket: s3.bucket, Prefix: 'other' }));
    expect(Contents.map(({ Key }) => Key)).toEqual(['other/x.jpg']);
  });

  test('deletes only with --delete, and no more than --max-delete', async () => {
    for (let i = 0; i < 30; i += 1) world.write(`photos/${i}.jpg`, `${i}`);
    await world.run('sync');
    for (let i = 0; i < 20; i += 1) rmSync(join(world.dir, `photos/${i}.jpg`));
    const refused = await world.run('sync', '--delete', '--max-delete', '10');
    expect(refused).toMatchObject({ exitCode: 3, stdout: expect.stringContaining('(GUARD_MAX_DELETE)') });
    expect(await keys()).toHaveLength(30);
    const ran = await world.run('sync', '--delete', '--max-delete', '20');
    expect(ran, ran.stdout).toMatchObject({ exitCode: 0 });
    expect(await keys()).toHaveLength(10);
  });
});

describe('log files', () => {
  test('go LOG_KEEP_DAYS after their last line, with the next command; what waits for a restore stays', async () => {
    writePhotos();
    world.env['LOG_KEEP_DAYS'] = '3';
    const days = (name: string, ago: number) => {
      world.write(`logs/${name}`, 'old');
      const at = Date.now() / 1000 - ago * 86_400;
      utimesSync(join(world.dir, 'logs', name), at, at);
    };
    days('rollcall-20260101T000000000Z-sync.log', 4);
    days('rollcall-20260102T000000000Z-restore-status.log', 4);
    days('rollcall-20260103T000000000Z-sync.log', 2);
    days('archive_restore_needed.log', 400);
    await world.run('status');
    const names = readdirSync(join(world.dir, 'logs')).filter((name) => !name.endsWith('-status.log'));
    expect(names.sort()).toEqual(['archive_restore_needed.log', 'rollcall-20260103T000000000Z-sync.log']);
  });
});

describe('rollcall status', () => {
  test('prints what is pending with its reason, and touches nothing', async () => {
    writePhotos();
    await world.run('sync');
    world.write('photos/2025/new.jpg', 'new');
    await remove('photos/2024/summer/a.jpg');
    rmSync(join(world.dir, 'photos/2025/c.jpg'));
    proxy.reset();
    const ran = await world.run('status');
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
    const lines = ran.stdout.split('\n');
    expect(lines[0]).toBe(`photos → s3://${s3.bucket}/photos/: 3 pending`);
    expect(lines).toContain('Upload (1, 3 B)');
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}2025\/new\.jpg {2}\S.+/));
    expect(lines).toContain('Upload again (1, 1 B)');
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}2024\/summer\/a\.jpg {2}\S.+/));
    expect(lines).toContain('Mark as orphaned: gone from disk, the object stays (1)');
    expect(ran.stdout).toMatch(/\nPlanned in .*; nothing was touched\.\n/);
    expect(writes()).toEqual([]);
    expect((await world.run('status')).stdout.split('\n')[0]).toBe(lines[0]);
  });
});

describe('rollcall apply', () => {
  test('runs a plan that was saved, once', async () => {
    writePhotos();
    const planned = await world.run('sync', '--plan-out', 'plan.json');
    expect(planned, planned.stderr).toMatchObject({ exitCode: 0 });
    expect(planned.stdout).toContain('Upload (3, 6 B)');
    expect(await keys()).toEqual([]);

    const applied = await world.run('apply', 'plan.json');
    expect(applied, applied.stderr).toMatchObject({ exitCode: 0 });
    expect(applied.stdout).toContain('3 uploaded');
    expect(await keys()).toHaveLength(3);

    const again = await world.run('apply', 'plan.json');
    expect(again).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('PLAN_STALE (3)') });
    expect((await world.run('status')).stdout).toContain('nothing pending');
  });
});

describe('--json', () => {
  test('makes standard output JSON lines whose last is the report, and leaves log lines to standard error', async () => {
    writePhotos();
    await world.run('sync');
    await remove('photos/2025/c.jpg');
    const ran = await world.run('--json', 'sync');
    const lines = jsonLines(ran.stdout);
    expect(lines.slice(0, -1).map((line) => line['type'])).toEqual(expect.arrayContaining(['progress']));
    expect(lines.at(-1)).toMatchObject({ type: 'report', status: 'succeeded', actions: { reuploaded: 1, skipped: 2 } });
    expect(ran.stderr).toBe('Warning: Existing photo missing from S3, will re-upload: 2025/c.jpg\n');
  });

  test('prints 64-bit numbers of a plan as strings', async () => {
    writePhotos();
    const ran = await world.run('status', '--json');
    const report = jsonLines(ran.stdout).at(-1) as { plan: { kind: string; local: { mtimeNs: string } }[] };
    expect(report.plan).toHaveLength(3);
    expect(report.plan[0]).toMatchObject({ kind: 'upload', local: { mtimeNs: expect.stringMatching(/^\d{19}$/) } });
  });

  test('ends with the report of a run that was refused, too', async () => {
    writePhotos();
    await world.run('sync');
    rmSync(join(world.dir, 'photos'), { recursive: true });
    const ran = await world.run('sync', '--json');
    expect(ran.exitCode).toBe(3);
    expect(jsonLines(ran.stdout).at(-1)).toMatchObject({
      type: 'report',
      status: 'refused',
      error: { code: 'GUARD_ROOT_MISSING' },
    });
    expect(await keys()).toHaveLength(3);
  });
});

describe('what was only tried', () => {
  test('a folder that a dry run or status looked at is not synced by the next sync of everything', async () => {
    writePhotos();
    world.write('private/d.jpg', 'd');
    for (const command of ['status', 'sync --dry-run']) {
      const tried = await world.run(...command.split(' '), 'private', `s3://${s3.bucket}/elsewhere`);
      expect(tried, tried.stderr).toMatchObject({ exitCode: 0 });
    }
    expect(await world.run('sync')).toMatchObject({ exitCode: 0 });
    const { Contents = [] } = await s3.client.send(new ListObjectsV2Command({ Bucket: s3.bucket }));
    expect(Contents.map(({ Key }) => Key)).toHaveLength(3);
  });

  test('a mistyped folder, bucket or root spoils no later sync', async () => {
    writePhotos();
    expect(await world.run('sync', 'phtos', `s3://${s3.bucket}/other`)).toMatchObject({ exitCode: 3 });
    expect(await world.run('sync', 'photos', 's3://no-such-bucket/other')).toMatchObject({ exitCode: 4 });
    const { S3_BUCKET, PHOTOS_ROOT } = world.env;
    Object.assign(world.env, { S3_BUCKET: 'no-such-bucket' });
    expect(await world.run('sync')).toMatchObject({ exitCode: 4 });
    Object.assign(world.env, { S3_BUCKET, PHOTOS_ROOT: join(world.dir, 'phtos') });
    expect(await world.run('sync')).toMatchObject({ exitCode: 3 });
    Object.assign(world.env, { PHOTOS_ROOT });
    const ran = await world.run('sync');
    expect(ran, ran.stdout).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^Synced in /) });
  });

  test('a plan that was saved can still be applied', async () => {
    world.write('elsewhere/d.jpg', 'd');
    await world.run('sync', 'elsewhere', `s3://${s3.bucket}/elsewhere`, '--plan-out', 'plan.json');
    const applied = await world.run('apply', 'plan.json');
    expect(applied, applied.stderr).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('1 uploaded') });
  });
});

describe('what cannot work', () => {
  test('a bucket that is not there is one clear line and exit code 4', async () => {
    writePhotos();
    world.env['S3_BUCKET'] = 'no-such-bucket';
    const ran = await world.run('sync');
    expect(ran).toMatchObject({ exitCode: 4 });
    expect(`${ran.stdout}${ran.stderr}`).toMatch(/no-such-bucket.*\(BUCKET_MISSING\)/);
    expect(`${ran.stdout}${ran.stderr}`).not.toMatch(/\n\s+at /);
    const report = { status: 'failed', error: { code: 'BUCKET_MISSING' } };
    expect(world.log('sync').at(-1)).toMatchObject({ msg: 'rollcall sync ends, exit code 4', exitCode: 4, report });
  });

  test('wrong credentials of the bucket are named, not shown', async () => {
    writePhotos();
    world.env['AWS_SECRET_ACCESS_KEY'] = 'hunter2hunter2';
    const ran = await world.run('sync');
    expect(ran).toMatchObject({ exitCode: 4 });
    expect(`${ran.stdout}${ran.stderr}`).toContain('(BUCKET_CREDENTIALS)');
    expect(`${ran.stdout}${ran.stderr}${JSON.stringify(world.log('sync'))}`).not.toContain('hunter2');
  });

  // A server given from outside may let everybody in.
  test.skipIf(process.env['TEST_DATABASE_URL'])('a wrong password of the database is exit code 4', async () => {
    const url = new URL(database.url);
    url.password = 'hunter2hunter2';
    world.env['DATABASE_URL'] = url.href;
    const ran = await world.run('sync');
    expect(ran).toMatchObject({ exitCode: 4, stdout: '' });
    expect(ran.stderr).toMatch(/^rollcall: .*\(DATABASE_DENIED\)\n$/);
    expect(`${ran.stderr}${JSON.stringify(world.log('sync'))}`).not.toContain('hunter2');
    expect(world.log('sync').at(-1)).toMatchObject({ exitCode: 4, error: { code: 'DATABASE_DENIED' } });
  });

  test('a log folder that cannot be written is said once and stops nothing', async () => {
    writePhotos();
    writeFileSync(join(world.dir, 'taken'), '');
    world.env['LOG_DIR'] = join(world.dir, 'taken/logs');
    const ran = await world.run('sync');
    expect(ran).toMatchObject({ exitCode: 0 });
    expect(saidBesides(ran)).toMatch(/^No log file is written: ENOTDIR.*\n$/);
    expect(await keys()).toHaveLength(3);
  });
});

describe('Ctrl-C', () => {
  /** Holds the upload of the second photo until it is let go. */
  function holdSecondUpload(): { held(running: Running): Promise<void>; release(): void } {
    const held = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    let uploads = 0;
    const first = async () => {
      held.resolve();
      await release.promise;
    };
    proxy.fail(({ method, path }) => {
      if (method !== 'PUT' || !path.endsWith('.jpg')) return null;
      uploads += 1;
      return uploads === 2 ? { kind: 'after', first } : null;
    });
    const tooEarly = async ({ ended }: Running) => {
      throw new Error(`ended before its second upload: ${JSON.stringify(await ended)}`);
    };
    return { held: (running) => Promise.race([held.promise, tooEarly(running)]), release: release.resolve };
  }

  beforeEach(() => {
    world.env['SYNC_UPLOAD_CONCURRENCY'] = '1';
    for (let i = 0; i < 20; i += 1) world.write(`photos/${i}.jpg`, `${i}`);
  });

  test('finishes what is under way, ends cleanly, and the next sync does the rest', async () => {
    const { held, release } = holdSecondUpload();
    const running = world.start('sync');
    await held(running);
    running.process.kill('SIGINT');
    await running.says('Stopping: what is under way is finished first.');
    release();
    const ran = await running.ended;
    expect(ran, ran.stderr).toMatchObject({ exitCode: 1, signal: null });
    expect(ran.stdout).toContain('the next sync goes on from here');
    expect(world.log('sync').at(-1)).toMatchObject({
      msg: 'rollcall sync ends, exit code 1',
      report: { error: { code: 'CANCELLED' }, actions: { uploaded: expect.any(Number) } },
    });
    const uploaded = (await keys()).length;
    expect(uploaded).toBeLessThan(20);

    proxy.reset();
    const rest = await world.run('sync');
    expect(rest.stdout).toContain(`  Actions   ${20 - uploaded} uploaded, ${uploaded} skipped\n`);
    expect(await keys()).toHaveLength(20);
  });

  test('twice ends at once, and the next sync does the rest', async () => {
    const { held, release } = holdSecondUpload();
    const running = world.start('sync');
    await held(running);
    running.process.kill('SIGINT');
    await running.says('Stopping');
    // Sooner it would count as the same key press.
    await pause(700);
    running.process.kill('SIGINT');
    expect(await running.ended).toMatchObject({ exitCode: 130, signal: null });
    const log = world.log('sync').slice(-2);
    expect(log).toMatchObject([{}, { msg: 'rollcall sync was ended at once, exit code 130', exitCode: 130 }]);
    release();

    proxy.reset();
    const rest = await world.run('sync');
    expect(rest, rest.stderr).toMatchObject({ exitCode: 0 });
    expect(await keys()).toHaveLength(20);
    expect((await world.run('status')).stdout).toContain('nothing pending');
  });

  test('leaves no temporary file in the library', async () => {
    await world.run('sync');
    expect(readdirSync(join(world.dir, 'photos'))).toHaveLength(20);
    expect(existsSync(join(world.dir, 'photos/.data'))).toBe(false);
  });
});
