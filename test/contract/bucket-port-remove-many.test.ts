/**
 * What BucketPort.removeMany promises (src/sync/ports.ts), against the embedded server or the one at
 * CONTRACT_S3_ENDPOINT (see test/support/contract-s3.ts).
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OpenedClient, openS3Client } from '../../src/bucket/client.ts';
import { S3Service } from '../../src/bucket/s3-service.ts';
import { RollcallError } from '../../src/errors.ts';
import type { BucketFeatures } from '../../src/sync/bucket-port.ts';
import { contractS3, md5 } from '../support/contract-s3.ts';

const live = new AbortController().signal;
const s3 = contractS3();
let opened: OpenedClient;

beforeAll(() => {
  const { endpoint, region, accessKeyId, secretAccessKey } = s3().target;
  const credentials = { accessKeyId, secretAccessKey };
  opened = openS3Client({ endpoint, region, forcePathStyle: true, credentials }, { maxSockets: 12 });
});

afterAll(() => opened?.close());

/** Relies on nothing but what every server does. */
const LEAST: BucketFeatures = {
  createOnly: false,
  replaceOnly: 'none',
  createOnlyMultipart: false,
  deleteOnly: false,
  deleteManyOnly: false,
  copyCreateOnly: false,
  contentMd5: true,
  checksums: false,
};

const newService = (bucket = s3().bucket): S3Service =>
  new S3Service(opened.client, { endpoint: s3().target.endpoint, bucket }, { partConcurrency: 1 });

const named = (count: number, folder: string): string[] =>
  Array.from({ length: count }, (_, index) => `${folder}${String(index).padStart(5, '0')}.jpg`);

const versions = (keys: readonly string[], content = 'x') => keys.map((key) => ({ key, etag: md5(content) }));

describe.each([
  ['with the safeguards that the bucket honours', null],
  ['with no safeguard of the server’s', LEAST],
])('removing many %s', (_title, known) => {
  let service: S3Service;
  let honoured: BucketFeatures;
  let folder: string;

  beforeAll(async () => {
    folder = `${randomBytes(4).toString('hex')}/`;
    service = newService();
    honoured = await service.learn('probes/', known, live);
  });

  test('removes those that are as they were seen, and says what became of each', async () => {
    const [same, gone, other] = [`${folder}same`, `${folder}gone`, `${folder}other`];
    await s3().put(same, 'x');
    await s3().put(other, 'somebody else’s');
    await s3().put(`${folder}not-named`, 'x');
    const answers = await service.removeMany(versions([same, gone, other]), live);
    expect(Object.fromEntries(answers)).toEqual({ [same]: 'deleted', [gone]: 'deleted', [other]: 'changed' });
    expect(await s3().keys(folder)).toEqual([`${folder}not-named`, other]);
    expect((await s3().read(other)).toString()).toBe('somebody else’s');
  });

  test('takes 2,500 objects, with three requests to remove them', async () => {
    const keys = named(2500, `${folder}many/`);
    await s3().putAll(keys);
    await s3().put(keys[1234]!, 'changed');
    const before = service.requests();
    const answers = await service.removeMany(versions(keys), live);
    expect(answers.size).toBe(2500);
    expect(answers.get(keys[1234]!)).toBe('changed');
    expect(keys.filter((key) => answers.get(key) === 'deleted')).toHaveLength(2499);
    expect(await s3().keys(`${folder}many/`)).toEqual([keys[1234]]);
    const head = before.head + (honoured.deleteManyOnly ? 0 : 2500);
    expect(service.requests()).toEqual({ ...before, delete: before.delete + 3, head });
  });

  test('removes exactly the objects with odd keys', async () => {
    const odd = [
      ' lead',
      'trail ',
      ' ',
      'a b',
      'a%20b',
      'tab\tin',
      'line\nbreak',
      'return\rin',
      'both\r\nin',
      '&amp;',
      '<b>',
      ']]>',
      '"quoted" \'too\'',
      'é/ﬁ/😀',
      'a//b',
      '../x',
      'bell\u0007',
      'escape\u001b[31m',
      'end\uffff',
      'k'.repeat(1000),
    ].map((name) => `${folder}odd/${name}`);
    const twins = ['lead', 'trail', 'a+b', '&', 'bell', 'both\nin', 'end', 'return\nin'].map(
      (name) => `${folder}odd/${name}`,
    );
    for (const key of [...odd, ...twins]) await s3().put(key, 'x');
    const answers = await service.removeMany(versions(odd), live);
    expect(odd.map((key) => answers.get(key))).toEqual(odd.map(() => 'deleted'));
    expect((await s3().keys(`${folder}odd/`)).sort()).toEqual(twins.sort());
  });

  test('nothing to remove is no request', async () => {
    const before = service.requests();
    expect(await service.removeMany([], live)).toEqual(new Map());
    expect(service.requests()).toEqual(before);
  });

  test('a key that no object can have does not keep the others', async () => {
    const keys = [`${folder}fine-1`, 'k'.repeat(1100), `${folder}fine-2`];
    await s3().putAll(keys.filter((key) => key.length < 1000));
    const answers = await service.removeMany(versions(keys), live);
    expect([answers.get(keys[0]!), answers.get(keys[2]!)]).toEqual(['deleted', 'deleted']);
    expect(answers.has(keys[1]!)).toBe(true);
    expect(await s3().keys(`${folder}fine`)).toEqual([]);
  });

  test('an abort throws its reason', async () => {
    const key = `${folder}kept`;
    await s3().put(key, 'x');
    const reason = new RollcallError('LOCK_LOST', 'the lock is lost');
    await expect(service.removeMany(versions([key]), AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(await s3().keys(key)).toEqual([key]);
  });
});

describe('removing many from a bucket that is not there', () => {
  test.each([
    ['with ETags', { ...LEAST, deleteManyOnly: true }],
    ['after a look', LEAST],
  ])('%s answers that for each, and asks for no more than one', async (_how, known) => {
    const service = newService('rollcall-nowhere');
    await service.learn('', known, live);
    const answers = await service.removeMany(versions(named(1500, '')), live);
    expect(answers.size).toBe(1500);
    const codes = new Set([...answers.values()].map((answer) => answer instanceof RollcallError && answer.code));
    expect([...codes]).toEqual(['BUCKET_MISSING']);
    const { head, delete: deletes } = service.requests();
    expect(head + deletes).toBeLessThan(30);
  });
});
