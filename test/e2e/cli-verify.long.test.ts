import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { rotInBucket, rotOnDisk } from '../support/damage.ts';
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
    TZ: 'UTC',
  });
});

afterEach(async () => {
  world.close();
  await proxy.close();
  await s3.close();
  await database.drop();
});

const onDisk = (path: string) => join(world.dir, 'photos', path);
const photo = (path: string) => `the bytes of ${path}`;

function write(...paths: string[]): void {
  for (const path of paths) world.write(`photos/${path}`, photo(path));
}

/** The commands that the output advises, each as a shell takes it apart. */
function advised(stdout: string, part: string): string[][] {
  const commands = stdout.split('\n').flatMap((line) => {
    const [, command] = /^ +(rollcall .*)$/.exec(line) ?? [];
    return command?.includes(part) ? [command] : [];
  });
  return commands.map((command) => {
    const words = execFileSync('sh', ['-c', `set -- ${command}; shift; printf '%s\\n' "$@"`], { encoding: 'utf8' });
    return words.trimEnd().split('\n');
  });
}

test('a library in order is read and found whole', async () => {
  write('2024/a.jpg', '2025/b.jpg');
  await world.run('sync');
  const ran = await world.run('verify');
  expect([ran.exitCode, saidBesides(ran)]).toEqual([0, '']);
  expect(ran.stdout).toMatch(
    /^Checked 2 photos in .*: no damage\.\n {2}Photos {4}2 whole\n {2}Read {6}92 B\n {2}Requests {2}1 LIST, 2 GET \(.*\)\n {2}Run {7}\S+\n$/,
  );
  const json = await world.run('verify', '--sample', '50%', '--json');
  expect(json).toMatchObject({ exitCode: 0 });
  expect(jsonLines(json.stdout).at(-1)).toMatchObject({ type: 'report', checked: { photos: 1, whole: 1 } });
  expect(world.log('verify').at(-1)).toMatchObject({ report: { checked: { photos: 1 } }, exitCode: 0 });

  world.write('mistyped/a.jpg', 'a');
  const unknown = await world.run('verify', 'mistyped', `s3://${s3.bucket}/mistyped/`);
  expect(unknown, unknown.stderr).toMatchObject({ exitCode: 0 });
  expect(unknown.stderr).toMatch(/^Nothing of .*mistyped has been synced to s3:/);
  expect(unknown.stdout).toContain('There was nothing to check');
});

test('every damaged photo is named, and what is advised mends it', async () => {
  const album = "it's summer, 2024";
  write(`${album}/disk.jpg`, '2025/bucket.jpg', '2025/missing.jpg', '2026/theirs.jpg', '2027/ours.jpg', 'whole.jpg');
  write(`${album}/kept.jpg`);
  await world.run('sync');
  rotOnDisk(onDisk(`${album}/disk.jpg`));
  rotInBucket(s3, photo('2025/bucket.jpg'));
  await s3.client.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key: 'photos/2025/missing.jpg' }));
  for (const path of ['2026/theirs.jpg', '2027/ours.jpg']) {
    await s3.client.send(new PutObjectCommand({ Bucket: s3.bucket, Key: `photos/${path}`, Body: 'by somebody else' }));
  }

  const found = await world.run('verify');
  expect(found, found.stderr).toMatchObject({ exitCode: 1 });
  expect(found.stdout).toContain(`Damaged on disk, whole in the bucket (1):\n  ${album}/disk.jpg\n`);
  expect(found.stdout).toMatch(
    /\nDamaged in the bucket \(1\):\n {2}2025\/bucket\.jpg: s3:\S+: what came .* \(OBJECT_DAMAGED\)\n/,
  );
  expect(found.stdout).toContain('\nMissing from the bucket (1):\n  2025/missing.jpg\n');
  expect(found.stdout).toContain('(2):\n  2026/theirs.jpg\n  2027/ours.jpg\n');
  expect(found.stdout).toMatch(/\nChecked 7 photos in .*: 5 photos damaged\.\n {2}Photos {4}2 whole, 5 damaged\n/);
  const lines = world.log('verify').flatMap(({ code, path }) => (code === undefined ? [] : [`${code} ${path}`]));
  expect(lines.sort()).toEqual([
    `DISK_DAMAGED ${album}/disk.jpg`,
    'OBJECT_CHANGED 2026/theirs.jpg',
    'OBJECT_CHANGED 2027/ours.jpg',
    'OBJECT_DAMAGED 2025/bucket.jpg',
    'OBJECT_MISSING 2025/missing.jpg',
  ]);

  renameSync(onDisk(`${album}/disk.jpg`), join(world.dir, 'moved-away.jpg'));
  const down = advised(found.stdout, '--direction down');
  const source = advised(found.stdout, '--overwrite source');
  const again = advised(found.stdout, '--album 2025');
  expect(down.map((words) => words.at(-1))).toEqual([album, '2026', '2027']);
  expect(again).toEqual([
    ['sync', '--album', '2025'],
    ['sync', '--album', '2025'],
  ]);
  for (const words of [...down.slice(0, 2), ...again.slice(0, 1), ...source.slice(1)]) {
    const ran = await world.run(...words);
    expect(ran, ran.stdout).toMatchObject({ exitCode: 0 });
  }
  const after = await world.run('verify');
  expect(after, after.stdout).toMatchObject({ exitCode: 0 });
  expect(after.stdout).toContain('7 whole');
  const theirs = execFileSync('cat', [onDisk('2026/theirs.jpg')], { encoding: 'utf8' });
  expect(theirs).toBe('by somebody else');
});

