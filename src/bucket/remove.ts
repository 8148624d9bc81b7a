/** Removes one object, and only the version that was seen. */
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { asRollcallError, RollcallError } from '../errors.ts';
import type { WriteContext } from './conditions.ts';
import { inForm, sameEtag } from './etags.ts';

/**
 * Removes the object if it still has this ETag: `missing` (was gone), `changed` (another version, left alone), or
 * `deleted`, which a HEAD has proved. OBJECT_UNVERIFIED when the server confirms and the object is still there.
 */
export async function removeObject(
  context: WriteContext,
  key: string,
  etag: string,
  signal: AbortSignal,
): Promise<'deleted' | 'missing' | 'changed'> {
  const { requests } = context;
  const found = await requests.head(key, signal);
  if (found === null) return 'missing';
  if (!sameEtag(found.etag, etag)) return 'changed';
  const refused = await sendDelete(context, key, etag, signal);

  const left = await requests.head(key, signal);
  if (left === null) return 'deleted';
  if (!sameEtag(left.etag, etag)) return 'changed';
  const why = refused?.message ?? 'it is still there';
  throw new RollcallError('OBJECT_UNVERIFIED', `s3://${requests.identity.bucket}/${key} was not removed: ${why}`);
}

/** Answers the refusal of a condition instead of throwing it: what is there now tells what it means. */
async function sendDelete(
  { requests, features }: WriteContext,
  key: string,
  etag: string,
  signal: AbortSignal,
): Promise<RollcallError | null> {
  const command = new DeleteObjectCommand({
    Bucket: requests.identity.bucket,
    Key: key,
    ...(features.deleteOnly && { IfMatch: inForm('quoted', etag) }),
  });
  try {
    await requests.send(command, { kind: 'delete', doing: 'remove', key }, signal);
    return null;
  } catch (error) {
    const refusal = asRollcallError(error);
    if (refusal.code !== 'OBJECT_PRECONDITION' && refusal.code !== 'OBJECT_MISSING') throw error;
    return refusal;
  }
}
