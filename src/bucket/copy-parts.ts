/** Copies a large object on the server, in parts: one CopyObject takes no more than 5 GiB. */
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { asRollcallError, RollcallError } from '../errors.ts';
import type { CopiedObject, CopyRequest } from '../sync/bucket-port.ts';
import { conditionHeaders } from './conditions.ts';
import { copySource, describedAs, storageClassHeader } from './copy.ts';
import {
  type IntendedCopy,
  isRefusedCopy,
  lookAfterCopy,
  lookBeforeCopy,
  sourceReplaced,
  verifyCopied,
} from './copy-proof.ts';
import { copyPartSize, isMd5Etag, multipartEtag, sameEtag, unquoted } from './etags.ts';
import type { MultipartContext } from './parts.ts';
import { abandonUpload, type UploadAddress } from './unfinished.ts';

export interface PartCopyContext extends MultipartContext {
  /** Bytes that one request copies at most. */
  readonly wholeCopyLimit: number;
}

/** No object's. */
const NO_ETAG = '0'.repeat(32);

interface Copying {
  readonly context: PartCopyContext;
  readonly request: CopyRequest;
  readonly at: UploadAddress;
  readonly partSize: number;
}

/**
 * Copies an object of any size. All parts are copied from the version of `from.etag`, or the upload is abandoned; so
 * it is on any failure and on abort. See BucketPort.copy for what it promises and throws.
 */
export async function copyInParts(
  context: PartCopyContext,
  request: CopyRequest,
  signal: AbortSignal,
): Promise<CopiedObject> {
  const partSize = copyPartSize(request.from, request.partSize, context.wholeCopyLimit);
  let intended: IntendedCopy = { request, parts: null };
  let at: UploadAddress | null = null;
  let done: CopiedObject | null = null;
  try {
    let answered: string;
    try {
      at = await begin(context, request, signal);
      await request.memory?.begun({ uploadId: at.UploadId, partSize, md5: request.md5 });
      const copying: Copying = { context, request, at, partSize };
      await requireExactName(copying, signal);
      const etags = await copyParts(copying, signal);
      intended = { request, parts: { size: partSize, etag: etagOfParts(etags) } };
      // Not every server holds the version of the source against the one that is asked for.
      await requireSource(context, request, signal);
      const headers = context.features.createOnlyMultipart
        ? conditionHeaders(context.features, request.condition)
        : null;
      const there = headers === null ? await lookBeforeCopy(context, intended, signal) : null;
      if (there !== null) return there;
      answered = await complete(copying, etags, headers, signal);
    } catch (error) {
      if (!isRefusedCopy(error)) throw error;
      return await lookAfterCopy(context, intended, error, signal);
    }
    done = await verifyCopied(context, intended, answered, signal);
    return done;
  } finally {
    if (at !== null && (done !== null || (await abandonUpload(context, at)))) await request.memory?.forget(at.UploadId);
  }
}

/** Begins an upload that says of itself what the source does, or what the request wants. */
async function begin(context: PartCopyContext, request: CopyRequest, signal: AbortSignal): Promise<UploadAddress> {
  const { requests } = context;
  const { from, to } = request;
  const source = await requireSource(context, request, signal);
  const described = request.as === undefined ? describedBy(source) : describedAs(request.as, request.md5);
  const at = { Bucket: requests.identity.bucket, Key: to };
  const command = new CreateMultipartUploadCommand({
    ...at,
    ...described,
    ...(request.as === undefined && storageClassHeader(from)),
  });
  const { UploadId } = await requests.send(command, { kind: 'copy', doing: 'begin the copy to', key: to }, signal);
  if (UploadId === undefined) throw new RollcallError('OBJECT_REJECTED', `the server began no upload of ${to}`);
  return { ...at, UploadId };
}

/** A HEAD of the source, if it still is the version that is to be copied. */
async function requireSource(
  { requests }: PartCopyContext,
  request: CopyRequest,
  signal: AbortSignal,
): Promise<HeadObjectCommandOutput> {
  const { key, etag } = request.from;
  const command = new HeadObjectCommand({ Bucket: requests.identity.bucket, Key: key });
  const source = await requests.send(command, { kind: 'head', doing: 'copy', key }, signal);
  if (sameEtag(unquoted(source.ETag), etag)) return source;
  throw sourceReplaced({ requests }, { request, parts: null });
}

