import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { randomNumbers, seedOf } from '../support/random.ts';
import { move, objectsOf, rotate, treeOf } from '../support/tree.ts';
import { createWorld, type World } from '../support/world.ts';
import { type CliWorld, cliWorld } from './cli-world.ts';

/** One library: the program that is killed is the built one, what goes on after it the same engine in this process. */
let world: World;
let cli: CliWorld;

beforeEach(async () => {
  [world, cli] = await Promise.all([createWorld({ stableSeconds: 0 }), cliWorld()]);
  Object.assign(cli.env, {
    DATABASE_URL: world.databaseUrl,
    S3_BUCKET: world.bucket,
    S3_ENDPOINT: world.proxy.endpoint,
    AWS_ACCESS_KEY_ID: world.s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: world.s3.secretAccessKey,
    PHOTOS_ROOT: world.root,
    STABLE_SECONDS: '0',
  });
});

afterEach(async () => {
  cli.close();
  await world.close();
});

/** The same kills each time; more and others with SOAK_RUNS=100, the same again with SEED. */
const SOAK = process.env['SOAK_RUNS'];
const ROUNDS = Number(SOAK ?? 8);
const SEED = SOAK === undefined ? seedOf(8) : seedOf();

/** What the catalog has, by path. */
interface Known {
  readonly photos: Record<string, string>;
  readonly albums: Record<string, string>;
}

async function known(): Promise<Known> {
  const photos = await world.query<{ id: string; path: string; key: string; state: string; album: string }>(
    'SELECT p.id, p.path, p.key, p.state, a.path AS album FROM "Photo" p JOIN "Album" a ON a.id = p."albumId"',
  );
  for (const { path, key, state, album } of photos) {
    const folder = path.slice(0, path.lastIndexOf('/'));
    expect({ path, key, state, album }).toEqual({ path, key: `photos/${path}`, state: 'synced', album: folder });
  }
  const albums = await world.query<{ id: string; path: string }>('SELECT id, path FROM "Album"');
  expect(await world.query('SELECT key FROM "Leftover"')).toEqual([]);
  return {
    photos: Object.fromEntries(photos.map(({ path, id }) => [path, id])),
    albums: Object.fromEntries(albums.map(({ path, id }) => [path, id])),
  };
}

/**
 * The album gets another name; in it two photos exchange theirs, three turn in a circle, three are numbered anew, one
 * is renamed and edited. Answers what the catalog must have afterwards.
 */
function upheaval(round: number, { photos, albums }: Known): Known {
  const [from, to] = [`album ${round}`, `album ${round + 1}`];
  move(world.root, from, to);
  rotate(world.root, `${to}/1.jpg`, `${to}/2.jpg`);
  rotate(world.root, `${to}/3.jpg`, `${to}/4.jpg`, `${to}/5.jpg`);
  for (const n of [8, 7, 6]) move(world.root, `${to}/${n + round}.jpg`, `${to}/${n + round + 1}.jpg`);
  move(world.root, `${to}/edited ${round}.jpg`, `${to}/edited ${round + 1}.jpg`);
  writeFileSync(join(world.root, to, `edited ${round + 1}.jpg`), `edited ${round} times`.padEnd(20 + round));
  const names: Record<string, string> = { '1': '2', '2': '1', '3': '4', '4': '5', '5': '3' };
  for (const n of [6, 7, 8]) names[String(n + round)] = String(n + round + 1);
  names[`edited ${round}`] = `edited ${round + 1}`;
  const renamed = (path: string) => {
    const name = /^album \d+\/(.*)\.jpg$/.exec(path)?.[1];
    return name === undefined ? path : `${to}/${names[name] ?? name}.jpg`;
  };
  return {
    photos: Object.fromEntries(Object.entries(photos).map(([path, id]) => [renamed(path), id])),
    albums: Object.fromEntries(Object.entries(albums).map(([path, id]) => [path === from ? to : path, id])),
  };
}

async function sync(): Promise<void> {
  world.clock.nowMs = Date.now();
  expect(await world.sync()).toMatchObject({ status: 'succeeded' });
}

/** Where a run is killed. */
interface Kill {
  /** When it sends this request, counted from 1. */
  readonly request: number;
  /** The server never sees that request; it does what was asked, of somebody who is dead; or so long after it (ms). */
  readonly when: 'unseen' | 'unanswered' | number;
}

/** Syncs and kills it. Answers whether it was still at work. */
async function killedSync({ request, when }: Kill): Promise<boolean> {
  const run = cli.start('sync');
  const kill = async () => {
    run.process.kill('SIGKILL');
    await run.ended;
  };
  const deaths: Promise<void>[] = [];
  world.proxy.reset();
  world.proxy.fail((_, nth) => {
    if (nth < request) return null;
    if (nth > request) return when === 'unseen' ? { kind: 'break-before' } : null;
    if (typeof when === 'number') {
      setTimeout(() => deaths.push(kill()), when);
      return null;
    }
    const death = kill();
    deaths.push(death);
    return when === 'unseen' ? { kind: 'break-before' } : { kind: 'after', first: () => death };
  });
  const { signal } = await run.ended;
  await Promise.all(deaths);
  world.proxy.reset();
  return signal === 'SIGKILL';
}

test(
  'renames that are cut off by a SIGKILL anywhere are finished by the next sync, as if nothing had been',
  async () => {
    console.info(`moves-killed: SEED=${SEED}`);
    const random = randomNumbers(SEED);
    for (const name of ['1', '2', '3', '4', '5', '6', '7', '8', 'edited 0', 'stays']) {
      world.write(`album 0/${name}.jpg`, `bytes of ${name}`);
    }
    world.write('apart/1.jpg', 'apart');
    await sync();
    let expected = upheaval(0, await known());
    world.proxy.reset();
    const uninterrupted = await cli.run('sync');
    expect(uninterrupted, uninterrupted.stderr).toMatchObject({ exitCode: 0 });
    const requests = world.proxy.seen.length;
    expect(await known(), 'uninterrupted').toEqual(expected);
    let killed = 0;
    for (let round = 1; round <= ROUNDS; round++) {
      expected = upheaval(round, expected);
      const kills: Kill[] = [];
      do {
        const when = random();
        kills.push({
          request: 1 + Math.floor(random() * requests),
          when: when < 0.25 ? 'unseen' : when < 0.5 ? 'unanswered' : Math.floor(random() * 30),
        });
        if (await killedSync(kills.at(-1) as Kill)) killed += 1;
      } while (random() < 0.25);
      const about = `SEED=${SEED}, round ${round}, killed at ${JSON.stringify(kills)}`;
      expect(Object.values(await objects()), about).toEqual(expect.arrayContaining(unedited(round)));
      await sync();
      expect(await objects(), about).toEqual(treeOf(world.root));
      expect(await known(), about).toEqual(expected);
    }
    expect(killed, 'runs that were killed at work').toBeGreaterThanOrEqual(ROUNDS / 4);
    world.proxy.reset();
    await sync();
    expect(world.proxy.seen.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
  },
  300_000 + ROUNDS * 20_000,
);

/** Tried again where something goes between being listed and being read: the server may still work for the dead. */
const objects = () => vi.waitFor(() => objectsOf(world.s3.client, world.bucket, 'photos/'), 60_000);

/** The bytes that have to be in the bucket at any moment: all but the edit. */
function unedited(round: number): string[] {
  return Object.entries(treeOf(world.root))
    .filter(([path]) => !path.endsWith(`edited ${round + 1}.jpg`))
    .map(([, bytes]) => bytes);
}
