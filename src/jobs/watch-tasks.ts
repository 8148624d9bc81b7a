/** Looks now and then for what nobody would end otherwise: runs of dead processes, tasks whose jobs were given up. */
import { setTimeout as pause } from 'node:timers/promises';
import { asRollcallError } from '../errors.ts';
import type { Log } from '../sync/ports.ts';
import type { TaskStore } from '../sync/task-store.ts';

export interface TaskWatch {
  readonly tasks: TaskStore;
  readonly closeAbandonedRuns: (signal: AbortSignal) => Promise<number>;
  readonly seconds: number;
  readonly log: Log;
}

const GIVEN_UP = {
  code: 'INTERNAL',
  message: 'given up: the processes that worked at it ended again and again, or its job was removed from the queue',
} as const;

/** Looks every so many seconds, until the signal aborts; never rejects. */
export async function watchTasks(parts: TaskWatch, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await look(parts, signal);
    } catch (thrown) {
      const { code, message } = asRollcallError(thrown);
      if (!signal.aborted) parts.log.debug({ code }, `The tasks of the queue could not be looked at: ${message}`);
    }
    await pause(parts.seconds * 1_000, undefined, { signal }).catch(() => undefined);
  }
}

async function look({ tasks, closeAbandonedRuns, log }: TaskWatch, signal: AbortSignal): Promise<void> {
  await closeAbandonedRuns(signal);
  const { cancelled, lost } = await tasks.stuck(signal);
  for (const id of cancelled) {
    signal.throwIfAborted();
    await tasks.end(id, { status: 'cancelled', partId: null, error: null });
  }
  for (const id of lost) {
    signal.throwIfAborted();
    log.error({ task: id }, `A task of the queue was ${GIVEN_UP.message}`);
    await tasks.end(id, { status: 'failed', partId: null, error: GIVEN_UP });
  }
}
