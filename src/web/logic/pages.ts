/** A list that comes in pages by cursors, and is scrolled through faster than they come. */

export interface Paged<Item> {
  readonly items: readonly Item[];
  /** Of the next page; null: there is none. */
  readonly cursor: string | null;
  readonly started: boolean;
}

export const EMPTY: Paged<never> = { items: [], cursor: null, started: false };

export function addPage<Item>(
  paged: Paged<Item>,
  page: { readonly items: readonly Item[]; readonly nextCursor: string | null },
): Paged<Item> {
  return { items: [...paged.items, ...page.items], cursor: page.nextCursor, started: true };
}

/** What the API gives at most, and what makes a page worth its request. */
const MOST = 1000;
const LEAST = 200;
/** Beyond what is seen, so that scrolling on finds something. */
const AHEAD = 200;

/** How many items to ask for so that the item at `seen` is there; 0: it is, or never will be. */
export function wanted(paged: Paged<unknown>, seen: number): number {
  const lacking = seen + AHEAD - paged.items.length;
  if (lacking <= 0 || (paged.started && paged.cursor === null)) return 0;
  return Math.min(MOST, Math.max(LEAST, lacking));
}

/** A list that is asked for anew while it is looked at. */
export interface Renewed<Item> {
  /** As far as it has come this time. */
  readonly list: Paged<Item>;
  /** What is shown: what was there before stays until as much of it has come again. */
  readonly shown: Paged<Item>;
}

export const NOTHING: Renewed<never> = { list: EMPTY, shown: EMPTY };

export function renew<Item>({ shown }: Renewed<Item>): Renewed<Item> {
  return { list: EMPTY, shown };
}

/** The next page has come; `seen` is the furthest place that is looked at. */
export function grow<Item>(
  { list, shown }: Renewed<Item>,
  page: { readonly items: readonly Item[]; readonly nextCursor: string | null },
  seen: number,
): Renewed<Item> {
  const grown = addPage(list, page);
  const isEnough = wanted(grown, seen) === 0 || grown.items.length >= shown.items.length;
  return { list: grown, shown: isEnough ? grown : shown };
}
