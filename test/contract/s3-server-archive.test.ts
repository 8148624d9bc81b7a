import {
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  RestoreObjectCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { contractS3, failureOf, needs, RESTORE_MS } from '../support/contract-s3.ts';
import { pathOf } from '../support/contract-s3-http.ts';

const ARCHIVED = ['GLACIER', 'DEEP_ARCHIVE'] as const;
const AT_HAND = [
  'STANDARD',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'REDUCED_REDUNDANCY',
  'GLACIER_IR',
] as const;
const DAY_MS = 86_400_000;
const INVALID_STATE = { name: 'InvalidObjectState', status: 403 };

describe('S3 server, storage classes', () => {
  const s3 = contractS3();
  const at = (Key: string) => ({ Bucket: s3().bucket, Key });
  const head = (Key: string) => s3().client.send(new HeadObjectCommand(at(Key)));
  const copy = (from: string, Key: string, more = {}) =>
    s3().client.send(new CopyObjectCommand({ ...at(Key), CopySource: `${s3().bucket}/${from}`, ...more }));
  const restore = (Key: string, Days = 1, Tier: 'Standard' | 'Bulk' = 'Standard') => {
    const RestoreRequest = { Days, GlacierJobParameters: { Tier } };
    return s3().client.send(new RestoreObjectCommand({ ...at(Key), RestoreRequest }));
  };

  test.each(AT_HAND)('an object in %s is read as any other, and listed with its class', async (StorageClass) => {
    const key = `class/${StorageClass}`;
    await s3().put(key, 'hello', { StorageClass });
    expect((await s3().read(key)).toString()).toBe('hello');
    // A HEAD of a standard object names no class.
    expect((await head(key)).StorageClass ?? 'STANDARD').toBe(StorageClass);
    const { Contents = [] } = await s3().client.send(new ListObjectsV2Command({ Bucket: s3().bucket, Prefix: key }));
    expect(Contents.map((entry) => entry.StorageClass)).toContain(StorageClass);
  });

  test('a class that is none is refused', async () => {
    const headers = { 'x-amz-storage-class': 'COLDER' };
    const answer = await s3().raw.send({ method: 'PUT', path: pathOf(s3().bucket, 'colder'), headers, body: 'x' });
    expect(answer.status).toBe(400);
    expect(await s3().keys('colder')).toEqual([]);
  });

  test('putting again without a class makes the object standard', async () => {
    await s3().put('class-again', 'x', { StorageClass: 'GLACIER' });
    await s3().put('class-again', 'hello');
    expect((await s3().read('class-again')).toString()).toBe('hello');
  });

  needs('restore')('restoring what is not archived is refused', async () => {
    await s3().put('at-hand', 'x');
    expect(await failureOf(restore('at-hand'))).toEqual(INVALID_STATE);
    expect(await failureOf(restore('missing'))).toEqual({ name: 'NoSuchKey', status: 404 });
  });

  for (const StorageClass of ARCHIVED) {
    describe(`in ${StorageClass}`, () => {
      needs('restore')('an object is seen but neither read nor copied', async () => {
        await s3().put(`${StorageClass}/cold`, 'hello', { StorageClass });
        const found = await head(`${StorageClass}/cold`);
        expect([found.StorageClass, found.ContentLength, found.Restore]).toEqual([StorageClass, 5, undefined]);
        const get = new GetObjectCommand(at(`${StorageClass}/cold`));
        expect(await failureOf(s3().client.send(get))).toEqual(INVALID_STATE);
        expect(await failureOf(copy(`${StorageClass}/cold`, 'out'))).toEqual(INVALID_STATE);
        const { UploadId } = await s3().client.send(new CreateMultipartUploadCommand(at('parts')));
        const CopySource = `${s3().bucket}/${StorageClass}/cold`;
        const part = new UploadPartCopyCommand({ ...at('parts'), UploadId, PartNumber: 1, CopySource });
        expect(await failureOf(s3().client.send(part))).toEqual(INVALID_STATE);
        expect(await s3().keys('out')).toEqual([]);
      });

      needs('restore')('an object is restored for a time and can then be read and copied', async () => {
        const key = `${StorageClass}/restored`;
        await s3().put(key, 'hello', { StorageClass });
        expect((await restore(key)).$metadata.httpStatusCode).toBe(202);
        expect(await failureOf(restore(key))).toEqual({ name: 'RestoreAlreadyInProgress', status: 409 });
        expect((await head(key)).Restore).toBe('ongoing-request="true"');
        expect(await failureOf(s3().read(key))).toEqual(INVALID_STATE);
        s3().passTime(RESTORE_MS);
        await expect.poll(async () => (await head(key)).Restore).toContain('ongoing-request="false"');

        const found = await head(key);
        expect(found.StorageClass).toBe(StorageClass);
        const expiry = /^ongoing-request="false", expiry-date="(.*)"$/.exec(found.Restore ?? '')?.[1] ?? '';
        expect(new Date(expiry).toUTCString()).toBe(expiry);
        expect(expiry).toMatch(/ 00:00:00 GMT$/);
        expect((await s3().read(key)).toString()).toBe('hello');
        await copy(key, `${StorageClass}/warm`, { StorageClass: 'STANDARD' });
        expect((await s3().read(`${StorageClass}/warm`)).toString()).toBe('hello');
        expect((await restore(key, 3, 'Bulk')).$metadata.httpStatusCode).toBe(200);
      });

      needs('restore')('a listing tells the class, and the state of a restore when asked', async () => {
        const Prefix = `${StorageClass}/listed`;
        await s3().put(Prefix, 'hello', { StorageClass });
        await restore(Prefix);
        const list = { Bucket: s3().bucket, Prefix };
        const plain = await s3().client.send(new ListObjectsV2Command(list));
        expect(plain.Contents).toMatchObject([{ StorageClass }]);
        expect(plain.Contents?.[0]?.RestoreStatus).toBeUndefined();
        const asked = new ListObjectsV2Command({ ...list, OptionalObjectAttributes: ['RestoreStatus'] });
        const { Contents = [] } = await s3().client.send(asked);
        expect(Contents[0]?.RestoreStatus?.IsRestoreInProgress).toEqual(expect.any(Boolean));
      });

      needs('restore', 'clock')('a restored copy is gone when its days are over', async () => {
        const key = `${StorageClass}/expired`;
        await s3().put(key, 'hello', { StorageClass });
        await restore(key, 2);
        s3().passTime(4 * DAY_MS);
        const later = { path: pathOf(s3().bucket, key), date: new Date(Date.now() + 4 * DAY_MS) };
        try {
          const get = await s3().raw.send({ method: 'GET', ...later });
          expect([get.status, get.code]).toEqual([403, 'InvalidObjectState']);
          const found = await s3().raw.send({ method: 'HEAD', ...later });
          expect([found.status, found.headers['x-amz-restore']]).toEqual([200, undefined]);
        } finally {
          s3().passTime(-4 * DAY_MS);
        }
      });

      needs('restore')('overwriting ends the archive, and with it the restore', async () => {
        const key = `${StorageClass}/over`;
        await s3().put(key, 'old', { StorageClass });
        await restore(key);
        await s3().put(key, 'new');
        expect((await head(key)).Restore).toBeUndefined();
        expect((await s3().read(key)).toString()).toBe('new');
      });
    });
  }
});
