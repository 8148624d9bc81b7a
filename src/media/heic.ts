/** Decodes HEIC in worker threads: it takes seconds of pure computing, and what breaks there breaks nothing else. */
import { Worker } from 'node:worker_threads';
import { label } from './clean.ts';
import { ContentFault, mediaFailed, tooLong } from './faults.ts';
import type { HeicAnswer, HeicJob } from './heic-messages.ts';
import type { Pixels } from './render.ts';

// From a checkout Node runs the sources, from a build their JavaScript.
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './heic-worker.ts' : './heic-worker.js', import.meta.url);

/** The memory of WebAssembly never shrinks: a thread that has nothing to do goes, and gives it back. */
const IDLE_MS = 5_000;
/** A file that keeps the decoder busy for longer is made to. */
const LONGEST_MS = 300_000;

/** As many threads as decode at once; each for one picture at a time. */
export class HeicDecoder {
  readonly #idle = new Map<Worker, NodeJS.Timeout>();
  readonly #ending = new Set<Promise<unknown>>();

  /**
   * The pixels, upright. Throws a ContentFault for a file that can't be decoded, MEDIA_FAILED when the decoder died of
   * it, and the signal's reason.
   */
  async decode(job: HeicJob, signal: AbortSignal): Promise<Pixels> {
    signal.throwIfAborted();
    const worker = this.#take();
    try {
      const answer = await answerOf(worker, job, signal);
      if ('pixels' in answer || !answer.spent) this.#giveBack(worker);
      if ('pixels' in answer) {
        const { pixels, ...raw } = answer;
        return { data: Buffer.from(pixels.buffer), raw };
      }
      const said = label(answer.fault) ?? 'unknown error';
      if (answer.unsupported) throw new ContentFault('unsupported', `the decoder of HEIC does not know it (${said})`);
      throw new ContentFault('corrupt', `the picture is broken or cut off (${said})`);
    } catch (thrown) {
      if (!this.#idle.has(worker)) this.#end(worker);
      throw thrown;
    }
  }

  /** To be called when nothing is being decoded any more. */
  async close(): Promise<void> {
    for (const worker of [...this.#idle.keys()]) this.#end(worker);
    await Promise.all(this.#ending);
  }

  #take(): Worker {
    for (const [worker, timer] of this.#idle) {
      clearTimeout(timer);
      this.#idle.delete(worker);
      worker.ref();
      return worker;
    }
    // The parent's execArgv may be a test runner's or a loader's.
    const worker = new Worker(WORKER, { execArgv: [], name: 'rollcall-heic' });
    // An idle thread that dies is simply not there any more; who waits for one has listeners of its own.
    const forget = () => {
      clearTimeout(this.#idle.get(worker));
      this.#idle.delete(worker);
    };
    return worker.on('error', forget).on('exit', forget);
  }

  #giveBack(worker: Worker): void {
    worker.unref();
    this.#idle.set(worker, setTimeout(() => this.#end(worker), IDLE_MS).unref());
  }

  #end(worker: Worker): void {
    clearTimeout(this.#idle.get(worker));
    this.#idle.delete(worker);
    const ended = worker.terminate();
    this.#ending.add(ended);
    void ended.finally(() => this.#ending.delete(ended));
  }
}

/** Rejects when the thread dies, when it takes too long, and with the signal's reason. */
async function answerOf(worker: Worker, job: HeicJob, signal: AbortSignal): Promise<HeicAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HeicAnswer>();
  const died = (why: unknown) => reject(mediaFailed('the HEIC decoder died', why));
  const aborted = () => reject(signal.reason);
  const timer = setTimeout(() => reject(tooLong()), LONGEST_MS).unref();
  worker.on('message', resolve).on('error', died).on('exit', died);
  signal.addEventListener('abort', aborted, { once: true });
  try {
    worker.postMessage(job);
    return await promise;
  } finally {
    clearTimeout(timer);
    worker.off('message', resolve).off('error', died).off('exit', died);
    signal.removeEventListener('abort', aborted);
  }
}
