/** What MediaStore promises (src/sync/media-store.ts): which photos are due, whose they are meanwhile, what is kept. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RowChange } from '../../src/sync/catalog-port.ts';
import type { PhotoMetadata } from '../../src/sync/media-port.ts';
import type { ClaimedPhoto, MediaStore } from '../../src/sync/media-store.ts';
import type { Library } from '../../src/sync/types.ts';
import { type Agreed, agreed, local, moved, never, openTestCatalog, type TestCatalog } from '../support/catalog.ts';
import { METADATA, processed, variantsOf } from '../support/catalog-media.ts';

let world: TestCatalog;
let media: MediaStore;
beforeAll(async () => {
  world = await openTestCatalog();
  media = world.catalog.media;
});
afterAll(() => world.close());

let library: Library;
beforeEach(async () => {
  library = await world.makeLibrary();
});

const photo = (path: string, facts: Partial<Agreed> = {}) => agreed(library, path, { md5: `md5 of ${path}`, ...facts });
const apply = (...changes: RowChange[]) => world.catalog.port.apply(library, changes);
const claim = (limit = 100, album?: string) =>
  media.claim({ libraryId: library.id, ...(album !== undefined && { album }) }, limit, never);
const paths = (photos: readonly ClaimedPhoto[]) => photos.map(({ path }) => path);
const idOf = async (path: string) => (await world.rows(library)).find((row) => row.path === path)?.id ?? '';
const dueCount = async () => (await media.counts({ libraryId: library.id }, never)).due;

async function one(path = 'x/a.jpg'): Promise<ClaimedPhoto> {
  const found = (await claim()).find((each) => each.path === path);
  if (found === undefined) throw new Error(`${path} is not due`);
  return found;
}

/** Makes these photos, and has them looked at. */
async function looked(...names: string[]): Promise<ClaimedPhoto[]> {
  await apply(...names.map((path) => photo(path)));
  const claimed = await claim();
  await media.save(
    library,
    claimed.map((each) => processed(each)),
  );
  return [...claimed];
}

