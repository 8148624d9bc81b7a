import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import { Comparison, FilesReport } from '../../src/http/s3-schemas.ts';
import { Problem } from '../../src/http/schemas.ts';
import { testParts } from '../support/http-parts.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
let app: ReturnType<typeof createApp>;
beforeEach(async () => {
  world = await createWorld();
  app = createApp(
    testParts({ service: world.service, libraries: world.catalog.libraries, browser: world.catalog.browser }),
  );
});
afterEach(() => world.close());

type Call = 'compare' | 'upload' | 'download' | 'remove';

function post(call: Call, body: object): Promise<Response> {
  const headers = { 'Content-Type': 'application/json' };
  return Promise.resolve(app.request(`/api/s3/${call}`, { method: 'POST', headers, body: JSON.stringify(body) }));
}

async function compare(body: object = { album: 'x' }) {
  const response = await post('compare', body);
  expect(response.status).toBe(200);
  return Comparison.strict().parse(await response.json());
}

async function act(call: Exclude<Call, 'compare'>, body: object) {
  const response = await post(call, body);
  expect(response.status).toBe(200);
  return FilesReport.strict().parse(await response.json());
}

async function refused(call: Call, body: object) {
  const response = await post(call, body);
  expect(response.headers.get('Content-Type')).toBe('application/problem+json');
  return Problem.parse(await response.json());
}

const onDisk = (path: string) => readFileSync(join(world.root, path), 'utf8');
const NOTHING = { missing_in_s3: [], missing_locally: [], different: [], identical: [] };

/** Six photos: two agree, one is only here, one only there, two differ. */
async function mixedAlbum(): Promise<void> {
  for (const name of ['same', 'adopted', 'edited', 'grown']) world.write(`x/${name}.jpg`, 'aaa');
  world.write('elsewhere.jpg');
  await world.sync();
  world.write('x/edited.jpg', 'bbb', 1_600_000_100);
  world.write('x/grown.jpg', 'bbbb', 1_600_000_100);
  world.write('x/here.jpg', 'here');
  await world.put('photos/x/there.jpg', 'there');
}

describe('POST /api/s3/compare', () => {
  test('answers the four lists', async () => {
    await mixedAlbum();
    const lists = await compare();
    expect(Object.keys(lists)).toEqual(['missing_in_s3', 'missing_locally', 'different', 'identical']);
    expect(lists).toMatchObject({
      missing_in_s3: [{ filename: 'here.jpg', localPath: 'x/here.jpg', size: 4 }],
      missing_locally: [{ filename: 'there.jpg', s3Key: 'photos/x/there.jpg', size: 5 }],
      different: [
        { filename: 'edited.jpg', reason: 'content_mismatch' },
        { filename: 'grown.jpg', reason: 'size_mismatch' },
      ],
      identical: [{ filename: 'adopted.jpg' }, { filename: 'same.jpg' }],
    });
  });

  test('knows an album by path, id and style, whichever names it', async () => {
    // A folder may well be named like an id.
    const uuid = '0d1f0a52-6f0f-4d39-bd0c-1c7c7c7b0a01';
    world.write('x/a.jpg', 'aaa');
    world.write(`${uuid}/b.jpg`, 'bbb');
    await world.sync();
    const rows = await world.query<{ id: string }>('SELECT id FROM "Album" WHERE path = $1', ['x']);
    const id = rows[0]?.id;
    const lists = { ...NOTHING, identical: [{ filename: 'a.jpg', size: 3 }] };
    for (const named of [{ album: 'x' }, { albumId: id }, { styleId: 'x' }, { styleId: id }]) {
      expect(await compare(named)).toEqual(lists);
      expect(await compare({ ...named, library: 'test' })).toEqual(lists);
    }
    expect((await compare({ styleId: uuid })).identical).toEqual([{ filename: 'b.jpg', size: 3 }]);
  });

  test('takes the local images that a page knows of', async () => {
    await mixedAlbum();
    const localImages = [{ filename: 'same.jpg', localPath: join(world.root, 'x/same.jpg') }];
    expect(await compare({ album: 'x', localImages })).toMatchObject({
      missing_in_s3: [],
      missing_locally: [{ filename: 'there.jpg' }],
      different: [],
      identical: [{ filename: 'same.jpg' }],
    });
    const outside = { album: 'x', localImages: [...localImages, { filename: 'passwd', localPath: '/etc/passwd' }] };
    expect(await refused('compare', outside)).toMatchObject({
      status: 400,
      code: 'BAD_INPUT',
      field: 'localImages.1.localPath',
    });
  });

  test('answers an error, not lists, when the bucket or the root cannot be read', async () => {
    world.write('x/a.jpg');
    const body = '<Error><Code>AccessDenied</Code><Message>no</Message></Error>';
    world.proxy.fail(() => ({ kind: 'answer', status: 403, body }));
    expect(await refused('compare', { album: 'x' })).toMatchObject({ status: 502, code: 'BUCKET_DENIED' });
    world.proxy.reset();
    await world.sync();
    world.remove('x');
    expect(await refused('compare', { album: 'x' })).toMatchObject({ status: 422, code: 'GUARD_EMPTY_ROOT' });
  });
});

