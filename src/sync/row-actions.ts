/** The actions that touch neither disk nor bucket: a row is corrected or stamped, or something is told. */
import { asRollcallError, type RollcallError } from '../errors.ts';
import type { Action, MarkAction, ReportAction, UpdateAction } from './actions.ts';
import type { Sides } from './inventory.ts';
import type { Outcomes } from './outcomes.ts';
import type { Tally } from './tally.ts';
import { unsettled } from './transfer.ts';

export type RowAction = UpdateAction | MarkAction | ReportAction;

export function isRowAction(action: Action): action is RowAction {
  return action.kind === 'update' || action.kind === 'mark' || action.kind === 'report';
}

interface RowContext {
  readonly sides: Sides;
  readonly outcomes: Outcomes;
  readonly tally: Tally;
  readonly hard: AbortSignal;
}

/** Carries one out; answers the error of a disk that could not be asked. Throws only when the catalog is gone. */
export async function actOnRow(action: RowAction, context: RowContext): Promise<RollcallError | null> {
  if (action.kind === 'mark') return mark(action, context);
  await (action.kind === 'update' ? update(action, context) : tell(action, context));
  return null;
}

async function update(action: UpdateAction, { tally, outcomes }: RowContext): Promise<void> {
  const { path, local, object, state } = action.change;
  tally.actions.updated += 1;
  tally.actions.skipped += 1;
  await outcomes.done(action, {
    kind: 'refreshed',
    id: action.row.id,
    state: state ?? action.row.state,
    ...(path !== undefined && { path }),
    ...(local && { local }),
    ...(object && { etag: object.etag }),
  });
}

/** The file must still be gone; a disk that cannot say so leaves the row as it is. */
async function mark(action: MarkAction, { sides, tally, outcomes, hard }: RowContext): Promise<RollcallError | null> {
  let isBack: boolean;
  try {
    isBack = (await sides.disk.stat(action.path, hard)) !== null;
  } catch (thrown) {
    return asRollcallError(thrown);
  }
  if (isBack) await outcomes.unstable(action, 'was gone and is back');
  else {
    tally.actions.marked += 1;
    await outcomes.done(action, { kind: 'state', id: action.row.id, state: action.state, error: null });
  }
  return null;
}

function tell(action: ReportAction, { outcomes }: RowContext): Promise<void> {
  if (action.what === 'unstable') return outcomes.unstable(action, action.reason);
  if (action.what === 'lost') return outcomes.noted(action, 'LOST');
  const news = action.local !== undefined && action.row?.state !== 'conflict';
  const change = news ? unsettled({ ...action, local: action.local }, 'conflict', action.reason) : null;
  return outcomes.conflict(action, action.code, action.reason, change);
}
