import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bigintArray, booleanArray, newIds, textArray, uuidArray } from '../../src/catalog/binary-arrays.ts';
import { createEmptyDatabase } from '../support/postgres.ts';

let database: { url: string; drop(): Promise<void> };
let client: pg.Client;
beforeAll(async () => {
  database = await createEmptyDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

/** What PostgreSQL read, each as text. */
async function readBack(type: string, values: Buffer): Promise<(string | null)[]> {
  const sql = `SELECT unnest($1::${type}[])::text AS value`;
  return (await client.query(sql, [values])).rows.map(({ value }) => value);
}

describe('an array in binary form is read as what it was made of', () => {
  test('texts, whatever the characters, with and without nulls, one alike after another', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 20 }).filter((value) => !value.includes('\0'));
    const texts = fc.array(fc.option(fc.oneof(text, fc.constantFrom('', 'again', 'ß中😀'))), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(texts, async (values) => {
        expect(await readBack('text', textArray(values))).toEqual(values);
      }),
    );
  });

  test('whole numbers, as bigints and as numbers, up to the largest', async () => {
    const value = fc.oneof(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.maxSafeInteger(),
      fc.constantFrom(2 ** 32, 2 ** 32 - 1, 2 ** 31, -1, 0, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
      fc.constantFrom(null, undefined),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(value, { maxLength: 30 }), async (values) => {
        expect(await readBack('bigint', bigintArray(values))).toEqual(values.map((one) => one?.toString() ?? null));
      }),
    );
  });

  test('booleans and ids', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean()), fc.array(fc.uuid()), async (flags, ids) => {
        expect(await readBack('boolean', booleanArray(flags))).toEqual(flags.map(String));
        const twice = ids.flatMap((id) => [id, id]);
        expect(await readBack('uuid', uuidArray(twice))).toEqual(twice);
      }),
    );
  });

  test('what is no 64-bit number is refused', () => {
    expect(() => bigintArray([2n ** 63n])).toThrow(RangeError);
    expect(() => bigintArray([2 ** 64])).toThrow(RangeError);
    expect(() => bigintArray([0.5])).toThrow(RangeError);
    for (const none of ['album', '']) expect(() => uuidArray([none])).toThrow(RangeError);
  });
});

describe('new ids', () => {
  test('are different ones of version 7, each greater than the one before', async () => {
    const ids = (await readBack('uuid', newIds(10_000))).map(String);
    expect(new Set(ids).size).toBe(10_000);
    expect(ids).toEqual(ids.toSorted());
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Math.abs(Number.parseInt(ids[0]!.replace('-', '').slice(0, 12), 16) - Date.now())).toBeLessThan(60_000);
  });

  test('made in the same moment differ too', async () => {
    const made = Array.from({ length: 200 }, () => newIds(5));
    const ids = new Set<string | null>();
    for (const some of made) for (const id of await readBack('uuid', some)) ids.add(id);
    expect(ids.size).toBe(1_000);
  });
});
