/**
 * What BucketPort.copy promises (src/sync/ports.ts), against the embedded server or the one at CONTRACT_S3_ENDPOINT
 * (see test/support/contract-s3.ts). A server that honours less is held to the same promises: only the guards against
 * races may be weaker.
 */
import { randomBytes } from 'node:crypto';
import { DeleteObjectCommand, HeadObjectCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OpenedClient, openS3Client } from '../../src/bucket/client.ts';
import { S3Service } from '../../src/bucket/s3-service.ts';
import { RollcallError } from '../../src/errors.ts';
import type { BucketFeatures, CopiedObject, CopyRequest } from '../../src/sync/bucket-port.ts';
import { contractS3, lacks, md5 } from '../support/contract-s3.ts';
import { Uploads } from '../support/contract-s3-uploads.ts';

const MIB = 1024 * 1024;
const live = new AbortController().signal;
const s3 = contractS3();
let opened: OpenedClient;

beforeAll(() => {
  const { endpoint, region, accessKeyId, secretAccessKey } = s3().target;
  const credentials = { accessKeyId, secretAccessKey };
  opened = openS3Client({ endpoint, region, forcePathStyle: true, credentials }, { maxSockets: 8 });
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

/** Copies in parts what is larger than `wholeCopyLimit`. */
const newService = (wholeCopyLimit = 5 * 1024 * MIB): S3Service =>
  new S3Service(
    opened.client,
    { endpoint: s3().target.endpoint, bucket: s3().bucket },
    { partConcurrency: 3, wholeCopyLimit },
  );

async function ready(known: BucketFeatures | null, wholeCopyLimit?: number): Promise<S3Service> {
  const service = newService(wholeCopyLimit);
  await service.learn('probes/', known, live);
  return service;
}

const ABSENT = { absent: true } as const;
const described = { ContentType: 'image/jpeg', CacheControl: 'max-age=9', Metadata: { mtime: '17.5', place: 'sea' } };

const headOf = (Key: string) => s3().client.send(new HeadObjectCommand({ Bucket: s3().bucket, Key }));
const textOf = async (key: string): Promise<string> => (await s3().read(key)).toString();

/** The version that is there now, as a listing tells it. */
async function seen(service: S3Service, key: string): Promise<CopyRequest['from']> {
  const found = await service.head(key, live);
  if (found === null) throw new Error(`there is no ${key}`);
  return found;
}

async function copy(
  service: S3Service,
  from: string | CopyRequest['from'],
  to: string,
  more: Partial<CopyRequest> = {},
): Promise<CopiedObject> {
  const source = typeof from === 'string' ? await seen(service, from) : from;
  return service.copy({ from: source, to, condition: ABSENT, md5: null, partSize: null, ...more }, live);
}

async function failure(work: Promise<unknown>): Promise<RollcallError> {
  const error = await work.then(
    () => new Error('it went through'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof RollcallError) return error;
  throw error;
}

const codeOf = async (work: Promise<unknown>): Promise<string> => (await failure(work)).code;

const unfinishedUploads = async (): Promise<number> =>
  (await s3().client.send(new ListMultipartUploadsCommand({ Bucket: s3().bucket }))).Uploads?.length ?? 0;

/** Puts an object in parts, as an upload of a large file does. */
async function putInParts(key: string, content: Buffer, partSize: number, more: object = {}): Promise<void> {
  const uploads = new Uploads(s3());
  const id = await uploads.begin(key, more);
  const done = [];
  for (let start = 0; start < content.length; start += partSize) {
    done.push(await uploads.part(key, id, done.length + 1, content.subarray(start, start + partSize)));
  }
  await uploads.complete(key, id, done);
}

describe.each([
  ['with the safeguards that the bucket honours', null],
  ['with no safeguard of the server’s', LEAST],
])('copying %s', (_title, known) => {
  let service: S3Service;
  let honoured: BucketFeatures;
  let folder: string;
  let serial = 0;
  const key = (): string => `${folder}${serial++}.jpg`;

  beforeAll(async () => {
    folder = `${randomBytes(4).toString('hex')}/`;
    service = newService();
    honoured = await service.learn('probes/', known, live);
  });

  /** A source with these bytes, and a key for its copy. */
  async function pair(content: string | Buffer, more: object = {}): Promise<[string, string]> {
    const from = key();
    await s3().put(from, content, more);
    return [from, key()];
  }

  test('makes an object of the same bytes and leaves the source', async () => {
    const content = randomBytes(300_000);
    const [from, to] = await pair(content);
    const etag = md5(content);
    expect(await copy(service, from, to)).toEqual({ etag, partSize: null, storageClass: 'STANDARD', copied: true });
    expect((await s3().read(to)).equals(content)).toBe(true);
    expect((await s3().read(from)).equals(content)).toBe(true);
  });

  test('is one request where the server honours conditions, and none beside it for proof', async () => {
    const [from, to] = await pair('counted');
    const source = await seen(service, from);
    const before = service.requests();
    await copy(service, source, to);
    const head = before.head + (honoured.copyCreateOnly ? 0 : 1);
    expect(service.requests()).toEqual({ ...before, copy: before.copy + 1, head });
  });

  test('keeps metadata, content type and the other headers', async () => {
    const [from, to] = await pair('described', described);
    await copy(service, from, to);
    expect(await headOf(to)).toMatchObject(described);
  });

  test.each(['STANDARD_IA', 'ONEZONE_IA', 'GLACIER_IR', 'REDUCED_REDUNDANCY'] as const)(
    'keeps the storage class %s',
    async (StorageClass) => {
      const [from, to] = await pair('cool', { ...described, StorageClass });
      expect(await copy(service, from, to)).toMatchObject({ storageClass: StorageClass });
      expect(await headOf(to)).toMatchObject({ ...described, StorageClass });
    },
  );

  test('says of the copy what it is told to, and nothing of the old', async () => {
    const [from, to] = await pair('renamed', { ...described, StorageClass: 'STANDARD_IA' });
    const as = { contentType: 'image/png', mtimeNs: 1_700_000_000_250_000_000n };
    const done = await copy(service, from, to, { as, md5: md5('renamed') });
    expect(done).toMatchObject({ copied: true, storageClass: 'STANDARD' });
    const found = await headOf(to);
    const md5chksum = Buffer.from(md5('renamed'), 'hex').toString('base64');
    expect(found.Metadata).toEqual({ mtime: '1700000000.25', md5chksum });
    expect([found.ContentType, found.CacheControl, found.StorageClass]).toEqual(['image/png', undefined, undefined]);
    expect(await textOf(to)).toBe('renamed');
  });

  test('tells no MD5 of a copy that it does not know', async () => {
    const [from, to] = await pair('untold', described);
    await copy(service, from, to, { as: { contentType: 'image/png', mtimeNs: 5n } });
    expect((await headOf(to)).Metadata).toEqual({ mtime: '0.000000005' });
  });

  test('copies an object of no bytes', async () => {
    const [from, to] = await pair('', described);
    expect(await copy(service, from, to)).toMatchObject({ etag: md5(''), copied: true });
    expect(await headOf(to)).toMatchObject({ ContentLength: 0, ...described });
  });

  test.each([
    'a b+c%20d.jpg',
    '100%.jpg',
    'why?.jpg',
    'a?versionId=null',
    '?versionId=3',
    'é/ﬁ/😀.jpg',
    'o\'q"<&>#*:;=,@!()|\\^`[]{}~$.jpg',
    'tab\tnew\nline',
    'bell\u0007',
    'a//b',
    'a/../b',
    './a',
    'trailing/',
    '/leading',
    'k'.repeat(1000),
    '😀'.repeat(250),
  ])('copies from and to exactly the key %j', async (name) => {
    const odd = `${folder}${name}`;
    const plain = key();
    await s3().put(odd, name);
    await copy(service, odd, plain);
    expect(await textOf(plain)).toBe(name);
    await s3().client.send(new DeleteObjectCommand({ Bucket: s3().bucket, Key: odd }));
    await copy(service, plain, odd);
    expect(await textOf(odd)).toBe(name);
    // Here, since what cleans up after the file removes many at once, which XML cannot say of each of them.
    await s3().client.send(new DeleteObjectCommand({ Bucket: s3().bucket, Key: odd }));
  });

  test('never takes the place of another object', async () => {
    const [from, to] = await pair('mine');
    await s3().put(to, 'somebody else’s', described);
    const error = await failure(copy(service, from, to));
    expect(error.code).toBe('OBJECT_PRECONDITION');
    expect(error.message).toBe(`s3://${s3().bucket}/${to} is there in another version: not copied`);
    expect(await textOf(to)).toBe('somebody else’s');
    expect(await headOf(to)).toMatchObject(described);
  });

  test('the very same bytes that are there already are an agreement, and nothing is copied', async () => {
    const [from, to] = await pair('the same', { StorageClass: 'STANDARD_IA' });
    await s3().put(to, 'the same', described);
    const done = { etag: md5('the same'), partSize: null, storageClass: 'STANDARD', copied: false };
    expect(await copy(service, from, to)).toEqual(done);
    expect(await headOf(to)).toMatchObject(described);
  });

  test('the very same bytes are recognised by the known MD5 where the source’s ETag is none', async () => {
    const content = randomBytes(5 * MIB + 1);
    const [from, to] = [key(), key()];
    await putInParts(from, content, 5 * MIB);
    await s3().put(to, content);
    expect(await copy(service, from, to, { md5: md5(content) })).toMatchObject({ copied: false, etag: md5(content) });
    expect(await codeOf(copy(service, from, to))).toBe('OBJECT_PRECONDITION');
  });

  test('replaces only the version that was seen', async () => {
    const [from, to] = await pair('three');
    await s3().put(to, 'two');
    const gone = { etag: md5('one') };
    expect(await codeOf(copy(service, from, to, { condition: gone }))).toBe('OBJECT_PRECONDITION');
    expect(await textOf(to)).toBe('two');
    const there = { etag: md5('two') };
    expect(await copy(service, from, to, { condition: there })).toMatchObject({ copied: true, etag: md5('three') });
    expect(await textOf(to)).toBe('three');
  });

  test('makes no object where the version that was to be replaced is gone', async () => {
    const [from, to] = await pair('x');
    const condition = { etag: md5('gone') };
    expect(await codeOf(copy(service, from, to, { condition }))).toBe('OBJECT_PRECONDITION');
    expect(await service.objectExists(to, live)).toBe(false);
  });

  test('two that make one object at once cannot both think that theirs is there', async () => {
    const to = key();
    const contents = Array.from({ length: 6 }, (_, index) => `copy ${index}`);
    const froms = contents.map(() => key());
    for (const [index, from] of froms.entries()) await s3().put(from, contents[index]);
    const settled = await Promise.allSettled(froms.map((from) => copy(service, from, to)));
    const won = settled.flatMap((one, index) => (one.status === 'fulfilled' && one.value.copied ? [index] : []));
    expect(contents).toContain(await textOf(to));
    if (honoured.copyCreateOnly) {
      expect(won).toHaveLength(1);
      expect(await textOf(to)).toBe(contents[won[0]!]);
    }
  });

  test.each([
    ['of the same size', 'new'],
    ['of another size', 'newer'],
  ])('a source that was replaced meanwhile by one %s is not passed off as the old one', async (_size, content) => {
    const [from, to] = await pair('old');
    const source = await seen(service, from);
    await s3().put(from, content);
    const error = await failure(copy(service, source, to, { md5: md5('old') }));
    expect(error).toMatchObject({ code: 'OBJECT_PRECONDITION', retryable: true });
    expect(error.message).toMatch(/cannot copy .* replaced meanwhile/);
    expect(await service.objectExists(to, live)).toBe(false);
    expect(await textOf(from)).toBe(content);
  });

  test('a source that is gone is missing, unless its bytes are at the target already', async () => {
    const [from, to] = await pair('moved');
    const source = await seen(service, from);
    await s3().client.send(new DeleteObjectCommand({ Bucket: s3().bucket, Key: from }));
    expect(await codeOf(copy(service, source, to))).toBe('OBJECT_MISSING');
    expect(await service.objectExists(to, live)).toBe(false);
    await s3().put(to, 'moved');
    expect(await copy(service, source, to)).toMatchObject({ copied: false });
  });

  test('a version that is to be replaced is replaced even by the same bytes: what is said of them may differ', async () => {
    const [from, to] = await pair('same', described);
    await s3().put(to, 'same');
    const condition = { etag: md5('same') };
    expect(await copy(service, from, to, { condition })).toMatchObject({ copied: true });
    expect(await headOf(to)).toMatchObject(described);
  });

  test('an object that was put in parts is proved in one piece', async () => {
    const content = randomBytes(7 * MIB);
    const [from, to] = [key(), key()];
    await putInParts(from, content, 5 * MIB, { ...described, StorageClass: 'STANDARD_IA' });
    const source = await seen(service, from);
    const done = await copy(service, source, to, { md5: md5(content), partSize: 5 * MIB });
    expect((await s3().read(to)).equals(content)).toBe(true);
    expect(await headOf(to)).toMatchObject({ ...described, StorageClass: 'STANDARD_IA' });
    // Amazon makes one piece of it, Ceph leaves it in its parts.
    const whole = { etag: md5(content), partSize: null };
    expect(done).toMatchObject(done.etag === source.etag ? { partSize: 5 * MIB } : whole);
    const unknown = key();
    expect(await copy(service, source, unknown)).toMatchObject({ etag: done.etag, copied: true });
  });

  test('nothing is copied after an abort', async () => {
    const [from, to] = await pair('x');
    const reason = new RollcallError('CANCELLED', 'enough');
    const request = { from: await seen(service, from), to, condition: ABSENT, md5: null, partSize: null };
    await expect(service.copy(request, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(await service.objectExists(to, live)).toBe(false);
  });

  describe('in parts, past the limit of one request', () => {
    const LIMIT = 6 * MIB;
    const content = randomBytes(13 * MIB + 7);
    let parts: S3Service;
    let whole: string;

    beforeAll(async () => {
      parts = await ready(honoured, LIMIT);
      whole = key();
      await s3().put(whole, content, { ...described, StorageClass: 'STANDARD_IA' });
    });

    test('makes an object of the same bytes, metadata, content type and storage class', async () => {
      const to = key();
      const source = await seen(service, whole);
      const counting = await ready(honoured, LIMIT);
      const done = await copy(counting, source, to, { md5: md5(content) });
      expect(done).toMatchObject({ partSize: LIMIT, storageClass: 'STANDARD_IA', copied: true });
      expect(done.etag).toMatch(/^[0-9a-f]{32}-3$/);
      expect((await s3().read(to)).equals(content)).toBe(true);
      expect(await headOf(to)).toMatchObject({ ...described, StorageClass: 'STANDARD_IA', ETag: `"${done.etag}"` });
      expect(counting.requests()).toMatchObject({ copy: 5, put: 0, get: 0, delete: 0 });
      expect(await unfinishedUploads()).toBe(0);
    });

    test('says of the copy what it is told to', async () => {
      const to = key();
      const as = { contentType: 'video/mp4', mtimeNs: 1_700_000_000_000_000_000n };
      expect(await copy(parts, whole, to, { as })).toMatchObject({ storageClass: 'STANDARD' });
      const found = await headOf(to);
      expect([found.ContentType, found.Metadata, found.StorageClass, found.CacheControl]).toEqual([
        'video/mp4',
        { mtime: '1700000000' },
        undefined,
        undefined,
      ]);
    });

    test.each([
      ['that is recorded', 5 * MIB + 1, 5 * MIB + 1],
      ['that other tools use', 5 * MIB, null],
    ])('cuts the copy as the upload was cut, by a size %s: the ETag proves it', async (_what, partSize, recorded) => {
      const [from, to] = [key(), key()];
      await putInParts(from, content, partSize, described);
      const source = await seen(service, from);
      expect(await copy(parts, source, to, { partSize: recorded })).toMatchObject({
        etag: source.etag,
        partSize,
        copied: true,
      });
      expect((await s3().read(to)).equals(content)).toBe(true);
      expect(await headOf(to)).toMatchObject(described);
    });

    test('copies from and to odd keys', async () => {
      const [from, to] = [`${folder}from ?&=#'"é😀.jpg`, `${folder}to ?+%20é"'.jpg`];
      await copy(service, whole, from);
      await copy(parts, from, to);
      expect((await s3().read(to)).equals(content)).toBe(true);
    });

    test.each([
      ['100%25.jpg', '100%.jpg'],
      ['a+b.jpg', 'a b.jpg'],
    ])('copies %j, not %j that it could be taken for, or refuses', async (name, twin) => {
      const [from, to] = [`${folder}${name}`, key()];
      await copy(service, whole, from);
      await s3().put(`${folder}${twin}`, randomBytes(content.length));
      if (lacks('copy-conditions')) expect(await codeOf(copy(parts, from, to))).toBe('OBJECT_REJECTED');
      else await copy(parts, from, to);
      expect(await service.objectExists(to, live)).toBe(!lacks('copy-conditions'));
      if (!lacks('copy-conditions')) expect((await s3().read(to)).equals(content)).toBe(true);
      expect(await unfinishedUploads()).toBe(0);
    });

    test('never takes the place of another object, and leaves no parts', async () => {
      const to = key();
      await s3().put(to, 'in the way');
      expect(await codeOf(copy(parts, whole, to))).toBe('OBJECT_PRECONDITION');
      const condition = { etag: md5('not this') };
      expect(await codeOf(copy(parts, whole, to, { condition }))).toBe('OBJECT_PRECONDITION');
      expect(await textOf(to)).toBe('in the way');
      expect(await unfinishedUploads()).toBe(0);
      const there = { etag: md5('in the way') };
      expect(await copy(parts, whole, to, { condition: there })).toMatchObject({ copied: true });
      expect((await s3().read(to)).equals(content)).toBe(true);
    });

    test('the very same bytes that are there already are an agreement', async () => {
      const to = key();
      const first = await copy(parts, whole, to);
      expect(await copy(parts, whole, to)).toEqual({ ...first, copied: false });
      await copy(service, whole, `${to}.whole`);
      expect(await copy(parts, whole, `${to}.whole`)).toMatchObject({ copied: false, partSize: null });
      expect(await unfinishedUploads()).toBe(0);
    });

    test('a source that was replaced or removed meanwhile is not copied, and no parts are left', async () => {
      const [from, to] = [key(), key()];
      await s3().put(from, content);
      const source = await seen(service, from);
      await s3().put(from, randomBytes(content.length));
      expect(await codeOf(copy(parts, source, to))).toBe('OBJECT_PRECONDITION');
      await s3().client.send(new DeleteObjectCommand({ Bucket: s3().bucket, Key: from }));
      expect(await codeOf(copy(parts, source, to))).toBe('OBJECT_MISSING');
      expect(await service.objectExists(to, live)).toBe(false);
      expect(await unfinishedUploads()).toBe(0);
    });
  });
});
