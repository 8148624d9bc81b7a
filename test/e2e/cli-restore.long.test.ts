import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { CopyObjectCommand, DeleteObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestDatabase } from '../support/postgres.ts';
import { startTestS3, type TestS3 } from '../support/s3.ts';
import { type CliWorld, cliWorld, jsonLines } from './cli-world.ts';

let world: CliWorld;
let database: { url: string; drop(): Promise<void> };
let s3: TestS3;

beforeEach(async () => {
  // Bulk is there at once and Standard never, as far as a test is concerned.
  const restoreDelayMs = { Standard: 3_600_000, Bulk: 0 };
  [world, database, s3] = await Promise.all([cliWorld(), createTestDatabase(), startTestS3({ restoreDelayMs })]);
  Object.assign(world.env, {
    DATABASE_URL: database.url,
    S3_BUCKET: s3.bucket,
    S3_ENDPOINT: s3.endpoint,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    PHOTOS_ROOT: join(world.dir, 'photos'),
    STABLE_SECONDS: '0',
    TZ: 'UTC',
  });
});

afterEach(async () => {
  world.close();
  await s3.close();
  await database.drop();
});

async function keys(): Promise<string[]> {
  const { Contents = [] } = await s3.client.send(new ListObjectsV2Command({ Bucket: s3.bucket }));
  return Contents.map(({ Key }) => Key ?? '');
}

/** Two photos renamed, whose objects are archived. */
async function renameArchived(): Promise<void> {
  for (const name of ['a', 'b']) world.write(`photos/2014/${name}.jpg`, name);
  await world.run('sync');
  for (const name of ['a', 'b']) {
    const Key = `photos/2014/${name}.jpg`;
    const CopySource = `${s3.bucket}/${Key}`;
    await s3.client.send(new CopyObjectCommand({ Bucket: s3.bucket, Key, CopySource, StorageClass: 'DEEP_ARCHIVE' }));
  }
  renameSync(join(world.dir, 'photos/2014'), join(world.dir, 'photos/2015'));
}

test('a rename that meets archived objects waits; restore, restore-status and a sync bring it to its end', async () => {
  await renameArchived();
  const met = await world.run('sync');
  expect(met, met.stderr).toMatchObject({ exitCode: 0 });
  expect(met.stdout).toMatch(/^2 photos wait for archived objects\.\n {2}rollcall restore asks for them/);
  const needed = readFileSync(join(world.dir, 'logs/archive_restore_needed.log'), 'utf8');
  expect(needed.split('\n')).toEqual([
    expect.stringMatching(/^\d{4}-.*Z\ts3:\/\/\S+\/photos\/2014\/a\.jpg\tDEEP_ARCHIVE\tmove to 2015\/a\.jpg$/),
    expect.stringMatching(/^\d{4}-.*Z\ts3:\/\/\S+\/photos\/2014\/b\.jpg\tDEEP_ARCHIVE\tmove to 2015\/b\.jpg$/),
    '',
  ]);

  const before = await world.run('restore-status');
  expect(before, before.stderr).toMatchObject({ exitCode: 0, stderr: '' });
  expect(before.stdout).toContain('\n  waiting      2014/a.jpg  DEEP_ARCHIVE, for a move\n');
  expect(before.stdout).toMatch(/\n2 waiting\.\nTo be asked for: rollcall restore/);

  const asked = await world.run('restore', '--tier', 'Bulk', '--days', '14');
  expect(asked, asked.stderr).toMatchObject({ exitCode: 0 });
  expect(asked.stdout).toMatch(/\n {2}in progress {2}2014\/a\.jpg {2}DEEP_ARCHIVE, for a move, asked for \d{4}-/);
  const log = world.log('restore');
  expect(log.filter(({ msg }) => String(msg).startsWith('Restore asked for: s3://'))).toMatchObject([
    { days: 14, tier: 'Bulk' },
    { days: 14, tier: 'Bulk' },
  ]);
  expect(log.at(-1)).toMatchObject({ archived: { inProgress: 2 }, exitCode: 0 });

  const readable = await world.run('restore-status', '--json');
  const lines = jsonLines(readable.stdout);
  expect(lines.slice(0, 2)).toMatchObject([
    { type: 'archived', library: 'photos', key: 'photos/2014/a.jpg', status: 'restored' },
    { type: 'archived', library: 'photos', key: 'photos/2014/b.jpg', status: 'restored' },
  ]);
  expect(lines.at(-1)).toEqual({ type: 'report', waiting: 0, inProgress: 0, restored: 2, failed: 0, errors: [] });

  expect((await world.run('sync')).stdout).toMatch(/ {2}Actions {3}2 moved/);
  expect(await keys()).toEqual(['photos/2015/a.jpg', 'photos/2015/b.jpg']);
  expect(await world.run('restore-status')).toMatchObject({ stdout: 'Nothing waits for an archived object.\n' });
});

test('what fails is told with its reason and exit code 1, what waits meanwhile is logged once', async () => {
  await renameArchived();
  await world.run('moves');
  await world.run('moves');
  expect(readFileSync(join(world.dir, 'logs/archive_restore_needed.log'), 'utf8').trimEnd().split('\n')).toHaveLength(
    2,
  );
  await s3.client.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key: 'photos/2014/a.jpg' }));
  const ran = await world.run('restore');
  expect(ran).toMatchObject({ exitCode: 1 });
  expect(ran.stdout).toMatch(/\n {2}failed {7}2014\/a\.jpg .*not in the bucket any more/);
  expect(ran.stdout).toContain('1 in progress, 1 failed.');
});

test('a bucket out of reach is exit code 4, a folder never synced is said to be one, and neither leaves a trace', async () => {
  await renameArchived();
  await world.run('moves');
  const unknown = await world.run('restore', 'elsewhere', `s3://${s3.bucket}/elsewhere`);
  expect(unknown).toMatchObject({ exitCode: 0, stdout: 'Nothing waits for an archived object.\n' });
  expect(unknown.stderr).toMatch(/^Nothing of .*\/elsewhere has been synced to s3:.*\/elsewhere\/ yet\.\n$/);
  expect(await world.run('restore', '--library', 'elsewhere')).toMatchObject({ exitCode: 2 });

  world.env['AWS_SECRET_ACCESS_KEY'] = 'hunter2hunter2';
  const denied = await world.run('restore', '--json');
  expect(denied).toMatchObject({ exitCode: 4 });
  expect(jsonLines(denied.stdout)).toMatchObject([
    { type: 'error', library: 'photos', code: 'BUCKET_CREDENTIALS' },
    { type: 'report', waiting: 0, failed: 0, errors: [{ code: 'BUCKET_CREDENTIALS' }] },
  ]);
  world.env['AWS_SECRET_ACCESS_KEY'] = s3.secretAccessKey;
  expect((await world.run('restore-status')).stdout).toContain('\n2 waiting.\n');
});
