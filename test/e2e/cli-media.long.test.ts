import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestDatabase } from '../support/postgres.ts';
import { startTestS3, type TestS3 } from '../support/s3.ts';
import { type CliWorld, cliWorld, jsonLines } from './cli-world.ts';

let world: CliWorld;
let database: { url: string; drop(): Promise<void> };
let s3: TestS3;

beforeEach(async () => {
  [world, database, s3] = await Promise.all([cliWorld(), createTestDatabase(), startTestS3()]);
  Object.assign(world.env, {
    DATABASE_URL: database.url,
    S3_BUCKET: s3.bucket,
    S3_ENDPOINT: s3.endpoint,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    PHOTOS_ROOT: join(world.dir, 'photos'),
    STABLE_SECONDS: '0',
    PORT: '0',
  });
  const image = await sharp({ create: { width: 640, height: 480, channels: 3, background: 'teal' } })
    .jpeg()
    .toBuffer();
  world.write('photos/2024/a.jpg', image);
  world.write('photos/2024/broken.jpg', image.subarray(0, 300));
  world.write('photos/2025/b.jpg', image);
});
afterEach(async () => {
  world.close();
  await s3.close();
  await database.drop();
});

async function variants(): Promise<number> {
  const asked = new ListObjectsV2Command({ Bucket: s3.bucket, Prefix: 'variants/' });
  return ((await s3.client.send(asked)).Contents ?? []).length;
}

test('rollcall media looks at what nobody has looked at, says what cannot be seen, and is then done', async () => {
  await world.run('sync');
  const album = await world.run('media', '--album', '2025');
  expect(album, album.stderr).toMatchObject({ exitCode: 0 });
  expect(album.stdout).toBe('photos: looked at 1 photo.\n  Photos  1 with previews\n');
  const rest = await world.run('media');
  expect(rest, rest.stderr).toMatchObject({ exitCode: 0 });
  expect(rest.stdout).toBe('photos: looked at 2 photos.\n  Photos  2 with previews, 1 corrupt\n');
  expect(rest.stderr).toContain('2024/broken.jpg is corrupt');
  expect(await variants()).toBe(4);
  const again = await world.run('media', '--json');
  expect(jsonLines(again.stdout).at(-1)).toMatchObject({ type: 'report', done: { claimed: 0 }, photos: { ready: 2 } });
  const all = await world.run('media', '--all');
  expect(all.stdout).toContain('looked at 3 photos');
  expect(await world.run('media', '--all', '--missing')).toMatchObject({ exitCode: 2 });
});

test('rollcall media of a folder that is not there is refused, and nothing is taken for gone', async () => {
  await world.run('sync');
  rmSync(join(world.dir, 'photos'), { recursive: true });
  const ran = await world.run('media');
  expect(ran).toMatchObject({ exitCode: 3 });
  expect(ran.stderr).toContain('(GUARD_ROOT_MISSING)');
});

test('a server looks at photos by itself after a sync, and tells a browser where their pictures are', async () => {
  const server = world.start('serve');
  await server.says(/is up at http:\/\/\S+/);
  const address = /is up at (http:\/\/\S+)/.exec(server.said())?.[1] ?? '';
  const ask = async (path: string) => (await fetch(`${address}${path}`)).json() as Promise<Record<string, never>>;
  await fetch(`${address}/api/sync`, { method: 'POST' });
  await expect.poll(variants, { timeout: 100_000, interval: 200 }).toBe(4);
  const { albums } = (await ask('/api/albums')) as unknown as { albums: { id: string; path: string }[] };
  const album = albums.find(({ path }) => path === '2024');
  type Photo = { id: string; fileName: string; thumbhash: string | null; variants: { url: string }[] };
  const photos = async () =>
    ((await ask(`/api/albums/${album?.id}/photos?order=takenAt`)) as unknown as { photos: Photo[] }).photos;
  await expect.poll(async () => (await photos()).find(({ fileName }) => fileName === 'a.jpg')?.variants.length).toBe(2);
  const photo = (await photos()).find(({ fileName }) => fileName === 'a.jpg');
  expect(photo?.thumbhash).toEqual(expect.any(String));
  const thumb = await fetch(photo?.variants[0]?.url ?? '');
  expect(thumb.status).toBe(200);
  expect(await sharp(Buffer.from(await thumb.arrayBuffer())).metadata()).toMatchObject({ format: 'webp', width: 320 });
  const original = (await ask(`/api/photos/${photo?.id}/url?download=true`)) as unknown as { url: string };
  const answer = await fetch(original.url);
  expect(answer.headers.get('content-disposition')).toContain('a.jpg');
  server.process.kill('SIGTERM');
  expect(await server.ended).toMatchObject({ exitCode: 0 });
});
