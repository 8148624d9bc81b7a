/** When the contents of objects were last modified: what `overwrite: newer` goes by. */
import pMap from 'p-map';
import { asRollcallError, RollcallError } from '../errors.ts';
import type { BucketPort } from './bucket-port.ts';
import { objectMtimeNs } from './mtime.ts';
import type { Triple } from './types.ts';

/** By key: the triple with its date, or what kept its object from being looked at. */
export type Dates = ReadonlyMap<string, Triple | RollcallError>;

/**
 * The triples with their objects' modification times: from the metadata `mtime` where an object has it (one HEAD),
 * else its LastModified. An object that is gone by now keeps what the listing said. One that may not be looked at says
 * nothing of the others; what concerns the bucket as a whole is thrown.
 */
export async function objectDates(
  bucket: BucketPort,
  triples: readonly Triple[],
  concurrency: number,
  signal: AbortSignal,
): Promise<Dates> {
  const dated = async (triple: Triple): Promise<Triple | RollcallError> => {
    signal.throwIfAborted();
    const headed = await bucket.head(triple.key, signal).catch(asObjectError);
    if (headed instanceof RollcallError) return headed;
    if (headed === null || headed.etag !== triple.object?.etag) return triple;
    return { ...triple, objectMtimeNs: objectMtimeNs(headed.metadata, headed.lastModifiedMs) };
  };
  const found = await pMap(triples, async (triple) => [triple.key, await dated(triple)] as const, { concurrency });
  return new Map(found);
}

function asObjectError(thrown: unknown): RollcallError {
  const error = asRollcallError(thrown);
  if (error.code.startsWith('OBJECT_')) return error;
  throw error;
}
