/** Statements one after another, each with thousands of rows. */
import type pg from 'pg';

/** So few rows that they are on their way, whole, before the next ones are made. */
export const AT_ONCE = 2_000;

/** The next one is made while the server is at work on the one before it. */
export async function inTurn(client: pg.PoolClient, queries: Iterable<pg.QueryConfig>): Promise<void> {
  let running: Promise<unknown> = Promise.resolve();
  for (const query of queries) {
    await running;
    running = client.query(query);
    // It is awaited below, unless the next one cannot be made.
    running.catch(() => {});
  }
  await running;
}
