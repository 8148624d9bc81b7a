/** Whether a copy on the server is what was meant, and what a refused one means. */
import { asRollcallError, type ErrorCode, RollcallError } from '../errors.ts';
import type { CopiedObject, CopyRequest } from '../sync/bucket-port.ts';
import { md5InMetadata } from './compare.ts';
import type { WriteContext } from './conditions.ts';
import { isMd5Etag, partCountOf, sameEtag } from './etags.ts';
import type { Headed } from './head-answer.ts';
import { removeObject } from './remove.ts';

/** The object that a copy makes. */
export interface IntendedCopy {
  readonly request: CopyRequest;
  /** Of a copy made in parts: their size, and the ETag that they make; null where theirs are no MD5s. */
  readonly parts: { readonly size: number; readonly etag: string | null } | null;
}

/** Was a copy refused because of what is in the bucket, at either end of it? */
export function isRefusedCopy(error: unknown): boolean {
  const { code } = asRollcallError(error);
  return code === 'OBJECT_PRECONDITION' || code === 'OBJECT_MISSING' || code === 'OBJECT_ARCHIVED';
}

/**
 * Looks whether the condition on the target holds, for servers that don't check it themselves. Null: it does. An
 * object: the very bytes are there already. Throws OBJECT_PRECONDITION otherwise.
 */
export async function lookBeforeCopy(
  { requests }: WriteContext,
  intended: IntendedCopy,
  signal: AbortSignal,
): Promise<CopiedObject | null> {
  const { to, condition } = intended.request;
  const found = await requests.head(to, signal);
  const holds = 'absent' in condition ? found === null : found !== null && sameEtag(found.etag, condition.etag);
  if (holds) return null;
  if (found !== null && hasTheBytes(intended, found)) return copied(intended, found, false);
  throw targetTaken({ requests }, intended, found);
}

/**
 * After a refused copy: the object at the target, if it has the very bytes (a lost answer, a second process);
 * otherwise throws what the refusal means.
 */
export async function lookAfterCopy(
  { requests }: WriteContext,
  intended: IntendedCopy,
  refusal: unknown,
  signal: AbortSignal,
): Promise<CopiedObject> {
  const { from, to } = intended.request;
  const target = await requests.head(to, signal);
  if (target !== null && hasTheBytes(intended, target)) return copied(intended, target, false);
  if (asRollcallError(refusal).code === 'OBJECT_ARCHIVED') throw refusal;
  const source = await requests.head(from.key, signal);
  if (source === null) throw failure({ requests }, intended, 'OBJECT_MISSING', 'it is gone');
  if (!sameEtag(source.etag, from.etag)) throw sourceReplaced({ requests }, intended);
  throw targetTaken({ requests }, intended, target);
}

/**
 * Proves that what was just made has the source's bytes. `answered` is the ETag of the server's answer: one that the
 * source has, or the known MD5, says it all; elsewhere (parts, KMS, empty answers) the target is looked at.
 * OBJECT_UNVERIFIED, or OBJECT_PRECONDITION when the source was another version by then: not every server looks.
 */
export async function verifyCopied(
  context: WriteContext,
  intended: IntendedCopy,
  answered: string,
  signal: AbortSignal,
): Promise<CopiedObject> {
  const { request } = intended;
  const { from } = request;
  if (tellsTheBytes(intended, answered)) {
    const storageClass = request.as === undefined ? from.storageClass : 'STANDARD';
    return copied(intended, { etag: answered, storageClass }, true);
  }
  const found = await context.requests.head(request.to, signal);
  if (found === null) throw unverified(context, intended, 'its copy is not there after it was made');
  if (found.size === from.size && showsTheBytes(intended, found)) return copied(intended, found, true);
  await requireSource(context, intended, found, signal);
  if (found.size !== from.size) {
    throw unverified(context, intended, `its copy has ${found.size} bytes, it has ${from.size}`);
  }
  if (answered !== '' && !sameEtag(found.etag, answered)) {
    throw unverified(context, intended, 'its copy was replaced right after it was made');
  }
  if (tellsOtherBytes(intended, found)) throw unverified(context, intended, 'the ETag of its copy tells other bytes');
  return copied(intended, found, true);
}

