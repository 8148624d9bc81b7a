/** CopyObject: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
import { createHash } from 'node:crypto';
import {
  type ChecksumAlgorithm,
  checksumElement,
  createChecksum,
  type StoredChecksum,
  toChecksumAlgorithm,
} from './checksums.ts';
import { checkCopySource, checkWrite } from './conditions.ts';
import { S3Error } from './errors.ts';
import { type ByteRange, readRange } from './get-object.ts';
import { readDescribed, readStorageClass, refuseUnsupported } from './object-headers.ts';
import { LARGEST_BODY } from './payload.ts';
import { wholeSeconds } from './put-object.ts';
import { decode } from './request-head.ts';
import { requireReadable } from './restore-state.ts';
import type { StoredObject } from './store.ts';
import type { Operation, RequestHead, S3Context, S3Request } from './types.ts';
import { document, element } from './xml.ts';

/** Bytes that were copied: into a body of their own, which no row refers to yet, or one that is shared with the source. */
export interface CopiedBody {
  readonly body: number;
  readonly size: number;
  readonly etag: string;
  readonly checksum: StoredChecksum | null;
}

export const copyObject: Operation = async (request, context) => {
  const { store } = context;
  refuseUnsupported(request);
  store.requireBucket(request.bucket);
  const source = openSource(request, context);
  const described = metadataReplaced(request) ? readDescribed(request) : source.described;
  const storageClass = readStorageClass(request);
  refuseNoChange(request, source, storageClass);
  checkWrite(request, store.object(request.bucket, request.key));
  const algorithm = readAlgorithm(request) ?? source.checksum?.algorithm ?? null;
  const copied = await copyBytes(context, source, { start: 0, end: source.size }, algorithm, async (copy) => {
    const object: StoredObject = {
      ...{ bucket: request.bucket, key: request.key, ...copy, modifiedMs: wholeSeconds(request.now) },
      ...{ storageClass: storageClass ?? 'STANDARD', restoreReadyMs: null, restoreExpiryMs: null },
      ...{ uploadId: null, partCount: 0, described },
    };
    await store.commit(() => {
      store.requireBucket(request.bucket);
      checkWrite(request, store.object(request.bucket, request.key));
      store.putObject(object);
    });
    return object;
  });
  return { status: 200, body: document('CopyObjectResult', copyResult(copied)) };
};

/** The elements that CopyObject and UploadPartCopy answer with. */
export function copyResult(copy: Pick<StoredObject, 'etag' | 'modifiedMs' | 'checksum'>): string {
  const { checksum } = copy;
  return (
    element('LastModified', new Date(copy.modifiedMs).toISOString()) +
    element('ETag', `"${copy.etag}"`) +
    (checksum === null ? '' : element(checksumElement(checksum.algorithm), checksum.value))
  );
}

/**
 * The object that x-amz-copy-source names, if the sender may read it, its conditions hold and its bytes can be had.
 * Throws AccessDenied, NoSuchBucket, NoSuchKey, NoSuchVersion, PreconditionFailed, InvalidObjectState.
 */
export function openSource(request: S3Request, { store }: S3Context): StoredObject {
  const { bucket, key } = readSourceName(request);
  if (request.denied({ operation: 'GetObject', bucket, key })) throw new S3Error('AccessDenied');
  store.requireBucket(bucket);
  const source = store.object(bucket, key);
  if (source === null) throw new S3Error('NoSuchKey', undefined, { Key: key });
  checkCopySource(request, source);
  requireReadable(source, request.now);
  return source;
}

/** The algorithm that x-amz-checksum-algorithm asks for. Throws InvalidRequest for one S3 doesn't know. */
export function readAlgorithm(head: RequestHead): ChecksumAlgorithm | null {
  const name = head.headers.get('x-amz-checksum-algorithm');
  if (name === undefined) return null;
  const algorithm = toChecksumAlgorithm(name);
  if (algorithm === null) throw new S3Error('InvalidRequest', 'Checksum algorithm provided is unsupported.');
  return algorithm;
}

