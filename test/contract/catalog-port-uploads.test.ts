import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Library } from '../../src/sync/types.ts';
import type { RecordedUpload, UploadLedger } from '../../src/sync/upload-ledger.ts';
import { never, openTestCatalog, type TestCatalog } from '../support/catalog.ts';

let world: TestCatalog;
let ledger: UploadLedger;
beforeAll(async () => {
  world = await openTestCatalog();
  ledger = world.catalog.port.uploads;
});
afterAll(() => world.close());

const [me, other] = [randomUUID(), randomUUID()];

function begun(key: string, facts: Partial<RecordedUpload> = {}) {
  const upload = { key, uploadId: `id of ${key}`, partSize: 16_777_216, size: 40_000_000_000, md5: 'abc' };
  return { ...upload, mtimeNs: 1_700_000_000_123_456_789n, ...facts };
}

const keysOf = async (library: Library): Promise<string[]> =>
  (await ledger.ofLibrary(library, never)).map(({ key }) => key).sort();

describe('uploads that were begun', () => {
  test('are recalled as they were noted, with the parts that were confirmed', async () => {
    const library = await world.makeLibrary();
    const before = Date.now() - 60_000;
    const id = await ledger.begin(library, me, begun('photos/a'));
    await ledger.confirm(id, { number: 10_000, etag: 'E', md5: 'm' });
    await ledger.confirm(id, { number: 2, etag: 'e2', md5: 'm2' });
    await ledger.begin(library, me, begun('photos/another'));
    const [upload, ...rest] = await ledger.claim(library, 'photos/a', me);
    expect(rest).toEqual([]);
    expect(upload).toMatchObject({ ...begun('photos/a'), id, libraryId: library.id });
    expect(upload!.parts.toSorted((a, b) => a.number - b.number)).toEqual([
      { number: 2, etag: 'e2', md5: 'm2' },
      { number: 10_000, etag: 'E', md5: 'm' },
    ]);
    expect(upload!.updatedAtMs).toBeGreaterThan(before);
  });

  test('come newest first, those of copies with no time of a file', async () => {
    const library = await world.makeLibrary();
    const old = await ledger.begin(library, me, begun('photos/a', { uploadId: 'old', mtimeNs: null, md5: null }));
    await world.sql(`UPDATE "Upload" SET "startedAt" = now() - interval '1 hour' WHERE id = $1`, [old]);
    await ledger.begin(library, me, begun('photos/a', { uploadId: 'new' }));
    const claimed = await ledger.claim(library, 'photos/a', me);
    expect(claimed.map(({ uploadId, mtimeNs }) => [uploadId, mtimeNs])).toEqual([
      ['new', begun('').mtimeNs],
      ['old', null],
    ]);
  });

  test('a part that is confirmed again replaces what was noted of it, and makes the upload younger', async () => {
    const library = await world.makeLibrary();
    const id = await ledger.begin(library, me, begun('photos/a'));
    await ledger.confirm(id, { number: 1, etag: 'first', md5: 'm' });
    await world.sql(`UPDATE "Upload" SET "updatedAt" = '2020-01-01' WHERE id = $1`, [id]);
    await ledger.confirm(id, { number: 1, etag: 'second', md5: 'm' });
    const [upload] = await ledger.claim(library, 'photos/a', me);
    expect(upload!.parts).toEqual([{ number: 1, etag: 'second', md5: 'm' }]);
    expect(upload!.updatedAtMs).toBeGreaterThan(Date.parse('2026-01-01'));
  });

  test('are held by whoever claimed them last', async () => {
    const library = await world.makeLibrary();
    const id = await ledger.begin(library, me, begun('photos/a'));
    expect([await ledger.isHeld(id, me), await ledger.isHeld(id, other)]).toEqual([true, false]);
    await ledger.claim(library, 'photos/a', other);
    expect([await ledger.isHeld(id, me), await ledger.isHeld(id, other)]).toEqual([false, true]);
  });

  test('are nobody’s once they are forgotten: a part that comes late is not noted', async () => {
    const library = await world.makeLibrary();
    const id = await ledger.begin(library, me, begun('photos/a'));
    await ledger.confirm(id, { number: 1, etag: 'e', md5: 'm' });
    await ledger.forget([id]);
    await ledger.forget([id]);
    await ledger.confirm(id, { number: 2, etag: 'e', md5: 'm' });
    expect([await ledger.isHeld(id, me), await keysOf(library)]).toEqual([false, []]);
    expect(await world.sql('SELECT FROM "UploadPart" WHERE upload = $1', [id])).toEqual([]);
  });

  test('are those of one library, though another one has the same key in another bucket', async () => {
    const [one, two] = [await world.makeLibrary(), await world.makeLibrary()];
    await ledger.begin(one, me, begun('photos/a'));
    expect([await keysOf(one), await keysOf(two)]).toEqual([['photos/a'], []]);
    expect(await ledger.claim(two, 'photos/a', other)).toEqual([]);
  });

  test('stay when their library is removed, for the next one in the same bucket', async () => {
    const library = await world.makeLibrary();
    const id = await ledger.begin(library, me, begun('photos/a'));
    await world.catalog.libraries.remove(library.id);
    await expect(ledger.begin(library, me, begun('photos/b'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const { bucket, prefix } = library;
    const next = await world.catalog.libraries.create({ name: bucket, root: '/next', bucket, prefix, excludes: [] });
    expect(await ledger.ofLibrary(next, never)).toMatchObject([{ id, libraryId: null }]);
    expect(await ledger.claim(next, 'photos/a', other)).toMatchObject([{ id }]);
  });
});
