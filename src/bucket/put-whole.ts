/** One PutObject of bytes that are in memory: by the short way where that is open. */
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { RollcallError } from '../errors.ts';
import { unquoted } from './etags.ts';
import { headerFields } from './header-fields.ts';
import type { WriteContext } from './conditions.ts';

/** What a PutObject is made of here. */
export interface WholePut extends Checksums {
  readonly Bucket: string;
  readonly Key: string;
  readonly Body: Buffer;
  readonly ContentType: string;
  readonly Metadata: Readonly<Record<string, string>>;
  readonly IfNoneMatch?: string;
  readonly IfMatch?: string;
}

export interface Checksums {
  readonly ContentMD5: string;
  readonly ChecksumCRC32?: string;
}

/** The header fields of a request by their names in the SDK. */
const HEADERS = {
  ContentType: 'content-type',
  ContentMD5: 'content-md5',
  ChecksumCRC32: 'x-amz-checksum-crc32',
  IfNoneMatch: 'if-none-match',
  IfMatch: 'if-match',
} as const;

/** Puts it, and answers the ETag; OBJECT_PRECONDITION when its condition does not hold. */
export async function putWhole(
  { requests, features }: WriteContext,
  put: WholePut,
  signal: AbortSignal,
): Promise<string> {
  const { Key: key, Body: body } = put;
  // To hash the body for the signature as well would take about as long as the rest of the request. The check of the MD5
  // was learnt with signed ones: only where the ETag is held against it, too, is it enough.
  const guarded = features.contentMd5 && requests.makesMd5s;
  const short = await requests.sendShort({ method: 'PUT', key, headers: headersOf(put), body, guarded }, 'put', signal);
  if (short?.status === 200) return unquoted(short.headers['etag']);
  if (short?.status === 412) throw new RollcallError('OBJECT_PRECONDITION', `${key} is there in another version`);
  const answer = await requests.send(new PutObjectCommand(put), { kind: 'put', doing: 'write', key }, signal);
  return unquoted(answer.ETag);
}

/** The same request without the SDK. */
function headersOf(put: WholePut): Record<string, string> {
  return { 'content-length': String(put.Body.length), ...headerFields(HEADERS, put) };
}
