import { describe, expect, test } from 'vitest';
import { printPlan, readPlan, type SavedPlan } from '../../src/sync/plan-file.ts';

const id = '00000000-0000-4000-8000-000000000001';
const local = { size: 5, mtimeNs: 1_700_000_000_123_456_789n, device: -1n, inode: 2n ** 62n };
const row = { id, size: 5, mtimeNs: 7n, md5: null, etag: 'e', partSize: null, state: 'synced' } as const;
const object = { size: 5, etag: 'e' };
const at = (name: string) => ({ key: `photos/${name}`, path: name, reason: 'because' });

const plan: SavedPlan = {
  version: 1,
  createdAt: '2026-11-20T12:00:00.000Z',
  library: { id, name: 'main', bucket: 'bucket', prefix: 'photos/' },
  album: null,
  policy: {
    direction: 'up',
    compare: 'existence',
    overwrite: 'known',
    orphans: 'mark',
    deleteNow: false,
    moves: true,
    dryRun: false,
  },
  photosInScope: 7,
  maxDelete: { percent: 25 },
  albums: [],
  actions: [
    { ...at('a'), kind: 'upload', local },
    { ...at('b'), kind: 'reupload', local, row, object },
    { ...at('c'), kind: 'adopt', local, object, otherwise: 'conflict' },
    { ...at('d'), kind: 'update', row, change: { state: 'synced', local, path: 'd', object } },
    { ...at('e'), kind: 'mark', row, state: 'lost' },
    { ...at('f'), kind: 'delete', row, object },
    { ...at('g'), kind: 'report', what: 'conflict', code: 'CONFLICT', local, row },
  ],
};

test('a plan with every kind of action is read back as it was saved, 64-bit numbers to the last digit', () => {
  expect(readPlan(printPlan(plan))).toEqual(plan);
});

describe('a plan is refused, naming the field', () => {
  const changed = (change: (copy: Record<string, unknown> & { actions: Record<string, unknown>[] }) => void) => {
    const copy = JSON.parse(printPlan(plan));
    change(copy);
    return JSON.stringify(copy);
  };
  test.each<[string, string, string]>([
    ['not JSON', '{', 'not JSON'],
    ['of another version', changed((p) => (p['version'] = 2)), 'version'],
    ['with an unknown field', changed((p) => (p['extra'] = 1)), 'extra'],
    ['with an action of an unknown kind', changed((p) => (p.actions[0]!['kind'] = 'explode')), 'actions.0'],
    [
      'with a size that is no number',
      changed((p) => (p.actions[0]!['local'] = { ...local, size: '5', mtimeNs: '1', device: '1', inode: '1' })),
      'size',
    ],
    ['with a key outside its library', changed((p) => (p.actions[0]!['key'] = 'other/a')), 'actions.0.key'],
    [
      'with a path that leads out',
      changed((p) => Object.assign(p.actions[0]!, { key: 'photos/../a', path: '../a' })),
      'actions.0.key',
    ],
  ])('%s', (_what, text, field) => {
    expect(() => readPlan(text)).toThrow(expect.objectContaining({ code: 'BAD_PLAN' }));
    expect(() => readPlan(text)).toThrow(field);
  });
});
