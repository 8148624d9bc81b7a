import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CheckedPhoto, RowChange } from '../../src/sync/catalog-port.ts';
import type { CatalogRow, Library } from '../../src/sync/types.ts';
import { agreed, never, openTestCatalog, type TestCatalog, unsettled } from '../support/catalog.ts';

let db: TestCatalog;
beforeAll(async () => {
  db = await openTestCatalog();
});
afterAll(() => db.close());

const port = () => db.catalog.port;

async function libraryWith(...changes: ((library: Library) => RowChange)[]): Promise<Library> {
  const library = await db.makeLibrary();
  await port().apply(
    library,
    changes.map((change) => change(library)),
  );
  return library;
}

const photos = (...paths: string[]) => paths.map((path) => (library: Library) => agreed(library, path, { md5: 'm' }));

async function toCheck(library: Library, album: string | null = null, percent: number | null = null) {
  const plan = await port().planCheck({ library, album }, { since: null, percent }, never);
  return { plan, rows: await listed(library, album, plan) };
}

async function listed(library: Library, album: string | null, plan: { since: string; photos: number }) {
  const rows: CatalogRow[] = [];
  for await (const batch of port().rowsToCheck({ library, album }, plan, never)) rows.push(...batch);
  return rows;
}

const checked = (row: CatalogRow, facts: Partial<CheckedPhoto> = {}): CheckedPhoto => ({
  ...{ row, damage: null, md5: null, whole: true },
  ...facts,
});

const pathsOf = (rows: readonly CatalogRow[]) => rows.map(({ path }) => path);

async function beginVerify(library: Library, album: string | null, policy: object): Promise<string> {
  return port().beginRun({ library, album, kind: 'verify', policy });
}

const since = () => new Date().toISOString();

describe('photos to check', () => {
  test('are those that have been in the bucket, by key, with the bytes of both sides', async () => {
    const library = await libraryWith(
      ...photos('b.jpg', 'a.jpg'),
      (of) => unsettled(of, 'never-sent.jpg'),
      (of) => agreed(of, 'gone.jpg'),
      (of) => agreed(of, 'deleting.jpg'),
    );
    const rows = await db.rows(library);
    const idOf = (path: string) => rows.find((row) => row.path === path)?.id ?? '';
    await port().apply(library, [
      { kind: 'state', id: idOf('gone.jpg'), state: 'orphaned', error: null },
      { kind: 'deleting', id: idOf('deleting.jpg') },
    ]);
    const { plan, rows: found } = await toCheck(library);
    expect(plan).toMatchObject({ photos: 3, bytes: 5_000, done: 0 });
    expect(pathsOf(found)).toEqual(['a.jpg', 'b.jpg', 'gone.jpg']);
  });

  test('of an album are those directly in it, and of one that has no row none', async () => {
    const library = await libraryWith(...photos('x/a.jpg', 'x/y/b.jpg', 'c.jpg'));
    expect(pathsOf((await toCheck(library, 'x')).rows)).toEqual(['x/a.jpg']);
    expect(pathsOf((await toCheck(library, '.')).rows)).toEqual(['c.jpg']);
    expect(await toCheck(library, 'nowhere')).toMatchObject({ plan: { photos: 0, bytes: 0 }, rows: [] });
  });

  test('are those checked longest ago first, and those never checked before them', async () => {
    const library = await libraryWith(...photos('a.jpg', 'b.jpg', 'c.jpg', 'd.jpg'));
    const rows = await db.rows(library);
    for (const path of ['c.jpg', 'a.jpg']) {
      await port().saveChecks(library, since(), [checked(rows.find((row) => row.path === path)!)]);
    }
    expect(pathsOf((await toCheck(library)).rows)).toEqual(['b.jpg', 'd.jpg', 'c.jpg', 'a.jpg']);
    const half = await toCheck(library, null, 60);
    expect(half.plan.photos).toBe(3);
    expect(pathsOf(half.rows)).toEqual(['b.jpg', 'd.jpg', 'c.jpg']);
    expect((await toCheck(library, null, 0.001)).plan).toMatchObject({ photos: 1, bytes: 2_000 });
  });

  test('go on over the end of a batch, also while they are noted, each once', async () => {
    const names = Array.from({ length: 4_500 }, (_, i) => `${String(i).padStart(5, '0')}.jpg`);
    const library = await libraryWith(...photos(...names));
    for (const round of ['never checked', 'checked before']) {
      const plan = await port().planCheck({ library, album: null }, { since: null, percent: null }, never);
      const seen: string[] = [];
      for await (const batch of port().rowsToCheck({ library, album: null }, plan, never)) {
        expect(batch.length).toBeLessThanOrEqual(2_000);
        seen.push(...pathsOf(batch));
        // Every other one cannot be noted.
        const notes = batch.map((row, i) => checked(i % 2 === 0 ? row : { ...row, etag: 'another' }));
        await port().saveChecks(library, plan.since, notes);
      }
      expect(seen.toSorted(), round).toEqual(names);
      await db.sql(`UPDATE "Photo" SET "checkedAt" = now() - interval '1 day' WHERE "libraryId" = $1`, [library.id]);
    }
  });

  test('leave out what was checked since the beginning that they go on from', async () => {
    const library = await libraryWith(...photos('a.jpg', 'b.jpg'));
    const { plan, rows } = await toCheck(library);
    await port().saveChecks(library, plan.since, [checked(rows[0]!)]);
    const rest = await port().planCheck({ library, album: null }, { since: plan.since, percent: null }, never);
    expect(rest).toEqual({ since: plan.since, photos: 1, bytes: 2_000, done: 1 });
    expect(pathsOf(await listed(library, null, rest))).toEqual(['b.jpg']);
    expect((await toCheck(library)).plan).toMatchObject({ photos: 2, done: 0 });
  });
});