/**
 * Hands a body with a range of an object's bytes to `use`, which commits a row that refers to it; when `use` fails and no
 * other row does, the body is removed. The source's bytes stay until then, whatever happens to the source.
 */
export async function copyBytes<T>(
  context: S3Context,
  source: StoredObject,
  range: ByteRange,
  algorithm: ChecksumAlgorithm | null,
  use: (copy: CopiedBody) => Promise<T>,
): Promise<T> {
  if (range.end - range.start > LARGEST_BODY) {
    throw new S3Error(
      'InvalidRequest',
      `The specified copy source is larger than the maximum allowable size for a copy source: ${LARGEST_BODY}`,
    );
  }
  const bodies = context.store.segments(source).map((segment) => segment.body);
  const release = context.bodies.hold(bodies);
  try {
    const copy = shareWhole(source, range, algorithm) ?? (await stream(context, source, range, algorithm));
    try {
      return await use(copy);
    } catch (error) {
      context.bodies.remove([copy.body]);
      throw error;
    }
  } finally {
    release();
  }
}

/** The whole of one body whose digests are known: bodies never change, so another row for it is a copy. */
function shareWhole(source: StoredObject, range: ByteRange, algorithm: ChecksumAlgorithm | null): CopiedBody | null {
  const { body, size, etag, checksum } = source;
  if (body === null || range.start !== 0 || range.end !== size) return null;
  if (algorithm !== null && checksum?.algorithm !== algorithm) return null;
  return { body, size, etag, checksum: algorithm === null ? null : checksum };
}

async function stream(
  context: S3Context,
  source: StoredObject,
  range: ByteRange,
  algorithm: ChecksumAlgorithm | null,
): Promise<CopiedBody> {
  const writer = context.bodies.create();
  const md5 = createHash('md5');
  const digest = algorithm === null ? null : createChecksum(algorithm);
  try {
    for await (const data of readRange(context, context.store.segments(source), range)) {
      md5.update(data);
      digest?.update(data);
      await writer.write(data);
    }
    await writer.finish();
  } catch (error) {
    await writer.discard();
    throw error;
  }
  const value = digest?.digest().toString('base64');
  return {
    body: writer.id,
    size: range.end - range.start,
    etag: md5.digest('hex'),
    checksum: algorithm === null || value === undefined ? null : { algorithm, value, type: 'FULL_OBJECT' },
  };
}

function readSourceName(request: S3Request): { bucket: string; key: string } {
  const raw = request.headers.get('x-amz-copy-source') ?? '';
  const [path = '', version] = raw.split('?versionId=');
  const decoded = decode(path.replace(/^\//, ''));
  const slash = decoded.indexOf('/');
  if (slash < 1 || slash === decoded.length - 1) {
    throw new S3Error('InvalidArgument', 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey', {
      ArgumentName: 'x-amz-copy-source',
      ArgumentValue: raw,
    });
  }
  const key = decoded.slice(slash + 1);
  if (version !== undefined && version !== 'null') throw new S3Error('NoSuchVersion', undefined, { Key: key });
  return { bucket: decoded.slice(0, slash), key };
}

function metadataReplaced(request: S3Request): boolean {
  const directive = request.headers.get('x-amz-metadata-directive') ?? 'COPY';
  if (directive === 'COPY' || directive === 'REPLACE') return directive === 'REPLACE';
  throw new S3Error('InvalidArgument', 'Unknown metadata directive.', {
    ArgumentName: 'x-amz-metadata-directive',
    ArgumentValue: directive,
  });
}

function refuseNoChange(request: S3Request, source: StoredObject, storageClass: string | null): void {
  if (source.bucket !== request.bucket || source.key !== request.key) return;
  if (metadataReplaced(request) || storageClass !== null) return;
  throw new S3Error(
    'InvalidRequest',
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  );
}
