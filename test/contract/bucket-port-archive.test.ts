/**
 * What BucketPort promises of archived objects (src/sync/ports.ts), against the embedded server or the one at
 * CONTRACT_S3_ENDPOINT (see test/support/contract-s3.ts).
 */
import { randomBytes } from 'node:crypto';
import { HeadObjectCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OpenedClient, openS3Client } from '../../src/bucket/client.ts';
import { S3Service } from '../../src/bucket/s3-service.ts';
import { RollcallError } from '../../src/errors.ts';
import type { CopyRequest, RestoreRequest } from '../../src/sync/bucket-port.ts';
import { contractS3, lacks, md5, needs, RESTORE_MS } from '../support/contract-s3.ts';

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;
const live = new AbortController().signal;
const s3 = contractS3();
let opened: OpenedClient;
let service: S3Service;

beforeAll(async () => {
  const { endpoint, region, accessKeyId, secretAccessKey } = s3().target;
  const credentials = { accessKeyId, secretAccessKey };
  opened = openS3Client({ endpoint, region, forcePathStyle: true, credentials }, { maxSockets: 8 });
  service = newService();
  await service.learn('probes/', null, live);
});

afterAll(() => opened?.close());

const newService = (wholeCopyLimit = 5 * 1024 * MIB): S3Service =>
  new S3Service(
    opened.client,
    { endpoint: s3().target.endpoint, bucket: s3().bucket },
    { partConcurrency: 2, wholeCopyLimit },
  );

const STANDARD: RestoreRequest = { days: 2, tier: 'Standard' };
const newKey = (): string => `cold/${randomBytes(6).toString('hex')}.jpg`;

