/** Plays random histories (history-steps.ts) and shrinks the one that breaks a promise. */
import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, beforeAll, expect } from 'vitest';
import { openMedia } from '../../src/media/open-media.ts';
import type { MediaPort } from '../../src/sync/media-port.ts';
import { createMediaService } from '../../src/sync/media-service.ts';
import { type CliWorld, cliWorld } from '../e2e/cli-world.ts';
import { diskFaults } from './disk-faults.ts';
import { Player, type PlayerParts } from './history-player.ts';
import { asked, change, type Step, steps } from './history-steps.ts';
import { seedOf } from './random.ts';
import { openTestBucket, type TestBucket } from './s3.ts';
import { createWorld, type World } from './world.ts';

export interface HistoryOptions {
  readonly runs: number;
  /** Left out: chance has one. */
  readonly seed?: number;
  /** What has not been played by then is left out. */
  readonly seconds: number;
  /** Of a history, at most; 16. */
  readonly steps?: number;
  /** Some syncs are processes, and killed. */
  readonly kills?: true;
}

/**
 * SEED, HISTORIES and SECONDS of the environment go before the options. With SHRINK a history that fails is made shorter,
 * which takes its time; REPLAY is the path that a failure tells.
 */
export function histories(
  options: HistoryOptions,
  test: (name: string, body: () => Promise<void>, ms: number) => void,
) {
  const env = process.env;
  const runs = Number(env['HISTORIES'] ?? options.runs);
  const seconds = Number(env['SECONDS'] ?? options.seconds);
  const seed = seedOf(options.seed);
  let bucket: TestBucket;
  let world: World;
  let media: MediaPort;
  let parts: PlayerParts;
  let cli: CliWorld | null = null;
  // Before the first walk.
  const disk = diskFaults();
  // The program may have to be built first.
  beforeAll(async () => {
    bucket = await openTestBucket();
    const client = { idleTimeoutMs: 1_000, retryDelayMs: 2, leastRate: 500 };
    world = await createWorld({ stableSeconds: 0 }, { bucketOf: { s3: bucket }, client, line: true });
    media = openMedia({ maxPixels: 1_000_000, concurrency: 2 });
    cli = options.kills ? await programFor(world) : null;
    const pictures = await Promise.all(COLOURS.map(picture));
    parts = { world, media: pictureService(world, media), pictures, disk, program: cli && starter(cli) };
  }, 300_000);
  afterAll(async () => {
    cli?.close();
    disk.close();
    await media?.close();
    await world?.close();
    await bucket?.close();
  });
  const body = async () => {
    console.info(`histories: SEED=${seed} HISTORIES=${runs}`);
    let [played, killed] = [0, 0];
    const beginning = fc.array(change, { minLength: 2, maxLength: 6 });
    const later = fc.array(steps({ kills: options.kills === true }), { minLength: 2, maxLength: options.steps ?? 16 });
    const property = fc.asyncProperty(beginning, later, asked, async (first, rest, last) => {
      const player = await Player.begin(parts);
      for (const each of [...first, null, ...rest] satisfies (Step | null)[]) {
        await (each === null ? player.agree() : player.play(each));
        expect(player.problems).toEqual([]);
      }
      await player.end(last);
      expect(player.problems).toEqual([]);
      played += 1;
      killed += player.killed;
    });
    await fc.assert(property, {
      seed,
      numRuns: runs,
      endOnFailure: env['SHRINK'] === undefined,
      interruptAfterTimeLimit: seconds * 1_000,
      markInterruptAsFailure: false,
      ...(env['REPLAY'] !== undefined && { path: env['REPLAY'] }),
    });
    console.info(`histories: ${played} played, ${killed} syncs killed at work`);
  };
  test(
    'nothing is lost or untrue at any moment, and what is left in peace comes to what policy says',
    body,
    seconds * 1_000 + 300_000,
  );
}

const COLOURS = ['red', 'green', 'blue', 'white', 'black'];

async function picture(background: string): Promise<string> {
  const made = sharp({ create: { width: 40, height: 30, channels: 3, background } });
  return (await made.png().toBuffer()).toString('latin1');
}

function pictureService(world: World, media: MediaPort) {
  return createMediaService({
    media,
    store: world.catalog.media,
    openDisk: world.openDisk,
    openBucket: () => world.sides().bucket,
    variantsPrefix: 'variants/',
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    now: () => world.clock.nowMs,
  });
}

async function programFor(world: World): Promise<CliWorld> {
  const cli = await cliWorld();
  Object.assign(cli.env, {
    DATABASE_URL: world.databaseUrl,
    S3_BUCKET: world.bucket,
    S3_ENDPOINT: world.proxy.endpoint,
    AWS_REGION: world.s3.region,
    AWS_ACCESS_KEY_ID: world.s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: world.s3.secretAccessKey,
    PHOTOS_ROOT: world.root,
    STABLE_SECONDS: '0',
  });
  return cli;
}

function starter(cli: CliWorld): PlayerParts['program'] {
  return (args, env) => {
    Object.assign(cli.env, env);
    const { process: child, ended } = cli.start('sync', ...args);
    return { ended, kill: () => void child.kill('SIGKILL') };
  };
}
