import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Page, PageRequest } from '../../src/sync/browse.ts';
import { agreed, local, never, openTestCatalog, type TestCatalog, unsettled } from '../support/catalog.ts';
import { METADATA, processed } from '../support/catalog-media.ts';

let world: TestCatalog;
beforeAll(async () => {
  world = await openTestCatalog();
});
afterAll(() => world.close());

/** Every item of a list, by its cursors. */
async function walk<Item>(list: (page: PageRequest) => Promise<Page<Item>>, limit: number): Promise<Item[]> {
  const items: Item[] = [];
  let page = await list({ limit });
  for (;;) {
    expect(page.items.length).toBeLessThanOrEqual(limit);
    items.push(...page.items);
    if (page.nextCursor === null) return items;
    expect(page.items).toHaveLength(limit);
    page = await list({ limit, cursor: page.nextCursor });
  }
}

describe('albums', () => {
  test('come in the order of their paths with counts by state and bytes', async () => {
    const library = await world.makeLibrary();
    await world.catalog.port.apply(library, [
      agreed(library, 'b/1.jpg', { local: { ...local, size: 2 ** 40 } }),
      agreed(library, 'b/2.jpg', { local: { ...local, size: 5 } }),
      unsettled(library, 'b/3.jpg', { local: { ...local, size: 1 }, state: 'conflict' }),
      agreed(library, 'root.jpg'),
      agreed(library, 'É/x.jpg'),
    ]);
    const { browser } = world.catalog;
    const albums = await walk((page) => browser.albums({ libraryId: library.id }, page), 2);
    expect(albums.map((album) => album.path)).toEqual(['.', 'b', 'É']);
    const none = { pending: 0, missing: 0, orphaned: 0, lost: 0, archived: 0, failed: 0 };
    const states = { ...none, synced: 2, conflict: 1 };
    expect(albums[1]).toMatchObject({ libraryId: library.id, photos: 3, bytes: 2 ** 40 + 6, states });
    expect(await browser.album(albums[1]!.id)).toEqual(albums[1]);
    expect(await browser.albumByPath(library.id, 'b')).toEqual(albums[1]);
  });

  test('that are empty count nothing', async () => {
    const library = await world.makeLibrary();
    await world.catalog.port.apply(library, [agreed(library, 'a/1.jpg')]);
    const [row] = await world.rows(library);
    await world.catalog.port.apply(library, [{ kind: 'deleting', id: row!.id }]);
    await world.catalog.port.apply(library, [{ kind: 'deleted', id: row!.id }]);
    expect(await world.catalog.browser.albumByPath(library.id, 'a')).toMatchObject({ photos: 0, bytes: 0 });
  });

  test('of all libraries come in one list, each once', async () => {
    const libraries = [await world.makeLibrary(), await world.makeLibrary(), await world.makeLibrary()];
    for (const library of libraries) {
      await world.catalog.port.apply(library, [agreed(library, 'a/1.jpg'), agreed(library, 'b/1.jpg')]);
    }
    const all = await walk((page) => world.catalog.browser.albums({}, page), 1);
    const ours = all.filter((album) => libraries.some((library) => library.id === album.libraryId));
    expect(new Set(ours.map((album) => `${album.libraryId} ${album.path}`)).size).toBe(6);
    expect(new Set(all.map((album) => album.id)).size).toBe(all.length);
  });

  test('that do not exist are null', async () => {
    const { browser } = world.catalog;
    for (const id of [randomUUID(), 'no uuid', '']) {
      expect(await browser.album(id)).toBeNull();
      expect(await browser.albumByPath(id, 'a')).toBeNull();
      expect(await browser.albums({ libraryId: id }, { limit: 10 })).toEqual({ items: [], nextCursor: null });
    }
    expect(await browser.albumByPath(randomUUID(), 'nul\0')).toBeNull();
  });
});

