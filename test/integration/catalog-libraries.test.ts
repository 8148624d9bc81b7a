import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Catalog, openCatalog } from '../../src/catalog/open.ts';
import type { NewLibrary } from '../../src/sync/browse.ts';
import { agreed, never, openTestCatalog, type TestCatalog } from '../support/catalog.ts';

let world: TestCatalog;
beforeAll(async () => {
  world = await openTestCatalog();
});
afterAll(() => world.close());

const conflict = (field: string) => ({ code: 'LIBRARY_CONFLICT', field });

/** A library that nobody else of these tests is in the way of. */
function wanted(facts: Partial<NewLibrary> = {}): NewLibrary {
  const unique = randomUUID();
  return { name: `of ${unique}`, root: `/${unique}`, bucket: unique, prefix: 'photos/', excludes: ['*.tmp'], ...facts };
}

describe('libraries', () => {
  test('are found by id and by name, and by nothing else', async () => {
    const { find, create } = world.catalog.libraries;
    const made = await create(wanted());
    expect(await find(made.id)).toEqual(made);
    expect(await find(made.name)).toEqual(made);
    for (const stranger of [randomUUID(), 'nobody', '', 'nul\0']) expect(await find(stranger)).toBeNull();
    const named = await create(wanted({ name: randomUUID() }));
    expect(await find(named.name)).toEqual(named);
  });

  test('are listed by name in pages', async () => {
    const other = await openTestCatalog();
    const { list, create } = other.catalog.libraries;
    for (const name of ['c', 'a', 'b']) await create(wanted({ name }));
    const first = await list({ limit: 2 });
    expect(first.items.map((library) => library.name)).toEqual(['a', 'b']);
    const second = await list({ limit: 2, cursor: first.nextCursor! });
    expect(second).toMatchObject({ items: [{ name: 'c' }], nextCursor: null });
    await expect(list({ limit: 2, cursor: 'x' })).rejects.toMatchObject({ code: 'BAD_INPUT', field: 'cursor' });
    await other.close();
  });

  test.each([
    ['photos/', 'photos/'],
    ['photos/', 'photos/2024/'],
    ['photos/2024/', 'photos/'],
    ['', 'photos/'],
    ['photos/', ''],
  ])('at "%s" and "%s" of one bucket overlap, whoever comes second', async (first, second) => {
    const made = await world.catalog.libraries.create(wanted({ prefix: first }));
    const making = world.catalog.libraries.create(wanted({ bucket: made.bucket, prefix: second }));
    await expect(making).rejects.toMatchObject(conflict('prefix'));
    await expect(making).rejects.toThrow(made.name);
  });

  test('at prefixes that only look alike, or in other buckets, do not overlap', async () => {
    const made = await world.catalog.libraries.create(wanted({ prefix: 'photos/' }));
    await world.catalog.libraries.create(wanted({ bucket: made.bucket, prefix: 'photos-old/' }));
    await world.catalog.libraries.create(wanted({ prefix: 'photos/' }));
    const bad = world.catalog.libraries.create(wanted({ prefix: 'photos' }));
    await expect(bad).rejects.toMatchObject({ code: 'BAD_INPUT', field: 'prefix' });
  });

  test('made at the same moment do not overlap either', async () => {
    const bucket = randomUUID();
    const made = await Promise.allSettled(
      ['', 'a/', 'a/b/', 'a/', ''].map((prefix) => world.catalog.libraries.create(wanted({ bucket, prefix }))),
    );
    const names = made.flatMap((one) => (one.status === 'fulfilled' ? [one.value.prefix] : []));
    expect(names).toHaveLength(1);
  });

  test('have names of their own', async () => {
    const made = await world.catalog.libraries.create(wanted());
    await expect(world.catalog.libraries.create(wanted({ name: made.name }))).rejects.toMatchObject(conflict('name'));
    const other = await world.catalog.libraries.create(wanted());
    const renaming = world.catalog.libraries.update(other.id, { name: made.name });
    await expect(renaming).rejects.toMatchObject(conflict('name'));
    expect(await world.catalog.libraries.update(made.id, { name: made.name })).toEqual(made);
  });
});