describe('photos that are due', () => {
  test('are images and videos in agreement that were never looked at, by key, with all that is needed', async () => {
    await apply(
      photo('x/b.mp4', { photoKind: 'video' }),
      photo('x/a.jpg', { local: { ...local, birthNs: 7n } }),
      photo('x/c.mp3', { photoKind: 'audio' }),
      photo('x/d.txt', { photoKind: 'other' }),
      photo('x/e.jpg', { md5: null }),
    );
    await world.catalog.port.apply(library, [
      { ...agreed(library, 'x/f.jpg'), kind: 'unsettled', state: 'failed', error: 'no' } as never,
    ]);
    const claimed = await claim();
    expect(paths(claimed)).toEqual(['x/a.jpg', 'x/b.mp4']);
    expect(claimed[0]).toEqual({
      id: await idOf('x/a.jpg'),
      libraryId: library.id,
      claim: expect.any(String),
      key: 'photos/x/a.jpg',
      path: 'x/a.jpg',
      kind: 'image',
      local: { ...local, birthNs: 7n },
      md5: 'md5 of x/a.jpg',
      sidecar: null,
    });
  });

  test('are not those whose file is not there', async () => {
    await apply(photo('x/a.jpg'), photo('x/b.jpg'), photo('x/c.jpg'));
    await apply({ kind: 'state', id: await idOf('x/a.jpg'), state: 'orphaned', error: null });
    await apply({ kind: 'state', id: await idOf('x/b.jpg'), state: 'lost', error: null });
    expect(paths(await claim())).toEqual(['x/c.jpg']);
    await apply({ kind: 'state', id: await idOf('x/a.jpg'), state: 'synced', error: null });
    expect(paths(await claim())).toEqual(['x/a.jpg']);
  });

  test('are claimed once, as many as are asked for', async () => {
    await apply(...['a', 'b', 'c', 'd', 'e'].map((name) => photo(`x/${name}.jpg`)));
    expect(paths(await claim(2))).toEqual(['x/a.jpg', 'x/b.jpg']);
    expect(paths(await claim(2))).toEqual(['x/c.jpg', 'x/d.jpg']);
    expect(paths(await claim(2))).toEqual(['x/e.jpg']);
    expect(await claim(2)).toEqual([]);
    expect(await dueCount()).toBe(5);
  });

  test('are those of an album, or these very ones, where that is asked for', async () => {
    await apply(photo('x/a.jpg'), photo('x/y/b.jpg'), photo('c.jpg'));
    expect(paths(await claim(9, 'x'))).toEqual(['x/a.jpg']);
    expect(paths(await claim(9, '.'))).toEqual(['c.jpg']);
    expect(await claim(9, 'nowhere')).toEqual([]);
    const ids = [await idOf('x/y/b.jpg'), randomUUID(), 'no uuid'];
    expect(paths(await media.claim({ photoIds: ids }, 9, never))).toEqual(['x/y/b.jpg']);
    expect(await media.claim({ libraryId: 'no uuid' }, 9, never)).toEqual([]);
  });

  test('can be claimed by key and version', async () => {
    await apply(photo('x/a.jpg'), photo('x/b.jpg'));
    const version = { libraryId: library.id, key: 'photos/x/b.jpg', md5: 'md5 of x/b.jpg' };
    expect(await media.claim({ ...version, md5: 'another' }, 1, never)).toEqual([]);
    expect(paths(await media.claim(version, 1, never))).toEqual(['x/b.jpg']);
    expect(await media.claim(version, 1, never)).toEqual([]);
  });

  test('are told by library, but for those that are claimed', async () => {
    const other = await world.makeLibrary();
    await apply(photo('x/a.jpg'), photo('x/b.jpg'));
    await world.catalog.port.apply(other, [agreed(other, 'a.jpg', { md5: 'm' })]);
    const counted = async () => {
      const due = new Map((await media.due(never)).map((each) => [each.libraryId, each.photos]));
      return [due.get(library.id), due.get(other.id)];
    };
    expect(await counted()).toEqual([2, 1]);
    await claim(1);
    expect(await counted()).toEqual([1, 1]);
    await claim();
    expect(await counted()).toEqual([undefined, 1]);
  });

  test('are due again when their bytes change, and not when only their facts do', async () => {
    await looked('x/a.jpg');
    await apply(photo('x/a.jpg', { local: { ...local, mtimeNs: 5n } }));
    expect(await claim()).toEqual([]);
    await apply(photo('x/a.jpg', { md5: 'other bytes', etag: 'etag-2' }));
    expect(paths(await claim())).toEqual(['x/a.jpg']);
  });

  test('are due when they are demanded', async () => {
    const [a, b] = await looked('x/a.jpg', 'y/b.jpg', 'z/c.mp3');
    expect(await media.demand({ libraryId: library.id, album: 'x' }, 'all')).toBe(1);
    expect(paths(await claim())).toEqual([a!.path]);
    await media.demandPhotos([b!.id, randomUUID(), 'no uuid']);
    expect(paths(await claim())).toEqual([b!.path]);
    expect(await media.demand({ libraryId: library.id }, 'all')).toBe(3);
  });
});

