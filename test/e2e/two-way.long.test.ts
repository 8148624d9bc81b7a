import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startTestS3, type TestS3 } from '../support/s3.ts';
import { createWorld, type World } from '../support/world.ts';
import { cliWorld, jsonLines } from './cli-world.ts';

let s3: TestS3;
let closers: (() => Promise<void>)[];

beforeEach(async () => {
  closers = [];
  s3 = await startTestS3();
  closers.push(() => s3.close());
});
afterEach(async () => {
  for (const close of closers.reverse()) await close();
});

type Machine = Awaited<ReturnType<typeof machine>>;

/** A computer of its own: a folder, a catalog, and the bucket that it shares with the others. */
async function machine(env: Record<string, string> = {}) {
  const [world, database] = await Promise.all([cliWorld(), createTestDatabase()]);
  closers.push(async () => {
    world.close();
    await database.drop();
  });
  Object.assign(world.env, {
    DATABASE_URL: database.url,
    S3_BUCKET: s3.bucket,
    S3_ENDPOINT: s3.endpoint,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    PHOTOS_ROOT: join(world.dir, 'photos'),
    STABLE_SECONDS: '0',
    PORT: '0',
    ...env,
  });
  const at = (path: string) => join(world.dir, 'photos', path);
  mkdirSync(at('.'));
  return {
    ...world,
    at,
    photo: (path: string, content: string) => world.write(`photos/${path}`, content),
    read: (path: string) => readFileSync(at(path), 'utf8'),
    files: () =>
      readdirSync(at('.'), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => entry.name)
        .sort(),
    /** One two-way sync: its counts, and the line that it closes its log with. */
    async sync() {
      const ran = await world.run('sync', '--direction', 'both', '--json');
      expect(ran, ran.stderr).toMatchObject({ exitCode: 0 });
      const report = jsonLines(ran.stdout).at(-1) as unknown as Record<string, number>;
      const messages = world.log('sync').map((line) => String(line['msg']));
      const { files_downloaded, files_uploaded, files_skipped_download, files_skipped_upload } = report;
      const skipped = (files_skipped_download ?? NaN) + (files_skipped_upload ?? NaN);
      const counts = { files_downloaded, files_uploaded, skipped };
      return { report, counts, messages, closing: messages.find((line) => line.startsWith('S3 sync')) };
    },
  };
}

const put = (key: string, body: string) =>
  s3.client.send(new PutObjectCommand({ Bucket: s3.bucket, Key: `photos/${key}`, Body: body }));
const remove = (key: string) => s3.client.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key: `photos/${key}` }));
async function body(key: string): Promise<string | undefined> {
  const answer = await s3.client.send(new GetObjectCommand({ Bucket: s3.bucket, Key: `photos/${key}` }));
  return answer.Body?.transformToString();
}
async function keys(): Promise<string[]> {
  const { Contents = [] } = await s3.client.send(new ListObjectsV2Command({ Bucket: s3.bucket, Prefix: 'photos/' }));
  return Contents.map(({ Key = '' }) => Key.slice('photos/'.length));
}

/** Files that disk and bucket both hold, put there by other tools: no catalog knows of them. */
async function share(on: Machine, ...names: string[]): Promise<void> {
  for (const name of names) {
    on.photo(name, `bytes of ${name}`);
    await put(name, `bytes of ${name}`);
  }
}

describe('a two-way sync on a machine that has never synced before', () => {
  test('with an empty disk and 3 objects downloads 3', async () => {
    const one = await machine();
    for (const name of ['1.jpg', '2024/2.jpg', '2024/summer/3.jpg']) await put(name, `bytes of ${name}`);
    const { counts, closing, messages } = await one.sync();
    expect(counts).toEqual({ files_downloaded: 3, files_uploaded: 0, skipped: 0 });
    expect(closing).toBe('S3 sync completed: ⬇️  3 downloaded, ⬆️  0 uploaded, ⏭️  0 skipped');
    expect(messages).toContain('⬇️  Downloaded from S3: 2024/summer/3.jpg');
    expect(one.read('2024/summer/3.jpg')).toBe('bytes of 2024/summer/3.jpg');
    expect(one.files()).toEqual(['1.jpg', '2.jpg', '3.jpg']);
  });

  test('with one new file among two shared uploads 1 and skips 4', async () => {
    const one = await machine();
    await share(one, 'a.jpg', 'b.jpg');
    one.photo('new.jpg', 'new here');
    const { counts, closing, messages } = await one.sync();
    expect(counts).toEqual({ files_downloaded: 0, files_uploaded: 1, skipped: 4 });
    expect(closing).toBe('S3 sync completed: ⬇️  0 downloaded, ⬆️  1 uploaded, ⏭️  4 skipped');
    expect(messages).toContain('⬆️  Uploaded to S3: new.jpg');
    expect(await body('new.jpg')).toBe('new here');
  });

  test('with one new object beside two shared downloads 1 and skips 4', async () => {
    const one = await machine();
    await share(one, 'a.jpg', 'b.jpg');
    await put('new.jpg', 'new there');
    const { counts, closing } = await one.sync();
    expect(counts).toEqual({ files_downloaded: 1, files_uploaded: 0, skipped: 4 });
    expect(closing).toBe('S3 sync completed: ⬇️  1 downloaded, ⬆️  0 uploaded, ⏭️  4 skipped');
    expect(one.read('new.jpg')).toBe('new there');
  });

  test('with three in sync skips 6 and says that all are', async () => {
    const one = await machine();
    await share(one, 'a.jpg', 'b.jpg', 'c.jpg');
    const { counts, closing, report } = await one.sync();
    expect(counts).toEqual({ files_downloaded: 0, files_uploaded: 0, skipped: 6 });
    expect(closing).toBe('S3 sync: All files in sync (⏭️  6 files already exist)');
    expect(report).toMatchObject({ status: 'succeeded', requests: { list: 1, head: 0, get: 0, put: 0 } });
  });
});