describe('where the variants are', () => {
  let catalog: Catalog;
  beforeAll(async () => {
    catalog = await openCatalog({ url: world.url, maxConnections: 2, variantsPrefix: 'small/variants/' }, never);
  });
  afterAll(() => catalog.close());

  test.each(['small/variants/', 'small/variants/2024/'])('at %s there can be no library', async (prefix) => {
    const { create, ensure, update } = catalog.libraries;
    await expect(create(wanted({ prefix }))).rejects.toMatchObject(conflict('prefix'));
    await expect(create(wanted({ prefix }))).rejects.toThrow('S3_VARIANTS_PREFIX');
    await expect(ensure(wanted({ prefix }))).rejects.toMatchObject(conflict('prefix'));
    const made = await create(wanted());
    await expect(update(made.id, { prefix })).rejects.toMatchObject(conflict('prefix'));
    expect(await catalog.libraries.find(made.id)).toEqual(made);
  });

  test.each(['', 'small/', 'small/variants-of-mine/', 'photos/small/variants/'])(
    'a library at %s may be beside it or around it',
    async (prefix) => {
      expect(await catalog.libraries.create(wanted({ prefix }))).toMatchObject({ prefix });
      expect(await catalog.libraries.ensure(wanted({ prefix }))).toMatchObject({ prefix });
    },
  );

  test('a library that was there before stays, and can be changed otherwise', async () => {
    const made = await world.catalog.libraries.create(wanted({ prefix: 'small/variants/' }));
    const { id, ...place } = made;
    expect(await catalog.libraries.ensure(place)).toEqual(made);
    expect(await catalog.libraries.update(id, { root: '/elsewhere' })).toEqual({ ...made, root: '/elsewhere' });
  });
});

describe('ensuring a library', () => {
  test('makes it once, and answers the same one ever after', async () => {
    const library = wanted();
    const all = await Promise.all(Array.from({ length: 5 }, () => world.catalog.libraries.ensure(library)));
    expect(new Set(all.map((one) => one.id)).size).toBe(1);
    expect(await world.catalog.libraries.ensure({ ...library, name: 'another name' })).toEqual(all[0]);
  });

  test('gives it a name of its own when the wanted one is taken', async () => {
    const name = `100%_\\ ${randomUUID()}`;
    const made = [];
    for (let i = 0; i < 3; i++) made.push(await world.catalog.libraries.ensure(wanted({ name })));
    expect(made.map((library) => library.name)).toEqual([name, `${name} 2`, `${name} 3`]);
  });

  test('brings its excludes up to date', async () => {
    const library = wanted();
    await world.catalog.libraries.ensure(library);
    await world.catalog.libraries.ensure({ ...library, excludes: ['raw/', '*.xmp'] });
    expect((await world.catalog.libraries.find(library.name))?.excludes).toEqual(['raw/', '*.xmp']);
  });

  test('keeps its excludes when none are given, and what it asks of the schedule', async () => {
    const { excludes: _excludes, ...library } = wanted({ excludes: ['private/'] });
    const made = await world.catalog.libraries.create({ ...library, excludes: ['private/'], sync: 'both' });
    expect(await world.catalog.libraries.ensure(library)).toEqual(made);
    expect(await world.catalog.libraries.find(library.name)).toMatchObject({ excludes: ['private/'], sync: 'both' });
  });

  test('with another root names the library that is there and what to do', async () => {
    const made = await world.catalog.libraries.ensure(wanted());
    const ensuring = world.catalog.libraries.ensure({ ...made, root: '/elsewhere' });
    await expect(ensuring).rejects.toMatchObject(conflict('root'));
    await expect(ensuring).rejects.toThrow(made.name);
    await expect(ensuring).rejects.toThrow(made.root);
    const overlapping = world.catalog.libraries.ensure({ ...made, prefix: 'photos/2024/' });
    await expect(overlapping).rejects.toMatchObject(conflict('prefix'));
  });
});