describe('a claim', () => {
  test('is over after ten minutes, and what its owner found then is not taken', async () => {
    await apply(photo('x/a.jpg'));
    const slow = await one();
    await world.sql(`UPDATE "Photo" SET "mediaClaimedAt" = now() - interval '9 minutes' WHERE id = $1`, [slow.id]);
    expect(await claim()).toEqual([]);
    await world.sql(`UPDATE "Photo" SET "mediaClaimedAt" = now() - interval '11 minutes' WHERE id = $1`, [slow.id]);
    const quick = await one();
    expect(quick).toEqual({ ...slow, claim: expect.any(String) });
    expect(await media.save(library, [processed(slow, { variants: variantsOf(slow, 'slow') })])).toEqual(new Set());
    expect(await dueCount()).toBe(1);
    expect(await media.save(library, [processed(quick)])).toEqual(new Set([quick.id]));
    expect(await dueCount()).toBe(0);
  });

  test('that nobody ever ends counts: a photo that takes the process with it is given up', async () => {
    await apply(photo('x/a.jpg'), photo('x/b.jpg'));
    const over = `UPDATE "Photo" SET "mediaClaimedAt" = now() - interval '11 minutes' WHERE "mediaClaim" IS NOT NULL`;
    for (let attempt = 1; attempt <= 5; attempt++) {
      await one();
      await media.save(
        library,
        (await claim()).map((each) => processed(each)),
      );
      await world.sql(over);
    }
    expect(await claim()).toEqual([]);
    expect(await media.counts({ libraryId: library.id }, never)).toMatchObject({ due: 0, failed: 2 });
    const album = await world.catalog.browser.albumByPath(library.id, 'x');
    const { items } = await world.catalog.browser.photos(album!.id, {}, { limit: 1 });
    expect(items[0]?.media).toMatchObject({ state: 'failed', error: expect.stringContaining('cut off') });
  });

  test('is over when the bytes change meanwhile', async () => {
    await apply(photo('x/a.jpg'));
    const before = await one();
    await apply(photo('x/a.jpg', { md5: 'other bytes', etag: 'etag-2' }));
    const after = await one();
    expect(after.md5).toBe('other bytes');
    expect(await media.save(library, [processed(before)])).toEqual(new Set());
    expect(await media.save(library, [processed(after)])).toEqual(new Set([after.id]));
  });

  test('goes on when the photo is renamed meanwhile', async () => {
    await apply(photo('x/a.jpg'));
    const [row] = await world.rows(library);
    const claimed = await one();
    await apply(moved(library, row!, 'y/b.jpg'));
    expect(await media.save(library, [processed(claimed)])).toEqual(new Set([claimed.id]));
  });

  test('that is given back without an error leaves the photo to the next one', async () => {
    await apply(photo('x/a.jpg'));
    for (let time = 0; time < 7; time++) await media.giveBack([await one()], null);
    expect(await dueCount()).toBe(1);
  });

  test('that is given back five times with an error is the last one', async () => {
    await apply(photo('x/a.jpg'));
    for (let time = 1; time <= 5; time++) await media.giveBack([await one()], `attempt ${time}\0`);
    expect(await claim()).toEqual([]);
    const counts = await media.counts({ libraryId: library.id }, never);
    expect(counts).toEqual({ due: 0, ready: 0, unsupported: 0, refused: 0, corrupt: 0, failed: 1 });
    expect((await world.catalog.browser.photo(await idOf('x/a.jpg')))?.media).toEqual({
      state: 'failed',
      error: 'attempt 5',
      processedAt: expect.any(String),
    });
  });

  test('of a photo that was given up is possible again once its bytes change, five times anew', async () => {
    await apply(photo('x/a.jpg'));
    for (let time = 1; time <= 4; time++) await media.giveBack([await one()], 'no memory');
    await apply(photo('x/a.jpg', { md5: 'other bytes', etag: 'etag-2' }));
    for (let time = 1; time <= 5; time++) await media.giveBack([await one()], 'no memory');
    expect(await claim()).toEqual([]);
    await apply(photo('x/a.jpg', { md5: 'third', etag: 'etag-3' }));
    await media.save(library, [processed(await one())]);
    expect(await media.counts({ libraryId: library.id }, never)).toMatchObject({ due: 0, ready: 1, failed: 0 });
  });

  test('of a photo that was given up is possible again when the failed ones are demanded', async () => {
    await looked('x/a.jpg');
    await apply(photo('x/b.jpg'));
    for (let time = 1; time <= 5; time++) await media.giveBack([await one('x/b.jpg')], 'no memory');
    expect(await media.demand({}, 'failed')).toBeGreaterThanOrEqual(1);
    expect(paths(await claim())).toEqual(['x/b.jpg']);
    expect(await media.demand({ libraryId: library.id }, 'failed')).toBe(1);
  });

  test('that is put off leaves the photo alone for ten minutes, unless its bytes change or it is demanded', async () => {
    await apply(photo('x/a.jpg'));
    const first = await one();
    await media.putOff([first]);
    expect([await claim(), await dueCount()]).toEqual([[], 1]);
    expect(await media.save(library, [processed(first)])).toEqual(new Set());
    await apply(photo('x/a.jpg', { md5: 'other bytes', etag: 'etag-2' }));
    await media.putOff([await one()]);
    await media.demandPhotos([first.id]);
    for (let time = 0; time < 7; time++) {
      await media.putOff([await one()]);
      await world.sql(`UPDATE "Photo" SET "mediaClaimedAt" = now() - interval '11 minutes' WHERE id = $1`, [first.id]);
    }
    expect(paths(await claim())).toEqual(['x/a.jpg']);
  });

  test('that is not one any more can be given back and put off all the same, which changes nothing', async () => {
    await apply(photo('x/a.jpg'));
    const claimed = await one();
    await media.save(library, [processed(claimed)]);
    await media.giveBack([claimed], 'too late');
    await media.putOff([claimed, { ...claimed, id: randomUUID() }]);
    expect(await media.counts({ libraryId: library.id }, never)).toMatchObject({ due: 0, ready: 1 });
  });
});

