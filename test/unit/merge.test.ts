import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareKeys } from '../../src/sync/key-order.ts';
import { mergeBucket, mergeDiskAndCatalog } from '../../src/sync/merge.ts';
import type { BucketObject, CatalogRow, LocalFile, Triple } from '../../src/sync/types.ts';

const file = (key: string) => ({ key }) as LocalFile;
const row = (key: string) => ({ key }) as CatalogRow;
const object = (key: string) => ({ key }) as BucketObject;

/** Splits into batches of these sizes in turn, empty ones among them, as an adapter may; the rest comes last. */
async function* inBatches<E>(entries: readonly E[], sizes: readonly number[]): AsyncGenerator<readonly E[]> {
  let at = 0;
  for (const size of [...sizes, ...sizes, ...sizes]) {
    yield entries.slice(at, at + size);
    at += size;
  }
  yield entries.slice(at);
}

async function collect(triples: AsyncIterable<readonly Triple[]>): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of triples) {
    for (const { key, local, row: known, object: held } of batch) {
      found.push(`${key} ${local ? 'L' : '-'}${known ? 'R' : '-'}${held ? 'O' : '-'}`);
    }
  }
  return found;
}

// Few distinct keys, so that sides share some; astral characters and the bytes around `/` among them.
const keys = fc
  .uniqueArray(fc.stringMatching(/^[a-c/.\-0\u{1F600}\uFFFD]{1,4}$/u), { maxLength: 40 })
  .map((all) => all.sort(compareKeys));
const sizes = fc.array(fc.nat(5), { minLength: 1, maxLength: 4 });

test('the merge of any three sorted sides is what a map of all keys in byte order would say', async () => {
  await fc.assert(
    fc.asyncProperty(keys, keys, keys, sizes, async (disk, catalog, bucket, batches) => {
      const pairs = mergeDiskAndCatalog(inBatches(disk.map(file), batches), inBatches(catalog.map(row), batches));
      const merged = await collect(mergeBucket(pairs, inBatches(bucket.map(object), batches)));
      const all = [...new Set([...disk, ...catalog, ...bucket])];
      all.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      const has = (side: readonly string[], letter: string, key: string) => (side.includes(key) ? letter : '-');
      expect(merged).toEqual(
        all.map((key) => `${key} ${has(disk, 'L', key)}${has(catalog, 'R', key)}${has(bucket, 'O', key)}`),
      );
    }),
    { numRuns: 500 },
  );
});

test('a consumer that stops early ends both inventories', async () => {
  const ended: string[] = [];
  async function* endless<E>(name: string, make: (key: string) => E): AsyncGenerator<readonly E[]> {
    try {
      for (let i = 0; ; i++) yield [make(String(i).padStart(9, '0'))];
    } finally {
      ended.push(name);
    }
  }
  for await (const _ of mergeDiskAndCatalog(endless('disk', file), endless('catalog', row))) break;
  expect(ended.sort()).toEqual(['catalog', 'disk']);
});

test('an inventory that fails makes the merge fail, and ends the other', async () => {
  let ended = false;
  async function* failing(): AsyncGenerator<readonly CatalogRow[]> {
    yield [row('a')];
    throw new Error('database down');
  }
  async function* files(): AsyncGenerator<readonly LocalFile[]> {
    try {
      yield [file('a')];
      yield [file('b')];
      yield [file('c')];
    } finally {
      ended = true;
    }
  }
  await expect(collect(mergeDiskAndCatalog(files(), failing()))).rejects.toThrow('database down');
  expect(ended).toBe(true);
});
