/** S3Service on a bad day: a real server behind a proxy that breaks, delays or falsifies single answers. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type OpenedClient, openS3Client } from '../../src/bucket/client.ts';
import { S3Service } from '../../src/bucket/s3-service.ts';
import { RollcallError } from '../../src/errors.ts';
import type { BucketFeatures, UploadRequest } from '../../src/sync/bucket-port.ts';
import type { Inventory } from '../../src/sync/ports.ts';
import { codeOf } from '../support/code-of.ts';
import { contractS3, md5 } from '../support/contract-s3.ts';
import { type Fault, type FaultProxy, type SeenRequest, startFaultProxy } from '../support/fault-proxy.ts';
import { openTestFile } from '../support/open-file.ts';

const MIB = 1024 * 1024;
const live = new AbortController().signal;
const s3 = contractS3();
let proxy: FaultProxy;
let opened: OpenedClient;
let folder: string;
/** What the server under test honours. */
let features: BucketFeatures;

beforeAll(async () => {
  proxy = await startFaultProxy(s3().target.endpoint);
  const { region, accessKeyId, secretAccessKey } = s3().target;
  const credentials = { accessKeyId, secretAccessKey };
  opened = openS3Client({ endpoint: proxy.endpoint, region, forcePathStyle: true, credentials }, { maxSockets: 16 });
  folder = await mkdtemp(join(tmpdir(), 'rollcall-bucket-faults-'));
  features = await newService().learn('probed/', null, live);
});

afterEach(() => proxy.reset());

afterAll(async () => {
  opened?.close();
  await proxy?.close();
  await rm(folder, { recursive: true, force: true });
});

const newService = (): S3Service =>
  new S3Service(opened.client, { endpoint: proxy.endpoint, bucket: s3().bucket }, { partConcurrency: 2 });

/** Past its probe, which the faults of a test are not meant for. */
async function ready(): Promise<S3Service> {
  const service = newService();
  await service.learn('photos/', features, live);
  return service;
}

/** Breaks the nth request that is of this kind. */
function failNth(nth: number | 'every', fault: Fault, isIt: (request: SeenRequest) => boolean): void {
  let met = 0;
  proxy.fail((request) => {
    if (!isIt(request)) return null;
    met++;
    return nth === 'every' || met === nth ? fault : null;
  });
}

