import { describe, expect, test, vi } from 'vitest';
import { BodyMemory, type Lease } from '../../src/bucket/body-memory.ts';

const live = new AbortController().signal;
const KIB = 1024;

/** Resolves to false while it has to wait. */
async function isLent(lease: Promise<Lease>): Promise<boolean> {
  const turns = new Promise<false>((resolve) => setImmediate(() => resolve(false)));
  return Promise.race([lease.then(() => true), turns]);
}

function placeOf({ buffer, byteOffset }: Buffer) {
  return { buffer, byteOffset };
}

describe('the memory for bodies', () => {
  test('is lent up to its limit, then in the order of asking', async () => {
    const memory = new BodyMemory(1024 * KIB);
    const first = await memory.take(512 * KIB, live);
    const second = await memory.take(512 * KIB, live);
    const large = memory.take(1024 * KIB, live);
    const small = memory.take(64 * KIB, live);
    first.end(true);
    // There would be room for the small one: then the large one might wait for ever.
    expect(await isLent(small)).toBe(false);
    second.end(true);
    expect(await isLent(large)).toBe(true);
    expect(await isLent(small)).toBe(false);
    (await large).end(true);
    expect(await isLent(small)).toBe(true);
  });

  test('of which there is not so much in one piece is lent piece by piece', async () => {
    // More than any process can address.
    const memory = new BodyMemory(2 ** 50);
    const [one, two] = [await memory.take(100, live), await memory.take(200, live)];
    one.room(100).fill(1);
    two.room(200).fill(2);
    expect(one.room(100).every((byte) => byte === 1)).toBe(true);
    expect(two.room(200).every((byte) => byte === 2)).toBe(true);
    one.end(true);
    two.end(true);
    expect(await isLent(memory.take(100, live))).toBe(true);
  });

  test('lends more than there is to whoever is alone, and to nobody besides', async () => {
    const memory = new BodyMemory(128 * KIB);
    const little = await memory.take(1, live);
    const huge = memory.take(1024 * KIB, live);
    expect(await isLent(huge)).toBe(false);
    little.end(true);
    expect(await isLent(huge)).toBe(true);
    expect((await huge).room(1024 * KIB)).toHaveLength(1024 * KIB);
    const next = memory.take(1, live);
    expect(await isLent(next)).toBe(false);
    (await huge).end(true);
    expect(await isLent(next)).toBe(true);
  });

  test('is used again, also for something smaller', async () => {
    const memory = new BodyMemory(1024 * KIB);
    const first = await memory.take(500 * KIB, live);
    const at = placeOf(first.room(500 * KIB));
    first.end(true);
    const second = await memory.take(400 * KIB, live);
    expect(placeOf(second.room(400 * KIB))).toEqual(at);
    expect(second.room(400 * KIB)).toHaveLength(400 * KIB);
  });

  test('is not used again when somebody may still read or write there', async () => {
    const memory = new BodyMemory(1024 * KIB);
    const first = await memory.take(100 * KIB, live);
    const lost = placeOf(first.room(100 * KIB));
    first.end(false);
    first.end(true);
    for (let n = 0; n < 100; n++) {
      const next = await memory.take(100 * KIB, live);
      expect(placeOf(next.room(100 * KIB))).not.toEqual(lost);
      next.end(true);
    }
  });

  test('is made anew once much of it was lost, and what is out counts meanwhile', async () => {
    const memory = new BodyMemory(1024 * KIB);
    const kept = await memory.take(256 * KIB, live);
    const old = kept.room(1).buffer;
    const losing = await memory.take(512 * KIB, live);
    losing.end(false);
    const next = await memory.take(768 * KIB, live);
    expect(next.room(1).buffer).not.toBe(old);
    const more = memory.take(1, live);
    expect(await isLent(more)).toBe(false);
    kept.end(true);
    expect(await isLent(more)).toBe(true);
  });

  test('is lent even if all of it was lost in small pieces', async () => {
    const memory = new BodyMemory(64 * KIB);
    for (let n = 0; n < 100; n++) {
      const lease = await memory.take(60 * KIB, live);
      lease.room(1);
      lease.end(n % 2 > 0);
    }
    expect(await isLent(memory.take(64 * KIB, live))).toBe(true);
  });

  test('is lent in one piece again once those around it have come back, in whichever order', async () => {
    const memory = new BodyMemory(1024 * KIB);
    const few = await Promise.all(Array.from({ length: 8 }, () => memory.take(128 * KIB, live)));
    for (const n of [1, 3, 5, 7]) few[n]?.end(true);
    const half = memory.take(512 * KIB, live);
    expect(await isLent(half)).toBe(false);
    for (const n of [2, 0, 4]) few[n]?.end(true);
    expect(await isLent(half)).toBe(true);
    (await half).end(true);
    few[6]?.end(true);
    expect((await memory.take(1024 * KIB, live)).room(1024 * KIB)).toHaveLength(1024 * KIB);
  });

  test('never lends the same place twice at a time', async () => {
    const memory = new BodyMemory(256 * KIB);
    const use = async (n: number) => {
      const bytes = ((n * 7919) % 90) * KIB + 1;
      const lease = await memory.take(bytes, live);
      const room = lease.room(bytes).fill(n);
      await new Promise(setImmediate);
      expect(room.every((byte) => byte === n % 256)).toBe(true);
      lease.end(n % 7 > 0);
    };
    await Promise.all(Array.from({ length: 60 }, (_, n) => use(n)));
  });

  test('is given back when nothing is sent for a while', async () => {
    vi.useFakeTimers();
    try {
      const memory = new BodyMemory(1024 * KIB);
      const first = await memory.take(1, live);
      const { buffer } = first.room(1);
      first.end(true);
      vi.advanceTimersByTime(9_000);
      const second = await memory.take(1, live);
      expect(second.room(1).buffer).toBe(buffer);
      vi.advanceTimersByTime(60_000);
      expect(second.room(1).buffer).toBe(buffer);
      second.end(true);
      vi.advanceTimersByTime(60_000);
      expect((await memory.take(1, live)).room(1).buffer).not.toBe(buffer);
    } finally {
      vi.useRealTimers();
    }
  });

  test('whoever gives up waiting leaves the line, and those behind who want less get it', async () => {
    const memory = new BodyMemory(128 * KIB);
    const held = await memory.take(64 * KIB, live);
    const impatient = new AbortController();
    const large = memory.take(128 * KIB, impatient.signal);
    const small = memory.take(64 * KIB, live);
    expect(await isLent(small)).toBe(false);
    impatient.abort(new Error('enough'));
    await expect(large).rejects.toThrow('enough');
    expect(await isLent(small)).toBe(true);
    held.end(true);
    await expect(memory.take(1, AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
  });

  test('has no room beyond what was asked for, and none any more after the end', async () => {
    const memory = new BodyMemory(1024 * KIB);
    const lease = await memory.take(100 * KIB, live);
    expect(() => lease.room(200 * KIB)).toThrow('no room');
    lease.end(true);
    expect(() => lease.room(1)).toThrow('no room');
  });

  test('never lends more than its limit at once, whatever is asked for', async () => {
    const memory = new BodyMemory(4096 * KIB);
    let [lent, most] = [0, 0];
    const use = async (n: number) => {
      const bytes = ((n * 7919) % 3000) * KIB + 1;
      const lease = await memory.take(bytes, live);
      lent += lease.room(bytes).length;
      most = Math.max(most, lent);
      await new Promise(setImmediate);
      lent -= bytes;
      lease.end(n % 3 > 0);
    };
    await Promise.all(Array.from({ length: 300 }, (_, n) => use(n)));
    expect(lent).toBe(0);
    expect(most).toBeLessThanOrEqual(4096 * KIB);
  });
});
