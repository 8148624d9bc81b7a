/** BucketPort.copy and restore on a bad day: a real server behind a proxy that breaks, delays or falsifies answers. */
import { randomBytes } from 'node:crypto';
import { CopyObjectCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type OpenedClient, openS3Client } from '../../src/bucket/client.ts';
import { S3Service } from '../../src/bucket/s3-service.ts';
import { RollcallError } from '../../src/errors.ts';
import type { BucketFeatures, CopyRequest } from '../../src/sync/bucket-port.ts';
import { contractS3, md5 } from '../support/contract-s3.ts';
import { type Fault, type FaultProxy, type SeenRequest, startFaultProxy } from '../support/fault-proxy.ts';

const MIB = 1024 * 1024;
const live = new AbortController().signal;
const s3 = contractS3();
let proxy: FaultProxy;
let opened: OpenedClient;
/** What the server under test honours. */
let features: BucketFeatures;

beforeAll(async () => {
  proxy = await startFaultProxy(s3().target.endpoint);
  const { region, accessKeyId, secretAccessKey } = s3().target;
  const credentials = { accessKeyId, secretAccessKey };
  opened = openS3Client({ endpoint: proxy.endpoint, region, forcePathStyle: true, credentials }, { maxSockets: 16 });
  features = await newService().learn('probed/', null, live);
});

afterEach(() => proxy.reset());

afterAll(async () => {
  opened?.close();
  await proxy?.close();
});

const newService = (wholeCopyLimit = 5 * 1024 * MIB): S3Service =>
  new S3Service(
    opened.client,
    { endpoint: proxy.endpoint, bucket: s3().bucket },
    { partConcurrency: 2, wholeCopyLimit },
  );

/** Past its probe, which the faults of a test are not meant for. */
async function ready(known = features, wholeCopyLimit?: number): Promise<S3Service> {
  const service = newService(wholeCopyLimit);
  await service.learn('photos/', known, live);
  return service;
}

/** Befalls the nth request that is of this kind. */
function failNth(nth: number | 'every', fault: Fault, isIt: (request: SeenRequest) => boolean): void {
  let met = 0;
  proxy.fail((request) => {
    if (!isIt(request)) return null;
    met++;
    return nth === 'every' || met === nth ? fault : null;
  });
}

