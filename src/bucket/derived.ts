/** Small objects that can be made again: variants of photos. */
import { createHash } from 'node:crypto';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { DerivedObject } from '../sync/bucket-port.ts';
import { verifyWritten, type WriteContext } from './conditions.ts';
import { unquoted } from './etags.ts';
import { checksumHeaders } from './upload.ts';

/** See BucketPort.putDerived for what it promises. */
export async function putDerived(
  context: WriteContext,
  { key, bytes, contentType, cacheControl }: DerivedObject,
  signal: AbortSignal,
): Promise<{ readonly etag: string }> {
  const md5 = createHash('md5').update(bytes).digest('hex');
  const command = new PutObjectCommand({
    Bucket: context.requests.identity.bucket,
    Key: key,
    Body: bytes,
    ContentType: contentType,
    CacheControl: cacheControl,
    ...checksumHeaders(context, bytes, md5),
  });
  const answer = await context.requests.send(command, { kind: 'put', doing: 'write', key }, signal);
  const intended = { key, size: bytes.length, md5, etag: md5, partSize: null };
  const { etag } = await verifyWritten(context, intended, unquoted(answer.ETag), signal);
  return { etag };
}
