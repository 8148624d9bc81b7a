/** The phase of the renames: carries them out and says what came of them. */
import { asRollcallError, type RollcallError } from '../errors.ts';
import type { Action, LeftoverAction, MoveAction } from './actions.ts';
import { type Course, shortly, TAKEN } from './course.ts';
import { executeMoves, type Moved, type MoveResult } from './execute-moves.ts';
import { waitingMove } from './plan-moves.ts';

/** No renames. */
export const NOTHING_MOVED: Moved = { places: new Map(), blocked: new Set() };

export class MovePhase {
  readonly #c: Course;

  constructor(course: Course) {
    this.#c = course;
  }

  /** Carries out the plan's renames, what was left over of earlier ones first. */
  async run(actions: readonly Action[]): Promise<Moved> {
    const moves = actions.filter((action) => action.kind === 'move');
    const leftovers = actions.filter((action) => action.kind === 'leftover');
    return executeMoves(moves, leftovers, this.#c.x.albums, {
      sides: this.#c.x.sides,
      library: this.#c.x.scope.library,
      concurrency: this.#c.x.checkConcurrency,
      memoryOf: (subject) => this.#c.memoryOf(subject),
      onSent: this.#c.onSent,
      onResumed: (bytes) => {
        this.#c.x.tally.resume(bytes);
        this.#c.onBytes(bytes);
      },
      onMoved: (action, result) => this.#movedOne(action, result),
      onTidied: (action, result) => this.#tidied(action, result),
      onLeft: (action, error) => this.#left(action, error),
      isStopped: () => this.#c.stopped,
      signal: this.#c.x.hard,
    }).catch((thrown: unknown) => {
      this.#c.end(asRollcallError(thrown));
      return NOTHING_MOVED;
    });
  }

  async #movedOne(action: MoveAction, result: MoveResult): Promise<void> {
    this.#c.progress(action.path);
    if (result.outcome === 'unstable') return this.#c.outcomes.unstable(action, result.message);
    if (result.outcome === 'failed') {
      const { error } = result;
      if (error.code === 'OBJECT_ARCHIVED') return this.#c.wait(waitingMove(action));
      const line = `Failed to rename ${action.from.path} to ${action.path} in S3: ${shortly(error)}`;
      const change = { kind: 'state', id: action.row.id, state: 'failed', error: error.message } as const;
      return this.#c.went(action, error, line, TAKEN.has(error.code) ? null : change);
    }
    this.#c.reached();
    const { tally, log } = this.#c.x;
    if (action.edited) {
      tally.actions.uploaded += 1;
      tally.files.uploaded += 1;
    } else tally.actions.moved += 1;
    const how = action.edited ? 'Renamed and uploaded to S3' : 'Renamed in S3';
    log.info({ path: action.path, from: action.from.path }, `${how}: ${action.from.path} → ${action.path}`);
    await this.#c.outcomes.renamed(action, result.bytes);
  }

  /** Moved, but the old object is still there: the next run removes it. */
  #left({ from }: MoveAction, error: RollcallError): void {
    const { tally, log } = this.#c.x;
    tally.fail(from.path, error);
    log.error({ path: from.path, code: error.code }, `Failed to remove ${from.path} from S3: ${shortly(error)}`);
  }

  async #tidied(action: LeftoverAction, result: 'deleted' | 'kept' | RollcallError): Promise<void> {
    this.#c.progress(action.path);
    if (result === 'deleted') return this.#c.outcomes.noted(action, 'TIDIED');
    if (result === 'kept') return;
    await this.#c.went(action, result, `Failed to remove ${action.path} from S3: ${shortly(result)}`, null);
  }
}
