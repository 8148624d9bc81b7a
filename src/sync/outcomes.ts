/** Where every action ends: counted, logged, and written to the catalog with what it changed. */
import type { RollcallError } from '../errors.ts';
import type { Action, MoveAction, WaitAction } from './actions.ts';
import type { ActionRecord, CatalogPort, RowChange } from './catalog-port.ts';
import type { Clock, Log } from './ports.ts';
import { Recorder } from './recorder.ts';
import type { Tally } from './tally.ts';
import type { Scope } from './types.ts';

/** How a file is named in log lines: by name within an album, by path within a library. */
export function loggedName(path: string, scope: Scope): string {
  return scope.album === null ? path : path.slice(path.lastIndexOf('/') + 1);
}

const VERBS: Partial<Record<Action['kind'], string>> = {
  update: 'Row corrected',
  mark: 'Marked',
  delete: 'Deleted from S3',
};

const NOTES = { LOST: 'Lost', TIDIED: 'Old object removed from S3' } as const;

/** Each method waits for room in the record and throws only when the catalog is out of reach. */
export class Outcomes {
  readonly tally: Tally;
  readonly log: Log;
  readonly scope: Scope;
  readonly #recorder: Recorder;
  readonly #onEnded: (record: ActionRecord) => void;

  constructor(options: {
    readonly tally: Tally;
    readonly log: Log;
    readonly scope: Scope;
    readonly catalog: CatalogPort;
    readonly runId: string;
    readonly now: Clock;
    readonly onEnded: (record: ActionRecord) => void;
  }) {
    this.tally = options.tally;
    this.log = options.log;
    this.scope = options.scope;
    this.#onEnded = options.onEnded;
    this.#recorder = new Recorder({
      catalog: options.catalog,
      library: options.scope.library,
      runId: options.runId,
      now: options.now,
      onRefused: ({ record }, error) => {
        this.tally.fail(record.path, error);
        this.#onEnded({ ...record, outcome: 'failed', code: error.code, message: error.message });
      },
    });
  }

  name(action: Action): string {
    return loggedName(action.path, this.scope);
  }

  /** An effect, verified. Transfers have log lines of their own; the rest is named here. */
  done(action: Action, change: RowChange, as: { readonly kind?: string; readonly bytes?: number } = {}): Promise<void> {
    const verb = VERBS[action.kind];
    if (verb !== undefined) this.log.info({ path: action.path }, `${verb}: ${action.path} (${action.reason})`);
    return this.#record(action, { kind: as.kind ?? action.kind, outcome: 'done', bytes: as.bytes ?? 0 }, change);
  }

  /** Noted in the history; the photo is what it was. */
  noted(action: Action, code: 'LOST' | 'TIDIED'): Promise<void> {
    this.log.info({ path: action.path, code }, `${NOTES[code]}: ${action.path} (${action.reason})`);
    return this.#record(action, { kind: action.kind, outcome: 'done', bytes: 0, code });
  }

  /** A rename, which the catalog knows of already. */
  renamed(action: MoveAction, bytes: number): Promise<void> {
    return this.#record(action, { kind: 'move', outcome: 'done', bytes, message: action.reason });
  }

  /** Waits for an archived object: a line each, but no warning each, which all runs until then would repeat. */
  waits(action: WaitAction): Promise<void> {
    this.log.info({ path: action.path, code: 'OBJECT_ARCHIVED' }, `Waiting: ${action.path}: ${action.reason}`);
    const state = { kind: 'state', state: 'archived', error: action.reason } as const;
    const change = action.row && action.row.state !== 'archived' ? { ...state, id: action.row.id } : null;
    const record = {
      kind: 'wait',
      outcome: 'done',
      bytes: 0,
      code: 'OBJECT_ARCHIVED',
      message: action.reason,
    } as const;
    return this.#record(action, record, change);
  }

  unstable(action: Action, message: string): Promise<void> {
    this.tally.actions.unstable += 1;
    this.log.info({ path: action.path, code: 'FILE_UNSTABLE' }, `Left for the next run: ${action.path}: ${message}`);
    return this.#record(action, { kind: action.kind, outcome: 'unstable', bytes: 0, code: 'FILE_UNSTABLE', message });
  }

  conflict(action: Action, code: string, message: string, change: RowChange | null): Promise<void> {
    this.tally.conflict(action.path, code, message);
    this.log.warn({ path: action.path, code }, `Left alone: ${action.path}: ${message}`);
    return this.#record(action, { kind: action.kind, outcome: 'conflict', bytes: 0, code, message }, change);
  }

  failed(action: Action, error: RollcallError, line: string, change: RowChange | null): Promise<void> {
    const { code, message } = error;
    this.tally.fail(action.path, error);
    this.log.error({ path: action.path, code }, line);
    return this.#record(action, { kind: action.kind, outcome: 'failed', bytes: 0, code, message }, change);
  }

  /** Resolves when all of the above is in the catalog. */
  flush(): Promise<void> {
    return this.#recorder.flush();
  }

  #record(action: Action, record: Omit<ActionRecord, 'path' | 'key'>, change: RowChange | null = null): Promise<void> {
    const ended = { ...record, path: action.path, key: action.key };
    this.#onEnded(ended);
    return this.#recorder.add({ record: ended, ...(change !== null && { change }) });
  }
}