describe('photos', () => {
  test('of an album come in key order, and all their facts', async () => {
    const library = await world.makeLibrary();
    const names = ['b.jpg', 'B.jpg', 'é.jpg', 'a.jpg', '\u{1f600}.jpg', '\u{fffd}.jpg'];
    await world.catalog.port.apply(
      library,
      names.map((name) => agreed(library, `x/${name}`, { md5: 'm', verified: true })),
    );
    const { browser } = world.catalog;
    const album = await browser.albumByPath(library.id, 'x');
    const photos = await walk((page) => browser.photos(album!.id, {}, page), 2);
    const sorted = ['B.jpg', 'a.jpg', 'b.jpg', 'é.jpg', '\u{fffd}.jpg', '\u{1f600}.jpg'];
    expect(photos.map((photo) => photo.fileName)).toEqual(sorted);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(photos[1]).toEqual({
      id: expect.any(String),
      libraryId: library.id,
      albumId: album!.id,
      path: 'x/a.jpg',
      fileName: 'a.jpg',
      bucket: library.bucket,
      key: 'photos/x/a.jpg',
      kind: 'image',
      contentType: 'image/jpeg',
      size: 1000,
      modifiedAt: '2023-11-14T22:13:20.123Z',
      md5: 'm',
      etag: 'etag-1',
      storageClass: 'STANDARD',
      state: 'synced',
      orphanedAt: null,
      lastError: null,
      verifiedAt: time,
      checkedAt: null,
      damage: null,
      media: null,
      width: null,
      height: null,
      durationMs: null,
      takenAt: null,
      takenOffset: null,
      takenFrom: null,
      thumbhash: null,
      metadata: null,
      variants: [],
      createdAt: time,
      updatedAt: time,
    });
    expect(await browser.photo(photos[1]!.id)).toEqual(photos[1]);
  });

  test('of one state are found among the others', async () => {
    const library = await world.makeLibrary();
    const odd = (i: number) => (i % 2 ? unsettled(library, `x/${i}.jpg`) : agreed(library, `x/${i}.jpg`));
    await world.catalog.port.apply(
      library,
      Array.from({ length: 9 }, (_, i) => odd(i)),
    );
    const { browser } = world.catalog;
    const album = await browser.albumByPath(library.id, 'x');
    const failed = await walk((page) => browser.photos(album!.id, { state: 'failed' }, page), 3);
    expect(failed.map((photo) => photo.fileName)).toEqual(['1.jpg', '3.jpg', '5.jpg', '7.jpg']);
  });

  describe('in the order in which they were taken', () => {
    const at = (iso: string) => ({ atMs: Date.parse(iso), offsetMinutes: null, from: 'exif' as const });
    const TAKEN: Readonly<Record<string, string>> = {
      'd.jpg': '1999-12-31T23:59:59.999Z',
      'c.jpg': '2024-06-01T10:00:00.000Z',
      'B.jpg': '2024-06-01T10:00:00.001Z',
      'a.jpg': '2024-06-01T10:00:00.001Z',
      'é.jpg': '2024-06-01T10:00:00.001Z',
    };
    let albumId: string;
    beforeAll(async () => {
      const library = await world.makeLibrary();
      const { port, media, browser } = world.catalog;
      const names = [...Object.keys(TAKEN), 'y.txt', 'x.txt', 'Z.jpg', 'w.jpg'];
      const kindOf = (name: string) => (name.endsWith('.txt') ? 'other' : 'image');
      const photos = names.map((name) => agreed(library, `x/${name}`, { md5: name, photoKind: kindOf(name) }));
      await port.apply(library, [...photos, agreed(library, 'y/z.jpg', { md5: 'z' })]);
      const claimed = await media.claim({ libraryId: library.id, album: 'x' }, 100, never);
      const results = claimed.map((photo) => {
        const time = TAKEN[photo.md5];
        const metadata = time === undefined ? null : { ...METADATA, takenAt: at(time) };
        return processed(photo, { metadata });
      });
      await media.save(library, results);
      await port.apply(library, [unsettled(library, 'x/B.jpg'), unsettled(library, 'x/w.jpg')]);
      albumId = (await browser.albumByPath(library.id, 'x'))?.id ?? '';
    });
    const order = 'takenAt';

    test.each([1, 2, 3, 5, 6, 100])(
      'come by time, then by key, those without a time last, %i at a time',
      async (limit) => {
        const photos = await walk((page) => world.catalog.browser.photos(albumId, { order }, page), limit);
        const dated = ['d.jpg', 'c.jpg', 'B.jpg', 'a.jpg', 'é.jpg'];
        expect(photos.map(({ fileName }) => fileName)).toEqual([...dated, 'Z.jpg', 'w.jpg', 'x.txt', 'y.txt']);
        expect(photos.map(({ takenAt }) => takenAt)).toEqual([
          ...dated.map((name) => TAKEN[name]),
          ...Array(4).fill(null),
        ]);
        expect(photos[0]?.variants.map(({ name }) => name)).toEqual(['thumb', 'preview']);
      },
    );

    test('of one state are found among the others', async () => {
      const photos = await walk((page) => world.catalog.browser.photos(albumId, { order, state: 'failed' }, page), 1);
      expect(photos.map(({ fileName }) => fileName)).toEqual(['B.jpg', 'w.jpg']);
    });

    test('have cursors of their own', async () => {
      const { browser } = world.catalog;
      const byTime = (await browser.photos(albumId, { order }, { limit: 1 })).nextCursor ?? '';
      const byKey = (await browser.photos(albumId, {}, { limit: 1 })).nextCursor ?? '';
      const forged = Buffer.from(JSON.stringify(['infinity', ''])).toString('base64url');
      const refused = { code: 'BAD_INPUT', field: 'cursor' };
      await expect(browser.photos(albumId, {}, { limit: 1, cursor: byTime })).rejects.toMatchObject(refused);
      for (const cursor of [byKey, forged]) {
        await expect(browser.photos(albumId, { order }, { limit: 1, cursor })).rejects.toMatchObject(refused);
      }
      expect(await browser.photos('no uuid', { order }, { limit: 1 })).toEqual({ items: [], nextCursor: null });
    });
  });

  test('that do not exist are null', async () => {
    for (const id of [randomUUID(), 'no uuid']) {
      expect(await world.catalog.browser.photo(id)).toBeNull();
      expect(await world.catalog.browser.photos(id, {}, { limit: 1 })).toEqual({ items: [], nextCursor: null });
    }
  });
});

