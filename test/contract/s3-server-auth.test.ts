import {
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { contractS3, failureOf, needs } from '../support/contract-s3.ts';
import { pathOf, type RawRequest, type RawS3, type S3Target } from '../support/contract-s3-http.ts';

const MINUTE = 60_000;
const inMinutes = (minutes: number) => new Date(Date.now() + minutes * MINUTE);

describe('S3 server, signatures', () => {
  const s3 = contractS3();
  const opened: RawS3[] = [];
  const path = () => pathOf(s3().bucket, 'guarded');
  const as = (other: Partial<S3Target>): RawS3 => {
    const raw = s3().raw.as(other);
    opened.push(raw);
    return raw;
  };
  beforeEach(() => s3().put('guarded', 'secret'));
  afterEach(() => {
    for (const raw of opened.splice(0)) raw.close();
  });

  /** That a GET, a PUT and a DELETE are all refused so, and that nothing came of it. */
  async function expectRefused(
    raw: RawS3,
    status: number,
    code: string,
    more: Partial<RawRequest> = {},
  ): Promise<void> {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const answer = await raw.send({
        method,
        path: path(),
        ...(method === 'PUT' ? { body: 'replaced' } : {}),
        ...more,
      });
      expect([method, answer.status, answer.code]).toEqual([method, status, code]);
      expect(answer.body.toString()).not.toContain('secret');
    }
    const head = await raw.send({ method: 'HEAD', path: path(), ...more });
    expect([head.status, head.body.length]).toEqual([status, 0]);
    expect((await s3().read('guarded')).toString()).toBe('secret');
  }

  test('a wrong secret is refused', async () => {
    await expectRefused(as({ secretAccessKey: 'wrong' }), 403, 'SignatureDoesNotMatch');
  });

  test('an unknown key id is refused', async () => {
    await expectRefused(as({ accessKeyId: 'AKIDUNKNOWN' }), 403, 'InvalidAccessKeyId');
  });

  test('a request without a signature is refused', async () => {
    await expectRefused(s3().raw, 403, 'AccessDenied', { anonymous: true });
  });

  test.each([-20, 20])('a clock %i minutes off is refused', async (minutes) => {
    await expectRefused(s3().raw, 403, 'RequestTimeTooSkewed', { date: inMinutes(minutes) });
  });

  test.each([-10, 10])('a clock %i minutes off is borne with', async (minutes) => {
    const answer = await s3().raw.send({ method: 'GET', path: path(), date: inMinutes(minutes) });
    expect([answer.status, answer.body.toString()]).toEqual([200, 'secret']);
  });

  needs('region')('a signature for another region is refused', async () => {
    await expectRefused(as({ region: 'xx-nowhere-9' }), 400, 'AuthorizationHeaderMalformed');
  });

  test('a header changed after signing is refused', async () => {
    const headers = { 'x-amz-meta-a': '1' };
    const request = { method: 'PUT', path: path(), body: 'replaced', headers, unsigned: { 'x-amz-meta-a': '2' } };
    const answer = await s3().raw.send(request);
    expect([answer.status, answer.code]).toEqual([403, 'SignatureDoesNotMatch']);
    expect((await s3().read('guarded')).toString()).toBe('secret');
  });

  needs('unsigned-headers')('an x-amz header added after signing is refused', async () => {
    const unsigned = { 'x-amz-meta-a': '2' };
    const answer = await s3().raw.send({ method: 'PUT', path: path(), body: 'replaced', unsigned });
    expect([answer.status, answer.code]).toEqual([403, 'AccessDenied']);
    expect((await s3().read('guarded')).toString()).toBe('secret');
  });

  test('a body that is declared unsigned goes through', async () => {
    const answer = await s3().raw.send({ method: 'PUT', path: path(), body: 'open', payload: 'UNSIGNED-PAYLOAD' });
    expect(answer.status).toBe(200);
    expect((await s3().read('guarded')).toString()).toBe('open');
  });

  test('an Authorization that is none is refused', async () => {
    for (const authorization of ['nonsense', 'AWS4-HMAC-SHA256 Credential=a', 'Bearer x']) {
      const answer = await s3().raw.send({ method: 'GET', path: path(), anonymous: true, headers: { authorization } });
      expect([400, 403]).toContain(answer.status);
    }
  });

  test('the SDK is told by name what is wrong with its credentials', async () => {
    const { accessKeyId } = s3().target;
    const wrong = s3().clientWith({ credentials: { accessKeyId, secretAccessKey: 'wrong' } });
    const get = new GetObjectCommand({ Bucket: s3().bucket, Key: 'guarded' });
    expect(await failureOf(wrong.send(get))).toEqual({ name: 'SignatureDoesNotMatch', status: 403 });
    expect((await failureOf(wrong.send(new ListBucketsCommand({})))).name).toBe('SignatureDoesNotMatch');
    const head = new HeadObjectCommand({ Bucket: s3().bucket, Key: 'guarded' });
    expect((await failureOf(wrong.send(head))).status).toBe(403);
    expect((await failureOf(wrong.send(new HeadBucketCommand({ Bucket: s3().bucket })))).status).toBe(403);
  });

  test('query values are signed as they are, whatever is in them', async () => {
    const prefix = 'a b+c&d=e/f%20~*é😀';
    await s3().put(`${prefix}!`, 'x');
    const answer = await s3().raw.send({
      method: 'GET',
      path: pathOf(s3().bucket),
      query: { 'list-type': '2', prefix, 'encoding-type': 'url' },
    });
    expect([answer.status, answer.body.toString().match(/<Key>/g)?.length]).toEqual([200, 1]);
  });

  describe('in presigned addresses', () => {
    const presign = (method: string, more: { seconds?: number; date?: Date; query?: Record<string, string> } = {}) => {
      const { seconds = 60, ...rest } = more;
      return s3().raw.presign({ method, path: path(), ...rest }, seconds);
    };
    const codeOf = async (response: Response) => [
      response.status,
      /<Code>(.*?)<\/Code>/.exec(await response.text())?.[1],
    ];

    test('a GET goes through, with the headers it asks for', async () => {
      const query = { 'response-content-disposition': 'attachment; filename="a b.jpg"' };
      const response = await fetch(presign('GET', { query }));
      expect([response.status, await response.text()]).toEqual([200, 'secret']);
      expect(response.headers.get('content-disposition')).toBe(query['response-content-disposition']);
    });

    test('a PUT goes through with whatever body', async () => {
      const response = await fetch(presign('PUT'), { method: 'PUT', body: 'by address' });
      expect(response.status).toBe(200);
      expect((await s3().read('guarded')).toString()).toBe('by address');
    });

    test('those of the SDK go through', async () => {
      const at = { Bucket: s3().bucket, Key: 'by the SDK/é + 1.txt' };
      const put = await getSignedUrl(s3().client, new PutObjectCommand(at), { expiresIn: 60 });
      expect((await fetch(put, { method: 'PUT', body: 'sdk' })).status).toBe(200);
      const get = await getSignedUrl(s3().client, new GetObjectCommand(at), { expiresIn: 60 });
      expect(await (await fetch(get)).text()).toBe('sdk');
    });

    test('an expired one is refused', async () => {
      const response = await fetch(presign('GET', { seconds: 60, date: inMinutes(-5) }));
      expect(await codeOf(response)).toEqual([403, 'AccessDenied']);
    });

    test('one of an hour ago that is good for two goes through', async () => {
      const response = await fetch(presign('GET', { seconds: 7200, date: inMinutes(-60) }));
      expect(response.status).toBe(200);
    });

    test('a changed key, method, expiry or signature is refused', async () => {
      await s3().put('guardee', 'other secret');
      const address = presign('GET');
      const changed = [
        [address.replace('guarded', 'guardee'), 'GET'],
        [address.replace('X-Amz-Expires=60', 'X-Amz-Expires=61'), 'GET'],
        [`${address}&response-content-type=text%2Fhtml`, 'GET'],
        [address.replace(/Signature=.{8}/, 'Signature=00000000'), 'GET'],
        [address, 'PUT'],
        [address, 'DELETE'],
      ] as const;
      for (const [url, method] of changed) {
        expect(await codeOf(await fetch(url, { method }))).toEqual([403, 'SignatureDoesNotMatch']);
      }
      expect((await s3().read('guarded')).toString()).toBe('secret');
    });

    needs('presign-limits')('one without a signature, or good for more than a week, is refused', async () => {
      const week = await fetch(presign('GET', { seconds: 604_801 }));
      expect(await codeOf(week)).toEqual([400, 'AuthorizationQueryParametersError']);
      const bare = await fetch(presign('GET').replace(/&X-Amz-Signature=.*/, ''));
      expect([400, 403]).toContain(bare.status);
    });
  });
});
