/** Turns what a run has done into progress, at most every 100 ms. */
import type { Action } from './actions.ts';
import { AlbumMeter } from './album-meter.ts';
import type { ActionRecord } from './catalog-port.ts';
import type { Clock } from './ports.ts';
import type { Progress } from './service.ts';

const MS_BETWEEN = 100;

export class ProgressMeter {
  readonly #listener: ((progress: Progress) => void) | undefined;
  readonly #now: Clock;
  #state: Progress;
  #toldMs = Number.NEGATIVE_INFINITY;
  #albums: AlbumMeter | null = null;
  /** The state as it was told last, its albums with it. */
  #snapshot: { readonly of: Progress; readonly state: Progress } | null = null;

  constructor(runId: string, library: string, listener: ((progress: Progress) => void) | undefined, now: Clock) {
    this.#listener = listener;
    this.#now = now;
    this.#state = {
      runId,
      library,
      phase: 'scanning',
      scanned: 0,
      actions: { done: 0, total: null },
      bytes: { done: 0, total: null },
      lastPath: null,
    };
  }

  /** For the history; the same object until something moves. */
  get state(): Progress {
    if (!this.#albums?.several) return this.#state;
    if (this.#snapshot?.of !== this.#state) {
      this.#snapshot = { of: this.#state, state: { ...this.#state, albums: this.#albums.told() } };
    }
    return this.#snapshot.state;
  }

  scanned(keys: number, lastPath: string): void {
    this.#tell({ scanned: keys, lastPath });
  }

  /** The plan is known: its actions and the bytes it may have to send and to fetch; over a library, its albums too. */
  working(actions: readonly Action[], ofLibrary: boolean): void {
    if (ofLibrary) this.#albums = new AlbumMeter(actions);
    const bytes = actions.reduce((sum, action) => sum + bytesOf(action), 0);
    this.expecting(actions.length, bytes);
  }

  /** So many photos and bytes are to be worked on. */
  expecting(actions: number, bytes: number): void {
    const totals = { actions: { done: 0, total: actions }, bytes: { done: 0, total: bytes } };
    this.#tell({ phase: 'working', lastPath: null, ...totals }, true);
  }

  done(done: { readonly actions: number; readonly bytes: number; readonly path: string | null }): void {
    if (done.path !== null) this.#albums?.done(done.path);
    this.#tell({
      actions: { ...this.#state.actions, done: done.actions },
      bytes: { ...this.#state.bytes, done: done.bytes },
      lastPath: done.path ?? this.#state.lastPath,
    });
  }

  /** An action's outcome is known. */
  ended(record: Pick<ActionRecord, 'path' | 'outcome'>): void {
    this.#albums?.ended(record);
  }

  finish(): void {
    this.#tell({ phase: 'done' }, true);
  }

  #tell(change: Partial<Progress>, always = false): void {
    this.#state = { ...this.#state, ...change };
    if (this.#listener === undefined) return;
    const nowMs = this.#now();
    if (!always && nowMs - this.#toldMs < MS_BETWEEN) return;
    this.#toldMs = nowMs;
    this.#listener(this.#state);
  }
}

/** How far several runs are together, one after the other; what the later ones will take is not known. */
export class ProgressSum {
  readonly #listener: ((progress: Progress) => void) | undefined;
  /** Of the runs that have ended. */
  #before: Progress;
  /** Of the one that goes. */
  #part: Progress | null = null;
  #state: Progress;

  constructor(runId: string, listener: ((progress: Progress) => void) | undefined) {
    this.#listener = listener;
    const nothing = { done: 0, total: null };
    const counts = { scanned: 0, actions: nothing, bytes: nothing };
    this.#state = { runId, library: '', phase: 'working', ...counts, lastPath: null };
    this.#before = this.#state;
  }

  /** The same object until something moves. */
  get state(): Progress {
    return this.#state;
  }

  /** What a run tells its listener, which is told too. */
  add(part: Progress): void {
    if (part.runId !== this.#part?.runId) this.#before = this.#state;
    this.#part = part;
    const { scanned, actions, bytes } = this.#before;
    this.#state = {
      ...this.#state,
      library: part.library,
      scanned: scanned + part.scanned,
      actions: { done: actions.done + part.actions.done, total: null },
      bytes: { done: bytes.done + part.bytes.done, total: null },
      lastPath: part.lastPath,
    };
    this.#listener?.(part);
  }
}

function bytesOf(action: Action): number {
  switch (action.kind) {
    case 'upload':
    case 'reupload':
      return action.local.size;
    case 'download':
      return action.object.size;
    default:
      return 0;
  }
}
