/** What a HEAD tells of an object, by the SDK or without it. */
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { RollcallError } from '../errors.ts';
import type { HeadedObject } from '../sync/bucket-port.ts';
import { unquoted } from './etags.ts';
import { restoreOf } from './restore-header.ts';
import type { ShortAnswer } from './short-way.ts';

/** A HEAD's answer; `encrypted`: with a key of KMS or the customer's, so that the ETag is no MD5. */
export interface Headed extends HeadedObject {
  readonly encrypted: boolean;
}

const METADATA = 'x-amz-meta-';
/** As HTTP wants it. `Date` makes what it can of any other, and of what has no zone this machine's time. */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

type HeadAnswer = Omit<HeadObjectCommandOutput, '$metadata'>;

/** What the SDK makes of these header fields, as far as it is needed here; null where its own eyes are needed. */
export function headOf(headers: ShortAnswer['headers']): HeadAnswer | null {
  const length = headers['content-length'] ?? '';
  const told = headers['last-modified'];
  const modified = told === undefined ? undefined : new Date(told);
  if (told !== undefined && !(HTTP_DATE.test(told) && Number.isFinite(modified?.getTime()))) return null;
  const metadata: Record<string, string> = {};
  for (const name in headers) {
    if (name.startsWith(METADATA)) metadata[name.slice(METADATA.length)] = field(headers, name) ?? '';
  }
  return {
    ContentLength: /^\d+$/.test(length) ? Number(length) : undefined,
    ETag: headers.etag,
    LastModified: modified,
    StorageClass: field(headers, 'x-amz-storage-class') as HeadAnswer['StorageClass'],
    Metadata: metadata,
    Restore: field(headers, 'x-amz-restore'),
    ServerSideEncryption: field(headers, 'x-amz-server-side-encryption') as HeadAnswer['ServerSideEncryption'],
    SSECustomerAlgorithm: field(headers, 'x-amz-server-side-encryption-customer-algorithm'),
  };
}

function field(headers: ShortAnswer['headers'], name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

export function headed(key: string, bucket: string, answer: HeadAnswer): Headed {
  if (answer.ContentLength === undefined) {
    throw new RollcallError('OBJECT_UNAVAILABLE', `s3://${bucket}/${key}: the server does not say how large it is`);
  }
  const etag = unquoted(answer.ETag);
  if (etag === '') {
    throw new RollcallError('OBJECT_UNAVAILABLE', `s3://${bucket}/${key}: the server does not say which version it is`);
  }
  const restore = restoreOf(answer.Restore);
  return {
    key,
    size: answer.ContentLength,
    etag,
    lastModifiedMs: answer.LastModified?.getTime() ?? 0,
    storageClass: answer.StorageClass ?? 'STANDARD',
    metadata: answer.Metadata ?? {},
    encrypted: isEncrypted(answer),
    ...(restore !== undefined && { restore }),
  };
}

/** Is the object of this answer encrypted with a key of KMS or the customer's, so that its ETag is no MD5? */
export function isEncrypted(answer: Pick<HeadObjectCommandOutput, 'ServerSideEncryption' | 'SSECustomerAlgorithm'>) {
  return answer.ServerSideEncryption?.startsWith('aws:kms') === true || answer.SSECustomerAlgorithm !== undefined;
}
