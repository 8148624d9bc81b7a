import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RollcallError } from '../../src/errors.ts';
import { startTwoWay, type TwoWayParts } from '../../src/jobs/two-way.ts';
import type { SyncRequest } from '../../src/sync/service.ts';
import type { Report } from '../../src/sync/types.ts';
import { LIBRARY, type LogLine, REPORT } from '../support/http-parts.ts';
import { createWorld, type World } from '../support/world.ts';

type Sync = (request: SyncRequest, signal: AbortSignal) => Promise<Report>;

const FAMILY = { ...LIBRARY, sync: 'both' } as const;
const WORK = { ...LIBRARY, id: '22222222-1111-4111-8111-111111111111', name: 'Work', sync: 'both' } as const;

/** The schedule over a service of the test's own, with a clock that stands still: each cycle is asked for. */
function schedule(
  sync: Sync,
  libraries: readonly (typeof LIBRARY)[] = [FAMILY],
  list?: TwoWayParts['libraries']['list'],
) {
  const lines: LogLine[] = [];
  const line = (level: LogLine['level']) => (fields: object, message: string) =>
    void lines.push({ level, fields: fields as Record<string, unknown>, message });
  const naps: number[] = [];
  let wake: (() => void) | null = null;
  let slept = Promise.withResolvers<void>();
  const stop = new AbortController();
  const parts: TwoWayParts = {
    service: { sync: (request, _hooks, signal) => sync(request, signal) },
    libraries: { list: list ?? (async () => ({ items: libraries, nextCursor: null })) },
    intervalSeconds: 60,
    log: { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') },
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        naps.push(ms);
        wake = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
        slept.resolve();
      }),
  };
  const ended = startTwoWay(parts, stop.signal);
  return {
    lines,
    naps,
    ended,
    /** Resolves when the cycle under way is over. */
    cycleEnds: () => slept.promise,
    nextCycle(): Promise<void> {
      slept = Promise.withResolvers();
      wake?.();
      return slept.promise;
    },
    stop: () => {
      stop.abort(new DOMException('stopped', 'AbortError'));
      return ended;
    },
  };
}

