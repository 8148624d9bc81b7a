/** One CopyObject: by the short way where that is open. */
import { CopyObjectCommand, type StorageClass } from '@aws-sdk/client-s3';
import { unquoted } from './etags.ts';
import { headerFields } from './header-fields.ts';
import type { BucketRequests } from './requests.ts';

/** What a CopyObject is made of here. */
export interface WholeCopy {
  readonly Bucket: string;
  readonly Key: string;
  readonly CopySource: string;
  readonly CopySourceIfMatch: string;
  readonly MetadataDirective: 'COPY' | 'REPLACE';
  readonly StorageClass?: StorageClass;
  readonly ContentType?: string;
  readonly Metadata?: Readonly<Record<string, string>>;
  readonly IfNoneMatch?: string;
  readonly IfMatch?: string;
}

const HEADERS = {
  CopySource: 'x-amz-copy-source',
  CopySourceIfMatch: 'x-amz-copy-source-if-match',
  MetadataDirective: 'x-amz-metadata-directive',
  StorageClass: 'x-amz-storage-class',
  ContentType: 'content-type',
  IfNoneMatch: 'if-none-match',
  IfMatch: 'if-match',
} as const;

/** Nothing but the result, from its beginning to its end: an answer of 200 may hold an error, or break off. */
const RESULT =
  /^(?:<\?xml[^<>]*\?>\s*)?<CopyObjectResult(?: xmlns="[^"<>]*")?>((?:\s*<(\w+)>[^<>]*<\/\2>)*)\s*<\/CopyObjectResult>$/;
const ETAG = /<ETag>(?:"|&quot;|&#34;)?([0-9A-Za-z-]*)(?:"|&quot;|&#34;)?<\/ETag>/;

/**
 * Copies it, and answers the ETag of the copy, `''` if the server does not tell it. `from`: what the error is about. What
 * is not plainly a success the SDK asks for once more: its refusal is the one that counts, as after an answer that is lost.
 */
export async function sendCopy(
  requests: BucketRequests,
  copy: WholeCopy,
  from: string,
  signal: AbortSignal,
): Promise<string> {
  const headers = { 'content-length': '0', ...headerFields(HEADERS, copy) };
  const request = { method: 'PUT', key: copy.Key, headers, wantsBody: true } as const;
  const short = await requests.sendShort(request, 'copy', signal);
  const told = short?.status === 200 ? copiedEtag(short.body) : null;
  if (told !== null) return told;
  if (short !== null) requests.noteRetry();
  const about = { kind: 'copy', doing: 'copy', key: from } as const;
  const answer = await requests.send(new CopyObjectCommand(copy), about, signal);
  return unquoted(answer.CopyObjectResult?.ETag);
}

/** Of a result in the usual form; null for anything else. */
export function copiedEtag(body: string): string | null {
  const [, inner] = RESULT.exec(body.trim()) ?? [];
  if (inner === undefined) return null;
  if (!inner.includes('<ETag')) return '';
  return ETAG.exec(inner)?.[1] ?? null;
}
