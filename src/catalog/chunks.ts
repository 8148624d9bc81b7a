/** How much one statement is given. */

/** Rows of one statement: enough that its round trip does not count, few enough that its arrays stay small. */
const CHUNK = 5_000;

export function* chunksOf<Item>(items: readonly Item[], size = CHUNK): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}