const isPut = ({ method, query }: SeenRequest): boolean => method === 'PUT' && !query.has('partNumber');
const isPart = ({ method, query }: SeenRequest): boolean => method === 'PUT' && query.has('partNumber');
const isHead = ({ method }: SeenRequest): boolean => method === 'HEAD';
const isComplete = ({ method, query }: SeenRequest): boolean => method === 'POST' && query.has('uploadId');
const isDelete = ({ method }: SeenRequest): boolean => method === 'DELETE';
const isList = ({ query }: SeenRequest): boolean => query.has('list-type');
const refusal = (status: number, code: string): Fault => ({
  kind: 'answer',
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message></Message></Error>`,
});

const newKey = (): string => `photos/${randomBytes(6).toString('hex')}.jpg`;

async function upload(
  service: S3Service,
  key: string,
  content: Uint8Array | string,
  more: Partial<UploadRequest> = {},
  signal = live,
) {
  const path = join(folder, key.slice('photos/'.length));
  await writeFile(path, content);
  const file = await openTestFile(path);
  try {
    const request = { key, file, contentType: 'image/jpeg', condition: { absent: true as const }, ...more };
    return await service.upload(request, signal);
  } finally {
    await file.close();
  }
}

const unfinishedUploads = async (): Promise<number> =>
  (await s3().client.send(new ListMultipartUploadsCommand({ Bucket: s3().bucket }))).Uploads?.length ?? 0;

describe('a request that fails and may be tried again', () => {
  test.each([
    ['broken connections', { kind: 'break-before' }],
    ['faults of the server', refusal(500, 'InternalError')],
    ['throttling', refusal(503, 'SlowDown')],
  ] as [string, Fault][])('is tried again after %s, and every try is counted', async (_what, fault) => {
    const service = await ready();
    const key = newKey();
    failNth(1, fault, isPut);
    expect(await upload(service, key, 'again')).toMatchObject({ sent: true });
    expect(service.requests().put).toBe(2);
    expect((await s3().read(key)).toString()).toBe('again');
  });

  test('is thrown when it fails every time, and says how it failed', async () => {
    failNth('every', refusal(500, 'InternalError'), isHead);
    const service = await ready();
    const asked = service.objectExists(newKey(), live);
    await expect(asked).rejects.toThrow('500');
    expect(await codeOf(asked)).toBe('OBJECT_UNAVAILABLE');
    expect(service.requests().head).toBe(6);
  });

  test('is not tried again once the run is cancelled, and the reason is what is thrown', async () => {
    const stop = new AbortController();
    const lost = new RollcallError('LOCK_LOST', 'the lock is lost');
    const first = async (): Promise<void> => {
      stop.abort(lost);
    };
    failNth('every', { kind: 'after', first }, isHead);
    const service = await ready();
    await expect(service.objectExists(newKey(), stop.signal)).rejects.toBe(lost);
    await expect(service.objectExists(newKey(), stop.signal)).rejects.toBe(lost);
    expect(service.requests().head).toBe(1);
  });
});

describe('a refusal', () => {
  test('of a HEAD is denial, never absence', async () => {
    const key = newKey();
    await s3().put(key, 'x');
    failNth('every', { kind: 'answer', status: 403 }, isHead);
    const service = await ready();
    expect(await codeOf(service.objectExists(key, live))).toBe('OBJECT_DENIED');
    expect(await codeOf(service.remove(key, md5('x'), live))).toBe('OBJECT_DENIED');
  });

  const notFound = { kind: 'answer', status: 404, body: '404 page not found' } as const;

  test('by something in front of a server that restarts is not absence', async () => {
    const service = await ready();
    const keys = [newKey(), newKey(), newKey()] as const;
    for (const key of keys) await s3().put(key, 'x');
    const unavailable = expect.objectContaining({ code: 'OBJECT_UNAVAILABLE' });
    expect(await service.objectExists(keys[0], live)).toBe(true);
    failNth('every', notFound, () => true);
    for (const key of keys) await expect(service.objectExists(key, live)).rejects.toEqual(unavailable);
    expect([...(await service.objectsExist(keys, 2, live)).values()]).toEqual(keys.map(() => unavailable));
    await expect(service.remove(keys[1], md5('x'), live)).rejects.toEqual(unavailable);
    proxy.reset();
    expect([...(await service.objectsExist(keys, 2, live)).values()]).toEqual([true, true, true]);
  });

  test('by something in front of a server that is back by then is not absence', async () => {
    const service = await ready();
    const key = newKey();
    await s3().put(key, 'x');
    expect(await service.objectExists(key, live)).toBe(true);
    failNth('every', notFound, isHead);
    expect(await codeOf(service.objectExists(key, live))).toBe('OBJECT_UNAVAILABLE');
    failNth(1, notFound, isHead);
    expect(await service.objectExists(key, live)).toBe(true);
  });

  test('by a server whose refusals of a HEAD bear no id is absence where a GET names the object', async () => {
    const service = await ready();
    expect(await service.objectExists(newKey(), live)).toBe(false);
    failNth('every', notFound, isHead);
    expect(await service.objectExists(newKey(), live)).toBe(false);
    expect(service.requests()).toMatchObject({ get: 1 });
  });

  test('of one key in a batch leaves the others answered', async () => {
    const [denied, missing] = [newKey(), newKey()];
    failNth('every', { kind: 'answer', status: 403 }, (request) => isHead(request) && request.path.endsWith(denied));
    const answers = await (await ready()).objectsExist([denied, missing], 2, live);
    expect(answers.get(denied)).toMatchObject({ code: 'OBJECT_DENIED' });
    expect(answers.get(missing)).toBe(false);
  });

  test('of the probe leaves the bucket usable, with nothing relied on', async () => {
    failNth('every', refusal(403, 'AccessDenied'), isPut);
    expect(await newService().learn('photos/', null, live)).toMatchObject({ createOnly: false, contentMd5: false });
    expect(proxy.seen.filter(isDelete)).toEqual([]);
  });

  test('of the listing is told before anything starts', async () => {
    failNth('every', refusal(403, 'AccessDenied'), isList);
    expect(await codeOf(newService().preflight('photos/', live))).toBe('BUCKET_DENIED');
  });

  test('by a bucket in another region names that region', async () => {
    const fault = { ...refusal(301, 'PermanentRedirect'), headers: { 'x-amz-bucket-region': 'eu-central-1' } } as Fault;
    failNth('every', fault, isList);
    await expect(newService().preflight('photos/', live)).rejects.toThrow('S3_REGION=eu-central-1');
  });
});

describe('a probe', () => {
  test('that breaks off is cleaned up after', async () => {
    failNth(4, refusal(403, 'InvalidAccessKeyId'), isPut);
    expect(await codeOf(newService().learn('broken/', null, live))).toBe('BUCKET_CREDENTIALS');
    expect(await s3().keys('broken/')).toEqual([]);
  });

  test('proves no checksum by a server that refuses right ones too', async () => {
    const hasCrc = ({ headers }: SeenRequest): boolean => headers['x-amz-checksum-crc32'] !== undefined;
    failNth('every', refusal(501, 'NotImplemented'), hasCrc);
    const learnt = await newService().learn('photos/', null, live);
    expect(learnt).toEqual({ ...features, checksums: false });
  });

  test.each(['<html><body>Log in</body></html>', '<!DOCTYPE html><p>Log in', 'Log in', ''])(
    'does not believe something that is no S3 at all: %j',
    async (body) => {
      failNth('every', { kind: 'answer', status: 200, body }, () => true);
      expect(await codeOf(newService().preflight('photos/', live))).toBe('BUCKET_UNREACHABLE');
    },
  );
});

describe('uploading whole', () => {
  test('a write whose answer was lost is recognised as done', async () => {
    const service = await ready();
    const key = newKey();
    failNth(1, { kind: 'break-after' }, isPut);
    expect(await upload(service, key, 'once')).toMatchObject({ etag: md5('once') });
    expect((await s3().read(key)).toString()).toBe('once');
  });

  test('another writer in between is not overwritten', async () => {
    const service = await ready();
    const key = newKey();
    failNth(1, { kind: 'after', first: () => s3().put(key, 'theirs') }, isPut);
    expect(await codeOf(upload(service, key, 'ours'))).toBe('OBJECT_PRECONDITION');
    expect((await s3().read(key)).toString()).toBe('theirs');
  });

  test('a write that the server confirms and did not do is not believed', async () => {
    const service = await ready();
    failNth(1, { kind: 'answer', status: 200, headers: { etag: '"0123"' } }, isPut);
    expect(await codeOf(upload(service, newKey(), 'lost'))).toBe('OBJECT_UNVERIFIED');
  });

  test('an object of another size than was sent is not believed', async () => {
    const service = await ready();
    const key = newKey();
    await s3().put(key, 'and some framing that does not belong there');
    failNth(1, { kind: 'answer', status: 200, headers: { etag: '"0123"' } }, isPut);
    expect(await codeOf(upload(service, key, 'short'))).toBe('OBJECT_UNVERIFIED');
  });

  test('an ETag that is no MD5, as under KMS, is checked by size and recorded as it is', async () => {
    const service = await ready();
    const key = newKey();
    const etag = randomBytes(16).toString('hex');
    const headers = { etag: `"${etag}"`, 'x-amz-server-side-encryption': 'aws:kms' };
    proxy.fail(({ method }) => (method === 'PUT' || method === 'HEAD' ? { kind: 'rewrite', headers } : null));
    expect(await upload(service, key, 'secret')).toMatchObject({ etag, md5: md5('secret'), sent: true });
    const file = await openTestFile(join(folder, key.slice('photos/'.length)));
    const told = await service.compare(file, { key, size: 6, etag }, { md5: null, partSize: null }, live);
    expect(told.match).toBe('same');
    await s3().put(key, 'public');
    const untold = await service.compare(file, { key, size: 6, etag }, { md5: null, partSize: null }, live);
    expect(untold.match).toBe('unknown');
    await file.close();
  });
});

describe('uploading in parts', () => {
  const content = randomBytes(33 * MIB);

  test('a part that fails is sent again', async () => {
    const service = await ready();
    const key = newKey();
    failNth(2, { kind: 'break-before' }, isPart);
    expect(await upload(service, key, content)).toMatchObject({ sent: true });
    expect(md5(await s3().read(key))).toBe(md5(content));
  });

  test('a part that is refused abandons the upload, and that is the error', async () => {
    const service = await ready();
    const key = newKey();
    failNth(2, refusal(403, 'AccessDenied'), isPart);
    await expect(upload(service, key, content)).rejects.toThrow(/cannot write part \d of .*access denied/);
    expect(await service.objectExists(key, live)).toBe(false);
    expect(await unfinishedUploads()).toBe(0);
  });

  test('a cancelled upload leaves no parts', async () => {
    const stop = new AbortController();
    const reason = new RollcallError('CANCELLED', 'enough');
    const service = await ready();
    const onBytes = (): void => stop.abort(reason);
    await expect(upload(service, newKey(), content, { onBytes }, stop.signal)).rejects.toBe(reason);
    expect(await unfinishedUploads()).toBe(0);
  });

  test('a file that changes while it is sent is not put together', async () => {
    const service = await ready();
    const key = newKey();
    const first = (): Promise<void> => writeFile(join(folder, key.slice('photos/'.length)), 'changed');
    failNth(1, { kind: 'after', first }, isPart);
    expect(await codeOf(upload(service, key, content))).toBe('FILE_UNSTABLE');
    expect(await service.objectExists(key, live)).toBe(false);
    expect(await unfinishedUploads()).toBe(0);
  });

  test('a completion whose answer was lost is recognised as done', async () => {
    const service = await ready();
    const key = newKey();
    failNth(1, { kind: 'break-after' }, isComplete);
    expect(await upload(service, key, content)).toMatchObject({ md5: md5(content), partSize: 16 * MIB });
    expect(md5(await s3().read(key))).toBe(md5(content));
    expect(await unfinishedUploads()).toBe(0);
  });

  test('a completion that fails after its 200 has gone out is tried again', async () => {
    const service = await ready();
    const key = newKey();
    const body = (): string => '<?xml version="1.0"?><Error><Code>InternalError</Code><Message>x</Message></Error>';
    failNth(1, { kind: 'rewrite', body }, isComplete);
    expect(await upload(service, key, content)).toMatchObject({ md5: md5(content), partSize: 16 * MIB });
    expect(proxy.seen.filter(isComplete)).toHaveLength(2);
  });

  test('no more parts are under way than there are slots, however many files', async () => {
    const service = await ready();
    let [now, most] = [0, 0];
    const first = async (): Promise<void> => {
      now++;
      most = Math.max(most, now);
      await new Promise(setImmediate);
      now--;
    };
    failNth('every', { kind: 'after', first }, isPart);
    await Promise.all([upload(service, newKey(), content), upload(service, newKey(), content)]);
    expect(most).toBeLessThanOrEqual(2);
  });
});

describe('removing', () => {
  test('a removal whose answer was lost is recognised as done', async () => {
    const service = await ready();
    const key = newKey();
    await s3().put(key, 'x');
    failNth(1, { kind: 'break-after' }, isDelete);
    expect(await service.remove(key, md5('x'), live)).toBe('deleted');
  });

  test('a removal that the server confirms and did not do is not believed', async () => {
    const service = await ready();
    const key = newKey();
    await s3().put(key, 'x');
    failNth(1, { kind: 'answer', status: 204 }, isDelete);
    expect(await codeOf(service.remove(key, md5('x'), live))).toBe('OBJECT_UNVERIFIED');
  });

  test('an object that was replaced in between is left alone where the server can tell', async () => {
    if (!features.deleteOnly) return;
    const service = await ready();
    const key = newKey();
    await s3().put(key, 'x');
    failNth(1, { kind: 'after', first: () => s3().put(key, 'y') }, isDelete);
    expect(await service.remove(key, md5('x'), live)).toBe('changed');
    expect((await s3().read(key)).toString()).toBe('y');
  });
});

describe('a listing of three pages', () => {
  const keys = Array.from({ length: 2100 }, (_, index) => `pages/${String(index).padStart(5, '0')}`);
  const firstPage = keys.slice(0, 1000);

  beforeAll(async () => {
    await s3().putAll(keys);
  });

  async function listed(): Promise<{ keys: string[]; inventory: Inventory<unknown> }> {
    const inventory = newService().list('pages/', { shallow: false }, live);
    const seen: string[] = [];
    for await (const batch of inventory.batches) seen.push(...batch.map(({ key }) => key));
    return { keys: seen, inventory };
  }

  const swap = (body: string): string =>
    body.replace('01200', 'other').replace('01201', '01200').replace('other', '01201');

  const rewritten = (from: string | RegExp, to: string): Fault => ({
    kind: 'rewrite',
    body: (body) => body.replace(from, to),
  });
  const FAILED = 'LISTING_FAILED';
  const TRUNCATED = '<IsTruncated>true</IsTruncated>';
  const SIZE = /<Size>\d+<\/Size>/;
  const error = '<Error><Code>InternalError</Code></Error>';

  test.each([
    ['does not say whether more follows', rewritten(TRUNCATED, ''), FAILED],
    ['leaves empty whether more follows', rewritten(TRUNCATED, '<IsTruncated/>'), FAILED],
    ['says with a number that more follows', rewritten(TRUNCATED, '<IsTruncated>1</IsTruncated>'), FAILED],
    ['says twice what follows', rewritten(TRUNCATED, `<IsTruncated>false</IsTruncated>${TRUNCATED}`), FAILED],
    ['has an empty size', rewritten(SIZE, '<Size></Size>'), FAILED],
    ['has a size without content', rewritten(SIZE, '<Size/>'), FAILED],
    ['has a size with a comma', rewritten(SIZE, '<Size>1,2</Size>'), FAILED],
    ['has a size below nothing', rewritten(SIZE, '<Size>-1</Size>'), FAILED],
    ['has a size beyond counting', rewritten(SIZE, '<Size>9007199254740993</Size>'), FAILED],
    ['has entries under a prefix', rewritten(/(<\/?)Contents>/g, '$1s3:Contents>'), FAILED],
    ['has one entry under a prefix', rewritten(/<Contents>(.*?)<\/Contents>/, '<s3:Contents>$1</s3:Contents>'), FAILED],
    ['ends in an error', rewritten(/$/, `${error}\n`), FAILED],
    ['ends too early', rewritten('</ListBucketResult>', ''), FAILED],
    ['is denied', refusal(403, 'AccessDenied'), 'LISTING_FAILED'],
    ['is no listing', { kind: 'answer', status: 200, body: '<html></html>' }, 'LISTING_FAILED'],
    ['is out of order', { kind: 'rewrite', body: swap }, 'LISTING_UNORDERED'],
    ['repeats a key', { kind: 'rewrite', body: (body: string) => body.replace('01201', '01200') }, 'LISTING_UNORDERED'],
    [
      'begins before the first page ended',
      { kind: 'rewrite', body: (body: string) => body.replace('01000', '00500') },
      'LISTING_UNORDERED',
    ],
    [
      'holds a key from elsewhere',
      { kind: 'rewrite', body: (body: string) => body.replace(/pages(%2F|\/)01200/, 'sales/01200') },
      'LISTING_FAILED',
    ],
  ] as [string, Fault, string][])('whose second page %s is believed up to the first', async (_what, fault, code) => {
    failNth(2, fault, isList);
    const { keys: seen, inventory } = await listed();
    expect(seen).toEqual(firstPage);
    expect(inventory.problems()).toMatchObject([{ code, hides: true }]);
    expect(inventory.problems()[0]?.message).toContain('page 2');
    expect(inventory.vouchesFor('pages/00500x')).toBe(true);
    expect(inventory.vouchesFor('pages/00999')).toBe(true);
    expect(inventory.vouchesFor('pages/01000')).toBe(false);
    expect(inventory.vouchesFor('pages/99999')).toBe(false);
  });

  test.each([
    [
      'does not say where it goes on',
      (body: string) => body.replace(/<NextContinuationToken>.*?<\/NextContinuationToken>/, ''),
    ],
    [
      'goes on where it began',
      (body: string) => {
        const token = proxy.seen.findLast(isList)?.query.get('continuation-token') ?? '';
        return body.replace(/(<NextContinuationToken>).*?(<\/NextContinuationToken>)/, `$1${token}$2`);
      },
    ],
  ])('whose second page %s is believed up to that page', async (_what, body) => {
    failNth(2, { kind: 'rewrite', body }, isList);
    const { keys: seen, inventory } = await listed();
    expect(seen).toEqual(keys.slice(0, 2000));
    expect(inventory.problems()).toMatchObject([{ code: 'LISTING_FAILED', hides: true }]);
    expect([inventory.vouchesFor('pages/01999'), inventory.vouchesFor('pages/02000')]).toEqual([true, false]);
  });

  test.each([' true ', 'True', '\n  true\n'])('goes on where a page says %j of whether more follows', async (word) => {
    failNth(2, rewritten('>true<', `>${word}<`), isList);
    const { keys: seen, inventory } = await listed();
    expect([seen.length, inventory.problems()]).toEqual([2100, []]);
  });

  test('takes an empty storage class for the usual one', async () => {
    failNth('every', rewritten(/<StorageClass>STANDARD</g, '<StorageClass><'), isList);
    const classes = new Set<string>();
    for await (const batch of newService().list('pages/', { shallow: false }, live).batches) {
      for (const { storageClass } of batch) classes.add(storageClass);
    }
    expect([...classes]).toEqual(['STANDARD']);
  });

  test('survives a page that fails once', async () => {
    failNth(2, { kind: 'break-before' }, isList);
    const { keys: seen, inventory } = await listed();
    expect([seen.length, inventory.problems()]).toEqual([2100, []]);
  });

  test('fetches at most one page ahead, and none after it was left', async () => {
    for await (const _batch of newService().list('pages/', { shallow: false }, live).batches) break;
    await newService()
      .objectExists('photos/x', live)
      .catch(() => {});
    expect(proxy.seen.filter(isList).length).toBeLessThanOrEqual(2);
  });

  test('throws the reason when it is cancelled, instead of ending early', async () => {
    const stop = new AbortController();
    const batches = newService().list('pages/', { shallow: false }, stop.signal).batches;
    const read = async (): Promise<void> => {
      for await (const _batch of batches) stop.abort(new RollcallError('CANCELLED', 'enough'));
    };
    expect(await codeOf(read())).toBe('CANCELLED');
  });
});
