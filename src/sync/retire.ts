/**
 * Deletes objects as the user asked, without ever losing a photo or seeming to: those of photos whose files are gone, and
 * those of photos whose files stay.
 */
import pMap from 'p-map';
import { asRollcallError, type RollcallError } from '../errors.ts';
import type { DeleteAction } from './actions.ts';
import type { Sides } from './inventory.ts';
import type { FileFacts, Library } from './types.ts';

export type Retired =
  | { readonly outcome: 'deleted' }
  | { readonly outcome: 'kept'; readonly message: string }
  | { readonly outcome: 'failed'; readonly error: RollcallError };

/** So many rows are stamped in one statement before their objects go. */
const BATCH = 1_000;

/**
 * For each action: the intent is written to its row first (a crash in between must not read as a loss), the file is
 * looked for once more, the object goes only while it is the version that was planned, and its absence is verified.
 * Where the file stays, no intent is needed: to the next run the object is missing, and it brings it back.
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
    const last = batch.filter((action) => action.local === undefined);
    await sides.catalog.apply(
      library,
      last.map((action) => ({ kind: 'deleting', id: action.row.id }) as const),
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
    const objection = action.local
      ? await objectionToRemoval(sides, action, action.local, signal)
      : await objectionToLastCopy(sides, action, signal);
    if (objection !== null) return { outcome: 'kept', message: `${objection}; the object was not deleted` };
    if (action.object === undefined) return { outcome: 'deleted' };
    const removed = await sides.bucket.remove(action.key, action.object.etag, signal);
    if (removed === 'changed') return { outcome: 'kept', message: 'the object has changed; it was not deleted' };
    return { outcome: 'deleted' };
  } catch (thrown) {
    return { outcome: 'failed', error: asRollcallError(thrown) };
  }
}

async function objectionToLastCopy({ disk }: Sides, action: DeleteAction, signal: AbortSignal): Promise<string | null> {
  return (await disk.stat(action.path, signal)) === null ? null : 'its file is back';
}

/**
 * What will be the only copy is read to its end first: it must hold the bytes that were agreed on, whatever its size and
 * date say.
 */
async function objectionToRemoval(
  { disk, bucket }: Sides,
  { path, key, object, row }: DeleteAction,
  local: FileFacts,
  signal: AbortSignal,
): Promise<string | null> {
  if (object === undefined) return null;
  const file = await disk.open(path, local, signal);
  try {
    const { match, md5 } = await bucket.compare(
      file,
      { key, ...object },
      { md5: null, partSize: row.partSize },
      signal,
    );
    const agreed = match === 'same' || (match === 'unknown' && md5 === row.md5);
    return agreed ? null : 'its file does not hold the bytes of the object';
  } finally {
    await file.close();
  }
}
