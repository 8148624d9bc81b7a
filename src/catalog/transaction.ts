/** Transactions that write. */
import type pg from 'pg';
import { RollcallError } from '../errors.ts';
import type { Library } from '../sync/types.ts';
import { type Database, inTransaction } from './database.ts';
import { sqlState } from './errors.ts';

type Work<Answer> = (client: pg.PoolClient) => Promise<Answer>;

/** Does `work` wholly or not at all, again from its beginning if another transaction was in the way. */
export function writeTransaction<Answer>(database: Database, work: Work<Answer>): Promise<Answer> {
  return database.ask(() => inTransaction(database.pool, work));
}

/** The same for rows of this library: NAME_COLLISION when a key or path is taken, NOT_FOUND when the library is gone. */
export async function writeInLibrary<Answer>(
  database: Database,
  library: Library,
  work: Work<Answer>,
): Promise<Answer> {
  try {
    return await writeTransaction(database, work);
  } catch (thrown) {
    throw refusal(thrown, stateOf(thrown), library);
  }
}

function stateOf(thrown: unknown): string {
  return sqlState(thrown instanceof RollcallError ? thrown.cause : thrown) ?? '';
}

function refusal(thrown: unknown, state: string, library: Library): unknown {
  if (state === '23505') {
    const message = 'another photo of the catalog has this key or path already';
    return new RollcallError('NAME_COLLISION', message, { cause: thrown });
  }
  if (state === '23503') {
    return new RollcallError('NOT_FOUND', `library "${library.name}" has been removed meanwhile`, { cause: thrown });
  }
  return thrown;
}
