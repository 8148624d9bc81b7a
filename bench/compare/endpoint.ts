/** The S3 endpoint that all contestants are measured against: one that is named, or the embedded one. */
import { startServices } from '../support/services.ts';
import type { Workplace } from '../support/workplace.ts';
import { type Endpoint, makeBucket, removeBucket } from './objects.ts';

export interface Ground {
  readonly s3: Endpoint;
  readonly databaseUrl: string;
  /** In words, for the table. */
  readonly what: string;
}

/**
 * `BENCH_S3_ENDPOINT` with `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_REGION` names a server; a bucket of the
 * benchmark's own is made there, and removed with the workplace. Without it the embedded server is taken.
 */
export async function openGround(place: Workplace, signal: AbortSignal): Promise<Ground> {
  const { BENCH_S3_ENDPOINT: endpoint, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION } = process.env;
  const { database, s3 } = await startServices(place, { database: true, s3: endpoint === undefined }, signal);
  if (database === null) throw new Error('the embedded database did not come up');
  if (endpoint === undefined) {
    if (s3 === null) throw new Error('the embedded S3 did not come up');
    return { s3, databaseUrl: database.url, what: 'the embedded S3 server' };
  }
  const named = {
    endpoint,
    region: AWS_REGION ?? 'us-east-1',
    accessKeyId: AWS_ACCESS_KEY_ID ?? '',
    secretAccessKey: AWS_SECRET_ACCESS_KEY ?? '',
    bucket: `rollcall-bench-${Date.now()}`,
  };
  const location = await makeBucket(named, signal);
  place.defer(() => removeBucket(named));
  return { s3: named, databaseUrl: database.url, what: process.env['BENCH_S3_NAME'] ?? location ?? endpoint };
}
