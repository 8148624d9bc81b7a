/** The middle and the tail of some measurements. */

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The value that `share` percent of the values are not above, between neighbours by proportion. NaN for no values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = ((sorted.length - 1) * share) / 100;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? below;
  return below + (above - below) * (at - Math.floor(at));
}

/** To so many digits after the point, for figures that people read. */
export function rounded(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}
