/** The state of everything Rollcall leans on, asked now. */
import { asRollcallError } from '../errors.ts';
import type { CatalogBrowser, LibraryStore } from '../sync/browse.ts';
import type { BucketFeatures, BucketPort } from '../sync/bucket-port.ts';
import type { CatalogPort } from '../sync/catalog-port.ts';
import type { ReadFigures } from '../sync/figures.ts';
import type { DiskPort } from '../sync/ports.ts';
import type { RunQueue } from '../sync/run-queue.ts';
import type { Library } from '../sync/types.ts';
import type { HealthReport } from './parts.ts';
import { twoWayHealth } from './two-way-health.ts';

/** What can be asked. */
export interface HealthParts {
  readonly catalog: {
    readonly port: CatalogPort;
    readonly libraries: LibraryStore;
    readonly browser: Pick<CatalogBrowser, 'twoWayHistory'>;
    readonly figures: ReadFigures;
    ping(signal: AbortSignal): Promise<string>;
  };
  readonly library: Library;
  /** Null: this server has none. */
  readonly queue: Pick<RunQueue, 'depth'> | null;
  readonly openBucket: (bucket: string) => BucketPort;
  readonly openDisk: (library: Library) => DiskPort;
  /** SYNC_INTERVAL_SECONDS. */
  readonly syncIntervalSeconds: number;
  readonly version: string;
}

type Parts = HealthReport['parts'];

/** Roots to look at; a library more than these is not looked at in one request. */
const MOST_ROOTS = 100;
/** What only informs must not keep the whole of health waiting. */
const FIGURES_MS = 2_000;

/** Asks every part; one that fails is reported, not thrown. */
export async function checkHealth(parts: HealthParts, signal: AbortSignal): Promise<HealthReport> {
  const database = await checkDatabase(parts, signal);
  const [bucket, roots, twoWay, libraries, queue] = await Promise.all([
    checkBucket(parts, database.ok, signal),
    checkRoots(parts, database.ok, signal),
    checkTwoWay(parts, database.ok, signal),
    lastGoodRuns(parts, database.ok, signal),
    checkQueue(parts, database, signal),
  ]);
  const degraded = !bucket.ok || queue?.ok === false || [...roots, ...twoWay].some(({ ok }) => !ok);
  const status = !database.ok ? 'down' : degraded ? 'degraded' : 'ok';
  return { status, version: parts.version, parts: { database, bucket, roots, twoWay, libraries, queue } };
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
  if (!features.deleteManyOnly) {
    lacks.push('No ETags in DeleteObjects: of many objects that are removed together each is looked at right before.');
  }
  if (!features.copyCreateOnly) {
    lacks.push('No If-None-Match on COPY: the new key is looked at right before a rename; two writers could race.');
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

/** Added up from the history, which may take longer than anybody waits when it is read for the first time. */
async function lastGoodRuns(
  parts: HealthParts,
  hasDatabase: boolean,
  signal: AbortSignal,
): Promise<Parts['libraries']> {
  if (!hasDatabase) return null;
  const late = AbortSignal.any([signal, AbortSignal.timeout(FIGURES_MS)]);
  try {
    const { libraries } = await parts.catalog.figures(late);
    return libraries.slice(0, MOST_ROOTS).map(({ library, lastGoodMs }) => ({
      library,
      lastGoodAt: lastGoodMs === null ? null : new Date(lastGoodMs).toISOString(),
      ageSeconds: lastGoodMs === null ? null : Math.max(0, Math.round((Date.now() - lastGoodMs) / 1_000)),
    }));
  } catch {
    return null;
  }
}

async function checkQueue(
  { queue }: HealthParts,
  database: Parts['database'],
  signal: AbortSignal,
): Promise<Parts['queue']> {
  if (queue === null) return null;
  if (!database.ok) return { ok: false, queues: [], error: 'the queue is in the database' };
  try {
    const queues = await queue.depth(signal);
    const dead = queues.reduce((sum, depth) => sum + depth.dead, 0);
    if (dead === 0) return { ok: true, queues };
    return { ok: false, queues, error: `${dead} jobs were given up after their retries` };
  } catch (thrown) {
    return { ok: false, queues: [], error: asRollcallError(thrown).message };
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