describe('runs', () => {
  test('come newest first, also those of one moment, each once', async () => {
    const [one, two] = [await world.makeLibrary(), await world.makeLibrary()];
    const ids: string[] = [];
    for (let i = 0; i < 7; i++) {
      const library = i % 3 === 0 ? two : one;
      ids.push(await world.catalog.port.beginRun({ library, album: null, kind: 'sync', policy: {} }));
    }
    const { browser } = world.catalog;
    const all = await walk((page) => browser.runs({}, page), 2);
    expect(all.map((run) => run.id).sort()).toEqual([...ids].sort());
    const times = all.map((run) => run.startedAt);
    expect(times).toEqual([...times].sort().reverse());
    await world.sql(`UPDATE "Run" SET "startedAt" = '2024-01-01'`);
    const together = await walk((page) => browser.runs({ libraryId: one.id }, page), 1);
    expect(together.map((run) => run.id).sort()).toEqual(ids.filter((_, i) => i % 3 !== 0).sort());
  });

  test('that do not exist are null', async () => {
    for (const id of [randomUUID(), 'no uuid']) {
      expect(await world.catalog.browser.run(id)).toBeNull();
      expect(await world.catalog.browser.runs({ libraryId: id }, { limit: 1 })).toMatchObject({ items: [] });
    }
  });
});

describe('a page', () => {
  const lists = (page: PageRequest) => {
    const { browser } = world.catalog;
    return [browser.albums({}, page), browser.photos(randomUUID(), {}, page), browser.runs({}, page)];
  };

  test('with a cursor that no list gave out is BAD_INPUT', async () => {
    const forged = [['x'], ['x', 'y', 'z'], ['nul\0'], [1], { a: 1 }, null, ['2024-99-01T00:00:00.000Z', randomUUID()]];
    const cursors = forged.map((parts) => Buffer.from(JSON.stringify(parts)).toString('base64url'));
    const { browser } = world.catalog;
    for (const cursor of ['', '%', 'AAAA', ...cursors]) {
      const bad = { code: 'BAD_INPUT', field: 'cursor' };
      await expect(browser.albums({}, { limit: 1, cursor })).rejects.toMatchObject(bad);
      await expect(browser.runs({}, { limit: 1, cursor })).rejects.toMatchObject(bad);
    }
    for (const cursor of ['', '%', cursors[1]!, cursors[2]!, cursors[3]!]) {
      const photos = browser.photos(randomUUID(), {}, { limit: 1, cursor });
      await expect(photos).rejects.toMatchObject({ code: 'BAD_INPUT', field: 'cursor' });
    }
  });

  test('of no size, or of too many, is BAD_INPUT', async () => {
    for (const limit of [0, -1, 1.5, 1_001, Number.NaN]) {
      for (const list of lists({ limit })) {
        await expect(list).rejects.toMatchObject({ code: 'BAD_INPUT', field: 'limit' });
      }
    }
    for (const list of lists({ limit: 1_000 })) await list;
  });
});
