import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { contractS3, lacks } from '../support/contract-s3.ts';
import { naiveListing, pageV1, pageV2, type Question, walk } from '../support/contract-s3-pages.ts';

/** Among them what SQL and file patterns read as wildcards, and characters whose successor is none. */
const PIECES = [...'///aAb-.0 +%&_*?[é\uD7FF\uE000\uFF01\u{1F600}\u{10FFFF}', '//', 'ab/'];
const LONG_DELIMITERS = ['/', '//', 'é', '\uD7FF', '\u{1F600}', '\u{10FFFF}', 'ab'];

describe('S3 server, listings of arbitrary keys', () => {
  const s3 = contractS3();
  const piece = fc.constantFrom(...PIECES);
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
      delimiter: fc.constantFrom('', '/', 'b', ...(lacks('long-delimiters') ? [] : LONG_DELIMITERS)),
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
      expect(await walk(pageV2, s3(), question, size)).toEqual(naiveListing(keys, question));
    });
    await fc.assert(property, { numRuns: 150 });
  });

  test('the first version of the call agrees too', async () => {
    const property = fc.asyncProperty(questions, async ({ keys, question, size }) => {
      expect(await walk(pageV1, s3(), question, size)).toEqual(naiveListing(keys, question));
    });
    await fc.assert(property, { numRuns: 100 });
  });
});
