import { ListObjectsCommand, ListObjectsV2Command, type ListObjectsV2CommandInput } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { byteOrder, contractS3, decodeKey, etagOf, lacks, needs } from '../support/contract-s3.ts';
import { pathOf } from '../support/contract-s3-http.ts';

/** One line of a listing: a key, or a common prefix with the mark that it is one. */
type Line = `key ${string}` | `prefix ${string}`;
interface Page {
  readonly lines: Line[];
  readonly truncated: boolean;
  readonly next: string | undefined;
}
interface Question {
  readonly prefix: string;
  readonly delimiter: string;
  readonly after: string;
}

/** What a listing must say, the plain way. */
function naiveListing(keys: readonly string[], { prefix, delimiter, after }: Question): Line[] {
  const lines = keys
    .filter((key) => key.startsWith(prefix) && byteOrder(key, after) > 0)
    .sort(byteOrder)
    .map((key): Line => {
      const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
      return cut < 0 ? `key ${key}` : `prefix ${key.slice(0, cut + delimiter.length)}`;
    });
  return [...new Set(lines)];
}

const nameOf = (line: Line): string => line.slice(line.indexOf(' ') + 1);

/** Keys and common prefixes come in two lists, each in order; together they are one order. */
function merged(keys: readonly (string | undefined)[], prefixes: readonly (string | undefined)[]): Line[] {
  const names = keys.map((key = '') => key);
  const folded = prefixes.map((prefix = '') => prefix);
  expect(names).toEqual([...names].sort(byteOrder));
  expect(folded).toEqual([...folded].sort(byteOrder));
  const lines: Line[] = [...names.map((name): Line => `key ${name}`), ...folded.map((name): Line => `prefix ${name}`)];
  return lines.sort((a, b) => byteOrder(nameOf(a), nameOf(b)));
}

