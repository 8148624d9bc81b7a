/** The catalog's figures: photos by library and state, and what the runs did. */
import type { CatalogFigures, LibraryFigures, ReadFigures } from '../sync/figures.ts';
import type { PhotoState } from '../sync/types.ts';
import type { Database } from './database.ts';
import { RunSums } from './ended-runs.ts';
import { PhotoState as States } from './generated/enums.ts';

const NO_PHOTOS = Object.fromEntries(Object.values(States).map((state) => [state, 0])) as LibraryFigures['photos'];

/** Read off the index over library and state. */
const PHOTOS = `
SELECT l."id", l."name", p."state", p."count"::float8 AS "count"
  FROM "Library" AS l
  LEFT JOIN (SELECT "libraryId", "state", count(*) AS "count" FROM "Photo" GROUP BY 1, 2) AS p ON p."libraryId" = l."id"
 ORDER BY l."name"`;

interface PhotosRow {
  readonly id: string;
  readonly name: string;
  readonly state: PhotoState | null;
  readonly count: number | null;
}

/** Figures are kept for so many times what it took to read them: at most a twentieth of a connection goes into them. */
const KEPT_TIMES = 20;

/** A reading that takes longer has lost its connection; the next one takes another. */
const READING_MS = 120_000;

/**
 * Reads the catalog's figures, and answers those it has while they are no older than `keepMs` (longer where reading
 * them takes long; 0: keeps none). Whoever asks while they are read waits for the same ones.
 */
export function catalogFigures(database: Database, keepMs: number): ReadFigures {
  const runs = new RunSums();
  let kept: { readonly figures: CatalogFigures; readonly until: number } | null = null;
  let reading: Promise<CatalogFigures> | null = null;

  const read = async () => {
    const signal = AbortSignal.timeout(READING_MS);
    let begun = performance.now();
    await runs.read(database, signal);
    // The history's first reading, which is long, does not count.
    if (kept === null) begun = performance.now();
    const { rows } = await database.ask(() => database.pool.query<PhotosRow>(PHOTOS), signal);
    const figures = { ...runs.figures(), libraries: librariesOf(rows, runs) };
    const now = performance.now();
    if (keepMs > 0) kept = { figures, until: now + Math.max(keepMs, KEPT_TIMES * (now - begun)) };
    return figures;
  };
  return (signal) => {
    if (kept !== null && performance.now() < kept.until) return Promise.resolve(kept.figures);
    reading ??= read().finally(() => {
      reading = null;
    });
    const current = reading;
    return database.ask(() => current, signal);
  };
}

function librariesOf(rows: readonly PhotosRow[], runs: RunSums): LibraryFigures[] {
  const libraries = new Map<string, LibraryFigures>();
  for (const { id, name, state, count } of rows) {
    const library = libraries.get(id) ?? { library: name, photos: NO_PHOTOS, lastGoodMs: runs.lastGoodMs(id) };
    const photos = state === null ? library.photos : { ...library.photos, [state]: count ?? 0 };
    libraries.set(id, { ...library, photos });
  }
  return [...libraries.values()];
}
