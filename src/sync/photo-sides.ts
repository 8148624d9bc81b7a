/** What disk and bucket hold of one photo right now, beside what is on record: for people who want to see for themselves. */
import { asRollcallError, type ErrorCode } from '../errors.ts';
import type { BucketPort } from './bucket-port.ts';
import type { DiskPort } from './ports.ts';

/** Denied is not missing: what cannot be read is told as that. Times are RFC 3339. */
export type PhotoSide<Facts> =
  | ({ readonly state: 'there' } & Facts)
  | { readonly state: 'gone' }
  | { readonly state: 'unreadable'; readonly code: ErrorCode; readonly message: string };

export interface PhotoSides {
  readonly disk: PhotoSide<{ readonly size: number; readonly modifiedAt: string }>;
  readonly bucket: PhotoSide<{
    readonly size: number;
    readonly etag: string;
    readonly storageClass: string;
    readonly modifiedAt: string;
  }>;
}

export interface SidesParts {
  readonly disk: Pick<DiskPort, 'verifyRoot' | 'stat'>;
  readonly bucket: Pick<BucketPort, 'head'>;
}

/** Looks at both: a stat and a HEAD. Rejects only with the signal's reason. */
export async function photoSides(
  { disk, bucket }: SidesParts,
  photo: { readonly path: string; readonly key: string },
  signal: AbortSignal,
): Promise<PhotoSides> {
  const [file, object] = await Promise.all([
    look(signal, async () => {
      await disk.verifyRoot(signal);
      const facts = await disk.stat(photo.path, signal);
      return facts && { size: facts.size, modifiedAt: isoTime(Number(facts.mtimeNs / 1_000_000n)) };
    }),
    look(signal, async () => {
      const facts = await bucket.head(photo.key, signal);
      if (facts === null) return null;
      const { size, etag, storageClass, lastModifiedMs } = facts;
      return { size, etag, storageClass, modifiedAt: isoTime(lastModifiedMs) };
    }),
  ]);
  return { disk: file, bucket: object };
}

async function look<Facts extends object>(
  signal: AbortSignal,
  read: () => Promise<Facts | null>,
): Promise<PhotoSide<Facts>> {
  try {
    const facts = await read();
    return facts === null ? { state: 'gone' } : { state: 'there', ...facts };
  } catch (thrown) {
    signal.throwIfAborted();
    const { code, message } = asRollcallError(thrown);
    return { state: 'unreadable', code, message };
  }
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
