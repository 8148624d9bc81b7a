import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ListingQuery, pageOf } from '../../bench/support/listing-server.ts';

const text = fc.array(fc.constantFrom('a', 'b', '-', '/', '0'), { maxLength: 6 }).map((letters) => letters.join(''));
const query = fc.record({ prefix: text, delimiter: fc.constantFrom('', '/', 'b-'), after: text });

/** All of a listing at once: what is under a delimiter counts as one entry, and only entries after `after` do. */
function naive(keys: readonly string[], { prefix, delimiter, after }: Omit<ListingQuery, 'maxKeys'>): string[] {
  const entries = keys
    .filter((key) => key.startsWith(prefix))
    .map((key) => {
      const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
      return at === -1 ? key : key.slice(0, at + delimiter.length);
    });
  return [...new Set(entries)].filter((entry) => entry > after).sort();
}

test("the benchmarks' synthetic bucket lists as S3 does, however its pages are cut", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(text.filter(Boolean)),
      query,
      fc.integer({ min: 1, max: 4 }),
      (names, asked, maxKeys) => {
        const keys = names.sort();
        const sequence = { length: keys.length, keyAt: (index: number) => keys[index] ?? '' };
        const listed: string[] = [];
        let after = asked.after;
        for (let truncated = true; truncated; ) {
          const page = pageOf(sequence, { ...asked, after, maxKeys });
          listed.push(...[...page.keys, ...page.commonPrefixes].sort());
          expect(page.keys.length + page.commonPrefixes.length).toBeLessThanOrEqual(maxKeys);
          ({ last: after, truncated } = page);
        }
        expect(listed).toEqual(naive(keys, asked));
      },
    ),
    { numRuns: 500 },
  );
});
