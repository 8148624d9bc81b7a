/** Uploads a large file in parts: never whole in memory, all or nothing in the bucket. */
import { CompleteMultipartUploadCommand, CreateMultipartUploadCommand } from '@aws-sdk/client-s3';
import { asRollcallError, RollcallError } from '../errors.ts';
import type { UploadedObject, UploadRequest } from '../sync/bucket-port.ts';
import { conditionHeaders, type Intended, isRefusedWrite, lookAfter, lookFirst, verifyWritten } from './conditions.ts';
import { multipartEtag, unquoted, uploadPartSize } from './etags.ts';
import { type MultipartContext, type PartedUpload, sendParts } from './parts.ts';
import { earlierUpload } from './resume.ts';
import { abandonUpload } from './unfinished.ts';
import { checkMd5, objectMetadata } from './upload.ts';

/**
 * What shows that an upload as it was begun can never be completed, or should not be; after anything else its parts are
 * worth keeping, if somebody remembers them.
 */
const HOPELESS = new Set([
  'FILE_UNSTABLE',
  'FILE_GONE',
  'OBJECT_PRECONDITION',
  'OBJECT_REJECTED',
  'OBJECT_UNVERIFIED',
  'OBJECT_MISSING',
]);

/** What an upload that was gone on with may come to because the server has not kept what it was sent. */
const STALE = new Set(['OBJECT_REJECTED', 'OBJECT_MISSING']);

/**
 * Sends a file in parts; those that an earlier try has sent, and that hold the file's very bytes, are not sent again. All
 * parts were read from the version of `file.facts`, or the upload is abandoned; so it is on any failure and on abort,
 * unless `request.memory` keeps it for the next try.
 */
export async function uploadInParts(
  context: MultipartContext,
  request: UploadRequest,
  signal: AbortSignal,
): Promise<UploadedObject> {
  await request.file.verifyUnchanged();
  const earlier = await earlierUpload(context, request, signal);
  if (earlier !== null) {
    try {
      return await carryOut(earlier, signal);
    } catch (error) {
      signal.throwIfAborted();
      const { code, message } = asRollcallError(error);
      if (!STALE.has(code)) throw error;
      context.log?.warn({ code, key: request.key }, `An upload that was cut off is begun afresh: ${message}`);
    }
  }
  return carryOut(await begin(context, request, signal), signal);
}

async function begin(context: MultipartContext, request: UploadRequest, signal: AbortSignal): Promise<PartedUpload> {
  const { key, file, contentType, memory, md5 = null } = request;
  const where = { Bucket: context.requests.identity.bucket, Key: key };
  const create = new CreateMultipartUploadCommand({
    ...where,
    ContentType: contentType,
    Metadata: objectMetadata(file.facts.mtimeNs, md5),
  });
  const { UploadId } = await context.requests.send(create, { kind: 'put', doing: 'begin the upload of', key }, signal);
  if (UploadId === undefined) throw new RollcallError('OBJECT_REJECTED', `the server began no upload of ${key}`);
  const at = { ...where, UploadId };
  const partSize = uploadPartSize(file.facts.size);
  try {
    await memory?.begun({ uploadId: UploadId, partSize, md5 });
  } catch (error) {
    await abandonUpload(context, at);
    throw error;
  }
  return { context, request, at, partSize, md5, earlier: null };
}

/** Sends what is missing, puts the parts together and proves the object. */
async function carryOut(upload: PartedUpload, signal: AbortSignal): Promise<UploadedObject> {
  const { request, partSize, at } = upload;
  const { key, file, memory } = request;
  try {
    const { md5, partMd5s, partEtags, resumed } = await sendParts(upload, signal);
    checkMd5(request, md5);
    // The first try knew the MD5 of these bytes before it sent them; the same size and time hide others.
    if (upload.md5 !== null && upload.md5 !== md5) {
      throw new RollcallError('OBJECT_REJECTED', `the upload of ${key} was begun for other bytes`);
    }
    await file.verifyUnchanged();
    const intended = { key, size: file.facts.size, md5, etag: multipartEtag(partMd5s), partSize };
    const done = await complete(upload, intended, partEtags, signal);
    if (done.sent) await memory?.forget(at.UploadId);
    else await drop(upload);
    return done.sent && resumed > 0 ? { ...done, resumed } : done;
  } catch (error) {
    if (!isKept(upload, error, signal)) await drop(upload);
    throw error;
  }
}

function isKept({ request }: PartedUpload, error: unknown, signal: AbortSignal): boolean {
  if (request.memory === undefined) return false;
  return signal.aborted || !HOPELESS.has(asRollcallError(error).code);
}

/** Never throws. Whoever has taken the upload over meanwhile decides what becomes of it. */
async function drop({ context, request, at }: PartedUpload): Promise<void> {
  const { memory } = request;
  const isOurs = await memory?.isOurs(at.UploadId).catch(() => false);
  if (isOurs === false) return;
  const ended = await abandonUpload(context, at);
  if (ended) await memory?.forget(at.UploadId);
}

async function complete(
  { context, request, at, earlier }: PartedUpload,
  intended: Intended,
  partEtags: readonly string[],
  signal: AbortSignal,
): Promise<UploadedObject> {
  const { key, condition } = request;
  const headers = context.features.createOnlyMultipart ? conditionHeaders(context.features, condition) : null;
  const there = headers === null ? await lookFirst(context, condition, intended, signal) : null;
  if (there !== null) return there;

  const Parts = partEtags.map((ETag, index) => ({ PartNumber: index + 1, ETag }));
  const command = new CompleteMultipartUploadCommand({ ...at, MultipartUpload: { Parts }, ...headers });
  let answered: string;
  try {
    const about = { kind: 'put', doing: 'complete the upload of', key } as const;
    answered = unquoted((await context.requests.send(command, about, signal)).ETag);
  } catch (error) {
    if (!isRefusedWrite(error)) throw error;
    return lookAfter(context, intended, signal).catch((refusal: unknown) => {
      // The server may have removed the upload of an earlier try: begun afresh, the condition is asked once more.
      const isGone = earlier !== null && asRollcallError(error).code === 'OBJECT_MISSING';
      throw isGone && asRollcallError(refusal).code === 'OBJECT_PRECONDITION' ? error : refusal;
    });
  }
  return verifyWritten(context, intended, answered, signal);
}
