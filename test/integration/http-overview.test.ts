import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import { Overview } from '../../src/http/overview-schemas.ts';
import { PhotoList, Problem } from '../../src/http/schemas.ts';
import { PhotoSides } from '../../src/http/sides-schemas.ts';
import { photoSides } from '../../src/sync/photo-sides.ts';
import { SIDES, TOTALS, testParts } from '../support/http-parts.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
let get: (path: string) => Promise<Response>;
beforeEach(async () => {
  world = await createWorld();
  const app = createApp(
    testParts({
      libraries: world.catalog.libraries,
      browser: world.catalog.browser,
      lookAt: (photo, signal) => photoSides(world.sides(), photo, signal),
    }),
  );
  get = async (path) => app.request(path);
});
afterEach(() => world.close());

async function photosOf(query: string) {
  return PhotoList.parse(await (await get(`/api/photos?${query}`)).json());
}

describe('GET /api/overview', () => {
  test('counts the photos of each library by state, and their bytes', async () => {
    world.write('a/1.jpg', '123');
    world.write('a/2.jpg', '12345');
    world.write('b/3.jpg', '1');
    await world.sync();
    rmSync(join(world.root, 'b/3.jpg'));
    await world.sync();
    const empty = { name: 'empty', root: world.root, bucket: world.bucket, prefix: 'empty/', excludes: [] };
    await world.catalog.libraries.create(empty);
    const { libraries } = Overview.strict().parse(await (await get('/api/overview')).json());
    const none = { pending: 0, synced: 0, missing: 0, orphaned: 0, lost: 0, archived: 0, conflict: 0, failed: 0 };
    expect(libraries).toMatchObject([
      { name: 'empty', albums: 0, photos: 0, bytes: 0, states: none },
      { name: 'test', albums: 2, photos: 3, bytes: 9, states: { ...none, synced: 2, orphaned: 1 } },
    ]);
  });

  test('says what the schedule does next', async () => {
    const answer = await createApp(testParts()).request('/api/overview');
    expect(await answer.json()).toEqual({
      libraries: [TOTALS],
      next: { reconcileAt: '2024-07-02T03:00:00.000Z', twoWaySeconds: 60 },
    });
  });
});

describe('GET /api/photos', () => {
  test('answers photos of all albums by state, a page after the other', async () => {
    for (const path of ['a/1.jpg', 'a/2.jpg', 'b/3.jpg', '4.jpg']) world.write(path, path);
    await world.sync();
    const first = await photosOf('limit=3');
    expect(first.photos.map(({ path }) => path)).toEqual(['4.jpg', 'a/1.jpg', 'a/2.jpg']);
    const second = await photosOf(`limit=3&cursor=${first.nextCursor}`);
    expect(second).toMatchObject({ photos: [{ path: 'b/3.jpg' }], nextCursor: null });
    await world.query(`UPDATE "Photo" SET "state" = 'lost' WHERE "path" = 'a/2.jpg'`);
    expect(await photosOf('state=lost&library=test')).toMatchObject({
      photos: [{ path: 'a/2.jpg' }],
      nextCursor: null,
    });
    expect(await photosOf('state=failed')).toEqual({ photos: [], nextCursor: null });
  });

  test.each([
    ['state=happy', 400, 'state'],
    ['library=nothing', 404, 'library'],
    ['cursor=x', 400, 'cursor'],
  ])('refuses %s', async (query, status, field) => {
    const answer = await get(`/api/photos?${query}`);
    expect(Problem.parse(await answer.json())).toMatchObject({ status, field });
  });
});

describe('GET /api/photos/{id}/sides', () => {
  async function sides() {
    const { photos } = await photosOf('');
    return PhotoSides.parse(await (await get(`/api/photos/${photos[0]?.id}/sides`)).json());
  }

  test('tells what is there now, what is gone, and never takes what it cannot read for gone', async () => {
    world.write('a/1.jpg', '123');
    await world.sync();
    expect(await sides()).toMatchObject({
      disk: { state: 'there', size: 3, modifiedAt: '2020-09-13T12:26:40.000Z' },
      bucket: { state: 'there', size: 3, storageClass: 'STANDARD' },
    });
    rmSync(join(world.root, 'a/1.jpg'));
    world.proxy.fail(({ method }) => (method === 'HEAD' ? { kind: 'answer', status: 403 } : null));
    expect(await sides()).toMatchObject({
      disk: { state: 'gone' },
      bucket: { state: 'unreadable', code: 'OBJECT_DENIED' },
    });
    rmSync(world.root, { recursive: true });
    expect((await sides()).disk).toMatchObject({ state: 'unreadable', code: 'GUARD_ROOT_MISSING' });
  });

  test('is not found for a photo that there is not', async () => {
    expect((await get(`/api/photos/${crypto.randomUUID()}/sides`)).status).toBe(404);
    expect(PhotoSides.parse(SIDES)).toEqual(SIDES);
  });
});
