import { expect, test } from 'vitest';
import { Budget } from '../../src/media/budget.ts';

const { signal } = new AbortController();

/** Takes, and notes its name when it was given. */
function taker(budget: Budget, given: string[]) {
  return (name: string, amount: number, until: AbortSignal = signal) =>
    budget.take(amount, until).then((release) => {
      given.push(name);
      return release;
    });
}

test('a budget is given out in turn: what is small does not pass what is large', async () => {
  const given: string[] = [];
  const take = taker(new Budget(10), given);
  const first = await take('first', 6);
  const waiting = [take('large', 8), take('small', 1)];
  await new Promise(setImmediate);
  expect(given).toEqual(['first']);
  first();
  await Promise.all(waiting);
  expect(given).toEqual(['first', 'large', 'small']);
});

test('what wants more than there is gets all of it, alone', async () => {
  const given: string[] = [];
  const take = taker(new Budget(10), given);
  const huge = await take('huge', 1_000);
  const next = take('next', 1);
  await new Promise(setImmediate);
  expect(given).toEqual(['huge']);
  huge();
  (await next)();
  (await take('huge again', 1_000))();
  expect(given).toEqual(['huge', 'next', 'huge again']);
});

test('who gives up waiting holds nobody up', async () => {
  const given: string[] = [];
  const take = taker(new Budget(10), given);
  await take('first', 6);
  const abort = new AbortController();
  const large = take('large', 8, abort.signal);
  const small = take('small', 4);
  abort.abort(new Error('enough'));
  await expect(large).rejects.toThrow('enough');
  await small;
  expect(given).toEqual(['first', 'small']);
});
