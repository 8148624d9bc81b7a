import { createHash, randomBytes } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { bucketName, contractS3, etagOf, failureOf, md5, needs } from '../support/contract-s3.ts';
import { pathOf } from '../support/contract-s3-http.ts';

const MIB = 1024 * 1024;
const NO_SUCH_UPLOAD = { name: 'NoSuchUpload', status: 404 };

/** Shared, since random bytes are slow to make. */
const PARTS = [randomBytes(5 * MIB), randomBytes(5 * MIB), randomBytes(1_000)] as const;
const WHOLE = Buffer.concat(PARTS);

/** The ETag of a multipart object: the MD5 of its parts' MD5s, and how many they are. */
const multipartEtag = (parts: readonly Uint8Array[]): string =>
  `"${md5(Buffer.concat(parts.map((part) => createHash('md5').update(part).digest())))}-${parts.length}"`;

interface Done {
  readonly PartNumber: number;
  readonly ETag: string;
}

describe('S3 server, multipart uploads', () => {
  const s3 = contractS3();
  const at = (Key: string) => ({ Bucket: s3().bucket, Key });
  const begin = async (Key: string, more: Partial<CreateMultipartUploadCommandInput> = {}): Promise<string> =>
    (await s3().client.send(new CreateMultipartUploadCommand({ ...at(Key), ...more }))).UploadId ?? '';
  const upload = async (Key: string, UploadId: string, PartNumber: number, Body: Uint8Array): Promise<Done> => {
    const part = new UploadPartCommand({ ...at(Key), UploadId, PartNumber, Body });
    return { PartNumber, ETag: (await s3().client.send(part)).ETag ?? '' };
  };
  const complete = (
    Key: string,
    UploadId: string,
    Parts: readonly Done[],
    more: Partial<CompleteMultipartUploadCommandInput> = {},
  ) =>
    s3().client.send(
      new CompleteMultipartUploadCommand({ ...at(Key), UploadId, MultipartUpload: { Parts: [...Parts] }, ...more }),
    );
  const abort = (Key: string, UploadId: string) =>
    s3().client.send(new AbortMultipartUploadCommand({ ...at(Key), UploadId }));
  const parts = (Key: string, UploadId: string) => s3().client.send(new ListPartsCommand({ ...at(Key), UploadId }));
  const head = (Key: string) => s3().client.send(new HeadObjectCommand(at(Key)));
  /** One upload with one small part, ready to complete. */
  const small = async (Key: string, body = 'small') => {
    const id = await begin(Key);
    return { id, done: [await upload(Key, id, 1, Buffer.from(body))] };
  };

  test('parts sent in any order become one object with headers, metadata and the ETag of its parts', async () => {
    const described = { ContentType: 'video/mp4', CacheControl: 'no-store', Metadata: { mtime: '17' } };
    const id = await begin('whole', described);
    const done = [await upload('whole', id, 3, PARTS[2]), await upload('whole', id, 1, PARTS[0])];
    done.push(await upload('whole', id, 2, PARTS[1]));
    expect(done.map((part) => part.ETag)).toEqual([etagOf(PARTS[2]), etagOf(PARTS[0]), etagOf(PARTS[1])]);
    await complete(
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
    const answer = await s3().client.send(new GetObjectCommand({ ...at('whole'), Range }));
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
    const answer = await s3().client.send(new GetObjectCommand({ ...at('whole'), PartNumber: 3 }));
    expect([answer.$metadata.httpStatusCode, answer.PartsCount, answer.ContentLength]).toEqual([206, 3, 1_000]);
    expect(md5(await answer.Body!.transformToByteArray())).toBe(md5(PARTS[2]));
    const first = await s3().client.send(new HeadObjectCommand({ ...at('whole'), PartNumber: 1 }));
    expect([first.PartsCount, first.ContentLength]).toEqual([3, 5 * MIB]);
  });

  needs('object-attributes')('GetObjectAttributes counts the parts', async () => {
    const ask = new GetObjectAttributesCommand({
      ...at('whole'),
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
    const { id, done } = await small('answered & so on');
    const answer = await complete('answered & so on', id, done);
    expect(answer).toMatchObject({ ...at('answered & so on'), ETag: multipartEtag([Buffer.from('small')]) });
    expect(answer.Location).toBeTruthy();
  });

  test('nothing is to be seen under the key before the upload is complete', async () => {
    await s3().put('unseen', 'before');
    const { id, done } = await small('unseen', 'after');
    expect((await s3().read('unseen')).toString()).toBe('before');
    await complete('unseen', id, done);
    expect((await s3().read('unseen')).toString()).toBe('after');
    const fresh = await small('unseen-new');
    expect(await s3().keys('unseen-new')).toEqual([]);
    await abort('unseen-new', fresh.id);
  });

  test('a completed upload is no more', async () => {
    const { id, done } = await small('once');
    await complete('once', id, done);
    expect((await failureOf(parts('once', id))).status).toBe(404);
    const { Uploads = [] } = await s3().client.send(
      new ListMultipartUploadsCommand({ Bucket: s3().bucket, Prefix: 'once' }),
    );
    expect(Uploads).toEqual([]);
  });

  test('a part sent again replaces the one before', async () => {
    const { id } = await small('again', 'first');
    const second = await upload('again', id, 1, Buffer.from('second'));
    const { Parts = [] } = await parts('again', id);
    expect(Parts).toMatchObject([{ PartNumber: 1, Size: 6, ETag: etagOf('second') }]);
    await complete('again', id, [second]);
    expect((await s3().read('again')).toString()).toBe('second');
  });

  needs('strict-multipart')('parts that completing does not name are left out', async () => {
    const id = await begin('fewer');
    const done = [await upload('fewer', id, 2, Buffer.from('two')), await upload('fewer', id, 7, Buffer.from('seven'))];
    await complete('fewer', id, [done[0]!]);
    expect((await s3().read('fewer')).toString()).toBe('two');
  });

  test('an ETag may be named without its quotes', async () => {
    const { id } = await small('bare');
    await complete('bare', id, [{ PartNumber: 1, ETag: md5('small') }]);
    expect((await s3().read('bare')).toString()).toBe('small');
  });

  test('completing with a part that is none, or another one, says InvalidPart and the upload goes on', async () => {
    const { id, done } = await small('invalid');
    const invalid = { name: 'InvalidPart', status: 400 };
    expect(await failureOf(complete('invalid', id, [{ PartNumber: 1, ETag: etagOf('other') }]))).toEqual(invalid);
    expect(await failureOf(complete('invalid', id, [...done, { PartNumber: 2, ETag: etagOf('other') }]))).toEqual(
      invalid,
    );
    await complete('invalid', id, done);
    expect((await s3().read('invalid')).toString()).toBe('small');
  });

  needs('strict-multipart')('parts named out of order are refused', async () => {
    const id = await begin('order');
    const done = [await upload('order', id, 1, PARTS[0]), await upload('order', id, 2, Buffer.from('end'))];
    expect(await failureOf(complete('order', id, done.toReversed()))).toEqual({
      name: 'InvalidPartOrder',
      status: 400,
    });
    await abort('order', id);
  });

  test('a part that is too small, other than the last, is refused', async () => {
    const id = await begin('small');
    const done = [await upload('small', id, 1, Buffer.from('tiny')), await upload('small', id, 2, Buffer.from('end'))];
    expect(await failureOf(complete('small', id, done))).toEqual({ name: 'EntityTooSmall', status: 400 });
    expect(await s3().keys('small')).toEqual([]);
    await abort('small', id);
  });

  needs('malformed-xml')('completing without parts, and with no XML, is refused', async () => {
    const { id } = await small('none');
    for (const body of ['<CompleteMultipartUpload></CompleteMultipartUpload>', 'no xml', '']) {
      const query = { uploadId: id };
      const answer = await s3().raw.send({ method: 'POST', path: pathOf(s3().bucket, 'none'), query, body });
      expect([answer.status, answer.code]).toEqual([
        400,
        answer.code === 'InvalidRequest' ? 'InvalidRequest' : 'MalformedXML',
      ]);
    }
    await abort('none', id);
  });

  needs('strict-multipart')('part numbers but 1 to 10,000 are refused', async () => {
    const id = await begin('number');
    const refusal = { name: 'InvalidArgument', status: 400 };
    for (const number of [0, 10_001]) {
      expect(await failureOf(upload('number', id, number, Buffer.from('x')))).toEqual(refusal);
    }
    await abort('number', id);
  });

  needs('strict-multipart')('an upload that was aborted, never began or is of another key is not there', async () => {
    const { id, done } = await small('mine');
    const gone = await begin('mine');
    await abort('mine', gone);
    const unknown = [
      ['mine', 'nonsense'],
      ['other', id],
      ['mine', gone],
    ] as const;
    for (const [key, uploadId] of unknown) {
      expect(await failureOf(upload(key, uploadId, 1, Buffer.from('x')))).toEqual(NO_SUCH_UPLOAD);
      expect(await failureOf(parts(key, uploadId))).toEqual(NO_SUCH_UPLOAD);
      expect(await failureOf(complete(key, uploadId, done))).toEqual(NO_SUCH_UPLOAD);
      expect(await failureOf(abort(key, uploadId))).toEqual(NO_SUCH_UPLOAD);
    }
    await abort('mine', id);
  });

  test('an upload in a bucket that is missing cannot begin', async () => {
    expect(await failureOf(begin('x', { Bucket: bucketName() }))).toEqual({ name: 'NoSuchBucket', status: 404 });
  });

  test('an aborted upload is gone with its parts', async () => {
    const { id, done } = await small('aborted');
    expect((await abort('aborted', id)).$metadata.httpStatusCode).toBe(204);
    for (const work of [
      parts('aborted', id),
      upload('aborted', id, 2, Buffer.from('x')),
      complete('aborted', id, done),
    ]) {
      expect((await failureOf(work)).status).toBeGreaterThanOrEqual(400);
    }
    expect(await s3().keys('aborted')).toEqual([]);
  });

  test('a part that does not match its Content-MD5 is refused', async () => {
    const id = await begin('md5');
    const ContentMD5 = createHash('md5').update('other').digest('base64');
    const part = new UploadPartCommand({ ...at('md5'), UploadId: id, PartNumber: 1, Body: 'hello', ContentMD5 });
    expect(await failureOf(s3().client.send(part))).toEqual({ name: 'BadDigest', status: 400 });
    expect((await parts('md5', id)).Parts ?? []).toEqual([]);
    await abort('md5', id);
  });

  needs('checksums')('checksums of parts are verified and make one of the whole', async () => {
    const id = await begin('checksums', { ChecksumAlgorithm: 'SHA256' });
    const send = (PartNumber: number, Body: string, of = Body) => {
      const ChecksumSHA256 = createHash('sha256').update(of).digest('base64');
      return s3().client.send(
        new UploadPartCommand({ ...at('checksums'), UploadId: id, PartNumber, Body, ChecksumSHA256 }),
      );
    };
    expect(await failureOf(send(1, 'hello', 'other'))).toEqual({ name: 'BadDigest', status: 400 });
    const { ETag, ChecksumSHA256 } = await send(1, 'hello');
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag, ChecksumSHA256 }] };
    await s3().client.send(new CompleteMultipartUploadCommand({ ...at('checksums'), UploadId: id, MultipartUpload }));
    const found = await s3().client.send(new HeadObjectCommand({ ...at('checksums'), ChecksumMode: 'ENABLED' }));
    const composite = createHash('sha256').update(createHash('sha256').update('hello').digest()).digest('base64');
    expect([found.ChecksumSHA256, found.ChecksumType]).toEqual([`${composite}-1`, 'COMPOSITE']);
  });

  describe('under a condition', () => {
    test('If-None-Match: * makes a new object', async () => {
      const { id, done } = await small('if/new');
      await complete('if/new', id, done, { IfNoneMatch: '*' });
      expect((await s3().read('if/new')).toString()).toBe('small');
    });

    needs('conditional-complete')('If-None-Match: * does not replace what came in between', async () => {
      const { id, done } = await small('if/there');
      await s3().put('if/there', 'first');
      const refusal = await failureOf(complete('if/there', id, done, { IfNoneMatch: '*' }));
      expect(refusal).toEqual({ name: 'PreconditionFailed', status: 412 });
      expect((await s3().read('if/there')).toString()).toBe('first');
    });

    needs('conditional-complete')('If-Match replaces only the version it names', async () => {
      const etag = await s3().put('if/match', 'first');
      const wrong = await small('if/match', 'wrong');
      const refusal = await failureOf(complete('if/match', wrong.id, wrong.done, { IfMatch: etagOf('other') }));
      expect(refusal).toEqual({ name: 'PreconditionFailed', status: 412 });
      expect((await s3().read('if/match')).toString()).toBe('first');
      const right = await small('if/match', 'right');
      await complete('if/match', right.id, right.done, { IfMatch: etag });
      expect((await s3().read('if/match')).toString()).toBe('right');
    });

    needs('conditional-complete')('of many that make one new object at once exactly one wins', async () => {
      const racing = await Promise.all(Array.from({ length: 8 }, (_, i) => small('if/race', `upload ${i}`)));
      const completing = racing.map(({ id, done }) => complete('if/race', id, done, { IfNoneMatch: '*' }));
      const putting = Array.from({ length: 4 }, (_, i) => s3().put('if/race', `put ${i}`, { IfNoneMatch: '*' }));
      const settled = await Promise.allSettled([...completing, ...putting]);
      const won = settled.flatMap((outcome, i) => (outcome.status === 'fulfilled' ? [i] : []));
      expect(won.length).toBe(1);
      const winner = won[0]! < 8 ? `upload ${won[0]}` : `put ${won[0]! - 8}`;
      expect((await s3().read('if/race')).toString()).toBe(winner);
    });
  });

  describe('with parts copied from objects', () => {
    const copyPart = (Key: string, UploadId: string, PartNumber: number, from: string, CopySourceRange?: string) => {
      const CopySource = `${s3().bucket}/${from}`;
      return s3().client.send(
        new UploadPartCopyCommand({ ...at(Key), UploadId, PartNumber, CopySource, CopySourceRange }),
      );
    };

    test('the object is made of whole objects and ranges', async () => {
      await s3().put('part-source', WHOLE);
      const id = await begin('part-copied');
      const first = await copyPart('part-copied', id, 1, 'part-source');
      const second = await copyPart('part-copied', id, 2, 'part-source', 'bytes=10-19');
      expect(second.CopyPartResult?.LastModified).toBeInstanceOf(Date);
      const expected = [WHOLE, WHOLE.subarray(10, 20)];
      const done = [first, second].map((part, i) => ({ PartNumber: i + 1, ETag: part.CopyPartResult?.ETag ?? '' }));
      expect(done.map((part) => part.ETag.replaceAll('"', ''))).toEqual(expected.map(md5));
      await complete('part-copied', id, done);
      expect(md5(await s3().read('part-copied'))).toBe(md5(Buffer.concat(expected)));
      expect((await head('part-copied')).ETag).toBe(multipartEtag(expected));
    });

    test('a range beyond the source is refused', async () => {
      await s3().put('short', 'short');
      const id = await begin('beyond');
      expect([400, 416]).toContain((await failureOf(copyPart('beyond', id, 1, 'short', 'bytes=0-99'))).status);
      expect((await parts('beyond', id)).Parts ?? []).toEqual([]);
      await abort('beyond', id);
    });

    test('a missing source says NoSuchKey', async () => {
      const id = await begin('no-source');
      expect(await failureOf(copyPart('no-source', id, 1, 'missing'))).toEqual({ name: 'NoSuchKey', status: 404 });
      await abort('no-source', id);
    });
  });

  describe('in listings', () => {
    test('the parts come in pages, in the order of their numbers', async () => {
      const id = await begin('pages');
      for (const number of [5, 1, 10_000, 3]) await upload('pages', id, number, Buffer.from(`part ${number}`));
      const seen: (number | undefined)[] = [];
      let marker: string | undefined;
      for (;;) {
        const list = new ListPartsCommand({ ...at('pages'), UploadId: id, MaxParts: 3, PartNumberMarker: marker });
        const page = await s3().client.send(list);
        seen.push(...(page.Parts ?? []).map((part) => part.PartNumber));
        expect(page).toMatchObject({ ...at('pages'), UploadId: id, MaxParts: 3 });
        if (page.IsTruncated !== true) break;
        marker = page.NextPartNumberMarker;
      }
      expect(seen).toEqual([1, 3, 5, 10_000]);
      await abort('pages', id);
    });

    test('uploads come by key and then age, within a prefix, in pages', async () => {
      const Bucket = await s3().makeBucket();
      const started: [string, string][] = [];
      for (const Key of ['up/b', 'up/a/1', 'up/b', 'up/\u{1F600}', 'up/\uFF01', 'other'])
        started.push([Key, await begin(Key, { Bucket })]);
      const expected = [started[1], started[0], started[2], started[4], started[3]];
      const ask = { Bucket, Prefix: 'up/' };
      const { Uploads = [] } = await s3().client.send(new ListMultipartUploadsCommand(ask));
      expect(Uploads.map(({ Key, UploadId }) => [Key, UploadId]).sort()).toEqual([...expected].sort());
      expect(Uploads.map(({ Key }) => Key)).toEqual(expected.map((pair) => pair?.[0]));
      expect(Uploads[0]?.Initiated).toBeInstanceOf(Date);

      const seen: (string | undefined)[][] = [];
      let markers: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {};
      for (;;) {
        const page = await s3().client.send(new ListMultipartUploadsCommand({ ...ask, MaxUploads: 2, ...markers }));
        seen.push(...(page.Uploads ?? []).map(({ Key, UploadId }) => [Key, UploadId]));
        if (page.IsTruncated !== true) break;
        markers = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
      }
      expect(seen.map(String).sort()).toEqual(expected.map(String).sort());
    });

    needs('upload-delimiter')('uploads below a delimiter are folded', async () => {
      const Bucket = await s3().makeBucket();
      for (const Key of ['up/b', 'up/a/1', 'up/a/2', 'up/c']) await begin(Key, { Bucket });
      const ask = { Bucket, Prefix: 'up/' };
      const folded = await s3().client.send(new ListMultipartUploadsCommand({ ...ask, Delimiter: '/' }));
      expect(folded.CommonPrefixes?.map(({ Prefix }) => Prefix)).toEqual(['up/a/']);
      expect(folded.Uploads?.map(({ Key }) => Key)).toEqual(['up/b', 'up/c']);
    });
  });
});
