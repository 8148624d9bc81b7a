/**
 * Whether a page of a listing is whole, and whether more follows. What the SDK cannot read of a page it takes for "no", 0
 * or nothing without a word: such a page would pass for the last one, and vouch for absences that nobody has seen.
 */

/** Does more follow? Or what is odd about the page, which then cannot be believed. */
export type PageWord = { readonly isTruncated: boolean } | { readonly odd: string };

const ROOT = /<ListBucketResult[\s>]/;
const END = /<\/ListBucketResult\s*>\s*$/;
const TRUNCATED = /<IsTruncated>\s*(true|false)\s*<\/IsTruncated>/gi;
const ENTRY = /<(?:[\w.-]+:)?Contents(?=[\s/>])/g;
const NO_SIZE = /<Size(?=[\s/>])[^>]*>(?!\s*\d+\s*<)/;

/**
 * `told`: the document, without the entries that were read by us. `bySdk`: how many the SDK has read in it; null where
 * none were left to it.
 */
export function wordOf(told: string, bySdk: number | null): PageWord {
  if (!ROOT.test(told)) return { odd: 'the answer is not a listing; check S3_ENDPOINT' };
  if (!END.test(told)) return { odd: 'it goes on behind its end, or has none' };
  const [word, another] = told.matchAll(TRUNCATED);
  if (word === undefined || another !== undefined) return { odd: 'it does not say plainly whether more follows' };
  if (bySdk !== null && NO_SIZE.test(told)) return { odd: 'it has a size that is no number' };
  if (bySdk !== null && (told.match(ENTRY)?.length ?? 0) !== bySdk)
    return { odd: 'it has entries that cannot be read' };
  return { isTruncated: word[1]?.toLowerCase() === 'true' };
}
