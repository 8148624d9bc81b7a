import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { contractS3, etagOf, failureOf, md5, needs } from '../support/contract-s3.ts';
import { pathOf } from '../support/contract-s3-http.ts';

const base64 = (algorithm: string, data: Uint8Array | string) => createHash(algorithm).update(data).digest('base64');
const crc32Of = (data: Uint8Array | string): string => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(data));
  return bytes.toString('base64');
};

/** Of "123456789", the published check value of each algorithm. */
const CHECKSUMS = {
  CRC32: 'y/Q5Jg==',
  CRC32C: '4waSgw==',
  CRC64NVME: 'rosUhgp5mIg=',
  SHA1: base64('sha1', '123456789'),
  SHA256: base64('sha256', '123456789'),
};

describe('S3 server, integrity', () => {
  const s3 = contractS3();
  const path = (key: string) => pathOf(s3().bucket, key);
  const headers = (key: string) =>
    s3().client.send(new HeadObjectCommand({ Bucket: s3().bucket, Key: key, ChecksumMode: 'ENABLED' }));

  test('a body that matches its Content-MD5 is stored', async () => {
    await s3().put('md5', 'hello', { ContentMD5: base64('md5', 'hello') });
    expect((await s3().read('md5')).toString()).toBe('hello');
  });

  test('a body that does not match its Content-MD5 is refused and what was there stays', async () => {
    await s3().put('md5-kept', 'first');
    const put = s3().put('md5-kept', 'hello', { ContentMD5: base64('md5', 'other') });
    expect(await failureOf(put)).toEqual({ name: 'BadDigest', status: 400 });
    expect((await s3().read('md5-kept')).toString()).toBe('first');
    expect((await failureOf(s3().put('md5-new', 'hello', { ContentMD5: base64('md5', 'other') }))).name).toBe(
      'BadDigest',
    );
    expect(await s3().keys('md5-new')).toEqual([]);
  });

  test('a Content-MD5 that is none is refused', async () => {
    for (const value of ['nonsense', '', base64('sha1', 'x')]) {
      const put = await s3().raw.send({
        method: 'PUT',
        path: path('md5-odd'),
        headers: { 'content-md5': value },
        body: 'x',
      });
      expect([put.status, put.code]).toEqual([400, 'InvalidDigest']);
    }
    expect(await s3().keys('md5-odd')).toEqual([]);
  });

  test('a body that is not what was signed is refused', async () => {
    const payload = createHash('sha256').update('other').digest('hex');
    const put = await s3().raw.send({ method: 'PUT', path: path('hash'), payload, body: 'hello' });
    expect([put.status, put.code]).toEqual([400, 'XAmzContentSHA256Mismatch']);
    expect(await s3().keys('hash')).toEqual([]);
  });

  for (const [name, value] of Object.entries(CHECKSUMS)) {
    const header = `x-amz-checksum-${name.toLowerCase()}`;

    needs('checksums')(`a right ${name} is stored and told`, async () => {
      const put = { method: 'PUT', path: path(name), headers: { [header]: value }, body: '123456789' };
      const answer = await s3().raw.send(put);
      expect([answer.status, answer.headers[header]]).toEqual([200, value]);
      expect(await headers(name)).toMatchObject({ [`Checksum${name}`]: value, ChecksumType: 'FULL_OBJECT' });
    });

    needs('checksums')(`a wrong ${name} is refused and nothing is stored`, async () => {
      const wrong = { method: 'PUT', path: path(`${name}-wrong`), headers: { [header]: value }, body: '123456788' };
      const answer = await s3().raw.send(wrong);
      expect([answer.status, answer.code]).toEqual([400, 'BadDigest']);
      expect(await s3().keys(`${name}-wrong`)).toEqual([]);
    });

    needs('checksums')(`a ${name} of the wrong length is refused`, async () => {
      const odd = { method: 'PUT', path: path(`${name}-odd`), headers: { [header]: 'AAA=' }, body: '123456789' };
      expect((await s3().raw.send(odd)).status).toBe(400);
      expect(await s3().keys(`${name}-odd`)).toEqual([]);
    });
  }

  needs('checksums')('a checksum is told only to those who ask', async () => {
    await s3().put('quiet', 'hello', { ChecksumSHA256: base64('sha256', 'hello') });
    const answer = await s3().raw.send({ method: 'HEAD', path: path('quiet') });
    expect(answer.headers['x-amz-checksum-sha256']).toBeUndefined();
  });

  test('the SDK’s own checksums go through on buffers', async () => {
    const client = s3().clientWith({});
    const body = randomBytes(100_000);
    await client.send(new PutObjectCommand({ Bucket: s3().bucket, Key: 'sdk-buffer', Body: body }));
    expect(md5(await s3().read('sdk-buffer', client))).toBe(md5(body));
  });

  needs('trailers')('the SDK’s own checksums go through on streams', async () => {
    const client = s3().clientWith({});
    const body = randomBytes(700_000);
    // The SDK refuses chunks below 8,192 bytes, other than the last.
    const Body = Readable.from([body.subarray(0, 8_192), body.subarray(8_192, 699_999), body.subarray(699_999)]);
    const put = new PutObjectCommand({ Bucket: s3().bucket, Key: 'sdk-stream', Body, ContentLength: body.length });
    expect((await client.send(put)).ETag).toBe(etagOf(body));
    expect(md5(await s3().read('sdk-stream', client))).toBe(md5(body));
    const found = await headers('sdk-stream');
    expect([found.ContentLength, found.ContentEncoding, found.ChecksumCRC32]).toEqual([
      body.length,
      undefined,
      crc32Of(body),
    ]);
  });

  needs('trailers')('the SDK’s own checksums go through on the streams of a multipart upload', async () => {
    const client = s3().clientWith({});
    const at = { Bucket: s3().bucket, Key: 'sdk-parts' };
    const parts = [randomBytes(5 * 1024 * 1024), randomBytes(100_000)];
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...at, ChecksumAlgorithm: 'CRC32' }));
    const Parts = [];
    for (const [i, bytes] of parts.entries()) {
      const Body = Readable.from([bytes]);
      const send = { ...at, UploadId, PartNumber: i + 1, Body, ContentLength: bytes.length };
      const { ETag, ChecksumCRC32 } = await client.send(new UploadPartCommand({ ...send, ChecksumAlgorithm: 'CRC32' }));
      expect(ChecksumCRC32).toBe(crc32Of(bytes));
      Parts.push({ PartNumber: i + 1, ETag, ChecksumCRC32 });
    }
    await client.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }));
    expect(md5(await s3().read('sdk-parts', client))).toBe(md5(Buffer.concat(parts)));
  });

  describe('aws-chunked bodies', () => {
    const chunks = [randomBytes(65_536), randomBytes(8_192), randomBytes(1)];
    const whole = Buffer.concat(chunks);
    const trailer = { name: 'x-amz-checksum-crc32', value: crc32Of(whole) };
    const stored = async (key: string) => md5(await s3().read(key)) === md5(whole);

    test('signed chunks are put together', async () => {
      const answer = await s3().raw.putChunked({ path: path('signed'), chunks, signed: true });
      expect([answer.status, answer.headers['etag']]).toEqual([200, etagOf(whole)]);
      expect(await stored('signed')).toBe(true);
    });

    needs('strict-chunks')('an empty signed body makes an empty object', async () => {
      expect((await s3().raw.putChunked({ path: path('signed-empty'), chunks: [], signed: true })).status).toBe(200);
      expect((await s3().read('signed-empty')).length).toBe(0);
    });

    needs('trailers')('signed chunks with a signed trailer are put together', async () => {
      const answer = await s3().raw.putChunked({ path: path('signed-trailer'), chunks, signed: true, trailer });
      expect([answer.status, answer.code]).toEqual([200, null]);
      expect(await stored('signed-trailer')).toBe(true);
      expect((await headers('signed-trailer')).ChecksumCRC32).toBe(trailer.value);
    });

    needs('trailers')('unsigned chunks with a trailer are put together', async () => {
      const answer = await s3().raw.putChunked({ path: path('unsigned-trailer'), chunks, signed: false, trailer });
      expect([answer.status, answer.code]).toEqual([200, null]);
      expect(await stored('unsigned-trailer')).toBe(true);
      expect((await headers('unsigned-trailer')).ChecksumCRC32).toBe(trailer.value);
    });

    needs('trailers')('the framing is no part of the stored content encoding', async () => {
      const gzip = { 'content-encoding': 'gzip' };
      await s3().raw.putChunked({ path: path('gzip'), chunks, signed: false, trailer, headers: gzip });
      expect((await headers('gzip')).ContentEncoding).toBe('gzip');
    });

    needs('trailers')('a wrong trailer is refused, signed or not, and nothing is stored', async () => {
      const wrong = { ...trailer, value: crc32Of('other') };
      for (const signed of [true, false]) {
        const answer = await s3().raw.putChunked({ path: path('wrong-trailer'), chunks, signed, trailer: wrong });
        expect([answer.status, answer.code]).toEqual([400, 'BadDigest']);
      }
      expect(await s3().keys('wrong-trailer')).toEqual([]);
    });

    needs('trailers')('a wrong signature of the trailer is refused', async () => {
      const upload = {
        path: path('trailer-signature'),
        chunks,
        signed: true,
        trailer,
        wrong: 'trailer signature',
      } as const;
      expect((await s3().raw.putChunked(upload)).code).toBe('SignatureDoesNotMatch');
      expect(await s3().keys('trailer-signature')).toEqual([]);
    });

    test('a wrong signature of the last chunk is refused and what was there stays', async () => {
      await s3().put('chunk-signature', 'first');
      const upload = { path: path('chunk-signature'), chunks, signed: true, wrong: 'chunk signature' } as const;
      expect([400, 403]).toContain((await s3().raw.putChunked(upload)).status);
      expect((await s3().read('chunk-signature')).toString()).toBe('first');
    });

    needs('strict-chunks')('a wrong signature of a chunk is named SignatureDoesNotMatch', async () => {
      const upload = { path: path('chunk-named'), chunks, signed: true, wrong: 'chunk signature' } as const;
      const answer = await s3().raw.putChunked(upload);
      expect([answer.status, answer.code]).toEqual([403, 'SignatureDoesNotMatch']);
    });

    test('a body shorter or longer than it was announced is refused', async () => {
      for (const announced of [whole.length + 10, whole.length - 10]) {
        const answer = await s3().raw.putChunked({ path: path('announced'), chunks, signed: true, announced });
        expect(answer.status).toBe(400);
      }
      expect(await s3().keys('announced')).toEqual([]);
    });

    needs('strict-chunks')('a body without its last chunk is refused', async () => {
      const upload = { path: path('no-last'), chunks, signed: true, wrong: 'no last chunk' } as const;
      expect((await s3().raw.putChunked(upload)).status).toBe(400);
      expect(await s3().keys('no-last')).toEqual([]);
    });
  });

  describe('interrupted uploads', () => {
    const body = randomBytes(2_000_000);

    test('leave no object where there was none', async () => {
      const put = { method: 'PUT', path: path('cut/new'), body, cutAfter: 1_000_000 };
      await expect(s3().raw.send(put)).rejects.toThrow('cut by the test');
      await s3().put('cut/after', 'x');
      expect(await s3().keys('cut/')).toEqual(['cut/after']);
    });

    test('leave the object that was there', async () => {
      await s3().put('cut-over', 'first');
      for (const cutAfter of [1, 1_999_999]) {
        const put = { method: 'PUT', path: path('cut-over'), body, cutAfter };
        await expect(s3().raw.send(put)).rejects.toThrow('cut by the test');
      }
      expect((await s3().read('cut-over')).toString()).toBe('first');
    });

    test('leave no part of a multipart upload', async () => {
      const at = { Bucket: s3().bucket, Key: 'cut-part' };
      const { UploadId } = await s3().client.send(new CreateMultipartUploadCommand(at));
      await s3().client.send(new UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body: 'whole' }));
      const query = { partNumber: '2', uploadId: UploadId ?? '' };
      const put = { method: 'PUT', path: path('cut-part'), query, body, cutAfter: 1_000_000 };
      await expect(s3().raw.send(put)).rejects.toThrow('cut by the test');
      const { Parts = [] } = await s3().client.send(new ListPartsCommand({ ...at, UploadId }));
      expect(Parts.map((part) => part.PartNumber)).toEqual([1]);
    });
  });
});
