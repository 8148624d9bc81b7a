/** The modification time that objects carry as metadata (DESIGN 9), as rclone writes and reads it. */

/**
 * Nanoseconds from the metadata `mtime` (decimal seconds with up to nine digits after the point), or from LastModified
 * where there is none or it is nonsense.
 */
export function mtimeNsOf(metadata: Readonly<Record<string, string>>, lastModifiedMs: number): bigint {
  const match = /^(-?)(\d{1,11})(?:\.(\d{1,9})\d*)?$/.exec(metadata['mtime'] ?? '');
  if (match === null) return BigInt(lastModifiedMs) * 1_000_000n;
  const [, sign, seconds = '0', fraction = ''] = match;
  const ns = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
  return sign === '-' ? -ns : ns;
}