async function failure(work: Promise<unknown>): Promise<RollcallError> {
  const error = await work.then(
    () => new Error('it went through'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof RollcallError) return error;
  throw error;
}

const copyOf = (key: string, content: Uint8Array | string, storageClass: string): CopyRequest => ({
  from: { key, size: Buffer.byteLength(content), etag: md5(content), storageClass },
  to: `${key}.copy`,
  condition: { absent: true },
  md5: md5(content),
  partSize: null,
});

describe('restoring', () => {
  for (const StorageClass of ['GLACIER', 'DEEP_ARCHIVE'] as const) {
    needs('restore', 'clock')(`an object in ${StorageClass} is asked for, waited for and then readable`, async () => {
      const key = newKey();
      await s3().put(key, 'cold', { StorageClass });
      expect((await service.head(key, live))?.restore).toBeUndefined();
      expect(await service.restore(key, STANDARD, live)).toBe('asked');
      expect((await service.head(key, live))?.restore).toEqual({ ongoing: true, untilMs: null });
      expect(await service.restore(key, STANDARD, live)).toBe('in progress');
      s3().passTime(RESTORE_MS + 1000);
      const found = await service.head(key, live);
      expect(found).toMatchObject({ storageClass: StorageClass, restore: { ongoing: false } });
      const days = ((found?.restore?.untilMs ?? 0) - Date.now()) / DAY_MS;
      expect(days).toBeGreaterThan(1.9);
      expect(days).toBeLessThan(3.1);
      expect(await service.restore(key, STANDARD, live)).toBe('readable');
    });
  }

  needs('restore')('an object that is not archived need not be', async () => {
    for (const StorageClass of ['STANDARD', 'STANDARD_IA', 'GLACIER_IR'] as const) {
      const key = newKey();
      await s3().put(key, 'warm', { StorageClass });
      expect(await service.restore(key, STANDARD, live)).toBe('readable');
      expect((await service.head(key, live))?.restore).toBeUndefined();
    }
  });

  needs('restore')('a tier that the class does not have is refused, and the other tiers are not', async () => {
    const key = newKey();
    await s3().put(key, 'cold', { StorageClass: 'DEEP_ARCHIVE' });
    const error = await failure(service.restore(key, { days: 1, tier: 'Expedited' }, live));
    expect(error).toMatchObject({ code: 'OBJECT_REJECTED', retryable: false });
    expect(error.message).toMatch(/cannot restore s3:.*Retrieval option is not supported/);
    expect(await service.restore(key, { days: 1, tier: 'Bulk' }, live)).toBe('asked');
  });

  needs('restore')('an object that is gone is missing', async () => {
    expect((await failure(service.restore(newKey(), STANDARD, live))).code).toBe('OBJECT_MISSING');
  });

  test('a server without archives says so', async () => {
    if (!lacks('restore')) return;
    const key = newKey();
    await s3().put(key, 'x', { StorageClass: 'GLACIER' });
    const error = await failure(service.restore(key, STANDARD, live));
    expect(error.code).toBe('OBJECT_REJECTED');
    expect(error.message).toContain('the server does not restore archived objects (501)');
  });

  test('nothing is asked after an abort', async () => {
    const reason = new RollcallError('CANCELLED', 'enough');
    await expect(service.restore(newKey(), STANDARD, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe('copying what is archived', () => {
  for (const StorageClass of ['GLACIER', 'DEEP_ARCHIVE'] as const) {
    needs('restore', 'clock')(`waits for the restore of ${StorageClass}, and the copy is archived again`, async () => {
      const key = newKey();
      const described = { ContentType: 'image/jpeg', Metadata: { mtime: '17' } };
      await s3().put(key, 'cold', { StorageClass, ...described });
      const request = copyOf(key, 'cold', StorageClass);
      const error = await failure(service.copy(request, live));
      expect(error).toMatchObject({ code: 'OBJECT_ARCHIVED', retryable: true });
      expect(error.message).toMatch(/must be restored .*rollcall restore/);
      expect(await service.objectExists(request.to, live)).toBe(false);
      await service.restore(key, STANDARD, live);
      expect((await failure(service.copy(request, live))).code).toBe('OBJECT_ARCHIVED');
      s3().passTime(RESTORE_MS + 1000);
      expect(await service.copy(request, live)).toEqual({
        etag: md5('cold'),
        partSize: null,
        storageClass: StorageClass,
        copied: true,
      });
      const found = await s3().client.send(new HeadObjectCommand({ Bucket: s3().bucket, Key: request.to }));
      expect(found).toMatchObject({ StorageClass, ...described });
      expect(found.Restore).toBeUndefined();
    });
  }

  needs('restore')('is not needed where the very same bytes are at the target already', async () => {
    const key = newKey();
    await s3().put(key, 'cold', { StorageClass: 'DEEP_ARCHIVE' });
    const request = copyOf(key, 'cold', 'DEEP_ARCHIVE');
    await s3().put(request.to, 'cold', { StorageClass: 'DEEP_ARCHIVE' });
    expect(await service.copy(request, live)).toMatchObject({ copied: false, storageClass: 'DEEP_ARCHIVE' });
  });

  needs('restore', 'clock')('of a class that can be read at once makes a copy that can be', async () => {
    const key = newKey();
    await s3().put(key, 'cold', { StorageClass: 'GLACIER' });
    await service.restore(key, STANDARD, live);
    s3().passTime(RESTORE_MS + 1000);
    const as = { contentType: 'image/png', mtimeNs: 0n };
    expect(await service.copy({ ...copyOf(key, 'cold', 'GLACIER'), as }, live)).toMatchObject({
      storageClass: 'STANDARD',
    });
    expect((await s3().read(`${key}.copy`)).toString()).toBe('cold');
  });

  needs('restore', 'clock')('in parts waits just so, and leaves no parts', async () => {
    const parts = newService(6 * MIB);
    await parts.learn('probes/', null, live);
    const key = newKey();
    const content = randomBytes(7 * MIB);
    await s3().put(key, content, { StorageClass: 'GLACIER', ContentType: 'video/mp4' });
    const request = copyOf(key, content, 'GLACIER');
    expect((await failure(parts.copy(request, live))).code).toBe('OBJECT_ARCHIVED');
    const { Uploads = [] } = await s3().client.send(new ListMultipartUploadsCommand({ Bucket: s3().bucket }));
    expect(Uploads).toEqual([]);
    await parts.restore(key, STANDARD, live);
    s3().passTime(RESTORE_MS + 1000);
    expect(await parts.copy(request, live)).toMatchObject({
      storageClass: 'GLACIER',
      partSize: 6 * MIB,
      copied: true,
    });
    expect(await parts.head(request.to, live)).toMatchObject({ storageClass: 'GLACIER', size: content.length });
  });
});
