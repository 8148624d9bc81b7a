/** Plans of dry runs, kept so that whoever has looked at one can have just that carried out, by any process. */
import type { Action } from './actions.ts';
import type { Page, PageRequest } from './browse.ts';
import type { SavedPlan } from './plan-file.ts';
import type { PlanGroup, PlanGroupSum } from './plan-groups.ts';

/** What is kept of a dry run, its parts included. Times are RFC 3339. */
export interface KeptPlan {
  /** The dry run. */
  readonly runId: string;
  readonly createdAt: string;
  /** From then on it is too old to be carried out. */
  readonly expiresAt: string;
  /** Since when somebody carries it out or has; null: nobody has. */
  readonly appliedAt: string | null;
  /** The run that does; null: none is on record. */
  readonly appliedBy: string | null;
  readonly steps: number;
  readonly bytes: number;
  /** For requests, estimated. */
  readonly usd: number;
  readonly groups: readonly PlanGroupSum[];
}

/** By the id of the dry run that was asked for. A plan that is too old is none any more. */
export interface PlanStore {
  /** Keeps what the dry run `runId` has found in one library, or all of it does not; forgets what is too old. */
  keep(runId: string, plan: SavedPlan): Promise<void>;
  /** Null: there is none. */
  find(runId: string): Promise<KeptPlan | null>;
  /** Its steps, group by group, in the order in which they were planned; null: there is none. */
  steps(runId: string, filter: { readonly group?: PlanGroup }, page: PageRequest): Promise<Page<Action> | null>;
  /**
   * Takes the plan to carry it out: one library's after the other. PLAN_APPLIED: somebody did before; NOT_FOUND: there
   * is none, or the dry run did not come to its end.
   */
  take(runId: string, signal: AbortSignal): Promise<readonly SavedPlan[]>;
  /** Nothing of it was begun: it can be taken again. */
  giveBack(runId: string): Promise<void>;
  /** Notes which run carries it out. */
  applied(runId: string, by: string): Promise<void>;
}
