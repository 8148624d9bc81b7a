import { ListObjectsCommand, ListObjectsV2Command, type ListObjectsV2CommandInput } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from 'vitest';
import { byteOrder, contractS3, etagOf, needs } from '../support/contract-s3.ts';
import { pathOf } from '../support/contract-s3-http.ts';
import { pageV1, pageV2, walk } from '../support/contract-s3-pages.ts';
import { decodeKey } from '../support/s3.ts';

describe('S3 server, listings', () => {
  const s3 = contractS3();
  const list = (more: Partial<ListObjectsV2CommandInput> = {}) =>
    s3().client.send(new ListObjectsV2Command({ Bucket: s3().bucket, ...more }));

  describe('of a folder', () => {
    const Prefix = 'facts/';
    beforeAll(() =>
      s3().putAll(['facts/a', 'facts/b/1', 'facts/b/2', 'facts/c', 'facts/d/1/2', 'facts!', 'facts0'], 'hello'),
    );

    test('an entry tells size, ETag, time and class', async () => {
      const { Contents } = await list({ Prefix: 'facts/a' });
      const entry = {
        Key: 'facts/a',
        Size: 5,
        ETag: etagOf('hello'),
        LastModified: expect.any(Date),
        StorageClass: 'STANDARD',
      };
      expect(Contents).toMatchObject([entry]);
    });

    test('the owner is told only when asked for', async () => {
      expect((await list({ Prefix })).Contents?.[0]?.Owner).toBeUndefined();
      expect((await list({ Prefix, FetchOwner: true })).Contents?.[0]?.Owner?.ID).toBeTruthy();
    });

    test('the answer repeats the question', async () => {
      const question = { Prefix, Delimiter: '/', MaxKeys: 7, StartAfter: 'facts/a' };
      expect(await list(question)).toMatchObject({ ...question, Name: s3().bucket, IsTruncated: false });
    });

    test('a delimiter folds what lies below it into one common prefix', async () => {
      const { Contents = [], CommonPrefixes = [], KeyCount } = await list({ Prefix, Delimiter: '/' });
      expect(Contents.map(({ Key }) => Key)).toEqual(['facts/a', 'facts/c']);
      expect(CommonPrefixes).toEqual([{ Prefix: 'facts/b/' }, { Prefix: 'facts/d/' }]);
      expect(KeyCount).toBe(4);
    });

    test('a prefix need not end at a delimiter', async () => {
      const { Contents, CommonPrefixes } = await list({ Prefix: 'facts/b', Delimiter: '/' });
      expect([Contents ?? [], CommonPrefixes]).toEqual([[], [{ Prefix: 'facts/b/' }]]);
    });

    test('start-after leaves out the key that it names and all before', async () => {
      const { Contents = [] } = await list({ Prefix, StartAfter: 'facts/b/1' });
      expect(Contents.map(({ Key }) => Key)).toEqual(['facts/b/2', 'facts/c', 'facts/d/1/2']);
      const between = await list({ Prefix, StartAfter: 'facts/b/15' });
      expect(between.Contents?.[0]?.Key).toBe('facts/b/2');
    });

    test('what matches nothing is an empty listing', async () => {
      for (const more of [{ Prefix: 'nothing' }, { Prefix, StartAfter: 'facts/z' }]) {
        expect(await list(more)).toMatchObject({ KeyCount: 0, IsTruncated: false });
      }
    });

    test('max-keys of 0 asks for nothing and gets it', async () => {
      const page = await list({ Prefix, MaxKeys: 0 });
      expect([page.KeyCount, page.Contents ?? [], page.IsTruncated]).toEqual([0, [], false]);
    });

    test('a page exactly as long as the listing is the last', async () => {
      expect(await list({ Prefix, MaxKeys: 5 })).toMatchObject({ KeyCount: 5, IsTruncated: false });
      expect(await list({ Prefix, MaxKeys: 4 })).toMatchObject({ KeyCount: 4, IsTruncated: true });
    });

    needs('listing-arguments')('parameters that make no sense are refused', async () => {
      const nonsense: [string, string][] = [
        ['max-keys', '-1'],
        ['max-keys', 'many'],
        ['encoding-type', 'morse'],
        ['continuation-token', 'nonsense'],
      ];
      for (const [name, value] of nonsense) {
        const query = { 'list-type': '2', [name]: value };
        const answer = await s3().raw.send({ method: 'GET', path: pathOf(s3().bucket), query });
        expect([name, answer.status, answer.code]).toEqual([name, 400, 'InvalidArgument']);
      }
    });

    test('a token goes on where the page ended, though its last key was deleted and others came', async () => {
      const keys = ['t/1', 't/2', 't/3', 't/4', 't/5'];
      await s3().putAll(keys);
      const first = await list({ Prefix: 't/', MaxKeys: 2 });
      await s3().raw.send({ method: 'DELETE', path: pathOf(s3().bucket, 't/2') });
      await s3().putAll(['t/0', 't/25']);
      const rest = await list({ Prefix: 't/', ContinuationToken: first.NextContinuationToken });
      expect(rest.Contents?.map(({ Key }) => Key)).toEqual(['t/25', 't/3', 't/4', 't/5']);
    });

    test('the first version of the call pages by the last key, and by NextMarker with a delimiter', async () => {
      const question = { prefix: Prefix, delimiter: '', after: '' };
      const keys = ['facts/a', 'facts/b/1', 'facts/b/2', 'facts/c', 'facts/d/1/2'];
      expect(await walk(pageV1, s3(), question, 2)).toEqual(keys.map((key) => `key ${key}`));
      const folded = ['key facts/a', 'prefix facts/b/', 'key facts/c', 'prefix facts/d/'];
      expect(await walk(pageV1, s3(), { ...question, delimiter: '/' }, 1)).toEqual(folded);
      const first = await s3().client.send(
        new ListObjectsCommand({ Bucket: s3().bucket, Prefix, Delimiter: '/', MaxKeys: 2 }),
      );
      expect([first.NextMarker, first.Marker ?? '']).toEqual(['facts/b/', '']);
    });

    needs('encoded-markers')('NextMarker is URL-encoded as the keys are', async () => {
      await s3().putAll(['enc/a b+c/1', 'enc/d']);
      const ask = { Bucket: s3().bucket, Prefix: 'enc/', Delimiter: '/', MaxKeys: 1, EncodingType: 'url' } as const;
      const page = await s3().client.send(new ListObjectsCommand(ask));
      expect(decodeKey(page.NextMarker ?? '')).toBe('enc/a b+c/');
    });
  });

  test('keys are in the order of their UTF-8 bytes, which neither UTF-16 nor folders follow', async () => {
    const keys = [
      'order/\u{1F600}',
      'order/\u{10000}',
      'order/\uE000',
      'order/\uFF01',
      'order/\uFFFD',
      'order/\uD7FF',
      'order/é',
      'order/e\u0301',
      'order/z',
      'order/Z',
      'order/a/b',
      'order/a',
      'order/a!',
      'order/a-b',
      'order/a.b',
      'order/a0',
      'order/a b',
      'order/a/',
      'order/a//',
      'order/~',
      'order/\u007F',
      'order/\u0080',
    ];
    await s3().putAll(keys);
    expect(await s3().keys('order/')).toEqual([...keys].sort(byteOrder));
  });

  describe('of many keys', () => {
    const keys = Array.from(
      { length: 2_345 },
      (_, i) => `many/${i % 7}/${String((i * 7919) % 2_345).padStart(5, '0')}.jpg`,
    );
    const sorted = [...keys].sort(byteOrder);
    const question = { prefix: 'many/', delimiter: '', after: '' };
    beforeAll(() => s3().putAll(keys));

    test('each key comes once and none is missed, in pages of at most 1,000', async () => {
      expect(await walk(pageV2, s3(), question, 1_000)).toEqual(sorted.map((key) => `key ${key}`));
      expect(await walk(pageV1, s3(), question, 1_000)).toEqual(sorted.map((key) => `key ${key}`));
      const greedy = await list({ Prefix: 'many/', MaxKeys: 5_000 });
      expect([greedy.KeyCount, greedy.IsTruncated]).toEqual([1_000, true]);
    });

    test('pages of other lengths tell the same', async () => {
      for (const size of [333, 469, 999]) {
        expect(await walk(pageV2, s3(), question, size)).toEqual(sorted.map((key) => `key ${key}`));
      }
    });

    test('folders of hundreds of keys fold into one line each', async () => {
      const folders = Array.from({ length: 7 }, (_, i) => `prefix many/${i}/`);
      const folded = { ...question, delimiter: '/' };
      for (const size of [1, 3, 1_000]) {
        expect(await walk(pageV2, s3(), folded, size)).toEqual(folders);
        expect(await walk(pageV1, s3(), folded, size)).toEqual(folders);
      }
    });
  });
});