describe('POST /api/s3/upload', () => {
  test('sends what is missing and what differs, as a comparison lists it', async () => {
    await mixedAlbum();
    const { missing_in_s3, different } = await compare();
    const { results, report } = await act('upload', { album: 'x', images: [...missing_in_s3, ...different] });
    expect(results).toEqual([
      { filename: 'here.jpg', status: 'uploaded' },
      { filename: 'edited.jpg', status: 'uploaded' },
      { filename: 'grown.jpg', status: 'uploaded' },
    ]);
    expect(report).toMatchObject({ status: 'succeeded', actions: { uploaded: 1, reuploaded: 2, downloaded: 0 } });
    expect(await compare()).toMatchObject({ missing_in_s3: [], different: [], missing_locally: [{}] });
    expect(await world.read('photos/x/edited.jpg')).toBe('bbb');
    const runs = await world.query('SELECT kind, status FROM "Run" WHERE id = $1', [report.runId]);
    expect(runs).toEqual([{ kind: 'upload', status: 'succeeded' }]);
  });

  test('replaces what the catalog does not know and what only its content tells apart', async () => {
    world.write('x/a.jpg', 'aaa');
    world.write('x/b.jpg', 'bbb');
    await world.put('photos/x/a.jpg', 'theirs');
    await world.put('photos/x/b.jpg', 'BBB');
    expect((await act('upload', { album: 'x', images: ['a.jpg', 'b.jpg'] })).results).toEqual([
      { filename: 'a.jpg', status: 'uploaded' },
      { filename: 'b.jpg', status: 'uploaded' },
    ]);
    expect([await world.read('photos/x/a.jpg'), await world.read('photos/x/b.jpg')]).toEqual(['aaa', 'bbb']);
  });

  test('touches only the files that are named', async () => {
    await mixedAlbum();
    const before = await world.keys();
    const { results } = await act('upload', { album: 'x', images: ['same.jpg', 'there.jpg', 'nowhere.jpg'] });
    expect(results).toMatchObject([
      { filename: 'same.jpg', status: 'skipped' },
      { filename: 'there.jpg', status: 'not_found', code: 'FILE_GONE' },
      { filename: 'nowhere.jpg', status: 'not_found', code: 'NOT_FOUND' },
    ]);
    expect(await world.keys()).toEqual(before);
    expect(await world.read('photos/x/edited.jpg')).toBe('aaa');
  });

  test('answers once for each name, in the order given, however it is spelled', async () => {
    world.write('x/caf\u00e9.jpg');
    world.write('x/a.jpg');
    const images = ['cafe\u0301.jpg', { filename: 'a.jpg' }, 'a.jpg'];
    const { results } = await act('upload', { album: 'x', images });
    expect(results.map(({ filename, status }) => [filename.normalize('NFC'), status])).toEqual([
      ['caf\u00e9.jpg', 'uploaded'],
      ['a.jpg', 'uploaded'],
    ]);
  });

  test('says of each file what went wrong with it', async () => {
    for (const name of ['bad', 'good', 'young']) world.write(`x/${name}.jpg`, name);
    world.write('x/young.jpg', 'young', world.clock.nowMs / 1000 - 0.5);
    const body = '<Error><Code>AccessDenied</Code><Message>no</Message></Error>';
    world.proxy.fail(({ method, path }) =>
      method === 'PUT' && path.endsWith('/bad.jpg') ? { kind: 'answer', status: 403, body } : null,
    );
    const { results, report } = await act('upload', { album: 'x', images: ['bad.jpg', 'good.jpg', 'young.jpg'] });
    expect(results).toMatchObject([
      { filename: 'bad.jpg', status: 'failed', code: 'OBJECT_DENIED' },
      { filename: 'good.jpg', status: 'uploaded' },
      { filename: 'young.jpg', status: 'skipped', code: 'FILE_UNSTABLE' },
    ]);
    expect(report.status).toBe('partial');
  });

  test('does nothing for no files', async () => {
    world.write('x/a.jpg');
    expect((await act('upload', { album: 'x', images: [] })).results).toEqual([]);
    expect(await world.keys()).toEqual([]);
  });
});

