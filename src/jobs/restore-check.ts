/** Looks whether archived objects that something waits for can be read by now, and syncs their libraries then. */
import { asRollcallError } from '../errors.ts';
import type { ArchivedObject, LibraryStore } from '../sync/browse.ts';
import type { Log } from '../sync/ports.ts';
import { allLibraries } from '../sync/resolve-scopes.ts';
import type { RunQueue } from '../sync/run-queue.ts';
import type { SyncService } from '../sync/service.ts';
import type { Library } from '../sync/types.ts';

interface RestoreParts {
  readonly queue: RunQueue;
  readonly service: Pick<SyncService, 'restoreStatus'>;
  readonly libraries: Pick<LibraryStore, 'list'>;
  readonly log: Log;
}

/** One library after the other; a bucket that cannot be asked does not keep the others from it. */
export async function checkRestores(parts: RestoreParts, signal: AbortSignal): Promise<void> {
  for (const library of await allLibraries(parts.libraries)) {
    signal.throwIfAborted();
    try {
      await checkLibrary(parts, library, signal);
    } catch (thrown) {
      signal.throwIfAborted();
      const { code, message } = asRollcallError(thrown);
      if (code.startsWith('DATABASE_')) throw thrown;
      parts.log.warn({ library: library.name, code }, `Restores of ${library.name} could not be looked at: ${message}`);
    }
  }
}

async function checkLibrary(
  { queue, service, log }: RestoreParts,
  library: Library,
  signal: AbortSignal,
): Promise<void> {
  const waiting = await service.restoreStatus({ library: library.id }, signal);
  const ready = waiting.filter(({ status }) => status === 'restored');
  if (ready.length === 0) return;
  const fields = { library: library.name, objects: ready.length };
  if (!ready.some((object) => finishes(library, object))) {
    log.info(fields, `${ready.length} objects of ${library.name} can be read now; a sync down brings them`);
    return;
  }
  const { runId } = await queue.enqueue({ library: library.id, direction: library.sync });
  log.info({ ...fields, run: runId }, `${ready.length} objects of ${library.name} can be read now: it is synced`);
}

/** Would the library's own sync take it up? */
function finishes({ sync }: Library, { what }: ArchivedObject): boolean {
  return what === 'move' || sync === 'both';
}
