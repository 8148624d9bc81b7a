import { createHash, randomBytes } from 'node:crypto';
import { GetObjectCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SeenRequest } from '../support/fault-proxy.ts';
import { createWorld, type World } from '../support/world.ts';
import { type CliWorld, cliWorld } from './cli-world.ts';

/** One library: the program that is killed is the built one. */
let world: World;
let cli: CliWorld;

beforeEach(async () => {
  [world, cli] = await Promise.all([createWorld(), cliWorld()]);
  Object.assign(cli.env, {
    DATABASE_URL: world.databaseUrl,
    S3_BUCKET: world.bucket,
    S3_ENDPOINT: world.proxy.endpoint,
    AWS_ACCESS_KEY_ID: world.s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: world.s3.secretAccessKey,
    PHOTOS_ROOT: world.root,
    // One part at a time: it is certain then which ones a kill leaves.
    SYNC_UPLOAD_CONCURRENCY: '1',
  });
});

afterEach(async () => {
  cli.close();
  await world.close();
});

const PART = 16 * 1024 * 1024;
const film = randomBytes(5 * PART + 7);
const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');
const isPart = ({ method, query }: SeenRequest): boolean => method === 'PUT' && query.has('partNumber');
const isComplete = ({ method, query }: SeenRequest): boolean => method === 'POST' && query.has('uploadId');
const isBegin = ({ method, query }: SeenRequest): boolean => method === 'POST' && query.has('uploads');
const sentParts = (): number[] => world.proxy.seen.filter(isPart).map(({ query }) => Number(query.get('partNumber')));

/** Syncs and kills the program when it sends the first such request; the server never sees that, or does what it asks. */
async function killedAt(isIt: (request: SeenRequest) => boolean, when: 'unseen' | 'unanswered'): Promise<void> {
  world.proxy.reset();
  const run = cli.start('sync', '--album', '2024');
  const dies = async () => {
    run.process.kill('SIGKILL');
    await run.ended;
  };
  let killed = false;
  world.proxy.fail((request) => {
    if (killed || !isIt(request)) return null;
    killed = true;
    // Once the whole request has arrived: of half a part nobody would hear.
    if (when === 'unanswered') return { kind: 'after', first: dies };
    void dies();
    return { kind: 'break-before' };
  });
  expect((await run.ended).signal).toBe('SIGKILL');
}

const isPartNumber = (number: number) => (request: SeenRequest) =>
  isPart(request) && request.query.get('partNumber') === String(number);

test('an upload that is killed again and again goes on where it was, and comes to its end byte for byte', async () => {
  // What the bucket honours is known: its probe has parts too.
  world.write('2024/before.jpg');
  await world.sync();
  world.write('2024/film.mov', film);
  await killedAt(isBegin, 'unanswered');
  await killedAt(isPartNumber(2), 'unseen');
  expect([sentParts(), world.proxy.seen.filter(isBegin).length]).toEqual([[1, 2], 1]);
  await killedAt(isPartNumber(4), 'unanswered');
  // The server kept part 4, and nobody was left to note it.
  expect(sentParts()).toEqual([2, 3, 4]);
  await killedAt(isComplete, 'unseen');
  expect(sentParts()).toEqual([5, 6]);
  await killedAt(isComplete, 'unanswered');
  expect(sentParts()).toEqual([]);

  world.proxy.reset();
  const last = await cli.run('sync', '--album', '2024', '--json');
  expect(last.exitCode, last.stderr).toBe(0);
  expect(sentParts()).toEqual([]);
  const { Body } = await world.s3.client.send(
    new GetObjectCommand({ Bucket: world.bucket, Key: 'photos/2024/film.mov' }),
  );
  expect(md5(await Body!.transformToByteArray())).toBe(md5(film));
  expect(await world.states()).toEqual({ '2024/before.jpg': 'synced', '2024/film.mov': 'synced' });

  // One was begun and killed before it could be noted; one was completed and killed before it could be forgotten.
  const left = async () =>
    (await world.s3.client.send(new ListMultipartUploadsCommand({ Bucket: world.bucket }))).Uploads?.length ?? 0;
  expect([await left(), (await world.query('SELECT FROM "Upload"')).length]).toEqual([1, 1]);
  world.clock.nowMs += 25 * 3_600_000;
  await world.sync({ kind: 'reconcile' });
  expect([await left(), (await world.query('SELECT FROM "Upload"')).length]).toEqual([0, 0]);
});