/** Does this ETag alone prove the source's bytes? That of the source proves which version was copied, too. */
function tellsTheBytes({ request: { from, md5 } }: IntendedCopy, etag: string): boolean {
  return sameEtag(etag, from.etag) || (md5 !== null && sameEtag(etag, md5));
}

function showsTheBytes(intended: IntendedCopy, found: Headed): boolean {
  const { parts } = intended;
  if (tellsTheBytes(intended, found.etag)) return true;
  return parts !== null && parts.etag !== null && sameEtag(found.etag, parts.etag);
}

/** Where the ETag is no MD5, the one that whoever uploaded the object keeps with it is believed. */
function hasTheBytes(intended: IntendedCopy, found: Headed): boolean {
  const { from, md5 } = intended.request;
  if (found.size !== from.size) return false;
  if (showsTheBytes(intended, found)) return true;
  if (isMd5Etag(found.etag) && !found.encrypted) return false;
  return md5 !== null && md5InMetadata(found.metadata) === md5;
}

/** Called for an ETag that does not show the source's bytes: does it show others, or nothing? */
function tellsOtherBytes({ request: { from, md5 }, parts }: IntendedCopy, found: Headed): boolean {
  if (found.encrypted) return false;
  if (!isMd5Etag(found.etag)) return parts !== null && parts.etag !== null && partCountOf(found.etag) !== null;
  if (md5 === null) return isMd5Etag(from.etag);
  // A source whose ETag looks like an MD5 and is not its own: so here ETags tell nothing.
  return !isMd5Etag(from.etag) || sameEtag(from.etag, md5);
}

/**
 * Throws OBJECT_PRECONDITION when the source is another version than the one that was to be copied. A copy of that
 * other version, made where nothing was, is taken back: it would be in the way of the next try.
 */
async function requireSource(context: WriteContext, intended: IntendedCopy, made: Headed, signal: AbortSignal) {
  const { from, to, condition } = intended.request;
  const source = await context.requests.head(from.key, signal);
  if (source !== null && sameEtag(source.etag, from.etag)) return;
  const isItsCopy = source !== null && source.size === made.size && sameEtag(source.etag, made.etag);
  if (isItsCopy && 'absent' in condition) await removeObject(context, to, made.etag, signal);
  throw source === null
    ? failure(context, intended, 'OBJECT_MISSING', 'it was removed while it was copied')
    : sourceReplaced(context, intended);
}

function copied(
  { request, parts }: IntendedCopy,
  found: { readonly etag: string; readonly storageClass: string },
  isNew: boolean,
): CopiedObject {
  const { etag, storageClass } = found;
  const asCut = parts !== null && parts.etag !== null && sameEtag(etag, parts.etag);
  const asSource = sameEtag(etag, request.from.etag) ? request.partSize : isNew ? (parts?.size ?? null) : null;
  const partSize = asCut ? parts.size : asSource;
  return { etag, partSize, storageClass, copied: isNew };
}

type Where = Pick<WriteContext, 'requests'>;

function targetTaken({ requests }: Where, { request: { to } }: IntendedCopy, found: Headed | null): RollcallError {
  const what = found === null ? 'is gone, or was created and removed meanwhile' : 'is there in another version';
  return new RollcallError('OBJECT_PRECONDITION', `s3://${requests.identity.bucket}/${to} ${what}: not copied`);
}

/** The source is another version than the one that was to be copied. */
export function sourceReplaced(where: Where, intended: IntendedCopy): RollcallError {
  return failure(where, intended, 'OBJECT_PRECONDITION', 'it has been replaced meanwhile');
}

function unverified(where: Where, intended: IntendedCopy, why: string): RollcallError {
  return failure(where, intended, 'OBJECT_UNVERIFIED', why);
}

function failure({ requests }: Where, { request }: IntendedCopy, code: ErrorCode, why: string): RollcallError {
  const { bucket } = requests.identity;
  return new RollcallError(code, `cannot copy s3://${bucket}/${request.from.key} to ${request.to}: ${why}`);
}
