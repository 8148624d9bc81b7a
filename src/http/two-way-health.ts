/** Are the two-way syncs of the schedule getting anywhere? Pure. */
import type { TwoWayHistory } from '../sync/browse.ts';
import type { HealthReport } from './parts.ts';

/** So many intervals without a good run, and failures since: then somebody should look. */
const INTERVALS = 10;

/**
 * Judges the history of each library that asks for two-way syncs. Old is not bad by itself: a server that was off for
 * a night has an old last good run and nothing wrong with it. With the schedule off (interval 0) nothing is judged.
 */
export function twoWayHealth(
  histories: readonly TwoWayHistory[],
  intervalSeconds: number,
  nowMs: number,
): HealthReport['parts']['twoWay'] {
  return histories.map(({ library, lastGoodAt, failingSince, error }) => {
    const since = lastGoodAt ?? failingSince;
    const late = since !== null && nowMs - Date.parse(since) > INTERVALS * intervalSeconds * 1_000;
    if (intervalSeconds === 0 || failingSince === null || !late) return { library, ok: true, lastGoodAt };
    return {
      library,
      ok: false,
      lastGoodAt,
      error: `no good run, failing since ${failingSince}: ${error ?? 'unknown'}`,
    };
  });
}
