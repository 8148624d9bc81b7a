/** What the answer to a GetObject tells beside the bytes. */
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import type { FetchedObject } from '../sync/ports.ts';

/** The end of the year 9999: a larger number of seconds counts something else (some tools write milliseconds). */
const LAST_SECOND = 253_402_300_799n;
const NS_PER_SECOND = 1_000_000_000n;
const NS_PER_MS = 1_000_000n;

/** What is recorded of a fetched object besides its content. */
export function describedBy(answer: GetObjectCommandOutput): Omit<FetchedObject, 'md5' | 'partSize'> {
  return {
    mtimeNs: parseMtime(answer.Metadata?.['mtime']) ?? BigInt(answer.LastModified?.getTime() ?? 0) * NS_PER_MS,
    contentType: answer.ContentType ?? 'application/octet-stream',
    storageClass: answer.StorageClass ?? 'STANDARD',
  };
}

/** Nanoseconds from seconds since 1970 with up to nine decimals, as rclone writes them; null for anything else. */
export function parseMtime(text: string | undefined): bigint | null {
  const match = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?$/.exec(text ?? '');
  if (match === null) return null;
  const [, sign, whole = '', fraction = ''] = match;
  const seconds = BigInt(whole);
  if (seconds > LAST_SECOND) return null;
  const ns = seconds * NS_PER_SECOND + BigInt(fraction.padEnd(9, '0'));
  return sign === '-' ? -ns : ns;
}
