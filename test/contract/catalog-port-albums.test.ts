import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { albumPathOf } from '../../src/catalog/albums.ts';
import type { CatalogRow, Library } from '../../src/sync/types.ts';
import { agreed, moved, never, openTestCatalog, type TestCatalog } from '../support/catalog.ts';

let world: TestCatalog;
beforeAll(async () => {
  world = await openTestCatalog();
});
afterAll(() => world.close());

/** The ids of a library's albums by path, those without photos included. */
async function albums(library: Library): Promise<Record<string, string>> {
  const rows = await world.sql(`SELECT "id", "path" FROM "Album" WHERE "libraryId" = $1`, [library.id]);
  return Object.fromEntries(rows.map((row) => [row['path'], row['id']]));
}

async function withPhotos(...paths: string[]): Promise<{ library: Library; rows: CatalogRow[]; ids: Ids }> {
  const library = await world.makeLibrary();
  await world.catalog.port.apply(
    library,
    paths.map((path) => agreed(library, path)),
  );
  return { library, rows: await world.rows(library), ids: await albums(library) };
}
type Ids = Record<string, string>;

function move(library: Library, ids: Ids, renames: Record<string, string>): Promise<void> {
  const moves = Object.entries(renames).map(([from, path]) => ({ id: ids[from]!, path }));
  return world.catalog.port.moveAlbums(library, moves);
}

describe('an album whose folder was renamed', () => {
  test('keeps its id and its photos, and is done when told again', async () => {
    const { library, ids } = await withPhotos('old/a.jpg', 'other/b.jpg');
    await move(library, ids, { old: 'new/deep' });
    await move(library, ids, { old: 'new/deep' });
    expect(await albums(library)).toEqual({ 'new/deep': ids['old'], other: ids['other'] });
    const [photo] = await world.sql(`SELECT "albumId" FROM "Photo" WHERE "path" = 'old/a.jpg' AND "libraryId" = $1`, [
      library.id,
    ]);
    expect(photo).toEqual({ albumId: ids['old'] });
  });

  test('may swap with another, and three may go in a circle', async () => {
    const { library, ids } = await withPhotos('a/1.jpg', 'b/1.jpg', 'c/1.jpg', 'd/1.jpg', 'e/1.jpg');
    const renames = { a: 'b', b: 'a', c: 'd', d: 'e', e: 'c' };
    await move(library, ids, renames);
    const after = { b: ids['a'], a: ids['b'], d: ids['c'], e: ids['d'], c: ids['e'] };
    expect(await albums(library)).toEqual(after);
  });

  test('takes the place of one without photos', async () => {
    const { library, rows, ids } = await withPhotos('a/1.jpg', 'b/1.jpg');
    const b = rows.find((row) => row.path === 'b/1.jpg')!;
    await world.catalog.port.apply(library, [moved(library, b, 'c/1.jpg')]);
    await move(library, ids, { a: 'b' });
    expect(await albums(library)).toMatchObject({ b: ids['a'] });
    expect(Object.keys(await albums(library)).sort()).toEqual(['b', 'c']);
  });

  test('stays where it is if the place is that of one with photos, and so does who wanted its own', async () => {
    const { library, ids } = await withPhotos('a/1.jpg', 'b/1.jpg', 'c/1.jpg', 'd/1.jpg');
    await move(library, ids, { a: 'b', b: 'c', d: 'e' });
    const { d, ...others } = ids;
    expect(await albums(library)).toEqual({ ...others, e: d });
  });

  test('stays where it is if another one claims the same place', async () => {
    const { library, ids } = await withPhotos('a/1.jpg', 'b/1.jpg');
    await move(library, ids, { a: 'new', b: 'new' });
    expect(await albums(library)).toEqual({ new: ids['a'], b: ids['b'] });
    await move(library, ids, { a: 'new', b: 'new' });
    expect(await albums(library)).toEqual({ new: ids['a'], b: ids['b'] });
  });

  test('may be the root', async () => {
    const { library, ids } = await withPhotos('a/1.jpg');
    await move(library, ids, { a: '.' });
    expect(await albums(library)).toEqual({ '.': ids['a'] });
  });

  test('is one of the library, or nothing happens', async () => {
    const [one, two] = [await withPhotos('a/1.jpg'), await withPhotos('b/1.jpg')];
    await move(two.library, one.ids, { a: 'c' });
    await world.catalog.port.moveAlbums(two.library, [{ id: crypto.randomUUID(), path: 'b' }]);
    await world.catalog.port.moveAlbums(two.library, []);
    expect([await albums(one.library), await albums(two.library)]).toEqual([one.ids, two.ids]);
  });
});

