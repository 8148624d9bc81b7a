/**
 * What BucketPort promises of objects that can be made again, and of addresses to read objects at, against the embedded
 * server or the one at CONTRACT_S3_ENDPOINT (see test/support/contract-s3.ts).
 */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { HttpRequest } from '@smithy/core/protocols';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OpenedClient, openS3Client } from '../../src/bucket/client.ts';
import { S3Service } from '../../src/bucket/s3-service.ts';
import { contractS3, md5, needs } from '../support/contract-s3.ts';
import { pathOf } from '../support/contract-s3-http.ts';

const live = new AbortController().signal;
const s3 = contractS3();
let opened: OpenedClient;
let service: S3Service;

beforeAll(async () => {
  const { endpoint, region, accessKeyId, secretAccessKey } = s3().target;
  const credentials = { accessKeyId, secretAccessKey };
  opened = openS3Client({ endpoint, region, forcePathStyle: true, credentials }, { maxSockets: 4 });
  service = serviceOf(opened.client);
});

afterAll(() => opened?.close());

function serviceOf(client: S3Client, bucket = s3().bucket): S3Service {
  return new S3Service(client, { endpoint: s3().target.endpoint, bucket }, { partConcurrency: 1 });
}

const KEY = 'variants/aa/thumb.webp';
const derived = (bytes: string, key = KEY) => ({
  key,
  bytes: Buffer.from(bytes),
  contentType: 'image/webp',
  cacheControl: 'public, max-age=31536000, immutable',
});

describe('an object that can be made again', () => {
  test('is there with its type and for how long it may be kept, known by its ETag', async () => {
    expect(await service.putDerived(derived('a small picture'), live)).toEqual({ etag: md5('a small picture') });
    const head = await s3().client.send(new HeadObjectCommand({ Bucket: s3().bucket, Key: KEY }));
    expect(head).toMatchObject({
      ContentType: 'image/webp',
      CacheControl: 'public, max-age=31536000, immutable',
      ContentLength: 15,
    });
    expect((await s3().read(KEY)).toString()).toBe('a small picture');
  });

  test('costs one request, and is written over what was there', async () => {
    const one = serviceOf(opened.client);
    await one.putDerived(derived('first'), live);
    expect(one.requests()).toMatchObject({ put: 1, head: 0 });
    await one.putDerived(derived('second'), live);
    expect((await s3().read(KEY)).toString()).toBe('second');
  });

  test('is listed under its prefix, and removed like any other', async () => {
    const keys = ['derived/b.webp', 'derived/a.webp', 'derived/c/d.webp'];
    for (const key of keys) await service.putDerived(derived(key, key), live);
    const listed = [];
    for await (const batch of service.list('derived/', { shallow: false }, live).batches) listed.push(...batch);
    expect(listed.map(({ key, etag }) => [key, etag])).toEqual(keys.toSorted().map((key) => [key, md5(key)]));
    const answers = await service.removeMany(listed, live);
    expect([...answers.values()]).toEqual(['deleted', 'deleted', 'deleted']);
    expect(await s3().keys('derived/')).toEqual([]);
  });

  test('is not there when other bytes arrive than were sent', async () => {
    const client = s3().clientWith({ requestChecksumCalculation: 'WHEN_REQUIRED' });
    client.middlewareStack.add(
      (next) => (args) => {
        if (HttpRequest.isInstance(args.request)) args.request.body = Buffer.from('a small pictusg');
        return next(args);
      },
      { step: 'build', priority: 'low' },
    );
    const key = 'variants/bb/thumb.webp';
    const writing = serviceOf(client).putDerived(derived('a small picture', key), live);
    await expect(writing).rejects.toMatchObject({ code: 'OBJECT_UNVERIFIED' });
    expect(await s3().keys(key)).toEqual([]);
  });

  test('cannot be written to a bucket that is not there', async () => {
    const writing = serviceOf(opened.client, 'rollcall-contract-nowhere').putDerived(derived('x'), live);
    await expect(writing).rejects.toMatchObject({ code: 'BUCKET_MISSING' });
  });

  test('is not written once the signal has aborted', async () => {
    const stopped = AbortSignal.abort(new Error('stopped'));
    await expect(service.putDerived(derived('x', 'variants/never'), stopped)).rejects.toThrow('stopped');
    expect(await s3().keys('variants/never')).toEqual([]);
  });
});

const ODD_KEYS = ["a b/+%25 'quoted' (1)!*.jpg", 'é/Zürich ☃ 😀.jpg', 'a?b&c=d#e;f,g:@h.jpg', 'x~_-.jpg', 'a//b.jpg'];

