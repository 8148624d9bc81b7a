/** Dates as EXIF, XMP and IPTC write them, to moments. */
import type { Moment } from './told.ts';

/** The first photograph is of 1826; what comes after the last year is garbage. */
const FIRST_YEAR = 1826;
const LAST_YEAR = 2199;

/** `2023:02:03 04:05:06`, with any separators, a fraction and an offset; XMP leaves out what it doesn't know. */
const DATE =
  /^\s*(\d{4})[:/.-](\d{2})[:/.-](\d{2})(?:[T ]+(\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|[+-]\d{2}:?\d{2})?)?/;
const OFFSET = /^\s*(?:Z|([+-])(\d{2}):?(\d{2}))/;

/** What a camera or a program writes that has no date: 1970, 1904, zeros. */
const NEVER: ReadonlySet<number> = new Set([0, Date.UTC(1904, 0, 1)]);

/**
 * Undefined for what is no date of a picture: zeros, blanks, the epochs of clocks that were never set. `offset` counts
 * where the date itself has none, `fraction` (digits after the point) likewise.
 */
export function momentOf(date: string | undefined, offset?: string, fraction?: string): Moment | undefined {
  const match = DATE.exec(date?.slice(0, 64) ?? '');
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second] = match.map((part) => Number(part ?? 0)) as [number, ...number[]];
  if (year === undefined || month === undefined || day === undefined) return undefined;
  const atMs = wallClock([year, month, day, hour ?? 0, minute ?? 0, second ?? 0]);
  if (atMs === null || NEVER.has(atMs)) return undefined;
  const digits = match[7] ?? /^\s*(\d{1,9})/.exec(fraction ?? '')?.[1] ?? '';
  const offsetMinutes = match[4] === undefined ? null : minutesOf(match[8] ?? offset);
  return { atMs: atMs + Math.floor(Number(`0.${digits}0`) * 1000) - (offsetMinutes ?? 0) * 60_000, offsetMinutes };
}

/** As UTC; null for what no calendar has. */
function wallClock([year, month, day, hour, minute, second]: [number, number, number, number, number, number]) {
  if (year < FIRST_YEAR || year > LAST_YEAR) return null;
  const atMs = Date.UTC(year, month - 1, day, hour, minute, second);
  const date = new Date(atMs);
  const same = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60;
  // A leap second is the only other one.
  return same && second < 60 ? atMs : null;
}

/** `+05:30` in minutes; null for none, and for those that no place has. */
function minutesOf(offset: string | undefined): number | null {
  const match = OFFSET.exec(offset ?? '');
  if (match === null) return null;
  if (match[1] === undefined) return 0;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return minutes > 14 * 60 || Number(match[3]) > 59 ? null : match[1] === '-' ? 0 - minutes : minutes;
}

/** Seconds since 1904 in UTC, as in MP4 and QuickTime; undefined for none. */
export function momentSince1904(seconds: number): Moment | undefined {
  const atMs = Date.UTC(1904, 0, 1) + seconds * 1000;
  const year = Number.isFinite(atMs) ? new Date(atMs).getUTCFullYear() : Number.NaN;
  const isDate = year > 1904 && year <= LAST_YEAR && !NEVER.has(atMs);
  return isDate ? { atMs, offsetMinutes: 0 } : undefined;
}
