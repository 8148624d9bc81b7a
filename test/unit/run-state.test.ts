import { describe, expect, test } from 'vitest';
import { runProgress } from '../../src/http/run-progress.ts';
import { type RunNode, stateOf, type TaskNode } from '../../src/sync/run-state.ts';
import { NO_ACTIONS, sumReports } from '../../src/sync/tally.ts';

const { photos: NO_PHOTOS } = sumReports('', [], 0);

function node(id: string, more: Partial<RunNode> = {}): RunNode {
  return {
    ...{ id, parentId: null, library: 'mine', album: null, status: 'running', progress: null, counts: null },
    ...{ cancelled: false, startedMs: 0, heardMs: 0, changedMs: 0 },
    ...more,
  };
}

function going(id: string, done: number, total: number | null, more: Partial<RunNode> = {}): RunNode {
  const phase = total === null ? 'scanning' : 'working';
  const progress = {
    ...({ runId: id, library: 'mine', phase, scanned: done, lastPath: `${id}.jpg` } as const),
    actions: { done, total },
    bytes: { done: done * 10, total: total && total * 10 },
  };
  return node(id, { progress, ...more });
}

function over(id: string, uploaded: number, more: Partial<RunNode> = {}): RunNode {
  const counts = {
    actions: { ...NO_ACTIONS, uploaded, skipped: 7, adopted: 2 },
    bytes: { uploaded: uploaded * 10, downloaded: 5 },
    photos: { ...NO_PHOTOS, new: uploaded, existing: 7 },
  };
  return node(id, { status: 'succeeded', counts, ...more });
}

function turn(runId: string, album: string | null, status: TaskNode['status']): TaskNode {
  return { id: `${runId}/${album}`, runId, album, status, changedMs: 0 };
}

describe('the state of a run', () => {
  test('is its own progress when it is made of no others', () => {
    expect(stateOf('r', [going('r', 2, 5, { heardMs: 9, changedMs: 7 })], [])).toEqual({
      ...{ runId: 'r', library: 'mine', status: 'running', cancelled: false, phase: 'working', scanned: 2 },
      ...{ actions: { done: 2, total: 5 }, bytes: { done: 20, total: 50 }, lastPath: 'r.jpg', parts: [] },
      ...{ heardMs: 9, changedMs: 7 },
    });
  });

  test('is queued until somebody begins it, scans before it has anything to say, and is done when it is over', () => {
    expect(stateOf('r', [node('r', { status: 'queued' })], [])?.phase).toBe('queued');
    expect(stateOf('r', [node('r')], [])).toMatchObject({ phase: 'scanning', actions: { done: 0, total: null } });
    expect(stateOf('r', [over('r', 3)], [])).toMatchObject({ phase: 'done', actions: { done: 5, total: 5 } });
    expect(stateOf('other', [node('r')], [])).toBeNull();
  });

  test('adds up its parts and not its own word on them', () => {
    const parts = [over('a', 3, { parentId: 'r' }), going('b', 1, 4, { parentId: 'r', library: 'other' })];
    const state = stateOf('r', [going('r', 99, null, { library: null }), ...parts], []);
    expect(state).toMatchObject({
      ...{ library: 'other', phase: 'working', scanned: 11, lastPath: 'b.jpg' },
      actions: { done: 6, total: 9 },
      bytes: { done: 45, total: 75 },
    });
  });

  test('knows no total while a part has none yet', () => {
    const nodes = [node('r'), over('a', 3, { parentId: 'r', album: 'a' })];
    const tasks = [turn('r', 'a', 'done'), turn('r', 'b', 'queued')];
    expect(stateOf('r', nodes, tasks)?.actions).toEqual({ done: 5, total: null });
  });

  test('has one part for an album that was tried more than once, with what all its tries did', () => {
    const nodes = [
      node('r'),
      over('first', 3, { parentId: 'r', album: 'a', status: 'failed', startedMs: 1 }),
      going('second', 1, 4, { parentId: 'r', album: 'a', startedMs: 2 }),
    ];
    const between = stateOf('r', nodes.slice(0, 2), [turn('r', 'a', 'queued')]);
    expect(between?.parts).toMatchObject([{ runId: 'first', status: 'queued', actions: { done: 5, total: 5 } }]);
    const again = stateOf('r', nodes, [turn('r', 'a', 'running')]);
    expect(again?.parts).toMatchObject([{ runId: 'second', status: 'running', actions: { done: 6, total: 9 } }]);
  });

  test('counts photos once where a library is looked at as a whole and then album by album', () => {
    const nodes = [
      node('r'),
      over('survey', 0, { parentId: 'r' }),
      over('a', 3, { parentId: 'r', album: 'a' }),
      over('b', 1, { parentId: 'r', album: 'b' }),
    ];
    expect(stateOf('r', nodes, [])?.scanned).toBe(18);
    expect(stateOf('r', nodes.slice(0, 2), [])?.scanned).toBe(7);
  });

  test('has the albums of each library of a run over several', () => {
    const nodes = [
      node('r', { library: null }),
      node('one', { parentId: 'r', library: 'one' }),
      node('two', { parentId: 'r', library: 'two', status: 'queued' }),
      going('a', 1, 2, { parentId: 'one', library: 'one', album: 'a' }),
    ];
    const tasks = [turn('one', 'a', 'running'), turn('one', 'b', 'queued'), turn('two', null, 'queued')];
    expect(stateOf('r', nodes, tasks)?.parts).toMatchObject([
      { library: 'one', album: 'a', status: 'running', runId: 'a' },
      { library: 'one', album: 'b', status: 'queued', runId: null },
      { library: 'two', album: null, status: 'queued', runId: null },
    ]);
  });

  test('says of an album that ended without a run of its own how it ended', () => {
    const tasks = [turn('r', 'a', 'failed'), turn('r', 'b', 'cancelled'), turn('r', 'c', 'done')];
    const statuses = stateOf('r', [node('r')], tasks)?.parts.map(({ status }) => status);
    expect(statuses).toEqual(['failed', 'cancelled', 'succeeded']);
  });
});