describe('the schedule', () => {
  test('syncs both ways the libraries that ask for it, and only those', async () => {
    const asked: SyncRequest[] = [];
    const cycles = schedule(
      async (request) => {
        asked.push(request);
        return REPORT;
      },
      [FAMILY, { ...LIBRARY, id: 'up' }, WORK],
    );
    await cycles.cycleEnds();
    expect(asked).toEqual([
      { library: FAMILY.id, direction: 'both' },
      { library: WORK.id, direction: 'both' },
    ]);
    await cycles.stop();
  });

  test('reads every page of the libraries', async () => {
    const asked: string[] = [];
    const cycles = schedule(
      async ({ library }) => {
        asked.push(library ?? '');
        return REPORT;
      },
      [],
      async ({ cursor }) =>
        cursor === undefined ? { items: [FAMILY], nextCursor: 'more' } : { items: [WORK], nextCursor: null },
    );
    await cycles.cycleEnds();
    expect(asked).toEqual([FAMILY.id, WORK.id]);
    await cycles.stop();
  });

  test('never has two cycles at once: the interval is counted from the end of one', async () => {
    let running = 0;
    let most = 0;
    const gates: (() => void)[] = [];
    const cycles = schedule(async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => gates.push(resolve));
      running -= 1;
      return REPORT;
    });
    await expect.poll(() => gates.length).toBe(1);
    expect(cycles.naps).toEqual([]);
    gates.shift()?.();
    await cycles.cycleEnds();
    expect(cycles.naps).toEqual([60_000]);
    const second = cycles.nextCycle();
    await expect.poll(() => gates.length).toBe(1);
    gates.shift()?.();
    await second;
    expect(most).toBe(1);
    await cycles.stop();
  });

  test.each([
    ['a bucket that cannot be reached', new RollcallError('BUCKET_UNREACHABLE', 'no route to the bucket')],
    ['credentials that ran out', new RollcallError('BUCKET_CREDENTIALS', 'the token has expired')],
    ['a guard', new RollcallError('GUARD_EMPTY_ROOT', 'the root is empty')],
    ['a database that went away', new RollcallError('DATABASE_UNREACHABLE', 'no database')],
    ['something nobody foresaw', new TypeError('undefined is not a function')],
  ])('logs %s, syncs the other libraries, and tries again next time', async (_name, thrown) => {
    let healed = false;
    const good: (string | undefined)[] = [];
    const cycles = schedule(
      async ({ library }) => {
        if (library === FAMILY.id && !healed) throw thrown;
        good.push(library);
        return REPORT;
      },
      [FAMILY, WORK],
    );
    await cycles.cycleEnds();
    expect(cycles.lines.filter(({ level }) => level === 'error')).toMatchObject([
      { message: `Two-way sync of Family failed: ${thrown.message}` },
    ]);
    expect(good).toEqual([WORK.id]);
    healed = true;
    await cycles.nextCycle();
    expect(good).toEqual([WORK.id, FAMILY.id, WORK.id]);
    await cycles.stop();
  });

  test('outlives a database that cannot even name the libraries', async () => {
    let healed = false;
    let synced = 0;
    const cycles = schedule(
      async () => {
        synced += 1;
        return REPORT;
      },
      [],
      async () => {
        if (!healed) throw new RollcallError('DATABASE_UNREACHABLE', 'no database');
        return { items: [FAMILY], nextCursor: null };
      },
    );
    await cycles.cycleEnds();
    expect(cycles.lines).toMatchObject([{ level: 'error', fields: { code: 'DATABASE_UNREACHABLE' } }]);
    healed = true;
    await cycles.nextCycle();
    expect(synced).toBe(1);
    await cycles.stop();
  });

  test('makes no noise of a sync that is at work already, until it has been in the way ten times in a row', async () => {
    const cycles = schedule(async () => {
      throw new RollcallError('SYNC_IN_PROGRESS', 'a sync since 10:00');
    });
    await cycles.cycleEnds();
    for (let turn = 2; turn < 10; turn++) await cycles.nextCycle();
    expect(new Set(cycles.lines.map(({ level }) => level))).toEqual(new Set(['debug']));
    await cycles.nextCycle();
    expect(cycles.lines.filter(({ level }) => level === 'warn')).toMatchObject([
      { message: expect.stringContaining('10th time in a row') },
    ]);
    await cycles.stop();
  });

  test('says a warning of a report once, and again when it has changed', async () => {
    let warning = 'LOST: a.jpg';
    const cycles = schedule(async () => ({ ...REPORT, warnings: [warning] }));
    await cycles.cycleEnds();
    await cycles.nextCycle();
    expect(cycles.lines).toMatchObject([{ level: 'warn', message: 'Two-way sync of Family: LOST: a.jpg' }]);
    warning = 'LOST: a.jpg, b.jpg';
    await cycles.nextCycle();
    expect(cycles.lines).toHaveLength(2);
    await cycles.stop();
  });

  test('when it is told to stop finishes what is in flight, and begins nothing else', async () => {
    const gate = Promise.withResolvers<void>();
    const asked: string[] = [];
    let finished = false;
    let over = false;
    const cycles = schedule(
      async ({ library }, signal) => {
        asked.push(library ?? '');
        await gate.promise;
        finished = true;
        expect(signal.aborted).toBe(true);
        return { ...REPORT, status: 'failed', error: { code: 'CANCELLED', message: 'the run was cancelled' } };
      },
      [FAMILY, WORK],
    );
    await expect.poll(() => asked.length).toBe(1);
    const stopped = cycles.stop().then(() => {
      over = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(over).toBe(false);
    gate.resolve();
    await stopped;
    expect(finished).toBe(true);
    expect(asked).toEqual([FAMILY.id]);
    expect(cycles.lines).toEqual([]);
  });

  test('is off with an interval of 0', async () => {
    const off: Promise<void> = startTwoWay(
      {
        service: { sync: () => Promise.reject(new Error('asked for')) },
        libraries: { list: () => Promise.reject(new Error('asked for')) },
        intervalSeconds: 0,
        log: { debug() {}, info() {}, warn() {}, error() {} },
      },
      new AbortController().signal,
    );
    await expect(off).resolves.toBeUndefined();
  });
});

