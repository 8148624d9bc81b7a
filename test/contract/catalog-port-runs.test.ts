import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BucketFeatures } from '../../src/sync/bucket-port.ts';
import type { Report } from '../../src/sync/types.ts';
import { never, openTestCatalog, type TestCatalog } from '../support/catalog.ts';

let world: TestCatalog;
beforeAll(async () => {
  world = await openTestCatalog();
});
afterAll(() => world.close());

const emptyReport = (runId: string): Report => ({
  runId,
  status: 'succeeded',
  photos: { new: 0, existing: 0, orphaned: 0, moved: 0, changed: 0, untracked: 0, lost: 0 },
  actions: {
    uploaded: 0,
    reuploaded: 0,
    skipped: 0,
    adopted: 0,
    moved: 0,
    copied: 0,
    downloaded: 0,
    updated: 0,
    marked: 0,
    deleted: 0,
    conflicts: 0,
    unstable: 0,
    waiting: 0,
    failed: 0,
  },
  bytes: { uploaded: 0, downloaded: 0 },
  requests: { head: 0, list: 0, get: 0, put: 0, copy: 0, delete: 0 },
  retries: 0,
  cost: { usd: 0 },
  durationMs: 5,
  warnings: [],
  failures: [],
  conflicts: [],
});

const upload = (path: string) => ({
  kind: 'upload' as const,
  key: `photos/${path}`,
  path,
  reason: 'new',
  local: { size: 1, mtimeNs: 2n ** 62n, device: 66n, inode: 2n ** 60n },
});

describe('a run', () => {
  test('is running until it is finished, and then has its report', async () => {
    const library = await world.makeLibrary();
    const policy = { dryRun: false, orphans: 'mark' };
    const id = await world.catalog.port.beginRun({ library, album: '2024', kind: 'sync', policy });
    const begun = await world.catalog.browser.run(id);
    expect(begun).toMatchObject({ libraryId: library.id, album: '2024', kind: 'sync', status: 'running', policy });
    expect(begun).toMatchObject({ report: null, finishedAt: null, parentId: null });
    const report = { ...emptyReport(id), failures: [{ path: 'a', code: 'X', message: 'nul \0 and half \udc00' }] };
    await world.catalog.port.finishRun(id, 'partial', report);
    const ended = await world.catalog.browser.run(id);
    expect(ended).toMatchObject({ status: 'partial', finishedAt: expect.any(String) });
    const failures = [{ path: 'a', code: 'X', message: 'nul  and half \u{fffd}' }];
    expect(ended?.report).toEqual({ ...report, failures });
  });

  test('knows the run that it is a part of', async () => {
    const library = await world.makeLibrary();
    const parentId = await world.catalog.port.beginRun({ library: null, album: null, kind: 'sync', policy: {} });
    const id = await world.catalog.port.beginRun({ library, album: null, kind: 'sync', policy: {}, parentId });
    expect(await world.catalog.browser.run(id)).toMatchObject({ parentId });
    expect(await world.catalog.browser.run(parentId)).toMatchObject({ libraryId: null });
  });

  test('keeps the plan of a dry run, its large numbers as text, unless it is very long', async () => {
    const library = await world.makeLibrary();
    const { beginRun, finishRun } = world.catalog.port;
    const id = await beginRun({ library, album: null, kind: 'sync', policy: { dryRun: true } });
    await finishRun(id, 'planned', { ...emptyReport(id), plan: [upload('a.jpg')] });
    expect((await world.catalog.browser.run(id))?.report?.plan).toEqual([
      { ...upload('a.jpg'), local: { size: 1, mtimeNs: String(2n ** 62n), device: '66', inode: String(2n ** 60n) } },
    ]);
    await finishRun(id, 'planned', {
      ...emptyReport(id),
      plan: Array.from({ length: 1_001 }, (_, i) => upload(`${i}.jpg`)),
    });
    expect((await world.catalog.browser.run(id))?.report).toEqual(emptyReport(id));
  });

  test('whose library was removed under it ends without an entry and without an error', async () => {
    const library = await world.makeLibrary();
    const id = await world.catalog.port.beginRun({ library, album: null, kind: 'sync', policy: {} });
    await world.catalog.libraries.remove(library.id);
    await world.catalog.port.finishRun(id, 'failed', emptyReport(id));
    expect(await world.catalog.browser.run(id)).toBeNull();
  });

  test('records its actions in their order', async () => {
    const library = await world.makeLibrary();
    const id = await world.catalog.port.beginRun({ library, album: null, kind: 'sync', policy: {} });
    const names = Array.from({ length: 3_000 }, (_, i) => `${i}.jpg`);
    await world.catalog.port.recordActions(
      id,
      names.map((path) => ({ kind: 'upload', path, key: `photos/${path}`, outcome: 'done', bytes: 2 ** 40 })),
    );
    const failed = { kind: 'upload', path: 'x', key: 'photos/x', outcome: 'failed', bytes: 0 } as const;
    await world.catalog.port.recordActions(id, [{ ...failed, code: 'OBJECT_DENIED', message: 'no\0' }]);
    await world.catalog.port.recordActions(id, []);
    const rows = await world.sql(`SELECT * FROM "RunAction" WHERE "runId" = $1 ORDER BY "id"`, [id]);
    expect(rows.map((row) => row['path'])).toEqual([...names, 'x']);
    expect(rows[0]).toMatchObject({ outcome: 'done', bytes: String(2 ** 40), code: null, message: null });
    expect(rows.at(-1)).toMatchObject({ outcome: 'failed', code: 'OBJECT_DENIED', message: 'no' });
  });
});

describe('what a bucket honours', () => {
  test('is remembered per server and bucket, and may be learnt anew', async () => {
    const features: BucketFeatures = {
      createOnly: true,
      replaceOnly: 'unquoted',
      createOnlyMultipart: false,
      deleteOnly: false,
      deleteManyOnly: false,
      copyCreateOnly: true,
      contentMd5: true,
      checksums: false,
    };
    const { bucketFeatures, saveBucketFeatures } = world.catalog.port;
    const here = { endpoint: 'https://s3.example', bucket: 'photos' };
    expect(await bucketFeatures(here)).toBeNull();
    await saveBucketFeatures(here, features);
    expect(await bucketFeatures(here)).toEqual(features);
    await saveBucketFeatures(here, { ...features, checksums: true });
    expect(await bucketFeatures(here)).toEqual({ ...features, checksums: true });
    expect(await bucketFeatures({ ...here, endpoint: 'aws' })).toBeNull();
  });
});

describe('a closed catalog', () => {
  test('answers with a database error', async () => {
    const other = await openTestCatalog();
    expect(await other.catalog.ping(never)).toMatch(/^\d+/);
    await other.close();
    await expect(other.catalog.ping(never)).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
  });
});
