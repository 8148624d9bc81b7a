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

/** The endpoint, and a database beside it. */
export async function openGround(place: Workplace, signal: AbortSignal): Promise<Ground> {
  const named = await openNamedEndpoint(place, signal);
  const { database, s3 } = await startServices(place, { database: true, s3: named === null }, signal);
  if (database === null) throw new Error('the embedded database did not come up');
  return { ...(named ?? embedded(s3)), databaseUrl: database.url };
}

/** The endpoint alone. */
export async function openEndpoint(place: Workplace, signal: AbortSignal): Promise<Omit<Ground, 'databaseUrl'>> {
  const named = await openNamedEndpoint(place, signal);
  return named ?? embedded((await startServices(place, { database: false, s3: true }, signal)).s3);
}

function embedded(s3: Endpoint | null): Omit<Ground, 'databaseUrl'> {
  if (s3 === null) throw new Error('the embedded S3 did not come up');
  return { s3, what: 'the embedded S3 server' };
}

/**
 * `BENCH_S3_ENDPOINT` with `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_REGION` names a server; a bucket of the
 * benchmark's own is made there, and removed with the workplace. Null without it.
 */
async function openNamedEndpoint(place: Workplace, signal: AbortSignal): Promise<Omit<Ground, 'databaseUrl'> | null> {
  const { BENCH_S3_ENDPOINT: endpoint, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION } = process.env;
  if (endpoint === undefined) return null;
  const named = {
    endpoint,
    region: AWS_REGION ?? 'us-east-1',
    accessKeyId: AWS_ACCESS_KEY_ID ?? '',
    secretAccessKey: AWS_SECRET_ACCESS_KEY ?? '',
    bucket: `rollcall-bench-${Date.now()}`,
  };
  const location = await makeBucket(named, signal);
  place.defer(() => removeBucket(named));
  return { s3: named, what: process.env['BENCH_S3_NAME'] ?? location ?? endpoint };
}