describe('a two-way sync on a machine that knows what is shared', () => {
  let world: World;
  beforeEach(async () => {
    world = await createWorld();
    closers.push(() => world.close());
  });

  async function sync() {
    const report = await world.sync({ direction: 'both' });
    const { files_downloaded, files_uploaded, files_skipped_download = NaN, files_skipped_upload = NaN } = report;
    const closing = world.logged.find((line) => line.startsWith('S3 sync'));
    return { files_downloaded, files_uploaded, skipped: files_skipped_download + files_skipped_upload, closing };
  }

  async function known(...names: string[]): Promise<void> {
    for (const name of names) world.write(name);
    await sync();
  }

  test('with one new file among two shared uploads 1 and skips 4', async () => {
    await known('a.jpg', 'b.jpg');
    world.write('new.jpg');
    const closing = 'S3 sync completed: ⬇️  0 downloaded, ⬆️  1 uploaded, ⏭️  4 skipped';
    expect(await sync()).toEqual({ files_downloaded: 0, files_uploaded: 1, skipped: 4, closing });
  });

  test('with one new object beside two shared downloads 1 and skips 4', async () => {
    await known('a.jpg', 'b.jpg');
    await world.put('photos/new.jpg', 'new there');
    const closing = 'S3 sync completed: ⬇️  1 downloaded, ⬆️  0 uploaded, ⏭️  4 skipped';
    expect(await sync()).toEqual({ files_downloaded: 1, files_uploaded: 0, skipped: 4, closing });
  });

  test('with three in sync skips 6 and says that all are', async () => {
    await known('a.jpg', 'b.jpg', 'c.jpg');
    const closing = 'S3 sync: All files in sync (⏭️  6 files already exist)';
    expect(await sync()).toEqual({ files_downloaded: 0, files_uploaded: 0, skipped: 6, closing });
  });

  test('brings back a file that was deleted on disk, as it was', async () => {
    await known('a.jpg', 'b.jpg');
    const { mtimeMs } = statSync(join(world.root, 'a.jpg'));
    world.remove('a.jpg');
    expect(await sync()).toMatchObject({ files_downloaded: 1, files_uploaded: 0, skipped: 2 });
    expect(readFileSync(join(world.root, 'a.jpg'), 'utf8')).toBe('bytes of a.jpg');
    expect(statSync(join(world.root, 'a.jpg')).mtimeMs).toBe(mtimeMs);
    expect(await sync()).toMatchObject({ files_downloaded: 0, files_uploaded: 0, skipped: 4 });
  });

  test('brings back an object that was deleted in the bucket', async () => {
    await known('a.jpg', 'b.jpg');
    await world.deleteObject('photos/a.jpg');
    expect(await sync()).toMatchObject({ files_downloaded: 0, files_uploaded: 1, skipped: 2 });
    expect(await world.read('photos/a.jpg')).toBe('bytes of a.jpg');
    expect(await sync()).toMatchObject({ files_downloaded: 0, files_uploaded: 0, skipped: 4 });
  });

  test('leaves a file that was edited on both sides alone, until one of the two is deleted', async () => {
    await known('a.jpg', 'b.jpg');
    world.write('a.jpg', 'edited here');
    await world.put('photos/a.jpg', 'edited there too');
    for (let cycle = 0; cycle < 2; cycle++) {
      expect(await world.sync({ direction: 'both' })).toMatchObject({ actions: { conflicts: 1, failed: 0 } });
      expect(readFileSync(join(world.root, 'a.jpg'), 'utf8')).toBe('edited here');
      expect(await world.read('photos/a.jpg')).toBe('edited there too');
    }
    world.remove('a.jpg');
    await sync();
    expect(readFileSync(join(world.root, 'a.jpg'), 'utf8')).toBe('edited there too');
  });
});

