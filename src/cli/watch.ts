/** `rollcall sync --watch`: a full sync, then one whenever files change, and a full pass now and then behind it. */
import type { Rollcall } from '../compose.ts';
import { asRollcallError, ExitCode, RollcallError } from '../errors.ts';
import type { RunHooks, SyncRequest } from '../sync/service.ts';
import type { Library, Report } from '../sync/types.ts';
import { jsonLine } from './json-lines.ts';
import { showProgress } from './progress.ts';
import { isQuiet } from './report.ts';
import type { Session } from './session.ts';
import { printable } from './text.ts';
import { failureLines, newMemory, runLines, type WatchMemory } from './watch-lines.ts';
import { WatchQueue, type WatchTask } from './watch-queue.ts';

/** Where SYNC_INTERVAL_SECONDS turns the schedule of `serve` off: watchers miss events, so a pass there must be. */
const DEFAULT_PASS_SECONDS = 60;
/** To a library that another sync is at work on. */
const BUSY_MS = 5_000;

/** What is watched and how it is synced. */
interface Watching {
  readonly session: Session;
  readonly rollcall: Rollcall;
  /** Every run names its own library and album. */
  readonly request: Omit<SyncRequest, 'library' | 'album'>;
  /** Id or name of the only library; left out: all that there are. */
  readonly only: string | undefined;
  readonly queue: WatchQueue;
  readonly memories: Map<string, WatchMemory>;
  readonly progress: NonNullable<RunHooks['onProgress']>;
}

/**
 * Syncs and watches the libraries that `request` covers until the session's signal aborts. A run that fails is told
 * and watching goes on; only what no later run could put right (an unknown library) is thrown. Answers the exit code.
 */
export async function watchUntilStopped(session: Session, request: SyncRequest, rollcall: Rollcall): Promise<ExitCode> {
  const { library: only, ...policies } = request;
  const progress = showProgress(session.screen, session.options.json, Date.now);
  const memories = new Map<string, WatchMemory>();
  const watching = { session, rollcall, request: policies, only, queue: new WatchQueue(0), memories, progress };
  const libraries = await librariesOf(watching);
  // Before the first pass: what changes while it runs is not to wait for the second.
  const watchers = await Promise.all(libraries.map((library) => watch(watching, library)));
  try {
    announce(session, libraries);
    await work(watching);
  } finally {
    await Promise.all(watchers.map((watcher) => watcher?.close()));
  }
  return ExitCode.ok;
}

async function librariesOf({ rollcall, only }: Watching): Promise<readonly Library[]> {
  if (only === undefined) return (await rollcall.libraries.list({ limit: 1_000 })).items;
  const library = await rollcall.libraries.find(only);
  if (library !== null) return [library];
  throw new RollcallError('NOT_FOUND', `there is no library ${only}`, { field: '--library' });
}

/** Null: it cannot be watched, which is told; the full passes still cover it. */
async function watch({ session, rollcall, queue }: Watching, library: Library) {
  try {
    return await rollcall.watch(library, (albums) => queue.changed(library.id, albums), session.signal);
  } catch (thrown) {
    session.signal.throwIfAborted();
    const { message } = asRollcallError(thrown);
    session.log.warn({ library: library.name }, `${library.name} is looked at now and then, not watched: ${message}`);
    return null;
  }
}

function announce({ options, screen }: Session, libraries: readonly Library[]): void {
  const roots = libraries.map(({ root }) => root);
  if (options.json) screen.print(jsonLine({ type: 'watching', roots }));
  else screen.say(`Watching ${roots.map(printable).join(', ')}. Ctrl-C stops.`);
}

async function work(watching: Watching): Promise<void> {
  const { session, queue } = watching;
  let known = new Map<string, Library>();
  while (!session.signal.aborted) {
    const due = queue.take(Date.now());
    if (due === 'full pass') known = await fullPass(watching, known);
    else if (due.length === 0) await queue.ready(Date.now(), session.signal);
    else for (const task of due) await runTask(watching, task, known.get(task.library));
  }
}

/** Every library once; the next pass is due an interval after the end of this one. Answers the libraries by id. */
async function fullPass(watching: Watching, known: Map<string, Library>): Promise<Map<string, Library>> {
  const { session, queue } = watching;
  let libraries = known;
  try {
    libraries = new Map((await librariesOf(watching)).map((library) => [library.id, library]));
    for (const library of libraries.values()) await runTask(watching, { library: library.id, album: null }, library);
  } catch (thrown) {
    tellFailure(watching, null, asRollcallError(thrown));
  }
  queue.passDueAt(Date.now() + (session.config.syncIntervalSeconds || DEFAULT_PASS_SECONDS) * 1_000);
  return libraries;
}

/** Runs one task, tells what came of it and has it done again if it could not be done now. */
async function runTask(watching: Watching, task: WatchTask, library: Library | undefined): Promise<void> {
  const { session, rollcall, request, queue, progress } = watching;
  const { signal, config } = session;
  if (library === undefined || signal.aborted) return;
  const scope = { library: library.id, ...(task.album !== null && { album: task.album }) };
  try {
    const report = await rollcall.service.sync({ ...request, ...scope }, { onProgress: progress }, signal);
    tellReport(watching, task, library, report);
    if (report.actions.unstable > 0) queue.postpone(task, Date.now() + (config.sync.stableSeconds + 1) * 1_000);
  } catch (thrown) {
    const error = asRollcallError(thrown);
    if (error.code === 'SYNC_IN_PROGRESS') queue.postpone(task, Date.now() + BUSY_MS);
    // An album that came and went before anybody looked.
    else if (error.code !== 'NOT_FOUND' || task.album === null) tellFailure(watching, library, error);
  }
}

function tellReport(watching: Watching, { album }: WatchTask, library: Library, report: Report): void {
  const { session, memories } = watching;
  const { screen, options, log } = session;
  screen.live(null);
  if (!isQuiet(report)) log.file.info({ report }, `run ${report.runId} ${report.status}`);
  if (options.json) {
    screen.print(jsonLine({ type: 'report', library: library.name, album, ...report }));
  } else {
    for (const line of runLines(library, album, report, memoryOf(memories, library.id))) screen.print(line);
  }
}

function tellFailure(watching: Watching, library: Library | null, error: RollcallError): void {
  const { session, memories } = watching;
  const { screen, options, log, signal } = session;
  screen.live(null);
  if (error.code === 'CANCELLED' && signal.aborted) return;
  log.file.error({ err: error, library: library?.name }, error.message);
  const { code, message } = error;
  if (options.json) screen.print(jsonLine({ type: 'error', library: library?.name ?? null, code, message }));
  const lines = failureLines(library, error, memoryOf(memories, library?.id ?? ''));
  for (const line of lines) screen.say(screen.paint.err('red', line));
}

function memoryOf(memories: Map<string, WatchMemory>, library: string): WatchMemory {
  const memory = memories.get(library) ?? newMemory();
  memories.set(library, memory);
  return memory;
}
