/** CatalogPort.apply: what actions left behind, written all or none and a few statements for thousands of rows. */
import type pg from 'pg';
import { RollcallError } from '../errors.ts';
import type { RowChange } from '../sync/catalog-port.ts';
import type { Library } from '../sync/types.ts';
import { albumIds } from './albums.ts';
import { independentGroups } from './change-groups.ts';
import { agreedQuery, type KeyedChange, unsettledQuery } from './change-inserts.ts';
import { moveRows, tidy } from './change-moves.ts';
import { type KnownChange, updateRows } from './change-updates.ts';
import { chunksOf } from './chunks.ts';
import type { Database } from './database.ts';
import { writeInLibrary } from './transaction.ts';

/** So few that they are on their way, whole, before the next ones are made. */
const AT_ONCE = 2_000;

/** Writes the changes in one transaction; a repeated call changes nothing more. Later changes of one row win. */
export async function applyChanges(database: Database, library: Library, changes: readonly RowChange[]): Promise<void> {
  if (changes.length === 0) return;
  for (const change of changes) checkKey(library, change);
  await writeInLibrary(database, library, (client) => write(client, library, changes));
}

async function write(client: pg.PoolClient, library: Library, changes: readonly RowChange[]): Promise<void> {
  for (const group of independentGroups(changes, await keysOfIds(client, changes))) {
    await moveRows(
      client,
      library,
      group.filter((change) => change.kind === 'moved'),
    );
    await writeKeyed(client, library, group.filter(isKeyed));
    for (const chunk of chunksOf(group.filter(isKnown))) await updateRows(client, library, chunk);
    await tidy(
      client,
      library,
      group.filter((change) => change.kind === 'tidied'),
    );
  }
}

async function writeKeyed(client: pg.PoolClient, library: Library, changes: readonly KeyedChange[]): Promise<void> {
  if (changes.length === 0) return;
  const albums = await albumIds(client, library, changes);
  // Rows are locked in the same order by every writer: fewer deadlocks.
  const sorted = changes.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  await inTurn(client, keyedQueries(library, albums, sorted));
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

/** One after another; the next one is made while the server is at work on the one before it. */
async function inTurn(client: pg.PoolClient, queries: Iterable<pg.QueryConfig>): Promise<void> {
  let running: Promise<unknown> = Promise.resolve();
  for (const query of queries) {
    await running;
    running = client.query(query);
    // It is awaited below, unless the next one cannot be made.
    running.catch(() => {});
  }
  await running;
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
