/** PutObject: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */
import type { ChecksumAlgorithm } from './checksums.ts';
import { checkWrite } from './conditions.ts';
import { checksumHeaders, readDescribed, readStorageClass, refuseUnsupported } from './object-headers.ts';
import { LARGEST_BODY, type ReceivedBody, receiveBody } from './payload.ts';
import type { StoredObject } from './store.ts';
import type { Operation, S3Context, S3Request } from './types.ts';

export const putObject: Operation = async (request, context) => {
  const { store } = context;
  refuseUnsupported(request);
  const described = readDescribed(request);
  const storageClass = readStorageClass(request) ?? 'STANDARD';
  // A first look, so that a body nobody wants need not be written; the one that counts is in the commit.
  store.requireBucket(request.bucket);
  checkWrite(request, store.object(request.bucket, request.key));
  const stored = await storeBody(request, context, null, (body, received) => {
    const object: StoredObject = {
      bucket: request.bucket,
      key: request.key,
      size: received.size,
      etag: received.md5.toString('hex'),
      modifiedMs: wholeSeconds(request.now),
      storageClass,
      restoreReadyMs: null,
      restoreExpiryMs: null,
      checksum: received.checksum,
      body,
      uploadId: null,
      partCount: 0,
      described,
    };
    store.requireBucket(request.bucket);
    checkWrite(request, store.object(request.bucket, request.key));
    store.putObject(object);
    return object;
  });
  return { status: 200, headers: { etag: `"${stored.etag}"`, ...checksumHeaders(stored) } };
};

/**
 * Receives the request's body into a file and commits `work` with its number. Whatever fails, the file is removed
 * again: by then no row can refer to it.
 */
export async function storeBody<T>(
  request: S3Request,
  context: S3Context,
  algorithm: ChecksumAlgorithm | null,
  work: (body: number, received: ReceivedBody) => T,
): Promise<T> {
  const writer = context.bodies.create();
  try {
    const received = await receiveBody(request, {
      largest: LARGEST_BODY,
      algorithm,
      sink: (data) => writer.write(data),
    });
    await writer.finish();
    return await context.store.commit(() => work(writer.id, received));
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/** S3 tells times to the second. */
export function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}
