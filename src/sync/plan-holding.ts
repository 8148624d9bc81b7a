/**
 * What a plan of earlier would write to rows without looking: whoever moves bytes or removes objects sees for himself
 * whether file and object are those that were planned for, and what only says so of them is looked after here.
 */
import pMap from 'p-map';
import { asRollcallError, type RollcallError } from '../errors.ts';
import type { Action, UpdateAction } from './actions.ts';
import type { Sides } from './inventory.ts';

/** What came of looking. */
export interface Seen {
  readonly holding: readonly Action[];
  /** File or object are not as they were. */
  readonly stale: readonly Action[];
  /** Of these it cannot be said. */
  readonly failed: readonly { readonly action: Action; readonly error: RollcallError }[];
}

type Verdict = 'holding' | 'stale' | RollcallError;

/** Looks at file and object of the actions that will not do so themselves. Throws BUCKET_* and CANCELLED. */
export async function seenNow(
  actions: readonly Action[],
  sides: Pick<Sides, 'disk' | 'bucket'>,
  concurrency: number,
  signal: AbortSignal,
): Promise<Seen> {
  const verdicts = await pMap(actions, (action) => verdictOn(action, sides, signal), { concurrency });
  const among = (verdict: Verdict) => actions.filter((_, at) => verdicts[at] === verdict);
  const failed = actions.flatMap((action, at) => {
    const error = verdicts[at];
    return error === undefined || typeof error === 'string' ? [] : [{ action, error }];
  });
  return { holding: among('holding'), stale: among('stale'), failed };
}

async function verdictOn(action: Action, sides: Pick<Sides, 'disk' | 'bucket'>, signal: AbortSignal): Promise<Verdict> {
  try {
    return (await holds(action, sides, signal)) ? 'holding' : 'stale';
  } catch (thrown) {
    signal.throwIfAborted();
    const error = asRollcallError(thrown);
    if (error.code.startsWith('BUCKET_')) throw error;
    return error;
  }
}

async function holds(
  action: Action,
  { disk, bucket }: Pick<Sides, 'disk' | 'bucket'>,
  signal: AbortSignal,
): Promise<boolean> {
  const head = () => bucket.head(action.key, signal);
  switch (action.kind) {
    case 'update':
      return (await isFileOf(action, disk, signal)) && isObjectOf(action, head);
    case 'mark':
      return ((await head()) === null) === (action.state === 'lost');
    case 'delete':
      // Without an object only the row goes: it must be all there is.
      return action.object !== undefined || (await head()) === null;
    default:
      return true;
  }
}

async function isFileOf({ path, row, change }: UpdateAction, disk: Sides['disk'], signal: AbortSignal) {
  const file = await disk.stat(path, signal);
  const { size, mtimeNs } = change.local ?? row;
  if (file?.size !== size || file.mtimeNs !== mtimeNs) return false;
  return change.local === undefined || (file.device === change.local.device && file.inode === change.local.inode);
}

/** A row that only follows its file says nothing new of the object. */
async function isObjectOf({ row, change }: UpdateAction, head: () => Promise<{ readonly etag: string } | null>) {
  if (change.state === 'missing') return (await head()) === null;
  if (change.state === undefined && change.object === undefined) return true;
  return (await head())?.etag === (change.object?.etag ?? row.etag);
}
