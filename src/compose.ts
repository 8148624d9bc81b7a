/** The only place where parts meet: a Config becomes running parts and one close(). */
import type { Config } from './config.ts';
import type { HttpParts } from './http/parts.ts';
import type { CatalogBrowser, LibraryStore } from './sync/browse.ts';
import type { Log } from './sync/ports.ts';
import type { SyncService } from './sync/service.ts';
import type { Library } from './sync/types.ts';

/** What a command asks of the composition. */
export interface Needs {
  /** Make the default library's folder and fill it with demo pictures if PHOTOS_ROOT is not set (serve). */
  readonly demo: boolean;
  /** A folder and a target from the command line, instead of the configured library. */
  readonly target?: { readonly folder: string; readonly bucket: string | null; readonly prefix: string | null };
}

/** Running parts. */
export interface Rollcall {
  readonly service: SyncService;
  readonly libraries: LibraryStore;
  readonly browser: CatalogBrowser;
  /** The library of `target`, or the default one; made in the catalog if it was not there. */
  readonly library: Library;
  readonly http: HttpParts;
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

/** Brings the parts up, in order; on failure or abort everything begun is closed again. */
export async function compose(config: Config, needs: Needs, log: Log, signal: AbortSignal): Promise<Rollcall> {
  throw new Error(`not composed yet: ${[config, needs, log, signal].length}`);
}
