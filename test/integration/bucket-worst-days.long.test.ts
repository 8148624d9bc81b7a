/** The same as bucket-bad-days.long.test.ts, each request befallen each time that it is sent: nothing gets through. */
import { expect, test } from 'vitest';
import { RollcallError } from '../../src/errors.ts';
import { badDays, recover, syncOnBadDay } from '../support/bad-days.ts';
import { BUCKET_FAULT_NAMES, type BucketFaultName } from '../support/bucket-faults.ts';

badDays();

const BEARABLE: readonly BucketFaultName[] = ['answers late', 'answers in drips'];

test.each(BUCKET_FAULT_NAMES)(
  'a bucket that %s, all the time: the run ends and says so, and the next one moves what was lacking and nothing else',
  async (name) => {
    const outcome = await syncOnBadDay(name, 'always');
    if (BEARABLE.includes(name)) expect(outcome).toMatchObject({ status: 'succeeded' });
    else if (!(outcome instanceof RollcallError)) {
      expect(outcome.status).toBe('partial');
      expect(outcome.actions.failed + outcome.actions.conflicts).toBeGreaterThan(0);
    }
    await recover();
  },
);
