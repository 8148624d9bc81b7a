/** The state of everything Rollcall leans on, asked now. */
import { asRollcallError } from '../errors.ts';
import type { CatalogBrowser, LibraryStore } from '../sync/browse.ts';
import type { CatalogPort } from '../sync/catalog-port.ts';
import type { BucketFeatures, BucketPort, DiskPort } from '../sync/ports.ts';
import type { Library } from '../sync/types.ts';
import type { HealthReport } from './parts.ts';
import { twoWayHealth } from './two-way-health.ts';

/** What can be asked. */
export interface HealthParts {
  readonly catalog: {
    readonly port: CatalogPort;
    readonly libraries: LibraryStore;
    readonly browser: Pick<CatalogBrowser, 'twoWayHistory'>;
    ping(signal: AbortSignal): Promise<string>;
  };
  readonly library: Library;
  readonly openBucket: (bucket: string) => BucketPort;
  readonly openDisk: (library: Library) => DiskPort;
  /** SYNC_INTERVAL_SECONDS. */
  readonly syncIntervalSeconds: number;
  readonly version: string;
}

type Parts = HealthReport['parts'];

/** Roots to look at; a library more than these is not looked at in one request. */
const MOST_ROOTS = 100;

/** Asks every part; one that fails is reported, not thrown. */
export async function checkHealth(parts: HealthParts, signal: AbortSignal): Promise<HealthReport> {
  const database = await checkDatabase(parts, signal);
  const [bucket, roots, twoWay] = await Promise.all([
    checkBucket(parts, database.ok, signal),
    checkRoots(parts, database.ok, signal),
    checkTwoWay(parts, database.ok, signal),
  ]);
  const degraded = !bucket.ok || [...roots, ...twoWay].some(({ ok }) => !ok);
  const status = !database.ok ? 'down' : degraded ? 'degraded' : 'ok';
  return { status, version: parts.version, parts: { database, bucket, roots, twoWay } };
}

async function checkDatabase({ catalog }: HealthParts, signal: AbortSignal): Promise<Parts['database']> {
  try {
    return { ok: true, version: await catalog.ping(signal) };
  } catch (thrown) {
    return { ok: false, error: asRollcallError(thrown).message };
  }
}

async function checkBucket(parts: HealthParts, hasDatabase: boolean, signal: AbortSignal): Promise<Parts['bucket']> {
  const { library, catalog } = parts;
  const bucket = parts.openBucket(library.bucket);
  const { endpoint } = bucket.identity;
  try {
    const known = hasDatabase ? await catalog.port.bucketFeatures(bucket.identity) : null;
    await bucket.preflight(library.prefix, signal);
    return { ok: true, endpoint, bucket: library.bucket, lacks: known === null ? [] : lacksOf(known) };
  } catch (thrown) {
    return { ok: false, endpoint, bucket: library.bucket, lacks: [], error: asRollcallError(thrown).message };
  }
}

/** What a bucket is known not to honour (it is tried before the first upload), and what that means, a sentence each. */
export function lacksOf(features: BucketFeatures): string[] {
  const lacks: string[] = [];
  if (!features.createOnly) {
    lacks.push('No If-None-Match on PUT: a key is looked at right before it is written; two writers could race.');
  }
  if (features.replaceOnly === 'none') {
    lacks.push('No If-Match on PUT: an object is looked at right before it is replaced; two writers could race.');
  }
  if (!features.createOnlyMultipart) {
    lacks.push('No conditions on completing a multipart upload: large files are checked right before instead.');
  }
  if (!features.deleteOnly) {
    lacks.push('No If-Match on DELETE: an object is looked at right before it is deleted.');
  }
  if (!features.contentMd5 && !features.checksums) {
    lacks.push('No checksum of an upload is verified by the server: what was written is looked at afterwards.');
  }
  return lacks;
}

async function checkTwoWay(parts: HealthParts, hasDatabase: boolean, signal: AbortSignal): Promise<Parts['twoWay']> {
  if (!hasDatabase) return [];
  try {
    const histories = await parts.catalog.browser.twoWayHistory(signal);
    return twoWayHealth(histories, parts.syncIntervalSeconds, Date.now());
  } catch (thrown) {
    return [{ library: '*', ok: false, lastGoodAt: null, error: asRollcallError(thrown).message }];
  }
}

async function checkRoots(parts: HealthParts, hasDatabase: boolean, signal: AbortSignal): Promise<Parts['roots']> {
  const page = hasDatabase ? await parts.catalog.libraries.list({ limit: MOST_ROOTS }) : { items: [parts.library] };
  return Promise.all(
    page.items.map(async (library) => {
      const { name, root } = library;
      try {
        await parts.openDisk(library).verifyRoot(signal);
        return { library: name, root, ok: true };
      } catch (thrown) {
        return { library: name, root, ok: false, error: asRollcallError(thrown).message };
      }
    }),
  );
}
