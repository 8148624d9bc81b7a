/**
 * Carries out a plan (DESIGN 2): in phases (moves, downloads, uploads, row updates, deletes), each effect verified
 * before it is recorded, one photo's failure never stopping the others.
 */
import { asRollcallError } from '../errors.ts';
import type { Action, CopyAction, DeleteAction, DownloadAction, WaitAction } from './actions.ts';
import { Course, type Execution, shortly } from './course.ts';
import { MovePhase, NOTHING_MOVED } from './move-phase.ts';
import { type Retired, retire } from './retire.ts';
import { actOnRow, isRowAction } from './row-actions.ts';
import type { TransferAction } from './transfer.ts';
import { TransferPhase } from './transfer-phase.ts';

/**
 * Executes the actions and answers what waits for a restore. Throws only when the run cannot go on: DATABASE_*,
 * LOCK_LOST, a bucket that is no use.
 */
export async function execute(actions: readonly Action[], execution: Execution): Promise<readonly WaitAction[]> {
  const course = new Course(execution);
  const failedBefore = execution.tally.actions.failed;
  try {
    const { early, late } = copiesOf(actions);
    const before = new TransferPhase(course, NOTHING_MOVED);
    await course.phase(early, (action) => before.send(action));
    const moved = await new MovePhase(course).run(actions);
    const transfers = new TransferPhase(course, moved);
    await course.phase(actions.filter(isDownload), (action) => transfers.download(action));
    for (const level of levelsOf(late)) await course.phase(level, (action) => transfers.send(action));
    await course.phase(actions.filter(isTransfer), (action) => transfers.send(action));
    await rowPhase(course, actions);
    await course.phase(actions.filter(isWait), (action) => course.wait(action));
    await deletePhase(course, actions.filter(isDelete), failedBefore);
  } finally {
    await course.outcomes.flush();
  }
  course.throwIfEnded();
  return course.waiting;
}

async function rowPhase(course: Course, actions: readonly Action[]): Promise<void> {
  const rows = { ...course.x, outcomes: course.outcomes };
  await course.phase(actions.filter(isRowAction), async (action) => {
    const error = await actOnRow(action, rows);
    if (error) await course.went(action, error, `Failed to look for ${action.path}: ${error.message}`, null);
  });
}

/** Last of all, and only after nothing failed: what is deleted here cannot be brought back. */
async function deletePhase(c: Course, actions: readonly DeleteAction[], failedBefore: number): Promise<void> {
  if (actions.length === 0 || c.stopped) return;
  await c.outcomes.flush();
  if (c.x.tally.actions.failed > failedBefore) {
    c.x.tally.warnings.push(`Deletions put off because something before them failed: ${actions.length}.`);
    return;
  }
  await retire(actions, {
    sides: c.x.sides,
    library: c.x.scope.library,
    concurrency: c.x.uploadConcurrency,
    signal: c.x.hard,
    isStopped: () => c.stopped,
    onOutcome: async (action, result) => {
      await retired(c, action, result).catch((thrown: unknown) => c.end(asRollcallError(thrown)));
      c.progress(action.path);
    },
  });
}

function retired(c: Course, action: DeleteAction, result: Retired): Promise<void> {
  if (result.outcome === 'kept') return c.outcomes.conflict(action, 'CONFLICT', result.message, null);
  if (result.outcome === 'failed') {
    return c.went(action, result.error, `Failed to delete ${action.path} from S3: ${shortly(result.error)}`, null);
  }
  c.x.tally.actions.deleted += 1;
  return c.outcomes.done(
    action,
    action.local
      ? { kind: 'state', id: action.row.id, state: 'missing', error: null }
      : { kind: 'deleted', id: action.row.id },
  );
}

/**
 * Copies come first: what they copy may be renamed or replaced by what follows. Those to a name that a rename leaves, and
 * those in place of another object, come after the renames.
 */
function copiesOf(actions: readonly Action[]): { readonly early: CopyAction[]; readonly late: CopyAction[] } {
  const left = new Set(
    actions.flatMap((action) =>
      action.kind === 'move' ? [action.from.key] : action.kind === 'leftover' ? [action.key] : [],
    ),
  );
  const copies = actions.filter((action) => action.kind === 'copy');
  const isLate = ({ key, object }: CopyAction) => object !== undefined || left.has(key);
  return { early: copies.filter((copy) => !isLate(copy)), late: copies.filter(isLate) };
}

function isTransfer(action: Action): action is TransferAction {
  return action.kind === 'upload' || action.kind === 'reupload' || action.kind === 'adopt';
}

function isDownload(action: Action): action is DownloadAction {
  return action.kind === 'download';
}

function isWait(action: Action): action is WaitAction {
  return action.kind === 'wait';
}

function isDelete(action: Action): action is DeleteAction {
  return action.kind === 'delete';
}

/** Copies by turns: one is made before another one replaces what it copies. Of a circle all are tried at once. */
function levelsOf(copies: readonly CopyAction[]): CopyAction[][] {
  const levels: CopyAction[][] = [];
  for (let left = copies; left.length > 0; ) {
    const sources = new Map<string, number>();
    for (const { from } of left) sources.set(from.key, (sources.get(from.key) ?? 0) + 1);
    const isReady = ({ key, from }: CopyAction) => (sources.get(key) ?? 0) === (from.key === key ? 1 : 0);
    const ready = left.filter(isReady);
    const level = ready.length > 0 ? ready : left;
    levels.push([...level]);
    left = ready.length > 0 ? left.filter((copy) => !isReady(copy)) : [];
  }
  return levels;
}
