/** What the calls for re-uploads take and refuse, on parts of the test's own making; then once on real ones. */
import { expect, test } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import { Photo, Problem, Report } from '../../src/http/schemas.ts';
import type { ReuploadRequest } from '../../src/sync/service.ts';
import { never } from '../support/catalog.ts';
import { rotInBucket } from '../support/damage.ts';
import { ALBUM, PHOTO, REPORT, SERVICE, testParts } from '../support/http-parts.ts';
import { createWorld } from '../support/world.ts';

const headers = { 'Content-Type': 'application/json' };

function api() {
  const asked: ReuploadRequest[] = [];
  const service: typeof SERVICE = {
    ...SERVICE,
    reupload: async (request) => {
      asked.push(request);
      return REPORT;
    },
  };
  const app = createApp(testParts({ service }));
  const post = (path: string, body?: object) =>
    app.request(path, { method: 'POST', ...(body && { headers, body: JSON.stringify(body) }) });
  return { asked, post };
}

test('a re-upload is of everything, a library, an album by any of its names, or photos', async () => {
  const bodies: [object | undefined, object][] = [
    [undefined, {}],
    [{}, {}],
    [{ library: 'Family' }, { library: 'Family' }],
    [{ album: '2024/summer/' }, { album: '2024/summer' }],
    [{ albumId: ALBUM.id }, { albumId: ALBUM.id }],
    [{ styleId: ALBUM.id }, { albumId: ALBUM.id }],
    [
      { styleId: '2024', library: 'Family' },
      { album: '2024', library: 'Family' },
    ],
    [{ photoIds: [PHOTO.id] }, { photoIds: [PHOTO.id] }],
  ];
  for (const [body, request] of bodies) {
    const { asked, post } = api();
    const answer = await post('/api/reupload', body);
    expect(answer.status).toBe(200);
    expect(Report.parse(await answer.json())).toEqual(REPORT);
    expect(asked).toEqual([request]);
  }
});

test.each([
  [{ album: 'x', albumId: ALBUM.id }, 'album'],
  [{ album: 'x', styleId: 'y' }, 'album'],
  [{ album: '../x' }, 'album'],
  [{ photoIds: [] }, 'photoIds'],
  [{ photoIds: 'all' }, 'photoIds'],
  [{ photoIds: Array.from({ length: 10_001 }, () => PHOTO.id) }, 'photoIds'],
  [{ photoIds: [PHOTO.id], album: 'x' }, 'photoIds'],
  [{ photoIds: [PHOTO.id], library: 'Family' }, 'photoIds'],
  [{ photos: [PHOTO.id] }, 'photos'],
])('what cannot be meant is refused, and the field named (%#)', async (body, field) => {
  const { asked, post } = api();
  const answer = await post('/api/reupload', body);
  expect(answer.status).toBe(400);
  expect(Problem.parse(await answer.json())).toMatchObject({ code: 'BAD_INPUT', field });
  expect(asked).toEqual([]);
});

test('of one photo, which must be there', async () => {
  const { asked, post } = api();
  expect((await post(`/api/photos/${PHOTO.id}/reupload`)).status).toBe(200);
  expect(asked).toEqual([{ photoIds: [PHOTO.id] }]);
  for (const id of [REPORT.runId, 'nonsense']) {
    const answer = await post(`/api/photos/${id}/reupload`);
    expect(answer.status).toBe(404);
    expect(Problem.parse(await answer.json())).toMatchObject({ code: 'NOT_FOUND', field: 'id' });
  }
  expect(asked).toHaveLength(1);
});

test('what a verify found is in the photo, and mended by a re-upload of it', async () => {
  const world = await createWorld();
  try {
    world.write('a.jpg', 'the bytes that were synced');
    await world.sync();
    rotInBucket(world.s3, 'the bytes that were synced');
    const { service } = world;
    const { libraries, browser } = world.catalog;
    const app = createApp(testParts({ service, libraries, browser }));
    const [row] = await world.rows();
    const look = async () => Photo.parse(await (await app.request(`/api/photos/${row?.id}`)).json());
    expect(await look()).toMatchObject({ checkedAt: null, damage: null });
    await service.verify({}, {}, never);
    expect(await look()).toMatchObject({
      checkedAt: expect.stringMatching(/^20.*Z$/),
      damage: expect.stringMatching(/^OBJECT_DAMAGED: /),
    });
    const answer = await app.request(`/api/photos/${row?.id}/reupload`, { method: 'POST' });
    expect(Report.parse(await answer.json())).toMatchObject({ status: 'succeeded', actions: { reuploaded: 1 } });
    expect(await look()).toMatchObject({ damage: null });
    expect(await world.read('photos/a.jpg')).toBe('the bytes that were synced');
  } finally {
    await world.close();
  }
});
