/** Every bucket behind one S3 endpoint. */

import type { BucketPort } from '../sync/bucket-port.ts';
import type { S3RequestCount } from '../sync/figures.ts';
import type { Log } from '../sync/ports.ts';
import type { SyncSettings } from '../sync/types.ts';
import { openS3Client, type S3Endpoint } from './client.ts';
import { RequestTally } from './request-tally.ts';
import { S3Service } from './s3-service.ts';

export interface Buckets {
  /** A port of its own for each use: it counts the requests of that use. */
  open(bucket: string): BucketPort;
  /** What was sent to all of them so far. */
  requests(): readonly S3RequestCount[];
  /** Closes the connections that they share. */
  close(): void;
}

/** Opens one client for all of them; nothing is sent yet. `timeoutSeconds`: of silence, 60 if left out. */
export function openBuckets(
  location: S3Endpoint & { readonly timeoutSeconds?: number },
  { checkConcurrency, uploadConcurrency }: Pick<SyncSettings, 'checkConcurrency' | 'uploadConcurrency'>,
  log: Log,
): Buckets {
  // A few sockets more than requests in flight, so that a listing never waits behind uploads.
  const opened = openS3Client(location, {
    maxSockets: Math.max(checkConcurrency, uploadConcurrency) + 4,
    ...(location.timeoutSeconds !== undefined && { idleTimeoutMs: location.timeoutSeconds * 1_000 }),
  });
  const endpoint = location.endpoint ?? 'aws';
  const tally = new RequestTally();
  const options = { partConcurrency: uploadConcurrency, checkConcurrency, log, onRequest: tally.count };
  return {
    open: (bucket) => new S3Service(opened.client, { endpoint, bucket }, options),
    requests: () => tally.counts(),
    close: opened.close,
  };
}
