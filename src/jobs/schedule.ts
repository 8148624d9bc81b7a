/** What is put on the schedule: the reconciliation of every library, and a look at what waits for a restore. */
import type { PgBoss } from 'pg-boss';
import { RollcallError } from '../errors.ts';

/** Restores take hours: not at the full hour, when everybody else comes. */
const RESTORE_CHECK_CRON = '17 * * * *';

/** Puts it there. A line that is no cron expression is BAD_CONFIG; null for no schedule of this process's own. */
export async function setSchedule(boss: PgBoss, schedule: { readonly reconcile: string | null } | null): Promise<void> {
  if (schedule === null) return;
  const tz = timeZone();
  if (schedule.reconcile === null) await boss.unschedule('reconcile');
  else {
    checkCron(boss, schedule.reconcile, tz);
    await boss.schedule('reconcile', schedule.reconcile, null, { tz });
  }
  await boss.schedule('restore-check', RESTORE_CHECK_CRON, null, { tz });
}

/** When the reconciliation comes next, RFC 3339; null: it is not on the schedule. */
export function nextReconcileAt(boss: PgBoss, schedule: { readonly reconcile: string | null } | null): string | null {
  if (!schedule?.reconcile) return null;
  return boss.previewSchedule(schedule.reconcile, { tz: timeZone(), count: 1 })[0]?.toISOString() ?? null;
}

/** Cron lines mean the time on the wall. */
function timeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

function checkCron(boss: PgBoss, cron: string, tz: string): void {
  try {
    boss.previewSchedule(cron, { tz, count: 1 });
  } catch (cause) {
    const what = 'RECONCILE_CRON must be a cron line like 0 3 * * *, or empty for never';
    throw new RollcallError('BAD_CONFIG', what, { cause, field: 'RECONCILE_CRON' });
  }
}
