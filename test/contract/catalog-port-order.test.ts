import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RowChange } from '../../src/sync/catalog-port.ts';
import type { CatalogRow, Library } from '../../src/sync/types.ts';
import { agreed, local, moved, never, openTestCatalog, type TestCatalog, unsettled } from '../support/catalog.ts';

let world: TestCatalog;
beforeAll(async () => {
  world = await openTestCatalog();
});
afterAll(() => world.close());

const PHOTOS = ['a', 'b', 'x/c', 'x/d'];
const PLACES = [...PHOTOS, 'e', 'x/f', 'y/g'];

interface Step {
  readonly kind: 'move' | 'aside' | 'agree' | 'unsettle' | 'state' | 'refresh' | 'announce' | 'delete' | 'tidy';
  readonly photo: number;
  readonly place: number;
}
const step: fc.Arbitrary<Step> = fc.record({
  // A rename is what most of the others have to be held against.
  kind: fc.constantFrom(
    ...(['move', 'move', 'move', 'aside', 'agree', 'unsettle', 'state', 'refresh', 'announce', 'delete'] as const),
    'tidy' as const,
  ),
  photo: fc.nat(PHOTOS.length - 1),
  place: fc.nat(PLACES.length - 1),
});

/** What the steps come to in a catalog that has these rows, leaving out those that the catalog would refuse. */
function changesOf(library: Library, rows: readonly CatalogRow[], steps: readonly Step[]): RowChange[] {
  const at = new Map(rows.map((row) => [row.id, row.path]));
  const announced = new Set<string>();
  // Those that have been in the bucket.
  const taken = new Map<string, string>(rows.map((row) => [row.path, row.id]));
  const changes: RowChange[] = [];
  for (const [i, { kind, photo, place }] of steps.entries()) {
    const row = rows[photo]!;
    const path = PLACES[place]!;
    const now = at.get(row.id);
    const etag = `step ${i}`;
    if (kind === 'agree') {
      changes.push(agreed(library, path, { etag, local: { ...local, size: i } }));
      if (!taken.has(path)) taken.set(path, 'new');
      announced.delete(taken.get(path)!);
    } else if (kind === 'unsettle') {
      changes.push(unsettled(library, path, { error: etag }));
      announced.delete(taken.get(path) ?? '');
    } else if (kind === 'tidy') changes.push({ kind: 'tidied', key: library.prefix + path });
    else if (now === undefined) continue;
    else if (kind === 'state' || kind === 'refresh') {
      if (kind === 'state') changes.push({ kind: 'state', id: row.id, state: 'failed', error: etag });
      else changes.push({ kind: 'refreshed', id: row.id, etag, state: 'synced' });
      announced.delete(row.id);
    } else if (kind === 'announce') {
      changes.push({ kind: 'deleting', id: row.id });
      announced.add(row.id);
    } else if (kind === 'delete') {
      changes.push({ kind: 'deleted', id: row.id });
      if (!announced.has(row.id)) continue;
      at.delete(row.id);
      taken.delete(now);
    } else if (!taken.has(path)) {
      const from = { key: library.prefix + now, size: i, etag };
      changes.push(moved(library, row, path, { from, etag, aside: kind === 'aside' }));
      announced.delete(row.id);
      at.set(row.id, path);
      taken.delete(now);
      taken.set(path, row.id);
    }
  }
  return changes;
}

/** What is stored, with the ids that differ between two libraries replaced by what they stand for. */
async function stored(library: Library, rows: readonly CatalogRow[]) {
  const name = (id: string) => rows.find((row) => row.id === id)?.path ?? 'new';
  const sql = `SELECT p."id", p."path", p."fileName", p."key", p."etag", p."size", p."state", p."lastError",
                      p."deletingAt" IS NOT NULL AS deleting, a."path" AS album
                 FROM "Photo" AS p JOIN "Album" AS a ON a."id" = p."albumId" WHERE p."libraryId" = $1 ORDER BY p."key"`;
  const photos = await world.sql(sql, [library.id]);
  const left = await world.catalog.port.leftovers(library, never);
  return {
    photos: photos.map((photo) => ({ ...photo, id: name(photo['id']) })),
    leftovers: left.map(({ photo, ...rest }) => ({ ...rest, photo: name(photo.id) })),
  };
}

async function started(): Promise<{ library: Library; rows: CatalogRow[] }> {
  const library = await world.makeLibrary();
  await world.catalog.port.apply(
    library,
    PHOTOS.map((path) => agreed(library, path, { etag: path })),
  );
  return { library, rows: await world.rows(library) };
}

test('changes in one call come to the same as one by one', async () => {
  let written = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 14 }), async (steps) => {
      const [one, two] = [await started(), await started()];
      const changes = changesOf(two.library, two.rows, steps);
      for (const change of changesOf(one.library, one.rows, steps))
        await world.catalog.port.apply(one.library, [change]);
      await world.catalog.port.apply(two.library, changes);
      expect(await stored(two.library, two.rows)).toEqual(await stored(one.library, one.rows));
      written += changes.length;
    }),
    { numRuns: 80 },
  );
  // The random steps come to 400 or so: a generator that makes hardly any would hold this test up with nothing.
  expect(written).toBeGreaterThan(150);
});
