/** The only place where parts meet: a Config becomes running parts and one close(). */
import { readFileSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import { archiveLog } from './archive-log.ts';
import { type Buckets, openBuckets } from './bucket/buckets.ts';
import { type Catalog, openCatalog } from './catalog/open.ts';
import { openQueueConnections } from './catalog/queue-connections.ts';
import type { Config, S3Location } from './config.ts';
import { openDisk } from './disk/disk.ts';
import { compileExcludes } from './disk/excludes.ts';
import { openWalkers, type Walkers } from './disk/walkers.ts';
import { watchLibrary } from './disk/watch.ts';
import { attachEmbedded, type EmbeddedServices, embeddedRuns } from './embedded/attach.ts';
import { asRollcallError, RollcallError } from './errors.ts';
import { readAdminPage } from './http/admin-page.ts';
import { checkHealth } from './http/health.ts';
import type { HttpParts, LibraryTrial, SideTrial } from './http/parts.ts';
import { tokenFile } from './http/token-file.ts';
import type { JobQueue, QueueParts } from './jobs/queue.ts';
import type { CatalogBrowser, LibraryStore, NewLibrary } from './sync/browse.ts';
import type { BucketPort } from './sync/bucket-port.ts';
import { type MediaIntake, mediaIntake } from './sync/media-intake.ts';
import { createMediaService, type MediaService } from './sync/media-service.ts';
import type { MediaParts } from './sync/media-work.ts';
import { photoSides } from './sync/photo-sides.ts';
import type { DiskPort, Log } from './sync/ports.ts';
import { allLibraries } from './sync/resolve-scopes.ts';
import type { RunQueue } from './sync/run-queue.ts';
import type { SyncService } from './sync/service.ts';
import { createSpreader } from './sync/spread.ts';
import { sumLibraries, sumTasks } from './sync/sum-tasks.ts';
import type { SyncParts } from './sync/sync-parts.ts';
import { createSyncService } from './sync/sync-service.ts';
import { ensureLibrary, type LibraryPlace, libraryOfPlace } from './sync/target-library.ts';
import type { Library } from './sync/types.ts';

/** What a command asks of the composition. */
export interface Needs {
  /** Make the default library's folder and fill it with demo pictures if PHOTOS_ROOT is not set. */
  readonly demo: boolean;
  /** A folder and a place from the command line, instead of the configured library. */
  readonly target?: { readonly folder: string; readonly bucket: string | null; readonly prefix: string | null };
  /** Work the queue, so many albums at a time, and look after the schedule; left out: neither. */
  readonly queue?: { readonly concurrency: number };
}

/** Running parts. */
export interface Rollcall {
  readonly service: SyncService;
  readonly libraries: LibraryStore;
  readonly browser: CatalogBrowser;
  /** The library of `target`, or the default one; made in the catalog if it was not there. */
  readonly library: Library;
  /** It was made just now: nobody has asked for it before. */
  readonly libraryIsNew: boolean;
  readonly http: HttpParts;
  /** Loaded when it is asked for. */
  media(): Promise<MediaService>;
  /** Null: this process does not work it. */
  readonly queue: RunQueue | null;
  /**
   * Tells of changes in a library's folder until it is closed or `signal` aborts: the albums in which there were any,
   * or null when it may have been in all. Some are missed on some disks: a full pass belongs behind it.
   */
  watch(
    library: Library,
    onChange: (albums: ReadonlySet<string> | null) => void,
    signal: AbortSignal,
  ): Promise<{ close(): Promise<void> }>;
  /** Where things are, for the start-up lines: each with whether it is embedded. */
  readonly places: {
    readonly database: { readonly embedded: boolean; readonly at: string };
    readonly bucket: { readonly embedded: boolean; readonly at: string };
    readonly photos: { readonly demo: boolean; readonly at: string };
    readonly dataDir: string;
  };
  /** What a person should know: another port was taken, something was recovered. */
  readonly notices: readonly string[];
  /** Stops what was started here, in reverse order. */
  close(): Promise<void>;
}

/** Parts that sync folders to the places named with them; no library of the configuration among them. */
export interface TargetRollcall extends Pick<Rollcall, 'libraries' | 'browser' | 'notices' | 'close'> {
  /**
   * The library of this target, made if there is none, and the engine that runs it. In a dry run a library that is
   * there stays as it is, whatever the excludes: the engine goes by those of the target. LIBRARY_CONFLICT when the place
   * is another folder's, BAD_INPUT for excludes that can never match.
   */
  open(
    target: LibraryPlace,
    dryRun: boolean,
  ): Promise<{ readonly service: SyncService; readonly library: Library; readonly isNew: boolean }>;
}

/** Room in the pool for the engine's batches, the API's queries and the queue; locks have connections of their own. */
const DATABASE_CONNECTIONS = 10;
/** The queue's own: its heartbeats, its looks for work, and the ends of tasks. */
const QUEUE_CONNECTIONS = 4;

/** Brings the parts up, in order; on failure or abort everything begun is closed again. */
export async function compose(config: Config, needs: Needs, log: Log, signal: AbortSignal): Promise<Rollcall> {
  return closingOnFailure((closers, close) => bringUp(config, needs, log, signal, closers, close));
}

/** Like `compose`, for targets that are named one by one. Their buckets are real ones: the embedded S3 stays down. */
export async function composeTargets(config: Config, log: Log, signal: AbortSignal): Promise<TargetRollcall> {
  return closingOnFailure(async (closers, close) => {
    const up = await bringUpSides(config, { demo: false, s3: false }, log, signal, closers);
    const { libraries, browser } = up.catalog;
    return {
      libraries,
      browser,
      notices: up.embedded.notices,
      open: async (target, dryRun) => {
        compileExcludes(target.excludes ?? []);
        const { library, isNew } = await libraryOfPlace(libraries, target, dryRun);
        const find = async (id: string) => (id === library.id ? library : libraries.find(id));
        return { service: createService({ ...up, config, log }, { ...libraries, find }), library, isNew };
      },
      close,
    };
  });
}

/** Parts of a process that only works the queue. */
export interface WorkerRollcall extends Pick<Rollcall, 'notices' | 'close'> {
  /** Those that were there when it began. */
  readonly libraries: readonly Library[];
}

/**
 * Works the queue of a server that runs elsewhere, with its database and bucket: starts none of its own. BAD_CONFIG
 * when it is not said where they are, GUARD_ROOT_* when a library is not mounted here.
 */
export async function composeWorker(
  config: Config,
  { concurrency }: { readonly concurrency: number },
  log: Log,
  signal: AbortSignal,
): Promise<WorkerRollcall> {
  const bucketIsEmbedded = embedsBucket(config, config.s3Bucket);
  for (const [embedded, variable] of [
    [config.databaseUrl === null, 'DATABASE_URL'],
    [bucketIsEmbedded, 'S3_BUCKET'],
  ] as const) {
    if (!embedded || (await embeddedRuns(config.dataDir))) continue;
    const message = `${variable} must be that of the server, or DATA_DIR one in which it runs on this machine`;
    throw new RollcallError('BAD_CONFIG', `a worker needs a server: ${message}`, { field: variable });
  }
  return closingOnFailure(async (closers, close) => {
    const up = await bringUpSides(config, { demo: false, s3: bucketIsEmbedded }, log, signal, closers);
    const libraries = await allLibraries(up.catalog.libraries);
    for (const library of libraries) await openLibraryDisk(config, library).verifyRoot(signal);
    const parts = { ...up, config, log };
    const pictures = await bringUpMedia(parts, closers)();
    const intake = mediaIntake(pictures.parts, signal);
    closers.push(() => intake.close());
    const service = createService(parts, up.catalog.libraries);
    const work = { ...parts, service, schedule: null, concurrency, media: pictures.service, intake };
    const queue = await bringUpQueue(up, work, signal);
    closers.push(() => queue.close());
    return { libraries, notices: up.embedded.notices, close };
  });
}

type Closers = (() => Promise<void> | void)[];

async function closingOnFailure<T>(make: (closers: Closers, close: () => Promise<void>) => Promise<T>): Promise<T> {
  const closers: Closers = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    return await make(closers, close);
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

async function bringUp(
  config: Config,
  needs: Needs,
  log: Log,
  signal: AbortSignal,
  closers: Closers,
  close: () => Promise<void>,
): Promise<Rollcall> {
  const bucketName = needs.target?.bucket ?? config.s3Bucket;
  const bucketIsEmbedded = embedsBucket(config, bucketName);
  const demo = needs.demo && config.demoLibrary && needs.target === undefined;
  const up = await bringUpSides(config, { demo, s3: bucketIsEmbedded }, log, signal, closers);
  const { embedded, catalog, buckets, walkers, url, s3 } = up;
  const defaults = { bucket: bucketName ?? embedded.s3?.bucket ?? '', prefix: config.s3Prefix };
  const { library, isNew: libraryIsNew } = await ensureLibrary(catalog.libraries, {
    root: needs.target === undefined ? config.photosRoot : resolve(needs.target.folder),
    bucket: defaults.bucket,
    prefix: needs.target?.prefix ?? defaults.prefix,
    // Trying out another folder: in the stand-in bucket it may well have a prefix of its own.
    place: needs.target?.bucket !== null ? 'given' : config.s3Bucket === null ? 'free' : 'known',
  });
  const parts: Parts = { config, catalog, buckets, walkers, embedded, library, defaults, log };
  const media = bringUpMedia(parts, closers);
  const pictures = needs.queue ? await media() : null;
  const intake = pictures && mediaIntake(pictures.parts, signal);
  if (intake) closers.push(() => intake.close());
  const service = createService(parts, catalog.libraries, intake);
  const schedule = { reconcile: config.reconcileCron };
  const work = needs.queue &&
    pictures && { ...parts, service, schedule, ...needs.queue, media: pictures.service, intake };
  const queue = work ? await bringUpQueue(up, work, signal) : null;
  if (queue) closers.push(() => queue.close());
  return {
    service,
    libraries: catalog.libraries,
    browser: catalog.browser,
    library,
    libraryIsNew,
    http: httpParts(parts, service, queue),
    queue,
    media: async () => (await media()).service,
    watch: (of, onChange, watchSignal) => {
      const excludes = [...of.excludes, ...ownFolders(config, of.root)];
      return watchLibrary(of.root, { excludes, debounceMs: quietMs(config), onChange, log }, watchSignal);
    },
    places: {
      database: { embedded: config.databaseUrl === null, at: withoutPassword(url) },
      bucket: {
        embedded: bucketIsEmbedded,
        at: `${s3.endpoint ?? 'Amazon S3'} s3://${library.bucket}/${library.prefix}`,
      },
      photos: { demo: up.demo, at: library.root },
      dataDir: config.dataDir,
    },
    notices: embedded.notices,
    close,
  };
}

/** A bucket named on the command line is a real one: it must never turn into the stand-in without a word. */
function embedsBucket(config: Config, name: string | null): boolean {
  if (name === null && config.s3.endpoint !== null) {
    throw new RollcallError('BAD_CONFIG', 'S3_BUCKET must be set when S3_ENDPOINT is', { field: 'S3_BUCKET' });
  }
  return name === null;
}

/** What bringUp has made, for those who put it together further. */
interface Parts {
  readonly config: Config;
  readonly catalog: Catalog;
  readonly buckets: Buckets;
  readonly walkers: Walkers;
  readonly embedded: EmbeddedServices;
  readonly library: Library;
  readonly defaults: { readonly bucket: string; readonly prefix: string };
  readonly log: Log;
}

/** What is embedded, the catalog and the client of the buckets. */
async function bringUpSides(
  config: Config,
  needs: { readonly demo: boolean; readonly s3: boolean },
  log: Log,
  signal: AbortSignal,
  closers: Closers,
) {
  const { services: embedded, demo } = await bringUpEmbedded(config, needs, signal, closers);
  const url = embedded.database?.url ?? config.databaseUrl ?? '';
  const catalog = await openCatalog(
    {
      url,
      maxConnections: DATABASE_CONNECTIONS,
      statementMs: config.databaseTimeoutSeconds * 1_000,
      variantsPrefix: config.s3VariantsPrefix,
      log,
    },
    signal,
  );
  closers.push(() => catalog.close());
  await catalog.closeAbandonedRuns(signal);

  const s3 = locationOf(config, embedded);
  const buckets = openBuckets(s3, { ...config.sync, uploadMemoryMb: config.uploadMemoryMb }, log);
  closers.push(buckets.close);
  const walkers = openWalkers();
  closers.push(walkers.close);
  return { embedded, demo, catalog, buckets, walkers, url, s3 };
}

/** The embedded services that are asked for, and beside them the demo pictures: both take their time. `demo`: the library is of those. */
async function bringUpEmbedded(
  config: Config,
  { demo, s3 }: { readonly demo: boolean; readonly s3: boolean },
  signal: AbortSignal,
  closers: Closers,
): Promise<{ readonly services: EmbeddedServices; readonly demo: boolean }> {
  const [attached, drawn] = await Promise.allSettled([
    attachEmbedded({ dataDir: config.dataDir, database: config.databaseUrl === null, s3 }, signal),
    demo ? drawDemoLibrary(config.photosRoot, signal) : null,
  ]);
  if (attached.status === 'rejected') throw attached.reason;
  closers.push(() => attached.value.close());
  if (drawn.status === 'rejected') throw drawn.reason;
  return { services: attached.value, demo: drawn.value?.demo ?? false };
}

type EngineParts = Pick<Parts, 'config' | 'catalog' | 'buckets' | 'walkers' | 'log'>;

function createService(parts: EngineParts, libraries: LibraryStore, intake: MediaIntake | null = null): SyncService {
  return createSyncService(enginePartsOf(parts, libraries, intake));
}

interface Pictures {
  readonly parts: MediaParts;
  readonly service: MediaService;
}

/** What looks at pictures, loaded and opened when it is asked for first. */
function bringUpMedia(parts: EngineParts, closers: Closers): () => Promise<Pictures> {
  const { config, catalog, log } = parts;
  const open = async (): Promise<Pictures> => {
    const { openMedia } = await import('./media/open-media.ts');
    const media = openMedia({ maxPixels: config.maxPixels });
    closers.push(() => media.close());
    const { openDisk, openBucket, now } = enginePartsOf(parts, catalog.libraries, null);
    const sides = { store: catalog.media, openDisk, openBucket, variantsPrefix: config.s3VariantsPrefix };
    const pictures: MediaParts = { media, ...sides, log };
    return { parts: pictures, service: createMediaService({ ...pictures, now }) };
  };
  let opened: Promise<Pictures> | null = null;
  return () => {
    opened ??= open();
    return opened;
  };
}

interface QueueNeeds extends Pick<QueueParts, 'service' | 'schedule' | 'concurrency' | 'media'> {
  readonly intake: MediaIntake | null;
}

/** Opens the queue and works it; loaded only when it is needed. */
async function bringUpQueue(
  { url }: { readonly url: string },
  parts: EngineParts & QueueNeeds,
  signal: AbortSignal,
): Promise<JobQueue> {
  const { catalog, log } = parts;
  const { openQueue } = await import('./jobs/queue.ts');
  const sums = { tasks: sumTasks, libraries: sumLibraries };
  const connections = openQueueConnections(
    { url, maxConnections: QUEUE_CONNECTIONS, statementMs: parts.config.databaseTimeoutSeconds * 1_000, log },
    sums,
  );
  try {
    const { libraries, closeAbandonedRuns } = catalog;
    const spreader = createSpreader(enginePartsOf(parts, libraries, parts.intake));
    const queue = await openQueue({ ...parts, ...connections, libraries, spreader, closeAbandonedRuns }, signal);
    const close = () => queue.close().finally(() => connections.close());
    return { ...queue, close };
  } catch (thrown) {
    await connections.close();
    throw thrown;
  }
}

function enginePartsOf(
  { config, catalog, buckets, walkers, log }: EngineParts,
  libraries: LibraryStore,
  intake: MediaIntake | null,
): SyncParts {
  return {
    catalog: catalog.port,
    libraries,
    browser: catalog.browser,
    archive: catalog.archive,
    plans: catalog.plans,
    onWaiting: archiveLog(config.logDir, log),
    openDisk: (library) => openLibraryDisk(config, library, walkers),
    ...(intake && { intake }),
    remains: catalog.media,
    openBucket: (library) => buckets.open(library.bucket),
    settings: config.sync,
    log,
    now: Date.now,
  };
}

function openLibraryDisk(config: Config, library: Library, walkers?: Walkers): DiskPort {
  return openDisk(library, { alsoExclude: ownFolders(config, library.root), ...(walkers && { walkers }) });
}

function httpParts(
  { config, catalog, buckets, embedded, library, defaults, log }: Parts,
  service: SyncService,
  queue: JobQueue | null,
): HttpParts {
  const version = packageVersion();
  const health = {
    catalog,
    library,
    queue,
    openBucket: buckets.open,
    openDisk: (of: Library) => openLibraryDisk(config, of),
    syncIntervalSeconds: config.syncIntervalSeconds,
    version,
  };
  return {
    service,
    queue,
    libraries: catalog.libraries,
    browser: catalog.browser,
    archive: catalog.archive,
    plans: catalog.plans,
    openBucket: buckets.open,
    health: (signal) => checkHealth(health, signal),
    metrics: { figures: catalog.figures, ping: catalog.ping, s3Requests: buckets.requests },
    checkLibrary: (wanted, signal) => checkLibrary(wanted, buckets.open, embedded, signal),
    tryLibrary: (wanted, signal) => tryLibrary(wanted, buckets.open, embedded, signal),
    auth: {
      token: config.apiToken,
      ...(config.apiTokensFile !== null && { more: tokenFile(config.apiTokensFile, log) }),
    },
    defaults,
    lookAt: async (photo, signal) => {
      const of = await catalog.libraries.find(photo.libraryId);
      if (of === null) throw new RollcallError('NOT_FOUND', 'its library was removed just now', { field: 'id' });
      return photoSides({ disk: openLibraryDisk(config, of), bucket: buckets.open(photo.bucket) }, photo, signal);
    },
    schedule: {
      nextReconcileAt: () => queue?.nextReconcileAt() ?? null,
      twoWaySeconds: config.syncIntervalSeconds,
    },
    page: () => readAdminPage(new URL('web/', import.meta.url)),
    log,
    version,
  };
}

/** After a change, until a file is old enough to be synced, so that one look suffices; no longer than a few seconds. */
function quietMs({ sync }: Config): number {
  return Math.min(Math.max(sync.stableSeconds * 1_000 + 250, 500), 3_000);
}

/** Loaded only when it is needed: sharp is the slowest of all to load. */
async function drawDemoLibrary(root: string, signal: AbortSignal): Promise<{ readonly demo: boolean }> {
  const { ensureDemoLibrary } = await import('./media/demo/demo-library.ts');
  return ensureDemoLibrary(root, signal);
}

function locationOf(config: Config, embedded: EmbeddedServices): S3Location {
  if (embedded.s3 === null) return config.s3;
  const { endpoint, region, accessKeyId, secretAccessKey } = embedded.s3;
  return { ...config.s3, endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } };
}

/** Rollcall's own data and logs, when they lie inside a library, are no photos. */
function ownFolders(config: Config, root: string): string[] {
  return [config.dataDir, config.logDir]
    .map((folder) => relative(root, folder))
    .filter((inside) => inside !== '' && !inside.startsWith('..') && !isAbsolute(inside))
    .map((inside) => `/${inside.replaceAll('\\', '/')}/`);
}

/** GUARD_ROOT_* or BUCKET_* when a library could not be synced. */
async function checkLibrary(...sides: Parameters<typeof verifyPlaces>): Promise<void> {
  const { root, bucket } = verifyPlaces(...sides);
  await root();
  await bucket();
}

async function tryLibrary(...sides: Parameters<typeof verifyPlaces>): Promise<LibraryTrial> {
  const { root, bucket } = verifyPlaces(...sides);
  const [onDisk, inBucket] = await Promise.all([trial(root), trial(bucket)]);
  return { root: onDisk, bucket: inBucket };
}

async function trial<Found extends object>(verify: () => Promise<Found>): Promise<SideTrial & Partial<Found>> {
  try {
    return { ok: true, ...(await verify()) };
  } catch (thrown) {
    const { code, message } = asRollcallError(thrown);
    if (code === 'CANCELLED') throw thrown;
    return { ok: false, code, message } as SideTrial & Partial<Found>;
  }
}

/** The embedded S3 makes its buckets as they are named. */
function verifyPlaces(
  wanted: NewLibrary,
  openBucket: (name: string) => BucketPort,
  embedded: EmbeddedServices,
  signal: AbortSignal,
) {
  const disk: DiskPort = openDisk({ sync: 'up', ...wanted, id: '' });
  return {
    root: async () => {
      await disk.verifyRoot(signal);
      return { bare: await disk.isBare(signal) };
    },
    bucket: async () => {
      if (embedded.s3 !== null) await embedded.ensureBucket(wanted.bucket);
      await openBucket(wanted.bucket).preflight(wanted.prefix, signal);
      return {};
    },
  };
}

function withoutPassword(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}:${port || 5432}${pathname}`;
}

function packageVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return String((JSON.parse(text) as { version?: unknown }).version ?? '');
}
