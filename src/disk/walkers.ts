/** Threads that walk trees. Starting one takes longer than walking a small album, so they are kept for the next walk. */
import { Worker } from 'node:worker_threads';
import type { WalkBatch, WalkJob } from './walk-messages.ts';

// From a checkout Node runs the sources, from a build their JavaScript.
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './walk-worker.ts' : './walk-worker.js', import.meta.url);

/** A thread at one walk's disposal. */
export interface Walker {
  walk(job: WalkJob, onBatch: (batch: WalkBatch) => void, onFailure: (why: string, cause?: unknown) => void): void;
  /** The walk came to its end, all of it was taken: the thread is free for another. */
  release(): Promise<unknown>;
  /** Ends the thread; resolves when it is gone. */
  terminate(): Promise<unknown>;
}

export interface Walkers {
  take(): Walker;
  /** Ends the threads that wait; those at work end with their walks. */
  close(): Promise<void>;
}

/** So many wait for work at a time, and so long. */
const IDLE_THREADS = 2;
const IDLE_MS = 10_000;

interface Idle {
  readonly worker: Worker;
  readonly timer: NodeJS.Timeout;
}

/** No thread is started before the first walk; those that wait keep no process alive. */
export function openWalkers(): Walkers {
  const idle: Idle[] = [];
  let closed = false;
  const retire = (worker: Worker): Promise<unknown> => {
    stopListening(worker);
    // A thread that dies while it waits is nobody's trouble.
    worker.on('error', () => {});
    if (closed || idle.length >= IDLE_THREADS) return worker.terminate();
    worker.unref();
    const forget = () => {
      const at = idle.findIndex((one) => one.worker === worker);
      if (at >= 0) clearTimeout(idle.splice(at, 1)[0]?.timer);
    };
    const timer = setTimeout(() => {
      forget();
      void worker.terminate();
    }, IDLE_MS).unref();
    worker.once('exit', forget);
    idle.push({ worker, timer });
    return Promise.resolve();
  };
  return {
    take: () => walker(reused(idle) ?? startThread(), retire),
    close: async () => {
      closed = true;
      await Promise.all(
        idle.splice(0).map(({ worker, timer }) => {
          clearTimeout(timer);
          return worker.terminate();
        }),
      );
    },
  };
}

/** Threads that end with their walk. */
export const SINGLE_USE: Walkers = {
  take: () => walker(startThread(), (worker) => worker.terminate()),
  close: async () => {},
};

function reused(idle: Idle[]): Worker | null {
  const found = idle.pop();
  if (found === undefined) return null;
  clearTimeout(found.timer);
  stopListening(found.worker);
  found.worker.ref();
  return found.worker;
}

/** Node has listeners of its own on a worker, for other events: those must stay. */
function stopListening(worker: Worker): void {
  for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
}

function startThread(): Worker {
  // The parent's execArgv may be a test runner's or a loader's.
  return new Worker(WORKER, { execArgv: [], name: 'rollcall-walk' });
}

function walker(worker: Worker, retire: (worker: Worker) => Promise<unknown>): Walker {
  return {
    walk(job, onBatch, onFailure) {
      worker.on('message', onBatch);
      worker.on('error', (cause) => onFailure(String(cause), cause));
      worker.on('exit', (code) => onFailure(`it ended with exit code ${code}`));
      worker.postMessage(job);
    },
    release: () => retire(worker),
    terminate: () => worker.terminate(),
  };
}
