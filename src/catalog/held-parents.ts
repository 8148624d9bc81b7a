/**
 * Rows whose parents the transaction holds.
 *
 * A foreign key is checked row by row: each check looks the parent up and locks it (FOR KEY SHARE), a third of the server's
 * time for a new row, although thousands have the same few parents. A transaction that holds that very lock on each of them
 * has done what those checks would do. The foreign key stays: for whoever else writes, and for parents that are removed,
 * which wait for the lock and then take their rows along.
 */
import type pg from 'pg';

/** A table, and what happens at each new row of it that `work` is not in need of. */
export interface HeldParents {
  readonly table: 'Photo' | 'RunAction';
  /** The foreign key whose parents are held, and triggers that have nothing to do with these rows. */
  readonly needless: readonly string[];
}

/** Fewer rows are written sooner with their checks than without: it takes some questions more. */
export const WORTH_HOLDING = 100;

/**
 * Only a superuser may, as the role of the embedded database is. Anything else that happens at a new row, be it a trigger of
 * an administrator's or one that is younger than this, keeps the checks.
 */
const MAY = `
SELECT current_setting('is_superuser') = 'on' AND NOT t.relhasrules AND NOT EXISTS (
  SELECT FROM pg_trigger AS g LEFT JOIN pg_constraint AS c ON c.oid = g.tgconstraint
   WHERE g.tgrelid = t.oid AND g.tgtype & 4 <> 0 AND coalesce(c.conname, g.tgname)::text <> ALL($2::text[])) AS may
  FROM pg_class AS t WHERE t.oid = $1::regclass`;

/** Does `work`, which only inserts rows of that table. The caller's transaction holds their parents FOR KEY SHARE. */
export async function withParentsHeld<Answer>(
  client: pg.PoolClient,
  { table, needless }: HeldParents,
  work: () => Promise<Answer>,
): Promise<Answer> {
  // As inserting does anyway: from now on nobody adds a trigger or a foreign key, which what is asked next would not tell of.
  await client.query(`LOCK TABLE "${table}" IN ROW EXCLUSIVE MODE`);
  const { rows } = await client.query<{ may: boolean }>(MAY, [`"${table}"`, needless]);
  if (rows[0]?.may !== true) return work();
  // Of this transaction alone, and over with it whatever becomes of it.
  await client.query('SET LOCAL session_replication_role = replica');
  const answer = await work();
  await client.query('SET LOCAL session_replication_role TO DEFAULT');
  return answer;
}