describe('what was found', () => {
  const seen = async (path = 'x/a.jpg') => world.catalog.browser.photo(await idOf(path));

  test('is kept, and told with the photo', async () => {
    const [claimed] = await looked('x/a.jpg');
    const { width: _w, height: _h, durationMs: _d, takenAt: _t, ...rest } = METADATA;
    expect(await seen()).toMatchObject({
      media: { state: 'ready', error: null, processedAt: expect.any(String) },
      width: 4000,
      height: 3000,
      durationMs: null,
      takenAt: '2024-06-01T12:30:15.250Z',
      takenOffset: 120,
      takenFrom: 'exif',
      thumbhash: 'YJqGPQw7sFlslqhFafSE+Q6oJ1h2iHB2Rw==',
      metadata: rest,
      variants: [
        { name: 'thumb', key: `variants/${claimed!.id}/thumb-1`, width: 320, height: 240, size: 9_000 },
        { name: 'preview', key: `variants/${claimed!.id}/preview-1`, width: 1600, height: 1200, size: 2 ** 33 },
      ],
    });
  });

  test('of thousands of photos is written in one go, each state where it belongs', async () => {
    const names = Array.from({ length: 6_000 }, (_, i) => `many/${String(i).padStart(5, '0')}.jpg`);
    await apply(...names.map((path) => photo(path)));
    const claimed = await claim(10_000);
    expect(paths(claimed)).toEqual(names);
    const states = ['ready', 'unsupported', 'refused', 'corrupt', 'failed'] as const;
    const results = claimed.map((each, i) => processed(each, { state: states[i % 5]! }));
    expect((await media.save(library, results)).size).toBe(6_000);
    const counts = { due: 0, ready: 1_200, unsupported: 1_200, refused: 1_200, corrupt: 1_200, failed: 1_200 };
    expect(await media.counts({ libraryId: library.id }, never)).toEqual(counts);
    expect(await media.counts({ libraryId: library.id, album: 'many' }, never)).toEqual(counts);
    expect(await media.variants(library, '', 20_000, never)).toHaveLength(12_000);
  });

  test('that no column holds is not known, and costs nobody else anything', async () => {
    const odd: Partial<PhotoMetadata>[] = [
      { takenAt: { atMs: Number.NaN, offsetMinutes: 60, from: 'exif' } },
      { takenAt: { atMs: 8.64e15, offsetMinutes: 60, from: 'exif' } },
      { takenAt: { atMs: -8.64e15, offsetMinutes: 60, from: 'exif' } },
      { takenAt: { atMs: -62_135_596_800_000, offsetMinutes: Number.NaN, from: 'file' } },
      { takenAt: { atMs: 253_402_300_799_999, offsetMinutes: 1e12, from: 'file' } },
      { width: Number.NaN, height: 1e20, durationMs: Number.POSITIVE_INFINITY },
      { width: 1.5, height: -0, durationMs: 2 ** 31 },
      { fNumber: Number.NaN, exposureSeconds: Number.POSITIVE_INFINITY, title: 'nul\0 and \ud800', keywords: ['\0'] },
    ];
    await apply(...odd.map((_, i) => photo(`x/${i}.jpg`)));
    const claimed = await claim();
    const results = claimed.map((each, i) => processed(each, { metadata: { ...METADATA, ...odd[i] }, error: 'a\0b' }));
    expect((await media.save(library, results)).size).toBe(odd.length);
    const views = await Promise.all(odd.map((_, i) => seen(`x/${i}.jpg`)));
    expect(views.map((view) => [view?.takenAt, view?.takenOffset, view?.takenFrom]).slice(0, 5)).toEqual([
      [null, null, null],
      [null, null, null],
      [null, null, null],
      ['0001-01-01T00:00:00.000Z', null, 'file'],
      ['9999-12-31T23:59:59.999Z', null, 'file'],
    ]);
    expect(views[5]).toMatchObject({ width: null, height: null, durationMs: null, media: { error: 'ab' } });
    expect(views[6]).toMatchObject({ width: 2, height: 0, durationMs: null });
    expect(views[7]?.metadata).toMatchObject({ fNumber: null, exposureSeconds: null, title: 'nul and \ufffd' });
  });

  test('stays where nothing could be found out this time', async () => {
    await looked('x/a.jpg');
    const before = await seen();
    await media.demand({ libraryId: library.id }, 'all');
    const claimed = await one();
    const nothing = { state: 'failed', error: 'the disk broke', metadata: null, thumbhash: null } as const;
    await media.save(library, [processed(claimed, { ...nothing, variants: variantsOf(claimed) })]);
    expect(await seen()).toEqual({
      ...before,
      media: { state: 'failed', error: 'the disk broke', processedAt: expect.any(String) },
      updatedAt: expect.any(String),
    });
  });

  test('stays with a photo that is renamed, and with one that is orphaned', async () => {
    const [claimed] = await looked('x/a.jpg');
    const before = await seen();
    const [row] = await world.rows(library);
    await apply(moved(library, row!, 'y/b.jpg'));
    const { media: state, variants, metadata, takenAt } = (await world.catalog.browser.photo(claimed!.id))!;
    expect({ state, variants, metadata, takenAt }).toEqual({
      state: before!.media,
      variants: before!.variants,
      metadata: before!.metadata,
      takenAt: before!.takenAt,
    });
    expect(await claim()).toEqual([]);
    await apply({ kind: 'state', id: claimed!.id, state: 'orphaned', error: null });
    expect(await media.counts({ libraryId: library.id }, never)).toMatchObject({ due: 0, ready: 1 });
  });

  test('is not taken for a photo of another library, or for one that is gone', async () => {
    await apply(photo('x/a.jpg'), photo('x/b.jpg'));
    const [a, b] = await claim();
    const other = await world.makeLibrary();
    expect(await media.save(other, [processed(a!)])).toEqual(new Set());
    await apply({ kind: 'deleting', id: b!.id }, { kind: 'deleted', id: b!.id });
    expect(await media.save(library, [processed(a!), processed(b!)])).toEqual(new Set([a!.id]));
  });

  test('of nothing is nothing', async () => {
    expect(await media.save(library, [])).toEqual(new Set());
    await media.giveBack([], 'x');
    await media.putOff([]);
    await media.demandPhotos([]);
    await media.forgetRemains(library, []);
  });
});

