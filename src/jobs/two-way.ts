/** The schedule of two-way syncs: one cycle after another over the libraries that ask for them (DESIGN 6). */
import { setTimeout as pause } from 'node:timers/promises';
import { asRollcallError } from '../errors.ts';
import type { LibraryStore } from '../sync/browse.ts';
import type { Log } from '../sync/ports.ts';
import type { SyncService } from '../sync/service.ts';
import type { Library, Report } from '../sync/types.ts';

export interface TwoWayParts {
  readonly service: Pick<SyncService, 'sync'>;
  readonly libraries: Pick<LibraryStore, 'list'>;
  /** From the end of a cycle to the beginning of the next; 0: no cycle at all. */
  readonly intervalSeconds: number;
  readonly log: Log;
  /** Resolves after so many milliseconds, or as soon as the signal aborts. For tests; left out: the clock. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Turns that another sync takes from a library in a row, after which somebody should know. */
const TURNS_MISSED = 10;

/** What is remembered of a library from one cycle to the next: only what keeps its log lines few. */
interface Memory {
  told: string;
  missed: number;
}

/**
 * Syncs both ways every library whose `sync` is `both`, at once and then again and again, never two cycles at a time.
 * Whatever fails is logged and the next cycle runs: each starts from what disk, catalog and bucket hold then, so
 * there is no state in which it could lock itself out. Resolves when `signal` has aborted and what was in flight is
 * finished, within the time that the engine allows itself for that; never rejects.
 */
export async function startTwoWay(parts: TwoWayParts, signal: AbortSignal): Promise<void> {
  const { intervalSeconds, sleep = sleepUntilAborted } = parts;
  if (intervalSeconds === 0) return;
  const memories = new Map<string, Memory>();
  while (!signal.aborted) {
    await cycle(parts, memories, signal);
    if (!signal.aborted) await sleep(intervalSeconds * 1_000, signal);
  }
}

async function cycle(parts: TwoWayParts, memories: Map<string, Memory>, signal: AbortSignal): Promise<void> {
  let libraries: readonly Library[];
  try {
    libraries = await askingForBoth(parts.libraries);
  } catch (thrown) {
    const { code, message } = asRollcallError(thrown);
    parts.log.error({ code }, `Two-way sync: the libraries could not be read: ${message}`);
    return;
  }
  for (const library of libraries) {
    if (signal.aborted) return;
    const memory = memories.get(library.id) ?? { told: '', missed: 0 };
    memories.set(library.id, memory);
    await syncOne(parts, library, memory, signal);
  }
}

async function askingForBoth(store: TwoWayParts['libraries']): Promise<readonly Library[]> {
  const libraries: Library[] = [];
  let cursor: string | null = null;
  do {
    const page = await store.list({ limit: 1_000, ...(cursor !== null && { cursor }) });
    libraries.push(...page.items.filter(({ sync }) => sync === 'both'));
    cursor = page.nextCursor;
  } while (cursor !== null);
  return libraries;
}

async function syncOne(parts: TwoWayParts, library: Library, memory: Memory, signal: AbortSignal): Promise<void> {
  const { log } = parts;
  const fields = { library: library.name };
  try {
    const report = await parts.service.sync({ library: library.id, direction: 'both' }, {}, signal);
    memory.missed = 0;
    tell(log, library, report, memory);
  } catch (thrown) {
    const error = asRollcallError(thrown);
    if (error.code === 'CANCELLED' && signal.aborted) return;
    if (error.code === 'SYNC_IN_PROGRESS') {
      memory.missed += 1;
      log.debug(fields, `Two-way sync of ${library.name}: another sync is at work on it; next time`);
      if (memory.missed % TURNS_MISSED !== 0) return;
      const times = `for the ${memory.missed}th time in a row`;
      log.warn(fields, `Two-way sync of ${library.name} found another sync at work ${times}: ${error.message}`);
      return;
    }
    memory.missed = 0;
    log.error({ ...fields, code: error.code }, `Two-way sync of ${library.name} failed: ${error.message}`);
  }
}

/**
 * What the engine does not log itself: the report's warnings and what could not be read. Said once, and again when
 * it has changed: what is the same every minute would bury all else.
 */
function tell(log: Log, library: Library, report: Report, memory: Memory): void {
  if (report.error?.code === 'CANCELLED') return;
  const [first] = report.failures;
  const failed = first && `${report.actions.failed} failed, the first is ${first.path}: ${first.message}`;
  const lines = [...report.warnings, ...(failed === undefined ? [] : [failed])];
  const told = lines.join('\n');
  if (told === memory.told) return;
  memory.told = told;
  const fields = { library: library.name, run: report.runId };
  for (const line of lines) log.warn(fields, `Two-way sync of ${library.name}: ${line}`);
}

async function sleepUntilAborted(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal }).catch(() => undefined);
}
