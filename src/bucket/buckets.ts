/** Every bucket behind one S3 endpoint. */

import type { BucketPort } from '../sync/bucket-port.ts';
import type { S3RequestCount } from '../sync/figures.ts';
import type { Log } from '../sync/ports.ts';
import type { SyncSettings } from '../sync/types.ts';
import { BodyMemory } from './body-memory.ts';
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

export interface BucketsLocation extends S3Endpoint {
  /** Of silence; 60 if left out. */
  readonly timeoutSeconds?: number;
}

export interface BucketsLimits extends Pick<SyncSettings, 'checkConcurrency' | 'uploadConcurrency'> {
  /** MiB of files in memory, over all buckets and runs; 96 if left out. */
  readonly uploadMemoryMb?: number;
}

/** Opens one client for all of them; nothing is sent yet. */
export function openBuckets(
  location: BucketsLocation,
  { checkConcurrency, uploadConcurrency, uploadMemoryMb = 96 }: BucketsLimits,
  log: Log,
): Buckets {
  // A few sockets more than requests in flight, so that a listing never waits behind uploads.
  const opened = openS3Client(location, {
    maxSockets: Math.max(checkConcurrency, uploadConcurrency) + 4,
    ...(location.timeoutSeconds !== undefined && { idleTimeoutMs: location.timeoutSeconds * 1_000 }),
  });
  const endpoint = location.endpoint ?? 'aws';
  const tally = new RequestTally();
  const memory = new BodyMemory(uploadMemoryMb * 1024 * 1024);
  const options = { partConcurrency: uploadConcurrency, memory, checkConcurrency, log, onRequest: tally.count };
  return {
    open: (bucket) => new S3Service(opened.client, { endpoint, bucket }, options),
    requests: () => tally.counts(),
    close: opened.close,
  };
}
