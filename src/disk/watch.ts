/** Tells which albums changed on disk. */
import type { Log } from '../sync/ports.ts';
import { abortable } from './abortable.ts';
import { compileExcludes, type Excludes } from './excludes.ts';
import { errnoOf, explain, isAbsence } from './facts.ts';
import { Gathering } from './watch-gathering.ts';
import { WatchTree } from './watch-tree.ts';

export interface WatchOptions {
  /** Patterns in gitignore syntax; temporary names are left out besides. */
  readonly excludes: readonly string[];
  /** How long the library must be quiet before changes are told (milliseconds); told after ten times that anyway. */
  readonly debounceMs: number;
  /**
   * Told the albums (NFC, `.` is the root) in which files came, went or changed, or null when it may have been in
   * any: too many, events that may have been lost, a root that went or came back.
   */
  readonly onChange: (albums: ReadonlySet<string> | null) => void;
  readonly log: Log;
  /** How often to look whether the root is still there (milliseconds), 5,000 if left out. */
  readonly rootCheckMs?: number;
}

const ROOT_CHECK_MS = 5_000;

/**
 * Linux drops events without a word to Node when 16,384 of them wait. So many at once were a queue that may have been
 * full.
 */
const SUSPICIOUS_BURST = 8_192;

const OUT_OF_WATCHES = new Set(['ENOSPC', 'EMFILE']);

/**
 * Watches a library until `close` or the abort; resolves when all its folders are watched. A root that is missing,
 * now or later, is a warning: watching begins when it comes (back). Watching misses what happens on other machines
 * of a network share, behind links, in a disk that is mounted into the library, and what the system drops; whoever
 * relies on it needs a full pass from time to time. BAD_INPUT for an exclude that can match nothing.
 */
export async function watchLibrary(
  root: string,
  options: WatchOptions,
  signal: AbortSignal,
): Promise<{ close(): Promise<void> }> {
  signal.throwIfAborted();
  const watch = new LibraryWatch(root, options);
  const close = () => watch.close();
  signal.addEventListener('abort', close, { once: true });
  await abortable(signal, () => watch.start());
  return {
    async close() {
      signal.removeEventListener('abort', close);
      close();
    },
  };
}

class LibraryWatch {
  readonly #root: string;
  readonly #log: Log;
  readonly #excludes: Excludes;
  readonly #gathering: Gathering;
  readonly #timer: NodeJS.Timeout;
  /** Messages that need not be said again. */
  readonly #warned = new Set<string>();
  #tree: WatchTree | null = null;
  /** The root was told to be missing, and not yet to be back. */
  #missing = false;
  /** Why the root cannot be watched now. */
  #rootTrouble = '';
  #burst = 0;
  #asked = false;
  #checkAsked = false;
  #working = false;
  #closed = false;

  constructor(root: string, options: WatchOptions) {
    this.#root = root;
    this.#log = options.log;
    this.#excludes = compileExcludes(options.excludes);
    this.#gathering = new Gathering(options.debounceMs, options.onChange);
    this.#timer = setInterval(() => this.#ask(true), options.rootCheckMs ?? ROOT_CHECK_MS);
  }

  /** Resolves when the library is watched, or its root found missing. */
  async start(): Promise<void> {
    this.#working = true;
    await this.#checkRoot();
    await this.#work();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#gathering.close();
    this.#tree?.close();
  }

  /** Has what events named looked at, and the root if it should be: at once, or after the work in hand. */
  #ask(checkRoot: boolean): void {
    this.#asked = true;
    this.#checkAsked ||= checkRoot;
    if (!this.#working) void this.#work();
  }

  async #work(): Promise<void> {
    this.#working = true;
    while (this.#asked && !this.#closed) {
      const check = this.#checkAsked;
      this.#asked = false;
      this.#checkAsked = false;
      if (check) await this.#checkRoot();
      await this.#tree?.look();
    }
    this.#working = false;
  }

  async #checkRoot(): Promise<void> {
    if (this.#tree !== null) {
      if (await this.#tree.isIntact()) return;
      this.#lose(this.#tree, 'it was moved, removed or unmounted');
    }
    const tree = this.#newTree();
    this.#tree = tree;
    this.#rootTrouble = 'there is no such folder';
    const opened = await tree.open();
    if (this.#tree !== tree || this.#closed) {
      tree.close();
    } else if (!opened) {
      this.#lose(tree, this.#rootTrouble);
    } else if (this.#missing) {
      this.#missing = false;
      this.#log.info({ root: this.#root }, `Watching ${this.#root} again`);
      this.#gathering.addAll();
    }
  }

  #newTree(): WatchTree {
    const tree: WatchTree = new WatchTree({
      root: this.#root,
      excludes: this.#excludes,
      onChange: (album) => this.#gathering.add(album),
      onEvent: (inRoot) => {
        this.#countBurst();
        this.#ask(inRoot);
      },
      onUnwatchable: (folder, cause, cameNow) => {
        if (this.#closed || isAbsence(cause)) return;
        if (folder === this.#root) this.#rootTrouble = explain(cause);
        else this.#warnUnwatchable(folder, cause);
        if (cameNow) this.#gathering.addAll();
      },
      onBroken: (cause) => this.#lose(tree, explain(cause)),
    });
    return tree;
  }

  /** The next look at the root tries anew. */
  #lose(tree: WatchTree, why: string): void {
    tree.close();
    if (this.#tree !== tree || this.#closed) return;
    this.#tree = null;
    if (this.#missing) return;
    this.#missing = true;
    this.#log.warn({ root: this.#root }, `${this.#root} cannot be watched: ${why}; watching begins again when it can`);
    this.#gathering.addAll();
  }

  /** All events that wait come in one turn of the event loop. */
  #countBurst(): void {
    if (this.#burst === 0) setImmediate(() => this.#endBurst());
    this.#burst++;
    if (this.#burst === SUSPICIOUS_BURST) this.#gathering.addAll();
  }

  #endBurst(): void {
    this.#burst = 0;
  }

  #warnUnwatchable(folder: string, cause: unknown): void {
    const code = errnoOf(cause) ?? '';
    const message = OUT_OF_WATCHES.has(code)
      ? `Not all folders of ${this.#root} can be watched (${code}); a full pass finds what changes in the others. More can be with a higher fs.inotify.max_user_watches or max_user_instances (sysctl)`
      : `The folder ${folder} cannot be watched: ${explain(cause)}`;
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.#log.warn({ root: this.#root }, message);
  }
}
