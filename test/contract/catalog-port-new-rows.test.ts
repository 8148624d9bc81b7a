/** Hundreds of photos without rows are written another way than few, or than known ones: nobody may see a difference. */
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Library } from '../../src/sync/types.ts';
import { agreed, moved, openTestCatalog, type TestCatalog, unsettled } from '../support/catalog.ts';
import { METADATA, processed } from '../support/catalog-media.ts';

let world: TestCatalog;
let another: pg.Client;
let third: pg.Client;
beforeAll(async () => {
  world = await openTestCatalog();
  [another, third] = [new pg.Client(world.url), new pg.Client(world.url)];
  await Promise.all([another.connect(), third.connect()]);
});
afterAll(async () => {
  await Promise.all([another.end(), third.end()]);
  await world.close();
});

let library: Library;
beforeEach(async () => {
  library = await world.makeLibrary();
});
afterEach(async () => {
  await another.query('ROLLBACK');
});

const names = Array.from({ length: 300 }, (_, i) => `${i % 3}/${String(i).padStart(4, '0')}.jpg`);
const many = () => names.map((path) => agreed(library, path));
const apply = (...changes: Parameters<TestCatalog['catalog']['port']['apply']>[1]) =>
  world.catalog.port.apply(library, changes);
const count = async (sql: string, values: unknown[] = []) => Number((await world.sql(sql, values))[0]!['count']);
const photos = () => count('SELECT count(*) FROM "Photo" WHERE "libraryId" = $1', [library.id]);

/** Writes a photo by hand, as another program would, in `another`'s transaction. */
async function writeByHand(path: string): Promise<void> {
  await another.query('BEGIN');
  await another.query(
    `WITH album AS (INSERT INTO "Album" ("libraryId", "path") VALUES ($1, 'by hand') RETURNING "id")
     INSERT INTO "Photo" ("libraryId", "albumId", "path", "fileName", "bucket", "key", "kind", "contentType", "size", "mtimeNs", "state")
     SELECT $1, "id", $2, 'x', $3, $4, 'image', 'image/jpeg', 1, 1, 'pending' FROM album`,
    [library.id, path, library.bucket, library.prefix + path],
  );
}

