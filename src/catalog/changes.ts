/** CatalogPort.apply: what actions left behind, written all or none and a few statements for thousands of rows. */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { RollcallError } from '../errors.ts';
import type { RowChange } from '../sync/catalog-port.ts';
import type { Library } from '../sync/types.ts';
import { albumIds } from './albums.ts';
import { type KeyedChange, writeAgreed, writeUnsettled } from './change-inserts.ts';
import { type KnownChange, updateRows } from './change-updates.ts';
import { type Database, inTransaction } from './database.ts';
import { sqlState } from './errors.ts';

/** Rows of one statement: enough that its round trip does not count, few enough that its arrays stay small. */
const CHUNK = 5_000;
const ATTEMPTS = 5;
/** Deadlock, serialisation failure: another transaction was in the way and trying again is the cure. */
const TRY_AGAIN = new Set(['40001', '40P01']);

/** Writes the changes in one transaction; a repeated call changes nothing more. Later changes of one row win. */
export async function applyChanges(database: Database, library: Library, changes: readonly RowChange[]): Promise<void> {
  if (changes.length === 0) return;
  for (const change of changes) checkKey(library, change);
  for (let attempt = 1; ; attempt++) {
    try {
      await database.ask(() => inTransaction(database.pool, (client) => write(client, library, changes)));
      return;
    } catch (thrown) {
      const state = sqlState(thrown instanceof RollcallError ? thrown.cause : thrown);
      if (attempt === ATTEMPTS || state === undefined || !TRY_AGAIN.has(state)) throw refusal(thrown, state, library);
      await sleep(attempt * 20 * (1 + Math.random()));
    }
  }
}

async function write(client: pg.PoolClient, library: Library, changes: readonly RowChange[]): Promise<void> {
  for (const group of independentGroups(changes, await keysOfIds(client, changes))) {
    const keyed = group.filter((change) => 'key' in change);
    const known = group.filter((change) => 'id' in change);
    await writeKeyed(client, library, keyed);
    for (const chunk of chunks(known)) await updateRows(client, library, chunk);
  }
}

async function writeKeyed(client: pg.PoolClient, library: Library, changes: readonly KeyedChange[]): Promise<void> {
  if (changes.length === 0) return;
  const albums = await albumIds(client, library, changes);
  // Rows are locked in the same order by every writer: fewer deadlocks.
  const sorted = changes.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  for (const chunk of chunks(sorted.filter((change) => change.kind === 'agreed'))) {
    await writeAgreed(client, library, albums, chunk);
  }
  for (const chunk of chunks(sorted.filter((change) => change.kind === 'unsettled'))) {
    await writeUnsettled(client, library, albums, chunk);
  }
}

/**
 * The changes in groups within which no row is meant twice, so that a group may be written in any order; as a rule
 * one group. `keys` says which key an id stands for.
 */
function* independentGroups(
  changes: readonly RowChange[],
  keys: ReadonlyMap<string, string>,
): Generator<readonly RowChange[]> {
  let group: RowChange[] = [];
  let seen = new Set<string>();
  for (const change of changes) {
    const target = 'key' in change ? change.key : (keys.get(change.id) ?? change.id);
    if (seen.has(target)) {
      yield group;
      group = [];
      seen = new Set();
    }
    seen.add(target);
    group.push(change);
  }
  yield group;
}

/** Only needed when some changes name their row by key and others by id. */
async function keysOfIds(client: pg.PoolClient, changes: readonly RowChange[]): Promise<ReadonlyMap<string, string>> {
  const ids = changes.flatMap((change) => ('id' in change ? [change.id] : []));
  if (ids.length === 0 || ids.length === changes.length) return new Map();
  const sql = 'SELECT "id", "key" FROM "Photo" WHERE "id" = ANY($1::uuid[])';
  const { rows } = await client.query<{ id: string; key: string }>(sql, [ids]);
  return new Map(rows.map((row) => [row.id, row.key]));
}

function* chunks<Change extends KeyedChange | KnownChange>(changes: readonly Change[]): Generator<readonly Change[]> {
  for (let start = 0; start < changes.length; start += CHUNK) yield changes.slice(start, start + CHUNK);
}

/**
 * A path belongs to one key only (DESIGN 9). Holding that here is what makes the two unique rules of a photo, its key
 * and its path in the library, never contradict each other.
 */
function checkKey(library: Library, change: RowChange): void {
  if (!('key' in change) || change.key === library.prefix + change.path.normalize('NFC')) return;
  throw new RollcallError('NAME_INVALID', `"${change.path}" is not the path of the key "${change.key}"`);
}

function refusal(thrown: unknown, state: string | undefined, library: Library): unknown {
  if (state === '23505') {
    const message = 'another photo of the catalog has this key or path already';
    return new RollcallError('NAME_COLLISION', message, { cause: thrown });
  }
  if (state === '23503') {
    return new RollcallError('NOT_FOUND', `library "${library.name}" has been removed meanwhile`, { cause: thrown });
  }
  return thrown;
}