describe('what is told of a state', () => {
  const state = (done: number, heardMs: number) => stateOf('r', [going('r', done, 100, { heardMs })], [])!;

  test('has rates between the times at which the run was heard of, whenever it is looked at', () => {
    const told = runProgress();
    expect(told(state(0, 1_000))).toMatchObject({ filesPerSecond: null, bytesPerSecond: null, etaSeconds: null });
    const rates = { filesPerSecond: 10, bytesPerSecond: 100, etaSeconds: 8 };
    expect(told(state(20, 3_000))).toMatchObject(rates);
    // Looked at again before it was heard of again.
    expect(told(state(20, 3_000))).toMatchObject(rates);
    expect(told(state(20, 9_000))).toMatchObject({ filesPerSecond: 2.5, etaSeconds: 32 });
  });

  test('estimates by albums where nobody knows yet what they hold', () => {
    const told = runProgress();
    const spread = (done: number, heardMs: number) => {
      const albums = Array.from({ length: 10 }, (_, album) => `${album}`);
      const ended = albums.slice(0, done).map((album) => over(album, 1, { parentId: 'r', album, heardMs }));
      const tasks = albums.map((album, n) => turn('r', album, n < done ? 'done' : 'queued'));
      return stateOf('r', [node('r', { heardMs }), ...ended], tasks)!;
    };
    told(spread(1, 1_000));
    const event = told(spread(5, 3_000));
    expect(event).toMatchObject({ actions: { total: null }, etaSeconds: 3 });
    expect(event.partCounts).toMatchObject({ queued: 5, succeeded: 5, running: 0, cancelled: 0 });
  });

  test('names of very many parts those that go, went wrong and wait', () => {
    const many = Array.from({ length: 2_000 }, (_, n) => over(`${n}`, 0, { parentId: 'r', album: `${n}` }));
    const nodes = [
      node('r'),
      ...many,
      going('goes', 1, 2, { parentId: 'r', album: 'zz' }),
      over('broke', 0, { parentId: 'r', album: 'zzz', status: 'failed' }),
    ];
    const { parts, partCounts } = runProgress()(stateOf('r', nodes, [])!);
    expect(parts).toHaveLength(500);
    expect(parts.slice(0, 2).map(({ runId }) => runId)).toEqual(['goes', 'broke']);
    expect(partCounts).toMatchObject({ succeeded: 2_000, running: 1, failed: 1 });
  });
});
