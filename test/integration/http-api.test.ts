import { describe, expect, expectTypeOf, test } from 'vitest';
import type { z } from 'zod';
import { type ErrorCode, RollcallError } from '../../src/errors.ts';
import type { AddressedPhoto } from '../../src/http/addresses.ts';
import type { BigintsAsText } from '../../src/http/answer.ts';
import { createApp } from '../../src/http/app.ts';
import type { HttpParts } from '../../src/http/parts.ts';
import { Run } from '../../src/http/run-schemas.ts';
import { Album, Health, Library, Photo, Problem, Report } from '../../src/http/schemas.ts';
import type { Action } from '../../src/sync/actions.ts';
import type { AlbumView } from '../../src/sync/browse.ts';
import type * as engine from '../../src/sync/types.ts';
import { ALBUM, HEALTH, LIBRARY, PHOTO, REPORT, RUN, SERVICE, testParts, UPLOAD } from '../support/http-parts.ts';

const UNKNOWN = '99999999-9999-4999-8999-999999999999';

function api(replaced: Partial<HttpParts> = {}) {
  const parts = testParts(replaced);
  const app = createApp(parts);
  const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    app.request(path, {
      method,
      headers: body === undefined ? headers : { 'Content-Type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  return { parts, app, send, get: (path: string) => send('GET', path) };
}

const failingSync = (thrown: unknown): Partial<HttpParts> => ({
  service: {
    ...SERVICE,
    sync: async () => {
      throw thrown;
    },
  },
});

/** The answer as a problem document, all its promises checked. */
async function problemOf(response: Response) {
  expect(response.headers.get('Content-Type')).toBe('application/problem+json');
  const problem = Problem.strict().parse(await response.json());
  expect(problem.status).toBe(response.status);
  expect(problem.instance).toBe(`urn:uuid:${response.headers.get('X-Request-Id')}`);
  return problem;
}

describe('POST /api/sync', () => {
  test('answers the report', async () => {
    const { send } = api();
    const response = await send('POST', '/api/sync', { album: '2024/summer' });
    expect(response.status).toBe(200);
    expect(response.headers.get('Content-Type')).toBe('application/json');
    expect(Report.strict().parse(await response.json())).toEqual(REPORT);
  });

  test.each([
    ['no body', undefined, {}],
    ['an empty body of type JSON', '', {}],
    ['an empty object', {}, {}],
    ['an album', { album: '2024/summer' }, { album: '2024/summer' }],
    ['an album with a slash at its end', { album: '2024/summer/' }, { album: '2024/summer' }],
    ['the root', { album: '.' }, { album: '.' }],
    ['an album in decomposed Unicode', { album: 'cafe\u0301' }, { album: 'caf\u00e9' }],
    ['an album named with two dots in it', { album: 'a..b/...' }, { album: 'a..b/...' }],
    ['an album by id', { albumId: ALBUM.id }, { albumId: ALBUM.id }],
    ['policies', { library: 'Family', overwrite: 'never', orphans: 'delete' }, undefined],
    ['files of an album', { album: 'a', files: ['1.jpg'] }, undefined],
    ['a dry run, whose plan is kept', { dryRun: true }, { dryRun: true, keepPlan: true }],
    ['no renames', { moves: false }, undefined],
    ['nothing but renames', { moves: 'only' }, undefined],
    ['a two-way sync', { direction: 'both', compare: 'content', overwrite: 'newer', orphans: 'download' }, undefined],
  ])('takes %s', async (_name, body, asked) => {
    const { parts, send } = api();
    const response = await send('POST', '/api/sync', body);
    expect(response.status).toBe(200);
    expect(parts.asked).toEqual([asked ?? body]);
  });

  test.each([
    ['an unknown field', { folder: 'x' }, 'folder', 'folder is not known; a sync takes library, album'],
    ['files of no album', { files: ['1.jpg'] }, 'files', 'names in an album'],
    ['files in folders', { album: 'a', files: ['b/1.jpg'] }, 'files.0', 'without a folder'],
    ['moves that are neither', { moves: 'yes' }, 'moves', 'must be true, false or "only"'],
    ['deleting at once, which is for the command line', { deleteNow: true }, 'deleteNow', 'not known'],
    ['an unknown direction', { direction: 'left' }, 'direction', 'must be one of up, down, both'],
    ['an unknown overwrite', { overwrite: 'always' }, 'overwrite', 'must be one of never, known, newer, source'],
    ['an unknown comparison', { compare: 'size' }, 'compare', 'must be one of existence, content'],
    ['an unknown orphan policy', { orphans: 'keep' }, 'orphans', 'must be one of mark, download, delete'],
    ['a dry run that is text', { dryRun: 'false' }, 'dryRun', 'must be true or false'],
    ['an album that is a number', { album: 2024 }, 'album', 'must be text'],
    ['an empty album', { album: '' }, 'album', 'must not be empty'],
    ['an absolute album', { album: '/srv/photos' }, 'album', 'inside the library'],
    ['an album outside', { album: '2024/../../etc' }, 'album', 'inside the library'],
    ['an album with an empty folder', { album: 'a//b' }, 'album', 'inside the library'],
    ['an album with a dot folder', { album: './a' }, 'album', 'inside the library'],
    ['an album with a NUL', { album: 'a\0b' }, 'album', 'NUL'],
    ['an album id that is none', { albumId: '17' }, 'albumId', 'must be the id of an album'],
    ['two albums', { album: 'a', albumId: ALBUM.id }, 'albumId', 'and album cannot both be given'],
    ['a list', [], 'body', 'must be an object'],
    ['null', 'null', 'body', 'must be an object'],
    ['text', '"everything"', 'body', 'must be an object'],
    ['half an object', '{"dryRun": tru', 'body', 'not valid JSON'],
  ])('refuses %s and syncs nothing', async (_name, body, field, detail) => {
    const { parts, send } = api();
    const problem = await problemOf(await send('POST', '/api/sync', body));
    expect(problem).toMatchObject({ status: 400, code: 'BAD_INPUT', title: 'Bad Request', field });
    expect(problem.detail).toContain(detail);
    expect(parts.asked).toEqual([]);
  });

  test.each([
    ['a form', 'application/x-www-form-urlencoded'],
    ['text', 'text/plain'],
    ['a body of type multipart', 'multipart/form-data; boundary=x'],
  ])('never takes %s for "everything"', async (_name, type) => {
    const { parts, send } = api();
    const response = await send('POST', '/api/sync', '{"dryRun":true}', { 'Content-Type': type });
    expect(await problemOf(response)).toMatchObject({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' });
    expect(parts.asked).toEqual([]);
  });

  test('never takes a body without a type for "everything"', async () => {
    const { parts, app } = api();
    const body = new TextEncoder().encode('{"dryRun":true}');
    const response = await app.request('/api/sync', { method: 'POST', body });
    expect((await problemOf(response)).status).toBe(415);
    expect(parts.asked).toEqual([]);
  });

  test('writes the bigints of a plan as strings, without losing a digit', async () => {
    const planned: engine.Report = { ...REPORT, status: 'planned', plan: [UPLOAD] };
    const { send } = api({ service: { ...SERVICE, sync: async () => planned } });
    const response = await send('POST', '/api/sync', { dryRun: true });
    const report = Report.parse(await response.json());
    expect(report.plan).toEqual([
      {
        ...UPLOAD,
        local: { size: 3, mtimeNs: '1763000000123456789', device: '2049', inode: '9007199254740993' },
      },
    ]);
  });

  const refusals: [ErrorCode, number][] = [
    ['NOT_FOUND', 404],
    ['SYNC_IN_PROGRESS', 409],
    ['GUARD_EMPTY_ROOT', 422],
    ['GUARD_MAX_DELETE', 422],
    ['BUCKET_UNREACHABLE', 502],
    ['BUCKET_DENIED', 502],
    ['DATABASE_UNREACHABLE', 503],
  ];
  test.each(refusals)('answers %s as a problem document with status %i', async (code, status) => {
    const { send } = api(failingSync(new RollcallError(code, 'what to do about it', { field: 'album' })));
    const problem = await problemOf(await send('POST', '/api/sync'));
    expect(problem).toMatchObject({ status, code, detail: 'what to do about it', field: 'album' });
  });

  test('hides an unexpected error from the caller and logs it under the id of the request', async () => {
    const bug = new TypeError('secret-in-a-stack is undefined');
    const { parts, send } = api(failingSync(bug));
    const response = await send('POST', '/api/sync');
    const text = await response.clone().text();
    const problem = await problemOf(response);
    expect(problem).toMatchObject({ status: 500, code: 'INTERNAL' });
    expect(text).not.toContain('secret-in-a-stack');
    expect(text).not.toContain('.ts:');
    const logged = parts.lines.find(({ level }) => level === 'error');
    expect(logged?.fields).toMatchObject({ err: bug, requestId: response.headers.get('X-Request-Id') });
  });

  test('stops with the server and not with the caller', async () => {
    const signals: AbortSignal[] = [];
    const { app } = api({
      service: {
        ...SERVICE,
        sync: async (_request, _hooks, signal) => {
          signals.push(signal);
          return REPORT;
        },
      },
    });
    const stopping = new AbortController();
    const caller = new AbortController();
    const request = new Request('http://localhost/api/sync', { method: 'POST', signal: caller.signal });
    await app.fetch(request, { stopping: stopping.signal });
    caller.abort();
    expect(signals[0]?.aborted).toBe(false);
    stopping.abort();
    expect(signals[0]?.aborted).toBe(true);
  });

  test('refuses a body of more than 1 MiB, whether it is announced or not', async () => {
    const { parts, app, send } = api();
    const large = JSON.stringify({ album: 'x'.repeat(1024 * 1024) });
    expect(await problemOf(await send('POST', '/api/sync', large))).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
    const stream = new Blob([large]).stream();
    const headers = { 'Content-Type': 'application/json' };
    const response = await app.request('/api/sync', { method: 'POST', headers, body: stream, duplex: 'half' } as never);
    expect(await problemOf(response)).toMatchObject({ status: 413, code: 'PAYLOAD_TOO_LARGE' });
    expect(parts.asked).toEqual([]);
  });
});

describe('lists', () => {
  test.each([
    ['/api/runs', { runs: [RUN, RUN], nextCursor: null }],
    ['/api/runs?limit=1', { runs: [RUN], nextCursor: 'next' }],
    ['/api/runs?limit=1&cursor=next', { runs: [RUN], nextCursor: null }],
    ['/api/libraries', { libraries: [LIBRARY], nextCursor: null }],
    ['/api/albums', { albums: [ALBUM], nextCursor: null }],
    ['/api/albums?library=Family', { albums: [ALBUM], nextCursor: null }],
    [`/api/albums?library=${LIBRARY.id}&limit=1000`, { albums: [ALBUM], nextCursor: null }],
    [`/api/albums/${ALBUM.id}/photos`, { photos: [PHOTO], nextCursor: null }],
    [`/api/albums/${ALBUM.id}/photos?state=lost`, { photos: [], nextCursor: null }],
  ])('GET %s answers its page under its own name', async (path, expected) => {
    const response = await api().get(path);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(expected);
  });

  test.each([
    ['/api/runs?limit=0', 'limit'],
    ['/api/runs?limit=1001', 'limit'],
    ['/api/runs?limit=1.5', 'limit'],
    ['/api/runs?limit=many', 'limit'],
    ['/api/runs?limit=1&limit=2', 'limit'],
    ['/api/runs?limti=1', 'limti'],
    ['/api/runs?cursor=', 'cursor'],
    ['/api/libraries?library=x', 'library'],
    [`/api/albums/${ALBUM.id}/photos?state=gone`, 'state'],
  ])('GET %s is refused, naming %s', async (path, field) => {
    const problem = await problemOf(await api().get(path));
    expect(problem).toMatchObject({ status: 400, code: 'BAD_INPUT', field });
    expect(problem.detail.startsWith(field)).toBe(true);
  });

  test('a list of an unknown library is 404 and not empty', async () => {
    for (const list of ['albums', 'runs']) {
      const problem = await problemOf(await api().get(`/api/${list}?library=nobody`));
      expect(problem).toMatchObject({ status: 404, code: 'NOT_FOUND', field: 'library' });
    }
  });
});

describe('single items', () => {
  test.each([
    [`/api/runs/${RUN.id}`, RUN, Run],
    [`/api/albums/${ALBUM.id}`, ALBUM, Album],
    [`/api/photos/${PHOTO.id}`, PHOTO, Photo],
    [`/api/libraries/${LIBRARY.id}`, LIBRARY, Library],
    ['/api/libraries/Family', LIBRARY, Library],
  ])('GET %s answers it', async (path, expected, schema) => {
    const response = await api().get(path);
    expect(response.status).toBe(200);
    expect(schema.strict().parse(await response.json())).toEqual(expected);
  });

  test.each(['runs', 'albums', 'photos', 'libraries'])('an unknown id under /api/%s is 404', async (list) => {
    for (const id of [UNKNOWN, 'no-id-at-all', "'; DROP TABLE"]) {
      const problem = await problemOf(await api().get(`/api/${list}/${encodeURIComponent(id)}`));
      expect(problem).toMatchObject({ status: 404, code: 'NOT_FOUND', field: 'id' });
      expect(problem.detail).toContain(id);
    }
  });

  test('the photos of an unknown album are 404 and not empty', async () => {
    expect((await problemOf(await api().get(`/api/albums/${UNKNOWN}/photos`))).status).toBe(404);
  });
});

describe('libraries', () => {
  const wanted = { name: 'Work', root: '/srv/work', bucket: 'work', prefix: 'w/', excludes: ['*.xmp'] };

  test('one that is added is answered with 201 and its address', async () => {
    const { send, get } = api();
    const response = await send('POST', '/api/libraries', wanted);
    expect(response.status).toBe(201);
    const created = Library.strict().parse(await response.json());
    expect(created).toMatchObject(wanted);
    expect(response.headers.get('Location')).toBe(`/api/libraries/${created.id}`);
    expect(await (await get(`/api/libraries/${created.id}`)).json()).toEqual(created);
  });

  test('one that names no bucket gets the defaults', async () => {
    const response = await api().send('POST', '/api/libraries', { name: 'Work', root: '/srv//work/' });
    expect(await response.json()).toMatchObject({
      root: '/srv/work',
      bucket: 'default-bucket',
      prefix: 'default/',
      excludes: [],
      sync: 'up',
    });
  });

  test.each<[ErrorCode, number]>([
    ['GUARD_ROOT_MISSING', 422],
    ['BUCKET_DENIED', 502],
  ])('one that the check refuses with %s is not added', async (code, status) => {
    const { get, send } = api({
      checkLibrary: async () => {
        throw new RollcallError(code, 'not usable');
      },
    });
    expect(await problemOf(await send('POST', '/api/libraries', wanted))).toMatchObject({ status, code });
    expect(await (await get('/api/libraries')).json()).toMatchObject({ libraries: [LIBRARY] });
  });

  test('one that is there already is a conflict', async () => {
    const problem = await problemOf(await api().send('POST', '/api/libraries', { ...wanted, name: 'Family' }));
    expect(problem).toMatchObject({ status: 409, code: 'LIBRARY_CONFLICT' });
  });

  test.each([
    ['no body', undefined, 'name'],
    ['an empty body', '', 'name'],
    ['no root', { name: 'x' }, 'root'],
    ['a relative root', { ...wanted, root: 'photos' }, 'root'],
    ['a root with a NUL', { ...wanted, root: '/a\0' }, 'root'],
    ['an empty name', { ...wanted, name: '' }, 'name'],
    ['a bucket that is no name', { ...wanted, bucket: 'My Bucket' }, 'bucket'],
    ['a prefix without its slash', { ...wanted, prefix: 'photos' }, 'prefix'],
    ['a prefix that climbs', { ...wanted, prefix: '../' }, 'prefix'],
    ['excludes that are text', { ...wanted, excludes: '*.xmp' }, 'excludes'],
    ['an exclude with half a character', { ...wanted, excludes: ['a', '\ud800.jpg'] }, 'excludes.1'],
    ['a name with half a character', { ...wanted, name: 'W\udc00' }, 'name'],
    ['an exclude that is a number', { ...wanted, excludes: ['a', 1] }, 'excludes.1'],
    ['an id of its own', { ...wanted, id: UNKNOWN }, 'id'],
    ['a schedule nobody knows', { ...wanted, sync: 'down' }, 'sync'],
  ])('adding refuses %s', async (_name, body, field) => {
    const { parts, send } = api();
    const problem = await problemOf(await send('POST', '/api/libraries', body));
    expect(problem).toMatchObject({ status: 400, code: 'BAD_INPUT', field });
    expect(parts.checked).toEqual([]);
  });

  test('a change keeps what it does not name, and is checked when it moves the library', async () => {
    const { parts, send } = api();
    const renamed = await send('PATCH', `/api/libraries/${LIBRARY.id}`, { name: 'Kin', excludes: ['a'], sync: 'both' });
    expect(await renamed.json()).toEqual({ ...LIBRARY, name: 'Kin', excludes: ['a'], sync: 'both' });
    expect(parts.checked).toEqual([]);
    const moved = await send('PATCH', '/api/libraries/Kin', { root: '/mnt/photos' });
    expect(await moved.json()).toMatchObject({ name: 'Kin', root: '/mnt/photos' });
    expect(parts.checked).toEqual(['/mnt/photos']);
  });

  test('a change refuses fields it does not know and libraries that are not there', async () => {
    const { send } = api();
    const unknownField = await problemOf(await send('PATCH', `/api/libraries/${LIBRARY.id}`, { nmae: 'Kin' }));
    expect(unknownField).toMatchObject({ status: 400, field: 'nmae' });
    const noLibrary = await problemOf(await send('PATCH', `/api/libraries/${UNKNOWN}`, { name: 'Kin' }));
    expect(noLibrary).toMatchObject({ status: 404, field: 'id' });
  });

  test('one that is deleted is gone', async () => {
    const { send, get } = api();
    const response = await send('DELETE', `/api/libraries/${LIBRARY.id}`);
    expect([response.status, await response.text()]).toEqual([204, '']);
    expect((await get(`/api/libraries/${LIBRARY.id}`)).status).toBe(404);
    expect((await send('DELETE', `/api/libraries/${LIBRARY.id}`)).status).toBe(404);
  });
});

describe('health', () => {
  test('is 200 while the database can be used, whatever else cannot', async () => {
    for (const status of ['ok', 'degraded'] as const) {
      const response = await api({ health: async () => ({ ...HEALTH, status }) }).get('/api/health');
      expect(response.status).toBe(200);
      expect(Health.strict().parse(await response.json())).toEqual({ ...HEALTH, status });
    }
  });

  test('is 503 when the database cannot be used', async () => {
    const database = { ok: false, error: 'no answer' };
    const down = { ...HEALTH, status: 'down' as const, parts: { ...HEALTH.parts, database } };
    const response = await api({ health: async () => down }).get('/api/health');
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ status: 'down', parts: { database } });
  });
});

describe('everything else', () => {
  test.each(['/nothing', '/api', '/api/', '/api/sync/', '/api/photos/'])('%s is 404', async (path) => {
    expect(await problemOf(await api().get(path))).toMatchObject({ code: 'NOT_FOUND' });
  });

  test.each([
    ['GET', '/api/sync', 'POST'],
    ['DELETE', '/api/runs', 'GET, HEAD'],
    ['PUT', '/api/libraries', 'GET, HEAD, POST'],
    ['POST', `/api/libraries/${LIBRARY.id}`, 'GET, HEAD, PATCH, DELETE'],
    ['OPTIONS', '/api/health', 'GET, HEAD'],
    ['POST', '/', 'GET, HEAD'],
  ])('%s %s is 405 and says %s', async (method, path, allow) => {
    const response = await api().send(method, path);
    expect(response.headers.get('Allow')).toBe(allow);
    expect(await problemOf(response)).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED' });
  });

  test('HEAD answers like GET without a body', async () => {
    const response = await api().send('HEAD', '/api/libraries');
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  test('each request is logged with an id, and without its query', async () => {
    const { parts, get } = api();
    const response = await get('/api/runs?cursor=confidential');
    const [line] = parts.lines;
    expect(line).toMatchObject({
      level: 'info',
      fields: {
        requestId: response.headers.get('X-Request-Id'),
        method: 'GET',
        path: '/api/runs',
        status: 200,
        ms: expect.any(Number),
      },
    });
    expect(JSON.stringify(parts.lines)).not.toContain('confidential');
  });
});

test('the schemas say what the types say', () => {
  expectTypeOf<z.infer<typeof Photo>>().toEqualTypeOf<Mutable<AddressedPhoto>>();
  expectTypeOf<z.infer<typeof Album>['states']>().toEqualTypeOf<Mutable<AlbumView['states']>>();
  expectTypeOf<keyof z.infer<typeof Report>>().toEqualTypeOf<keyof engine.Report>();
  expectTypeOf<keyof z.infer<typeof Report>['actions']>().toEqualTypeOf<keyof engine.Report['actions']>();
  expectTypeOf<keyof z.infer<typeof Report>['photos']>().toEqualTypeOf<keyof engine.Report['photos']>();
  type Planned = NonNullable<z.infer<typeof Report>['plan']>[number];
  expectTypeOf<BigintsAsText<Action>['kind']>().toEqualTypeOf<Planned['kind']>();
});

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
