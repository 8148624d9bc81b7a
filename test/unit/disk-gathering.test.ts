import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Gathering } from '../../src/disk/watch-gathering.ts';

let told: (string[] | null)[];
let gathering: Gathering;

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  gathering = new Gathering(100, (albums) => void told.push(albums && [...albums]));
});

afterEach(() => vi.useRealTimers());

test('changes are told once the disk was quiet for a while', () => {
  gathering.add('a');
  vi.advanceTimersByTime(99);
  gathering.add('b');
  gathering.add('a');
  vi.advanceTimersByTime(99);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(told).toEqual([['a', 'b']]);
  vi.advanceTimersByTime(10_000);
  expect(told).toHaveLength(1);
  gathering.add('c');
  vi.advanceTimersByTime(100);
  expect(told).toEqual([['a', 'b'], ['c']]);
});

test('changes without end are told after ten times that', () => {
  for (let i = 0; i < 30; i++) {
    gathering.add('a');
    vi.advanceTimersByTime(50);
  }
  expect(told).toEqual([['a']]);
});

test('what may have happened anywhere swallows what happened somewhere, until it is told', () => {
  gathering.add('a');
  gathering.addAll();
  gathering.add('b');
  vi.advanceTimersByTime(100);
  gathering.add('c');
  vi.advanceTimersByTime(100);
  expect(told).toEqual([null, ['c']]);
});

test('more than a thousand albums are anywhere', () => {
  for (let i = 0; i < 1_000; i++) gathering.add(String(i));
  vi.advanceTimersByTime(100);
  expect(told[0]).toHaveLength(1_000);
  for (let i = 0; i < 1_001; i++) gathering.add(String(i));
  vi.advanceTimersByTime(100);
  expect(told[1]).toBeNull();
});

test('nothing is told after the end', () => {
  gathering.add('a');
  gathering.close();
  gathering.add('b');
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual([]);
});
