/**
 * Compares two keys by their UTF-8 bytes, the order in which S3 lists and `COLLATE "C"` sorts. JavaScript compares
 * UTF-16 code units, which puts astral characters (surrogates, 0xD800–0xDFFF) before U+E000–U+FFFF; in UTF-8 they
 * come after. Negative: a first; 0: equal; positive: b first.
 */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  // As nearly all are, and three times as fast: only from surrogates on do the two orders differ.
  if (!HIGH.test(a) && !HIGH.test(b)) return a < b ? -1 : 1;
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

const HIGH = /[\ud800-\uffff]/;

/** A code unit's place in UTF-8 order: surrogates after all other code units. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
