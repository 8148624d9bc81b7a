import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { contractS3, etagOf, failureOf, md5, needs } from '../support/contract-s3.ts';
import { pathOf } from '../support/contract-s3-http.ts';

describe('S3 server, objects', () => {
  const s3 = contractS3();
  const head = (Key: string) => s3().client.send(new HeadObjectCommand({ Bucket: s3().bucket, Key }));
  const get = (Key: string) => s3().client.send(new GetObjectCommand({ Bucket: s3().bucket, Key }));

  test.each([0, 1, 65_537, 300_000, 6 * 1024 * 1024])(
    'an object of %i bytes comes back as it was put',
    async (size) => {
      const body = randomBytes(size);
      expect(await s3().put('bytes', body)).toBe(etagOf(body));
      const found = await head('bytes');
      expect([found.ContentLength, found.ETag]).toEqual([size, etagOf(body)]);
      expect(found.LastModified).toBeInstanceOf(Date);
      expect(md5(await s3().read('bytes'))).toBe(md5(body));
    },
  );

  test('an object without a content type is binary', async () => {
    await s3().raw.send({ method: 'PUT', path: pathOf(s3().bucket, 'untyped'), body: 'x' });
    expect((await head('untyped')).ContentType).toBe('binary/octet-stream');
  });

  test('content headers come back with HEAD and GET', async () => {
    const headers = {
      ContentType: 'image/jpeg; charset=binary',
      CacheControl: 'max-age=60, public',
      ContentDisposition: 'attachment; filename="a b.jpg"',
      ContentEncoding: 'gzip',
      ContentLanguage: 'de',
    };
    const Expires = new Date('2031-02-03T04:05:06Z');
    await s3().put('headers', 'x', { ...headers, Expires });
    expect(await head('headers')).toMatchObject({ ...headers, ExpiresString: Expires.toUTCString() });
    expect(await get('headers')).toMatchObject({ ...headers, ExpiresString: Expires.toUTCString() });
  });

  test('response-* parameters of a GET replace the content headers of that answer only', async () => {
    await s3().put('overridden', 'x', { ContentType: 'text/plain' });
    const asked = { ResponseContentType: 'image/png', ResponseContentDisposition: 'attachment; filename="ü.png"' };
    const get = new GetObjectCommand({ Bucket: s3().bucket, Key: 'overridden', ...asked });
    const answer = await s3().client.send(get);
    expect(answer.ContentType).toBe('image/png');
    expect(answer.ContentDisposition).toContain('attachment');
    expect((await head('overridden')).ContentType).toBe('text/plain');
  });

  test('user metadata comes back with names in lower case and values as they were', async () => {
    const Metadata = { mtime: '1700000000.123456789', 'Mixed-Case': 'Value With Case', odd: 'a=b;c,d \'e\' "f"' };
    await s3().put('metadata', 'x', { Metadata });
    const { 'Mixed-Case': mixed, ...rest } = Metadata;
    expect((await head('metadata')).Metadata).toEqual({ ...rest, 'mixed-case': mixed });
  });

  needs('metadata-names')('an underscore in the name of metadata stays one', async () => {
    const Metadata = { with_underscore: '1', 'with-dash': '2' };
    await s3().put('metadata-names', 'x', { Metadata });
    expect((await head('metadata-names')).Metadata).toEqual(Metadata);
  });

  test('metadata written as ASCII stays the ASCII that it was', async () => {
    const Metadata = { name: 'caf%C3%A9 %F0%9F%98%80.jpg' };
    await s3().put('metadata-ascii', 'x', { Metadata });
    expect((await head('metadata-ascii')).Metadata).toEqual(Metadata);
  });

  test('metadata beyond ASCII comes back as UTF-8 or as the encoded words AWS makes of it', async () => {
    const headers = { 'x-amz-meta-name': 'Grüße aus Łódź 😀.jpg' };
    const path = pathOf(s3().bucket, 'metadata-unicode');
    expect((await s3().raw.send({ method: 'PUT', path, headers, body: 'x' })).status).toBe(200);
    const answer = await s3().raw.send({ method: 'HEAD', path });
    expect(decodeHeader(String(answer.headers['x-amz-meta-name']))).toBe(headers['x-amz-meta-name']);
  });

  test('putting again replaces the bytes, the headers and the metadata', async () => {
    await s3().put('again', 'old and longer', {
      ContentType: 'text/html',
      Metadata: { a: '1', b: '2' },
      CacheControl: 'no-store',
    });
    await s3().put('again', 'new', { ContentType: 'text/plain', Metadata: { a: '3' } });
    const found = await head('again');
    expect(found).toMatchObject({ ContentLength: 3, ContentType: 'text/plain', Metadata: { a: '3' } });
    expect(found.CacheControl).toBeUndefined();
    expect((await s3().read('again')).toString()).toBe('new');
  });

  test('a reader during overwrites gets one whole version, with its own ETag', async () => {
    const versions = [randomBytes(900_000), randomBytes(1_100_000)] as const;
    await s3().put('busy', versions[0]);
    const writing = (async () => {
      for (let i = 1; i <= 12; i++) await s3().put('busy', versions[i % 2 === 0 ? 0 : 1]);
    })();
    const reading = Array.from({ length: 24 }, async () => {
      const answer = await get('busy');
      const body = await answer.Body!.transformToByteArray();
      expect([answer.ETag, answer.ContentLength]).toEqual([etagOf(body), body.length]);
    });
    await Promise.all([writing, ...reading]);
  });

  test('a deleted object is gone', async () => {
    await s3().put('deleted', 'x');
    const command = new DeleteObjectCommand({ Bucket: s3().bucket, Key: 'deleted' });
    expect((await s3().client.send(command)).$metadata.httpStatusCode).toBe(204);
    expect(await failureOf(get('deleted'))).toEqual({ name: 'NoSuchKey', status: 404 });
    expect(await s3().keys('deleted')).toEqual([]);
  });

  test('deleting what is not there succeeds', async () => {
    const command = new DeleteObjectCommand({ Bucket: s3().bucket, Key: 'never/was' });
    expect((await s3().client.send(command)).$metadata.httpStatusCode).toBe(204);
  });

  test('GET of a missing key says NoSuchKey, HEAD has no body to say it in', async () => {
    expect(await failureOf(get('missing'))).toEqual({ name: 'NoSuchKey', status: 404 });
    expect(await failureOf(head('missing'))).toEqual({ name: 'NotFound', status: 404 });
    const answer = await s3().raw.send({ method: 'HEAD', path: pathOf(s3().bucket, 'missing') });
    expect([answer.status, answer.body.length]).toEqual([404, 0]);
    // Or else Node's client gives up the connection.
    expect(answer.headers['content-length'] ?? answer.headers['transfer-encoding']).toBeDefined();
  });

  test('a key that is only the beginning of another is missing', async () => {
    await s3().put('folder/file', 'x');
    expect(await failureOf(get('folder'))).toEqual({ name: 'NoSuchKey', status: 404 });
    expect(await failureOf(get('folder/'))).toEqual({ name: 'NoSuchKey', status: 404 });
    expect(await failureOf(get('folder/file/'))).toEqual({ name: 'NoSuchKey', status: 404 });
  });

  test('errors are XML with a request id that the headers tell too', async () => {
    const answer = await s3().raw.send({ method: 'GET', path: pathOf(s3().bucket, 'missing') });
    expect(answer.headers['content-type']).toContain('application/xml');
    const requestId = answer.headers['x-amz-request-id'];
    expect(requestId).toBeTruthy();
    expect(answer.body.toString()).toContain(`<RequestId>${requestId}</RequestId>`);
  });

  needs('error-messages')('errors carry a message for people', async () => {
    const answer = await s3().raw.send({ method: 'GET', path: pathOf(s3().bucket, 'missing') });
    expect(answer.body.toString()).toContain('<Message>The specified key does not exist.</Message>');
  });

  test('a refused upload leaves its connection in order for the next request', async () => {
    const path = pathOf(`${s3().bucket}-missing`, 'big');
    const refused = await s3().raw.send({ method: 'PUT', path, body: randomBytes(3_000_000) });
    expect([refused.status, refused.code]).toEqual([404, 'NoSuchBucket']);
    await s3().put('after-refusal', 'fine');
    expect((await s3().read('after-refusal')).toString()).toBe('fine');
  });

  test('a client that waits for 100-continue before a body is told to go on', async () => {
    const body = randomBytes(5_000);
    const path = pathOf(s3().bucket, 'expected');
    const answer = await s3().raw.send({ method: 'PUT', path, headers: { expect: '100-continue' }, body });
    expect(answer.status).toBe(200);
    expect(md5(await s3().read('expected'))).toBe(md5(body));
  });

  test('a body of unknown length is refused', async () => {
    const put = { method: 'PUT', path: pathOf(s3().bucket, 'unmeasured'), body: 'x', unmeasured: true };
    const answer = await s3().raw.send({ ...put, payload: 'UNSIGNED-PAYLOAD' });
    // AWS has no implementation of Transfer-Encoding; others miss the Content-Length.
    expect(['NotImplemented', 'MissingContentLength']).toContain(answer.code);
    expect(await s3().keys('unmeasured')).toEqual([]);
  });

  test('a reader that leaves in the middle disturbs nobody', async () => {
    const body = randomBytes(6_000_000);
    await s3().put('left', body);
    const answer = await get('left');
    for await (const chunk of answer.Body as Readable) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(md5(await s3().read('left'))).toBe(md5(body));
  });

  test('a version that cannot be is neither read nor deleted', async () => {
    await s3().put('versioned', 'x');
    const asked = { path: pathOf(s3().bucket, 'versioned'), query: { versionId: 'nonsense' } };
    expect((await s3().raw.send({ method: 'GET', ...asked })).status).toBeGreaterThanOrEqual(400);
    await s3().raw.send({ method: 'DELETE', ...asked });
    expect((await s3().read('versioned')).toString()).toBe('x');
  });

  test('a request for a part of an object’s description never touches its bytes', async () => {
    const path = pathOf(s3().bucket, 'described');
    await s3().put('described', 'the bytes');
    for (const name of ['tagging', 'acl']) {
      const asked = await s3().raw.send({ method: 'GET', path, query: { [name]: '' } });
      expect(asked.body.toString()).not.toBe('the bytes');
      await s3().raw.send({ method: 'PUT', path, query: { [name]: '' }, body: '<Nonsense/>' });
      expect((await s3().read('described')).toString()).toBe('the bytes');
    }
    await s3().raw.send({ method: 'DELETE', path, query: { tagging: '' } });
    expect((await s3().read('described')).toString()).toBe('the bytes');
  });

  test('POST without a known query is refused', async () => {
    const answer = await s3().raw.send({ method: 'POST', path: pathOf(s3().bucket, 'posted'), body: 'x' });
    expect(['MethodNotAllowed', 'NotImplemented']).toContain(answer.code);
    expect(await s3().keys('posted')).toEqual([]);
  });

  needs('metadata-limit')('user metadata beyond 2 KB is refused', async () => {
    const put = s3().put('too-much', 'x', { Metadata: { a: 'x'.repeat(3000) } });
    expect(await failureOf(put)).toEqual({ name: 'MetadataTooLarge', status: 400 });
  });

  needs('object-attributes')('GetObjectAttributes answers what was asked for', async () => {
    await s3().put('attributes', 'hello', { ChecksumAlgorithm: 'SHA256' });
    const ObjectAttributes = ['ETag', 'ObjectSize', 'StorageClass', 'Checksum'] as const;
    const ask = new GetObjectAttributesCommand({
      Bucket: s3().bucket,
      Key: 'attributes',
      ObjectAttributes: [...ObjectAttributes],
    });
    expect(await s3().client.send(ask)).toMatchObject({
      ETag: md5('hello'),
      ObjectSize: 5,
      StorageClass: 'STANDARD',
      Checksum: { ChecksumSHA256: 'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=' },
      LastModified: expect.any(Date),
    });
    const less = new GetObjectAttributesCommand({
      Bucket: s3().bucket,
      Key: 'attributes',
      ObjectAttributes: ['ObjectSize'],
    });
    const answer = await s3().client.send(less);
    expect([answer.ObjectSize, answer.ETag, answer.Checksum]).toEqual([5, undefined, undefined]);
  });

  needs('object-attributes')('GetObjectAttributes of a missing key says NoSuchKey', async () => {
    const ask = new GetObjectAttributesCommand({ Bucket: s3().bucket, Key: 'missing', ObjectAttributes: ['ETag'] });
    expect(await failureOf(s3().client.send(ask))).toEqual({ name: 'NoSuchKey', status: 404 });
  });
});

/** UTF-8 that Node read as Latin-1, or RFC 2047 encoded words. */
function decodeHeader(value: string): string {
  const words = value.replace(/\?=\s+=\?/g, '?==?');
  if (!words.includes('=?')) return Buffer.from(value, 'latin1').toString();
  return words.replace(/=\?UTF-8\?([BQ])\?([^?]*)\?=/gi, (_, kind: string, text: string) => {
    if (kind.toUpperCase() === 'B') return Buffer.from(text, 'base64').toString();
    const percent = text
      .replaceAll('%', '%25')
      .replaceAll('_', ' ')
      .replace(/=([0-9A-F]{2})/gi, '%$1');
    return decodeURIComponent(percent);
  });
}
