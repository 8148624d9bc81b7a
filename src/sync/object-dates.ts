/** When the contents of objects were last modified: what `overwrite: newer` goes by. */
import pMap from 'p-map';
import { objectMtimeNs } from './mtime.ts';
import type { BucketPort } from './ports.ts';
import type { Triple } from './types.ts';

/**
 * The triples with their objects' modification times: from the metadata `mtime` where an object has it (one HEAD),
 * else its LastModified. An object that is gone by now keeps what the listing said.
 */
export function objectDates(
  bucket: BucketPort,
  triples: readonly Triple[],
  concurrency: number,
  signal: AbortSignal,
): Promise<Triple[]> {
  const dated = async (triple: Triple): Promise<Triple> => {
    signal.throwIfAborted();
    const headed = await bucket.head(triple.key, signal);
    if (headed === null || headed.etag !== triple.object?.etag) return triple;
    return { ...triple, objectMtimeNs: objectMtimeNs(headed.metadata, headed.lastModifiedMs) };
  };
  return pMap(triples, dated, { concurrency });
}
