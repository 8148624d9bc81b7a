/** Holds a file's bytes against an object's ETag without fetching the object. */
import { RollcallError } from '../errors.ts';
import type { ContentMatch } from '../sync/bucket-port.ts';
import type { OpenFile } from '../sync/ports.ts';
import type { BodyMemory } from './body-memory.ts';
import { ContentHash, candidatePartSizes, isMd5Etag, partCountOf, sameEtag } from './etags.ts';
import type { Headed } from './head-answer.ts';
import type { BucketRequests } from './requests.ts';

export interface ComparedObject {
  readonly key: string;
  readonly size: number;
  readonly etag: string;
}

export interface Comparison {
  readonly match: ContentMatch;
  readonly md5: string;
  readonly partSize: number | null;
}

const READ_SIZE = 4 * 1024 * 1024;

/**
 * Reads the file once. The answer is `same` or `different` only on proof: the MD5 that the ETag, the record
 * of this very version or the object's metadata tells, or the multipart ETag recomputed with a part size that gives it.
 */
export async function compareContent(
  { requests, memory }: { readonly requests: BucketRequests; readonly memory: BodyMemory },
  file: OpenFile,
  object: ComparedObject,
  known: { readonly md5: string | null; readonly partSize: number | null },
  signal: AbortSignal,
): Promise<Comparison> {
  const parts = partCountOf(object.etag);
  const sizes = parts === null ? [] : candidatePartSizes(file.facts.size, parts, known.partSize);
  const { md5, etags } = await hashFile(file, sizes, memory, signal);
  await file.verifyUnchanged();
  if (file.facts.size !== object.size) return { match: 'different', md5, partSize: null };
  if (parts === null && sameEtag(object.etag, md5)) return { match: 'same', md5, partSize: null };
  for (const [partSize, etag] of etags) {
    if (sameEtag(object.etag, etag)) return { match: 'same', md5, partSize };
  }
  if (known.md5 !== null && known.md5 !== md5) return { match: 'different', md5, partSize: null };
  return { match: await matchByHead(requests, object, md5, signal), md5, partSize: null };
}

async function hashFile(file: OpenFile, partSizes: readonly number[], memory: BodyMemory, signal: AbortSignal) {
  const { size } = file.facts;
  const hash = new ContentHash(partSizes);
  const lease = await memory.take(Math.min(READ_SIZE, size), signal);
  let read = false;
  try {
    for (let offset = 0; offset < size; offset += READ_SIZE) {
      hash.update(await file.read(offset, Math.min(READ_SIZE, size - offset), signal, lease.room));
    }
    read = true;
  } finally {
    lease.end(read);
  }
  return hash.digest();
}

/** The ETag does not show these bytes: does it show others, or nothing? An object's time is proof of nothing. */
async function matchByHead(
  requests: BucketRequests,
  object: ComparedObject,
  md5: string,
  signal: AbortSignal,
): Promise<ContentMatch> {
  let found: Headed | null;
  try {
    found = await requests.head(object.key, signal);
  } catch (error) {
    // So answers an object that is encrypted with a key of the customer's, to whoever does not send that key.
    if (error instanceof RollcallError && error.code === 'OBJECT_REJECTED') return 'unknown';
    throw error;
  }
  if (found === null || !sameEtag(found.etag, object.etag)) {
    const address = `s3://${requests.identity.bucket}/${object.key}`;
    throw new RollcallError('OBJECT_PRECONDITION', `${address} has been replaced or removed while it was compared`);
  }
  const told = md5InMetadata(found.metadata);
  if (told !== null) return told === md5 ? 'same' : 'different';
  return isMd5Etag(object.etag) && !found.encrypted ? 'different' : 'unknown';
}

/** The MD5 that rclone and Rollcall keep with objects whose ETag is none; null if there is none to read. */
export function md5InMetadata(metadata: Headed['metadata']): string | null {
  const md5 = Buffer.from(metadata['md5chksum'] ?? '', 'base64');
  return md5.length === 16 ? md5.toString('hex') : null;
}
