/**
 * Large uploads that are cut off, by whole runs of the engine over a real database and a real S3 endpoint: the embedded
 * one, or that of CONTRACT_S3_ENDPOINT.
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createSpreader } from '../../src/sync/spread.ts';
import type { Report, SyncSettings } from '../../src/sync/types.ts';
import { uploadMemory } from '../../src/sync/upload-ledger.ts';
import type { SeenRequest } from '../support/fault-proxy.ts';
import { openTestBucket, type TestBucket } from '../support/s3.ts';
import { createWorld, type World } from '../support/world.ts';

const MIB = 1024 * 1024;
const PART = 16 * MIB;
const DAY_MS = 24 * 3_600_000;
const film = randomBytes(3 * PART + 7);
const SETTINGS: SyncSettings = {
  checkConcurrency: 10,
  uploadConcurrency: 1,
  existenceCheck: 'auto',
  maxDelete: { percent: 25 },
  stableSeconds: 2,
  orphanGraceDays: 30,
  dedupeCopy: true,
};
let world: World;
let s3: TestBucket;

beforeAll(async () => {
  // One part at a time: it is certain then which ones a cut leaves.
  s3 = await openTestBucket();
  world = await createWorld(SETTINGS, { bucketOf: { s3 } });
});
afterAll(async () => {
  await world?.close();
  await s3?.close();
});

beforeEach(async () => {
  await world.wipe();
  world.proxy.reset();
  world.clock.nowMs = Date.now();
  await world.query('DELETE FROM "Upload"');
  for (const { Key, UploadId } of await uploads()) await world.sides().bucket.abortUpload(at(Key, UploadId), live());
  world.write('2024/before.jpg');
  await world.sync();
});

const live = () => AbortSignal.timeout(150_000);
const at = (Key = '', UploadId = '') => ({ key: Key, uploadId: UploadId });
const isPart = ({ method, query }: SeenRequest): boolean => method === 'PUT' && query.has('partNumber');
const sentParts = (): number[] =>
  world.proxy.seen
    .filter(isPart)
    .map(({ query }) => Number(query.get('partNumber')))
    .sort();

async function uploads() {
  const { Uploads = [] } = await world.s3.client.send(new ListMultipartUploadsCommand({ Bucket: world.bucket }));
  return Uploads;
}

/** Of uploads on record: key and how many parts of it were confirmed. */
const recorded = () =>
  world.query<{ key: string; parts: number }>(
    `SELECT u.key, count(p.number)::int AS parts FROM "Upload" u LEFT JOIN "UploadPart" p ON p.upload = u.id
      GROUP BY u.id, u.key ORDER BY u.key`,
  );

async function md5InBucket(key: string): Promise<string> {
  const { Body } = await world.s3.client.send(new GetObjectCommand({ Bucket: world.bucket, Key: key }));
  return md5(await Body!.transformToByteArray());
}
const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

/** The bucket refuses these parts of the upload of `2024/film.mov`, and the run says so. */
async function cutOff(refused: (part: number) => boolean): Promise<void> {
  world.write('2024/film.mov', film);
  world.proxy.fail((request) => {
    const cut = isPart(request) && refused(Number(request.query.get('partNumber')));
    return cut ? { kind: 'answer', status: 403 } : null;
  });
  expect(await world.sync()).toMatchObject({ status: 'partial', actions: { failed: 1 } });
  world.proxy.reset();
}

/** What a report says of such uploads; a photo that never got to the bucket and is gone from disk is another matter. */
const told = ({ warnings }: Report): string[] => warnings.filter((warning) => !warning.startsWith('LOST'));

const REMOVED = 'Uploads that were cut off and not gone on with, removed from the bucket: 1.';

/** Makes all that is on record look as if it were of the day before yesterday. */
async function age(): Promise<void> {
  await world.query(`UPDATE "Upload" SET "updatedAt" = now() - interval '25 hours'`);
}

