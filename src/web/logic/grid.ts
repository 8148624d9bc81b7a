/** The grid of thumbnails: how many fit beside each other, and where the arrow keys lead. */

/** No narrower, so that a photo can be told from its neighbours. */
const LEAST_SIDE = 140;
/** Even on a phone. */
const LEAST_COLUMNS = 2;

/** Columns that fill the width, and the side of the squares in them. */
export function columnsFor(width: number, gap: number): { readonly columns: number; readonly side: number } {
  const columns = Math.max(LEAST_COLUMNS, Math.floor((width + gap) / (LEAST_SIDE + gap)));
  const side = Math.floor((width - (columns - 1) * gap) / columns);
  return { columns, side: Math.max(1, side) };
}

/** Where a key leads from the cell at `from`; null: nowhere. */
export function arrowTarget(key: string, from: number, columns: number, count: number): number | null {
  if (!Number.isInteger(from)) return null;
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
    Home: -from,
    End: count - 1 - from,
  };
  const step = steps[key];
  if (step === undefined || step === 0) return null;
  const to = from + step;
  return to >= 0 && to < count ? to : null;
}
