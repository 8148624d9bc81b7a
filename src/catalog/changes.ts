/** CatalogPort.apply: what actions left behind, written all or none and a few statements for thousands of rows. */
import type pg from 'pg';
import { asRollcallError, RollcallError } from '../errors.ts';
import type { RowChange } from '../sync/catalog-port.ts';
import type { Library } from '../sync/types.ts';
import { albumIds } from './albums.ts';
import { independentGroups } from './change-groups.ts';
import { agreedQuery, type KeyedChange, unsettledQuery } from './change-inserts.ts';
import { moveRows, tidy } from './change-moves.ts';
import { type KnownChange, updateRows } from './change-updates.ts';
import { chunksOf } from './chunks.ts';
import type { Database } from './database.ts';
import { AT_ONCE, inTurn } from './in-turn.ts';
import { writeNewRows } from './new-rows.ts';
import { writeInLibrary } from './transaction.ts';

/** What photos without a row in one moment may have in the next, when another writer was quicker. */
type Expected = 'new' | 'any';

const nothing: ReadonlySet<KeyedChange> = new Set();

/** Writes the changes in one transaction; a repeated call changes nothing more. Later changes of one row win. */
export async function applyChanges(database: Database, library: Library, changes: readonly RowChange[]): Promise<void> {
  if (changes.length === 0) return;
  for (const change of changes) checkKey(library, change);
  try {
    await writeInLibrary(database, library, (client) => write(client, library, changes, 'new'));
  } catch (thrown) {
    if (asRollcallError(thrown).code !== 'NAME_COLLISION') throw thrown;
    await writeInLibrary(database, library, (client) => write(client, library, changes, 'any'));
  }
}

async function write(
  client: pg.PoolClient,
  library: Library,
  changes: readonly RowChange[],
  expected: Expected,
): Promise<void> {
  for (const group of independentGroups(changes, await keysOfIds(client, changes))) {
    await moveRows(
      client,
      library,
      group.filter((change) => change.kind === 'moved'),
    );
    await writeKeyed(client, library, group.filter(isKeyed), expected);
    for (const chunk of chunksOf(group.filter(isKnown))) await updateRows(client, library, chunk);
    await tidy(
      client,
      library,
      group.filter((change) => change.kind === 'tidied'),
    );
  }
}

async function writeKeyed(
  client: pg.PoolClient,
  library: Library,
  changes: readonly KeyedChange[],
  expected: Expected,
): Promise<void> {
  if (changes.length === 0) return;
  const albums = await albumIds(client, library, changes);
  // Rows are locked in the same order by every writer: fewer deadlocks.
  const sorted = changes.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const written = expected === 'new' ? await writeNewRows(client, library, albums, sorted) : nothing;
  await inTurn(
    client,
    keyedQueries(
      library,
      albums,
      sorted.filter((change) => !written.has(change)),
    ),
  );
}

function* keyedQueries(
  library: Library,
  albums: ReadonlyMap<string, string>,
  changes: readonly KeyedChange[],
): Generator<pg.QueryConfig> {
  for (const chunk of chunksOf(
    changes.filter((change) => change.kind === 'agreed'),
    AT_ONCE,
  )) {
    yield agreedQuery(library, albums, chunk);
  }
  for (const chunk of chunksOf(
    changes.filter((change) => change.kind === 'unsettled'),
    AT_ONCE,
  )) {
    yield unsettledQuery(library, albums, chunk);
  }
}

function isKeyed(change: RowChange): change is KeyedChange {
  return change.kind === 'agreed' || change.kind === 'unsettled';
}

function isKnown(change: RowChange): change is KnownChange {
  return 'id' in change && change.kind !== 'moved';
}

/** Only needed when some changes name their row by key and others by id. */
async function keysOfIds(client: pg.PoolClient, changes: readonly RowChange[]): Promise<ReadonlyMap<string, string>> {
  const ids = changes.flatMap((change) => ('id' in change ? [change.id] : []));
  const keyed = changes.some((change) => 'key' in change);
  if (ids.length === 0 || !keyed || changes.every((change) => change.kind === 'moved')) return new Map();
  const sql = 'SELECT "id", "key" FROM "Photo" WHERE "id" = ANY($1::uuid[])';
  const { rows } = await client.query<{ id: string; key: string }>(sql, [ids]);
  return new Map(rows.map((row) => [row.id, row.key]));
}

/**
 * A path belongs to one key only (DESIGN 9). Holding that here is what makes the two unique rules of a photo, its key
 * and its path in the library, never contradict each other.
 */
function checkKey(library: Library, change: RowChange): void {
  if (!('path' in change && 'key' in change) || change.key === library.prefix + change.path.normalize('NFC')) return;
  throw new RollcallError('NAME_INVALID', `"${change.path}" is not the path of the key "${change.key}"`);
}
