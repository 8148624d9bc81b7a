import { createHash, randomBytes } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { bucketName, contractS3, etagOf, failureOf, md5, needs } from '../support/contract-s3.ts';
import { pathOf } from '../support/contract-s3-http.ts';
import { multipartEtag, NO_SUCH_UPLOAD, Uploads } from '../support/contract-s3-uploads.ts';

const MIB = 1024 * 1024;

/** Shared, since random bytes are slow to make. */
const PARTS = [randomBytes(5 * MIB), randomBytes(5 * MIB), randomBytes(1_000)] as const;
const WHOLE = Buffer.concat(PARTS);

describe('S3 server, multipart uploads', () => {
  const s3 = contractS3();
  const up = () => new Uploads(s3());
  const head = (Key: string) => s3().client.send(new HeadObjectCommand(up().at(Key)));

  test('parts sent in any order become one object with headers, metadata and the ETag of its parts', async () => {
    const described = { ContentType: 'video/mp4', CacheControl: 'no-store', Metadata: { mtime: '17' } };
    const id = await up().begin('whole', described);
    const done = [await up().part('whole', id, 3, PARTS[2]), await up().part('whole', id, 1, PARTS[0])];
    done.push(await up().part('whole', id, 2, PARTS[1]));
    expect(done.map((part) => part.ETag)).toEqual([etagOf(PARTS[2]), etagOf(PARTS[0]), etagOf(PARTS[1])]);
    await up().complete(
      'whole',
      id,
      done.sort((a, b) => a.PartNumber - b.PartNumber),
    );
    expect(await head('whole')).toMatchObject({
      ...described,
      ContentLength: WHOLE.length,
      ETag: multipartEtag(PARTS),
    });
    expect(md5(await s3().read('whole'))).toBe(md5(WHOLE));
  });

  test('a range across the border of two parts is had', async () => {
    const Range = `bytes=${5 * MIB - 10}-${5 * MIB + 9}`;
    const answer = await s3().client.send(new GetObjectCommand({ ...up().at('whole'), Range }));
    const expected = WHOLE.subarray(5 * MIB - 10, 5 * MIB + 10);
    expect(Buffer.from(await answer.Body!.transformToByteArray()).equals(expected)).toBe(true);
  });

  test('a listing shows the ETag of the parts', async () => {
    const answer = await s3().raw.send({
      method: 'GET',
      path: pathOf(s3().bucket),
      query: { 'list-type': '2', prefix: 'whole' },
    });
    const etag = multipartEtag(PARTS).replaceAll('"', '');
    expect(answer.body.toString().replaceAll('&quot;', '').replaceAll('"', '')).toContain(`<ETag>${etag}</ETag>`);
  });

  needs('part-reads')('one part can be read and its size be had', async () => {
    const answer = await s3().client.send(new GetObjectCommand({ ...up().at('whole'), PartNumber: 3 }));
    expect([answer.$metadata.httpStatusCode, answer.PartsCount, answer.ContentLength]).toEqual([206, 3, 1_000]);
    expect(md5(await answer.Body!.transformToByteArray())).toBe(md5(PARTS[2]));
    const first = await s3().client.send(new HeadObjectCommand({ ...up().at('whole'), PartNumber: 1 }));
    expect([first.PartsCount, first.ContentLength]).toEqual([3, 5 * MIB]);
  });

  needs('object-attributes')('GetObjectAttributes counts the parts', async () => {
    const ask = new GetObjectAttributesCommand({
      ...up().at('whole'),
      ObjectAttributes: ['ETag', 'ObjectParts', 'ObjectSize'],
    });
    const { ETag, ObjectParts, ObjectSize } = await s3().client.send(ask);
    expect([ETag, ObjectParts?.TotalPartsCount, ObjectSize]).toEqual([
      multipartEtag(PARTS).replaceAll('"', ''),
      3,
      WHOLE.length,
    ]);
  });

  needs('result-etags')('the answer to completing has the ETag in quotes, the bucket and the key', async () => {
    const { id, done } = await up().small('answered & so on');
    const answer = await up().complete('answered & so on', id, done);
    expect(answer).toMatchObject({ ...up().at('answered & so on'), ETag: multipartEtag([Buffer.from('small')]) });
    expect(answer.Location).toBeTruthy();
  });

  test('nothing is to be seen under the key before the upload is complete', async () => {
    await s3().put('unseen', 'before');
    const { id, done } = await up().small('unseen', 'after');
    expect((await s3().read('unseen')).toString()).toBe('before');
    await up().complete('unseen', id, done);
    expect((await s3().read('unseen')).toString()).toBe('after');
    const fresh = await up().small('unseen-new');
    expect(await s3().keys('unseen-new')).toEqual([]);
    await up().abort('unseen-new', fresh.id);
  });

  test('a completed upload is no more', async () => {
    const { id, done } = await up().small('once');
    await up().complete('once', id, done);
    expect((await failureOf(up().parts('once', id))).status).toBe(404);
    const { Uploads = [] } = await s3().client.send(
      new ListMultipartUploadsCommand({ Bucket: s3().bucket, Prefix: 'once' }),
    );
    expect(Uploads).toEqual([]);
  });

  test('a part sent again replaces the one before', async () => {
    const { id } = await up().small('again', 'first');
    const second = await up().part('again', id, 1, 'second');
    const { Parts = [] } = await up().parts('again', id);
    expect(Parts).toMatchObject([{ PartNumber: 1, Size: 6, ETag: etagOf('second') }]);
    await up().complete('again', id, [second]);
    expect((await s3().read('again')).toString()).toBe('second');
  });

  test('of the same part sent many times at once one is kept, whole', async () => {
    const id = await up().begin('rivals');
    const sent = await Promise.all(Array.from({ length: 8 }, (_, i) => up().part('rivals', id, 1, `version ${i}`)));
    const { Parts = [] } = await up().parts('rivals', id);
    const kept = sent.findIndex((part) => part.ETag === Parts[0]?.ETag);
    await up().complete('rivals', id, [sent[kept]!]);
    expect((await s3().read('rivals')).toString()).toBe(`version ${kept}`);
  });

  needs('strict-multipart')('of completing, completing again and aborting at once, one has its way', async () => {
    const { id, done } = await up().small('torn');
    const work = [up().complete('torn', id, done), up().complete('torn', id, done), up().abort('torn', id)];
    const settled = await Promise.allSettled(work);
    for (const outcome of settled) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ name: 'NoSuchUpload' });
    }
    const completed = settled.slice(0, 2).some((outcome) => outcome.status === 'fulfilled');
    expect(await s3().keys('torn')).toEqual(completed ? ['torn'] : []);
  });

  needs('strict-multipart')('parts that completing does not name are left out', async () => {
    const id = await up().begin('fewer');
    const done = [await up().part('fewer', id, 2, 'two'), await up().part('fewer', id, 7, 'seven')];
    await up().complete('fewer', id, [done[0]!]);
    expect((await s3().read('fewer')).toString()).toBe('two');
  });

  test('an ETag may be named without its quotes', async () => {
    const { id } = await up().small('bare');
    await up().complete('bare', id, [{ PartNumber: 1, ETag: md5('small') }]);
    expect((await s3().read('bare')).toString()).toBe('small');
  });

  test('completing with a part that is none, or another one, says InvalidPart and the upload goes on', async () => {
    const { id, done } = await up().small('invalid');
    const invalid = { name: 'InvalidPart', status: 400 };
    expect(await failureOf(up().complete('invalid', id, [{ PartNumber: 1, ETag: etagOf('other') }]))).toEqual(invalid);
    expect(await failureOf(up().complete('invalid', id, [...done, { PartNumber: 2, ETag: etagOf('other') }]))).toEqual(
      invalid,
    );
    await up().complete('invalid', id, done);
    expect((await s3().read('invalid')).toString()).toBe('small');
  });

  needs('strict-multipart')('parts named out of order are refused', async () => {
    const id = await up().begin('order');
    const done = [await up().part('order', id, 1, PARTS[0]), await up().part('order', id, 2, 'end')];
    expect(await failureOf(up().complete('order', id, done.toReversed()))).toEqual({
      name: 'InvalidPartOrder',
      status: 400,
    });
    await up().abort('order', id);
  });

  test('a part that is too small, other than the last, is refused', async () => {
    const id = await up().begin('small');
    const done = [await up().part('small', id, 1, 'tiny'), await up().part('small', id, 2, 'end')];
    expect(await failureOf(up().complete('small', id, done))).toEqual({ name: 'EntityTooSmall', status: 400 });
    expect(await s3().keys('small')).toEqual([]);
    await up().abort('small', id);
  });

  needs('malformed-xml')('completing without parts, and with no XML, is refused', async () => {
    const { id } = await up().small('none');
    for (const body of ['<CompleteMultipartUpload></CompleteMultipartUpload>', 'no xml', '']) {
      const query = { uploadId: id };
      const answer = await s3().raw.send({ method: 'POST', path: pathOf(s3().bucket, 'none'), query, body });
      expect([answer.status, answer.code]).toEqual([
        400,
        answer.code === 'InvalidRequest' ? 'InvalidRequest' : 'MalformedXML',
      ]);
    }
    await up().abort('none', id);
  });

  needs('strict-multipart')('part numbers but 1 to 10,000 are refused', async () => {
    const id = await up().begin('number');
    const refusal = { name: 'InvalidArgument', status: 400 };
    for (const number of [0, 10_001]) {
      expect(await failureOf(up().part('number', id, number, 'x'))).toEqual(refusal);
    }
    await up().abort('number', id);
  });

  needs('strict-multipart')('an upload that was aborted, never began or is of another key is not there', async () => {
    const { id, done } = await up().small('mine');
    const gone = await up().begin('mine');
    await up().abort('mine', gone);
    const unknown = [
      ['mine', 'nonsense'],
      ['other', id],
      ['mine', gone],
    ] as const;
    for (const [key, uploadId] of unknown) {
      expect(await failureOf(up().part(key, uploadId, 1, 'x'))).toEqual(NO_SUCH_UPLOAD);
      expect(await failureOf(up().parts(key, uploadId))).toEqual(NO_SUCH_UPLOAD);
      expect(await failureOf(up().complete(key, uploadId, done))).toEqual(NO_SUCH_UPLOAD);
      expect(await failureOf(up().abort(key, uploadId))).toEqual(NO_SUCH_UPLOAD);
    }
    await up().abort('mine', id);
  });

  test('an upload in a bucket that is missing cannot begin', async () => {
    expect(await failureOf(up().begin('x', { Bucket: bucketName() }))).toEqual({ name: 'NoSuchBucket', status: 404 });
  });

  test('an aborted upload is gone with its parts', async () => {
    const { id, done } = await up().small('aborted');
    expect((await up().abort('aborted', id)).$metadata.httpStatusCode).toBe(204);
    const noMore = [
      () => up().parts('aborted', id),
      () => up().part('aborted', id, 2, 'x'),
      () => up().complete('aborted', id, done),
    ];
    for (const work of noMore) expect((await failureOf(work())).status).toBeGreaterThanOrEqual(400);
    expect(await s3().keys('aborted')).toEqual([]);
  });

  test('a part that does not match its Content-MD5 is refused', async () => {
    const id = await up().begin('md5');
    const ContentMD5 = createHash('md5').update('other').digest('base64');
    const part = new UploadPartCommand({ ...up().at('md5'), UploadId: id, PartNumber: 1, Body: 'hello', ContentMD5 });
    expect(await failureOf(s3().client.send(part))).toEqual({ name: 'BadDigest', status: 400 });
    expect((await up().parts('md5', id)).Parts ?? []).toEqual([]);
    await up().abort('md5', id);
  });

  needs('checksums')('checksums of parts are verified and make one of the whole', async () => {
    const id = await up().begin('checksums', { ChecksumAlgorithm: 'SHA256' });
    const send = (PartNumber: number, Body: string, of = Body) => {
      const ChecksumSHA256 = createHash('sha256').update(of).digest('base64');
      return s3().client.send(
        new UploadPartCommand({ ...up().at('checksums'), UploadId: id, PartNumber, Body, ChecksumSHA256 }),
      );
    };
    expect(await failureOf(send(1, 'hello', 'other'))).toEqual({ name: 'BadDigest', status: 400 });
    const { ETag, ChecksumSHA256 } = await send(1, 'hello');
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag, ChecksumSHA256 }] };
    await s3().client.send(
      new CompleteMultipartUploadCommand({ ...up().at('checksums'), UploadId: id, MultipartUpload }),
    );
    const found = await s3().client.send(new HeadObjectCommand({ ...up().at('checksums'), ChecksumMode: 'ENABLED' }));
    const composite = createHash('sha256').update(createHash('sha256').update('hello').digest()).digest('base64');
    expect([found.ChecksumSHA256, found.ChecksumType]).toEqual([`${composite}-1`, 'COMPOSITE']);
  });
});
