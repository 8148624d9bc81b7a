import { randomBytes } from 'node:crypto';
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  type GetObjectCommandInput,
  HeadObjectCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { contractS3, etagOf, failureOf, md5, needs } from '../support/contract-s3.ts';
import { pathOf } from '../support/contract-s3-http.ts';

const PRECONDITION_FAILED = { name: 'PreconditionFailed', status: 412 };
const NO_SUCH_KEY = { name: 'NoSuchKey', status: 404 };
const WRONG = etagOf('something else');

const LOST = ['PreconditionFailed', 'ConditionalRequestConflict'];

/** Which of the racing writes went through, and what the others were told. */
async function race(writes: readonly Promise<unknown>[]): Promise<{ winners: number[]; told: string[] }> {
  const settled = await Promise.allSettled(writes);
  return {
    winners: settled.flatMap((outcome, i) => (outcome.status === 'fulfilled' ? [i] : [])),
    told: settled.flatMap((outcome) => (outcome.status === 'rejected' ? [String(outcome.reason.name)] : [])),
  };
}

describe('S3 server, conditional writes', () => {
  const s3 = contractS3();
  const text = async (key: string) => (await s3().read(key)).toString();

  test('If-None-Match: * stores what is new', async () => {
    await s3().put('new', 'mine', { IfNoneMatch: '*' });
    expect(await text('new')).toBe('mine');
  });

  test('If-None-Match: * does not replace what is there', async () => {
    await s3().put('there', 'first');
    expect(await failureOf(s3().put('there', 'second', { IfNoneMatch: '*' }))).toEqual(PRECONDITION_FAILED);
    expect(await text('there')).toBe('first');
  });

  test('If-None-Match: * stores again what was deleted', async () => {
    await s3().put('back', 'first');
    await s3().client.send(new DeleteObjectCommand({ Bucket: s3().bucket, Key: 'back' }));
    await s3().put('back', 'second', { IfNoneMatch: '*' });
    expect(await text('back')).toBe('second');
  });

  test('of many that store one new key at once exactly one wins, and its bytes are there', async () => {
    for (const round of [1, 2, 3]) {
      const bodies = Array.from({ length: 16 }, () => randomBytes(50_000));
      const key = `race-${round}`;
      const { winners, told } = await race(bodies.map((body) => s3().put(key, body, { IfNoneMatch: '*' })));
      expect(winners.length).toBe(1);
      for (const name of told) expect(LOST).toContain(name);
      expect(md5(await s3().read(key))).toBe(md5(bodies[winners[0]!]!));
    }
  });

  needs('if-match-quoted')('If-Match replaces the version it names', async () => {
    const etag = await s3().put('match', 'first');
    expect(etag).toBe(etagOf('first'));
    await s3().put('match', 'second', { IfMatch: etag });
    expect(await text('match')).toBe('second');
  });

  test('If-Match takes an ETag without its quotes', async () => {
    await s3().put('bare', 'first');
    await s3().put('bare', 'second', { IfMatch: md5('first') });
    expect(await text('bare')).toBe('second');
  });

  test('If-Match replaces no other version', async () => {
    await s3().put('other', 'first');
    for (const IfMatch of [WRONG, md5('something else')]) {
      expect(await failureOf(s3().put('other', 'second', { IfMatch }))).toEqual(PRECONDITION_FAILED);
    }
    expect(await text('other')).toBe('first');
  });

  test('If-Match stores nothing where nothing is', async () => {
    const { status } = await failureOf(s3().put('nothing', 'x', { IfMatch: WRONG }));
    expect([404, 412]).toContain(status);
    expect(await s3().keys('nothing')).toEqual([]);
  });

  needs('if-match-missing')('If-Match on a missing key says NoSuchKey', async () => {
    expect(await failureOf(s3().put('nothing', 'x', { IfMatch: WRONG }))).toEqual(NO_SUCH_KEY);
  });

  const swap = async () => {
    await s3().put('swap', 'start');
    const bodies = Array.from({ length: 12 }, () => randomBytes(50_000));
    return { bodies, ...(await race(bodies.map((body) => s3().put('swap', body, { IfMatch: md5('start') })))) };
  };

  test('of many that replace one version at once exactly one wins, and its bytes are there', async () => {
    const { bodies, winners } = await swap();
    expect(winners.length).toBe(1);
    expect(md5(await s3().read('swap'))).toBe(md5(bodies[winners[0]!]!));
  });

  needs('if-match-races')('those that lose the race to replace a version are told so', async () => {
    for (const name of (await swap()).told) expect(LOST).toContain(name);
  });

  test('a write whose condition fails leaves headers and metadata alone too', async () => {
    await s3().put('whole', 'first', { ContentType: 'text/plain', Metadata: { a: '1' } });
    const put = s3().put('whole', 'x', { ContentType: 'text/html', Metadata: { a: '2' }, IfNoneMatch: '*' });
    expect(await failureOf(put)).toEqual(PRECONDITION_FAILED);
    const found = await s3().client.send(new HeadObjectCommand({ Bucket: s3().bucket, Key: 'whole' }));
    expect([found.ContentType, found.Metadata]).toEqual(['text/plain', { a: '1' }]);
  });

  describe('on DELETE', () => {
    const remove = (Key: string, IfMatch: string) =>
      s3().client.send(new DeleteObjectCommand({ Bucket: s3().bucket, Key, IfMatch }));

    needs('conditional-delete')('If-Match deletes the version it names', async () => {
      const etag = await s3().put('delete', 'x');
      await remove('delete', etag);
      expect(await s3().keys('delete')).toEqual([]);
    });

    needs('conditional-delete')('If-Match: * deletes whatever is there', async () => {
      await s3().put('delete-any', 'x');
      await remove('delete-any', '*');
      expect(await s3().keys('delete-any')).toEqual([]);
    });

    needs('conditional-delete')('If-Match deletes no other version', async () => {
      await s3().put('delete-other', 'x');
      expect(await failureOf(remove('delete-other', WRONG))).toEqual(PRECONDITION_FAILED);
      expect(await text('delete-other')).toBe('x');
    });

    needs('conditional-delete')('If-Match on a missing key fails', async () => {
      expect([404, 412]).toContain((await failureOf(remove('delete-missing', WRONG))).status);
    });

    needs('conditional-delete')('each key of DeleteObjects may name its version', async () => {
      const right = await s3().put('batch/right', 'a');
      await s3().put('batch/wrong', 'b');
      const Objects = [
        { Key: 'batch/right', ETag: right },
        { Key: 'batch/wrong', ETag: WRONG },
      ];
      const batch = new DeleteObjectsCommand({ Bucket: s3().bucket, Delete: { Objects } });
      const { Deleted = [], Errors = [] } = await s3().client.send(batch);
      expect(Deleted.map((entry) => entry.Key)).toEqual(['batch/right']);
      expect(Errors).toMatchObject([{ Key: 'batch/wrong', Code: 'PreconditionFailed' }]);
      expect(await s3().keys('batch/')).toEqual(['batch/wrong']);
    });
  });
});

