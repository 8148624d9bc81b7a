/** What a restore can be asked with (DESIGN 8). */
import { RollcallError } from '../errors.ts';
import type { RestoreRequest } from './bucket-port.ts';

/** How fast, the dearest last. */
export const RESTORE_TIERS = ['Bulk', 'Standard', 'Expedited'] as const satisfies readonly RestoreRequest['tier'][];

/** Each day of a restored copy is paid for; more than a year of it is a slip. */
export const RESTORE_DAYS = { least: 1, most: 365 } as const;

/** What is asked for when nothing is said. */
export const USUAL_RESTORE: RestoreRequest = { days: 7, tier: 'Standard' };

/** BAD_INPUT naming `field` for what is no whole number of days within the bounds. */
export function restoreDays(days: number, field: string): number {
  const { least, most } = RESTORE_DAYS;
  if (Number.isInteger(days) && days >= least && days <= most) return days;
  throw new RollcallError('BAD_INPUT', `${field} must be a whole number from ${least} to ${most}`, { field });
}