describe('an address', () => {
  const hour = { expiresSeconds: 3600 };

  test.each(ODD_KEYS)('of %s is one at which anybody reads it', async (key) => {
    await s3().put(key, `the bytes of ${key}`);
    const response = await fetch(await service.presign(key, hour));
    expect([response.status, await response.text()]).toEqual([200, `the bytes of ${key}`]);
  });

  test('is what the specification says, and costs no request', async () => {
    const key = 'x/é + 1.jpg';
    const asker = serviceOf(opened.client);
    const address = new URL(await asker.presign(key, hour));
    const [, y, m, d, time] = /^(\d{4})(\d\d)(\d\d)T(\d{6})Z$/.exec(address.searchParams.get('X-Amz-Date') ?? '') ?? [];
    const date = new Date(`${y}-${m}-${d}T${time?.replace(/(..)(..)(..)/, '$1:$2:$3')}Z`);
    const path = pathOf(s3().bucket, key);
    expect(address.href).toBe(s3().raw.presign({ method: 'GET', path, date }, 3600));
    expect(asker.requests()).toMatchObject({ head: 0, get: 0 });
  });

  test('stays the same for a while, for as long as a quarter of its life', async () => {
    const first = await service.presign('same.jpg', { expiresSeconds: 604_800 });
    expect(await serviceOf(opened.client).presign('same.jpg', { expiresSeconds: 604_800 })).toBe(first);
  });

  test('that saves the object says under which name, in any language', async () => {
    await s3().put('named.jpg', 'x');
    const name = 'Zürich "☃".jpg';
    const response = await fetch(await service.presign('named.jpg', { ...hour, downloadName: name }));
    expect(response.status).toBe(200);
    const encoded = "UTF-8''Z%C3%BCrich%20%22%E2%98%83%22.jpg";
    expect(response.headers.get('content-disposition')).toBe(
      `attachment; filename="Z_rich ___.jpg"; filename*=${encoded}`,
    );
  });

  test('is for this object, for reading, and for as long as it says', async () => {
    await s3().put('guarded.jpg', 'secret');
    await s3().put('guardee.jpg', 'other secret');
    const address = await service.presign('guarded.jpg', hour);
    const changed: [string, string][] = [
      [address.replace('guarded', 'guardee'), 'GET'],
      [address.replace('X-Amz-Expires=3600', 'X-Amz-Expires=7200'), 'GET'],
      [address.replace(/Signature=.{8}/, 'Signature=00000000'), 'GET'],
      [`${address}&response-content-type=text%2Fhtml`, 'GET'],
      [address, 'PUT'],
      [address, 'DELETE'],
    ];
    for (const [url, method] of changed) {
      const response = await fetch(url, { method });
      expect([method, response.status, await response.text()]).toEqual([
        method,
        403,
        expect.not.stringContaining('secret'),
      ]);
    }
    expect((await s3().read('guarded.jpg')).toString()).toBe('secret');
  });

  needs('clock')('that has expired is refused', async () => {
    await s3().put('soon.jpg', 'secret');
    const address = await service.presign('soon.jpg', { expiresSeconds: 60 });
    expect((await fetch(address)).status).toBe(200);
    s3().passTime(61_000);
    try {
      expect((await fetch(address)).status).toBe(403);
    } finally {
      s3().passTime(-61_000);
    }
  });

  test.each([0, -1, 0.5, Number.NaN, 604_801])('for %d seconds is refused', async (expiresSeconds) => {
    const asking = service.presign('x', { expiresSeconds });
    await expect(asking).rejects.toMatchObject({ code: 'BAD_INPUT', field: 'expiresSeconds' });
  });

  test('of an object that is not there is one at which there is nothing', async () => {
    expect((await fetch(await service.presign('not there', hour))).status).toBe(404);
  });

  test('where the bucket is a part of the host name is good there', async () => {
    const { endpoint, ...target } = s3().target;
    const url = new URL(endpoint);
    const at = `http://localhost:${url.port}`;
    const client = s3().clientWith({ endpoint: at, forcePathStyle: false, credentials: target });
    const address = new URL(await serviceOf(client).presign('guarded.jpg', hour));
    expect(address.host).toBe(`${s3().bucket}.localhost:${url.port}`);
    expect(address.pathname).toBe('/guarded.jpg');
    if (process.env['CONTRACT_S3_ENDPOINT'] !== undefined) return;
    await s3().put('guarded.jpg', 'secret');
    const options = { host: url.hostname, port: url.port, path: address.pathname + address.search };
    const [answer] = (await once(get({ ...options, headers: { host: address.host } }), 'response')) as [
      IncomingMessage,
    ];
    expect([answer.statusCode, await text(answer)]).toEqual([200, 'secret']);
  });

  test('at Amazon is in the bucket’s region, and has the token of passing credentials', async () => {
    const client = s3().clientWith({
      endpoint: undefined as never,
      region: 'eu-central-1',
      forcePathStyle: false,
      credentials: { accessKeyId: 'id', secretAccessKey: 'secret', sessionToken: 'a token/+=' },
    });
    const address = new URL(await serviceOf(client, 'my-photos').presign('a b.jpg', hour));
    expect(address.origin).toBe('https://my-photos.s3.eu-central-1.amazonaws.com');
    expect(address.pathname).toBe('/a%20b.jpg');
    expect(address.searchParams.get('X-Amz-Security-Token')).toBe('a token/+=');
    expect(address.searchParams.get('X-Amz-Credential')).toMatch(/^id\/\d{8}\/eu-central-1\/s3\/aws4_request$/);
  });

  test('cannot be made without credentials, and is made once there are some', async () => {
    let there = false;
    const { accessKeyId, secretAccessKey } = s3().target;
    const none = Object.assign(new Error('none to be found'), { name: 'CredentialsProviderError' });
    const client = s3().clientWith({
      credentials: async () => {
        if (there) return { accessKeyId, secretAccessKey };
        throw none;
      },
    });
    const asker = serviceOf(client);
    await expect(asker.presign('x', hour)).rejects.toMatchObject({ code: 'BUCKET_CREDENTIALS' });
    there = true;
    expect((await fetch(await asker.presign('guarded.jpg', hour))).status).toBe(200);
  });

  test('of each of 2,000 objects is its own', async () => {
    const keys = Array.from({ length: 2_000 }, (_, i) => `many/${i}.webp`);
    const addresses = await Promise.all(keys.map((key) => service.presign(key, hour)));
    expect(new Set(addresses.map((address) => new URL(address).searchParams.get('X-Amz-Signature'))).size).toBe(2_000);
  });
});
