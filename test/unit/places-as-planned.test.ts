/** How old a look at a rename's files may be when it is carried out. */
import { afterEach, expect, test, vi } from 'vitest';
import type { MoveAction } from '../../src/sync/actions.ts';
import { PlacesAsPlanned } from '../../src/sync/places-as-planned.ts';
import type { DiskPort, Looked } from '../../src/sync/ports.ts';
import type { FileFacts } from '../../src/sync/types.ts';

const live = new AbortController().signal;

afterEach(() => {
  vi.useRealTimers();
});

const FACTS: FileFacts = { size: 1, mtimeNs: 1n, device: 1n, inode: 1n, birthNs: 1n };

function move(name: string): MoveAction {
  const from = { key: `photos/a/${name}`, path: `a/${name}` };
  return { path: `b/${name}`, from, local: FACTS } as unknown as MoveAction;
}

/** A disk on which `there` are, which says what it was asked for. */
function diskWith(there: Map<string, Looked>) {
  const asked: (readonly string[])[] = [];
  const disk = {
    statAll: async (paths: readonly string[]) => {
      asked.push(paths);
      return paths.map((path) => there.get(path) ?? null);
    },
  } as unknown as DiskPort;
  return { disk, asked };
}

test('renames that are carried out together are looked at together, and again once that is a while ago', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const there = new Map<string, Looked>([
    ['b/1', FACTS],
    ['b/2', FACTS],
    ['b/3', FACTS],
  ]);
  const { disk, asked } = diskWith(there);
  const places = new PlacesAsPlanned(disk, [move('1'), move('2'), move('3')], 3, live);
  await places.assert(0);
  await places.assert(1);
  expect(asked).toEqual([['b/1', 'b/2', 'b/3', 'a/1', 'a/2', 'a/3']]);
  vi.advanceTimersByTime(60_000);
  there.set('a/3', { ...FACTS, inode: 2n });
  await expect(places.assert(2)).rejects.toMatchObject({ code: 'FILE_UNSTABLE' });
  expect(asked.slice(1)).toEqual([['b/3', 'a/3']]);
});