describe('what was found', () => {
  test('is noted with its time, and nothing else of the row is changed', async () => {
    const library = await libraryWith(...photos('a.jpg'));
    const [row] = await db.rows(library);
    await port().saveChecks(library, since(), [checked(row!, { damage: 'DISK_DAMAGED: rotten\0', whole: false })]);
    const [now] = await db.rows(library);
    expect(now).toEqual({ ...row, damaged: 'disk' });
    const [noted] = await db.sql('SELECT "checkedAt", "verifiedAt", "damage" FROM "Photo" WHERE "id" = $1', [row!.id]);
    expect(noted).toEqual({ checkedAt: expect.any(Date), verifiedAt: null, damage: 'DISK_DAMAGED: rotten' });
    await port().saveChecks(library, since(), [checked(row!)]);
    expect((await db.rows(library))[0]).toEqual(row);
  });

  test('gives a row without an MD5 its MD5, and no other row another', async () => {
    const library = await libraryWith((of) => agreed(of, 'a.jpg'), ...photos('b.jpg'));
    const rows = await db.rows(library);
    await port().saveChecks(
      library,
      since(),
      rows.map((row) => checked(row, { md5: 'found' })),
    );
    expect((await db.rows(library)).map(({ md5 }) => md5)).toEqual(['found', 'm']);
  });

  test.each([
    ['key', { key: 'photos/b.jpg' }],
    ['size', { size: 1 }],
    ['date', { mtimeNs: 1n }],
    ['MD5', { md5: null }],
    ['ETag', { etag: 'another' }],
  ])('is not noted where the %s of the row is another by now', async (_what, facts) => {
    const library = await libraryWith(...photos('a.jpg'));
    const [row] = await db.rows(library);
    await port().saveChecks(library, since(), [checked({ ...row!, ...facts }, { damage: 'OBJECT_DAMAGED: x' })]);
    expect((await db.rows(library))[0]).toEqual(row);
    expect((await toCheck(library)).plan).toMatchObject({ photos: 1, done: 0 });
  });

  test.each([
    ['DISK_DAMAGED: x', 'disk'],
    ['SIDES_DIFFER: x', 'disk'],
    ['OBJECT_DAMAGED: x', 'object'],
    ['DISK_DAMAGED: x\nOBJECT_DAMAGED: y', 'both'],
    ['OBJECT_MISSING: DISK_DAMAGED is not what it is', undefined],
    ['FILE_UNREADABLE: x', undefined],
  ])('is read back as the side that it is about: %j', async (damage, side) => {
    const library = await libraryWith(...photos('a.jpg'));
    const [row] = await db.rows(library);
    await port().saveChecks(library, since(), [checked(row!, { damage })]);
    expect((await db.rows(library))[0]?.damaged).toBe(side);
  });

  test('is forgotten when both sides are brought to agree, and the object’s is kept when only the file was read', async () => {
    const library = await libraryWith(...photos('a.jpg'));
    const [row] = await db.rows(library);
    const damage = 'DISK_DAMAGED: x\nOBJECT_DAMAGED: y';
    const change = agreed(library, 'a.jpg', { md5: 'm', verified: true });
    await port().saveChecks(library, since(), [checked(row!, { damage })]);
    await port().apply(library, [{ ...change, compared: true }]);
    expect((await db.rows(library))[0]?.damaged).toBe('both');
    await port().saveChecks(library, since(), [checked(row!, { damage: 'DISK_DAMAGED: x' })]);
    await port().apply(library, [{ ...change, compared: true }]);
    expect((await db.rows(library))[0]?.damaged).toBeUndefined();
    await port().saveChecks(library, since(), [checked(row!, { damage })]);
    await port().apply(library, [change]);
    expect((await db.rows(library))[0]?.damaged).toBeUndefined();
  });
});

