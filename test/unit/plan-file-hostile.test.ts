/** A plan may come from anywhere: whatever its file says, it is refused or stays within its library. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RollcallError } from '../../src/errors.ts';
import { readPlan, type SavedPlan } from '../../src/sync/plan-file.ts';
import { HOSTILE_TEXTS, hostileBody, hostileJson } from '../support/hostile.ts';

const id = '00000000-0000-4000-8000-000000000001';
const local = { size: 5, mtimeNs: '1700000000123456789', device: '1', inode: '2' };
const row = { id, size: 5, mtimeNs: '7', md5: null, etag: 'e', partSize: null, state: 'synced' };
const object = { size: 5, etag: 'e' };
const stored = { ...object, storageClass: 'GLACIER' };
const place = (name: string) => ({ key: `photos/2024/${name}`, path: `2024/${name}` });
const at = (name: string) => ({ ...place(name), reason: 'because' });

const PLAN = {
  version: 1,
  createdAt: '2026-11-20T12:00:00.000Z',
  library: { id, name: 'main', bucket: 'bucket', prefix: 'photos/' },
  album: null as string | null,
  policy: {
    ...{ direction: 'both', compare: 'existence', overwrite: 'known', orphans: 'delete' },
    ...{ deleteNow: true, moves: true, dryRun: false },
  },
  photosInScope: 7,
  maxDelete: { percent: 25 },
  albums: [{ id, from: '2023', path: '2024' }],
  actions: [
    { ...at('a'), kind: 'upload', local },
    { ...at('b'), kind: 'reupload', local, row, object },
    { ...at('c'), kind: 'adopt', local, object, otherwise: 'conflict' },
    { ...at('d'), kind: 'download', object, local, row },
    { ...at('e'), kind: 'update', row, change: { state: 'synced', local, path: '2024/e', object } },
    { ...at('f'), kind: 'mark', row, state: 'lost' },
    { ...at('g'), kind: 'delete', row, object },
    { ...at('h'), kind: 'move', from: place('old'), row, local, object: stored },
    { ...at('i'), kind: 'leftover', object, photo: { id, key: 'photos/2024/i2', etag: 'e' } },
    {
      ...at('j'),
      kind: 'copy',
      local,
      md5: 'm',
      from: { id, key: 'photos/2024/j2', size: 5, partSize: null, etag: 'e' },
    },
    { ...at('k'), kind: 'wait', what: 'move', object: stored, row, to: place('k2') },
    { ...at('l'), kind: 'report', what: 'conflict', code: 'CONFLICT', local, row },
  ],
};

/** Every place in the document at which a value stands, as the path to it. */
function leaves(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [[...path]];
  return Object.entries(value).flatMap(([name, inner]) => [[...path, name], ...leaves(inner, [...path, name])]);
}

/** The document with other JSON at this path. */
function replaced(path: readonly string[], json: string): string {
  const marker = '"<<here>>"';
  const copy = structuredClone(PLAN) as unknown;
  let holder = copy as Record<string, unknown>;
  for (const name of path.slice(0, -1)) holder = holder[name] as Record<string, unknown>;
  holder[path.at(-1) ?? ''] = '<<here>>';
  return JSON.stringify(copy).replace(marker, () => json);
}

function read(text: string): SavedPlan | null {
  try {
    return readPlan(text);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(RollcallError);
    expect((thrown as RollcallError).code).toBe('BAD_PLAN');
    return null;
  }
}

/** Every key and path that anything in the plan names. */
function namesIn(plan: SavedPlan): { keys: string[]; paths: string[] } {
  const keys: string[] = [];
  const paths: string[] = plan.albums.flatMap(({ from, path }) => (from === undefined ? [path] : [from, path]));
  const gather = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, inner] of Object.entries(value)) {
      if ((name === 'key' || name === 'via') && typeof inner === 'string') keys.push(inner);
      if (name === 'path' && typeof inner === 'string') paths.push(inner);
      gather(inner);
    }
  };
  gather(plan.actions);
  return { keys, paths };
}

function expectInside(plan: SavedPlan): void {
  const { keys, paths } = namesIn(plan);
  const { prefix } = plan.library;
  for (const key of keys) expect(key.startsWith(prefix), key).toBe(true);
  for (const path of [...paths, ...keys.map((key) => key.slice(prefix.length))]) {
    expect(
      path.split('/').filter((part) => ['', '.', '..'].includes(part)),
      path,
    ).toEqual(path === '.' ? ['.'] : []);
    expect(path).not.toContain('\0');
  }
}

test('the plan that is spoiled below is a good one', () => {
  expect(readPlan(JSON.stringify(PLAN)).actions).toHaveLength(PLAN.actions.length);
  expectInside(readPlan(JSON.stringify(PLAN)));
});

test('whatever stands in one of its places, it is refused with a reason or stays within its library', () => {
  const places = fc.constantFrom(...leaves(PLAN));
  fc.assert(
    fc.property(places, hostileJson, (path, json) => {
      const plan = read(replaced(path, json));
      if (plan !== null) expectInside(plan);
    }),
    { numRuns: 800 },
  );
});

test('a path that leads out is refused in every place that has one', () => {
  const named = leaves(PLAN).filter((path) => ['key', 'path'].includes(path.at(-1) ?? ''));
  expect(named.length).toBeGreaterThan(30);
  for (const path of named) {
    const outs = ['../x', 'photos/../../x', '/etc/passwd', 'photos/2024/..', 'photos//x', '2024/\0'];
    // Any folder may be an album.
    for (const out of path[0] === 'albums' ? outs : [...outs, 'other/x']) {
      expect([path, out, read(replaced(path, JSON.stringify(out)))]).toEqual([path, out, null]);
    }
  }
});

test('of an album, nothing beside it or below it', () => {
  const text = JSON.stringify({ ...PLAN, album: '2024', actions: PLAN.actions.slice(0, 1) });
  expect(read(text)).not.toBeNull();
  for (const name of ['2025/a', '2024/deeper/a', 'a']) {
    const action = { ...PLAN.actions[0], key: `photos/${name}`, path: name };
    expect([name, read(JSON.stringify({ ...PLAN, album: '2024', actions: [action] }))]).toEqual([name, null]);
  }
});

test('a file that is no plan is refused, whatever it is', () => {
  fc.assert(
    fc.property(hostileBody, (bytes) => {
      expect(read(bytes.toString('utf8'))).toBeNull();
    }),
    { numRuns: 300 },
  );
  for (const text of HOSTILE_TEXTS) expect(read(text)).toBeNull();
});
