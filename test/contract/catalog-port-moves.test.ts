import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { RowChange } from '../../src/sync/catalog-port.ts';
import type { CatalogRow, Library } from '../../src/sync/types.ts';
import { agreed, local, moved, never, openTestCatalog, type TestCatalog, unsettled } from '../support/catalog.ts';

let world: TestCatalog;
beforeAll(async () => {
  world = await openTestCatalog();
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => world.close());

const apply = (library: Library, ...changes: RowChange[]) => world.catalog.port.apply(library, changes);

/** A library with these photos in agreement, each with an ETag of its own, and their rows by path. */
async function withPhotos(...paths: string[]): Promise<{ library: Library; rows: Record<string, CatalogRow> }> {
  const library = await world.makeLibrary();
  await apply(library, ...paths.map((path) => agreed(library, path, { etag: `of ${path}`, md5: `md5 of ${path}` })));
  return { library, rows: Object.fromEntries((await world.rows(library)).map((row) => [row.path, row])) };
}

/** Which photo, told by its first path's ETag, is where. */
async function places(library: Library): Promise<Record<string, string | null>> {
  return Object.fromEntries((await world.rows(library)).map((row) => [row.path, row.etag]));
}

async function ids(library: Library): Promise<Record<string, string>> {
  return Object.fromEntries((await world.rows(library)).map((row) => [row.path, row.id]));
}

async function leftKeys(library: Library): Promise<string[]> {
  return (await world.catalog.port.leftovers(library, never)).map((left) => left.key);
}

/** All that is stored of a library, to the version of each row. */
async function everything(library: Library): Promise<object[]> {
  const stored: object[] = [];
  for (const table of ['Photo', 'Album', 'Leftover']) {
    const sql = `SELECT xmin::text, * FROM "${table}" WHERE "libraryId" = $1 ORDER BY "id"`;
    stored.push(...(await world.sql(sql, [library.id])));
  }
  return stored;
}

describe('a move', () => {
  test('takes the row, its id and what was known of the photo to the new key, path, name and album', async () => {
    const { library, rows } = await withPhotos('old/a.jpg');
    await world.sql(`UPDATE "Photo" SET "width" = 40 WHERE "libraryId" = $1`, [library.id]);
    const facts = {
      local: { size: 1000, mtimeNs: 5n, device: 6n, inode: 7n, birthNs: 8n },
      etag: 'copy-2',
      partSize: 500,
      storageClass: 'STANDARD_IA',
      contentType: 'video/mp4',
      photoKind: 'video',
    } as const;
    const path = 'new/Käse.mp4'.normalize('NFD');
    await apply(library, moved(library, rows['old/a.jpg']!, path, facts));
    const [row] = await world.rows(library, 'new');
    const { local: file, storageClass, contentType, photoKind, ...rest } = facts;
    const key = 'photos/new/Käse.mp4'.normalize('NFC');
    expect(row).toMatchObject({ ...file, ...rest, id: rows['old/a.jpg']!.id, path, key, md5: 'md5 of old/a.jpg' });
    expect(await world.rows(library)).toEqual([row]);
    const [stored] = await world.sql(`SELECT * FROM "Photo" WHERE "id" = $1`, [row!.id]);
    expect(stored).toMatchObject({ storageClass, contentType, kind: photoKind, width: 40 });
    expect(stored!['fileName']).toBe('Käse.mp4'.normalize('NFD'));
  });

  test('brings the new MD5 of a photo that was edited too', async () => {
    const { library, rows } = await withPhotos('a.jpg');
    await apply(library, moved(library, rows['a.jpg']!, 'b.jpg', { md5: 'edited', etag: 'uploaded' }));
    expect((await world.rows(library))[0]).toMatchObject({ id: rows['a.jpg']!.id, md5: 'edited', etag: 'uploaded' });
  });

  test('is an agreement: whatever stood against the photo is cleared', async () => {
    const { library, rows } = await withPhotos('a.jpg');
    const id = rows['a.jpg']!.id;
    await apply(library, { kind: 'state', id, state: 'orphaned', error: 'gone' });
    await apply(library, { kind: 'deleting', id });
    await apply(library, moved(library, rows['a.jpg']!, 'b.jpg'));
    expect((await world.rows(library))[0]).toMatchObject({ state: 'synced', orphanedAtMs: null, deleting: false });
    expect(await world.sql(`SELECT "lastError" FROM "Photo" WHERE "id" = $1`, [id])).toEqual([{ lastError: null }]);
  });

  test('that is repeated writes nothing', async () => {
    const { library, rows } = await withPhotos('x/a.jpg', 'x/b.jpg', 'c.jpg');
    const changes = [
      moved(library, rows['x/a.jpg']!, 'x/b.jpg'),
      moved(library, rows['x/b.jpg']!, 'x/a.jpg'),
      moved(library, rows['c.jpg']!, 'y/c.jpg'),
    ];
    await apply(library, ...changes);
    const before = await everything(library);
    await apply(library, ...changes);
    expect(await everything(library)).toEqual(before);
  });

  test('of a photo that only steps aside leaves it in its album', async () => {
    const { library, rows } = await withPhotos('x/a.jpg');
    await apply(library, moved(library, rows['x/a.jpg']!, 'elsewhere/a.jpg', { aside: true }));
    const [row] = await world.rows(library);
    expect(row).toMatchObject({ path: 'elsewhere/a.jpg', albumId: rows['x/a.jpg']!.albumId });
    const albums = await world.sql(`SELECT "path" FROM "Album" WHERE "libraryId" = $1`, [library.id]);
    expect(albums).toEqual([{ path: 'x' }]);
    await apply(library, moved(library, row!, 'x/b.jpg'));
    expect((await world.rows(library, 'x'))[0]).toMatchObject({ id: row!.id, path: 'x/b.jpg' });
  });

  test('to a path that is not its key’s is refused', async () => {
    const { library, rows } = await withPhotos('a.jpg');
    const wrong = moved(library, rows['a.jpg']!, 'b.jpg', { key: 'photos/c.jpg' });
    await expect(apply(library, wrong)).rejects.toMatchObject({ code: 'NAME_INVALID' });
    expect(await places(library)).toEqual({ 'a.jpg': 'of a.jpg' });
  });

  test('of a photo that is gone meanwhile, or is another library’s, changes nothing', async () => {
    const [one, two] = [await withPhotos('a.jpg'), await withPhotos('b.jpg')];
    const change = moved(one.library, one.rows['a.jpg']!, 'moved.jpg');
    await apply(two.library, change);
    expect(await places(one.library)).toEqual({ 'a.jpg': 'of a.jpg' });
    await world.sql(`DELETE FROM "Photo" WHERE "id" = $1`, [one.rows['a.jpg']!.id]);
    await apply(one.library, change);
    expect([await places(one.library), await leftKeys(one.library), await leftKeys(two.library)]).toEqual([{}, [], []]);
  });
});

describe('a key that is taken', () => {
  test('by a photo that has never been in the bucket is given up by it', async () => {
    const { library, rows } = await withPhotos('a.jpg');
    await apply(library, unsettled(library, 'b.jpg', { state: 'pending' }));
    await apply(library, moved(library, rows['a.jpg']!, 'b.jpg'));
    expect(await ids(library)).toEqual({ 'b.jpg': rows['a.jpg']!.id });
  });

  test('by any other photo refuses the move, and all that was to be written with it', async () => {
    const { library, rows } = await withPhotos('a.jpg', 'b.jpg', 'c.jpg');
    await apply(library, unsettled(library, 'd.jpg'));
    const before = await everything(library);
    const changes = [
      moved(library, rows['a.jpg']!, 'new/d.jpg'),
      moved(library, rows['b.jpg']!, 'c.jpg'),
      agreed(library, 'e.jpg'),
    ];
    await expect(apply(library, ...changes)).rejects.toMatchObject({ code: 'NAME_COLLISION' });
    expect(await everything(library)).toEqual(before);
  });

  test('is no obstacle once its photo moved away in the same call, or was deleted', async () => {
    const { library, rows } = await withPhotos('a.jpg', 'b.jpg', 'c.jpg');
    const gone = rows['c.jpg']!.id;
    await apply(
      library,
      { kind: 'deleting', id: gone },
      { kind: 'deleted', id: gone },
      moved(library, rows['b.jpg']!, 'c.jpg'),
      moved(library, rows['a.jpg']!, 'b.jpg'),
      agreed(library, 'a.jpg', { etag: 'new file' }),
    );
    expect(await places(library)).toEqual({ 'a.jpg': 'new file', 'b.jpg': 'of a.jpg', 'c.jpg': 'of b.jpg' });
    expect(await leftKeys(library)).toEqual([]);
  });
});

describe('many moves at once', () => {
  test('may swap two names', async () => {
    const { library, rows } = await withPhotos('a.jpg', 'x/b.jpg');
    await apply(library, moved(library, rows['a.jpg']!, 'x/b.jpg'), moved(library, rows['x/b.jpg']!, 'a.jpg'));
    expect(await ids(library)).toEqual({ 'x/b.jpg': rows['a.jpg']!.id, 'a.jpg': rows['x/b.jpg']!.id });
    expect((await world.rows(library, 'x')).map((row) => row.etag)).toEqual(['of a.jpg']);
    expect(await leftKeys(library)).toEqual([]);
  });

  test('may go in a circle, with one that steps aside or without', async () => {
    for (const via of [null, 'aside.jpg']) {
      const { library, rows } = await withPhotos('a.jpg', 'b.jpg', 'c.jpg');
      const [a, b, c] = [rows['a.jpg']!, rows['b.jpg']!, rows['c.jpg']!];
      const first = moved(library, a, via ?? 'b.jpg', { aside: via !== null });
      const circle = [first, moved(library, c, 'a.jpg'), moved(library, b, 'c.jpg')];
      if (via !== null) {
        const from = { key: `photos/${via}`, size: a.size, etag: a.etag! };
        circle.push(moved(library, a, 'b.jpg', { from }));
      }
      await apply(library, ...circle);
      expect(await ids(library)).toEqual({ 'b.jpg': a.id, 'a.jpg': c.id, 'c.jpg': b.id });
      expect(await leftKeys(library)).toEqual(via === null ? [] : ['photos/aside.jpg']);
    }
  });

  test('may be a chain, from whichever end it is told', async () => {
    for (const order of [1, -1]) {
      const paths = Array.from({ length: 30 }, (_, i) => `IMG_${100 + i}.jpg`);
      const { library, rows } = await withPhotos(...paths);
      const chain = paths.map((path, i) => moved(library, rows[path]!, `IMG_${101 + i}.jpg`));
      await apply(library, ...(order > 0 ? chain : chain.reverse()));
      const expected = Object.fromEntries(paths.map((path, i) => [`IMG_${101 + i}.jpg`, rows[path]!.id]));
      expect(await ids(library)).toEqual(expected);
      expect(await leftKeys(library)).toEqual(['photos/IMG_100.jpg']);
    }
  });

  test('may change nothing but case', async () => {
    const { library, rows } = await withPhotos('A/x.JPG', 'A/y.JPG');
    await apply(library, moved(library, rows['A/x.JPG']!, 'a/x.jpg'), moved(library, rows['A/y.JPG']!, 'a/y.jpg'));
    expect(await places(library)).toEqual({ 'a/x.jpg': 'of A/x.JPG', 'a/y.jpg': 'of A/y.JPG' });
    expect(await leftKeys(library)).toEqual(['photos/A/x.JPG', 'photos/A/y.JPG']);
  });

  test('of one photo: it ends where the last one says, and all that it left is known', async () => {
    const { library, rows } = await withPhotos('a.jpg');
    const row = rows['a.jpg']!;
    const second = { from: { key: 'photos/b.jpg', size: row.size, etag: row.etag! } };
    await apply(library, moved(library, row, 'b.jpg'), moved(library, row, 'c.jpg', second));
    expect(await ids(library)).toEqual({ 'c.jpg': row.id });
    expect(await leftKeys(library)).toEqual(['photos/a.jpg', 'photos/b.jpg']);
  });

  test('are followed by what is said of the photo at its new place, in that order', async () => {
    const { library, rows } = await withPhotos('a.jpg');
    const row = rows['a.jpg']!;
    const failed = { kind: 'state', id: row.id, state: 'failed', error: 'no' } as const;
    await apply(library, moved(library, row, 'b.jpg'), failed, agreed(library, 'b.jpg', { etag: 'again' }));
    expect(await world.rows(library)).toMatchObject([{ id: row.id, state: 'synced', etag: 'again' }]);
  });

  test('are a handful of statements, with the old objects tidied one by one in between', async () => {
    const paths = Array.from({ length: 5_000 }, (_, i) => `old ${i % 10}/${i}.jpg`);
    const { library, rows } = await withPhotos(...paths);
    const changes = paths.flatMap((path) => {
      const row = rows[path]!;
      return [moved(library, row, path.replace('old', 'new')), { kind: 'tidied', key: row.key } as const];
    });
    const statements = vi.spyOn(pg.Client.prototype, 'query');
    await apply(library, ...changes);
    expect(statements.mock.calls.length).toBeLessThan(15);
    expect(await leftKeys(library)).toEqual([]);
    expect((await world.rows(library)).every((row) => row.path.startsWith('new '))).toBe(true);
  });

  test('in a chain of thousands are a handful of statements too', async () => {
    const paths = Array.from({ length: 6_001 }, (_, i) => `IMG_${10_000 + i}.jpg`);
    const { library, rows } = await withPhotos(...paths);
    const chain = paths.map((path, i) => moved(library, rows[path]!, `IMG_${10_001 + i}.jpg`));
    const statements = vi.spyOn(pg.Client.prototype, 'query');
    await apply(library, ...chain.reverse());
    expect(statements.mock.calls.length).toBeLessThan(15);
    expect(await leftKeys(library)).toEqual(['photos/IMG_10000.jpg']);
    expect(await ids(library)).toMatchObject({ 'IMG_16001.jpg': rows['IMG_16000.jpg']!.id });
  });
});

describe('the old object of a move', () => {
  test('is remembered with the photo it was, until it is tidied', async () => {
    const { library, rows } = await withPhotos('a.jpg', 'b.jpg');
    const { id } = rows['a.jpg']!;
    await apply(library, moved(library, rows['a.jpg']!, 'x/c.jpg', { etag: 'copy' }));
    expect(await world.catalog.port.leftovers(library, never)).toEqual([
      { key: 'photos/a.jpg', size: local.size, etag: 'of a.jpg', photo: { id, key: 'photos/x/c.jpg', etag: 'copy' } },
    ]);
    await apply(library, { kind: 'tidied', key: 'photos/b.jpg' });
    expect(await leftKeys(library)).toEqual(['photos/a.jpg']);
    await apply(library, { kind: 'tidied', key: 'photos/a.jpg' });
    expect(await leftKeys(library)).toEqual([]);
    await apply(library, { kind: 'tidied', key: 'photos/a.jpg' });
  });

  test('may have been tidied and left anew in one call', async () => {
    const { library, rows } = await withPhotos('a.jpg', 'b.jpg');
    const [a, b] = [rows['a.jpg']!, rows['b.jpg']!];
    const tidied = { kind: 'tidied', key: a.key } as const;
    await apply(library, moved(library, a, 'c.jpg'), tidied, moved(library, b, 'a.jpg'));
    const from = { key: a.key, size: b.size, etag: b.etag! };
    await apply(library, tidied, moved(library, b, 'd.jpg', { from }));
    expect(await world.catalog.port.leftovers(library, never)).toMatchObject([
      { key: a.key, etag: 'of b.jpg', photo: { id: b.id } },
      { key: b.key, etag: 'of b.jpg', photo: { id: b.id } },
    ]);
  });

  test('is none any more once a photo has its own object under that key', async () => {
    const { library, rows } = await withPhotos('a.jpg', 'b.jpg', 'c.jpg');
    await apply(library, moved(library, rows['a.jpg']!, 'x/a.jpg'), moved(library, rows['b.jpg']!, 'x/b.jpg'));
    expect(await leftKeys(library)).toEqual(['photos/a.jpg', 'photos/b.jpg']);
    await apply(library, unsettled(library, 'a.jpg', { state: 'pending' }));
    expect(await leftKeys(library)).toEqual(['photos/a.jpg', 'photos/b.jpg']);
    await apply(library, agreed(library, 'a.jpg'), moved(library, rows['c.jpg']!, 'b.jpg'));
    expect(await leftKeys(library)).toEqual(['photos/c.jpg']);
    expect(await world.sql(`SELECT "key" FROM "Leftover" WHERE "libraryId" = $1`, [library.id])).toHaveLength(1);
  });

  test('is none where a photo has its own, when the move is told again later', async () => {
    const { library, rows } = await withPhotos('a.jpg');
    const change = moved(library, rows['a.jpg']!, 'b.jpg');
    await apply(library, change, { kind: 'tidied', key: 'photos/a.jpg' }, agreed(library, 'a.jpg'));
    await apply(library, change);
    expect(await leftKeys(library)).toEqual([]);
  });

  test('is never told of where a photo has its own, whatever the table says', async () => {
    const { library, rows } = await withPhotos('a.jpg', 'b.jpg');
    const entry = `INSERT INTO "Leftover" ("libraryId", "photoId", "bucket", "key", "size", "etag")
                   VALUES ($1, $2, $3, 'photos/b.jpg', 1, 'x')`;
    await world.sql(entry, [library.id, rows['a.jpg']!.id, library.bucket]);
    expect(await leftKeys(library)).toEqual([]);
  });

  test('is another library’s business in another library', async () => {
    const one = await withPhotos('a.jpg');
    await apply(one.library, moved(one.library, one.rows['a.jpg']!, 'b.jpg'));
    const two = await world.makeLibrary();
    expect(await leftKeys(two)).toEqual([]);
    const impostor = { ...two, bucket: one.library.bucket };
    await apply(impostor, { kind: 'tidied', key: 'photos/a.jpg' }, unsettled(impostor, 'z.jpg'));
    expect(await leftKeys(one.library)).toEqual(['photos/a.jpg']);
  });

  test('is forgotten with its photo and with its library', async () => {
    const { library, rows } = await withPhotos('a.jpg', 'b.jpg');
    await apply(library, moved(library, rows['a.jpg']!, 'x/a.jpg'), moved(library, rows['b.jpg']!, 'x/b.jpg'));
    await apply(library, { kind: 'deleting', id: rows['a.jpg']!.id }, { kind: 'deleted', id: rows['a.jpg']!.id });
    expect(await leftKeys(library)).toEqual(['photos/b.jpg']);
    await world.catalog.libraries.remove(library.id);
    expect(await world.sql(`SELECT 1 FROM "Leftover" WHERE "libraryId" = $1`, [library.id])).toEqual([]);
  });
});
