/** The engine as the API and the command line see it: one call from a request to a report. */

import type { ArchivedObject } from './browse.ts';
import type { RestoreRequest } from './bucket-port.ts';
import type { Comparison } from './compare-lists.ts';
import type { LocalImage } from './local-images.ts';
import type { SavedPlan } from './plan-file.ts';
import type { Compare, Direction, Library, Moves, OrphanPolicy, Overwrite, Report } from './types.ts';

/** What to sync and how. Neither album nor library: every library. Policies left out take their defaults. */
export interface SyncRequest {
  /** Id or name of a library. */
  readonly library?: string;
  /** Path of an album, relative to its library's root; `.` for the files in the root itself. */
  readonly album?: string;
  readonly albumId?: string;
  /** Of the album, only the photos with these file names, and only those on record: whether one was renamed is not seen. */
  readonly files?: readonly string[];
  readonly dryRun?: boolean;
  /** Of a dry run: its plan is kept in the catalog for a while, to be looked at and carried out (applyKept). */
  readonly keepPlan?: boolean;
  readonly direction?: Direction;
  readonly compare?: Compare;
  readonly overwrite?: Overwrite;
  readonly orphans?: OrphanPolicy;
  /** Delete orphans at once instead of after ORPHAN_GRACE_DAYS. */
  readonly deleteNow?: boolean;
  /** Instead of MAX_DELETE: `25%` or a count. */
  readonly maxDelete?: string;
  /** Left out: renames are recognised, except where nothing is sent up. */
  readonly moves?: Moves;
  /** What the run is called in the history. */
  readonly kind?: 'sync' | 'status' | 'moves' | 'reconcile';
  /** Of a run that was queued, which is carried out now; only with one library. */
  readonly runId?: string;
  /** The run that this one is a part of. */
  readonly parentId?: string;
}

/** What to send again: an album, a library, these photos (at most 10,000), or everything that is missing. */
export interface ReuploadRequest extends Pick<SyncRequest, 'library' | 'album' | 'albumId'> {
  readonly photoIds?: readonly string[];
}

/** What to read and hold against the rows. */
export interface VerifyRequest extends Pick<SyncRequest, 'library' | 'album' | 'albumId'> {
  /** Percent of the photos, above 0 up to 100; left out: all. */
  readonly sample?: number;
}

/** What to compare: an album, a library, or every library. */
export interface CompareRequest extends Pick<SyncRequest, 'library' | 'album' | 'albumId'> {
  /** Of the disk's files only these; objects without a file are listed either way. */
  readonly localImages?: readonly LocalImage[];
}

/** One scope's comparison; `album` null: the whole library. */
export interface Compared {
  readonly library: Library;
  readonly album: string | null;
  readonly lists: Comparison;
}

/** `remove` removes the objects and keeps the files. */
export type FileTask = 'upload' | 'download' | 'remove';

/** An album, by its path or id, and the names of files in it. */
export interface FilesRequest extends Pick<SyncRequest, 'library' | 'album' | 'albumId'> {
  readonly filenames: readonly string[];
}

export interface FileResult {
  readonly filename: string;
  /** `not_found`: what was to be sent, fetched or removed is not there. */
  readonly status: 'uploaded' | 'downloaded' | 'removed' | 'skipped' | 'conflict' | 'failed' | 'not_found';
  readonly code?: string;
  readonly message?: string;
}

export interface FilesReport {
  /** One for each name, in the order given. */
  readonly results: readonly FileResult[];
  readonly report: Report;
}

/** How far a run is in one album. */
export interface AlbumProgress {
  readonly album: string;
  readonly actions: { readonly done: number; readonly total: number };
  /** Of those that are done. */
  readonly failed: number;
}

/** How far a run is. Totals are null until they are known. */
export interface Progress {
  readonly runId: string;
  readonly library: string;
  readonly phase: 'scanning' | 'working' | 'done';
  /** Keys compared so far. */
  readonly scanned: number;
  readonly actions: { readonly done: number; readonly total: number | null };
  readonly bytes: { readonly done: number; readonly total: number | null };
  readonly lastPath: string | null;
  /** What a run over a whole library has to do in its albums; of very many those that matter most. As the history has it. */
  readonly albums?: readonly AlbumProgress[];
}