describe('S3 server, conditional reads and ranges', () => {
  const s3 = contractS3();
  const read = async (more: Partial<GetObjectCommandInput> = {}, Key = 'alphabet') => {
    await s3().put('alphabet', 'abcdefghijklmnopqrstuvwxyz', { ContentType: 'text/plain' });
    await s3().put('empty', '');
    const answer = await s3().client.send(new GetObjectCommand({ Bucket: s3().bucket, Key, ...more }));
    return { text: (await answer.Body?.transformToString()) ?? '', ...answer };
  };

  test.each([
    ['bytes=0-0', 'a', 'bytes 0-0/26'],
    ['bytes=2-4', 'cde', 'bytes 2-4/26'],
    ['bytes=23-', 'xyz', 'bytes 23-25/26'],
    ['bytes=-3', 'xyz', 'bytes 23-25/26'],
    ['bytes=20-999999', 'uvwxyz', 'bytes 20-25/26'],
    ['bytes=-999999', 'abcdefghijklmnopqrstuvwxyz', 'bytes 0-25/26'],
  ])('Range %s answers %s', async (Range, text, ContentRange) => {
    const answer = await read({ Range });
    expect(answer).toMatchObject({
      text,
      ContentRange,
      ContentLength: text.length,
      ETag: etagOf('abcdefghijklmnopqrstuvwxyz'),
    });
    expect(answer.$metadata.httpStatusCode).toBe(206);
    const head = await s3().client.send(new HeadObjectCommand({ Bucket: s3().bucket, Key: 'alphabet', Range }));
    expect([head.$metadata.httpStatusCode, head.ContentLength]).toEqual([206, text.length]);
  });

  test.each(['bytes=26-', 'bytes=100-200'])('Range %s is beyond the object', async (Range) => {
    expect(await failureOf(read({ Range }))).toEqual({ name: 'InvalidRange', status: 416 });
  });

  test('no range of an empty object can be had', async () => {
    expect(await failureOf(read({ Range: 'bytes=0-' }, 'empty'))).toEqual({ name: 'InvalidRange', status: 416 });
  });

  needs('odd-ranges')('a range of the last none bytes is beyond the object', async () => {
    expect(await failureOf(read({ Range: 'bytes=-0' }))).toEqual({ name: 'InvalidRange', status: 416 });
  });

  needs('odd-ranges')('a range that makes no sense, and more than one, is ignored', async () => {
    for (const Range of ['bytes=5-2', 'bytes=a-b', 'bytes=-', 'lines=1-2', '0-4', 'bytes=0-1,4-5']) {
      const answer = await read({ Range });
      expect([Range, answer.$metadata.httpStatusCode, answer.text.length]).toEqual([Range, 200, 26]);
    }
  });

  test('that ranges can be had is told', async () => {
    expect((await read()).AcceptRanges).toBe('bytes');
  });

  const past = new Date('2001-01-01T00:00:00Z');
  const future = new Date('2100-01-01T00:00:00Z');
  const right = etagOf('abcdefghijklmnopqrstuvwxyz');

  const passing: [string, Partial<GetObjectCommandInput>][] = [
    ['If-Match with the ETag', { IfMatch: right }],
    ['If-None-Match with another ETag', { IfNoneMatch: WRONG }],
    ['If-Modified-Since before it', { IfModifiedSince: past }],
    ['If-Unmodified-Since after it', { IfUnmodifiedSince: future }],
    ['a right If-Match, whatever If-Unmodified-Since says', { IfMatch: right, IfUnmodifiedSince: past }],
  ];
  test.each(passing)('GET and HEAD answer %s', async (_, condition) => {
    expect((await read(condition)).text.length).toBe(26);
    const head = new HeadObjectCommand({ Bucket: s3().bucket, Key: 'alphabet', ...condition });
    expect((await s3().client.send(head)).ContentLength).toBe(26);
  });

  needs('if-match-any')('GET and HEAD answer If-Match: *', async () => {
    expect((await read({ IfMatch: '*' })).text.length).toBe(26);
    const head = new HeadObjectCommand({ Bucket: s3().bucket, Key: 'alphabet', IfMatch: '*' });
    expect((await s3().client.send(head)).ContentLength).toBe(26);
  });

  const failing: [string, Partial<GetObjectCommandInput>][] = [
    ['If-Match with another ETag', { IfMatch: WRONG }],
    ['If-Unmodified-Since before it', { IfUnmodifiedSince: past }],
  ];
  test.each(failing)('GET and HEAD refuse %s', async (_, condition) => {
    expect(await failureOf(read(condition))).toEqual(PRECONDITION_FAILED);
    const head = new HeadObjectCommand({ Bucket: s3().bucket, Key: 'alphabet', ...condition });
    expect((await failureOf(s3().client.send(head))).status).toBe(412);
  });

  test.each([
    ['If-None-Match with the ETag', { 'if-none-match': right }],
    ['If-Modified-Since after it', { 'if-modified-since': future.toUTCString() }],
    ['the ETag, whatever If-Modified-Since says', { 'if-none-match': right, 'if-modified-since': past.toUTCString() }],
  ] as [string, Record<string, string>][])('GET and HEAD say "not modified" to %s', async (_, headers) => {
    await read();
    for (const method of ['GET', 'HEAD']) {
      const answer = await s3().raw.send({ method, path: pathOf(s3().bucket, 'alphabet'), headers });
      expect([answer.status, answer.body.length]).toEqual([304, 0]);
    }
  });
});