describe('POST /api/s3/download', () => {
  test('fetches what is missing and what differs, as a comparison lists it', async () => {
    await mixedAlbum();
    const { missing_locally, different } = await compare();
    const { results, report } = await act('download', { album: 'x', images: [...missing_locally, ...different] });
    expect(results).toEqual([
      { filename: 'there.jpg', status: 'downloaded' },
      { filename: 'edited.jpg', status: 'downloaded' },
      { filename: 'grown.jpg', status: 'downloaded' },
    ]);
    expect(report).toMatchObject({ status: 'succeeded', files_downloaded: 3, actions: { downloaded: 3, uploaded: 0 } });
    expect([onDisk('x/there.jpg'), onDisk('x/edited.jpg'), onDisk('x/grown.jpg')]).toEqual(['there', 'aaa', 'aaa']);
    expect(await compare()).toMatchObject({ missing_in_s3: [{}], missing_locally: [], different: [] });
  });

  test('brings an album that only the bucket has, and a file that was deleted', async () => {
    world.write('y/gone.jpg', 'gone');
    world.write('y/kept.jpg', 'kept');
    await world.sync();
    world.remove('y/gone.jpg');
    await world.put('photos/far/a.jpg', 'aaa');
    expect((await act('download', { album: 'far', images: ['a.jpg'] })).results).toEqual([
      { filename: 'a.jpg', status: 'downloaded' },
    ]);
    expect((await act('download', { album: 'y', images: ['gone.jpg'] })).results).toEqual([
      { filename: 'gone.jpg', status: 'downloaded' },
    ]);
    expect([onDisk('far/a.jpg'), onDisk('y/gone.jpg')]).toEqual(['aaa', 'gone']);
    expect(await world.states()).toEqual({ 'far/a.jpg': 'synced', 'y/gone.jpg': 'synced', 'y/kept.jpg': 'synced' });
  });

  test('says what is not in the bucket, what needs nothing, and what has no place here', async () => {
    await mixedAlbum();
    await world.put('photos/x/temp_a.jpg', 'aaa');
    await world.put('photos/x/cafe\u0301.jpg', 'aaa');
    const images = ['here.jpg', 'nowhere.jpg', 'same.jpg', 'temp_a.jpg', 'cafe\u0301.jpg'];
    expect((await act('download', { album: 'x', images })).results).toMatchObject([
      { status: 'not_found', code: 'OBJECT_MISSING' },
      { status: 'not_found', code: 'NOT_FOUND' },
      { status: 'skipped' },
      { status: 'skipped', message: expect.stringContaining('exclude') },
      { status: 'conflict', code: 'NAME_INVALID' },
    ]);
    expect(onDisk('x/here.jpg')).toBe('here');
  });
});

