/** Copies an object on the server, whole, in one CopyObject. */
import type { StorageClass } from '@aws-sdk/client-s3';
import type { BucketFeatures, CopiedObject, CopyRequest } from '../sync/bucket-port.ts';
import { conditionHeaders, type WriteContext } from './conditions.ts';
import { type IntendedCopy, isRefusedCopy, lookAfterCopy, lookBeforeCopy, verifyCopied } from './copy-proof.ts';
import { inForm } from './etags.ts';
import { sendCopy } from './send-copy.ts';
import { objectMetadata } from './upload.ts';

/** What one CopyObject takes; larger objects are copied in parts. */
export const WHOLE_COPY_LIMIT = 5 * 1024 ** 3;

/** Copies an object of at most 5 GiB. See BucketPort.copy for what it promises and throws. */
export async function copyWhole(
  context: WriteContext,
  request: CopyRequest,
  signal: AbortSignal,
): Promise<CopiedObject> {
  const { requests, features } = context;
  const { from, to } = request;
  const intended: IntendedCopy = { request, parts: null };
  const headers = copyConditions(features, request);
  const there = headers === null ? await lookBeforeCopy(context, intended, signal) : null;
  if (there !== null) return there;

  const copy = {
    Bucket: requests.identity.bucket,
    Key: to,
    ...copySource(requests.identity.bucket, from),
    ...(request.as === undefined
      ? { MetadataDirective: 'COPY' as const, ...storageClassHeader(from) }
      : { MetadataDirective: 'REPLACE' as const, ...describedAs(request.as, request.md5) }),
    ...headers,
  };
  let answered: string;
  try {
    answered = await sendCopy(requests, copy, from.key, signal);
  } catch (error) {
    if (!isRefusedCopy(error)) throw error;
    return lookAfterCopy(context, intended, error, signal);
  }
  return verifyCopied(context, intended, answered, signal);
}

/** Has the server itself hold the condition on the target; null where it does not honour it for copies. */
function copyConditions(features: BucketFeatures, { condition }: CopyRequest): ReturnType<typeof conditionHeaders> {
  return features.copyCreateOnly ? conditionHeaders(features, condition) : null;
}

/** What is to be copied: this version of this key, any character of which a header can carry only encoded. */
export function copySource(bucket: string, { key, etag }: Pick<CopyRequest['from'], 'key' | 'etag'>) {
  const encoded = key.split('/').map(encodeURIComponent).join('/');
  return { CopySource: `${bucket}/${encoded}`, CopySourceIfMatch: inForm('quoted', etag) };
}

/** Without it a copy of whatever class becomes a standard one, and is paid for as that. */
export function storageClassHeader({ storageClass }: Pick<CopyRequest['from'], 'storageClass'>) {
  return storageClass === 'STANDARD' ? {} : { StorageClass: storageClass as StorageClass };
}

/** What an upload of the same bytes would say of itself. */
export function describedAs({ contentType, mtimeNs }: NonNullable<CopyRequest['as']>, md5: string | null) {
  return { ContentType: contentType, Metadata: objectMetadata(mtimeNs, md5) };
}
