/** Deletes the objects of photos whose files are gone, as the user asked, without ever seeming to lose one. */
import pMap from 'p-map';
import { asRollcallError, type RollcallError } from '../errors.ts';
import type { Sides } from './inventory.ts';
import type { DeleteAction, Library } from './types.ts';

export type Retired =
  | { readonly outcome: 'deleted' }
  | { readonly outcome: 'kept'; readonly message: string }
  | { readonly outcome: 'failed'; readonly error: RollcallError };

/** So many rows are stamped in one statement before their objects go. */
const BATCH = 1_000;

/**
 * For each action: the intent is written to its row first (a crash in between must not read as a loss), the file is
 * looked for once more, the object goes only while it is the version that was planned, and its absence is verified.
 */
export async function retire(
  actions: readonly DeleteAction[],
  options: {
    readonly sides: Sides;
    readonly library: Library;
    readonly concurrency: number;
    readonly signal: AbortSignal;
    readonly isStopped: () => boolean;
    readonly onOutcome: (action: DeleteAction, result: Retired) => Promise<void>;
  },
): Promise<void> {
  const { sides, library, concurrency, signal } = options;
  for (let from = 0; from < actions.length && !options.isStopped(); from += BATCH) {
    const batch = actions.slice(from, from + BATCH);
    await sides.catalog.apply(
      library,
      batch.map((action) => ({ kind: 'deleting', id: action.row.id }) as const),
    );
    await pMap(
      batch,
      async (action) => {
        if (!options.isStopped()) await options.onOutcome(action, await retireOne(sides, action, signal));
      },
      { concurrency },
    );
  }
}

async function retireOne(sides: Sides, action: DeleteAction, signal: AbortSignal): Promise<Retired> {
  try {
    if ((await sides.disk.stat(action.path, signal)) !== null) {
      return { outcome: 'kept', message: 'its file is back; the object was not deleted' };
    }
    if (action.object === undefined) return { outcome: 'deleted' };
    const removed = await sides.bucket.remove(action.key, action.object.etag, signal);
    if (removed === 'changed') return { outcome: 'kept', message: 'the object has changed; it was not deleted' };
    return { outcome: 'deleted' };
  } catch (thrown) {
    return { outcome: 'failed', error: asRollcallError(thrown) };
  }
}
