/** Preconditions of reads (RFC 9110) and of writes. */
import { S3Error } from './errors.ts';
import type { StoredObject } from './store.ts';
import type { RequestHead } from './types.ts';

type Known = Pick<StoredObject, 'etag' | 'modifiedMs'>;

/** Header names; copies have a prefix of their own for the source's conditions. */
interface ConditionNames {
  readonly match: string;
  readonly noneMatch: string;
  readonly modifiedSince: string;
  readonly unmodifiedSince: string;
}

const READ: ConditionNames = {
  match: 'if-match',
  noneMatch: 'if-none-match',
  modifiedSince: 'if-modified-since',
  unmodifiedSince: 'if-unmodified-since',
};
const COPY_SOURCE: ConditionNames = {
  match: 'x-amz-copy-source-if-match',
  noneMatch: 'x-amz-copy-source-if-none-match',
  modifiedSince: 'x-amz-copy-source-if-modified-since',
  unmodifiedSince: 'x-amz-copy-source-if-unmodified-since',
};

/** Whether a GET or HEAD may be answered with 304. Throws PreconditionFailed. */
export function isNotModified(head: RequestHead, object: Known): boolean {
  return evaluate(head, object, READ);
}

/** False when If-Range names another version: the whole is answered then, since pieces of two would not fit together. */
export function rangeStillHolds(head: RequestHead, object: Known): boolean {
  const condition = head.headers.get('if-range');
  if (condition === undefined || matches(condition, object.etag)) return true;
  return seconds(condition) === Math.floor(object.modifiedMs / 1000);
}

/** Throws PreconditionFailed when the source of a copy is not as the client wants it. */
export function checkCopySource(head: RequestHead, source: Known): void {
  if (evaluate(head, source, COPY_SOURCE)) throw failed('x-amz-copy-source-If-None-Match');
}

/**
 * Throws when a write's If-None-Match or If-Match does not hold: 412 PreconditionFailed, 404 NoSuchKey for If-Match
 * on a key that is not there. Call it in the commit that writes: only there nothing can come in between.
 */
export function checkWrite(head: RequestHead, existing: Known | null): void {
  const noneMatch = head.headers.get('if-none-match');
  if (noneMatch !== undefined) {
    if (noneMatch.trim() !== '*') throw new S3Error('NotImplemented', undefined, { Header: 'If-None-Match' });
    if (existing !== null) throw failed('If-None-Match');
  }
  checkMatch(head, existing);
}

/** The If-Match half of checkWrite: all that a DELETE knows. */
export function checkMatch(head: RequestHead, existing: Known | null): void {
  const match = head.headers.get('if-match');
  if (match === undefined) return;
  if (existing === null) throw new S3Error('NoSuchKey', undefined, { Key: head.key });
  if (!matches(match, existing.etag)) throw failed('If-Match');
}

function evaluate(head: RequestHead, object: Known, names: ConditionNames): boolean {
  const modifiedS = Math.floor(object.modifiedMs / 1000);
  const match = head.headers.get(names.match);
  if (match !== undefined) {
    if (!matches(match, object.etag)) throw failed('If-Match');
  } else {
    const unmodified = seconds(head.headers.get(names.unmodifiedSince));
    if (unmodified !== null && modifiedS > unmodified) throw failed('If-Unmodified-Since');
  }
  const noneMatch = head.headers.get(names.noneMatch);
  if (noneMatch !== undefined) return matches(noneMatch, object.etag);
  const modified = seconds(head.headers.get(names.modifiedSince));
  return modified !== null && modifiedS <= modified;
}

/** Does a condition's list of entity tags, quoted or not, hold this one? */
export function matches(condition: string, etag: string): boolean {
  return condition.split(',').some((one) => {
    const tag = one
      .trim()
      .replace(/^W\//, '')
      .replace(/^"(.*)"$/, '$1');
    return tag === '*' || tag === etag;
  });
}

function seconds(date: string | undefined): number | null {
  const at = Date.parse(date ?? '');
  return Number.isNaN(at) ? null : Math.floor(at / 1000);
}

function failed(condition: string): S3Error {
  return new S3Error('PreconditionFailed', undefined, { Condition: condition });
}
