/** The embedded PostgreSQL and S3 in a process of their own, on data of the benchmark's own. */
import { realpathSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { attachEmbedded, type EmbeddedServices } from '../../src/embedded/attach.ts';
import type { Workplace } from './workplace.ts';

/** Starts them; they stop, and their data goes, with the workplace. */
export async function startServices(
  place: Workplace,
  parts: { readonly database: boolean; readonly s3: boolean },
  signal: AbortSignal,
): Promise<EmbeddedServices> {
  const dataDir = place.path('data');
  const services = await attachEmbedded({ dataDir, ...parts }, signal);
  place.defer(async () => {
    await services.close();
    if (parts.database) removeDatabase(dataDir);
  });
  return services;
}

/** The database may lie elsewhere, behind a link (src/embedded/place.ts). */
export function removeDatabase(dataDir: string): void {
  const folder = realpathSync(`${dataDir}/postgres`);
  const outside = !folder.startsWith(realpathSync(dataDir));
  rmSync(outside ? dirname(folder) : folder, { recursive: true, force: true });
}

/** Where the program under measurement finds its three sides. */
export interface Sides {
  readonly databaseUrl: string;
  readonly photosRoot: string;
  readonly s3: {
    readonly endpoint: string;
    readonly region: string;
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly bucket: string;
  };
}

/** The sides as the program's environment; logs go into the workplace. */
export function environment(place: Workplace, { databaseUrl, photosRoot, s3 }: Sides): Record<string, string> {
  return {
    PHOTOS_ROOT: photosRoot,
    DATABASE_URL: databaseUrl,
    S3_BUCKET: s3.bucket,
    S3_ENDPOINT: s3.endpoint,
    AWS_REGION: s3.region,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    DATA_DIR: place.path('data'),
    LOG_DIR: place.path('logs'),
  };
}