describe('a rename that was cut off after the albums and some of the photos', () => {
  const renamed = async () => {
    const world3 = await withPhotos('old/1.jpg', 'old/2.jpg', 'old/3.jpg');
    await move(world3.library, world3.ids, { old: 'new' });
    await world.catalog.port.apply(world3.library, [moved(world3.library, world3.rows[0]!, 'new/1.jpg')]);
    return world3;
  };

  test('shows under an album only what is in its folder', async () => {
    const { library, ids } = await renamed();
    const paths = async (album: string) => (await world.rows(library, album)).map((row) => row.path);
    expect(await paths('new')).toEqual(['new/1.jpg']);
    expect(await paths('old')).toEqual([]);
    expect(await world.catalog.port.countLive({ library, album: 'new' }, never)).toBe(1);
    expect(await world.rows(library)).toHaveLength(3);
    expect((await world.rows(library)).map((row) => row.albumId)).toEqual(Array(3).fill(ids['old']));
  });

  test('is finished by doing it again', async () => {
    const { library, rows, ids } = await renamed();
    await move(library, ids, { old: 'new' });
    await world.catalog.port.apply(
      library,
      rows.map((row) => moved(library, row, row.path.replace('old', 'new'))),
    );
    await world.catalog.port.settleAlbums(library, [ids['old']!]);
    expect(await albums(library)).toEqual({ new: ids['old'] });
    expect((await world.rows(library, 'new')).map((row) => row.id)).toEqual(rows.map((row) => row.id));
  });

  test('or the photos that did not follow go to the album of the folder they are in', async () => {
    const { library, rows, ids } = await renamed();
    await world.catalog.port.settleAlbums(library, [ids['old']!]);
    await world.catalog.port.settleAlbums(library, [ids['old']!]);
    expect((await world.rows(library, 'new')).map((row) => row.path)).toEqual(['new/1.jpg']);
    expect((await world.rows(library, 'old')).map((row) => row.id)).toEqual([rows[1]!.id, rows[2]!.id]);
    expect(await albums(library)).toMatchObject({ new: ids['old'] });
  });

  test('is told right by an agreement with a photo that is in the wrong album', async () => {
    const { library, ids } = await renamed();
    await world.catalog.port.apply(library, [agreed(library, 'old/2.jpg')]);
    expect((await world.rows(library, 'old')).map((row) => row.path)).toEqual(['old/2.jpg']);
    expect((await albums(library))['old']).not.toBe(ids['old']);
  });
});

describe('settling', () => {
  test('finds the folder of any key, whatever its name and the library’s prefix', async () => {
    for (const prefix of ['', 'photos/', 'a+b (c)/%/']) {
      const library = await world.makeLibrary(prefix);
      const names = [
        'x.jpg',
        'a/x.jpg',
        'a/b/x',
        'a b/.x',
        'a\nb/x\n',
        'é/ß/x',
        '100%/_/x',
        "'/\\/x",
        'photos/x',
        '\u{1f600}/x',
      ];
      const paths = names.map((name) => name.normalize('NFC'));
      await world.catalog.port.apply(
        library,
        paths.map((path) => agreed(library, path)),
      );
      const [one] = Object.values(await albums(library));
      const wrong = `UPDATE "Photo" SET "albumId" = $1 WHERE "libraryId" = $2`;
      await world.sql(wrong, [one, library.id]);
      await world.sql(`DELETE FROM "Album" WHERE "libraryId" = $1 AND "id" <> $2 AND "path" <> 'a'`, [library.id, one]);
      await world.catalog.port.settleAlbums(library, [one!]);
      const ids = await albums(library);
      const rows = await world.rows(library);
      expect(rows).toHaveLength(paths.length);
      for (const row of rows) expect([row.path, row.albumId]).toEqual([row.path, ids[albumPathOf(library, row.key)]]);
    }
  });

  test('touches no album that was not named, and nothing that is in its place', async () => {
    const { library, rows, ids } = await withPhotos('a/1.jpg', 'b/1.jpg', 'b/c/1.jpg');
    const aside = { aside: true } as const;
    await world.catalog.port.apply(library, [moved(library, rows[0]!, 'z/1.jpg', aside)]);
    const versions = `SELECT xmin::text, "id" FROM "Photo" WHERE "libraryId" = $1 ORDER BY "id"`;
    const before = await world.sql(versions, [library.id]);
    await world.catalog.port.settleAlbums(library, [ids['b']!, ids['b/c']!]);
    await world.catalog.port.settleAlbums(library, []);
    expect([await world.sql(versions, [library.id]), await albums(library)]).toEqual([before, ids]);
    await world.catalog.port.settleAlbums(library, [ids['a']!]);
    expect(Object.keys(await albums(library)).sort()).toEqual(['a', 'b', 'b/c', 'z']);
  });
});