describe('S3 server, listings', () => {
  const s3 = contractS3();
  const list = (more: Partial<ListObjectsV2CommandInput> = {}) =>
    s3().client.send(new ListObjectsV2Command({ Bucket: s3().bucket, ...more }));

  const pageV2 = async (question: Question, MaxKeys: number, token?: string): Promise<Page> => {
    const { prefix: Prefix, delimiter: Delimiter, after: StartAfter } = question;
    const page = await list({ Prefix, Delimiter, StartAfter, MaxKeys, ContinuationToken: token, EncodingType: 'url' });
    const keys = (page.Contents ?? []).map((entry) => decodeKey(entry.Key ?? ''));
    const prefixes = (page.CommonPrefixes ?? []).map((entry) => decodeKey(entry.Prefix ?? ''));
    expect(page.KeyCount).toBe(keys.length + prefixes.length);
    return { lines: merged(keys, prefixes), truncated: page.IsTruncated === true, next: page.NextContinuationToken };
  };

  const pageV1 = async (question: Question, MaxKeys: number, marker = question.after): Promise<Page> => {
    const { prefix: Prefix, delimiter: Delimiter } = question;
    const ask = { Bucket: s3().bucket, Prefix, Delimiter, MaxKeys, Marker: marker, EncodingType: 'url' } as const;
    const page = await s3().client.send(new ListObjectsCommand(ask));
    const keys = (page.Contents ?? []).map((entry) => decodeKey(entry.Key ?? ''));
    const prefixes = (page.CommonPrefixes ?? []).map((entry) => decodeKey(entry.Prefix ?? ''));
    // NextMarker is promised only with a delimiter; it is the last line of the page, which does as well without.
    const lines = merged(keys, prefixes);
    return { lines, truncated: page.IsTruncated === true, next: lines.map(nameOf).at(-1) };
  };

  /** All pages of a listing one after the other. */
  const walk = async (page: typeof pageV2, question: Question, size: number): Promise<Line[]> => {
    const lines: Line[] = [];
    let next: string | undefined;
    do {
      const answer = await page(question, size, next);
      expect(answer.lines.length).toBeLessThanOrEqual(size);
      if (answer.truncated) expect(answer.lines.length).toBeGreaterThan(0);
      lines.push(...answer.lines);
      next = answer.truncated ? answer.next : undefined;
      if (answer.truncated) expect(next).toBeTruthy();
    } while (next !== undefined);
    return lines;
  };

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
      expect(await walk(pageV1, question, 2)).toEqual(keys.map((key) => `key ${key}`));
      const folded = ['key facts/a', 'prefix facts/b/', 'key facts/c', 'prefix facts/d/'];
      expect(await walk(pageV1, { ...question, delimiter: '/' }, 1)).toEqual(folded);
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
      expect(await walk(pageV2, question, 1_000)).toEqual(sorted.map((key) => `key ${key}`));
      expect(await walk(pageV1, question, 1_000)).toEqual(sorted.map((key) => `key ${key}`));
      const greedy = await list({ Prefix: 'many/', MaxKeys: 5_000 });
      expect([greedy.KeyCount, greedy.IsTruncated]).toEqual([1_000, true]);
    });

    test('pages of other lengths tell the same', async () => {
      for (const size of [333, 469, 999]) {
        expect(await walk(pageV2, question, size)).toEqual(sorted.map((key) => `key ${key}`));
      }
    });

    test('folders of hundreds of keys fold into one line each', async () => {
      const folders = Array.from({ length: 7 }, (_, i) => `prefix many/${i}/`);
      const folded = { ...question, delimiter: '/' };
      for (const size of [1, 3, 1_000]) {
        expect(await walk(pageV2, folded, size)).toEqual(folders);
        expect(await walk(pageV1, folded, size)).toEqual(folders);
      }
    });
  });

  describe('of arbitrary keys', () => {
    const piece = fc.constantFrom(
      'a',
      'b',
      '/',
      '//',
      '-',
      '.',
      ' ',
      '+',
      '%',
      '&',
      '0',
      'é',
      '\uE000',
      '\uFF01',
      '\u{1F600}',
      'ab/',
    );
    const text = (maxLength: number) => fc.array(piece, { maxLength }).map((pieces) => pieces.join(''));
    const populations = fc
      .sample(fc.uniqueArray(text(6), { minLength: 70, maxLength: 90 }), { numRuns: 3, seed: 20261120 })
      .map((keys, i) => keys.map((key) => `any${i}/${key}`));
    beforeAll(() => s3().putAll(populations.flat()));

    /** Where a page starts inside a folded prefix servers differ on whether that prefix is still to come. */
    const plain = ({ prefix, delimiter, after }: Question): boolean =>
      delimiter === '' || !after.startsWith(prefix) || !after.slice(prefix.length).includes(delimiter);

    const questions = fc
      .record({
        population: fc.constantFrom(0, 1, 2),
        inside: text(3),
        delimiter: fc.constantFrom(
          '',
          '/',
          'b',
          ...(lacks('long-delimiters') ? [] : ['/', '//', 'é', '\u{1F600}', 'ab']),
        ),
        behind: fc.oneof(fc.constant(null), text(5)),
        size: fc.constantFrom(1, 2, 3, 7, 20, 1_000),
      })
      .map(({ population, inside, delimiter, behind, size }) => ({
        keys: populations[population] ?? [],
        question: {
          prefix: `any${population}/${inside}`,
          delimiter,
          after: behind === null ? '' : `any${population}/${behind}`,
        },
        // Few lines a page make many requests; short walks stay affordable.
        size: inside === '' && size < 7 ? size + 10 : size,
      }))
      .filter(({ question }) => plain(question));

    test('order, prefix, delimiter, start-after and pages agree with the plain way of listing', async () => {
      const property = fc.asyncProperty(questions, async ({ keys, question, size }) => {
        expect(await walk(pageV2, question, size)).toEqual(naiveListing(keys, question));
      });
      await fc.assert(property, { numRuns: 150 });
    });

    test('the first version of the call agrees too', async () => {
      const property = fc.asyncProperty(questions, async ({ keys, question, size }) => {
        expect(await walk(pageV1, question, size)).toEqual(naiveListing(keys, question));
      });
      await fc.assert(property, { numRuns: 100 });
    });
  });
});