/** Resolves when a statement like this waits for a lock. */
async function waits(statement: string): Promise<void> {
  const sql = `SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1`;
  while ((await count(sql, [`%${statement}%`])) === 0) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe('many new photos', () => {
  test('are as they would be one by one', async () => {
    await apply(...many(), unsettled(library, '0/unsettled.jpg'));
    const alone = await world.makeLibrary();
    for (const path of names.slice(0, 6)) await world.catalog.port.apply(alone, [agreed(alone, path)]);
    const facts = async (of: Library, path: string) => {
      const sql = 'SELECT * FROM "Photo" WHERE "libraryId" = $1 AND "path" = $2';
      const { id, libraryId, albumId, bucket, createdAt, updatedAt, ...rest } = (
        await world.sql(sql, [of.id, path])
      )[0]!;
      expect([id, libraryId, albumId, bucket, createdAt, updatedAt].every((value) => value !== null)).toBe(true);
      return rest;
    };
    for (const path of names.slice(0, 6)) expect(await facts(library, path)).toEqual(await facts(alone, path));
    expect(await photos()).toBe(301);
    expect((await world.rows(library, '1')).map((row) => row.path)).toEqual(names.filter((path) => path[0] === '1'));
  });

  test('among which one is known are written, and the known one keeps its id', async () => {
    await apply(agreed(library, names[7]!, { etag: 'old' }));
    const [before] = await world.rows(library);
    await apply(...many());
    const after = (await world.rows(library)).find((row) => row.path === names[7]);
    expect(after).toMatchObject({ id: before!.id, etag: 'etag-1' });
    expect(await photos()).toBe(300);
  });

  test('of which another writer makes one in the same moment are written all the same', async () => {
    await writeByHand(names[5]!);
    const written = apply(...many());
    await waits('INSERT INTO "Photo"');
    await another.query('COMMIT');
    await written;
    expect(await photos()).toBe(300);
    const row = (await world.rows(library)).find((one) => one.path === names[5]);
    expect(row).toMatchObject({ state: 'synced', etag: 'etag-1' });
  });

  test('whose path a row with another key has are refused, all of them', async () => {
    await apply(agreed(library, 'elsewhere.jpg'));
    await world.sql('UPDATE "Photo" SET "path" = $2 WHERE "libraryId" = $1', [library.id, names[9]]);
    await expect(apply(...many())).rejects.toMatchObject({ code: 'NAME_COLLISION' });
    expect(await photos()).toBe(1);
  });

  test('own the objects that moves have left at their keys', async () => {
    await apply(agreed(library, names[3]!));
    const [row] = await world.rows(library);
    await apply(moved(library, row!, 'elsewhere/a.jpg'));
    const left = () => count('SELECT count(*) FROM "Leftover" WHERE "libraryId" = $1', [library.id]);
    expect(await left()).toBe(1);
    await apply(...many());
    expect(await left()).toBe(0);
  });

  test('do not keep from a known photo that its sidecar came with them', async () => {
    await apply(agreed(library, 'x/a.jpg', { md5: 'm' }));
    const { media } = world.catalog;
    const claim = () => media.claim({ libraryId: library.id, album: 'x' }, 10, new AbortController().signal);
    await media.save(
      library,
      (await claim()).map((photo) => processed(photo, { metadata: METADATA })),
    );
    expect(await claim()).toEqual([]);
    await apply(...many(), agreed(library, 'x/a.xmp', { photoKind: 'sidecar', md5: 's' }));
    expect((await claim()).map((photo) => photo.path)).toEqual(['x/a.jpg']);
  });

  test('do what an administrator has bidden a trigger do at each new photo', async () => {
    await world.sql(`CREATE TABLE told (path TEXT);
      CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO told VALUES (NEW."path"); RETURN NULL; END $$;
      CREATE TRIGGER tell AFTER INSERT ON "Photo" FOR EACH ROW EXECUTE FUNCTION tell()`);
    try {
      await apply(...many());
      expect(await count('SELECT count(*) FROM told')).toBe(300);
    } finally {
      await world.sql('DROP TRIGGER tell ON "Photo"; DROP FUNCTION tell; DROP TABLE told');
    }
  });
});

describe('the album of many new photos', () => {
  test('cannot be removed while they are written, and takes them along after', async () => {
    await apply(agreed(library, '0/first.jpg'));
    const [album] = await world.sql('SELECT "id" FROM "Album" WHERE "libraryId" = $1', [library.id]);
    await writeByHand(names[299]!);
    const written = apply(...many());
    await waits('INSERT INTO "Photo"');
    const removed = third.query('DELETE FROM "Album" WHERE "id" = $1', [album!['id']]);
    await waits('DELETE FROM "Album"');
    await another.query('ROLLBACK');
    await Promise.all([written, removed]);
    expect(await photos()).toBe(200);
    const strays = `SELECT count(*) FROM "Photo" AS p WHERE NOT EXISTS (SELECT FROM "Album" AS a WHERE a."id" = p."albumId")`;
    expect(await count(strays)).toBe(0);
  });

  test('that is being removed is waited for, and made anew', async () => {
    await apply(agreed(library, '0/first.jpg'));
    await another.query('BEGIN');
    await another.query('DELETE FROM "Album" WHERE "libraryId" = $1', [library.id]);
    const written = apply(...many());
    await waits('FOR KEY SHARE');
    await another.query('COMMIT');
    await written;
    expect((await world.rows(library, '0')).length).toBe(100);
    expect(await photos()).toBe(300);
  });

  test('is gone with its library: NOT_FOUND', async () => {
    await world.catalog.libraries.remove(library.id);
    await expect(apply(...many())).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('many actions', () => {
  const actions = (times: number) =>
    Array.from({ length: times }, () => ({ kind: 'upload', path: 'x', key: 'x', outcome: 'done', bytes: 1 }) as const);

  test('of a run that is gone are refused as one is', async () => {
    const { port } = world.catalog;
    const gone = crypto.randomUUID();
    const refusal = await port.recordActions(gone, actions(1)).catch((thrown: unknown) => thrown);
    expect(refusal).toMatchObject({ code: expect.any(String) });
    await expect(port.recordActions(gone, actions(500))).rejects.toMatchObject({
      code: (refusal as { code: string }).code,
    });
  });
});
