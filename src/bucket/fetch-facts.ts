/** What the answer to a GetObject tells beside the bytes. */
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import type { FetchedObject } from '../sync/bucket-port.ts';
import { objectMtimeNs } from '../sync/mtime.ts';

/** What is recorded of a fetched object besides its content. */
export function describedBy(answer: GetObjectCommandOutput): Omit<FetchedObject, 'md5' | 'partSize'> {
  return {
    mtimeNs: objectMtimeNs(answer.Metadata ?? {}, answer.LastModified?.getTime() ?? 0),
    contentType: answer.ContentType ?? 'application/octet-stream',
    storageClass: answer.StorageClass ?? 'STANDARD',
  };
}
