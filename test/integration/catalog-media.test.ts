/** What wakes a photo that was looked at, and what happens when several come at once: the triggers, and the claims. */
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DUE, FREE, IN_TURN } from '../../src/catalog/media-due.ts';
import { type Catalog, openCatalog } from '../../src/catalog/open.ts';
import type { RowChange } from '../../src/sync/catalog-port.ts';
import type { ClaimedPhoto } from '../../src/sync/media-store.ts';
import type { Library } from '../../src/sync/types.ts';
import { type Agreed, agreed, local, moved, never, openTestCatalog, type TestCatalog } from '../support/catalog.ts';
import { processed } from '../support/catalog-media.ts';

let world: TestCatalog;
let elsewhere: Catalog;
beforeAll(async () => {
  world = await openTestCatalog();
  elsewhere = await openCatalog({ url: world.url, maxConnections: 3 }, never);
});
afterAll(async () => {
  await elsewhere.close();
  await world.close();
});

let library: Library;
beforeEach(async () => {
  library = await world.makeLibrary();
});

const apply = (...changes: RowChange[]) => world.catalog.port.apply(library, changes);
const photo = (path: string, facts: Partial<Agreed> = {}) => agreed(library, path, { md5: `md5 of ${path}`, ...facts });
const sidecar = (path: string, facts: Partial<Agreed> = {}) => photo(path, { photoKind: 'sidecar', ...facts });
const claim = (catalog = world.catalog, limit = 1_000) => catalog.media.claim({ libraryId: library.id }, limit, never);
const save = (photos: readonly ClaimedPhoto[]) =>
  world.catalog.media.save(
    library,
    photos.map((each) => processed(each)),
  );
const lookAtAll = async () => save(await claim());

/** Which photos are due now, each with its sidecar; all are looked at then. */
async function due(): Promise<Record<string, string | null>> {
  const claimed = await claim();
  await save(claimed);
  return Object.fromEntries(claimed.map((each) => [each.path, each.sidecar?.path ?? null]));
}

async function rowOf(path: string) {
  const row = (await world.rows(library)).find((each) => each.path === path);
  if (row === undefined) throw new Error(`there is no ${path}`);
  return row;
}

async function remove(path: string): Promise<void> {
  const { id } = await rowOf(path);
  await apply({ kind: 'deleting', id }, { kind: 'deleted', id });
}

const stateOf = async (path: string, state: 'orphaned' | 'lost' | 'synced' | 'missing') =>
  apply({ kind: 'state', id: (await rowOf(path)).id, state, error: null });

async function rename(...ways: readonly (readonly [from: string, to: string])[]): Promise<void> {
  const rows = await Promise.all(ways.map(async ([from, to]) => [await rowOf(from), to] as const));
  const kindOf = (path: string) => (/\.xmp$/.test(path) ? 'sidecar' : /\.txt$/.test(path) ? 'other' : 'image');
  await apply(...rows.map(([row, to]) => moved(library, row, to, { photoKind: kindOf(to) })));
}

