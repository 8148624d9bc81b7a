/** Names that would forge lines, move the cursor or turn the writing around, on disk and in the bucket, through every command. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { startTestS3, type TestS3 } from '../support/s3.ts';
import { type CliWorld, cliWorld, jsonLines } from './cli-world.ts';

/** What must never reach a terminal or a log from a name: controls but the line feed, and what turns the direction. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for.
const FORBIDDEN = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;
const ARCHIVE_LOG = 'archive_restore_needed.log';
const FORGED = 'S3 sync: All files in sync (forged)';

const NAMES = [
  `line\n${FORGED}\n.jpg`,
  `return\r${FORGED}.jpg`,
  'escape\u001b[2J\u001b]0;title\u0007.jpg',
  'csi\u009b31m.jpg',
  'separator\u2028\u2029.jpg',
  'turned\u202egpj.exe.jpg',
  'isolate\u2066x\u2069.jpg',
  'mark\u200f.jpg',
  'tab\tand \u007fdelete.jpg',
  '-rf.jpg',
  '$(touch forged).jpg',
  'quote\'"`.jpg',
  '%s%n%d.jpg',
  'plus+space percent%41.jpg',
  '{"type":"report"}.jpg',
  '\u{1F469}\u200d\u{1F4BB}.jpg',
  `${'\u4e00'.repeat(80)}.jpg`,
  'NUL.jpg',
  'dot..jpg',
];
/** In the bucket besides: what no disk here can hold. */
const KEYS = [
  '../up.jpg',
  'a//b.jpg',
  'back\\slash.jpg',
  'folder/',
  `${'x'.repeat(300)}.jpg`,
  './dot.jpg',
  `up/../${FORGED}\n`,
];

let world: CliWorld;
let s3: TestS3;
let database: TestDatabase;

beforeAll(async () => {
  [world, s3, database] = await Promise.all([cliWorld(), startTestS3(), createTestDatabase()]);
  Object.assign(world.env, {
    ...{ DATABASE_URL: database.url, S3_BUCKET: s3.bucket, S3_ENDPOINT: s3.endpoint },
    ...{ AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey },
    ...{ PHOTOS_ROOT: `${world.dir}/photos`, LOG_LEVEL: 'debug' },
  });
  for (const name of NAMES) world.write(`photos/up/${name}`, `bytes of ${name}`);
});
afterAll(async () => {
  world.close();
  await s3.close();
  await database.drop();
});

async function run(...args: string[]) {
  const ran = await world.run(...args);
  for (const [stream, text] of Object.entries({ stdout: ran.stdout, stderr: ran.stderr, logs: allLogs() })) {
    expect([args, stream, FORBIDDEN.exec(text)?.[0]]).toEqual([args, stream, undefined]);
    expect([args, stream, text.split('\n').filter((line) => line.startsWith(FORGED))]).toEqual([args, stream, []]);
  }
  return ran;
}

function allLogs(): string {
  const folder = join(world.dir, 'logs');
  if (!existsSync(folder)) return '';
  return (
    readdirSync(folder)
      // Its own fields stand between tabs.
      .map((name) => readFileSync(join(folder, name), 'utf8').replaceAll(name === ARCHIVE_LOG ? '\t' : '\0', ''))
      .join('')
  );
}

const filesIn = (folder: string) => readdirSync(join(world.dir, folder)).toSorted();

async function keys(): Promise<string[]> {
  const listed = await s3.client.send(new ListObjectsV2Command({ Bucket: s3.bucket, EncodingType: 'url' }));
  return (listed.Contents ?? []).map(({ Key = '' }) => decodeURIComponent(Key.replaceAll('+', ' '))).toSorted();
}

async function put(key: string): Promise<void> {
  await s3.client.send(new PutObjectCommand({ Bucket: s3.bucket, Key: `photos/${key}`, Body: `bytes of ${key}` }));
}

describe('hostile names', () => {
  test('go up under the very same names, and forge no line on the way', async () => {
    expect(await run('status', '--all')).toMatchObject({ exitCode: 0 });
    expect(await run('sync', '--verbose')).toMatchObject({ exitCode: 0 });
    expect(await keys()).toEqual(NAMES.map((name) => `photos/up/${name}`).toSorted());
    expect(await run('sync')).toMatchObject({ exitCode: 0, stdout: expect.not.stringMatching(/uploaded [1-9]/) });
  });

  test('are told to programs as they are, a line of JSON each', async () => {
    const { stdout } = await run('status', '--json', '--compare', 'content', '--album', 'up');
    const lists = jsonLines(stdout).find(({ type }) => type === 'comparison');
    const names = (lists?.['identical'] as { filename: string }[] | undefined)?.map(({ filename }) => filename);
    expect(names?.toSorted()).toEqual(NAMES.toSorted());
  });

  test('come down under the very same names; what has no place here is named and leaves nothing outside', async () => {
    for (const name of NAMES) await put(`down/${name}`);
    for (const key of KEYS) await put(`odd/${key}`);
    const ran = await run('sync', '--direction', 'both');
    expect(filesIn('photos/down')).toEqual(NAMES.toSorted());
    for (const name of NAMES) {
      expect(readFileSync(join(world.dir, 'photos/down', name), 'utf8')).toBe(`bytes of down/${name}`);
    }
    expect(filesIn('photos').filter((name) => !['up', 'down', 'odd'].includes(name))).toEqual([]);
    expect(existsSync(join(world.dir, 'up.jpg'))).toBe(false);
    expect(ran.stdout + ran.stderr).toMatch(/odd\/back\\slash\.jpg/);
  });

  test.each([
    [['verify']],
    [['verify', '--json']],
    [['moves', '--dry-run']],
    [['media']],
    [['restore-status']],
    [['sync', '--plan-out', 'plan\u001b[2J.json']],
    [['sync', '--album', `up\n${FORGED}`]],
    [['sync', '--library', `\u001b[2J\n${FORGED}`]],
    [['status', `no\u001b[2J\n${FORGED}`, 's3://some-bucket/x']],
    [['sync', '--direction', `\u001b[2J\n${FORGED}`]],
    [['batch', '--config', `no\u001b[2J\n${FORGED}`]],
    [['apply', `no\u001b[2J\n${FORGED}`]],
    [[`\u001b[2J\n${FORGED}`]],
  ])('%j forges nothing', async (args) => {
    await run(...args);
  });

  test('of photos that fail, are lost, archived or damaged forge nothing either', async () => {
    for (const [at, name] of NAMES.entries()) {
      const key = `photos/up/${name}`;
      if (at % 3 === 0) await s3.client.send(new PutObjectCommand({ Bucket: s3.bucket, Key: key, Body: 'another' }));
      if (at % 3 === 1) world.write(`photos/up/${name}`, 'damaged');
      else if (at % 3 === 2) {
        const archived = { Bucket: s3.bucket, Key: `photos/ice/${name}`, Body: 'x', StorageClass: 'GLACIER' } as const;
        await s3.client.send(new PutObjectCommand(archived));
      }
    }
    await run('status', '--all');
    await run('sync', '--direction', 'both', '--verbose');
    const archive = readFileSync(join(world.dir, 'logs/archive_restore_needed.log'), 'utf8');
    for (const line of archive.trimEnd().split('\n'))
      expect(line).toMatch(/^20\S+\ts3:\/\/\S.*\tGLACIER\tdownload to .+$/);
    await run('restore-status');
    await run('restore');
    await run('verify');
    expect(existsSync(join(world.dir, 'forged'))).toBe(false);
  });
});
