import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
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
  });
});

afterEach(async () => {
  world.close();
  await s3.close();
  await database.drop();
});

const put = (Key: string, Body: string) => s3.client.send(new PutObjectCommand({ Bucket: s3.bucket, Key, Body }));

test('status --compare content shows four lists, and the plan and report after them', async () => {
  world.write('photos/x/same.jpg', 'aaa');
  world.write('photos/x/other.jpg', 'aaa');
  world.write('photos/x/here.jpg', 'here');
  await put('photos/x/same.jpg', 'aaa');
  await put('photos/x/other.jpg', 'bbb');
  await put('photos/x/there.jpg', 'there');

  const shown = await world.run('status', '--compare', 'content', '--direction', 'both');
  expect(shown, shown.stderr).toMatchObject({ exitCode: 0 });
  expect(shown.stdout).toContain(`photos = s3://${s3.bucket}/photos/, by content:
Missing in S3 (1)
  x/here.jpg  4 B
Missing locally (1)
  x/there.jpg  5 B
Different (1)
  x/other.jpg  other content
Identical (1)
`);
  expect(shown.stdout).toContain(`photos ↔ s3://${s3.bucket}/photos/: 4 pending`);
  expect(shown.stdout).toContain('Download (1, 5 B)');

  const told = await world.run('status', '--album', 'x', '--compare', 'content', '--json');
  const lines = jsonLines(told.stdout);
  expect(lines.at(0)).toMatchObject({
    type: 'comparison',
    library: 'photos',
    album: 'x',
    missing_in_s3: [{ filename: 'here.jpg', localPath: 'x/here.jpg', size: 4 }],
    missing_locally: [{ filename: 'there.jpg', s3Key: 'photos/x/there.jpg', size: 5 }],
    different: [{ filename: 'other.jpg', reason: 'content_mismatch' }],
    identical: [{ filename: 'same.jpg', size: 3 }],
  });
  expect(lines.at(-1)).toMatchObject({ type: 'report', status: 'planned' });
});

test('sync --direction both brings down and sends up, and says so', async () => {
  world.write('photos/x/here.jpg', 'here');
  await put('photos/x/there.jpg', 'there');
  const synced = await world.run('sync', '--direction', 'both');
  expect(synced, synced.stderr).toMatchObject({ exitCode: 0 });
  expect(synced.stdout).toContain('Actions   1 uploaded, 1 downloaded\n');
  expect(synced.stdout).toContain('Bytes     4 B uploaded, 5 B downloaded\n');
  expect(readFileSync(join(world.dir, 'photos/x/there.jpg'), 'utf8')).toBe('there');
  const report = jsonLines((await world.run('sync', '--direction', 'both', '--json')).stdout).at(-1);
  expect(report).toMatchObject({
    files_downloaded: 0,
    files_uploaded: 0,
    files_skipped_download: 2,
    files_skipped_upload: 2,
  });
});

test('a comparison of what cannot be read is an error with its exit code', async () => {
  world.write('photos/x/a.jpg', 'aaa');
  world.env['S3_BUCKET'] = 'no-such-bucket';
  const ran = await world.run('status', '--compare', 'content', '--json');
  expect(ran.exitCode).toBe(4);
  expect(jsonLines(ran.stdout)).toMatchObject([{ type: 'error', code: 'BUCKET_MISSING' }]);
});