const isCopy = ({ headers }: SeenRequest): boolean => headers['x-amz-copy-source'] !== undefined;
const isComplete = ({ method, query }: SeenRequest): boolean => method === 'POST' && query.has('uploadId');
const isRestore = ({ query }: SeenRequest): boolean => query.has('restore');
const errorBody = (code: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>no</Message></Error>`;
const refusal = (status: number, code: string): Fault => ({
  kind: 'answer',
  status,
  headers: { 'content-type': 'application/xml' },
  body: errorBody(code),
});
/** The server claims to have made a copy with this ETag, and has done nothing. */
const claim = (etag: string): Fault => ({
  kind: 'answer',
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body: `<CopyObjectResult><ETag>${etag}</ETag></CopyObjectResult>`,
});

interface Pair extends CopyRequest {
  readonly content: Buffer;
}

/** A source that is there, and a key for its copy. */
async function pair(bytes: string | Buffer, more: object = {}): Promise<Pair> {
  const content = Buffer.from(bytes);
  const key = `photos/${randomBytes(6).toString('hex')}.jpg`;
  await s3().put(key, content, more);
  const from = { key, size: content.length, etag: md5(content), storageClass: 'STANDARD' };
  return { from, to: `${key}.copy`, condition: { absent: true }, md5: null, partSize: null, content };
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

/** What is under a key by now, asked of the server itself. */
const there = async (key: string): Promise<string | null> =>
  (await s3().keys(key)).includes(key) ? (await s3().read(key)).toString() : null;

const unfinishedUploads = async (): Promise<number> =>
  (await s3().client.send(new ListMultipartUploadsCommand({ Bucket: s3().bucket }))).Uploads?.length ?? 0;

describe('a copy', () => {
  test.each([
    ['the connection broke', { kind: 'break-before' }],
    ['the server failed', refusal(500, 'InternalError')],
    ['the server was busy', refusal(503, 'SlowDown')],
    ['the server failed after its 200 had gone out', { kind: 'rewrite', body: () => errorBody('InternalError') }],
    ['the server had nothing to say', { kind: 'rewrite', body: () => '' }],
  ] as [string, Fault][])('is tried again when %s, and every try is counted', async (_what, fault) => {
    const service = await ready();
    const request = await pair('again');
    failNth(1, fault, isCopy);
    expect(await service.copy(request, live)).toMatchObject({ etag: md5('again') });
    expect(service.requests().copy).toBe(2);
    expect(await there(request.to)).toBe('again');
  });

  test('whose answer was lost is recognised as done', async () => {
    const service = await ready();
    const request = await pair('once', { StorageClass: 'STANDARD_IA', Metadata: { mtime: '1' } });
    failNth(1, { kind: 'break-after' }, isCopy);
    const from = { ...request.from, storageClass: 'STANDARD_IA' };
    expect(await service.copy({ ...request, from }, live)).toMatchObject({
      etag: md5('once'),
      storageClass: 'STANDARD_IA',
      copied: !features.copyCreateOnly,
    });
    expect(await there(request.to)).toBe('once');
  });

  test('of a version to be replaced whose answer was lost is recognised as done', async () => {
    const service = await ready();
    const request = await pair('new');
    await s3().put(request.to, 'old');
    failNth(1, { kind: 'break-after' }, isCopy);
    const condition = { etag: md5('old') };
    expect(await service.copy({ ...request, condition }, live)).toMatchObject({ etag: md5('new') });
    expect(await there(request.to)).toBe('new');
  });

  test('that was denied is denied, also inside an answer of 200', async () => {
    const service = await ready();
    const request = await pair('x');
    failNth(1, refusal(403, 'AccessDenied'), isCopy);
    expect(await codeOf(service.copy(request, live))).toBe('OBJECT_DENIED');
    failNth('every', refusal(200, 'AccessDenied'), isCopy);
    expect(await codeOf(service.copy(request, live))).toBe('OBJECT_DENIED');
  });

  test('onto a key that another writer took meanwhile does not replace theirs, where the server can tell', async () => {
    if (!features.copyCreateOnly) return;
    const service = await ready();
    const request = await pair('ours');
    failNth(1, { kind: 'after', first: () => s3().put(request.to, 'theirs') }, isCopy);
    expect(await codeOf(service.copy(request, live))).toBe('OBJECT_PRECONDITION');
    expect(await there(request.to)).toBe('theirs');
  });

  test('onto a key where another process made the same copy is an agreement', async () => {
    const service = await ready();
    const request = await pair('both');
    failNth(1, { kind: 'after', first: () => s3().put(request.to, 'both') }, isCopy);
    expect(await service.copy(request, live)).toMatchObject({ etag: md5('both'), copied: !features.copyCreateOnly });
  });

  test('of a source that is replaced at the last moment is not passed off as the old one', async () => {
    for (const content of ['new', 'longer']) {
      const service = await ready();
      const request = await pair('old');
      failNth(1, { kind: 'after', first: () => s3().put(request.from.key, content) }, isCopy);
      expect(await codeOf(service.copy(request, live))).toBe('OBJECT_PRECONDITION');
      expect(await there(request.to)).toBe(null);
      expect(await there(request.from.key)).toBe(content);
    }
  });

  test('that the server confirms and did not do is not believed', async () => {
    const service = await ready();
    const request = await pair('lost');
    failNth(1, claim('"0123"'), isCopy);
    expect(await codeOf(service.copy(request, live))).toBe('OBJECT_UNVERIFIED');
  });

  test.each([
    ['of another size', 'and some bytes that do not belong there'],
    ['of other bytes', 'full'],
  ])('%s than its source is not believed', async (_what, found) => {
    const service = await ready({ ...features, copyCreateOnly: true });
    const request = await pair('half');
    await s3().put(request.to, found);
    failNth(1, claim(`"${md5(found)}"`), isCopy);
    const error = await failure(service.copy(request, live));
    expect(error.code).toBe('OBJECT_UNVERIFIED');
    expect(error.message).toContain(`cannot copy s3://${s3().bucket}/${request.from.key} to ${request.to}: `);
    expect(error.message).toMatch(/its copy has 39 bytes|the ETag of its copy tells other bytes/);
    expect(await there(request.to)).toBe(found);
  });

  test('that was replaced right after it was made is not believed', async () => {
    const service = await ready({ ...features, copyCreateOnly: true });
    const request = await pair('ours');
    await s3().put(request.to, 'them');
    failNth(1, claim(`"${randomBytes(16).toString('hex')}"`), isCopy);
    await expect(service.copy(request, live)).rejects.toThrow('replaced right after');
    expect(await there(request.to)).toBe('them');
  });

  test('whose ETag the answer does not tell is looked at', async () => {
    const service = await ready();
    const request = await pair('untold');
    const body = (): string => '<CopyObjectResult><LastModified>2026-01-01T00:00:00Z</LastModified></CopyObjectResult>';
    failNth(1, { kind: 'rewrite', body }, isCopy);
    expect(await service.copy(request, live)).toMatchObject({ etag: md5('untold'), copied: true });
  });
});