describe('a large upload that was cut off', () => {
  test('is gone on with by the next run: only what is missing is sent, and the report says so', async () => {
    await cutOff((part) => part > 2);
    expect(await recorded()).toEqual([{ key: 'photos/2024/film.mov', parts: 2 }]);
    const report = await world.sync();
    expect(report).toMatchObject({
      status: 'succeeded',
      actions: { uploaded: 1 },
      bytes: { uploaded: PART + 7, resumed: 2 * PART },
    });
    expect(sentParts()).toEqual([3, 4]);
    expect(await md5InBucket('photos/2024/film.mov')).toBe(md5(film));
    expect([await recorded(), await uploads()]).toEqual([[], []]);
    expect(await world.sync()).toMatchObject({ status: 'succeeded', requests: { put: 0 }, bytes: { uploaded: 0 } });
  });

  test('that is cancelled is gone on with too', async () => {
    world.write('2024/film.mov', film);
    const stop = new AbortController();
    world.proxy.fail((request) => {
      if (!isPart(request) || request.query.get('partNumber') === '1') return null;
      stop.abort();
      return { kind: 'answer', status: 403 };
    });
    expect(await world.sync({}, stop.signal)).toMatchObject({ error: { code: 'CANCELLED' } });
    world.proxy.reset();
    const [{ parts } = { parts: 0 }] = await recorded();
    const report = await world.sync();
    expect(report.bytes.uploaded + (report.bytes.resumed ?? 0)).toBe(film.length);
    expect(sentParts().length).toBeLessThanOrEqual(4 - parts);
    expect(await md5InBucket('photos/2024/film.mov')).toBe(md5(film));
  });

  test('is begun afresh when the file has changed meanwhile', async () => {
    await cutOff((part) => part > 2);
    const edited = Buffer.concat([film, Buffer.from('more')]);
    world.write('2024/film.mov', edited, 1_650_000_000);
    const report = await world.sync();
    expect(report).toMatchObject({ status: 'succeeded', bytes: { uploaded: edited.length } });
    expect(report.bytes).not.toHaveProperty('resumed');
    expect(await md5InBucket('photos/2024/film.mov')).toBe(md5(edited));
    expect([await recorded(), await uploads()]).toEqual([[], []]);
  });

  test('sends again what the server has damaged', async () => {
    await cutOff((part) => part > 2);
    const [{ Key, UploadId } = {}] = await uploads();
    const where = { Bucket: world.bucket, Key, UploadId, PartNumber: 1 };
    await world.s3.client.send(new UploadPartCommand({ ...where, Body: randomBytes(PART) }));
    expect(await world.sync()).toMatchObject({ status: 'succeeded', bytes: { resumed: PART } });
    expect(sentParts()).toEqual([1, 3, 4]);
    expect(await md5InBucket('photos/2024/film.mov')).toBe(md5(film));
  });

  test('is taken up by a library that was removed and made again', async () => {
    await cutOff((part) => part > 1);
    const { id, ...library } = world.library;
    await world.catalog.libraries.remove(id);
    const again = await world.catalog.libraries.create(library);
    expect(await world.sync()).toMatchObject({ status: 'succeeded', bytes: { resumed: PART } });
    expect(await md5InBucket('photos/2024/film.mov')).toBe(md5(film));
    await world.query('UPDATE "Library" SET id = $1 WHERE id = $2', [id, again.id]);
  });
});

describe('an upload that nobody goes on with', () => {
  test('is removed by the reconciliation once its file is gone or another one', async () => {
    await cutOff((part) => part > 1);
    world.remove('2024/film.mov');
    expect(told(await world.sync())).toEqual([]);
    expect(await uploads()).toHaveLength(1);
    expect(told(await world.sync({ kind: 'reconcile' }))).toEqual([REMOVED]);
    expect([await recorded(), await uploads()]).toEqual([[], []]);
  });

  test('is left alone by the reconciliation for as long as it may be gone on with', async () => {
    await cutOff((part) => part > 1);
    world.proxy.fail((request) => (isPart(request) ? { kind: 'answer', status: 403 } : null));
    expect(await world.sync({ kind: 'reconcile' })).toMatchObject({ warnings: [], status: 'partial' });
    expect([(await recorded()).length, (await uploads()).length]).toEqual([1, 1]);
  });

  test('is removed by any run after a day, but not before that run has tried to go on with it', async () => {
    await cutOff((part) => part > 1);
    await age();
    expect(await world.sync()).toMatchObject({ warnings: [], bytes: { resumed: PART } });

    await world.wipe();
    world.write('2024/another.jpg');
    await cutOff((part) => part > 1);
    await age();
    world.remove('2024/film.mov');
    expect(told(await world.sync())).toEqual([REMOVED]);
    expect([await recorded(), await uploads()]).toEqual([[], []]);
  });

  test('stays on record while it cannot be removed', async () => {
    await cutOff((part) => part > 1);
    world.remove('2024/film.mov');
    const isAbort = ({ method, query }: SeenRequest) => method === 'DELETE' && query.has('uploadId');
    world.proxy.fail((request) => (isAbort(request) ? { kind: 'answer', status: 403 } : null));
    const report = await world.sync({ kind: 'reconcile' });
    expect([report.status, told(report)]).toEqual(['succeeded', []]);
    expect(world.logged.join('\n')).toContain('An upload that was cut off could not be removed');
    expect([(await recorded()).length, (await uploads()).length]).toEqual([1, 1]);
    world.proxy.reset();
    expect(told(await world.sync({ kind: 'reconcile' }))).toEqual([REMOVED]);
    expect(await uploads()).toEqual([]);
  });

  test('of a library that was removed is removed by the next one that is reconciled in that bucket', async () => {
    await cutOff((part) => part > 1);
    await world.query('UPDATE "Upload" SET "libraryId" = NULL');
    world.remove('2024/film.mov');
    expect(told(await world.sync())).toEqual([]);
    expect(told(await world.sync({ kind: 'reconcile' }))).toEqual([REMOVED]);
    expect([await recorded(), await uploads()]).toEqual([[], []]);
  });
});

