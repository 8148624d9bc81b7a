/** What a command line asks for, as plain data: made by program.ts, carried out by run.ts. */
import type { Scope } from '../http/scopes.ts';
import type { RestoreRequest } from '../sync/bucket-port.ts';
import type { Compare, Direction, Moves, OrphanPolicy, Overwrite } from '../sync/types.ts';

/** Options of every command. */
export interface GlobalOptions {
  /** Standard output is JSON lines. */
  readonly json: boolean;
  /** Log lines from LOG_LEVEL on appear on standard error, not only warnings. */
  readonly verbose: boolean;
}

/** What `sync`, `moves` and `status` were given, as it was typed. */
export interface SyncArguments {
  readonly folder?: string;
  readonly target?: string;
  readonly library?: string;
  readonly album?: string;
  readonly direction?: Direction;
  readonly compare?: Compare;
  readonly overwrite?: Overwrite;
  readonly orphans?: OrphanPolicy;
  readonly moves?: Moves;
  readonly delete: boolean;
  readonly maxDelete?: string;
  readonly dryRun: boolean;
  readonly planOut?: string;
  /** Stay and sync again when files change. */
  readonly watch: boolean;
  /** Print every pending change instead of the first of each kind. */
  readonly all: boolean;
}

/** What `batch` was given: policies for all targets. */
export interface BatchArguments
  extends Pick<
    SyncArguments,
    'direction' | 'compare' | 'overwrite' | 'orphans' | 'moves' | 'delete' | 'maxDelete' | 'dryRun' | 'all'
  > {
  /** The config file; left out: `~/.rollcall.conf`. */
  readonly config?: string;
}

/** Where `restore` and `restore-status` look. */
export type PlaceArguments = Pick<SyncArguments, 'folder' | 'target' | 'library'>;

export interface RestoreArguments extends PlaceArguments, RestoreRequest {}

export interface VerifyArguments extends PlaceArguments, Pick<SyncArguments, 'album'> {
  /** Percent; left out: everything. */
  readonly sample?: number;
}

export interface MediaArguments extends PlaceArguments, Pick<SyncArguments, 'album'> {
  /** Every photo again, not only what is missing. */
  readonly all: boolean;
}

export interface TokenArguments {
  readonly scope: Scope;
  readonly name: string;
  /** As it was typed; left out: until its line is taken away. */
  readonly expires?: string;
  /** Write its line into API_TOKENS_FILE. */
  readonly add: boolean;
}

/** The commands that are a request to the engine's sync. */
export type SyncCommand = 'sync' | 'moves' | 'status';

export type Invocation =
  | { readonly command: 'serve'; readonly options: GlobalOptions }
  | { readonly command: 'worker'; readonly options: GlobalOptions; readonly concurrency: number }
  | { readonly command: SyncCommand; readonly options: GlobalOptions; readonly arguments: SyncArguments }
  | { readonly command: 'apply'; readonly options: GlobalOptions; readonly planFile: string }
  | { readonly command: 'batch'; readonly options: GlobalOptions; readonly arguments: BatchArguments }
  | { readonly command: 'init'; readonly options: GlobalOptions; readonly file?: string }
  | { readonly command: 'token'; readonly options: GlobalOptions; readonly arguments: TokenArguments }
  | { readonly command: 'verify'; readonly options: GlobalOptions; readonly arguments: VerifyArguments }
  | { readonly command: 'media'; readonly options: GlobalOptions; readonly arguments: MediaArguments }
  | { readonly command: 'restore'; readonly options: GlobalOptions; readonly arguments: RestoreArguments }
  | { readonly command: 'restore-status'; readonly options: GlobalOptions; readonly arguments: PlaceArguments };

/** Nothing to run: help, the version or a usage error. */
export interface Answer {
  readonly command: null;
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}