/** What an upload in parts does not take over by itself, as a CopyObject does. */
function describedBy(source: HeadObjectCommandOutput) {
  const { ContentType, Metadata, CacheControl, ContentDisposition, ContentEncoding, ContentLanguage, Expires } = source;
  return { ContentType, Metadata, CacheControl, ContentDisposition, ContentEncoding, ContentLanguage, Expires };
}

/**
 * Ceph decodes the name of a part's source twice: `a+b` and `a%20b` are taken for `a b`, and that is copied. Throws
 * OBJECT_REJECTED for a name that can be misread, unless the server sees that another version is there than asked for.
 */
async function requireExactName({ context, request, at }: Copying, signal: AbortSignal): Promise<void> {
  const { key } = request.from;
  if (!/[%+]/.test(key)) return;
  const source = copySource(at.Bucket, { key, etag: NO_ETAG });
  const command = new UploadPartCopyCommand({ ...at, ...source, PartNumber: 1, CopySourceRange: 'bytes=0-0' });
  try {
    await context.requests.send(command, { kind: 'copy', doing: 'try to copy', key }, signal);
  } catch (error) {
    const { code } = asRollcallError(error);
    if (code === 'OBJECT_PRECONDITION' || code === 'OBJECT_ARCHIVED') return;
    if (code !== 'OBJECT_MISSING') throw error;
  }
  const why = 'the server misreads % and + in the name of a large object that is to be copied';
  throw new RollcallError('OBJECT_REJECTED', `cannot copy s3://${at.Bucket}/${key}: ${why}`);
}

/** As many parts are under way as there are slots. Waits for all of them; throws the first failure. */
async function copyParts(copying: Copying, signal: AbortSignal): Promise<string[]> {
  const { slots } = copying.context;
  const { size } = copying.request.from;
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const underWay: Promise<string>[] = [];
  try {
    for (let start = 0; start < size; start += copying.partSize) {
      const release = await slots.take(either);
      const copied = copyPart(copying, underWay.length + 1, start, either);
      const settled = copied.catch((error: unknown) => {
        failed.abort(error);
        return '';
      });
      underWay.push(settled.finally(release));
    }
  } catch (error) {
    failed.abort(error);
  }
  const etags = await Promise.all(underWay);
  if (failed.signal.aborted) throw failed.signal.reason;
  return etags;
}

async function copyPart(
  { context, request, at, partSize }: Copying,
  number: number,
  start: number,
  signal: AbortSignal,
): Promise<string> {
  const { from } = request;
  const last = Math.min(start + partSize, from.size) - 1;
  const command = new UploadPartCopyCommand({
    ...at,
    ...copySource(at.Bucket, from),
    PartNumber: number,
    CopySourceRange: `bytes=${start}-${last}`,
  });
  const about = { kind: 'copy', doing: `copy part ${number} of`, key: from.key } as const;
  const { CopyPartResult } = await context.requests.send(command, about, signal);
  if (CopyPartResult?.ETag !== undefined) return CopyPartResult.ETag;
  throw new RollcallError('OBJECT_UNVERIFIED', `the server does not tell the ETag of part ${number} of ${at.Key}`);
}

/** Null where the parts' ETags are no MD5s, as under KMS. */
function etagOfParts(etags: readonly string[]): string | null {
  const md5s = etags.map(unquoted);
  return md5s.every(isMd5Etag) ? multipartEtag(md5s.map((md5) => Buffer.from(md5, 'hex'))) : null;
}

/** Puts the parts together and answers the ETag that the server tells. */
async function complete(
  { context, request, at }: Copying,
  etags: readonly string[],
  headers: ReturnType<typeof conditionHeaders>,
  signal: AbortSignal,
): Promise<string> {
  const Parts = etags.map((ETag, index) => ({ PartNumber: index + 1, ETag }));
  const command = new CompleteMultipartUploadCommand({ ...at, MultipartUpload: { Parts }, ...headers });
  const about = { kind: 'copy', doing: 'complete the copy to', key: request.to } as const;
  return unquoted((await context.requests.send(command, about, signal)).ETag);
}
