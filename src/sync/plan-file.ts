/** A plan as a file: saved by `--plan-out`, run later by `rollcall apply`. */
import type { Action, Policy } from './types.ts';

/** A plan with all that is needed to run it later, or to refuse to. */
export interface SavedPlan {
  readonly version: 1;
  readonly createdAt: string;
  readonly library: { readonly id: string; readonly name: string; readonly bucket: string; readonly prefix: string };
  readonly album: string | null;
  readonly policy: Policy;
  /** Live photos in scope when the plan was made: what MAX_DELETE is a share of. */
  readonly photosInScope: number;
  readonly actions: readonly Action[];
}
