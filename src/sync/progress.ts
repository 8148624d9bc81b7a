/** Turns what a run has done into progress, at most every 100 ms. */

import type { Action } from './actions.ts';
import type { Clock } from './ports.ts';
import type { Progress } from './service.ts';

const MS_BETWEEN = 100;

export class ProgressMeter {
  readonly #listener: ((progress: Progress) => void) | undefined;
  readonly #now: Clock;
  #state: Progress;
  #toldMs = Number.NEGATIVE_INFINITY;

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

  scanned(keys: number, lastPath: string): void {
    this.#tell({ scanned: keys, lastPath });
  }

  /** The plan is known: its actions and the bytes it may have to send. */
  working(actions: readonly Action[]): void {
    const bytes = actions.reduce(
      (sum, action) => (action.kind === 'upload' || action.kind === 'reupload' ? sum + action.local.size : sum),
      0,
    );
    const totals = { actions: { done: 0, total: actions.length }, bytes: { done: 0, total: bytes } };
    this.#tell({ phase: 'working', lastPath: null, ...totals }, true);
  }

  done(done: { readonly actions: number; readonly bytes: number; readonly path: string | null }): void {
    this.#tell({
      actions: { ...this.#state.actions, done: done.actions },
      bytes: { ...this.#state.bytes, done: done.bytes },
      lastPath: done.path ?? this.#state.lastPath,
    });
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
