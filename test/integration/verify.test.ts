import { mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SavedPlan } from '../../src/sync/plan-file.ts';
import type { Progress, Resumed } from '../../src/sync/service.ts';
import type { Report } from '../../src/sync/types.ts';
import { never } from '../support/catalog.ts';
import { rotInBucket, rotOnDisk } from '../support/damage.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterEach(async () => {
  world.proxy.reset();
  await world.wipe();
  await world.query('DELETE FROM "Run"');
});
afterAll(() => world.close());

const verify = (request: { sample?: number; album?: string } = {}, signal = AbortSignal.timeout(150_000)) =>
  world.service.verify({ library: 'test', ...request }, {}, signal);

interface Checked {
  readonly path: string;
  /** Is there a time at which it was checked? */
  readonly checked: boolean;
  readonly damage: string | null;
}

async function noted(): Promise<Record<string, string | null | undefined>> {
  const sql = 'SELECT "path", "checkedAt" IS NOT NULL AS checked, "damage" FROM "Photo" ORDER BY "key"';
  const rows = await world.query<Checked>(sql);
  return Object.fromEntries(rows.map(({ path, checked, damage }) => [path, checked ? damage : undefined]));
}

const codes = ({ failures }: Report) => Object.fromEntries(failures.map(({ path, code }) => [path, code]));
const onDisk = (path: string) => join(world.root, path);

