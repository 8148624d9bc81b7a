/** How far a run is in each album that it has anything to do in. */
import type { Action } from './actions.ts';
import type { ActionRecord } from './catalog-port.ts';
import type { AlbumProgress } from './service.ts';

/** The history is told of so many, every second. */
const TOLD = 60;

interface Count {
  readonly album: string;
  done: number;
  total: number;
  failed: number;
}

export class AlbumMeter {
  readonly #counts = new Map<string, Count>();

  constructor(actions: readonly Action[]) {
    for (const { path } of actions) this.#countOf(path).total += 1;
  }

  done(path: string): void {
    const count = this.#countOf(path);
    count.done = Math.min(count.total, count.done + 1);
  }

  ended({ path, outcome }: Pick<ActionRecord, 'path' | 'outcome'>): void {
    if (outcome === 'failed') this.#countOf(path).failed += 1;
  }

  /** Is there more than one to tell of? */
  get several(): boolean {
    return this.#counts.size > 1;
  }

  /** Those that are begun, then those that failed, then those that wait, then the rest; as they were planned among each other. */
  told(): readonly AlbumProgress[] {
    return [...this.#counts.values()]
      .sort((a, b) => rank(a) - rank(b))
      .slice(0, TOLD)
      .map(({ album, done, total, failed }) => ({ album, actions: { done, total }, failed }));
  }

  #countOf(path: string): Count {
    const end = path.lastIndexOf('/');
    const album = end === -1 ? '.' : path.slice(0, end);
    const known = this.#counts.get(album);
    if (known !== undefined) return known;
    const count = { album, done: 0, total: 0, failed: 0 };
    this.#counts.set(album, count);
    return count;
  }
}

function rank({ done, total, failed }: Count): number {
  if (done > 0 && done < total) return 0;
  if (failed > 0) return 1;
  return done === 0 ? 2 : 3;
}
