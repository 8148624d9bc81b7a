/** The bad days of a database: writes that lose against other transactions, connections that are killed. */
import type { World } from './world.ts';

export type LostRace = '40P01' | '40001';

/** What a trigger lets fail. A sequence counts, since it forgets nothing when a transaction is rolled back. */
const INSTALL = `
CREATE SEQUENCE IF NOT EXISTS test_faults MINVALUE 0 START 0;
CREATE TABLE IF NOT EXISTS test_fault (code text NOT NULL, until bigint NOT NULL);
CREATE OR REPLACE FUNCTION test_fault() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE fault record;
BEGIN
  FOR fault IN SELECT * FROM test_fault LOOP
    IF nextval('test_faults') < fault.until THEN
      RAISE EXCEPTION 'injected' USING ERRCODE = fault.code;
    END IF;
  END LOOP;
  RETURN NULL;
END $$;`;

const TABLES = ['Photo', 'Album', 'RunAction', 'Run', 'Leftover', 'BucketProfile'];

/** From now on so many of the statements that write to these tables fail as those do that lose a race. */
export async function loseRaces(
  { query }: Pick<World, 'query'>,
  code: LostRace,
  writes: number,
  tables: readonly string[] = TABLES,
): Promise<void> {
  await query(INSTALL);
  for (const table of tables) {
    await query(`CREATE OR REPLACE TRIGGER test_fault AFTER INSERT OR UPDATE OR DELETE ON "${table}"
                 FOR EACH STATEMENT EXECUTE FUNCTION test_fault()`);
  }
  await query(`SELECT setval('test_faults', 0, false)`);
  await query('INSERT INTO test_fault VALUES ($1, $2)', [code, writes]);
}

/** And no more; answers how many did. */
export async function winRaces({ query }: Pick<World, 'query'>): Promise<number> {
  const [asked] = await query<{ until: string }>('DELETE FROM test_fault RETURNING until');
  for (const table of TABLES) await query(`DROP TRIGGER IF EXISTS test_fault ON "${table}"`);
  const [met] = await query<{ last: string }>(
    'SELECT CASE WHEN is_called THEN last_value + 1 ELSE 0 END AS last FROM test_faults',
  );
  return Math.min(Number(met?.last ?? 0), Number(asked?.until ?? 0));
}

/** Ends every other connection to the database, or those at work on such a statement; answers how many. */
export async function killConnections({ query }: Pick<World, 'query'>, writing = ''): Promise<number> {
  const killed = await query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid() AND query ~ $1 AND ($1 = '' OR state = 'active')`,
    [writing],
  );
  return killed.length;
}
