/** The S3 endpoint that all contestants are measured against: one that is named, or the embedded one. */
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { startServices } from '../support/services.ts';
import type { Workplace } from '../support/workplace.ts';

export interface Endpoint {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly bucket: string;
}

export interface Ground {
  readonly s3: Endpoint;
  readonly databaseUrl: string;
  /** In words, for the table. */
  readonly what: string;
}

/**
 * `BENCH_S3_ENDPOINT` with `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_REGION` names a server; a bucket of the
 * benchmark's own is made there. Without it the embedded server is taken.
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
  const { accessKeyId, secretAccessKey } = named;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, region: named.region, credentials, forcePathStyle: true });
  try {
    const made = await client.send(new CreateBucketCommand({ Bucket: named.bucket }), { abortSignal: signal });
    return { s3: named, databaseUrl: database.url, what: process.env['BENCH_S3_NAME'] ?? made.Location ?? endpoint };
  } finally {
    client.destroy();
  }
}
