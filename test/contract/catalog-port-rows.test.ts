import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareKeys } from '../../src/sync/key-order.ts';
import { agreed, never, openTestCatalog, readAll, type TestCatalog, unsettled } from '../support/catalog.ts';

let world: TestCatalog;
beforeAll(async () => {
  world = await openTestCatalog();
});
afterAll(() => world.close());

/** File names over the characters whose order the collations of this world disagree about. */
const name = fc
  .array(fc.constantFrom('a', 'B', '_', '-', '.', ' ', '0', 'é', 'ß', 'z', '~', '\u{fffd}', '\u{1f600}', '中', '/'), {
    minLength: 1,
    maxLength: 6,
  })
  .map((letters) => letters.join('').normalize('NFC'))
  .filter((path) => path.split('/').every((part) => !['', '.', '..'].includes(part)));

describe('rows', () => {
  test('come in the byte order of their keys, each once, whatever the characters', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(name, { maxLength: 40 }), async (paths) => {
        const library = await world.makeLibrary();
        await world.catalog.port.apply(
          library,
          paths.map((path) => agreed(library, path)),
        );
        const keys = (await world.rows(library)).map((row) => row.key);
        expect(keys).toEqual(paths.map((path) => library.prefix + path).sort(compareKeys));
        expect(keys).toEqual([...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
      }),
      { numRuns: 25 },
    );
  });

  test('go on over the end of a batch without losing or repeating one', async () => {
    const library = await world.makeLibrary();
    const paths = Array.from({ length: 10_000 }, (_, i) => `album ${i % 7}/IMG_${i}.jpg`);
    await world.catalog.port.apply(
      library,
      paths.map((path) => agreed(library, path)),
    );
    const sizes: number[] = [];
    const keys: string[] = [];
    const inventory = world.catalog.port.rows({ library, album: null }, never);
    for await (const batch of inventory.batches) {
      sizes.push(batch.length);
      keys.push(...batch.map((row) => row.key));
    }
    expect(sizes).toEqual(Array.from({ length: 10 }, () => 1_000));
    expect(keys).toEqual(paths.map((path) => library.prefix + path).sort(compareKeys));
    expect(inventory.problems()).toEqual([]);
    expect(inventory.vouchesFor('photos/nothing.jpg')).toBe(true);
  });

  test('say all that was agreed, exactly', async () => {
    const library = await world.makeLibrary();
    const facts = {
      local: { size: 5 * 2 ** 40, mtimeNs: 2n ** 62n + 1n, device: 2n ** 40n, inode: -(2n ** 63n), birthNs: -1n },
      md5: '0123456789abcdef0123456789abcdef',
      etag: 'x"y\\,{}NULL-3',
      partSize: 5 * 2 ** 30,
    };
    await world.catalog.port.apply(library, [agreed(library, 'a "quoted", {odd} \\ name.jpg', facts)]);
    const [row] = await world.rows(library);
    const { local, ...rest } = facts;
    expect(row).toMatchObject({ ...local, ...rest, state: 'synced', orphanedAtMs: null, deleting: false });
    expect(row?.path).toBe('a "quoted", {odd} \\ name.jpg');
  });

  test('are read page by page just as they are by their keys, the odd ones among the many', async () => {
    const library = await world.makeLibrary();
    const paths = Array.from({ length: 1_100 }, (_, i) => `${String(i).padStart(4, '0')}.jpg`);
    const known = { md5: 'same', etag: 'same' };
    await world.catalog.port.apply(library, [
      ...paths.map((path) => agreed(library, path, known)),
      agreed(library, '0003 ü.jpg'.normalize('NFD'), known),
      agreed(library, '0004 unread.jpg', { md5: null, etag: 'e' }),
      agreed(library, '0005 parts.jpg', { md5: 'whole', etag: 'of parts-2', partSize: 8_388_608 }),
      unsettled(library, '0006 never up.jpg'),
    ]);
    const odd = (set: string, path: string) =>
      world.sql(`UPDATE "Photo" SET ${set} WHERE "libraryId" = $1 AND "path" = $2`, [library.id, path]);
    await odd(`"state" = 'orphaned', "orphanedAt" = '2026-01-02T03:04:05.678Z'`, paths[7]!);
    await odd(`"deletingAt" = now()`, paths[8]!);
    await odd(`"damage" = 'OBJECT_DAMAGED: "torn", {odd}'`, paths[1_050]!);
    const rows = await world.rows(library);
    const byKey = await world.catalog.port.rowsByKey(
      library,
      rows.map((row) => row.key),
      never,
    );
    expect(rows).toHaveLength(1_104);
    expect(rows).toEqual(byKey.toSorted((a, b) => compareKeys(a.key, b.key)));
    expect(rows.filter((row) => row.deleting || row.orphanedAtMs !== null || row.damaged !== undefined)).toHaveLength(
      3,
    );
    expect(rows.filter((row) => row.md5 !== row.etag)).toHaveLength(2);
  });

  test('of an album are those directly in it', async () => {
    const library = await world.makeLibrary();
    const paths = ['root.jpg', '2024/a.jpg', '2024/summer/b.jpg', '2024/summer/c.jpg', '2024 summer/d.jpg'];
    await world.catalog.port.apply(
      library,
      paths.map((path) => agreed(library, path)),
    );
    const inAlbum = async (album: string) => (await world.rows(library, album)).map((row) => row.path);
    expect(await inAlbum('.')).toEqual(['root.jpg']);
    expect(await inAlbum('2024')).toEqual(['2024/a.jpg']);
    expect(await inAlbum('2024/summer')).toEqual(['2024/summer/b.jpg', '2024/summer/c.jpg']);
    expect(await inAlbum('nowhere')).toEqual([]);
  });

  test('of one library never show another one’s', async () => {
    const [one, two] = [await world.makeLibrary(''), await world.makeLibrary('')];
    await world.catalog.port.apply(one, [agreed(one, 'a.jpg')]);
    expect(await world.rows(two)).toEqual([]);
    expect(await world.catalog.port.rowsByKey(two, ['a.jpg'], never)).toEqual([]);
  });

  test('of libraries that share a bucket are each library’s own, to the last key that its prefix can have', async () => {
    const { libraries } = world.catalog;
    const make = (prefix: string, bucket: string) =>
      libraries.create({ name: `${bucket} ${prefix}`, root: `/${bucket}/${prefix}`, bucket, prefix, excludes: [] });
    const bucket = randomUUID();
    const shared = await Promise.all(['a/', 'a0/', 'a /', 'ab/', '\u{10ffff}/'].map((prefix) => make(prefix, bucket)));
    const alone = await make('', randomUUID());
    const names = [' ', '0', 'x/\u{10ffff}', '\u{10ffff}\u{10ffff}', `\u{10ffff}${'\u{10ffff}'.repeat(250)}`];
    for (const library of [...shared, alone]) {
      await world.catalog.port.apply(
        library,
        names.map((path) => agreed(library, path)),
      );
    }
    for (const library of [...shared, alone]) {
      const keys = names.map((path) => library.prefix + path).sort(compareKeys);
      expect((await world.rows(library)).map((row) => row.key)).toEqual(keys);
      const { items } = await world.catalog.browser.allPhotos({ libraryId: library.id }, { limit: 100 });
      expect(items.map(({ key }) => key)).toEqual(keys);
    }
  });

  test('are found by key, also by many keys, and those that do not exist are left out', async () => {
    const library = await world.makeLibrary();
    const paths = Array.from({ length: 1_001 }, (_, i) => `${i}.jpg`);
    await world.catalog.port.apply(
      library,
      paths.map((path) => agreed(library, path)),
    );
    const keys = [...paths.map((path) => library.prefix + path), 'photos/none.jpg'];
    const found = await world.catalog.port.rowsByKey(library, keys, never);
    expect(found.map((row) => row.path).sort()).toEqual([...paths].sort());
    expect(await world.catalog.port.rowsByKey(library, [], never)).toEqual([]);
  });

  test('that are orphaned or lost are not counted as live', async () => {
    const library = await world.makeLibrary();
    const port = world.catalog.port;
    const paths = ['a/1.jpg', 'a/2.jpg', 'a/3.jpg', 'b/4.jpg'];
    await port.apply(
      library,
      paths.map((path) => agreed(library, path)),
    );
    const [first, second] = await world.rows(library);
    await port.apply(library, [
      { kind: 'state', id: first!.id, state: 'orphaned', error: null },
      { kind: 'state', id: second!.id, state: 'lost', error: null },
    ]);
    expect(await port.countLive({ library, album: null }, never)).toBe(2);
    expect(await port.countLive({ library, album: 'a' }, never)).toBe(1);
    expect(await port.countLive({ library, album: 'nowhere' }, never)).toBe(0);
  });

  test('stop when asked to, and a reader that leaves early leaves nothing behind', async () => {
    const library = await world.makeLibrary();
    const paths = Array.from({ length: 1_001 }, (_, i) => `${i}.jpg`);
    await world.catalog.port.apply(
      library,
      paths.map((path) => agreed(library, path)),
    );
    for await (const batch of world.catalog.port.rows({ library, album: null }, never).batches) {
      expect(batch).toHaveLength(1_000);
      break;
    }
    const stop = new AbortController();
    stop.abort(new Error('enough'));
    const reading = async () => {
      for await (const _ of world.catalog.port.rows({ library, album: null }, stop.signal).batches);
    };
    await expect(reading()).rejects.toThrow('enough');
    expect(await readAll(world.catalog, { library, album: null })).toHaveLength(1_001);
  });
});
