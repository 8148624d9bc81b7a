/**
 * One look at a whole library that carries out its renames and says which albums have anything left to do. Guards and
 * limits hold here, for the library as a whole; each album's run may then do no more than was found here.
 */
import type { Action, MoveAction } from './actions.ts';
import type { ActionRecord } from './catalog-port.ts';
import type { Classified } from './classify.ts';
import type { Plan } from './plan-options.ts';
import { guard, surveyPlan, warn } from './prepare.ts';
import type { RunInProgress, RunWatch } from './run.ts';
import { AlbumCounts, albumOf, countsOf, takeFrom } from './spread-counts.ts';
import type { Tally } from './tally.ts';
import type { Direction, Triple } from './types.ts';

/** What is left to do in an album. */
export interface AlbumWork {
  readonly album: string;
  /** Keys whose photos were found to be gone: no others may be marked or deleted. */
  readonly gone: readonly string[];
  /** Keys that the survey has dealt with: renamed, waiting for a restore, in conflict. */
  readonly apart: readonly string[];
}

interface Work {
  readonly gone: string[];
  readonly apart: string[];
}

/** Renames reach across albums, and what only has to be told needs no run of its own. */
const OWN = new Set<Action['kind']>(['move', 'leftover', 'wait', 'report']);

/** Objects that nobody knows are counted by the listing of the survey: an album's run may not list. */
export function isSurveyed(classified: Classified): boolean {
  return classified.class === 'untracked';
}

export class SurveySplit implements RunWatch {
  readonly #prefix: string;
  readonly #direction: Direction;
  readonly #counts: AlbumCounts;
  /** Files that look like their row but are not the same inode: a rename may show that they are other photos. */
  readonly #doubtful = new Set<string>();
  readonly #work = new Map<string, Work>();
  readonly #done = new Set<string>();
  /** New keys of renames whose old place another file has taken. */
  readonly #replaced = new Set<string>();
  #plan: readonly Action[] = [];
  #tally: Tally | null = null;

  constructor(prefix: string, direction: Direction) {
    this.#prefix = prefix;
    this.#direction = direction;
    this.#counts = new AlbumCounts(prefix);
  }

  decided(triple: Triple, action: Action | null, classified: Classified): void {
    if (action?.kind === 'update') this.#doubtful.add(triple.key);
    if ((action !== null && OWN.has(action.kind)) || isSurveyed(classified)) return;
    const counts = countsOf(triple, action, classified, this.#direction);
    const mayMove = action !== null || classified.class === 'new' || classified.class === 'orphaned';
    this.#counts.add(triple.key, counts, mayMove);
  }

  ended(record: ActionRecord): void {
    if (record.kind !== 'move') return;
    if (record.outcome === 'done') {
      this.#done.add(record.key);
      return;
    }
    this.#done.delete(record.key);
    // The file at its old place is left alone by its album's run, and counted by none.
    if (this.#replaced.delete(record.key) && this.#tally) this.#tally.photos.new += 1;
  }

  /** The survey's plan, of which this run carries out only what no album's run could. */
  async plan(current: RunInProgress): Promise<Plan> {
    const plan = await surveyPlan(current);
    await guard(current, plan);
    this.#tally = current.tally;
    const own = plan.actions.filter((action) => this.#isOwn(action));
    const rest = plan.actions.filter((action) => !this.#isOwn(action));
    warn(current, { ...plan, actions: rest });
    for (const action of rest) {
      const { gone } = this.#workOf(action.key);
      if (action.kind === 'mark' || action.kind === 'delete') gone.push(action.key);
    }
    this.#plan = own;
    this.#uncount(own, new Set(rest.map(({ key }) => key)));
    return { ...plan, actions: own };
  }

  /** Is there anything left to do in the album of this key? To be asked once the plan is made. */
  hasWork(key: string): boolean {
    return this.#work.has(albumOf(key, this.#prefix));
  }

  /** What is left to do, when the run has ended. */
  albums(): readonly AlbumWork[] {
    for (const key of this.#plan.flatMap((action) => this.#apartOf(action))) {
      this.#work.get(albumOf(key, this.#prefix))?.apart.push(key);
    }
    return [...this.#work].map(([album, { gone, apart }]) => ({ album, gone, apart }));
  }

  #isOwn(action: Action): boolean {
    return OWN.has(action.kind) || (action.kind !== 'update' && this.#doubtful.has(action.key));
  }

  #workOf(key: string): Work {
    const album = albumOf(key, this.#prefix);
    const work = this.#work.get(album) ?? { gone: [], apart: [] };
    this.#work.set(album, work);
    return work;
  }

  /** Leaves in the tally what no album's run will count. */
  #uncount(own: readonly Action[], rest: ReadonlySet<string>): void {
    for (const action of own) {
      this.#counts.remove(action.key);
      if (action.kind === 'wait' && action.to) this.#counts.remove(action.to.key);
      if (action.kind !== 'move') continue;
      this.#counts.remove(action.from.key);
      if (!rest.has(action.from.key)) continue;
      this.#replaced.add(action.key);
      this.#counts.addNew(action.from.key);
    }
    for (const album of this.#work.keys()) if (this.#tally) takeFrom(this.#tally, this.#counts.of(album));
  }

  /** The keys that an album's run is to leave alone because of this action. */
  #apartOf(action: Action): readonly string[] {
    if (action.kind === 'move') return this.#apartOfMove(action);
    return action.kind === 'wait' && action.to ? [action.key, action.to.key] : [action.key];
  }

  /** A rename that failed keeps its old object: nothing may take its place before it has moved. */
  #apartOfMove({ key, from }: MoveAction): readonly string[] {
    return this.#done.has(key) ? [key] : [key, from.key];
  }
}
