/** What /api/s3/… takes and refuses, on parts of the test's own making; what it does is in http-s3.test.ts. */
import { expect, test } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import { Problem } from '../../src/http/schemas.ts';
import type { CompareRequest, FilesRequest } from '../../src/sync/service.ts';
import { ALBUM, REPORT, SERVICE, testParts } from '../support/http-parts.ts';

const FILES = { compare: {}, upload: { images: [] }, download: { images: [] }, remove: { filenames: [] } } as const;
const calls = ['compare', 'upload', 'download', 'remove'] as const;
type Call = (typeof calls)[number];

function api() {
  const asked: (CompareRequest | [string, FilesRequest])[] = [];
  const service: typeof SERVICE = {
    ...SERVICE,
    compare: (request, signal) => {
      asked.push(request);
      return SERVICE.compare(request, signal);
    },
    files: async (task, request) => {
      asked.push([task, request]);
      return { results: [], report: REPORT };
    },
  };
  const app = createApp(testParts({ service }));
  const headers = { 'Content-Type': 'application/json' };
  const post = (call: Call, body: object) =>
    app.request(`/api/s3/${call}`, { method: 'POST', headers, body: JSON.stringify(body) });
  return { asked, post };
}

async function refused(call: Call, body: object) {
  const { asked, post } = api();
  const problem = Problem.parse(await (await post(call, body)).json());
  expect(asked).toEqual([]);
  return problem;
}

test.each(calls)('%s asks for the album that is named, by path, id or style', async (call) => {
  const named: [object, object][] = [
    [{ album: '2024/summer/' }, { album: '2024/summer' }],
    [
      { album: 'x', library: 'Family' },
      { album: 'x', library: 'Family' },
    ],
    [{ albumId: ALBUM.id }, { albumId: ALBUM.id }],
    [{ styleId: ALBUM.id }, { albumId: ALBUM.id }],
    [{ styleId: REPORT.runId }, { album: REPORT.runId }],
    [{ styleId: 'cafe\u0301' }, { album: 'caf\u00e9' }],
  ];
  for (const [names, album] of named) {
    const { asked, post } = api();
    expect((await post(call, { ...names, ...FILES[call] })).status).toBe(200);
    expect(asked).toEqual([call === 'compare' ? album : [call, { ...album, filenames: [] }]]);
  }
});

test('takes names, and entries of a comparison with all that they say', async () => {
  const { asked, post } = api();
  const images = [
    'a.jpg',
    { filename: 'b.jpg', localPath: 'x/b.jpg', size: 3 },
    { filename: 'c.jpg', reason: 'unknown' },
  ];
  expect((await post('upload', { album: 'x', images })).status).toBe(200);
  expect(asked).toEqual([['upload', { album: 'x', filenames: ['a.jpg', 'b.jpg', 'c.jpg'] }]]);
});

test('takes the lists of a large album, within reason', async () => {
  const { asked, post } = api();
  const entry = (at: number) => ({
    filename: `${at}.jpg`,
    localPath: `2024/summer/${'x'.repeat(80)}/${at}.jpg`,
    size: at,
  });
  const images = Array.from({ length: 20_000 }, (_, at) => entry(at));
  expect((await post('upload', { album: 'x', images })).status).toBe(200);
  expect(asked).toMatchObject([['upload', { filenames: { length: 20_000 } }]]);
  expect((await post('upload', { album: 'x', images: [{ filename: 'x'.repeat(17 * 1024 * 1024) }] })).status).toBe(413);
});

test.each(calls)('%s needs exactly one album', async (call) => {
  for (const names of [{}, { album: 'x', styleId: 'x' }, { albumId: crypto.randomUUID(), album: 'x' }]) {
    const problem = await refused(call, { ...names, ...FILES[call] });
    expect(problem).toMatchObject({ status: 400, code: 'BAD_INPUT', field: 'album' });
  }
});

test.each([
  ['upload', { images: ['a.jpg', 'x/b.jpg'] }, 'images.1'],
  ['upload', { images: [{ filename: '../b.jpg' }] }, 'images.0.filename'],
  ['download', { images: ['..'] }, 'images.0'],
  ['download', { images: [''] }, 'images.0'],
  ['download', { images: [7] }, 'images.0'],
  ['download', { images: 'a.jpg' }, 'images'],
  ['download', {}, 'images'],
  ['remove', { filenames: ['x/b.jpg'] }, 'filenames.0'],
  ['remove', { filenames: [{ filename: 'b.jpg' }] }, 'filenames.0'],
  ['remove', { filenames: [], force: true }, 'force'],
  ['compare', { localImages: [{ filename: 'x/a.jpg', localPath: 'x/a.jpg' }] }, 'localImages.0.filename'],
  ['compare', { localImages: [{ filename: 'a.jpg' }] }, 'localImages.0.localPath'],
] as const)('%s refuses %j', async (call, body, field) => {
  expect(await refused(call, { album: 'x', ...body })).toMatchObject({ status: 400, code: 'BAD_INPUT', field });
});
