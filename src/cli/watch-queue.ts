/** What a watching sync has to do next: changes first, a full pass now and then, files that were not ready again. */

/** One run: the files directly in an album, or the whole library. */
export interface WatchTask {
  readonly library: string;
  readonly album: string | null;
}

/** A photo renamed from one album to another is seen as such only by a run that sees both. */
const MOST_ALBUM_RUNS = 1;

export class WatchQueue {
  /** Albums that changed since they were last taken, by library; null: any of them may have. */
  readonly #changed = new Map<string, Set<string> | null>();
  #postponed: (WatchTask & { readonly dueMs: number })[] = [];
  #fullPassDueMs: number;
  #onWork: () => void = () => {};

  constructor(firstPassDueMs: number) {
    this.#fullPassDueMs = firstPassDueMs;
  }

  /** Files of these albums came, went or changed; null: perhaps in any. */
  changed(library: string, albums: ReadonlySet<string> | null): void {
    const before = this.#changed.get(library);
    this.#changed.set(library, before === null || albums === null ? null : new Set([...(before ?? []), ...albums]));
    this.#onWork();
  }

  /** Has this done, or done again, from then on. */
  postpone({ library, album }: WatchTask, dueMs: number): void {
    const other = this.#postponed.filter((task) => task.library !== library || task.album !== album);
    this.#postponed = [...other, { library, album, dueMs }];
  }

  /** A full pass has ended; the next one is due then. */
  passDueAt(ms: number): void {
    this.#fullPassDueMs = ms;
  }

  /**
   * What is to be done now: a full pass, or single runs (none: nothing is due). What is taken is not given out again:
   * a change that comes while it is worked on is a new one. A full pass takes everything with it.
   */
  take(nowMs: number): 'full pass' | readonly WatchTask[] {
    if (nowMs >= this.#fullPassDueMs) {
      this.#changed.clear();
      this.#postponed = [];
      return 'full pass';
    }
    for (const { library, album } of this.#postponed.filter(({ dueMs }) => nowMs >= dueMs)) {
      this.changed(library, album === null ? null : new Set([album]));
    }
    this.#postponed = this.#postponed.filter(({ dueMs }) => nowMs < dueMs);
    const tasks = [...this.#changed].flatMap(([library, albums]) => tasksOf(library, albums));
    this.#changed.clear();
    return tasks;
  }

  /** Resolves when there may be something to take, or when the signal aborts. */
  async ready(nowMs: number, signal: AbortSignal): Promise<void> {
    if (this.#changed.size > 0 || signal.aborted) return;
    const dueMs = Math.min(this.#fullPassDueMs, ...this.#postponed.map((task) => task.dueMs));
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.max(0, dueMs - nowMs));
    this.#onWork = resolve;
    const onAbort = () => resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    await promise;
    signal.removeEventListener('abort', onAbort);
    clearTimeout(timer);
    this.#onWork = () => {};
  }
}

function tasksOf(library: string, albums: ReadonlySet<string> | null): readonly WatchTask[] {
  if (albums === null || albums.size > MOST_ALBUM_RUNS) return [{ library, album: null }];
  return [...albums].sort().map((album) => ({ library, album }));
}