describe('variants', () => {
  const remains = async () => (await media.remains(library, 1_000, never)).map(({ key, etag }) => [key, etag]);
  const recorded = async () => (await media.variants(library, '', 1_000, never)).map(({ key }) => key);

  test('are listed by key in UTF-8 byte order, a page at a time', async () => {
    await apply(photo('a.jpg'), photo('b.jpg'));
    const names = ['v/\u{1f600}', 'v/\u{fffd}', 'v/B', 'v/a'];
    const results = (await claim()).map((each, i) => {
      const keys = names.slice(i * 2, i * 2 + 2);
      return processed(each, { variants: variantsOf(each).map((variant, n) => ({ ...variant, key: keys[n]! })) });
    });
    await media.save(library, results);
    const first = await media.variants(library, '', 3, never);
    expect(first.map(({ key }) => key)).toEqual(['v/B', 'v/a', 'v/\u{fffd}']);
    expect(await media.variants(library, 'v/\u{fffd}', 3, never)).toEqual([
      { photoId: results[0]!.photo.id, name: 'thumb', key: 'v/\u{1f600}', size: 9_000, etag: '1' },
    ]);
  });

  test('under other keys than before leave the old objects to be removed', async () => {
    const [a] = await looked('x/a.jpg');
    await media.demand({ libraryId: library.id }, 'all');
    const [thumb, preview] = variantsOf(a!);
    const again = { ...variantsOf(a!, '2')[0]!, etag: 'new' };
    await media.save(library, [processed(await one(), { variants: [again, { ...preview!, etag: 'rewritten' }] })]);
    expect(await remains()).toEqual([[thumb!.key, '1']]);
    expect((await media.variants(library, '', 9, never)).map(({ key, etag }) => [key, etag])).toEqual([
      [preview!.key, 'rewritten'],
      [again.key, 'new'],
    ]);
    await media.demand({ libraryId: library.id }, 'all');
    await media.save(library, [processed(await one(), { state: 'corrupt', error: 'cut off', variants: [] })]);
    expect(await recorded()).toEqual([]);
    expect((await remains()).map(([key]) => key)).toEqual([preview!.key, thumb!.key, again.key]);
  });

  test('of a photo whose row goes, however, are left to be removed', async () => {
    const [a, b] = await looked('x/a.jpg', 'x/b.jpg');
    await apply({ kind: 'deleting', id: a!.id }, { kind: 'deleted', id: a!.id });
    await world.sql('DELETE FROM "Photo" WHERE id = $1', [b!.id]);
    const keys = [...variantsOf(a!), ...variantsOf(b!)].map(({ key }) => key);
    expect((await remains()).map(([key]) => key)).toEqual(keys.sort());
    expect(await media.remains(library, 1, never)).toEqual([{ key: keys[0], etag: '1' }]);
    await media.forgetRemains(library, [keys[0]!, 'never there']);
    expect((await remains()).map(([key]) => key)).toEqual(keys.slice(1));
  });

  test('that are recorded anew are not left to be removed any more', async () => {
    const [a] = await looked('x/a.jpg');
    await media.demand({ libraryId: library.id }, 'all');
    await media.save(library, [processed(await one(), { variants: [] })]);
    expect(await remains()).toHaveLength(2);
    await media.demand({ libraryId: library.id }, 'all');
    await media.save(library, [processed(await one())]);
    expect(await remains()).toEqual([]);
    expect(await recorded()).toEqual(
      variantsOf(a!)
        .map(({ key }) => key)
        .sort(),
    );
  });

  test('that were not taken are left to be removed, unless they are on record', async () => {
    await apply(photo('x/a.jpg'));
    const slow = await one();
    await world.sql(`UPDATE "Photo" SET "mediaClaimedAt" = now() - interval '11 minutes' WHERE id = $1`, [slow.id]);
    const quick = await one();
    await media.save(library, [processed(quick)]);
    const [thumb] = variantsOf(slow);
    const [stray] = variantsOf(slow, 'slow');
    await media.save(library, [processed(slow, { variants: [thumb!, { ...stray!, name: 'preview' }] })]);
    expect(await remains()).toEqual([[stray!.key, 'slow']]);
  });

  test('that were removed just when they were recorded anew are made once more', async () => {
    const [a] = await looked('x/a.jpg');
    await media.forgetRemains(library, [variantsOf(a!)[0]!.key]);
    expect(paths(await claim())).toEqual(['x/a.jpg']);
  });

  test('are forgotten with their library, the remains too', async () => {
    await looked('x/a.jpg', 'x/b.jpg', 'x/a.xmp');
    await apply(photo('x/c.xmp', { photoKind: 'sidecar' }));
    const id = await idOf('x/a.jpg');
    await apply({ kind: 'deleting', id }, { kind: 'deleted', id });
    expect(await remains()).toHaveLength(2);
    await world.catalog.libraries.remove(library.id);
    for (const table of ['Variant', 'VariantRemains', 'Photo']) {
      expect(await world.sql(`SELECT 1 FROM "${table}" WHERE "libraryId" = $1`, [library.id])).toEqual([]);
    }
  });
});
