/** What the HTTP API is made of; compose.ts provides it. */
import type { ArchiveStore, CatalogBrowser, LibraryStore, NewLibrary, PhotoView } from '../sync/browse.ts';
import type { PhotoSides } from '../sync/photo-sides.ts';
import type { PlanStore } from '../sync/plan-store.ts';
import type { Log } from '../sync/ports.ts';
import type { QueueDepth, RunQueue } from '../sync/run-queue.ts';
import type { SyncService } from '../sync/service.ts';
import type { OpenBucket } from './addresses.ts';
import type { AdminPage } from './admin-page.ts';
import type { Auth } from './auth.ts';
import type { MetricsParts } from './metrics.ts';
import type { ListenerLimits } from './run-events.ts';
import type { Caller } from './scopes.ts';

/** The state of everything Rollcall leans on. `error` is a sentence for people and never holds a secret. */
export interface HealthReport {
  /** `down`: the database cannot be used, so nothing can. `degraded`: any other part fails. */
  readonly status: 'ok' | 'degraded' | 'down';
  readonly version: string;
  readonly parts: {
    readonly database: { readonly ok: boolean; readonly version?: string; readonly error?: string };
    readonly bucket: {
      readonly ok: boolean;
      readonly endpoint?: string;
      readonly bucket?: string;
      /** What the bucket does not honour and what that means for a sync, a sentence each. */
      readonly lacks: readonly string[];
      readonly error?: string;
    };
    readonly roots: readonly {
      readonly library: string;
      readonly root: string;
      readonly ok: boolean;
      readonly error?: string;
    }[];
    /** The libraries that ask for two-way syncs: `ok` is false when they have been failing for ten intervals. */
    readonly twoWay: readonly {
      readonly library: string;
      readonly ok: boolean;
      /** RFC 3339; null: there was none yet. */
      readonly lastGoodAt: string | null;
      readonly error?: string;
    }[];
    /**
     * Of every library when a sync or reconciliation of all of it last ended well, and how many seconds ago: what that
     * means is for those to judge who know how often it should. Null: not known, which the first seconds may be.
     */
    readonly libraries:
      | readonly {
          readonly library: string;
          /** RFC 3339; null: none has yet. */
          readonly lastGoodAt: string | null;
          readonly ageSeconds: number | null;
        }[]
      | null;
    /** Null: this server has none. `ok` is false when it does not answer, or has jobs that were given up. */
    readonly queue: {
      readonly ok: boolean;
      readonly queues: readonly QueueDepth[];
      readonly error?: string;
    } | null;
  };
}

export interface HttpParts {
  readonly service: SyncService;
  /** Null: nobody works one, and every run is carried out by the request that asks for it. */
  readonly queue: RunQueue | null;
  readonly libraries: LibraryStore;
  readonly browser: CatalogBrowser;
  readonly archive: Pick<ArchiveStore, 'list'>;
  readonly plans: Pick<PlanStore, 'find' | 'steps'>;
  readonly openBucket: OpenBucket;
  /** Asks every part; one that does not answer before `signal` aborts is reported as failed, not thrown. */
  readonly health: (signal: AbortSignal) => Promise<HealthReport>;
  readonly metrics: Omit<MetricsParts, 'queue' | 'version'>;
  /** What disk and bucket hold of a photo now. */
  readonly lookAt: (photo: PhotoView, signal: AbortSignal) => Promise<PhotoSides>;
  /** What the schedule is going to do. */
  readonly schedule: {
    /** RFC 3339; null: no reconciliation is on it. */
    nextReconcileAt(): string | null;
    /** From the end of a two-way sync to the next one; 0: there are none. */
    readonly twoWaySeconds: number;
  };
  /** The same, both sides looked at and none of it thrown. */
  readonly tryLibrary: (library: NewLibrary, signal: AbortSignal) => Promise<LibraryTrial>;
  /** Throws GUARD_ROOT_* or BUCKET_* when the library's root or bucket cannot be used. */
  readonly checkLibrary: (library: NewLibrary, signal: AbortSignal) => Promise<void>;
  /** No token at all: only loopback is served, and to no other origin (DESIGN 12). */
  readonly auth: Auth;
  /** Bucket and prefix of a new library that names none. */
  readonly defaults: { readonly bucket: string; readonly prefix: string };
  /** Of those who follow runs; left out: the usual ones (run-events.ts). */
  readonly listeners?: Partial<ListenerLimits>;
  /** Reads the admin page; null: it was not built. */
  readonly page: () => AdminPage | null;
  readonly log: Log;
  readonly version: string;
}

/** Can a library's root and bucket be used? */
export interface LibraryTrial {
  /** `bare`: there is nothing in it, as in a mount point whose disk is not there. */
  readonly root: SideTrial & { readonly bare?: boolean };
  readonly bucket: SideTrial;
}

export type SideTrial = { readonly ok: true } | { readonly ok: false; readonly code: string; readonly message: string };

/** What a request carries through the middleware. */
export interface HttpEnv {
  Bindings: {
    /** Aborts as soon as the server is closing: what only listens is to go. */
    closing?: AbortSignal;
    /** Aborts when the server is closing and running work must end (listen.ts). */
    stopping?: AbortSignal;
    /** Ends the connection of this request at once, whatever is under way on it. */
    hangUp?: () => void;
    /** Told of work that goes on after its request was answered: closing waits for it as for a request. */
    goesOn?: (work: Promise<void>) => void;
  };
  Variables: {
    requestId: string;
    /** Whose token it carries, where tokens are wanted. */
    caller?: Caller;
    /** Where the answer, a page, shows pictures from. */
    imageSources?: readonly string[];
  };
}