describe('a library in order', () => {
  test('is read on both sides, noted, and touched on neither', async () => {
    world.write('a.jpg', 'aaa');
    world.write('2024/summer/b.jpg', 'bbbbb');
    world.write('2024/empty.jpg', '');
    await world.sync();
    const before = await world.rows();
    world.proxy.reset();
    const report = await verify();
    expect(report).toMatchObject({
      status: 'succeeded',
      checked: { photos: 3, whole: 3, changed: 0, gone: 0, archived: 0, damaged: 0, unreadable: 0, bytes: 16 },
      actions: { failed: 0 },
      bytes: { uploaded: 0, downloaded: 8 },
      failures: [],
      warnings: [],
    });
    expect(world.proxy.seen.map(({ method }) => method).filter((method) => method !== 'GET')).toEqual([]);
    expect(await noted()).toEqual({ '2024/empty.jpg': null, '2024/summer/b.jpg': null, 'a.jpg': null });
    const after = await world.rows();
    const facts = ({ id, state, etag, md5, size }: (typeof after)[number]) => ({ id, state, etag, md5, size });
    expect(after.map(facts)).toEqual(before.map(facts));
  });

  test('of large photos put in parts is proved by the parts', async () => {
    world.write('large.bin', Buffer.alloc(17 * 1024 * 1024, 'large'));
    await world.sync();
    expect(await verify()).toMatchObject({ status: 'succeeded', checked: { whole: 1 } });
  });

  test('tells how far it is, in photos and in bytes of both sides', async () => {
    for (let i = 0; i < 30; i++) world.write(`${i}.jpg`, Buffer.alloc(1_000, i));
    await world.sync();
    const told: Progress[] = [];
    const onProgress = (progress: Progress) => told.push(progress);
    await world.service.verify({ library: 'test' }, { onProgress }, never);
    expect(told[0]).toMatchObject({ phase: 'working', actions: { done: 0, total: 30 }, bytes: { total: 60_000 } });
    expect(told.at(-1)).toMatchObject({
      phase: 'done',
      actions: { done: 30, total: 30 },
      bytes: { done: 60_000, total: 60_000 },
    });
  });

  test('photos that have never been in the bucket have nothing to be held against', async () => {
    world.write('a.jpg');
    world.proxy.fail(({ method }) => (method === 'PUT' ? { kind: 'answer', status: 403 } : null));
    await world.sync();
    world.proxy.reset();
    expect(await verify()).toMatchObject({ status: 'succeeded', checked: { photos: 0 } });
  });

  test('one album is one album', async () => {
    world.write('x/a.jpg');
    world.write('y/b.jpg');
    await world.sync();
    expect(await verify({ album: 'x' })).toMatchObject({ checked: { photos: 1 } });
    expect(await noted()).toEqual({ 'x/a.jpg': null, 'y/b.jpg': undefined });
    await expect(verify({ album: 'z' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test.each([0, -1, 101, Number.NaN])('a sample of %d%% is refused', async (sample) => {
    await expect(verify({ sample })).rejects.toMatchObject({ code: 'BAD_INPUT', field: 'sample' });
  });
});

describe('a file that rotted on disk', () => {
  beforeEach(async () => {
    world.write('a.jpg', 'the bytes that were synced');
    world.write('b.jpg', 'whole');
    await world.sync();
    rotOnDisk(onDisk('a.jpg'));
  });

  test('is named, noted, and left where it is', async () => {
    const report = await verify();
    expect(report).toMatchObject({ status: 'partial', checked: { photos: 2, whole: 1, damaged: 1 } });
    expect(codes(report)).toEqual({ 'a.jpg': 'DISK_DAMAGED' });
    expect(await noted()).toEqual({ 'a.jpg': expect.stringMatching(/^DISK_DAMAGED: /), 'b.jpg': null });
    expect(await world.states()).toEqual({ 'a.jpg': 'synced', 'b.jpg': 'synced' });
    const [action] = await world.query('SELECT kind, path, outcome, code FROM "RunAction" WHERE "runId" = $1', [
      report.runId,
    ]);
    expect(action).toEqual({ kind: 'verify', path: 'a.jpg', outcome: 'failed', code: 'DISK_DAMAGED' });
  });

  test.each([{ compare: 'existence' }, { compare: 'content' }] as const)(
    'never goes up over its object, verified before or not: $compare',
    async (policy) => {
      await world.sync(policy);
      expect(await world.read('photos/a.jpg')).toBe('the bytes that were synced');
      await verify();
      const { requests } = await world.sync(policy);
      expect(requests.put).toBe(0);
      expect(await world.read('photos/a.jpg')).toBe('the bytes that were synced');
      expect(await noted()).toMatchObject({ 'a.jpg': expect.stringContaining('DISK_DAMAGED') });
    },
  );

  test.each(['known', 'source', 'newer'] as const)(
    'nor does it when it was restored from a backup since: compare content, overwrite %s',
    async (overwrite) => {
      moveToAnotherInode('a.jpg');
      expect(await world.sync()).toMatchObject({ actions: { conflicts: 1 } });
      expect(codes(await verify())).toEqual({ 'a.jpg': 'DISK_DAMAGED' });
      const report = await world.sync({ compare: 'content', overwrite });
      expect(report).toMatchObject({ status: 'partial', actions: { conflicts: 1, reuploaded: 0 } });
      expect(await world.read('photos/a.jpg')).toBe('the bytes that were synced');
      moveToAnotherInode('a.jpg');
      await world.sync({ compare: 'content', overwrite });
      expect(await world.read('photos/a.jpg')).toBe('the bytes that were synced');
    },
  );

  test('nor does it by a plan that was saved before it was found', async () => {
    await world.query('UPDATE "Photo" SET "md5" = NULL');
    const plans: SavedPlan[] = [];
    const request = { library: 'test', compare: 'content', dryRun: true } as const;
    await world.service.sync(request, { onPlan: (plan) => plans.push(plan) }, never);
    expect(plans[0]?.actions).toMatchObject([{ kind: 'adopt', otherwise: 'replace' }, {}]);
    await world.query(`UPDATE "Photo" SET "damage" = 'DISK_DAMAGED: found meanwhile' WHERE "path" = 'a.jpg'`);
    const report = await world.service.apply(plans[0]!, {}, never);
    expect(codes(report)).toEqual({ 'a.jpg': 'PLAN_STALE' });
    expect(await world.read('photos/a.jpg')).toBe('the bytes that were synced');
  });

  test('is mended by moving it away and syncing down', async () => {
    await verify();
    renameSync(onDisk('a.jpg'), join(world.root, '..', 'a-damaged.jpg'));
    await world.sync({ direction: 'down' });
    expect(await verify()).toMatchObject({ status: 'succeeded', checked: { whole: 2 } });
    expect(await noted()).toEqual({ 'a.jpg': null, 'b.jpg': null });
  });

  test('is mended by downloading it by name', async () => {
    await verify();
    const request = { library: 'test', album: '.', filenames: ['a.jpg'] };
    const { results } = await world.service.files('download', request, {}, never);
    expect(results).toEqual([{ filename: 'a.jpg', status: 'downloaded' }]);
    expect(await noted()).toMatchObject({ 'a.jpg': null });
    expect(await verify()).toMatchObject({ status: 'succeeded' });
  });

  test('is no damage any more once it was edited: the next sync sends it', async () => {
    await verify();
    world.write('a.jpg', 'edited on purpose, at last', 1_650_000_000);
    await world.sync();
    expect(await world.read('photos/a.jpg')).toBe('edited on purpose, at last');
    expect(await noted()).toMatchObject({ 'a.jpg': null });
    expect(await verify()).toMatchObject({ status: 'succeeded', checked: { whole: 2 } });
  });
});

describe('an object that rotted in the bucket', () => {
  beforeEach(async () => {
    world.write('a.jpg', 'the bytes that were synced');
    world.write('b.jpg', 'whole');
    await world.sync();
    rotInBucket(world.s3, 'the bytes that were synced');
  });

  test('is named and noted', async () => {
    const report = await verify();
    expect(report).toMatchObject({ status: 'partial', checked: { whole: 1, damaged: 1 } });
    expect(codes(report)).toEqual({ 'a.jpg': 'OBJECT_DAMAGED' });
    expect(await noted()).toEqual({ 'a.jpg': expect.stringMatching(/^OBJECT_DAMAGED: /), 'b.jpg': null });
  });

  test('is replaced by the next sync, which then has nothing left to do', async () => {
    expect((await world.sync()).requests.put).toBe(0);
    await verify();
    expect(await world.sync()).toMatchObject({ status: 'succeeded', actions: { reuploaded: 1, skipped: 1 } });
    expect(await world.read('photos/a.jpg')).toBe('the bytes that were synced');
    expect((await world.sync()).requests.put).toBe(0);
    expect(await verify()).toMatchObject({ status: 'succeeded', checked: { whole: 2 } });
  });

  test('is replaced by a re-upload', async () => {
    await verify();
    const report = await world.service.reupload({ library: 'test' }, {}, never);
    expect(report).toMatchObject({ status: 'succeeded', actions: { reuploaded: 1 } });
    expect(await verify()).toMatchObject({ status: 'succeeded' });
  });

  test('is left alone where nothing may be replaced', async () => {
    await verify();
    await world.sync({ direction: 'both' });
    await world.sync({ overwrite: 'never', compare: 'content' });
    expect(codes(await verify())).toEqual({ 'a.jpg': 'OBJECT_DAMAGED' });
    await world.sync({ direction: 'down' });
    expect(codes(await verify())).toEqual({ 'a.jpg': 'OBJECT_DAMAGED' });
  });

  test('is not replaced by a file that has rotted since', async () => {
    await verify();
    rotOnDisk(onDisk('a.jpg'));
    // Another bit than the object's: neither side has what was agreed on.
    writeFileSync(onDisk('a.jpg'), 'The bytes that were synced');
    utimesSync(onDisk('a.jpg'), 1_600_000_000, 1_600_000_000);
    const report = await world.sync();
    expect(report).toMatchObject({ status: 'partial', actions: { conflicts: 1, reuploaded: 0 } });
    expect(codes(await verify())).toEqual({ 'a.jpg': 'OBJECT_DAMAGED' });
    const { damage } = (await world.query<Checked>(`SELECT "damage" FROM "Photo" WHERE "path" = 'a.jpg'`))[0]!;
    expect(damage?.split('\n').map((line) => line.split(':')[0])).toEqual(['DISK_DAMAGED', 'OBJECT_DAMAGED']);
  });

  test('is not what another name is copied from', async () => {
    await verify();
    world.write('copy.jpg', 'the bytes that were synced');
    expect(await world.sync({ album: '.' })).toMatchObject({ actions: { copied: 0, uploaded: 1 } });
    expect(await world.read('photos/copy.jpg')).toBe('the bytes that were synced');
  });
});

describe('what is in the bucket instead', () => {
  beforeEach(async () => {
    world.write('a.jpg', 'synced');
    await world.sync();
  });

  test('nothing: it is missing, and the next sync brings it back', async () => {
    await world.deleteObject('photos/a.jpg');
    expect(codes(await verify())).toEqual({ 'a.jpg': 'OBJECT_MISSING' });
    await world.sync();
    expect(await verify()).toMatchObject({ status: 'succeeded' });
  });

  test('another photo: it was changed', async () => {
    await world.put('photos/a.jpg', 'others');
    expect(codes(await verify())).toEqual({ 'a.jpg': 'OBJECT_CHANGED' });
    await world.put('photos/a.jpg', 'somebody else’s');
    expect(codes(await verify())).toEqual({ 'a.jpg': 'OBJECT_CHANGED' });
  });

  test('the same photo under another ETag: the row is behind, nothing is damaged', async () => {
    await world.put('photos/a.jpg', 'edited');
    world.write('a.jpg', 'edited', 1_650_000_000);
    expect(await verify()).toMatchObject({ status: 'succeeded', checked: { changed: 1, whole: 0 } });
  });

  test('nothing, and no file either: it is lost', async () => {
    await world.deleteObject('photos/a.jpg');
    world.write('still-mounted.jpg');
    world.remove('a.jpg');
    const report = await verify();
    expect(report.failures).toEqual([
      { path: 'a.jpg', code: 'OBJECT_MISSING', message: expect.stringMatching(/^LOST, gone from disk and bucket/) },
    ]);
  });

  test.each([
    ['taken from the bucket', { direction: 'down' }, 'others'],
    ['put back from disk', { overwrite: 'source' }, 'synced'],
  ] as const)('another photo, %s: is whole again', async (_how, policy, bytes) => {
    await world.put('photos/a.jpg', 'others');
    await verify();
    expect(await world.sync({ album: '.', ...policy })).toMatchObject({ status: 'succeeded' });
    expect(await world.read('photos/a.jpg')).toBe(bytes);
    expect(readFileSync(onDisk('a.jpg'), 'utf8')).toBe(bytes);
    expect(await verify()).toMatchObject({ status: 'succeeded', checked: { whole: 1 } });
  });

  test('what may not be read is not missing', async () => {
    world.proxy.fail(({ path }) => (path.endsWith('a.jpg') ? { kind: 'answer', status: 403 } : null));
    const report = await verify();
    expect(report).toMatchObject({ status: 'partial', checked: { unreadable: 1, damaged: 0 } });
    expect(codes(report)).toEqual({ 'a.jpg': 'OBJECT_DENIED' });
  });

  test('an archived object is neither read nor damaged', async () => {
    const StorageClass = 'DEEP_ARCHIVE';
    const put = { Bucket: world.bucket, Key: 'photos/a.jpg', Body: 'synced', StorageClass } as const;
    await world.s3.client.send(new PutObjectCommand(put));
    const report = await verify();
    expect(report).toMatchObject({ status: 'succeeded', checked: { archived: 1, whole: 0 } });
    expect(report.warnings).toEqual([expect.stringContaining('1 archived object')]);
    rotOnDisk(onDisk('a.jpg'));
    expect(codes(await verify())).toEqual({ 'a.jpg': 'DISK_DAMAGED' });
  });
});

describe('what is on disk instead', () => {
  beforeEach(async () => {
    world.write('a.jpg', 'synced');
    world.write('b.jpg', 'whole');
    await world.sync();
  });

  test('an edited photo is the business of the next sync', async () => {
    world.write('a.jpg', 'edited', 1_650_000_000);
    const report = await verify();
    expect(report).toMatchObject({ status: 'succeeded', checked: { changed: 1, whole: 1 }, failures: [] });
    expect(await noted()).toEqual({ 'a.jpg': null, 'b.jpg': null });
  });

  test('so is one that is gone, which is said', async () => {
    world.remove('a.jpg');
    const report = await verify();
    expect(report).toMatchObject({ status: 'succeeded', checked: { gone: 1, whole: 1 }, failures: [] });
    expect(report.warnings).toEqual([expect.stringContaining('a.jpg')]);
    await world.sync();
    expect(await verify()).toMatchObject({ status: 'succeeded', checked: { whole: 2 }, warnings: [] });
  });

  test.each([
    ['a folder', (path: string) => mkdirSync(path)],
    ['a link to itself', (path: string) => symlinkSync(path, path)],
  ])('what cannot be read (%s) is a failure with its code, and not gone', async (_what, make) => {
    world.remove('a.jpg');
    make(onDisk('a.jpg'));
    const report = await verify();
    expect(report).toMatchObject({ status: 'partial', checked: { unreadable: 1, gone: 0, whole: 1 } });
    expect(codes(report)).toEqual({ 'a.jpg': 'FILE_UNREADABLE' });
  });

  test('an unmounted disk is refused, before a row is noted', async () => {
    rmSync(world.root, { recursive: true });
    mkdirSync(world.root);
    await expect(verify()).rejects.toMatchObject({ code: 'GUARD_EMPTY_ROOT' });
    rmSync(world.root, { recursive: true });
    await expect(verify()).rejects.toMatchObject({ code: 'GUARD_ROOT_MISSING' });
    expect(await noted()).toEqual({ 'a.jpg': undefined, 'b.jpg': undefined });
    mkdirSync(world.root);
  });
});

test('a disk that is unmounted under way ends the run, and is no damage of each photo', async () => {
  const photos = Array.from({ length: 60 }, (_, i) => `${i}.jpg`);
  for (const name of photos) world.write(name);
  await world.sync();
  const away = `${world.root}.away`;
  let mounted = true;
  world.proxy.fail(({ path }) => {
    if (!mounted || !path.endsWith('.jpg')) return null;
    mounted = false;
    renameSync(world.root, away);
    mkdirSync(world.root);
    return null;
  });
  try {
    await expect(verify()).rejects.toMatchObject({ code: 'GUARD_EMPTY_ROOT' });
  } finally {
    rmSync(world.root, { recursive: true });
    renameSync(away, world.root);
  }
  expect(Object.values(await noted()).filter((damage) => typeof damage === 'string')).toEqual([]);
  expect(await verify()).toMatchObject({ status: 'succeeded', checked: { damaged: 0, unreadable: 0 } });
});

describe('an object that comes without a word of which version it is', () => {
  beforeEach(async () => {
    world.write('a.jpg', 'synced');
    await world.sync();
  });

  test('is not read, and not damaged for that', async () => {
    world.proxy.fail(({ method, path }) =>
      method === 'GET' && path.endsWith('a.jpg') ? { kind: 'rewrite', headers: { etag: '' } } : null,
    );
    const report = await verify();
    expect(report).toMatchObject({ checked: { unreadable: 1, damaged: 0 } });
    expect(codes(report)).toEqual({ 'a.jpg': 'OBJECT_UNVERIFIED' });
  });

  test('or of another size under the ETag on record, is damaged', async () => {
    const length = { 'content-length': '5' };
    world.proxy.fail(({ method, path }) => {
      if (!path.endsWith('a.jpg')) return null;
      if (method === 'HEAD') return { kind: 'rewrite', headers: length };
      return { kind: 'cut', body: (body) => body.subarray(0, 5), ending: 'end', unsized: true };
    });
    const report = await verify();
    expect(codes(report)).toEqual({ 'a.jpg': 'OBJECT_DAMAGED' });
  });
});

describe('a row without an MD5', () => {
  beforeEach(async () => {
    world.write('a.jpg', 'synced');
    await world.sync();
    await world.query('UPDATE "Photo" SET "md5" = NULL');
  });

  test('gets it when disk and bucket agree', async () => {
    expect(await verify()).toMatchObject({ status: 'succeeded', checked: { whole: 1 }, actions: { updated: 1 } });
    const [row] = await world.rows();
    expect(row?.md5).toBe(row?.etag);
  });

  test('is held against what the ETag proves', async () => {
    rotOnDisk(onDisk('a.jpg'));
    expect(codes(await verify())).toEqual({ 'a.jpg': 'DISK_DAMAGED' });
    expect((await world.rows())[0]?.md5).toBeNull();
  });

  test('and whose ETag proves nothing: which side is right cannot be told, and none is overwritten', async () => {
    const bytes = Buffer.alloc(5 * 1024 * 1024 + 4, 'odd');
    world.write('odd.bin', bytes);
    await putInOddParts('photos/odd.bin', bytes);
    expect(await world.sync()).toMatchObject({ actions: { conflicts: 1 } });
    const { ETag } = await world.s3.client.send(new HeadObjectCommand({ Bucket: world.bucket, Key: 'photos/odd.bin' }));
    const etag = ETag?.replaceAll('"', '');
    await world.query(`UPDATE "Photo" SET "etag" = $1, "state" = 'synced' WHERE "path" = 'odd.bin'`, [etag]);

    rotOnDisk(onDisk('odd.bin'));
    expect(codes(await verify())).toEqual({ 'odd.bin': 'SIDES_DIFFER' });
    await world.sync({ compare: 'content', overwrite: 'source' });
    expect((await world.read('photos/odd.bin')) === bytes.toString()).toBe(true);
    // Turned back, both hold the same again, and that is what is on record from now on.
    rotOnDisk(onDisk('odd.bin'));
    expect(await verify()).toMatchObject({ status: 'succeeded', checked: { whole: 2 }, actions: { updated: 1 } });
    rotOnDisk(onDisk('odd.bin'));
    expect(codes(await verify())).toEqual({ 'odd.bin': 'DISK_DAMAGED' });
  });
});

/** In parts of sizes that no client uses: the ETag tells nothing of the whole. */
async function putInOddParts(Key: string, bytes: Buffer): Promise<void> {
  const { client } = world.s3;
  const Bucket = world.bucket;
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const end = 5 * 1024 * 1024 + 1;
  const Parts: CompletedPart[] = [];
  for (const Body of [bytes.subarray(0, end), bytes.subarray(end)]) {
    const PartNumber = Parts.length + 1;
    const { ETag } = await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));
    Parts.push({ PartNumber, ETag });
  }
  await client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
}

describe('a sample', () => {
  test('takes those checked longest ago: twenty of 5% read every photo', async () => {
    const photos = Array.from({ length: 43 }, (_, i) => `${String(i).padStart(2, '0')}.jpg`);
    for (const name of photos) world.write(name);
    await world.sync();
    const counts: (number | undefined)[] = [];
    for (let i = 0; i < 20; i++) counts.push((await verify({ sample: 5 })).checked?.photos);
    expect(counts).toEqual(Array.from({ length: 20 }, () => 3));
    expect(Object.values(await noted())).toEqual(photos.map(() => null));
    // The first that were read are the first again.
    rotOnDisk(onDisk('17.jpg'));
    const order = await world.query<{ path: string }>('SELECT path FROM "Photo" ORDER BY "checkedAt", "key"');
    const turn = Math.floor(order.findIndex(({ path }) => path === '17.jpg') / 3);
    for (let i = 0; i < turn; i++) expect(await verify({ sample: 5 })).toMatchObject({ status: 'succeeded' });
    expect(codes(await verify({ sample: 5 }))).toEqual({ '17.jpg': 'DISK_DAMAGED' });
  });

  test('a photo that cannot be read does not stand first in line for ever', async () => {
    for (const name of ['a.jpg', 'b.jpg']) world.write(name);
    await world.sync();
    world.remove('a.jpg');
    mkdirSync(onDisk('a.jpg'));
    expect(codes(await verify({ sample: 50 }))).toEqual({ 'a.jpg': 'FILE_UNREADABLE' });
    expect(await verify({ sample: 50 })).toMatchObject({ status: 'succeeded', checked: { whole: 1 } });
  });
});

describe('one that was cut off', () => {
  const PHOTOS = 40;

  beforeEach(async () => {
    for (let i = 0; i < PHOTOS; i++) world.write(`${i}.jpg`, `photo ${i}`);
    await world.sync();
  });

  /** Stops it once so many objects have been asked for. */
  async function cutOffAfter(objects: number): Promise<Report> {
    const stop = new AbortController();
    world.proxy.reset();
    let asked = 0;
    world.proxy.fail(({ path }) => {
      if (path.endsWith('.jpg') && ++asked === objects) stop.abort();
      return null;
    });
    const report = await verify({}, stop.signal);
    world.proxy.reset();
    return report;
  }

  async function resumed(): Promise<{ report: Report; told: Resumed[]; read: Set<string> }> {
    const told: Resumed[] = [];
    world.proxy.reset();
    const report = await world.service.verify({ library: 'test' }, { onResume: (one) => told.push(one) }, never);
    const read = new Set(world.proxy.seen.map(({ path }) => path).filter((path) => path.endsWith('.jpg')));
    return { report, told, read };
  }

  test('goes on where it was, and again, until every photo was read once', async () => {
    const first = await cutOffAfter(20);
    expect(first).toMatchObject({ status: 'failed', error: { code: 'CANCELLED' } });
    const done = Object.entries(await noted()).filter(([, damage]) => damage === null);
    expect(done.length).toBe(first.checked?.photos);
    expect(done.length).toBeGreaterThan(0);

    const second = await cutOffAfter(10);
    const doneBySecond = second.checked?.photos ?? 0;
    const { report, told, read } = await resumed();
    expect(told).toMatchObject([{ library: 'test', photos: done.length + doneBySecond }]);
    expect(report).toMatchObject({ status: 'succeeded', checked: { photos: PHOTOS - done.length - doneBySecond } });
    for (const [path] of done) expect(read).not.toContain(`/${world.bucket}/photos/${path}`);

    // It came to its end, so the next one is a new one.
    const next = await resumed();
    expect(next.told).toEqual([]);
    expect(next.report.checked?.photos).toBe(PHOTOS);
  });

  test('a sample in between does not make it forget', async () => {
    const { checked } = await cutOffAfter(20);
    await verify({ sample: 5 });
    const { report } = await resumed();
    expect(report.checked?.photos).toBe(PHOTOS - (checked?.photos ?? 0) - 2);
  });

  test('by a process that died, and whose run still says that it runs', async () => {
    const { checked, runId } = await cutOffAfter(20);
    await world.query(`UPDATE "Run" SET "status" = 'running', "finishedAt" = NULL WHERE "id" = $1`, [runId]);
    const { report } = await resumed();
    expect(report.checked?.photos).toBe(PHOTOS - (checked?.photos ?? 0));
  });

  test('by somebody who asked for its end', async () => {
    let asked = 0;
    world.proxy.fail(({ path }) => {
      if (!path.endsWith('.jpg') || ++asked <= 10) return null;
      const first = () =>
        world.query(`UPDATE "Run" SET "cancelAt" = now() WHERE "status" = 'running'`).then(() => forever);
      return { kind: 'after', first };
    });
    const forever = new Promise(() => {});
    expect(await verify()).toMatchObject({ status: 'failed', error: { code: 'CANCELLED' } });
    world.proxy.reset();
    expect((await resumed()).told).toHaveLength(1);
  });

  test('more than a month ago is too long ago to go on from', async () => {
    const { runId } = await cutOffAfter(20);
    const sql = `UPDATE "Run" SET "policy" = jsonb_set("policy", '{since}', '"2020-01-01T00:00:00.000Z"') WHERE "id" = $1`;
    await world.query(sql, [runId]);
    const { report, told } = await resumed();
    expect(told).toEqual([]);
    expect(report.checked?.photos).toBe(PHOTOS);
  });

  test('a clock that was set back makes no photo look checked', async () => {
    await verify();
    await world.query(`UPDATE "Photo" SET "checkedAt" = now() + interval '1 day'`);
    const { report } = await resumed();
    expect(report.checked?.photos).toBe(PHOTOS);
  });
});

describe('beside other runs', () => {
  beforeEach(async () => {
    world.write('a.jpg', 'synced');
    world.write('b.jpg', 'whole');
    await world.sync();
  });

  /** Does something the first time that the photo's object is read, before it is answered. */
  function meanwhile(what: () => Promise<unknown>): void {
    let once = true;
    world.proxy.fail(({ method, path }) => {
      if (!once || method !== 'GET' || !path.endsWith('a.jpg')) return null;
      once = false;
      return { kind: 'after', first: what };
    });
  }

  test('a sync of what is being read goes on, and what it changes is no damage', async () => {
    let synced: Report | undefined;
    meanwhile(async () => {
      world.write('a.jpg', 'edited', 1_650_000_000);
      synced = await world.service.sync({ library: 'test' }, {}, never);
    });
    const report = await verify();
    expect(synced).toMatchObject({ status: 'succeeded', actions: { reuploaded: 1 } });
    expect(report).toMatchObject({ status: 'succeeded', failures: [], checked: { photos: 2, damaged: 0 } });
    expect(await verify()).toMatchObject({ status: 'succeeded', checked: { whole: 2 } });
  });

  test('nor is a rename', async () => {
    meanwhile(async () => {
      renameSync(onDisk('a.jpg'), onDisk('renamed.jpg'));
      await world.service.sync({ library: 'test' }, {}, never);
    });
    expect(await verify()).toMatchObject({ status: 'succeeded', failures: [], checked: { whole: 2 } });
  });

  test('nor is a photo that is deleted', async () => {
    meanwhile(async () => {
      rmSync(onDisk('a.jpg'));
      await world.service.sync({ library: 'test', orphans: 'delete', deleteNow: true }, {}, never);
    });
    expect(await verify()).toMatchObject({ status: 'succeeded', failures: [], checked: { photos: 1, whole: 1 } });
  });

  test('what was found of a version that is no more is not noted', async () => {
    meanwhile(() => world.query(`UPDATE "Photo" SET "etag" = 'newer' WHERE "path" = 'a.jpg'`));
    await verify();
    expect(await noted()).toMatchObject({ 'b.jpg': null });
    const [row] = await world.query<Checked>(
      `SELECT "checkedAt" IS NOT NULL AS checked, "damage" FROM "Photo" WHERE "path" = 'a.jpg'`,
    );
    expect(row).toEqual({ checked: false, damage: null });
  });

  test('a second verify is refused while the first one reads, and the first is not taken for dead', async () => {
    let second: unknown;
    meanwhile(async () => {
      second = await verify().catch((thrown: unknown) => thrown);
      expect(await world.catalog.closeAbandonedRuns(never)).toBe(0);
    });
    expect(await verify()).toMatchObject({ status: 'succeeded' });
    expect(second).toMatchObject({ code: 'SYNC_IN_PROGRESS', message: expect.stringContaining('is being verified') });
  });
});

describe('a bad line', () => {
  beforeEach(async () => {
    for (const name of ['a.jpg', 'b.jpg', 'c.jpg']) world.write(name, `photo ${name}`);
    await world.sync();
  });

  test('that damages an object once on its way is no damage of the object', async () => {
    let first = true;
    world.proxy.fail(({ method, path }) => {
      if (!first || method !== 'GET' || !path.endsWith('b.jpg')) return null;
      first = false;
      return { kind: 'rewrite', body: (body) => body.replace('photo', 'PHOTO') };
    });
    expect(await verify()).toMatchObject({ status: 'succeeded', checked: { whole: 3 } });
  });

  test('that is down for seconds is waited for', async () => {
    const until = Date.now() + 6_000;
    world.proxy.fail(({ path }) => (path.endsWith('.jpg') && Date.now() < until ? { kind: 'break-before' } : null));
    expect(await verify()).toMatchObject({ status: 'succeeded', checked: { whole: 3 } });
  });

  test('a key that may list but not read ends the run instead of failing every photo', async () => {
    for (let i = 0; i < 60; i++) world.write(`more/${i}.jpg`);
    await world.sync();
    world.proxy.fail(({ path }) => (path.endsWith('.jpg') ? { kind: 'answer', status: 403 } : null));
    await expect(verify()).rejects.toMatchObject({ code: 'BUCKET_DENIED' });
    world.proxy.reset();
    expect(await verify()).toMatchObject({ status: 'succeeded' });
  });
});

/** The same bytes, size and date in another file. */
function moveToAnotherInode(path: string): void {
  const { atime, mtime, ino } = statSync(onDisk(path));
  const copy = `${onDisk(path)}.copy`;
  const bytes = readFileSync(onDisk(path));
  writeFileSync(copy, bytes);
  utimesSync(copy, atime, mtime);
  renameSync(copy, onDisk(path));
  if (statSync(onDisk(path)).ino === ino) throw new Error('it has the same inode');
}
