/** The disk's inventory: a worker thread walks, the main thread hands on what it finds. */
import { RollcallError } from '../errors.ts';
import type { Inventory, Problem } from '../sync/ports.ts';
import type { LocalFile } from '../sync/types.ts';
import { compileExcludes } from './excludes.ts';
import type { VerifiedRoot } from './root.ts';
import { Vouching } from './vouching.ts';
import type { WalkBatch, WalkJob } from './walk-messages.ts';
import type { Walker, Walkers } from './walkers.ts';

/** Enough that a message costs little beside its files, little enough that a handful of them is nothing. */
const BATCH_SIZE = 2_000;
const BATCHES_AHEAD = 3;

export interface WalkRequest {
  readonly prefix: string;
  /** NFC; null: the whole library. */
  readonly album: string | null;
  readonly excludes: readonly string[];
  readonly walkers: Walkers;
  /** Called when the iteration begins; GUARD_* if there is no root to walk. */
  verifyRoot(signal: AbortSignal): Promise<VerifiedRoot>;
  /** Called with the promise of the end of each walk's use of its thread. */
  onWorkerEnd?(ended: Promise<unknown>): void;
  /** Entries in a batch; 2,000 if left out. */
  readonly batchSize?: number;
}

/**
 * All files in scope, in the byte order of their keys. Memory is bounded by the largest single folder and a few
 * batches. Throws GUARD_* if there is no root at the start; a root that is lost on the way is a hiding problem.
 */
export function walkInventory(request: WalkRequest, signal: AbortSignal): Inventory<LocalFile> {
  const vouching = new Vouching(request.prefix, request.album, compileExcludes(request.excludes));
  const problems: Problem[] = [];

  async function* batches(): AsyncGenerator<readonly LocalFile[]> {
    signal.throwIfAborted();
    const root = await request.verifyRoot(signal);
    const thread = new WalkThread(request.walkers.take(), jobOf(request, root), signal);
    try {
      for (let last = false; !last; ) {
        const batch = await thread.next();
        last = batch.last;
        for (const { problem, blind } of batch.found) {
          problems.push(problem);
          vouching.doubt(blind);
        }
        const files = filesOf(batch, request.prefix);
        const final = files.at(-1);
        if (final === undefined) continue;
        vouching.pass(final.key);
        yield files;
      }
      vouching.end();
    } finally {
      const ended = thread.stop();
      request.onWorkerEnd?.(ended);
      // A thread that hangs in a system call of a dead share ends when the share answers; nobody waits for that.
      if (!signal.aborted) await ended;
    }
  }

  return { batches: batches(), problems: () => problems, vouchesFor: (key) => vouching.vouchesFor(key) };
}

function jobOf({ prefix, album, excludes, batchSize }: WalkRequest, root: VerifiedRoot): WalkJob {
  return {
    root,
    prefix,
    album,
    excludes,
    batchSize: batchSize ?? BATCH_SIZE,
    ahead: BATCHES_AHEAD,
    taken: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
  };
}

function filesOf(batch: WalkBatch, prefix: string): LocalFile[] {
  const { paths, normal, sizes, mtimes, devices, inodes, births, links } = batch;
  const twins = new Map(batch.twins);
  return paths.map((path, i) => {
    const others = twins.get(i);
    const birthNs = births[i] ?? 0n;
    const names = links[i] ?? 1;
    const file = {
      key: prefix + (normal?.[i] ?? path),
      path,
      size: sizes[i] ?? 0,
      mtimeNs: mtimes[i] ?? 0n,
      device: devices[i] ?? 0n,
      inode: inodes[i] ?? 0n,
      birthNs,
    };
    // Nearly all files have a birth and one name: a copy of each would show among hundred thousands.
    if (birthNs !== 0n && names <= 1 && others === undefined) return file;
    const { birthNs: _none, ...rest } = file;
    return { ...(birthNs === 0n ? rest : file), ...(names > 1 && { links: names }), ...(others && { twins: others }) };
  });
}

/** A running worker and the batches it has sent. */
class WalkThread {
  readonly #walker: Walker;
  readonly #taken: Int32Array;
  readonly #signal: AbortSignal;
  readonly #waiting: WalkBatch[] = [];
  readonly #onAbort = () => this.#fail(this.#signal.reason);
  #failure: { readonly reason: unknown } | null = null;
  #finished = false;
  #wake: () => void = () => {};

  constructor(walker: Walker, job: WalkJob, signal: AbortSignal) {
    this.#taken = new Int32Array(job.taken);
    this.#signal = signal;
    this.#walker = walker;
    const take = (batch: WalkBatch) => {
      this.#waiting.push(batch);
      this.#wake();
    };
    walker.walk(job, take, (why, cause) => this.#fail(broken(why, cause)));
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
  }

  /** The next batch; throws when the walk was aborted, or broke. */
  async next(): Promise<WalkBatch> {
    while (true) {
      if (this.#signal.aborted) throw this.#signal.reason;
      const batch = this.#waiting.shift();
      if (batch !== undefined) {
        Atomics.add(this.#taken, 0, 1);
        Atomics.notify(this.#taken, 0);
        this.#finished = batch.last;
        return batch;
      }
      if (this.#failure !== null) throw this.#failure.reason;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** A thread that is in the middle of a walk is of no more use. */
  stop(): Promise<unknown> {
    this.#signal.removeEventListener('abort', this.#onAbort);
    return this.#finished && this.#failure === null ? this.#walker.release() : this.#walker.terminate();
  }

  #fail(reason: unknown): void {
    this.#failure ??= { reason };
    this.#wake();
  }
}

function broken(why: string, cause?: unknown): RollcallError {
  return new RollcallError('INTERNAL', `the walk's worker thread failed: ${why}`, { cause });
}
