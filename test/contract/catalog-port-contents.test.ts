import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Library } from '../../src/sync/types.ts';
import { agreed, local, never, openTestCatalog, type TestCatalog, unsettled } from '../support/catalog.ts';

let world: TestCatalog;
beforeAll(async () => {
  world = await openTestCatalog();
});
afterAll(() => world.close());

/** File and object of this path agree, and hold these bytes. */
function holding(library: Library, path: string, md5: string | null, size: number) {
  return agreed(library, path, { md5, local: { ...local, size } });
}

describe('known sizes', () => {
  test('are those of photos of this library whose MD5 and object are known', async () => {
    const [library, other] = [await world.makeLibrary(), await world.makeLibrary()];
    const big = 5 * 2 ** 40;
    await world.catalog.port.apply(library, [
      holding(library, 'a', 'm', 10),
      holding(library, 'b', 'm', 10),
      holding(library, 'huge', 'm', big),
      holding(library, 'unhashed', null, 11),
      unsettled(library, 'never there', { local: { ...local, size: 12 } }),
    ]);
    await world.catalog.port.apply(other, [holding(other, 'c', 'm', 13)]);
    const sizes = [10, 10, 11, 12, 13, 14, big];
    expect(await world.catalog.port.knownSizes(library, sizes, never)).toEqual(new Set([10, big]));
    expect(await world.catalog.port.knownSizes(library, [], never)).toEqual(new Set());
  });

  test('may be asked for by the hundred thousand', async () => {
    const library = await world.makeLibrary();
    await world.catalog.port.apply(library, [holding(library, 'a', 'm', 0), holding(library, 'b', 'm', 149_999)]);
    const sizes = Array.from({ length: 150_000 }, (_, i) => i);
    expect(await world.catalog.port.knownSizes(library, sizes, never)).toEqual(new Set([0, 149_999]));
  });
});

describe('a photo with a content', () => {
  test('is found by MD5 and size together, one for each content, as the row it is', async () => {
    const [library, other] = [await world.makeLibrary(), await world.makeLibrary()];
    await world.catalog.port.apply(library, [
      holding(library, 'a', 'same', 10),
      holding(library, 'b', 'same', 10),
      holding(library, 'c', 'same', 11),
      holding(library, 'd', 'd', 10),
      unsettled(library, 'never there'),
    ]);
    await world.catalog.port.apply(other, [holding(other, 'e', 'e', 10)]);
    const found = await world.catalog.port.rowsWithContent(
      library,
      [
        { md5: 'same', size: 10 },
        { md5: 'same', size: 10 },
        { md5: 'd', size: 11 },
        { md5: 'e', size: 10 },
      ],
      never,
    );
    expect(found).toEqual([(await world.rows(library)).find((row) => row.path === 'a')]);
    expect(await world.catalog.port.rowsWithContent(library, [], never)).toEqual([]);
  });

  test('is one in agreement if there is one, and none whose object is gone or about to go', async () => {
    const library = await world.makeLibrary();
    const paths = ['a', 'b', 'c', 'd', 'e'];
    await world.catalog.port.apply(
      library,
      paths.map((path) => holding(library, path, 'm', 10)),
    );
    const ids = Object.fromEntries((await world.rows(library)).map((row) => [row.path, row.id]));
    const find = async () => {
      const rows = await world.catalog.port.rowsWithContent(library, [{ md5: 'm', size: 10 }], never);
      return rows.map((row) => row.path);
    };
    const state = (path: string, now: 'missing' | 'lost' | 'orphaned') =>
      ({ kind: 'state', id: ids[path]!, state: now, error: null }) as const;
    await world.catalog.port.apply(library, [state('a', 'missing'), state('b', 'lost'), state('c', 'orphaned')]);
    expect(await find()).toEqual(['d']);
    await world.catalog.port.apply(library, [{ kind: 'deleting', id: ids['d']! }, state('e', 'lost')]);
    expect(await find()).toEqual(['c']);
    await world.catalog.port.apply(library, [state('c', 'missing')]);
    expect(await find()).toEqual([]);
  });

  test('is found among many without a look at all of them', async () => {
    const library = await world.makeLibrary();
    const photos = Array.from({ length: 12_000 }, (_, i) => holding(library, `${i}`, `md5 ${i}`, i));
    await world.catalog.port.apply(library, photos);
    const contents = photos.map((photo) => ({ md5: photo.md5!, size: photo.local.size }));
    const found = await world.catalog.port.rowsWithContent(library, contents.slice(0, 6_000), never);
    expect(found.map((row) => row.path).sort()).toEqual(
      photos
        .slice(0, 6_000)
        .map((photo) => photo.path)
        .sort(),
    );
  });
});