describe('the sidecar of a photo', () => {
  test.each([
    ['x/IMG_1.jpg', 'x/IMG_1.jpg.xmp'],
    ['x/IMG_1.jpg', 'x/IMG_1.xmp'],
    ['x/IMG_1.CR2', 'x/IMG_1.XMP'],
    ['x/IMG_1.jpg', 'x/IMG_1.jpg.Xmp'],
    ['x/IMG_1.tar.jpg', 'x/IMG_1.tar.xMp'],
    ['x/no extension', 'x/no extension.xmp'],
    ['x/50%_of\\it.jpg', 'x/50%_of\\it.xmp'],
    ['x.y/z', 'x.y/z.xmp'],
    ['IMG_1.jpg', 'IMG_1.xmp'],
  ])('%s is %s', async (path, name) => {
    await apply(photo(path), sidecar(name, { local: { ...local, size: 77, inode: 5n, birthNs: 3n } }));
    const [claimed] = await claim();
    expect(claimed).toMatchObject({
      path,
      sidecar: { path: name, local: { size: 77, mtimeNs: local.mtimeNs, device: 66n, inode: 5n, birthNs: 3n } },
    });
  });

  test.each([
    ['x/IMG_1.jpg', 'x/IMG_2.xmp'],
    ['x/IMG_1.jpg', 'x/img_1.xmp'],
    ['x/IMG_1.edit.jpg', 'x/IMG_1.xmp'],
    ['x/IMG_1.jpg', 'y/IMG_1.xmp'],
    ['x/y/IMG_1.jpg', 'x/y.xmp'],
    ['x.y/z', 'x.xmp'],
    ['x/IMG_1.jpg', 'x/IMG_1.jpg.aae'],
    ['x/IMG_1.jpg', 'x/IMG_1.jpgxmp'],
    ['x/IMG_1.jpg', 'x/IMG_1.jpg.edit.xmp'],
  ])('%s is not %s', async (path, name) => {
    await apply(photo(path), sidecar(name));
    expect(await due()).toEqual({ [path]: null });
    await apply(sidecar(name, { md5: 'changed', etag: 'etag-2' }));
    await remove(name);
    expect(await due()).toEqual({});
  });

  test('is the one with the whole name before the one with the stem', async () => {
    await apply(photo('x/a.jpg'), photo('x/a.CR2'), sidecar('x/a.xmp'), sidecar('x/a.jpg.xmp'));
    expect(await due()).toEqual({ 'x/a.CR2': 'x/a.xmp', 'x/a.jpg': 'x/a.jpg.xmp' });
  });

  test('is none that is of another library, not in the bucket, not on disk, or no sidecar', async () => {
    const other = await world.makeLibrary();
    await world.catalog.port.apply(other, [agreed(other, 'x/a.xmp', { md5: 'm', photoKind: 'sidecar' })]);
    await apply(photo('x/a.jpg'), photo('x/a.xmp', { photoKind: 'other' }));
    expect(await due()).toEqual({ 'x/a.jpg': null });
    await apply(photo('x/b.jpg'), sidecar('x/b.xmp'), photo('x/c.jpg'), sidecar('x/c.xmp', { md5: null }));
    await stateOf('x/b.xmp', 'orphaned');
    expect(await due()).toEqual({ 'x/b.jpg': null, 'x/c.jpg': null });
  });
});

describe('a photo is looked at again', () => {
  beforeEach(async () => {
    await apply(photo('x/a.jpg'), photo('x/a.CR2'), photo('x/b.jpg'));
    await lookAtAll();
  });
  const both = { 'x/a.CR2': 'x/a.xmp', 'x/a.jpg': 'x/a.xmp' };

  test('when a sidecar comes, changes and goes', async () => {
    await apply(sidecar('x/a.xmp'));
    expect(await due()).toEqual(both);
    await apply(sidecar('x/a.xmp', { md5: 'other words', etag: 'etag-2' }));
    expect(await due()).toEqual(both);
    await remove('x/a.xmp');
    expect(await due()).toEqual({ 'x/a.CR2': null, 'x/a.jpg': null });
  });

  test('when its sidecar is gone from disk, and when it is back', async () => {
    await apply(sidecar('x/a.xmp'));
    await lookAtAll();
    await stateOf('x/a.xmp', 'orphaned');
    expect(await due()).toEqual({ 'x/a.CR2': null, 'x/a.jpg': null });
    await stateOf('x/a.xmp', 'lost');
    expect(await due()).toEqual({});
    await stateOf('x/a.xmp', 'synced');
    expect(await due()).toEqual(both);
  });

  test('when a sidecar comes that goes before the one it has', async () => {
    await apply(sidecar('x/a.xmp'));
    await lookAtAll();
    await apply(sidecar('x/a.jpg.xmp'));
    expect(await due()).toEqual({ 'x/a.jpg': 'x/a.jpg.xmp' });
    await remove('x/a.xmp');
    expect(await due()).toEqual({ 'x/a.CR2': null });
  });

  test('when its sidecar is renamed, away or to it', async () => {
    await apply(sidecar('x/a.xmp'));
    await lookAtAll();
    await rename(['x/a.xmp', 'x/b.xmp']);
    expect(await due()).toEqual({ 'x/a.CR2': null, 'x/a.jpg': null, 'x/b.jpg': 'x/b.xmp' });
    await rename(['x/b.xmp', 'x/b.txt']);
    expect(await due()).toEqual({ 'x/b.jpg': null });
  });

  test('when it is renamed away from its sidecar, or to one', async () => {
    await apply(sidecar('x/a.xmp'));
    await lookAtAll();
    await rename(['x/a.jpg', 'x/c.jpg']);
    expect(await due()).toEqual({ 'x/c.jpg': null });
    await rename(['x/b.jpg', 'x/a.jpg']);
    expect(await due()).toEqual({ 'x/a.jpg': 'x/a.xmp' });
  });

  test('but not when both are renamed together, at once or one after the other', async () => {
    await apply(sidecar('x/b.xmp'));
    await lookAtAll();
    await rename(['x/b.jpg', 'y/c.jpg'], ['x/b.xmp', 'y/c.xmp']);
    expect(await due()).toEqual({});
    await rename(['y/c.jpg', 'z/d.jpg']);
    await rename(['y/c.xmp', 'z/d.xmp']);
    expect(await due()).toEqual({});
    await rename(['z/d.xmp', 'x/e.xmp']);
    await rename(['z/d.jpg', 'x/e.jpg']);
    expect(await due()).toEqual({});
  });

  test('but not when it has no sidecar and is renamed, swapped with another, or its facts are corrected', async () => {
    await rename(['x/a.jpg', 'x/b.jpg'], ['x/b.jpg', 'x/a.jpg']);
    await rename(['x/a.CR2', 'x/c.CR2']);
    const { id } = await rowOf('x/b.jpg');
    await apply({ kind: 'refreshed', id, etag: 'etag-2', state: 'synced' });
    await apply(photo('x/b.jpg', { md5: null, etag: 'etag-3' }));
    expect(await due()).toEqual({});
  });

  test('but not when only the facts of its sidecar change', async () => {
    await apply(sidecar('x/a.xmp'));
    await lookAtAll();
    await apply(sidecar('x/a.xmp', { local: { ...local, inode: 99n }, etag: 'etag-2', verified: true }));
    await stateOf('x/a.xmp', 'missing');
    expect(await due()).toEqual({});
  });

  test('when it was given up, and its sidecar changes', async () => {
    await apply(photo('x/f.jpg'), sidecar('x/f.xmp'));
    for (let time = 1; time <= 5; time++) await world.catalog.media.giveBack(await claim(), 'no memory');
    expect(await claim()).toEqual([]);
    await apply(sidecar('x/f.xmp', { md5: 'other words', etag: 'etag-2' }));
    for (let time = 1; time <= 4; time++) await world.catalog.media.giveBack(await claim(), 'no memory');
    expect(await due()).toEqual({ 'x/f.jpg': 'x/f.xmp' });
  });

  test('when it was orphaned while its sidecar changed, once it is back', async () => {
    await stateOf('x/b.jpg', 'orphaned');
    await apply(sidecar('x/b.xmp'));
    expect(await due()).toEqual({});
    await stateOf('x/b.jpg', 'synced');
    expect(await due()).toEqual({ 'x/b.jpg': 'x/b.xmp' });
  });
});

