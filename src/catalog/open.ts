/** The catalog as a whole: what the engine writes to and what people look at, over one PostgreSQL. */
import type { ArchiveStore, CatalogBrowser, LibraryStore } from '../sync/browse.ts';
import type { CatalogPort } from '../sync/catalog-port.ts';
import type { ReadFigures } from '../sync/figures.ts';
import type { MediaStore } from '../sync/media-store.ts';
import type { PlanStore } from '../sync/plan-store.ts';
import { closeAbandonedRuns } from './abandoned-runs.ts';
import { moveAlbums, settleAlbums } from './album-moves.ts';
import { archiveStore, noteWaiting } from './archive.ts';
import { catalogBrowser } from './browse.ts';
import { bucketFeatures, saveBucketFeatures } from './bucket-features.ts';
import { applyChanges } from './changes.ts';
import { planCheck, rowsToCheck, rowsWithIds, saveChecks, unfinishedVerify } from './checks.ts';
import { knownSizes, leftovers, rowsWithContent } from './contents.ts';
import { type Database, type DatabaseOptions, openDatabase } from './database.ts';
import { libraryStore } from './libraries.ts';
import { lockScope } from './lock.ts';
import { mediaStore } from './media-store.ts';
import { catalogFigures } from './metrics.ts';
import { migrate } from './migrate.ts';
import { planStore } from './plans.ts';
import { countLive, rowsInScope, rowsWithKeys } from './rows.ts';
import { beginRun, finishRun, pulse, recordActions } from './runs.ts';
import { uploadLedger } from './uploads.ts';

export interface CatalogOptions extends DatabaseOptions {
  /** For so long the same figures are answered; 5,000. */
  readonly keepFiguresMs?: number;
  /** Where the variants are, in every bucket: no library may be inside of it. Left out: nowhere. */
  readonly variantsPrefix?: string;
}

const KEEP_FIGURES_MS = 5_000;

export interface Catalog {
  readonly port: CatalogPort;
  readonly libraries: LibraryStore;
  readonly browser: CatalogBrowser;
  readonly archive: ArchiveStore;
  readonly media: MediaStore;
  readonly plans: PlanStore;
  readonly figures: ReadFigures;
  /** Asks the database something and answers its version; DATABASE_UNREACHABLE, DATABASE_DENIED. */
  ping(signal: AbortSignal): Promise<string>;
  /** Marks as failed the runs that a dead process left running, and answers how many. */
  closeAbandonedRuns(signal: AbortSignal): Promise<number>;
  /** Waits for what is being asked, then closes the connections. */
  close(): Promise<void>;
}

/** Brings the database to this version's schema (migrate.ts, whose errors it throws) and opens the catalog in it. */
export async function openCatalog(options: CatalogOptions, signal: AbortSignal): Promise<Catalog> {
  await migrate(options.url, signal);
  const database = openDatabase(options);
  return {
    port: catalogPort(database),
    libraries: libraryStore(database, options.variantsPrefix ?? ''),
    browser: catalogBrowser(database),
    archive: archiveStore(database),
    media: mediaStore(database),
    plans: planStore(database),
    figures: catalogFigures(database, options.keepFiguresMs ?? KEEP_FIGURES_MS),
    ping: (asked) => ping(database, asked),
    closeAbandonedRuns: (asked) => closeAbandonedRuns(database, asked),
    close: () => database.close(),
  };
}

function catalogPort(database: Database): CatalogPort {
  return {
    uploads: uploadLedger(database),
    lock: (scope, signal, purpose) => lockScope(database, scope, signal, purpose),
    rows: (scope, signal) => rowsInScope(database, scope, signal),
    countLive: (scope, signal) => countLive(database, scope, signal),
    rowsByKey: (library, keys, signal) => rowsWithKeys(database, library, keys, signal),
    rowsById: (ids, signal) => rowsWithIds(database, ids, signal),
    unfinishedVerify: (scope, signal) => unfinishedVerify(database, scope, signal),
    planCheck: (scope, options, signal) => planCheck(database, scope, options, signal),
    rowsToCheck: (scope, plan, signal) => rowsToCheck(database, scope, plan, signal),
    saveChecks: (library, since, checked) => saveChecks(database, library, since, checked),
    leftovers: (library, signal) => leftovers(database, library, signal),
    knownSizes: (library, sizes, signal) => knownSizes(database, library, sizes, signal),
    rowsWithContent: (library, contents, signal) => rowsWithContent(database, library, contents, signal),
    moveAlbums: (library, albums) => moveAlbums(database, library, albums),
    settleAlbums: (library, albumIds) => settleAlbums(database, library, albumIds),
    noteWaiting: (scope, waiting, settled) => noteWaiting(database, scope, waiting, settled),
    apply: (library, changes) => applyChanges(database, library, changes),
    beginRun: (run) => beginRun(database, run),
    pulse: (runId, progress) => pulse(database, runId, progress),
    recordActions: (runId, records) => recordActions(database, runId, records),
    finishRun: (runId, status, report) => finishRun(database, runId, status, report),
    bucketFeatures: (bucket) => bucketFeatures(database, bucket),
    saveBucketFeatures: (bucket, features) => saveBucketFeatures(database, bucket, features),
  };
}

async function ping(database: Database, signal: AbortSignal): Promise<string> {
  const sql = `SELECT current_setting('server_version') AS version`;
  const { rows } = await database.ask(() => database.pool.query<{ version: string }>(sql), signal);
  return rows[0]?.version ?? 'unknown';
}
