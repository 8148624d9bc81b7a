import { describe, expect, test } from 'vitest';
import { BodyMemory, type Lease } from '../../src/bucket/body-memory.ts';

const live = new AbortController().signal;
const KIB = 1024;

/** Resolves to false while it has to wait. */
async function isLent(lease: Promise<Lease>): Promise<boolean> {
  const turns = new Promise<false>((resolve) => setImmediate(() => resolve(false)));
  return Promise.race([lease.then(() => true), turns]);
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
    const { buffer } = first.room(500 * KIB);
    first.end(true);
    const second = await memory.take(400 * KIB, live);
    expect(second.room(400 * KIB).buffer).toBe(buffer);
    expect(second.room(400 * KIB)).toHaveLength(400 * KIB);
  });

  test('is not used again when somebody may still read or write there', async () => {
    const memory = new BodyMemory(1024 * KIB);
    const first = await memory.take(500 * KIB, live);
    const { buffer } = first.room(500 * KIB);
    first.end(false);
    first.end(true);
    const second = await memory.take(500 * KIB, live);
    expect(second.room(500 * KIB).buffer).not.toBe(buffer);
  });

  test('makes room for other sizes by forgetting what lies idle', async () => {
    const memory = new BodyMemory(1024 * KIB);
    const large = await memory.take(1024 * KIB, live);
    large.room(1);
    large.end(true);
    const many = await Promise.all(Array.from({ length: 16 }, () => memory.take(64 * KIB, live)));
    expect(await isLent(memory.take(1, live))).toBe(false);
    expect(many).toHaveLength(16);
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
