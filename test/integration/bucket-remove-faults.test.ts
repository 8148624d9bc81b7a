/** BucketPort.removeMany on a bad day: a real server behind a proxy that breaks, delays or falsifies single answers. */
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type OpenedClient, openS3Client } from '../../src/bucket/client.ts';
import { S3Service } from '../../src/bucket/s3-service.ts';
import { RollcallError } from '../../src/errors.ts';
import type { BucketFeatures } from '../../src/sync/bucket-port.ts';
import { contractS3, md5 } from '../support/contract-s3.ts';
import { type Fault, type FaultProxy, type SeenRequest, startFaultProxy } from '../support/fault-proxy.ts';

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

const newService = (): S3Service =>
  new S3Service(
    opened.client,
    { endpoint: proxy.endpoint, bucket: s3().bucket },
    { partConcurrency: 2, checkConcurrency: 4 },
  );

/** Past its probe, which the faults of a test are not meant for. */
async function ready(known = features): Promise<S3Service> {
  const service = newService();
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

const isMany = ({ method, query }: SeenRequest): boolean => method === 'POST' && query.has('delete');
const isHead = ({ method }: SeenRequest): boolean => method === 'HEAD';
const XML = { 'content-type': 'application/xml' };
const refusal = (status: number, code: string): Fault => ({
  kind: 'answer',
  status,
  headers: XML,
  body: `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>no</Message></Error>`,
});
const result = (text: string): Fault => ({
  kind: 'answer',
  status: 200,
  headers: XML,
  body: `<?xml version="1.0" encoding="UTF-8"?><DeleteResult>${text}</DeleteResult>`,
});
const errorOf = (key: string, code: string): string =>
  `<Error><Key>${key}</Key><Code>${code}</Code><Message>no</Message></Error>`;

/** So many objects, in a folder of their own. */
async function store(count: number, content = 'x') {
  const folder = `photos/${randomBytes(6).toString('hex')}/`;
  const keys = Array.from({ length: count }, (_, index) => `${folder}${String(index).padStart(4, '0')}.jpg`);
  await s3().putAll(keys, content);
  return { folder, keys, objects: keys.map((key) => ({ key, etag: md5(content) })) };
}

const codeOf = (answer: unknown): unknown => (answer instanceof RollcallError ? answer.code : answer);

describe.each([
  ['with ETags', true],
  ['after a look', false],
])('removing many %s', (_how, deleteManyOnly) => {
  // A server that does not honour them takes them all the same; what it would not refuse is not tried here.
  const service = () => ready({ ...features, deleteManyOnly });

  test('is tried again after a fault of the server, and every try is counted', async () => {
    for (const fault of [{ kind: 'break-before' }, refusal(503, 'SlowDown')] as Fault[]) {
      const { folder, keys, objects } = await store(3);
      const removing = await service();
      failNth(1, fault, isMany);
      expect([...(await removing.removeMany(objects, live))]).toEqual(keys.map((key) => [key, 'deleted']));
      expect(removing.requests().delete).toBe(2);
      expect(await s3().keys(folder)).toEqual([]);
    }
  });

  test('whose answer was lost is recognised as done', async () => {
    const { folder, keys, objects } = await store(3);
    failNth(1, { kind: 'break-after' }, isMany);
    expect([...(await (await service()).removeMany(objects, live))]).toEqual(keys.map((key) => [key, 'deleted']));
    expect(await s3().keys(folder)).toEqual([]);
  });

  test('tells for each why it is still there, and does not throw for one', async () => {
    const { keys, objects } = await store(5);
    const [denied, changed, gone, broken, locked] = keys.map(String) as [string, string, string, string, string];
    const told =
      errorOf(denied, 'AccessDenied') +
      errorOf(changed, 'PreconditionFailed') +
      errorOf(gone, 'NoSuchKey') +
      errorOf(broken, 'InternalError') +
      errorOf(locked, 'InvalidRequest');
    failNth('every', result(told), isMany);
    const answers = await (await service()).removeMany(objects, live);
    expect(keys.map((key) => codeOf(answers.get(key)))).toEqual([
      'OBJECT_DENIED',
      'changed',
      'deleted',
      'OBJECT_UNAVAILABLE',
      'OBJECT_REJECTED',
    ]);
    expect(String(answers.get(denied))).toContain(`cannot remove s3://${s3().bucket}/${denied}: access denied`);
  });

  test('looks at those of which the answer tells nothing', async () => {
    const { folder, keys, objects } = await store(3);
    failNth(1, { kind: 'rewrite', body: (body) => body.replace(/<Deleted>.*<\/Deleted>/s, '') }, isMany);
    const done = await (await service()).removeMany(objects, live);
    expect(keys.map((key) => done.get(key))).toEqual(['deleted', 'deleted', 'deleted']);
    expect(await s3().keys(folder)).toEqual([]);

    const left = await store(2);
    await s3().put(left.keys[1]!, 'changed');
    failNth('every', result(''), isMany);
    const answers = await (await ready({ ...features, deleteManyOnly: true })).removeMany(left.objects, live);
    expect(left.keys.map((key) => codeOf(answers.get(key)))).toEqual(['OBJECT_UNVERIFIED', 'changed']);
  });

  test('answers for each what the request as a whole was refused for, and asks no more', async () => {
    const { folder, keys, objects } = await store(1200);
    failNth('every', refusal(403, 'AccessDenied'), isMany);
    const removing = await service();
    const answers = await removing.removeMany(objects, live);
    expect(new Set(keys.map((key) => codeOf(answers.get(key))))).toEqual(new Set(['BUCKET_DENIED']));
    expect(String(answers.get(keys[0]!))).toContain('need s3:DeleteObject');
    expect(removing.requests().delete).toBe(1);
    expect(await s3().keys(folder)).toHaveLength(1200);
  });

  test.each([
    [501, 'NotImplemented'],
    [405, 'MethodNotAllowed'],
    [400, 'MalformedXML'],
  ])('removes them one by one where that is all the server does (%i %s)', async (status, code) => {
    const { folder, keys, objects } = await store(6);
    await s3().put(keys[0]!, 'changed');
    failNth('every', refusal(status, code), isMany);
    const answers = await (await service()).removeMany(objects, live);
    expect(keys.map((key) => answers.get(key))).toEqual(['changed', ...keys.slice(1).map(() => 'deleted')]);
    expect(await s3().keys(folder)).toEqual([keys[0]]);
  });

  test('throws the reason when it is cancelled on the way', async () => {
    const { objects } = await store(2);
    const stop = new AbortController();
    const reason = new RollcallError('LOCK_LOST', 'the lock is lost');
    failNth(1, { kind: 'after', first: async () => stop.abort(reason) }, isMany);
    await expect((await service()).removeMany(objects, stop.signal)).rejects.toBe(reason);
  });
});

describe('removing many where each must be looked at', () => {
  const looking = () => ready({ ...features, deleteManyOnly: false });

  test('leaves those that it may not look at', async () => {
    const { folder, keys, objects } = await store(3);
    failNth('every', { kind: 'answer', status: 403 }, (seen) => isHead(seen) && seen.path.endsWith(keys[1]!));
    const answers = await (await looking()).removeMany(objects, live);
    expect(keys.map((key) => codeOf(answers.get(key)))).toEqual(['deleted', 'OBJECT_DENIED', 'deleted']);
    expect(await s3().keys(folder)).toEqual([keys[1]]);
  });

  test('looks at no more of them at once than it may', async () => {
    const { objects } = await store(40);
    let [now, most] = [0, 0];
    const four = Promise.withResolvers<void>();
    const first = async (): Promise<void> => {
      now++;
      most = Math.max(most, now);
      if (now === 4) four.resolve();
      await four.promise;
      await new Promise(setImmediate);
      now--;
    };
    failNth('every', { kind: 'after', first }, isHead);
    await (await looking()).removeMany(objects, live);
    expect(most).toBe(4);
  });

  test('throws the reason when it is cancelled while it looks', async () => {
    const { folder, objects } = await store(20);
    const stop = new AbortController();
    const reason = new RollcallError('CANCELLED', 'enough');
    failNth(3, { kind: 'after', first: async () => stop.abort(reason) }, isHead);
    await expect((await looking()).removeMany(objects, stop.signal)).rejects.toBe(reason);
    expect(await s3().keys(folder)).toHaveLength(20);
    expect(proxy.seen.filter(isHead).length).toBeLessThan(12);
  });
});

test('an object that was replaced at the last moment is left alone where the server can tell', async () => {
  if (!features.deleteManyOnly) return;
  const { keys, objects } = await store(3);
  failNth(1, { kind: 'after', first: () => s3().put(keys[1]!, 'theirs') }, isMany);
  const answers = await (await ready()).removeMany(objects, live);
  expect(keys.map((key) => answers.get(key))).toEqual(['deleted', 'changed', 'deleted']);
  expect((await s3().read(keys[1]!)).toString()).toBe('theirs');
});

test('the request carries a Content-MD5, and no checksum that some servers refuse', async () => {
  const { objects } = await store(1);
  await (await ready()).removeMany(objects, live);
  const headers = proxy.seen.find(isMany)?.headers ?? {};
  expect(headers['content-md5']).toMatch(/^[\w+/]{22}==$/);
  expect(Object.keys(headers).filter((name) => name.includes('checksum'))).toEqual([]);
});