test('a run that has lost its lock and does not know it leaves the upload to the one that has taken it over', async () => {
  world.write('2024/film.mov', film);
  const [{ disk, bucket, catalog }, { library }] = [world.sides(), world];
  const signal = live();
  const features = await catalog.bucketFeatures(bucket.identity);
  const local = await disk.stat('2024/film.mov', signal);
  const subject = { key: 'photos/2024/film.mov', size: film.length, mtimeNs: local!.mtimeNs };
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const upload = async () => {
    const service = world.sides().bucket;
    await service.learn('photos/', features, signal);
    const file = await disk.open('2024/film.mov', local!, signal);
    const memory = uploadMemory(catalog.uploads, library, subject, log);
    const request = { key: subject.key, file, contentType: 'video/quicktime', condition: { absent: true } as const };
    return service.upload({ ...request, memory }, signal).finally(() => file.close());
  };
  let second: Promise<unknown> | null = null;
  world.proxy.fail((request) => {
    if (second !== null || !isPart(request) || request.query.get('partNumber') !== '3') return null;
    const other = upload();
    second = other;
    return { kind: 'after', first: () => other };
  });
  // The second one has completed it by the time that the first one sends its third part.
  const first = await upload().catch((error: unknown) => error);
  expect(await second).toMatchObject({ sent: true, resumed: 2 * PART });
  expect(first).toMatchObject({ code: 'OBJECT_MISSING' });
  expect(await md5InBucket(subject.key)).toBe(md5(film));
  expect([await recorded(), await uploads()]).toEqual([[], []]);
});

test('the survey of a shared-out sync leaves to the albums what they go on with', async () => {
  await cutOff((part) => part > 2);
  await age();
  const { library, catalog, clock } = world;
  const silent = () => {};
  const spreader = createSpreader({
    catalog: catalog.port,
    archive: catalog.archive,
    plans: catalog.plans,
    libraries: catalog.libraries,
    browser: catalog.browser,
    openDisk: world.openDisk,
    openBucket: () => world.sides().bucket,
    settings: SETTINGS,
    log: { debug: silent, info: silent, warn: silent, error: silent },
    now: () => clock.nowMs,
  });
  const parentId = await catalog.port.beginRun({ library, album: null, kind: 'reconcile', policy: {} });
  const share = { scope: { library, album: null }, request: { kind: 'reconcile' }, parentId } as const;
  const { report, albums } = await spreader.survey(share, {}, live());
  expect([report.warnings, albums.length]).toEqual([[], 1]);
  const part = { ...share, scope: { library, album: '2024' }, work: albums[0]! };
  expect(await spreader.part(part, {}, live())).toMatchObject({ status: 'succeeded', bytes: { resumed: 2 * PART } });
  expect([await recorded(), await uploads()]).toEqual([[], []]);
});

describe('uploads in the bucket that are not on record', () => {
  const begin = async (key: string) => {
    const begun = await world.s3.client.send(new CreateMultipartUploadCommand({ Bucket: world.bucket, Key: key }));
    return begun.UploadId ?? '';
  };
  const keysLeft = async () => (await uploads()).map(({ Key }) => Key);

  test('are removed under the key of a photo once they are a day old, by the reconciliation only', async () => {
    await begin('photos/2024/before.jpg');
    expect((await world.sync({ kind: 'reconcile' })).warnings).toEqual([]);
    world.clock.nowMs += DAY_MS + 60_000;
    expect((await world.sync()).warnings).toEqual([]);
    expect(await keysLeft()).toHaveLength(1);
    const { warnings } = await world.sync({ kind: 'reconcile' });
    expect(warnings).toEqual([REMOVED]);
    expect(await keysLeft()).toEqual([]);
  });

  test('are left alone where something was added to them within a day', async () => {
    const UploadId = await begin('photos/2024/before.jpg');
    const part = { Bucket: world.bucket, Key: 'photos/2024/before.jpg', UploadId, PartNumber: 1, Body: 'x' };
    world.clock.nowMs += DAY_MS - 60_000;
    await world.s3.client.send(new UploadPartCommand(part));
    expect((await world.sync({ kind: 'reconcile' })).warnings).toEqual([]);
    expect(await keysLeft()).toHaveLength(1);
  });

  test('of others are named in the report and left alone, and those elsewhere are not looked at', async () => {
    await begin('photos/2024/of another tool.mov');
    await begin('elsewhere/before.jpg');
    world.clock.nowMs += 30 * DAY_MS;
    const { warnings } = await world.sync({ kind: 'reconcile' });
    expect(warnings).toEqual([expect.stringMatching(/^Unfinished uploads of others under .*: 1\./)]);
    expect((await keysLeft()).sort()).toEqual(['elsewhere/before.jpg', 'photos/2024/of another tool.mov']);
  });

  test('do not make a run fail where they may not be listed', async () => {
    const isList = ({ method, query }: SeenRequest) => method === 'GET' && query.has('uploads');
    world.proxy.fail((request) => (isList(request) ? { kind: 'answer', status: 403 } : null));
    expect(await world.sync({ kind: 'reconcile' })).toMatchObject({ status: 'succeeded', warnings: [] });
    expect(world.logged.join('\n')).toContain('s3:ListBucketMultipartUploads');
  });
});
