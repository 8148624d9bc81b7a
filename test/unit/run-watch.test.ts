import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { RollcallError } from '../../src/errors.ts';
import { createApp } from '../../src/http/app.ts';
import { prefersAsync } from '../../src/http/prefer.ts';
import { RunWatch } from '../../src/http/run-watch.ts';
import type { RunState } from '../../src/sync/run-state.ts';
import { RUN, RUN_STATE, testParts } from '../support/http-parts.ts';

const never = new AbortController().signal;

let reads = 0;
let now: RunState | null | RollcallError;
const runs = {
  follow: () => ({
    read: async () => {
      reads += 1;
      if (now instanceof RollcallError) throw now;
      return now;
    },
  }),
  run: async () => RUN,
};
const { log } = testParts();

const going = (done: number): RunState => ({
  ...RUN_STATE,
  ...{ status: 'running', phase: 'working', actions: { done, total: 100 }, changedMs: 1_000 + done },
});

beforeEach(() => {
  vi.useFakeTimers();
  reads = 0;
  now = going(0);
});
afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('watching a run', () => {
  test('costs as much for many listeners as for one, and nothing when they have gone', async () => {
    const watch = new RunWatch(runs, log);
    const listeners = await Promise.all(Array.from({ length: 200 }, () => watch.watch(RUN.id)));
    expect(reads).toBe(1);
    await pass(5_000);
    expect(reads).toBe(11);
    for (const listener of listeners.slice(1)) listener?.close();
    // Hanging up twice counts once.
    listeners[1]?.close();
    await pass(1_000);
    expect(reads).toBe(13);
    listeners[0]?.close();
    await pass(10_000);
    expect(reads).toBe(13);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('begins again for whoever comes after all had gone', async () => {
    const watch = new RunWatch(runs, log);
    (await watch.watch(RUN.id))?.close();
    now = going(5);
    const listener = await watch.watch(RUN.id);
    expect(listener?.latest).toMatchObject({ event: { actions: { done: 5 } } });
    listener?.close();
  });

  test('wakes its listeners when anything has changed, and only then', async () => {
    const listener = (await new RunWatch(runs, log).watch(RUN.id))!;
    const first = listener.latest;
    let woke = false;
    const waiting = listener.next(first, 60_000, never).then(() => {
      woke = true;
    });
    await pass(3_000);
    expect(woke).toBe(false);
    now = going(1);
    await pass(500);
    await waiting;
    expect(listener.latest).not.toBe(first);
    expect(listener.latest.id > first.id).toBe(true);
    listener.close();
  });

  test('gives one state one id, whoever looks and whenever', async () => {
    const [one, other] = [await new RunWatch(runs, log).watch(RUN.id), await new RunWatch(runs, log).watch(RUN.id)];
    expect(one?.latest.id).toBe(other?.latest.id);
    now = { ...going(0), heardMs: going(0).heardMs + 2_000 };
    await pass(500);
    expect(one?.latest.id).toBe(other?.latest.id);
    one?.close();
    other?.close();
  });

  test('stops looking when the run is over', async () => {
    const listener = (await new RunWatch(runs, log).watch(RUN.id))!;
    now = RUN_STATE;
    await pass(500);
    expect(listener.latest).toMatchObject({ what: 'ended', run: RUN });
    const looked = reads;
    await pass(10_000);
    expect(reads).toBe(looked);
    listener.close();
  });

  test('goes on when the database was away for a while', async () => {
    const listener = (await new RunWatch(runs, log).watch(RUN.id))!;
    now = new RollcallError('DATABASE_UNREACHABLE', 'away');
    await pass(20_000);
    now = going(7);
    await pass(5_000);
    expect(listener.latest).toMatchObject({ event: { actions: { done: 7 } } });
    listener.close();
  });

  test('is refused while the database is away, and can be asked for again', async () => {
    const watch = new RunWatch(runs, log);
    now = new RollcallError('DATABASE_UNREACHABLE', 'away');
    await expect(watch.watch(RUN.id)).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
    now = null;
    expect(await watch.watch(RUN.id)).toBeNull();
    now = going(1);
    const listener = await watch.watch(RUN.id);
    expect(listener).not.toBeNull();
    listener?.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('ends with a run that goes with its library', async () => {
    const listener = (await new RunWatch(runs, log).watch(RUN.id))!;
    now = null;
    await pass(500);
    expect(listener.latest).toMatchObject({ what: 'gone' });
    listener.close();
  });
});

describe('a listener', () => {
  const open = async (headers: Record<string, string> = {}, method = 'GET') => {
    const parts = testParts();
    const app = createApp({ ...parts, browser: { ...parts.browser, ...runs } });
    return app.request(`http://127.0.0.1/api/runs/${RUN.id}/events`, { headers, method });
  };
  const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

  test('that is slow is told of the latest when it can take it, not of all that was', async () => {
    const { body } = await open();
    const reader = body!.getReader();
    for (let done = 1; done <= 50; done++) {
      now = going(done);
      await pass(500);
    }
    now = RUN_STATE;
    await pass(500);
    let all = '';
    for (let read = await reader.read(); !read.done; read = await reader.read()) all += text(read.value);
    const events = [...all.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name);
    expect(events.at(-1)).toBe('report');
    expect(events.length).toBeLessThanOrEqual(4);
  });

  test('that waits is kept alive by comments', async () => {
    const { body } = await open();
    const reader = body!.getReader();
    expect(text((await reader.read()).value)).toMatch(/^event: progress\ndata: \{.*\}\nid: \S+\nretry: 2000\n\n$/);
    const waiting = reader.read();
    await pass(15_000);
    expect(text((await waiting).value)).toMatch(/^:.*\n\n$/);
    await reader.cancel();
    await pass(500);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('that knows the latest is told of what comes after it', async () => {
    const { body } = await open();
    const first = body!.getReader();
    const id = /^id: (.*)$/m.exec(text((await first.read()).value))?.[1] ?? '';
    await first.cancel();
    const second = (await open({ 'Last-Event-ID': id })).body!.getReader();
    expect(text((await second.read()).value)).toMatch(/^:/);
    const waiting = second.read();
    now = going(1);
    await pass(1_000);
    expect(text((await waiting).value)).toContain('"done":1,');
    await second.cancel();
  });

  test('that asks for the head only leaves nothing behind', async () => {
    const { status, headers } = await open({}, 'HEAD');
    expect(status).toBe(200);
    expect(headers.get('Content-Type')).toContain('text/event-stream');
    await pass(5_000);
    expect(vi.getTimerCount()).toBe(0);
    expect(reads).toBe(1);
  });
});

test.each([
  ['respond-async', true],
  ['Respond-Async', true],
  ['wait=10, respond-async', true],
  ['respond-async; foo="bar", wait=10', true],
  ['return=minimal', false],
  ['respond-asynchronously', false],
  ['', false],
  [undefined, false],
])('Prefer: %s is understood', (header, expected) => {
  expect(prefersAsync(header)).toBe(expected);
});