describe('a server that does not look at which version it copies', () => {
  /** Its condition on the target holds; the claim stands for a copy that was made of whatever the source was. */
  const careless = () => ready({ ...features, copyCreateOnly: true });

  test('has its copy of another version taken back, so that it is not in the way', async () => {
    const request = await pair('old');
    await s3().put(request.from.key, 'new');
    await s3().client.send(
      new CopyObjectCommand({ Bucket: s3().bucket, Key: request.to, CopySource: `${s3().bucket}/${request.from.key}` }),
    );
    failNth(1, claim(md5('new')), isCopy);
    expect(await codeOf((await careless()).copy({ ...request, md5: md5('old') }, live))).toBe('OBJECT_PRECONDITION');
    expect(await there(request.to)).toBe(null);
    expect(await there(request.from.key)).toBe('new');
  });

  test('has nothing taken back that is not its copy', async () => {
    const request = await pair('old');
    await s3().put(request.from.key, 'new');
    await s3().put(request.to, 'somebody else’s');
    failNth(1, claim(md5('new')), isCopy);
    expect(await codeOf((await careless()).copy(request, live))).toBe('OBJECT_PRECONDITION');
    expect(await there(request.to)).toBe('somebody else’s');
  });
});

describe('under KMS, where an ETag tells nothing', () => {
  const encrypted = { 'x-amz-server-side-encryption': 'aws:kms' };

  /** Gives the target an ETag of its own in all answers. */
  function encrypt({ to }: CopyRequest, lost = false): string {
    const etag = randomBytes(16).toString('hex');
    let copies = 0;
    proxy.fail((request) => {
      if (!decodeURIComponent(request.path).endsWith(to)) return null;
      if (isCopy(request) && lost && ++copies === 1) return { kind: 'break-after' };
      if (isCopy(request)) return { kind: 'rewrite', body: (body) => body.replace(/[0-9a-f]{32}/, etag) };
      return request.method === 'HEAD' ? { kind: 'rewrite', headers: { etag: `"${etag}"`, ...encrypted } } : null;
    });
    return etag;
  }

  test('a copy is proved by its size and the version of its source', async () => {
    const request = await pair('secret', { Metadata: { mtime: '1' } });
    const etag = encrypt(request);
    const done = await (await ready()).copy({ ...request, md5: md5('secret'), partSize: 7 }, live);
    expect(done).toEqual({ etag, partSize: null, storageClass: 'STANDARD', copied: true });
  });

  test('a copy whose answer was lost is recognised by the MD5 that is kept with it', async () => {
    const md5chksum = Buffer.from(md5('secret'), 'hex').toString('base64');
    const request = { ...(await pair('secret', { Metadata: { md5chksum } })), md5: md5('secret') };
    const etag = encrypt(request, true);
    expect(await (await ready()).copy(request, live)).toMatchObject({ etag, copied: !features.copyCreateOnly });
  });

  test('without that it is not recognised', async () => {
    if (!features.copyCreateOnly) return;
    const request = { ...(await pair('secret')), md5: md5('secret') };
    encrypt(request, true);
    expect(await codeOf((await ready()).copy(request, live))).toBe('OBJECT_PRECONDITION');
  });
});

