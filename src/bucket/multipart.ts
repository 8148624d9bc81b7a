/** Uploads a large file in parts: never whole in memory, all or nothing in the bucket. */
import { createHash } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { asRollcallError, RollcallError } from '../errors.ts';
import type { UploadedObject, UploadRequest } from '../sync/bucket-port.ts';
import type { Log } from '../sync/ports.ts';
import {
  conditionHeaders,
  type Intended,
  isRefusedWrite,
  lookAfter,
  lookFirst,
  verifyWritten,
  type WriteContext,
} from './conditions.ts';
import { multipartEtag, unquoted, uploadPartSize } from './etags.ts';
import type { Slots } from './slots.ts';
import { checkMd5, objectMetadata } from './upload.ts';

export interface MultipartContext extends WriteContext {
  /** One for each part in memory, over all uploads of the bucket. */
  readonly slots: Slots;
  readonly log: Log | undefined;
}

const ABORT_TIMEOUT_MS = 10_000;

/** An upload in parts that was begun. */
export interface UploadAddress {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string;
}

interface Upload {
  readonly context: MultipartContext;
  readonly request: UploadRequest;
  readonly at: UploadAddress;
  readonly partSize: number;
}

interface SentParts {
  readonly md5: string;
  readonly partMd5s: readonly Buffer[];
  /** As the server named the parts: under KMS not their MD5s. */
  readonly partEtags: readonly string[];
}

/**
 * Sends a file in parts. All parts were read from the version of `file.facts`, or the upload is abandoned; so it is
 * on any failure and on abort.
 */
export async function uploadInParts(
  context: MultipartContext,
  request: UploadRequest,
  signal: AbortSignal,
): Promise<UploadedObject> {
  const { key, file } = request;
  const partSize = uploadPartSize(file.facts.size);
  await file.verifyUnchanged();
  const at = { Bucket: context.requests.identity.bucket, Key: key };
  const create = new CreateMultipartUploadCommand({
    ...at,
    ContentType: request.contentType,
    Metadata: objectMetadata(file.facts.mtimeNs, request.md5 ?? null),
  });
  const { UploadId } = await context.requests.send(create, { kind: 'put', doing: 'begin the upload of', key }, signal);
  if (UploadId === undefined) throw new RollcallError('OBJECT_REJECTED', `the server began no upload of ${key}`);

  const upload: Upload = { context, request, at: { ...at, UploadId }, partSize };
  let completed = false;
  try {
    const { md5, partMd5s, partEtags } = await sendParts(upload, signal);
    checkMd5(request, md5);
    await file.verifyUnchanged();
    const intended = { key, size: file.facts.size, md5, etag: multipartEtag(partMd5s), partSize };
    const done = await complete(upload, intended, partEtags, signal);
    completed = done.sent;
    return done;
  } finally {
    if (!completed) await abandonUpload(context, upload.at);
  }
}

/** Reads the file once, in order; as many parts are under way as there are slots. Waits for all of them. */
async function sendParts(upload: Upload, signal: AbortSignal): Promise<SentParts> {
  const { slots } = upload.context;
  const { file } = upload.request;
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const whole = createHash('md5');
  const partMd5s: Buffer[] = [];
  const sending: Promise<string>[] = [];
  try {
    for (let offset = 0; offset < file.facts.size; offset += upload.partSize) {
      const release = await slots.take(either);
      try {
        const body = await file.read(offset, Math.min(upload.partSize, file.facts.size - offset), either);
        whole.update(body);
        const md5 = createHash('md5').update(body).digest();
        partMd5s.push(md5);
        sending.push(
          sendPart(upload, partMd5s.length, body, md5, either)
            .catch((error: unknown) => {
              failed.abort(error);
              return '';
            })
            .finally(release),
        );
      } catch (error) {
        release();
        throw error;
      }
    }
  } catch (error) {
    failed.abort(error);
  }
  const partEtags = await Promise.all(sending);
  // The first failure; those that it brought about are not reported.
  if (failed.signal.aborted) throw failed.signal.reason;
  return { md5: whole.digest('hex'), partMd5s, partEtags };
}

async function sendPart(
  { context, request, at }: Upload,
  number: number,
  body: Buffer,
  md5: Buffer,
  signal: AbortSignal,
): Promise<string> {
  const command = new UploadPartCommand({ ...at, PartNumber: number, Body: body, ContentMD5: md5.toString('base64') });
  const about = { kind: 'put', doing: `write part ${number} of`, key: request.key } as const;
  const { ETag } = await context.requests.send(command, about, signal);
  request.onBytes?.(body.length);
  return ETag ?? `"${md5.toString('hex')}"`;
}

async function complete(
  { context, request, at }: Upload,
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
    return lookAfter(context, intended, signal);
  }
  return verifyWritten(context, intended, answered, signal);
}

/** Parts of an upload that is neither completed nor abandoned are paid for and seen by nobody. */
export async function abandonUpload({ requests, log }: MultipartContext, at: UploadAddress): Promise<void> {
  const about = { kind: 'delete', doing: 'abandon the upload of', key: at.Key } as const;
  try {
    await requests.send(new AbortMultipartUploadCommand(at), about, AbortSignal.timeout(ABORT_TIMEOUT_MS));
  } catch (error) {
    const { code, message } = asRollcallError(error);
    if (code === 'OBJECT_MISSING') return;
    log?.warn({ code, key: at.Key }, `An unfinished upload could not be removed: ${message}`);
  }
}
