/** Under which condition an object may be written, and whether what is there now is what was meant. */
import { asRollcallError, RollcallError } from '../errors.ts';
import type { BucketFeatures, UploadedObject, WriteCondition } from '../sync/bucket-port.ts';
import { inForm, isMd5Etag, partCountOf, sameEtag } from './etags.ts';
import type { Headed } from './head-answer.ts';
import type { BucketRequests } from './requests.ts';

/** The object that an upload makes. */
export interface Intended {
  readonly key: string;
  readonly size: number;
  readonly md5: string;
  /** What the server computes from the bytes unless it encrypts them with a key of its own. */
  readonly etag: string;
  readonly partSize: number | null;
}

/** What all that is written to one bucket shares. */
export interface WriteContext {
  readonly requests: BucketRequests;
  readonly features: BucketFeatures;
}

/** Request headers that have the server itself hold the condition; null where it does not honour them. */
export function conditionHeaders(
  features: BucketFeatures,
  condition: WriteCondition,
): { readonly IfNoneMatch: string } | { readonly IfMatch: string } | null {
  if ('absent' in condition) return features.createOnly ? { IfNoneMatch: '*' } : null;
  return features.replaceOnly === 'none' ? null : { IfMatch: inForm(features.replaceOnly, condition.etag) };
}

/**
 * Looks whether the condition holds, for servers that don't check it themselves and before bytes are sent in vain.
 * Null: it does. An object: the very bytes are there already. Throws OBJECT_PRECONDITION otherwise.
 */
export async function lookFirst(
  { requests }: WriteContext,
  condition: WriteCondition,
  intended: Intended,
  signal: AbortSignal,
): Promise<UploadedObject | null> {
  const found = await requests.head(intended.key, signal);
  const holds = 'absent' in condition ? found === null : found !== null && sameEtag(found.etag, condition.etag);
  return holds ? null : alreadyThere(requests, intended, found);
}

/**
 * Was a write refused because of what is in the bucket? A missing object answers an If-Match with 404; so does an
 * upload in parts that an earlier try completed, whose answer was lost.
 */
export function isRefusedWrite(error: unknown): boolean {
  const { code } = asRollcallError(error);
  return code === 'OBJECT_PRECONDITION' || code === 'OBJECT_MISSING';
}

/** After a refused write: the object that is there, if it has the very bytes; OBJECT_PRECONDITION otherwise. */
export async function lookAfter(
  { requests }: WriteContext,
  intended: Intended,
  signal: AbortSignal,
): Promise<UploadedObject> {
  return alreadyThere(requests, intended, await requests.head(intended.key, signal));
}

function alreadyThere(requests: BucketRequests, intended: Intended, found: Headed | null): UploadedObject {
  if (found !== null && found.size === intended.size && sameEtag(found.etag, intended.etag)) {
    return uploaded(intended, found, false);
  }
  const what = found === null ? 'is gone' : 'is there in another version';
  throw new RollcallError('OBJECT_PRECONDITION', `${addressOf(requests, intended)} ${what}: not written`);
}

/**
 * Proves that what was just written is what was meant. `answered` is the ETag of the server's answer: where that is
 * the expected one nothing more is asked; elsewhere (KMS, Ceph's empty answers) a HEAD must agree. OBJECT_UNVERIFIED.
 */
export async function verifyWritten(
  { requests, features }: WriteContext,
  intended: Intended,
  answered: string,
  signal: AbortSignal,
): Promise<UploadedObject> {
  if (sameEtag(answered, intended.etag)) {
    requests.makesMd5s ||= isMd5Etag(answered);
    return uploaded(intended, { etag: answered, storageClass: 'STANDARD' }, true);
  }
  const found = await requests.head(intended.key, signal);
  if (found === null) throw unverified(requests, intended, 'it is not there after it was written');
  if (found.size !== intended.size) {
    throw unverified(requests, intended, `it has ${found.size} bytes, ${intended.size} were written`);
  }
  if (sameEtag(found.etag, intended.etag)) {
    requests.makesMd5s ||= isMd5Etag(found.etag);
    return uploaded(intended, found, true);
  }
  if (answered !== '' && !sameEtag(found.etag, answered)) {
    throw unverified(requests, intended, 'it was replaced right after it was written');
  }
  const tellsContent = !found.encrypted && (isMd5Etag(found.etag) || partCountOf(found.etag) !== null);
  // A server that refuses wrong checksums has proved the bytes, unless its ETags are known to be made of them.
  const proved = answered !== '' && !requests.makesMd5s && (features.contentMd5 || features.checksums);
  if (tellsContent && !proved) throw unverified(requests, intended, 'its ETag does not match the bytes written');
  return uploaded(intended, found, true);
}

function uploaded(
  { md5, partSize, size }: Intended,
  found: { readonly etag: string; readonly storageClass: string },
  sent: boolean,
): UploadedObject {
  return { etag: found.etag, md5, partSize, size, storageClass: found.storageClass, sent };
}

function unverified(requests: BucketRequests, intended: Intended, what: string): RollcallError {
  return new RollcallError('OBJECT_UNVERIFIED', `${addressOf(requests, intended)} is not proved: ${what}`);
}

function addressOf(requests: BucketRequests, { key }: Intended): string {
  return `s3://${requests.identity.bucket}/${key}`;
}