describe('a copy in parts', () => {
  const LIMIT = 6 * MIB;
  const content = randomBytes(20 * MIB);
  const inParts = (known = features) => ready(known, LIMIT);

  test('sends a part again that failed, also inside an answer of 200', async () => {
    for (const fault of [
      { kind: 'break-before' },
      { kind: 'rewrite', body: () => errorBody('InternalError') },
    ] as Fault[]) {
      const service = await inParts();
      const request = await pair(content);
      failNth(2, fault, isCopy);
      expect(await service.copy(request, live)).toMatchObject({ partSize: LIMIT, copied: true });
      expect((await s3().read(request.to)).equals(content)).toBe(true);
      expect(service.requests().copy).toBe(7);
      proxy.reset();
    }
  });

  test('is abandoned when a part is refused, and that is the error', async () => {
    const service = await inParts();
    const request = await pair(content);
    failNth(2, refusal(403, 'AccessDenied'), isCopy);
    await expect(service.copy(request, live)).rejects.toThrow(/cannot copy part \d of .*access denied/);
    expect(await there(request.to)).toBe(null);
    expect(await unfinishedUploads()).toBe(0);
  });

  test('is abandoned when it is cancelled', async () => {
    const stop = new AbortController();
    const reason = new RollcallError('CANCELLED', 'enough');
    const service = await inParts();
    const request = await pair(content);
    failNth(2, { kind: 'after', first: async () => stop.abort(reason) }, isCopy);
    await expect(service.copy(request, stop.signal)).rejects.toBe(reason);
    expect(await there(request.to)).toBe(null);
    expect(await unfinishedUploads()).toBe(0);
  });

  test('is not put together when the source is replaced on the way', async () => {
    const service = await inParts();
    const request = await pair(content);
    failNth(3, { kind: 'after', first: () => s3().put(request.from.key, randomBytes(content.length)) }, isCopy);
    expect(await codeOf(service.copy(request, live))).toBe('OBJECT_PRECONDITION');
    expect(await there(request.to)).toBe(null);
    expect(await unfinishedUploads()).toBe(0);
  });

  test('whose completion was lost is recognised as done', async () => {
    const service = await inParts();
    const request = await pair(content);
    failNth(1, { kind: 'break-after' }, isComplete);
    const done = await service.copy(request, live);
    expect(done).toMatchObject({ partSize: LIMIT });
    expect(done.etag).toMatch(/-4$/);
    expect((await s3().read(request.to)).equals(content)).toBe(true);
    expect(await unfinishedUploads()).toBe(0);
  });

  test('of which the server makes something else is not believed', async () => {
    const service = await inParts({ ...features, createOnlyMultipart: true });
    const request = await pair(content);
    await s3().put(request.to, 'short');
    const body = '<CompleteMultipartUploadResult><ETag>"0123"</ETag></CompleteMultipartUploadResult>';
    failNth('every', { kind: 'answer', status: 200, body }, isComplete);
    await expect(service.copy(request, live)).rejects.toThrow('its copy has 5 bytes');
    expect(await there(request.to)).toBe('short');
  });

  test('has no more parts under way than there are slots, however many copies', async () => {
    const service = await inParts();
    let [now, most] = [0, 0];
    const two = Promise.withResolvers<void>();
    const first = async (): Promise<void> => {
      now++;
      most = Math.max(most, now);
      if (now === 2) two.resolve();
      await two.promise;
      await new Promise(setImmediate);
      now--;
    };
    failNth('every', { kind: 'after', first }, isCopy);
    const requests = [await pair(content), await pair(content)];
    await Promise.all(requests.map((request) => service.copy(request, live)));
    expect(most).toBe(2);
  });
});

describe('a restore', () => {
  const asked = { days: 3, tier: 'Bulk' } as const;

  test.each([
    [501, 'NotImplemented', /the server does not restore archived objects \(501\)/],
    [405, 'MethodNotAllowed', /the server does not restore archived objects \(405\)/],
    [400, 'InvalidArgument', /cannot restore .*InvalidArgument/],
  ])('that is refused with %i says why', async (status, code, why) => {
    failNth('every', refusal(status, code), isRestore);
    const error = await failure((await ready()).restore('photos/x', asked, live));
    expect(error).toMatchObject({ code: 'OBJECT_REJECTED', retryable: false });
    expect(error.message).toMatch(why);
  });

  test('that is denied is denied', async () => {
    failNth('every', refusal(403, 'AccessDenied'), isRestore);
    expect(await codeOf((await ready()).restore('photos/x', asked, live))).toBe('OBJECT_DENIED');
  });

  test.each([
    [409, 'RestoreAlreadyInProgress', 'in progress'],
    [403, 'InvalidObjectState', 'readable'],
    [403, 'ObjectAlreadyInActiveTierError', 'readable'],
  ])('answered with %i %s is %s', async (status, code, answer) => {
    failNth('every', refusal(status, code), isRestore);
    expect(await (await ready()).restore('photos/x', asked, live)).toBe(answer);
  });
});

describe('what a HEAD tells of a restore', () => {
  test.each([
    ['ongoing-request="true"', { ongoing: true, untilMs: null }],
    [
      'ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"',
      { ongoing: false, untilMs: Date.UTC(2012, 11, 21) },
    ],
    ['ongoing-request="false", expiry-date="soon"', { ongoing: false, untilMs: null }],
    ['ongoing-request="false"', { ongoing: false, untilMs: null }],
  ])('%s', async (header, restore) => {
    const { from } = await pair('cold');
    proxy.fail(() => ({ kind: 'rewrite', headers: { 'x-amz-restore': header } }));
    expect((await (await ready()).head(from.key, live))?.restore).toEqual(restore);
  });
});
