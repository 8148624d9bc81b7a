import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ArchivedObject } from '../../src/sync/browse.ts';
import type { WaitingObject } from '../../src/sync/catalog-port.ts';
import type { Library } from '../../src/sync/types.ts';
import { agreed, openTestCatalog, type TestCatalog } from '../support/catalog.ts';

let world: TestCatalog;
beforeAll(async () => {
  world = await openTestCatalog();
});
afterAll(() => world.close());

function waits(path: string, facts: Partial<WaitingObject> = {}): WaitingObject {
  return { key: `photos/${path}`, storageClass: 'DEEP_ARCHIVE', what: 'move', photoId: null, ...facts };
}

async function noted(library: Library): Promise<readonly ArchivedObject[]> {
  return (await world.catalog.archive.list({ libraryId: library.id }, { limit: 1_000 })).items;
}

async function keys(library: Library): Promise<string[]> {
  return (await noted(library)).map((object) => object.key.slice('photos/'.length));
}

const both = ['move', 'download'] as const;

describe('what waits for a restore', () => {
  test('is noted as waiting, and told as new only once', async () => {
    const library = await world.makeLibrary();
    await world.catalog.port.apply(library, [agreed(library, 'a')]);
    const photoId = (await world.rows(library))[0]!.id;
    const objects = [waits('a', { photoId }), waits('b', { what: 'download', storageClass: 'GLACIER' })];
    const scope = { library, album: null };
    expect(await world.catalog.port.noteWaiting(scope, objects, [])).toEqual(objects);
    const next = [...objects, waits('c')];
    expect(await world.catalog.port.noteWaiting(scope, next, both)).toEqual([waits('c')]);
    const fresh = { status: 'waiting', requestedAt: null, restoredUntil: null, lastError: null };
    const place = { libraryId: library.id, bucket: library.bucket, id: expect.any(String) };
    expect(await noted(library)).toEqual(
      next.map((object) => ({ ...object, ...fresh, ...place, createdAt: expect.stringMatching(/^\d{4}-.*Z$/) })),
    );
  });

  test('keeps how far its restore is when it is met again, and what it is is brought up to date', async () => {
    const library = await world.makeLibrary();
    const scope = { library, album: null };
    await world.catalog.port.noteWaiting(scope, [waits('a')], both);
    const [before] = await noted(library);
    const until = '2030-01-02T03:04:05.678Z';
    const progress = { status: 'restored', restoredUntil: until, lastError: null } as const;
    await world.catalog.archive.update([{ id: before!.id, ...progress, asked: true }]);
    await world.catalog.port.noteWaiting(scope, [waits('a', { what: 'download', storageClass: 'GLACIER' })], both);
    const requestedAt = expect.any(String);
    const facts = { what: 'download', storageClass: 'GLACIER' };
    expect(await noted(library)).toEqual([{ ...before, ...progress, requestedAt, ...facts }]);
  });

  test('is forgotten when nothing of its kind waits any more, and only then', async () => {
    const library = await world.makeLibrary();
    const scope = { library, album: null };
    const download = { what: 'download' } as const;
    await world.catalog.port.noteWaiting(
      scope,
      [waits('a'), waits('b'), waits('c', download), waits('d', download)],
      [],
    );
    await world.catalog.port.noteWaiting(scope, [], []);
    await world.catalog.port.noteWaiting(scope, [waits('b')], []);
    expect(await keys(library)).toEqual(['a', 'b', 'c', 'd']);
    await world.catalog.port.noteWaiting(scope, [waits('b')], ['move']);
    expect(await keys(library)).toEqual(['b', 'c', 'd']);
    await world.catalog.port.noteWaiting(scope, [waits('b')], ['download']);
    expect(await keys(library)).toEqual(['b']);
    await world.catalog.port.noteWaiting(scope, [], both);
    expect(await keys(library)).toEqual([]);
  });

  test('in an album is what is directly in its folder', async () => {
    const [library, other] = [await world.makeLibrary(), await world.makeLibrary()];
    const all = ['1', 'x/1', 'x/2', 'x/y/1', 'x y/1'].map((path) => waits(path));
    await world.catalog.port.noteWaiting({ library, album: null }, all, both);
    await world.catalog.port.noteWaiting({ library: other, album: null }, all, both);
    await world.catalog.port.noteWaiting({ library, album: 'x' }, [waits('x/2'), waits('x/3')], both);
    expect((await keys(library)).sort()).toEqual(['1', 'x y/1', 'x/2', 'x/3', 'x/y/1']);
    await world.catalog.port.noteWaiting({ library, album: '.' }, [], both);
    expect((await keys(library)).sort()).toEqual(['x y/1', 'x/2', 'x/3', 'x/y/1']);
    expect(await keys(other)).toHaveLength(5);
  });

  test('may be very many, and each is forgotten that is not among them', async () => {
    const library = await world.makeLibrary();
    const scope = { library, album: null };
    const all = Array.from({ length: 12_000 }, (_, i) => waits(`\u{1f600}${i}`));
    expect(await world.catalog.port.noteWaiting(scope, [waits('!'), ...all, waits('\u{1f601}')], both)).toHaveLength(
      12_002,
    );
    const kept = all.filter((_, i) => i % 12 !== 5);
    expect(await world.catalog.port.noteWaiting(scope, kept.toReversed(), both)).toEqual([]);
    const left = await world.sql(`SELECT "key" FROM "ArchivedObject" WHERE "libraryId" = $1`, [library.id]);
    expect(left.map((row) => row['key']).sort()).toEqual(kept.map((object) => object.key).sort());
  });

  test('outlives its photo, and goes with its library', async () => {
    const library = await world.makeLibrary();
    await world.catalog.port.apply(library, [agreed(library, 'a')]);
    const photoId = (await world.rows(library))[0]!.id;
    const gone = crypto.randomUUID();
    const objects = [waits('a', { photoId }), waits('b', { photoId: gone })];
    await world.catalog.port.noteWaiting({ library, album: null }, objects, both);
    expect((await noted(library)).map((object) => object.photoId)).toEqual([photoId, null]);
    await world.catalog.port.apply(library, [
      { kind: 'deleting', id: photoId },
      { kind: 'deleted', id: photoId },
    ]);
    expect((await noted(library)).map((object) => object.photoId)).toEqual([null, null]);
    await world.catalog.libraries.remove(library.id);
    expect(await noted(library)).toEqual([]);
    const noting = world.catalog.port.noteWaiting({ library, album: null }, objects, both);
    await expect(noting).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('the archive', () => {
  test('lists the oldest first, page by page, of one library or of all', async () => {
    const [one, two] = [await world.makeLibrary(), await world.makeLibrary()];
    await world.catalog.port.noteWaiting({ library: one, album: null }, [waits('c'), waits('a'), waits('b')], both);
    await world.catalog.port.noteWaiting({ library: two, album: null }, [waits('0')], both);
    await world.sql(`UPDATE "ArchivedObject" SET "createdAt" = '2001-01-01' WHERE "key" = 'photos/b'`);
    const walk = async (filter: { libraryId?: string }, limit: number) => {
      const found: string[] = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const page = await world.catalog.archive.list(filter, { limit, ...(cursor && { cursor }) });
        expect(page.items.length).toBeLessThanOrEqual(limit);
        found.push(...page.items.map((object) => object.key));
        cursor = page.nextCursor;
      }
      return found;
    };
    expect(await walk({ libraryId: one.id }, 2)).toEqual(['photos/b', 'photos/a', 'photos/c']);
    const all = await walk({}, 1_000);
    expect(all.slice(0, 1)).toEqual(['photos/b']);
    expect(all.slice(-3)).toEqual(['photos/a', 'photos/c', 'photos/0']);
    expect(await walk({ libraryId: 'no library' }, 2)).toEqual([]);
    await expect(world.catalog.archive.list({}, { limit: 2, cursor: 'x' })).rejects.toMatchObject({ field: 'cursor' });
    await expect(world.catalog.archive.list({}, { limit: 0 })).rejects.toMatchObject({ field: 'limit' });
  });

  test('keeps what was seen of many at once, and when each was asked for', async () => {
    const library = await world.makeLibrary();
    await world.catalog.port.noteWaiting({ library, album: null }, [waits('a'), waits('b'), waits('c')], both);
    const [a, b, c] = await noted(library);
    const seen = { restoredUntil: null, lastError: null };
    const until = '2030-01-02T03:04:05.678Z';
    await world.catalog.archive.update([
      { id: c!.id, status: 'failed', restoredUntil: null, lastError: 'nul\0 tier' },
      { id: a!.id, status: 'in progress', ...seen, asked: true },
      { id: crypto.randomUUID(), status: 'in progress', ...seen },
    ]);
    const requestedAt = (await noted(library))[0]!.requestedAt;
    expect(Date.now() - Date.parse(requestedAt!)).toBeLessThan(60_000);
    await world.catalog.archive.update([{ id: a!.id, status: 'restored', restoredUntil: until, lastError: null }]);
    await world.catalog.archive.update([]);
    expect(await noted(library)).toEqual([
      { ...a, status: 'restored', restoredUntil: until, requestedAt },
      b,
      { ...c, status: 'failed', lastError: 'nul tier' },
    ]);
  });
});