test('what cannot be read is told with its reason, and is no damage', async () => {
  write('a.jpg', 'b.jpg');
  await world.run('sync');
  renameSync(onDisk('a.jpg'), join(world.dir, 'a.jpg'));
  mkdirSync(onDisk('a.jpg'));
  const ran = await world.run('verify');
  expect(ran).toMatchObject({ exitCode: 1 });
  expect(ran.stdout).toMatch(/^Could not be read.* \(1\):\n {2}a\.jpg: .*not a regular file.* \(FILE_UNREADABLE\)\n/);
  expect(ran.stdout).toContain('1 whole, 1 not readable');
});

test('one that was killed, and then stopped, goes on where it was', async () => {
  const photos = Array.from({ length: 60 }, (_, i) => `${i}.jpg`);
  write(...photos);
  await world.run('sync');

  const killed = await holdingAfter(25);
  killed.process.kill('SIGKILL');
  expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' });
  const first = await checked();
  expect(first.length).toBeGreaterThan(0);

  const stopped = await holdingAfter(10);
  stopped.process.kill('SIGINT');
  const ended = await stopped.ended;
  expect(ended, ended.stderr).toMatchObject({ exitCode: 1, signal: null });
  expect(ended.stderr).toMatch(
    /^Going on with the verify of photos that began \d{4}-\d\d-\d\d \d\d:\d\d and was cut off: \d+ photos/,
  );
  expect(ended.stdout).toContain('the next rollcall verify goes on from here');
  const second = await checked();
  expect(second.length).toBeGreaterThan(first.length);

  proxy.reset();
  const last = await world.run('verify', '--json');
  expect(last, last.stderr).toMatchObject({ exitCode: 0 });
  const told = jsonLines(last.stdout);
  expect(told).toContainEqual(expect.objectContaining({ type: 'resumed', library: 'photos', photos: second.length }));
  expect(told.at(-1)).toMatchObject({ type: 'report', checked: { photos: photos.length - second.length } });
  const read = proxy.seen.map(({ path }) => basename(path)).filter((name) => name.endsWith('.jpg'));
  expect(read.toSorted()).toEqual(photos.filter((path) => !second.includes(path)).toSorted());
});

/** Starts a verify whose objects are answered up to a number, and waits until that is noted. */
async function holdingAfter(objects: number): Promise<Running> {
  const before = (await checked()).length;
  proxy.reset();
  let asked = 0;
  const never = new Promise(() => {});
  proxy.fail(({ path }) => (path.endsWith('.jpg') && ++asked > objects ? { kind: 'after', first: () => never } : null));
  const running = world.start('verify');
  while ((await checked()).length < before + objects) await pause(20);
  return running;
}

/** Photos that the catalog knows to be checked. */
async function checked(): Promise<string[]> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    const { rows } = await client.query<{ path: string }>('SELECT path FROM "Photo" WHERE "checkedAt" IS NOT NULL');
    return rows.map(({ path }) => path);
  } finally {
    await client.end();
  }
}
