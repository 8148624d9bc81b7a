import { randomBytes } from 'node:crypto';
import { HeadObjectCommand, UploadPartCopyCommand } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { contractS3, etagOf, failureOf, md5, needs } from '../support/contract-s3.ts';
import { multipartEtag, Uploads } from '../support/contract-s3-uploads.ts';

const WHOLE = randomBytes(5 * 1024 * 1024 + 1_000);

describe('S3 server, parts copied from objects', () => {
  const s3 = contractS3();
  const up = () => new Uploads(s3());
  const head = (Key: string) => s3().client.send(new HeadObjectCommand(up().at(Key)));

  const copyPart = (Key: string, UploadId: string, PartNumber: number, from: string, CopySourceRange?: string) => {
    const CopySource = `${s3().bucket}/${from}`;
    return s3().client.send(
      new UploadPartCopyCommand({ ...up().at(Key), UploadId, PartNumber, CopySource, CopySourceRange }),
    );
  };

  test('the object is made of whole objects and ranges', async () => {
    await s3().put('part-source', WHOLE);
    const id = await up().begin('part-copied');
    const first = await copyPart('part-copied', id, 1, 'part-source');
    const second = await copyPart('part-copied', id, 2, 'part-source', 'bytes=10-19');
    expect(second.CopyPartResult?.LastModified).toBeInstanceOf(Date);
    const expected = [WHOLE, WHOLE.subarray(10, 20)];
    const done = [first, second].map((part, i) => ({ PartNumber: i + 1, ETag: part.CopyPartResult?.ETag ?? '' }));
    expect(done.map((part) => part.ETag.replaceAll('"', ''))).toEqual(expected.map(md5));
    await up().complete('part-copied', id, done);
    expect(md5(await s3().read('part-copied'))).toBe(md5(Buffer.concat(expected)));
    expect((await head('part-copied')).ETag).toBe(multipartEtag(expected));
  });

  test('a range beyond the source is refused', async () => {
    await s3().put('short', 'short');
    const id = await up().begin('beyond');
    expect([400, 416]).toContain((await failureOf(copyPart('beyond', id, 1, 'short', 'bytes=0-99'))).status);
    expect((await up().parts('beyond', id)).Parts ?? []).toEqual([]);
    await up().abort('beyond', id);
  });

  test('a missing source says NoSuchKey', async () => {
    const id = await up().begin('no-source');
    expect(await failureOf(copyPart('no-source', id, 1, 'missing'))).toEqual({ name: 'NoSuchKey', status: 404 });
    await up().abort('no-source', id);
  });

  needs('copy-conditions')('a part is not copied from a version that the request does not name', async () => {
    const etag = await s3().put('versions', 'hello');
    const id = await up().begin('exact');
    const ask = { ...up().at('exact'), UploadId: id, PartNumber: 1, CopySource: `${s3().bucket}/versions` };
    const other = new UploadPartCopyCommand({ ...ask, CopySourceIfMatch: etagOf('other') });
    expect(await failureOf(s3().client.send(other))).toEqual({ name: 'PreconditionFailed', status: 412 });
    expect((await up().parts('exact', id)).Parts ?? []).toEqual([]);
    await s3().client.send(new UploadPartCopyCommand({ ...ask, CopySourceIfMatch: etag }));
    expect((await up().parts('exact', id)).Parts?.length).toBe(1);
    await up().abort('exact', id);
  });
});
