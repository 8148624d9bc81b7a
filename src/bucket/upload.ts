/** Uploads a file whole, in one PutObject. */
import { hash } from 'node:crypto';
import { RollcallError } from '../errors.ts';
import type { UploadedObject, UploadRequest } from '../sync/bucket-port.ts';
import { mtimeText } from '../sync/mtime.ts';
import type { BodyMemory, Lease } from './body-memory.ts';
import { crc32Of, md5Base64 } from './checksums.ts';
import {
  conditionHeaders,
  type Intended,
  isRefusedWrite,
  lookAfter,
  lookFirst,
  verifyWritten,
  type WriteContext,
} from './conditions.ts';
import { type Checksums, putWhole } from './put-whole.ts';

/** What uploads to one bucket share. */
export interface UploadContext extends WriteContext {
  /** For the bytes that are under way. */
  readonly memory: BodyMemory;
}

/**
 * Sends a file of at most 16 MiB. What is sent are bytes that were read and found to be the version of `file.facts`
 * before anything was sent; a file that changes later is the next run's business, since what is recorded is what
 * was sent.
 */
export async function uploadWhole(
  context: UploadContext,
  request: UploadRequest,
  signal: AbortSignal,
): Promise<UploadedObject> {
  const lease = await context.memory.take(request.file.facts.size, signal);
  const memory = { room: lease.room, quiet: false };
  try {
    return await readAndSend(context, request, memory, signal);
  } finally {
    lease.end(memory.quiet);
  }
}

interface LentMemory extends Pick<Lease, 'room'> {
  /** Nobody reads or writes there now, nor somebody who was left behind. */
  quiet: boolean;
}

async function readAndSend(
  context: UploadContext,
  request: UploadRequest,
  memory: LentMemory,
  signal: AbortSignal,
): Promise<UploadedObject> {
  const { key, file, condition, onBytes } = request;
  const { size } = file.facts;
  const body = size === 0 ? Buffer.alloc(0) : await file.read(0, size, signal, memory.room);
  memory.quiet = true;
  const md5 = hash('md5', body);
  await file.verifyUnchanged();
  checkMd5(request, md5);

  const intended: Intended = { key, size, md5, etag: md5, partSize: null };
  const headers = conditionHeaders(context.features, condition);
  const there = headers === null ? await lookFirst(context, condition, intended, signal) : null;
  if (there !== null) return there;

  const put = {
    Bucket: context.requests.identity.bucket,
    Key: key,
    Body: body,
    ContentType: request.contentType,
    Metadata: objectMetadata(file.facts.mtimeNs, md5),
    ...checksumHeaders(context, body, md5),
    ...headers,
  };
  const { retries } = context.requests;
  memory.quiet = false;
  let answered: string;
  try {
    answered = await putWhole(context, put, signal);
  } catch (error) {
    if (!isRefusedWrite(error)) throw error;
    return lookAfter(context, intended, signal);
  }
  onBytes?.(size);
  const written = await verifyWritten(context, intended, answered, signal);
  // A try before this one may have been answered before it was sent whole.
  memory.quiet = context.requests.retries === retries;
  return written;
}

/**
 * The modification time as rclone writes it: seconds since 1970, the fraction without trailing zeros; and, when it
 * is known beforehand, the MD5 where rclone looks for it, since not every ETag can tell it.
 */
export function objectMetadata(mtimeNs: bigint, md5: string | null): Record<string, string> {
  return {
    mtime: mtimeText(mtimeNs),
    ...(md5 !== null && { md5chksum: md5Base64(md5) }),
  };
}

/** FILE_UNSTABLE if the bytes read are not those whose MD5 was known: the same size and time hide another version. */
export function checkMd5({ key, md5: known }: UploadRequest, md5: string): void {
  if (known !== undefined && known !== md5) {
    throw new RollcallError('FILE_UNSTABLE', `the file of ${key} changed between two readings`);
  }
}

/** A checksum that the server verifies: MD5, which all servers do, or CRC32 where one is known not to. */
export function checksumHeaders({ features }: WriteContext, body: Buffer, md5: string): Checksums {
  const ContentMD5 = md5Base64(md5);
  if (features.contentMd5 || !features.checksums) return { ContentMD5 };
  return { ContentMD5, ChecksumCRC32: crc32Of(body) };
}