describe('while a photo is being looked at', () => {
  beforeEach(() => apply(photo('x/a.jpg')));

  test.each([
    ['comes', () => apply(sidecar('x/a.xmp'))],
    [
      'is put in its place by a rename',
      async () => {
        await apply(sidecar('x/z.xmp'));
        await rename(['x/z.xmp', 'x/a.xmp']);
      },
    ],
    [
      'gets a photo by a rename',
      async () => {
        await apply(sidecar('x/z.xmp'));
        await rename(['x/a.jpg', 'x/z.jpg']);
      },
    ],
  ])('a sidecar that %s ends the claim', async (_how, change) => {
    const before = await claim();
    await change();
    expect(await save(before)).toEqual(new Set());
    const after = await claim();
    expect(after.map((each) => each.sidecar !== null)).toEqual([true]);
    expect((await save(after)).size).toBe(1);
    expect(await due()).toEqual({});
  });

  test('a sidecar that changes or goes ends the claim', async () => {
    await apply(sidecar('x/a.xmp'));
    const first = await claim();
    await apply(sidecar('x/a.xmp', { md5: 'other words', etag: 'etag-2' }));
    expect(await save(first)).toEqual(new Set());
    const second = await claim();
    await remove('x/a.xmp');
    expect(await save(second)).toEqual(new Set());
    expect(await due()).toEqual({ 'x/a.jpg': null });
  });

  test('a sidecar that is being written is waited for by nobody, and missed by nobody', async () => {
    const writer = new pg.Client({ connectionString: world.url });
    await writer.connect();
    try {
      const row = await rowOf('x/a.jpg');
      const insert = `INSERT INTO "Photo" ("libraryId", "albumId", path, "fileName", bucket, key, kind, "contentType", size,
          "mtimeNs", md5, etag, state) VALUES ($1, $2, 'x/a.xmp', 'a.xmp', $3, 'photos/x/a.xmp', 'sidecar', 'x', 1, 1, 'm',
          'e', 'synced')`;
      const values = [library.id, row.albumId, library.bucket];
      // Before the claim.
      await writer.query('BEGIN');
      await writer.query(insert, values);
      expect(await claim()).toEqual([]);
      await writer.query('ROLLBACK');
      const claimed = await claim();
      expect(claimed).toMatchObject([{ sidecar: null }]);
      // Between the claim and its end.
      await writer.query('BEGIN');
      await writer.query(insert, values);
      const saving = save(claimed);
      await writer.query('COMMIT');
      expect(await saving).toEqual(new Set());
      expect(await due()).toEqual({ 'x/a.jpg': 'x/a.xmp' });
    } finally {
      await writer.end();
    }
  });

  test('a sidecar that nobody told of, since both came at once, keeps the result from being taken', async () => {
    const claimed = await claim();
    await world.sql('ALTER TABLE "Photo" DISABLE TRIGGER "Photo_sidecar_came"');
    await apply(sidecar('x/a.xmp'));
    await world.sql('ALTER TABLE "Photo" ENABLE TRIGGER "Photo_sidecar_came"');
    expect(await save(claimed)).toEqual(new Set());
    expect(await due()).toEqual({ 'x/a.jpg': 'x/a.xmp' });
  });
});

