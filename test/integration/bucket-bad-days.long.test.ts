/** Real syncs through a bucket that has every kind of bad day, one after the other: what a run promises on each. */
import { expect, test } from 'vitest';
import { badDays, recover, syncOnBadDay } from '../support/bad-days.ts';
import { BUCKET_FAULT_NAMES, type BucketFaultName, bucketFault } from '../support/bucket-faults.ts';
import { disagreements, seenSides } from '../support/sides.ts';

const world = badDays();

const REFUSALS: Partial<Record<BucketFaultName, string>> = {
  'finds the clock skewed': 'BUCKET_CLOCK_SKEW',
  'finds the credentials expired': 'BUCKET_CREDENTIALS',
};
const PROMISES = {
  again: 'the run does all that it set out to do',
  some: 'nothing untrue is recorded, and the next run finishes',
  none: 'the run ends and says why, and the next one finishes',
};

const cases = BUCKET_FAULT_NAMES.map((name) => [name, PROMISES[bucketFault(name).cure]] as const);

test.each(cases)('a bucket that %s, once for each request: %s', async (name) => {
  const outcome = await syncOnBadDay(name, 'first');
  const { cure } = bucketFault(name);
  if (cure === 'again') {
    expect(outcome).toMatchObject({ status: 'succeeded', actions: { failed: 0 } });
    expect(disagreements(await seenSides(world()))).toEqual([]);
  }
  if (cure === 'none') expect(outcome).toMatchObject({ code: REFUSALS[name] });
  await recover();
});
