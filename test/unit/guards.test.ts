import { describe, expect, test } from 'vitest';
import { allowedBy, guardEmptyRoot, guardMaxDelete, manyGone } from '../../src/sync/guards.ts';

describe('MAX_DELETE', () => {
  test.each([
    [{ percent: 25 }, 1_000, 250],
    [{ percent: 25 }, 1_003, 250],
    [{ percent: 25 }, 4, 9],
    [{ percent: 0 }, 1_000, 9],
    [{ percent: 100 }, 50, 50],
    [{ count: 5 }, 1_000, 5],
    [{ count: 0 }, 1_000, 0],
  ])('%o of %i photos allows %i deletions', (limit, photos, allowed) => {
    expect(allowedBy(limit, photos)).toBe(allowed);
    expect(() => guardMaxDelete(allowed, photos, limit)).not.toThrow();
    expect(() => guardMaxDelete(allowed + 1, photos, limit)).toThrow(`${allowed + 1} objects would be deleted`);
  });
});

describe('an empty root', () => {
  test('is refused while the catalog has photos', () => {
    expect(() => guardEmptyRoot('/photos', false, 3)).toThrow(expect.objectContaining({ code: 'GUARD_EMPTY_ROOT' }));
  });
  test('is fine when the catalog is empty too', () => {
    expect(() => guardEmptyRoot('/photos', false, 0)).not.toThrow();
  });
  test('is not meant when another album has files', () => {
    expect(() => guardEmptyRoot('/photos', true, 3)).not.toThrow();
  });
});

test('marking many photos warns and never refuses', () => {
  expect(manyGone(9, 20, { percent: 25 }, 'were marked')).toBeNull();
  expect(manyGone(10, 20, { percent: 25 }, 'were marked')).toContain(
    '10 of 20 photos are gone from disk at once and were marked',
  );
});