describe('forgetting an unused library', () => {
  test('takes one without photos, with the history of its runs', async () => {
    const library = await world.catalog.libraries.create(wanted());
    const run = await world.catalog.port.beginRun({ library, album: null, kind: 'status', policy: {} });
    await world.catalog.libraries.removeUnused(library.id);
    expect(await world.catalog.libraries.find(library.id)).toBeNull();
    expect(await world.catalog.browser.run(run)).toBeNull();
  });

  test('leaves one that has a photo', async () => {
    const library = await world.catalog.libraries.create(wanted());
    await world.catalog.port.apply(library, [agreed(library, 'a.jpg')]);
    await world.catalog.libraries.removeUnused(library.id);
    expect(await world.catalog.libraries.find(library.id)).toEqual(library);
  });

  test('leaves one that is being synced', async () => {
    const signal = new AbortController().signal;
    const library = await world.catalog.libraries.create(wanted());
    const lock = await world.catalog.port.lock({ library, album: null }, signal);
    await expect(world.catalog.libraries.removeUnused(library.id)).rejects.toMatchObject({ code: 'SYNC_IN_PROGRESS' });
    await lock.release();
    expect(await world.catalog.libraries.find(library.id)).toEqual(library);
  });
});

describe('changing a library', () => {
  test('keeps what the change leaves out', async () => {
    const made = await world.catalog.libraries.create(wanted());
    expect(made.sync).toBe('up');
    const changed = await world.catalog.libraries.update(made.id, { root: '/new', excludes: [], sync: 'both' });
    expect(changed).toEqual({ ...made, root: '/new', excludes: [], sync: 'both' });
    expect(await world.catalog.libraries.update(made.id, { prefix: '' })).toEqual({ ...changed, prefix: '' });
  });

  test('may move it in the bucket only while it has no photos and nothing is in the way', async () => {
    const made = await world.makeLibrary('a/');
    const other = await world.catalog.libraries.create(wanted({ bucket: made.bucket, prefix: 'b/' }));
    const { update } = world.catalog.libraries;
    await expect(update(made.id, { prefix: '' })).rejects.toThrow(other.name);
    const moved = await update(made.id, { prefix: 'c/' });
    await world.catalog.port.apply(moved, [agreed(moved, 'x.jpg')]);
    await expect(update(made.id, { prefix: 'd/' })).rejects.toMatchObject(conflict('prefix'));
    await expect(update(made.id, { bucket: 'elsewhere' })).rejects.toMatchObject(conflict('prefix'));
    expect((await update(made.id, { prefix: 'c/', root: '/new' })).root).toBe('/new');
  });

  test('may not move or remove it while it is being synced', async () => {
    const made = await world.makeLibrary();
    const lock = await world.catalog.port.lock({ library: made, album: 'a' }, never);
    const { update, remove, find } = world.catalog.libraries;
    await expect(update(made.id, { prefix: 'd/' })).rejects.toMatchObject({ code: 'SYNC_IN_PROGRESS' });
    await expect(remove(made.id)).rejects.toMatchObject({ code: 'SYNC_IN_PROGRESS' });
    expect(await find(made.id)).toEqual(made);
    await lock.release();
  });

  test('that does not exist is NOT_FOUND', async () => {
    for (const id of [randomUUID(), 'no uuid']) {
      await expect(world.catalog.libraries.update(id, {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(world.catalog.libraries.remove(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
  });
});

describe('removing a library', () => {
  test('forgets its rows and no others', async () => {
    const [one, two] = [await world.makeLibrary(), await world.makeLibrary()];
    for (const library of [one, two]) {
      await world.catalog.port.apply(library, [agreed(library, 'a/x.jpg')]);
      const run = { library, album: null, kind: 'sync', policy: {} };
      const id = await world.catalog.port.beginRun(run);
      await world.catalog.port.recordActions(id, [{ kind: 'upload', path: 'x', key: 'x', outcome: 'done', bytes: 1 }]);
    }
    await world.catalog.libraries.remove(one.id);
    expect(await world.catalog.libraries.find(one.id)).toBeNull();
    for (const table of ['Photo', 'Album', 'Run']) {
      const sql = `SELECT DISTINCT "libraryId" AS id FROM "${table}" WHERE "libraryId" IN ($1, $2)`;
      expect(await world.sql(sql, [one.id, two.id])).toEqual([{ id: two.id }]);
    }
  });
});
