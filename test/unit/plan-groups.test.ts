import { describe, expect, test } from 'vitest';
import type { Action } from '../../src/sync/actions.ts';
import { addGroups, planGroupOf, plannedBytes, sumGroups } from '../../src/sync/plan-groups.ts';

const step = { key: 'photos/x.jpg', path: 'x.jpg', reason: 'r' };
const local = { size: 100, mtimeNs: 1n, device: 1n, inode: 1n };
const object = { size: 50, etag: 'e' };
const row = { id: '0', size: 1, mtimeNs: 1n, md5: null, etag: null, partSize: null, state: 'synced' } as const;

describe('the groups of a plan', () => {
  const cases: [string, Action, number][] = [
    ['new', { kind: 'upload', ...step, local }, 100],
    ['missing', { kind: 'reupload', ...step, local, row }, 100],
    ['changed', { kind: 'reupload', ...step, local, row, object }, 100],
    ['missing', { kind: 'reupload', ...step, local, row, object, damaged: true }, 100],
    ['download', { kind: 'download', ...step, object }, 50],
    ['changed', { kind: 'download', ...step, object, local }, 50],
    ['orphaned', { kind: 'mark', ...step, row, state: 'orphaned' }, 0],
    ['lost', { kind: 'mark', ...step, row, state: 'lost' }, 0],
    ['delete', { kind: 'delete', ...step, row }, 0],
    ['conflict', { kind: 'report', ...step, what: 'conflict', code: 'CONFLICT' }, 0],
    ['waiting', { kind: 'report', ...step, what: 'unstable', code: 'FILE_UNSTABLE' }, 0],
    ['other', { kind: 'adopt', ...step, local, object, otherwise: 'conflict' }, 0],
    ['other', { kind: 'update', ...step, row, change: {} }, 0],
  ];

  test.each(cases)('%s', (group, action, bytes) => {
    expect(planGroupOf(action)).toBe(group);
    expect(plannedBytes(action)).toBe(bytes);
    expect(sumGroups([action])).toMatchObject([{ group, bytes, steps: 1, told: action.kind === 'report' ? 1 : 0 }]);
  });

  test('come with what is dangerous first, and each action in one of them', () => {
    const groups = sumGroups(cases.map(([, action]) => action));
    expect(groups.map(({ group }) => group).slice(0, 3)).toEqual(['delete', 'lost', 'conflict']);
    expect(groups.reduce((sum, { steps }) => sum + steps, 0)).toBe(cases.length);
  });

  test('tell what requests cost, those of a large file by its parts', () => {
    const big: Action = { kind: 'upload', ...step, local: { ...local, size: 160 * 1024 * 1024 } };
    expect(sumGroups([cases[0]![1]])[0]?.usd).toBeCloseTo(0.005 / 1000);
    expect(sumGroups([big])[0]?.usd).toBeCloseTo((12 * 0.005) / 1000);
  });

  test('of several plans are those of one', () => {
    const all = cases.map(([, action]) => action);
    expect(addGroups([...sumGroups(all.slice(0, 5)), ...sumGroups(all.slice(5))])).toEqual(sumGroups(all));
  });
});
