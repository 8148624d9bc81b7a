/** A plan as people look at it: in groups, with counts, bytes and what each will cost. Pure. */
import type { Action } from './actions.ts';

/** What is dangerous comes first. */
export const PLAN_GROUPS = [
  'delete',
  'lost',
  'conflict',
  'missing',
  'orphaned',
  'new',
  'changed',
  'moved',
  'download',
  'waiting',
  'other',
] as const;
export type PlanGroup = (typeof PLAN_GROUPS)[number];

/** What a group of a plan comes to. */
export interface PlanGroupSum {
  readonly group: PlanGroup;
  readonly steps: number;
  /** To be sent or fetched. */
  readonly bytes: number;
  /** For requests, estimated. */
  readonly usd: number;
  /** So many of them are only told: nothing is done about them. */
  readonly told: number;
}

export function planGroupOf(action: Action): PlanGroup {
  switch (action.kind) {
    case 'upload':
      return 'new';
    case 'reupload':
      return action.object === undefined || action.damaged ? 'missing' : 'changed';
    case 'download':
      return action.local === undefined ? 'download' : 'changed';
    case 'move':
    case 'copy':
      return 'moved';
    case 'delete':
      return 'delete';
    case 'mark':
      return action.state;
    case 'wait':
      return 'waiting';
    case 'report':
      return action.what === 'unstable' ? 'waiting' : action.what;
    case 'adopt':
    case 'update':
    case 'leftover':
      return 'other';
  }
}

/** What this action sends or fetches, in bytes. */
export function plannedBytes(action: Action): number {
  if (action.kind === 'upload' || action.kind === 'reupload') return action.local.size;
  if (action.kind === 'download') return action.object.size;
  return action.kind === 'move' && action.edited ? action.local.size : 0;
}

/** The sums of the groups that are not empty, in the order of PLAN_GROUPS. */
export function sumGroups(actions: readonly Action[]): PlanGroupSum[] {
  return addGroups(actions.map(sumOf));
}

function sumOf(action: Action): PlanGroupSum {
  const told = action.kind === 'report' ? 1 : 0;
  return { group: planGroupOf(action), steps: 1, bytes: plannedBytes(action), usd: requestsUsd(action), told };
}

/** Several plans' groups as those of one. */
export function addGroups(sums: readonly PlanGroupSum[]): PlanGroupSum[] {
  const all = new Map<PlanGroup, { -readonly [Key in keyof PlanGroupSum]: PlanGroupSum[Key] }>();
  for (const { group, steps, bytes, usd, told } of sums) {
    const sum = all.get(group) ?? { group, steps: 0, bytes: 0, usd: 0, told: 0 };
    sum.steps += steps;
    sum.bytes += bytes;
    sum.usd += usd;
    sum.told += told;
    all.set(group, sum);
  }
  return PLAN_GROUPS.flatMap((group) => all.get(group) ?? []);
}

/** Of S3 Standard in us-east-1, USD a request; deleting is free. */
const PRICE = { put: 0.005 / 1000, get: 0.0004 / 1000 };
/** Files beyond this go up in parts of it, a request each, and two around them. */
const PART = 16 * 1024 * 1024;

function requestsUsd(action: Action): number {
  const bytes = plannedBytes(action);
  switch (action.kind) {
    case 'upload':
    case 'reupload':
      return PRICE.put * (bytes > PART ? Math.ceil(bytes / PART) + 2 : 1);
    case 'move':
    case 'copy':
      return PRICE.put + PRICE.get;
    case 'download':
    case 'adopt':
      return PRICE.get;
    default:
      return 0;
  }
}