describe('several at once', () => {
  test('never claim the same photo, and leave none', async () => {
    const names = Array.from({ length: 300 }, (_, i) => `x/${String(i).padStart(3, '0')}.jpg`);
    await apply(...names.map((path) => photo(path)));
    const worker = async (catalog: Catalog) => {
      const mine: string[] = [];
      for (;;) {
        const claimed = await claim(catalog, 7);
        if (claimed.length === 0) return mine;
        mine.push(...claimed.map(({ path }) => path));
        await catalog.media.save(
          library,
          claimed.map((each) => processed(each)),
        );
      }
    };
    const workers = [world.catalog, elsewhere, world.catalog, elsewhere].map(worker);
    const claimed = (await Promise.all(workers)).flat();
    expect(claimed.toSorted()).toEqual(names);
  });

  test('get along with those who write photos and sidecars meanwhile', async () => {
    const names = Array.from({ length: 60 }, (_, i) => `x/${i}`);
    await apply(...names.map((name) => photo(`${name}.jpg`)));
    const write = async (round: number) => {
      const facts = { md5: `words ${round}`, etag: `etag-${round}` };
      await apply(...names.map((name) => sidecar(`${name}.xmp`, facts)).sort(() => Math.random() - 0.5));
    };
    const look = async (catalog: Catalog) => {
      for (let time = 0; time < 8; time++) {
        const claimed = await claim(catalog, 20);
        await catalog.media.save(
          library,
          claimed.map((each) => processed(each)),
        );
      }
    };
    const writers = (async () => {
      for (let round = 1; round <= 8; round++) await write(round);
    })();
    await Promise.all([writers, look(world.catalog), look(elsewhere)]);
    await lookAtAll();
    const seen = await world.sql<{ with: string; of: string }>(
      `SELECT DISTINCT "mediaWith" AS with, "mediaOf" = "md5" AS of FROM "Photo" WHERE "libraryId" = $1 AND kind = 'image'`,
      [library.id],
    );
    expect(seen).toEqual([{ with: 'words 8', of: true }]);
  });

  test('a photo that somebody is writing is passed by', async () => {
    await apply(photo('x/a.jpg'), photo('x/b.jpg'));
    const writer = new pg.Client({ connectionString: world.url });
    await writer.connect();
    try {
      await writer.query('BEGIN');
      await writer.query(`UPDATE "Photo" SET "lastError" = 'x' WHERE "libraryId" = $1 AND path = 'x/a.jpg'`, [
        library.id,
      ]);
      expect((await claim()).map(({ path }) => path)).toEqual(['x/b.jpg']);
      await writer.query('COMMIT');
      expect((await claim()).map(({ path }) => path)).toEqual(['x/a.jpg']);
    } finally {
      await writer.end();
    }
  });
});

test('asking for what is due reads an index that only has that', async () => {
  await apply(...Array.from({ length: 3_000 }, (_, i) => photo(`x/${i}.jpg`)));
  await lookAtAll();
  await world.sql('VACUUM ANALYZE "Photo"');
  const scope = `${DUE} AND ${FREE} AND p."libraryId" = '${library.id}'`;
  const plan = await world.sql<{ 'QUERY PLAN': string }>(
    `EXPLAIN SELECT p."id" FROM "Photo" AS p WHERE ${scope} ORDER BY ${IN_TURN} LIMIT 10 FOR NO KEY UPDATE`,
  );
  expect(plan.map((row) => row['QUERY PLAN']).join('\n')).toContain('Photo_due_idx');
});