describe('rollcall serve with a library that asks for two-way syncs', () => {
  const ADDRESS = /"address":"(http:[^"]+)"/;

  /** A server with a schedule of one second, its library asking for both ways. */
  async function serving(one: Machine) {
    one.env['SYNC_INTERVAL_SECONDS'] = '1';
    const server = one.start('serve', '--json');
    await server.says('"ready"');
    const address = ADDRESS.exec(server.said())?.[1] ?? '';
    const { libraries } = (await (await fetch(`${address}/api/libraries`)).json()) as { libraries: { id: string }[] };
    const headers = { 'Content-Type': 'application/json' };
    const change = { method: 'PATCH', headers, body: JSON.stringify({ sync: 'both' }) };
    const patched = await fetch(`${address}/api/libraries/${libraries[0]?.id}`, change);
    expect(await patched.json()).toMatchObject({ sync: 'both' });
    return { server, address };
  }

  const soon = { timeout: 100_000, interval: 100 };

  test('keeps two machines together: what one adds reaches the other, what is deleted by mistake comes back', async () => {
    const [one, two] = [await machine(), await machine()];
    const [first, second] = [await serving(one), await serving(two)];
    one.photo('from-one.jpg', 'one');
    await expect.poll(keys, soon).toEqual(['from-one.jpg']);
    two.photo('album/from-two.jpg', 'two');
    await expect.poll(() => existsSync(two.at('from-one.jpg')), soon).toBe(true);
    await expect.poll(() => existsSync(one.at('album/from-two.jpg')), soon).toBe(true);
    expect([two.read('from-one.jpg'), one.read('album/from-two.jpg')]).toEqual(['one', 'two']);
    await remove('from-one.jpg');
    await expect.poll(keys, soon).toEqual(['album/from-two.jpg', 'from-one.jpg']);
    rmSync(one.at('from-one.jpg'));
    await expect.poll(() => existsSync(one.at('from-one.jpg')), soon).toBe(true);

    const health = await fetch(`${first.address}/api/health`);
    expect(await health.json()).toMatchObject({
      status: 'ok',
      parts: { twoWay: [{ library: 'photos', ok: true, lastGoodAt: expect.stringMatching(/^\d{4}-/) }] },
    });
    for (const { server } of [first, second]) server.process.kill('SIGTERM');
    for (const { server } of [first, second]) expect(await server.ended).toMatchObject({ exitCode: 0, signal: null });
    const messages = jsonLines((await first.server.ended).stdout).map((line) => line['msg']);
    expect(messages).toContain('S3 sync completed: ⬇️  0 downloaded, ⬆️  1 uploaded, ⏭️  0 skipped');
  });

  test('on SIGTERM finishes what is in flight, records it and begins nothing else', async () => {
    const proxy = await startFaultProxy(s3.endpoint);
    closers.push(() => proxy.close());
    const one = await machine({ S3_ENDPOINT: proxy.endpoint, SYNC_UPLOAD_CONCURRENCY: '1' });
    const held = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    proxy.fail(({ method, path }) => {
      if (method !== 'PUT' || !path.endsWith('/photos/1.jpg')) return null;
      reached.resolve();
      return { kind: 'after', first: () => held.promise };
    });
    for (const name of ['1.jpg', '2.jpg', '3.jpg']) one.photo(name, name);
    const { server } = await serving(one);
    await reached.promise;
    server.process.kill('SIGTERM');
    await server.says('Stopping…');
    held.resolve();
    expect(await server.ended).toMatchObject({ exitCode: 0, signal: null });
    expect(await keys()).toEqual(['1.jpg']);
    proxy.fail(() => null);
    expect((await one.sync()).counts).toEqual({ files_downloaded: 0, files_uploaded: 2, skipped: 2 });
  });

  test('goes on after cycles that failed', async () => {
    const one = await machine();
    const { server } = await serving(one);
    one.photo('a.jpg', 'a');
    await expect.poll(keys, soon).toEqual(['a.jpg']);
    // An unmounted disk.
    renameSync(one.at('.'), `${one.dir}/unmounted`);
    await server.says('Two-way sync of photos failed:');
    expect(await keys()).toEqual(['a.jpg']);
    one.photo('a.jpg', 'a');
    one.photo('b.jpg', 'b');
    await expect.poll(keys, soon).toEqual(['a.jpg', 'b.jpg']);
    server.process.kill('SIGTERM');
    expect(await server.ended).toMatchObject({ exitCode: 0, signal: null });
  });
});
