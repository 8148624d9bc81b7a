/** The modification time that objects carry as metadata (DESIGN 9), as rclone writes and reads it. */

/** The last second that 64 bits of nanoseconds hold, in 2262: a larger number counts something else (milliseconds). */
const LAST_SECOND = 9_223_372_035n;
const NS_PER_SECOND = 1_000_000_000n;
const NS_PER_MS = 1_000_000n;

/** Nanoseconds from seconds since 1970 with up to nine decimals; null for anything else. */
export function parseMtime(text: string | undefined): bigint | null {
  const match = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?$/.exec(text ?? '');
  if (match === null) return null;
  const [, sign, whole = '', fraction = ''] = match;
  const seconds = BigInt(whole);
  if (seconds > LAST_SECOND) return null;
  const ns = seconds * NS_PER_SECOND + BigInt(fraction.padEnd(9, '0'));
  return sign === '-' ? -ns : ns;
}

/** The reverse, the fraction without trailing zeros. */
export function mtimeText(ns: bigint): string {
  const sign = ns < 0n ? '-' : '';
  const digits = (ns < 0n ? -ns : ns).toString().padStart(10, '0');
  const fraction = digits.slice(-9).replace(/0+$/, '');
  return `${sign}${digits.slice(0, -9)}${fraction === '' ? '' : `.${fraction}`}`;
}

/** When an object's content was last modified: its metadata `mtime`, else LastModified. */
export function objectMtimeNs(metadata: Readonly<Record<string, string>>, lastModifiedMs: number): bigint {
  return parseMtime(metadata['mtime']) ?? BigInt(lastModifiedMs) * NS_PER_MS;
}
