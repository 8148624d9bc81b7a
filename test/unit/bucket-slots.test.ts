import { describe, expect, test } from 'vitest';
import { Slots } from '../../src/bucket/slots.ts';

const live = new AbortController().signal;

describe('slots', () => {
  test('are given out up to their number, then in the order of asking', async () => {
    const slots = new Slots(2);
    const order: string[] = [];
    const first = await slots.take(live);
    const second = await slots.take(live);
    const third = slots.take(live).finally(() => order.push('third'));
    const fourth = slots.take(live).finally(() => order.push('fourth'));
    await Promise.resolve();
    expect(order).toEqual([]);
    first();
    (await third)();
    await fourth;
    second();
    expect(order).toEqual(['third', 'fourth']);
  });

  test('a slot freed twice is freed once', async () => {
    const slots = new Slots(1);
    const release = await slots.take(live);
    release();
    release();
    await slots.take(live);
    const waiting = slots.take(AbortSignal.abort(new Error('no second slot')));
    await expect(waiting).rejects.toThrow('no second slot');
  });

  test('whoever gives up waiting leaves the line, and the slot goes to the next', async () => {
    const slots = new Slots(1);
    const release = await slots.take(live);
    const impatient = new AbortController();
    const givenUp = slots.take(impatient.signal);
    const next = slots.take(live);
    impatient.abort(new Error('enough'));
    await expect(givenUp).rejects.toThrow('enough');
    release();
    await expect(next).resolves.toBeTypeOf('function');
  });
});