describe('a verify that was not finished', () => {
  const whole = () => ({ sample: null, since: since() });
  const unfinished = (library: Library, album: string | null = null) =>
    port().unfinishedVerify({ library, album }, never);
  const end = (id: string, status: string) =>
    db.sql(`UPDATE "Run" SET "status" = $2::"RunStatus" WHERE "id" = $1`, [id, status]);

  test('is the last one of all of this very scope', async () => {
    const library = await libraryWith(...photos('x/a.jpg'));
    expect(await unfinished(library)).toBeNull();
    const policy = whole();
    const id = await beginVerify(library, null, policy);
    await beginVerify(library, null, { sample: 5, since: since() });
    await beginVerify(library, 'x', { ...whole(), since: '2026-01-01T00:00:00.000Z' });
    for (const status of ['running', 'failed', 'refused']) {
      await end(id, status);
      expect(await unfinished(library), status).toBe(policy.since);
    }
    for (const status of ['succeeded', 'partial']) {
      await end(id, status);
      expect(await unfinished(library), status).toBeNull();
    }
    const later = whole();
    await beginVerify(library, null, later);
    expect(await unfinished(library)).toBe(later.since);
  });

  test('is none after a month', async () => {
    const library = await libraryWith(...photos('a.jpg'));
    await beginVerify(library, null, { sample: null, since: new Date(Date.now() - 31 * 86_400_000).toISOString() });
    expect(await unfinished(library)).toBeNull();
  });

  test('and whose process died is closed with the other abandoned runs, one that is held is not', async () => {
    const library = await libraryWith(...photos('a.jpg'));
    const scope = { library, album: null };
    await db.sql(`UPDATE "Run" SET "status" = 'failed'`);
    const lock = await port().lock(scope, never, 'verify');
    const id = await beginVerify(library, null, whole());
    expect(await db.catalog.closeAbandonedRuns(never)).toBe(0);
    await lock.release();
    const sync = await port().lock(scope, never);
    expect(await db.catalog.closeAbandonedRuns(never)).toBe(1);
    await sync.release();
    const [run] = await db.sql('SELECT "status" FROM "Run" WHERE "id" = $1', [id]);
    expect(run).toEqual({ status: 'failed' });
  });
});

describe('the lock of a verify', () => {
  test('keeps out other verifies of the same photos, and no sync', async () => {
    const library = await libraryWith(...photos('x/a.jpg'));
    const whole = { library, album: null };
    const album = { library, album: 'x' };
    const lock = await port().lock(whole, never, 'verify');
    await beginVerify(library, null, {});
    await expect(port().lock(album, never, 'verify')).rejects.toMatchObject({
      code: 'SYNC_IN_PROGRESS',
      message: expect.stringMatching(/is being verified since 20.* \(run /),
    });
    const sync = await port().lock(whole, never);
    await expect(port().lock(album, never)).rejects.toMatchObject({
      message: expect.stringMatching(/is being synced or changed by another process$/),
    });
    await sync.release();
    await lock.release();
    await (await port().lock(album, never, 'verify')).release();
  });
});

test('rows are found by their ids, with their libraries; what is no id has none', async () => {
  const library = await libraryWith(...photos('a.jpg', 'b.jpg'));
  const [row] = await db.rows(library);
  const found = await port().rowsById([row!.id, library.id, 'no id'], never);
  expect(found).toEqual([{ ...row, libraryId: library.id }]);
});
