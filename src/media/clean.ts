/** Texts and numbers of strangers, made fit for the catalog: bounded, finite, and nothing PostgreSQL refuses. */

/** Characters. */
const MOST_LABEL = 256;
const MOST_PROSE = 4_096;
const MOST_KEYWORDS = 256;

/** NUL can't be stored, lone surrogates aren't UTF-8, and control characters are nobody's words. */
const UNSPEAKABLE = /(?![\n\t])[\p{Cc}\p{Cs}]/gu;

/** A name: one line, 256 characters. */
export function label(value: string | undefined): string | undefined {
  return cleaned(value, MOST_LABEL)?.replaceAll(/\s+/g, ' ');
}

/** A description: 4,096 characters. */
export function prose(value: string | undefined): string | undefined {
  return cleaned(value, MOST_PROSE);
}

/** Each once, at most 256 of them; undefined when there is none. */
export function keywordsOf(values: Iterable<string>): readonly string[] | undefined {
  const found = new Set<string>();
  for (const value of values) {
    const keyword = label(value);
    if (keyword !== undefined) found.add(keyword);
    if (found.size === MOST_KEYWORDS) break;
  }
  return found.size === 0 ? undefined : [...found];
}

function cleaned(value: string | undefined, most: number): string | undefined {
  if (value === undefined) return undefined;
  // Cut first: what follows would take its time with a text of many megabytes.
  const text = value
    .slice(0, most * 2)
    .replaceAll(UNSPEAKABLE, '')
    .trim()
    .slice(0, most);
  // The second cut may have gone through a pair.
  return text.replace(/\p{Cs}$/u, '').trimEnd() || undefined;
}

/** The number if it is one and in the range. */
export function within(value: number | undefined, least: number, most: number): number | undefined {
  return value !== undefined && value >= least && value <= most ? value : undefined;
}

/** -1 to 5, from what programs write: whole numbers, and now and then others. */
export function ratingOf(value: number | undefined): number | undefined {
  const rating = within(value, -1, 5);
  // No -0: it is another number to some.
  return rating === undefined ? undefined : Math.round(rating) + 0;
}

/** A place on earth that a receiver may have seen. */
export function placeOf(latitude: number | undefined, longitude: number | undefined, altitude: number | undefined) {
  const [north, east] = [within(latitude, -90, 90), within(longitude, -180, 180)];
  if (north === undefined || east === undefined || (north === 0 && east === 0)) return undefined;
  // The seventh digit is a centimetre.
  const [lat, long] = [north, east].map((degrees) => Number(degrees.toFixed(7)) + 0) as [number, number];
  const above = within(altitude, -12_000, 1_000_000);
  return { latitude: lat, longitude: long, altitude: above === undefined ? null : Number(above.toFixed(2)) + 0 };
}

/** UTF-8, which most programs write; else Latin-1. Ends at the first NUL. */
export function decodeText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  const text = end < 0 ? bytes : bytes.subarray(0, end);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(text);
  } catch {
    return new TextDecoder('latin1').decode(text);
  }
}