describe('POST /api/s3/remove', () => {
  test('removes objects, keeps files, and the next sync brings them back', async () => {
    for (const name of ['a', 'b', 'c']) world.write(`x/${name}.jpg`, name);
    await world.sync();
    const { results, report } = await act('remove', { album: 'x', filenames: ['a.jpg', 'b.jpg'] });
    expect(results).toEqual([
      { filename: 'a.jpg', status: 'removed' },
      { filename: 'b.jpg', status: 'removed' },
    ]);
    expect(report.actions.deleted).toBe(2);
    expect(await world.keys()).toEqual(['photos/x/c.jpg']);
    expect([onDisk('x/a.jpg'), onDisk('x/b.jpg')]).toEqual(['a', 'b']);
    expect(await world.states()).toEqual({ 'x/a.jpg': 'missing', 'x/b.jpg': 'missing', 'x/c.jpg': 'synced' });
    expect((await act('remove', { album: 'x', filenames: ['a.jpg'] })).results).toMatchObject([
      { status: 'not_found', code: 'OBJECT_MISSING' },
    ]);
    expect((await world.sync()).actions).toMatchObject({ reuploaded: 2, skipped: 1, conflicts: 0 });
    expect(await world.keys()).toHaveLength(3);
  });

  test('is not held back by MAX_DELETE: the files were named, and nothing is lost', async () => {
    const filenames = Array.from({ length: 30 }, (_, i) => `${i}.jpg`);
    for (const name of filenames) world.write(`x/${name}`);
    await world.sync();
    const { results } = await act('remove', { album: 'x', filenames });
    expect(results.filter(({ status }) => status === 'removed')).toHaveLength(30);
    expect(await world.keys()).toEqual([]);
  });

  test('leaves alone what might be the only copy, and says why', async () => {
    for (const name of ['edited', 'foreign', 'gone', 'rotten']) world.write(`x/${name}.jpg`, 'aaa');
    await world.sync();
    world.write('x/edited.jpg', 'bbb', 1_600_000_100);
    await world.put('photos/x/foreign.jpg', 'somebody else');
    world.remove('x/gone.jpg');
    rot('x/rotten.jpg');
    await world.put('photos/x/unknown.jpg', 'ccc');
    world.write('x/unsynced.jpg', 'ddd');
    await world.put('photos/x/unsynced.jpg', 'ddd');
    const [keys, states] = [await world.keys(), await world.states()];
    const filenames = ['edited', 'foreign', 'gone', 'rotten', 'unknown', 'unsynced'].map((name) => `${name}.jpg`);
    const { results, report } = await act('remove', { album: 'x', filenames });
    expect(results.map(({ filename, status, message }) => `${filename}: ${status}: ${message}`)).toEqual([
      expect.stringMatching(/^edited.jpg: conflict: its file has changed/),
      expect.stringMatching(/^foreign.jpg: conflict: its object is not the one on record/),
      expect.stringMatching(/^gone.jpg: conflict: its file is not on disk/),
      expect.stringMatching(/^rotten.jpg: conflict: its file does not hold the bytes of the object/),
      expect.stringMatching(/^unknown.jpg: conflict: its file is not on disk/),
      expect.stringMatching(/^unsynced.jpg: conflict: its object is not the one on record/),
    ]);
    expect(report.actions).toMatchObject({ deleted: 0, conflicts: 6 });
    expect([await world.keys(), await world.states()]).toEqual([keys, states]);
    expect(await world.read('photos/x/rotten.jpg')).toBe('aaa');
  });

  test('leaves an object that is replaced at the last moment', async () => {
    world.write('x/a.jpg', 'aaa');
    await world.sync();
    let asked = 0;
    world.proxy.fail(({ method, path }) =>
      method === 'DELETE' && path.endsWith('/x/a.jpg') && asked++ === 0
        ? { kind: 'after', first: () => world.put('photos/x/a.jpg', 'theirs') }
        : null,
    );
    const { results } = await act('remove', { album: 'x', filenames: ['a.jpg'] });
    expect(results).toMatchObject([{ status: 'conflict' }]);
    expect(await world.read('photos/x/a.jpg')).toBe('theirs');
  });
});

describe('every call', () => {
  const FILES = { compare: {}, upload: { images: [] }, download: { images: [] }, remove: { filenames: [] } } as const;
  const calls = ['compare', 'upload', 'download', 'remove'] as const;

  test.each(calls)('%s of an album or a library that does not exist is 404', async (call) => {
    world.write('x/a.jpg');
    const id = crypto.randomUUID();
    for (const names of [{ album: 'y' }, { albumId: id }, { styleId: id }, { album: 'x', library: 'other' }]) {
      const problem = await refused(call, { ...names, ...FILES[call] });
      expect(problem).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    }
  });

  test.each(['upload', 'download', 'remove'] as const)('%s waits for nobody who syncs the album', async (call) => {
    world.write('x/a.jpg');
    const scope = { library: world.library, album: null };
    const lock = await world.catalog.port.lock(scope, AbortSignal.timeout(150_000));
    try {
      const problem = await refused(call, { album: 'x', ...FILES[call] });
      expect(problem).toMatchObject({ status: 409, code: 'SYNC_IN_PROGRESS' });
    } finally {
      await lock.release();
    }
  });
});

/** Other bytes in a file that looks the same. */
function rot(path: string): void {
  const place = join(world.root, path);
  const { atime, mtime } = statSync(place);
  writeFileSync(place, 'xxx');
  utimesSync(place, atime, mtime);
}
