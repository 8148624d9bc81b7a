/** What was learnt of a bucket, kept for the next process (adr/0007). */
import type { BucketFeatures, BucketIdentity } from '../sync/bucket-port.ts';
import type { Database } from './database.ts';

const READ = 'SELECT "features" FROM "BucketProfile" WHERE "endpoint" = $1 AND "bucket" = $2';

const SAVE = `
INSERT INTO "BucketProfile" ("endpoint", "bucket", "features", "probedAt") VALUES ($1, $2, $3, now())
ON CONFLICT ("endpoint", "bucket") DO UPDATE SET "features" = excluded."features", "probedAt" = excluded."probedAt"`;

/** CatalogPort.bucketFeatures. */
export async function bucketFeatures(
  database: Database,
  { endpoint, bucket }: BucketIdentity,
): Promise<BucketFeatures | null> {
  // Written by saveBucketFeatures and by nobody else.
  const ask = () => database.pool.query<{ features: BucketFeatures }>(READ, [endpoint, bucket]);
  const { rows } = await database.ask(ask);
  return rows[0]?.features ?? null;
}

/** CatalogPort.saveBucketFeatures. */
export async function saveBucketFeatures(
  database: Database,
  { endpoint, bucket }: BucketIdentity,
  features: BucketFeatures,
): Promise<void> {
  await database.ask(() => database.pool.query(SAVE, [endpoint, bucket, JSON.stringify(features)]));
}