export interface RunHooks {
  /** Called when a run's history entry exists, before it touches anything. */
  readonly onStart?: (runId: string) => void;
  /** Called at most every 100 ms and once at the end of each phase. */
  readonly onProgress?: (progress: Progress) => void;
  /** A verify goes on from one that was cut off; called before it reads anything. */
  readonly onResume?: (resumed: Resumed) => void;
  /** A dry run's plan, complete, as it can be saved and applied; of `applyKept`, each before anything of it is begun. */
  readonly onPlan?: (plan: SavedPlan) => void;
}

/** A verify that goes on from one that was cut off. */
export interface Resumed {
  /** Name of the library. */
  readonly library: string;
  /** When that one began, RFC 3339. */
  readonly since: string;
  /** Photos that were read since. */
  readonly photos: number;
}

export interface SyncService {
  /**
   * Runs a sync and answers its report; a run whose photos failed is `partial`, not an error. Throws NOT_FOUND for
   * an unknown library or album, SYNC_IN_PROGRESS, and GUARD_*, BUCKET_* and DATABASE_*, which are in the run
   * history too. With several libraries, one that fails does not stop the others: its error is in the report.
   */
  sync(request: SyncRequest, hooks: RunHooks, signal: AbortSignal): Promise<Report>;
  /** Runs a saved plan; actions whose preconditions no longer hold are left and reported as PLAN_STALE. */
  apply(plan: SavedPlan, hooks: RunHooks, signal: AbortSignal): Promise<Report>;
  /**
   * Carries out what a dry run with `keepPlan` has found, once, in the same way. PLAN_APPLIED; NOT_FOUND for a run of
   * which no plan is kept, or not any more.
   */
  applyKept(runId: string, hooks: RunHooks, signal: AbortSignal): Promise<Report>;
  /**
   * Holds files against objects by their contents and touches neither: one answer for each library covered. Throws
   * NOT_FOUND, BAD_INPUT for local images that are not in the scope, and whatever kept a side from being read whole:
   * what could not be read is never "missing".
   */
  compare(request: CompareRequest, signal: AbortSignal): Promise<readonly Compared[]>;
  /**
   * Sends, fetches or removes files of one album by name, as a run with lock and history. What the other side holds is
   * replaced (`overwrite: source`); an object is removed only where the file on disk holds the same bytes. Throws like
   * `sync`; what concerns one file is in its result.
   */
  files(task: FileTask, request: FilesRequest, hooks: RunHooks, signal: AbortSignal): Promise<FilesReport>;
  /**
   * Sends again what is missing from the bucket or incomplete there, and nothing else: of an album, of a library, of
   * these photos, or everywhere. Throws like `sync`; NOT_FOUND for a photo that is not in the catalog.
   */
  reupload(request: ReuploadRequest, hooks: RunHooks, signal: AbortSignal): Promise<Report>;
  /**
   * Reads photos on disk and in the bucket and holds them against their rows. Those checked longest ago come first;
   * `sample` is the share of them that this run takes, in percent. One that was cut off goes on where it was. Damage is
   * kept in the rows and is among the failures. Nothing on disk or in the bucket is touched.
   */
  verify(request: VerifyRequest, hooks: RunHooks, signal: AbortSignal): Promise<Report>;
  /**
   * Asks for every waiting object of these libraries to be restored, those that were asked for before left alone, and
   * answers all with what came of it. One that is refused is `failed` and stops no other. NOT_FOUND, BUCKET_*.
   */
  restore(
    request: Pick<SyncRequest, 'library'> & RestoreRequest,
    signal: AbortSignal,
  ): Promise<readonly ArchivedObject[]>;
  /** Looks at every waiting object of these libraries and answers how far it is. NOT_FOUND, BUCKET_*. */
  restoreStatus(request: Pick<SyncRequest, 'library'>, signal: AbortSignal): Promise<readonly ArchivedObject[]>;
}
