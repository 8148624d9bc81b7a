/** More renames than are recorded at once: one batch is recorded, and its old objects go, while the next one is copied. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { SeenRequest } from '../support/fault-proxy.ts';
import { move, objectsOf, treeOf, writesOf } from '../support/tree.ts';
import { createWorld, type World } from '../support/world.ts';

const PHOTOS = 600;

let world: World;
beforeAll(async () => {
  world = await createWorld({}, { line: true });
});
afterAll(() => world.close());
afterEach(async () => {
  world.proxy.reset();
  await world.wipe();
});

const isCopy = ({ headers }: SeenRequest) => headers['x-amz-copy-source'] !== undefined;
const isDelete = ({ method, query }: SeenRequest) => method === 'POST' && query.has('delete');

async function ids(): Promise<Record<string, string>> {
  return Object.fromEntries((await world.rows()).map(({ path, id }) => [path.replace(/^.*\//, ''), id]));
}

async function renamed(): Promise<Record<string, string>> {
  for (let i = 0; i < PHOTOS; i++) world.write(`old/${i}.jpg`);
  world.write('other/x.jpg');
  await world.sync();
  const before = await ids();
  move(world.root, 'old', 'new');
  world.proxy.reset();
  return before;
}

/** Bucket and catalog have each photo once, under its new name, and a further run finds nothing to do. */
async function expectSettled(before: Readonly<Record<string, string>>): Promise<void> {
  expect(await objectsOf(world.s3.client, world.bucket, 'photos/')).toEqual(treeOf(world.root));
  expect(await ids()).toEqual(before);
  expect(await world.query('SELECT * FROM "Leftover"')).toEqual([]);
  expect(writesOf(await world.sync())).toBe(0);
}

describe('six hundred renames', () => {
  test('are recorded in batches, each before the batch after the next is copied', async () => {
    const before = await renamed();
    const report = await world.sync();
    expect(report).toMatchObject({
      status: 'succeeded',
      actions: { moved: PHOTOS, failed: 0 },
      bytes: { uploaded: 0 },
    });
    const copiesBefore: number[] = [];
    let copies = 0;
    for (const request of world.proxy.seen) {
      if (isCopy(request)) copies += 1;
      if (isDelete(request)) copiesBefore.push(copies);
    }
    expect(copies).toBe(PHOTOS);
    expect(copiesBefore).toHaveLength(3);
    const [first = 0, second = 0, last = 0] = copiesBefore;
    expect(first).toBeGreaterThanOrEqual(250);
    expect(first).toBeLessThanOrEqual(500);
    expect(second).toBeGreaterThanOrEqual(500);
    expect(last).toBe(PHOTOS);
    await expectSettled(before);
  });

  test('that are stopped in the second batch keep what the first one did; the next run does the rest', async () => {
    const before = await renamed();
    const stop = new AbortController();
    let copies = 0;
    world.proxy.fail((request) => {
      if (isCopy(request) && ++copies === 300) stop.abort();
      return null;
    });
    const { actions } = await world.sync({}, AbortSignal.any([stop.signal, AbortSignal.timeout(60_000)]));
    expect(actions.moved).toBeGreaterThanOrEqual(300);
    expect(actions.moved).toBeLessThan(PHOTOS);
    world.proxy.fail(() => null);
    expect((await world.sync()).actions).toMatchObject({ moved: PHOTOS - actions.moved, uploaded: 0, failed: 0 });
    await expectSettled(before);
  });

  test('of which the catalog cannot be told copy no more than is under way, and lose nothing', async () => {
    const before = await renamed();
    let copies = 0;
    world.proxy.fail((request) => {
      if (isCopy(request) && ++copies === 200) world.line?.cut();
      return null;
    });
    await expect(world.sync()).rejects.toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^DATABASE_|^LOCK_LOST/) }),
    );
    world.line?.mend();
    world.proxy.fail(() => null);
    expect(copies).toBeLessThanOrEqual(500);
    expect(world.proxy.seen.filter(isDelete)).toHaveLength(0);
    const objects = await objectsOf(world.s3.client, world.bucket, 'photos/old/');
    expect(Object.keys(objects)).toHaveLength(PHOTOS);
    expect((await world.sync()).actions).toMatchObject({ moved: PHOTOS, uploaded: 0, failed: 0 });
    await expectSettled(before);
  });
});
