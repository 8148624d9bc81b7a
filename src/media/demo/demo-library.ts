/** The demo library: what PHOTOS_ROOT holds on a machine with no photos of its own (DESIGN 14). */
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { RollcallError } from '../../errors.ts';
import { PICTURES } from './albums.ts';
import { writeOtherFiles } from './studio.ts';

const MOST_WORKERS = 4;

// From a checkout Node runs the sources, from a build their JavaScript.
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './studio-worker.ts' : './studio-worker.js', import.meta.url);

/**
 * Fills a folder that is missing or empty with demo albums and answers how many pictures it drew; 0 for a folder that
 * holds anything at all, which is never touched. All or nothing: they are drawn beside it and moved into place as one,
 * and what a crash left behind is removed by the next call. GUARD_ROOT_UNREADABLE if the folder can't be made. `pictures`:
 * only so many of them; all if left out. `demo`: the folder holds the demo library, made now or before, not somebody's own
 * photos.
 */
export async function ensureDemoLibrary(
  root: string,
  signal: AbortSignal,
  pictures = PICTURES.length,
): Promise<{ made: number; demo: boolean }> {
  signal.throwIfAborted();
  try {
    if (!(await isFree(root))) return { made: 0, demo: await isDemo(root) };
    const parent = dirname(root);
    await mkdir(parent, { recursive: true });
    await removeLeftovers(root);
    const making = join(parent, `${makingPrefix(root)}${process.pid}`);
    try {
      await mkdir(making);
      await writeOtherFiles(making);
      await drawAll(making, pictures, signal);
      const made = (await moveIntoPlace(making, root)) ? pictures : 0;
      return { made, demo: made > 0 || (await isDemo(root)) };
    } finally {
      await rm(making, { recursive: true, force: true });
    }
  } catch (thrown) {
    if (signal.aborted) throw signal.reason;
    if (codeOf(thrown) === null) throw thrown;
    const message = `cannot make the demo library in ${root} (${codeOf(thrown)}): set PHOTOS_ROOT to your own photos`;
    throw new RollcallError('GUARD_ROOT_UNREADABLE', message, { cause: thrown });
  }
}

/** Is there no folder, or an empty one that can be replaced? A mount point can't: it stays as it is. */
async function isFree(root: string): Promise<boolean> {
  try {
    if ((await readdir(root)).length > 0) return false;
    return (await stat(root)).dev === (await stat(dirname(root))).dev;
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return true;
    if (codeOf(thrown) === 'ENOTDIR') return false;
    throw thrown;
  }
}

/** Are any of its pictures there, under their own names? Some may have been removed, and others added. */
async function isDemo(root: string): Promise<boolean> {
  for (const { album, picture } of PICTURES) {
    const found = await stat(join(root, album.path, `${picture.name}.jpg`)).catch(() => null);
    if (found?.isFile()) return true;
  }
  return false;
}

function makingPrefix(root: string): string {
  return `.${basename(root)}.making-`;
}

/** Removes what processes left that are gone; the last part of the name is the id of the process. */
async function removeLeftovers(root: string): Promise<void> {
  const prefix = makingPrefix(root);
  for (const name of await readdir(dirname(root))) {
    const pid = Number(name.slice(prefix.length));
    if (!name.startsWith(prefix) || !Number.isSafeInteger(pid) || pid <= 0) continue;
    if (pid === process.pid || !isAlive(pid)) await rm(join(dirname(root), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return codeOf(thrown) !== 'ESRCH';
  }
}

/** False if another process was faster: rename replaces no folder that holds something. */
async function moveIntoPlace(making: string, root: string): Promise<boolean> {
  try {
    await rename(making, root);
    return true;
  } catch (thrown) {
    if (['ENOTEMPTY', 'EEXIST'].includes(codeOf(thrown) ?? '')) return false;
    throw thrown;
  }
}

/** Draws the pictures, as many at a time as there are processors. */
async function drawAll(folder: string, pictures: number, signal: AbortSignal): Promise<void> {
  const indexes = Array(pictures).keys();
  const count = Math.min(MOST_WORKERS, availableParallelism());
  const workers = Array.from({ length: count }, () => new Worker(WORKER, { workerData: { folder }, execArgv: [] }));
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    await Promise.race([Promise.all(workers.map((worker) => drawNext(worker, indexes))), aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** Has a worker draw one picture after the other until none is left. */
function drawNext(worker: Worker, indexes: Iterator<number>): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const next = () => {
    const { value, done } = indexes.next();
    if (done === true) resolve();
    else worker.postMessage(value);
  };
  worker.on('message', next);
  worker.on('error', reject);
  worker.on('exit', (code) => reject(new Error(`a worker that draws the demo library ended with code ${code}`)));
  next();
  return promise;
}

function codeOf(thrown: unknown): string | null {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null;
  return typeof code === 'string' && !(thrown instanceof RollcallError) ? code : null;
}
