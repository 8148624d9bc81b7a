import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RowChange } from '../../src/sync/catalog-port.ts';
import type { Library } from '../../src/sync/types.ts';
import { agreed, local, openTestCatalog, type TestCatalog, unsettled } from '../support/catalog.ts';

let world: TestCatalog;
beforeAll(async () => {
  world = await openTestCatalog();
});
afterAll(() => world.close());

const apply = (library: Library, ...changes: RowChange[]) => world.catalog.port.apply(library, changes);

/** The whole row, columns that the port does not show included. */
async function stored(library: Library, path: string) {
  const rows = await world.sql(`SELECT * FROM "Photo" WHERE "libraryId" = $1 AND "path" = $2`, [library.id, path]);
  expect(rows).toHaveLength(1);
  return rows[0]!;
}

async function idOf(library: Library, path: string): Promise<string> {
  return (await stored(library, path))['id'];
}

describe('an agreement', () => {
  test('makes the row, its album and no other album', async () => {
    const library = await world.makeLibrary();
    await apply(library, agreed(library, '2024/summer/a.jpg'), agreed(library, 'b.jpg'));
    const albums = await world.sql(`SELECT "path" FROM "Album" WHERE "libraryId" = $1 ORDER BY 1`, [library.id]);
    expect(albums).toEqual([{ path: '.' }, { path: '2024/summer' }]);
    expect(await stored(library, '2024/summer/a.jpg')).toMatchObject({
      fileName: 'a.jpg',
      bucket: library.bucket,
      key: 'photos/2024/summer/a.jpg',
      state: 'synced',
      verifiedAt: null,
    });
  });

  test('keeps the row’s id and clears whatever stood against it', async () => {
    const library = await world.makeLibrary();
    await apply(library, unsettled(library, 'a.jpg'));
    const id = await idOf(library, 'a.jpg');
    await apply(library, { kind: 'state', id, state: 'orphaned', error: 'gone' }, { kind: 'deleting', id });
    await apply(library, agreed(library, 'a.jpg', { etag: 'new', verified: true }));
    const row = await stored(library, 'a.jpg');
    expect(row).toMatchObject({ id, state: 'synced', etag: 'new' });
    expect(row).toMatchObject({ lastError: null, orphanedAt: null, deletingAt: null });
    expect(row['verifiedAt']).toBeInstanceOf(Date);
  });

  test('that is repeated writes nothing', async () => {
    const library = await world.makeLibrary();
    const change = agreed(library, 'a.jpg', { md5: 'm' });
    await apply(library, change);
    const version = `SELECT xmin::text, * FROM "Photo" WHERE "libraryId" = $1`;
    const before = await world.sql(version, [library.id]);
    await apply(library, change);
    await apply(library, { ...change, md5: null });
    expect(await world.sql(version, [library.id])).toEqual(before);
  });

  test('whose MD5 was not computed keeps the known one only for the same version of the file', async () => {
    const library = await world.makeLibrary();
    await apply(library, agreed(library, 'a.jpg', { md5: 'known' }));
    await apply(library, agreed(library, 'a.jpg', { etag: 'other' }));
    expect((await stored(library, 'a.jpg'))['md5']).toBe('known');
    await apply(library, agreed(library, 'a.jpg', { local: { ...local, mtimeNs: local.mtimeNs + 1n } }));
    expect((await stored(library, 'a.jpg'))['md5']).toBeNull();
  });

  test('keeps when the file was made, and an MD5 only for a file that was not made at another time', async () => {
    const library = await world.makeLibrary();
    const facts = async () => {
      const { birthNs, md5 } = await stored(library, 'a.jpg');
      return { birthNs, md5 };
    };
    const born = (birthNs: bigint) => ({ local: { ...local, birthNs } });
    await apply(library, agreed(library, 'a.jpg', { md5: 'known' }));
    await apply(library, agreed(library, 'a.jpg', born(1n)));
    expect(await facts()).toEqual({ birthNs: '1', md5: 'known' });
    await apply(library, agreed(library, 'a.jpg'));
    expect(await facts()).toEqual({ birthNs: null, md5: 'known' });
    await apply(library, agreed(library, 'a.jpg', born(2n)), agreed(library, 'a.jpg', born(3n)));
    expect(await facts()).toEqual({ birthNs: '3', md5: null });
  });

  test('takes a new spelling of the same name, NFD for NFC', async () => {
    const library = await world.makeLibrary();
    const [nfc, nfd] = ['Zürich/Käse.jpg'.normalize('NFC'), 'Zürich/Käse.jpg'.normalize('NFD')];
    await apply(library, agreed(library, nfc));
    const id = await idOf(library, nfc);
    await apply(library, agreed(library, nfd));
    expect(await stored(library, nfd)).toMatchObject({ id, fileName: 'Käse.jpg'.normalize('NFD') });
    expect(await world.rows(library, 'Zürich'.normalize('NFC'))).toHaveLength(1);
  });

  test('under a key that is not its path’s is refused, so that no two photos can claim one path', async () => {
    const library = await world.makeLibrary();
    await apply(library, agreed(library, 'a.jpg'));
    const wrong = agreed(library, 'a.jpg', { key: 'photos/b.jpg' });
    await expect(apply(library, agreed(library, 'c.jpg'), wrong)).rejects.toMatchObject({ code: 'NAME_INVALID' });
    expect((await world.rows(library)).map((row) => row.path)).toEqual(['a.jpg']);
  });

  test('in a library whose place another one has never touches the other one’s row', async () => {
    const library = await world.makeLibrary();
    await apply(library, agreed(library, 'a.jpg'));
    const other = await world.makeLibrary();
    const impostor = { ...other, bucket: library.bucket };
    await apply(impostor, agreed(impostor, 'a.jpg', { etag: 'stolen' }));
    expect((await stored(library, 'a.jpg'))['etag']).toBe('etag-1');
  });

  test('in a library that was removed is NOT_FOUND', async () => {
    const library = await world.makeLibrary();
    await world.catalog.libraries.remove(library.id);
    await expect(apply(library, agreed(library, 'a.jpg'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('an unsettled photo', () => {
  test('gets a row that was never in the bucket', async () => {
    const library = await world.makeLibrary();
    await apply(library, unsettled(library, 'a.jpg', { state: 'pending', local: { ...local, birthNs: 5n } }));
    expect(await stored(library, 'a.jpg')).toMatchObject({
      state: 'pending',
      etag: null,
      size: '1000',
      birthNs: '5',
      lastError: 'the disk said no',
    });
  });

  test('that has a row keeps the facts of its last agreement', async () => {
    const library = await world.makeLibrary();
    await apply(library, agreed(library, 'a.jpg', { md5: 'm' }));
    const before = await stored(library, 'a.jpg');
    const changed = { ...local, size: 7, mtimeNs: 8n, inode: 9n, birthNs: 10n };
    await apply(library, unsettled(library, 'a.jpg', { state: 'conflict', error: 'both', local: changed }));
    expect(await stored(library, 'a.jpg')).toEqual({
      ...before,
      state: 'conflict',
      lastError: 'both',
      updatedAt: expect.any(Date),
    });
  });

  test('may have an error text that PostgreSQL would refuse', async () => {
    const library = await world.makeLibrary();
    await apply(library, unsettled(library, 'a.jpg', { error: 'nul\0 and half \ud83d, "quoted" {x}' }));
    expect((await stored(library, 'a.jpg'))['lastError']).toBe('nul and half \u{fffd}, "quoted" {x}');
  });
});

describe('a new state', () => {
  test('orphaned is stamped once, and the stamp goes with any other state', async () => {
    const library = await world.makeLibrary();
    await apply(library, agreed(library, 'a.jpg'));
    const id = await idOf(library, 'a.jpg');
    await apply(library, { kind: 'state', id, state: 'orphaned', error: null });
    await world.sql(`UPDATE "Photo" SET "orphanedAt" = '2001-02-03T04:05:06.789Z' WHERE "id" = $1`, [id]);
    await apply(library, { kind: 'state', id, state: 'orphaned', error: 'still' });
    const [row] = await world.rows(library);
    expect(row).toMatchObject({ state: 'orphaned', orphanedAtMs: Date.parse('2001-02-03T04:05:06.789Z') });
    await apply(library, { kind: 'state', id, state: 'missing', error: null });
    expect(await stored(library, 'a.jpg')).toMatchObject({ state: 'missing', orphanedAt: null, lastError: null });
  });

  test('ends a deletion that did not come about', async () => {
    const library = await world.makeLibrary();
    await apply(library, agreed(library, 'a.jpg'));
    const id = await idOf(library, 'a.jpg');
    await apply(library, { kind: 'state', id, state: 'orphaned', error: null });
    await apply(library, { kind: 'deleting', id });
    expect((await world.rows(library))[0]).toMatchObject({ deleting: true });
    await apply(library, { kind: 'state', id, state: 'orphaned', error: null });
    expect((await world.rows(library))[0]).toMatchObject({ deleting: false });
  });

  test('of a row in another library changes nothing', async () => {
    const [mine, other] = [await world.makeLibrary(), await world.makeLibrary()];
    await apply(mine, agreed(mine, 'a.jpg'));
    const id = await idOf(mine, 'a.jpg');
    await apply(other, { kind: 'state', id, state: 'lost', error: null }, { kind: 'refreshed', id, state: 'lost' });
    await apply(other, { kind: 'deleting', id });
    expect(await stored(mine, 'a.jpg')).toMatchObject({ state: 'synced', deletingAt: null });
  });
});

describe('a refreshed row', () => {
  test('changes only what it says', async () => {
    const library = await world.makeLibrary();
    await apply(library, agreed(library, 'a.jpg', { md5: 'm', partSize: 16, etag: 'e-2' }));
    const before = await stored(library, 'a.jpg');
    const id = before['id'];
    await apply(library, { kind: 'refreshed', id, local: { ...local, device: 1n }, state: 'synced' });
    const updatedAt = expect.any(Date);
    expect(await stored(library, 'a.jpg')).toEqual({ ...before, device: '1', updatedAt });
    await apply(library, { kind: 'refreshed', id, etag: 'plain', state: 'archived' });
    const changed = { etag: 'plain', partSize: null, state: 'archived' };
    expect(await stored(library, 'a.jpg')).toEqual({ ...before, device: '1', ...changed, updatedAt });
  });

  test('forgets the MD5 of what is another file by now, of the same size and date though it is', async () => {
    const library = await world.makeLibrary();
    await apply(library, agreed(library, 'a.jpg', { md5: 'of the file before' }));
    const id = await idOf(library, 'a.jpg');
    await apply(library, { kind: 'refreshed', id, local: { ...local, inode: 2n }, state: 'synced' });
    expect(await stored(library, 'a.jpg')).toMatchObject({ md5: null, inode: '2' });
  });

  test('takes on when its file was made, and forgets the MD5 of one that was made at another time', async () => {
    const library = await world.makeLibrary();
    await apply(library, agreed(library, 'a.jpg', { md5: 'known' }));
    const id = await idOf(library, 'a.jpg');
    const refreshed = (facts: object) => apply(library, { kind: 'refreshed', id, state: 'synced', ...facts });
    await refreshed({ local: { ...local, birthNs: 1n } });
    await refreshed({ etag: 'etag-1' });
    expect(await stored(library, 'a.jpg')).toMatchObject({ birthNs: '1', md5: 'known' });
    await refreshed({ local });
    expect(await stored(library, 'a.jpg')).toMatchObject({ birthNs: null, md5: 'known' });
    await refreshed({ local: { ...local, birthNs: 1n } });
    await refreshed({ local: { ...local, birthNs: 2n } });
    expect(await stored(library, 'a.jpg')).toMatchObject({ birthNs: '2', md5: null });
  });

  test('takes a path only if it is one of its key', async () => {
    const library = await world.makeLibrary();
    await apply(library, agreed(library, 'ü.jpg'.normalize('NFC')), agreed(library, 'b.jpg'));
    const id = await idOf(library, 'ü.jpg'.normalize('NFC'));
    await apply(library, { kind: 'refreshed', id, path: 'b.jpg', state: 'synced' });
    await apply(library, { kind: 'refreshed', id, path: 'ü.jpg'.normalize('NFD'), state: 'synced' });
    expect(await stored(library, 'ü.jpg'.normalize('NFD'))).toMatchObject({ id, fileName: 'ü.jpg'.normalize('NFD') });
  });
});

describe('a deletion', () => {
  test('removes the row only if it was announced', async () => {
    const library = await world.makeLibrary();
    await apply(library, agreed(library, 'a.jpg'), agreed(library, 'b.jpg'));
    const [a, b] = [await idOf(library, 'a.jpg'), await idOf(library, 'b.jpg')];
    await apply(library, { kind: 'deleting', id: a });
    await apply(library, { kind: 'deleted', id: a }, { kind: 'deleted', id: b });
    expect((await world.rows(library)).map((row) => row.path)).toEqual(['b.jpg']);
    await apply(library, { kind: 'deleted', id: a });
  });
});

describe('many changes', () => {
  test('are written all or none', async () => {
    const library = await world.makeLibrary();
    const changes = Array.from({ length: 6_000 }, (_, i) => agreed(library, `${i}.jpg`));
    const bad = { ...agreed(library, 'bad.jpg'), partSize: 2 ** 64 };
    await expect(apply(library, ...changes, bad)).rejects.toThrow();
    expect(await world.rows(library)).toEqual([]);
    expect(await world.sql(`SELECT 1 FROM "Album" WHERE "libraryId" = $1`, [library.id])).toEqual([]);
  });

  test('of one row in one call: the last one counts, whether it names the row by key or by id', async () => {
    const library = await world.makeLibrary();
    await apply(library, agreed(library, 'a.jpg', { etag: '1' }), agreed(library, 'a.jpg', { etag: '2' }));
    const id = await idOf(library, 'a.jpg');
    expect((await stored(library, 'a.jpg'))['etag']).toBe('2');
    await apply(library, { kind: 'state', id, state: 'missing', error: null }, agreed(library, 'a.jpg'));
    expect((await stored(library, 'a.jpg'))['state']).toBe('synced');
    await apply(library, agreed(library, 'a.jpg'), { kind: 'state', id, state: 'missing', error: null });
    expect((await stored(library, 'a.jpg'))['state']).toBe('missing');
    await apply(library, { kind: 'deleting', id }, { kind: 'deleted', id });
    expect(await world.rows(library)).toEqual([]);
  });

  test('by many writers at once, in clashing orders, all arrive', async () => {
    const library = await world.makeLibrary();
    const paths = Array.from({ length: 300 }, (_, i) => `album ${i % 20}/${i}.jpg`);
    await apply(library, ...paths.map((path) => agreed(library, path)));
    const ids = (await world.rows(library)).map((row) => row.id);
    const writers = Array.from({ length: 3 }, (_, writer) => {
      const keyed = paths.map((path) => agreed(library, path, { etag: `by ${writer}`, verified: true }));
      const known = ids.map((id) => ({ kind: 'state', id, state: 'missing', error: `by ${writer}` }) as const);
      return apply(library, ...(writer % 2 ? [...known.reverse(), ...keyed] : [...keyed, ...known]));
    });
    await Promise.all(writers);
    expect(await world.rows(library)).toHaveLength(300);
  });

  test('and none at all are fine', async () => {
    await apply(await world.makeLibrary());
  });
});