describe('the schedule over a real library', () => {
  let world: World;
  beforeEach(async () => {
    world = await createWorld();
    await world.catalog.libraries.update(world.library.id, { sync: 'both' });
  });
  afterEach(() => world.close());

  /** So many cycles on end. */
  async function cycles(wanted: number, between: (done: number) => void = () => {}): Promise<void> {
    const stop = new AbortController();
    let done = 0;
    const note = (_fields: object, message: string) => void world.logged.push(message);
    await startTwoWay(
      {
        service: world.service,
        libraries: world.catalog.libraries,
        intervalSeconds: 60,
        log: { debug: note, info: note, warn: note, error: note },
        sleep: async () => {
          between(++done);
          if (done === wanted) stop.abort();
        },
      },
      stop.signal,
    );
  }

  test('brings both sides together, and then finds nothing more to do', async () => {
    world.write('here.jpg', 'only here');
    await world.put('photos/there.jpg', 'only there');
    await cycles(1);
    expect(existsSync(join(world.root, 'there.jpg'))).toBe(true);
    expect(await world.read('photos/here.jpg')).toBe('only here');
    expect(world.logged).toContain('S3 sync completed: ⬇️  1 downloaded, ⬆️  1 uploaded, ⏭️  0 skipped');
    world.logged.length = 0;
    await cycles(1);
    expect(world.logged).toContain('S3 sync: All files in sync (⏭️  4 files already exist)');
  });

  test('does not call in sync what waits or differs, though nothing moved', async () => {
    world.write('being-written.jpg', 'half', world.clock.nowMs / 1_000);
    await cycles(1);
    expect(world.logged).toContain('S3 sync completed: ⬇️  0 downloaded, ⬆️  0 uploaded, ⏭️  0 skipped');
    world.remove('being-written.jpg');
    world.write('a.jpg', 'mine');
    await world.put('photos/a.jpg', 'other');
    world.logged.length = 0;
    await cycles(1);
    expect(world.logged).toContain('S3 sync completed: ⬇️  0 downloaded, ⬆️  0 uploaded, ⏭️  2 skipped');
  });

  test('after a cycle that the bucket refused the next one does the work, and the history tells both', async () => {
    world.write('a.jpg', 'a');
    const history = async () => (await world.catalog.browser.twoWayHistory(AbortSignal.timeout(150_000)))[0];
    expect(await history()).toEqual({ library: 'test', lastGoodAt: null, failingSince: null, error: null });
    world.proxy.fail(() => ({ kind: 'answer', status: 403, body: '<Error><Code>AccessDenied</Code></Error>' }));
    await cycles(2);
    const failing = await history();
    expect(failing).toMatchObject({ lastGoodAt: null, error: expect.stringMatching(/denied/i) });
    expect(failing?.failingSince).not.toBeNull();
    expect(await world.keys()).toEqual([]);
    world.proxy.reset();
    world.proxy.fail(() => null);
    await cycles(1);
    expect(await world.keys()).toEqual(['photos/a.jpg']);
    const good = await history();
    expect(good).toMatchObject({ failingSince: null, error: null });
    expect(good?.lastGoodAt).not.toBeNull();
  });

  test('runs that go one way, over an album, dry or stopped say nothing of the two-way history', async () => {
    world.write('a.jpg', 'a');
    await world.sync();
    await world.sync({ direction: 'both', dryRun: true });
    await world.sync({ direction: 'both', album: '.' });
    const stop = new AbortController();
    const hooks = { onStart: () => stop.abort(new DOMException('stopped', 'AbortError')) };
    const stopped = await world.service.sync({ library: 'test', direction: 'both' }, hooks, stop.signal);
    expect(stopped).toMatchObject({ status: 'failed', error: { code: 'CANCELLED' } });
    expect(await world.catalog.browser.twoWayHistory(AbortSignal.timeout(150_000))).toEqual([
      { library: 'test', lastGoodAt: null, failingSince: null, error: null },
    ]);
  });

  test('a disk that is not there is refused until it is back, and nothing is marked or deleted meanwhile', async () => {
    world.write('a.jpg', 'a');
    await cycles(1);
    world.remove('a.jpg');
    await cycles(2, (done) => {
      if (done === 1) {
        expect(world.logged.some((line) => line.startsWith('Two-way sync of test failed:'))).toBe(true);
        world.write('a.jpg', 'a');
      }
    });
    expect(await world.states()).toEqual({ 'a.jpg': 'synced' });
    expect(await world.keys()).toEqual(['photos/a.jpg']);
  });
});
