/** What a turn leaves in the bucket and in the catalog: looked at, and taken away, so that every turn begins alike. */
import { Client } from 'pg';
import type { Ground } from './endpoint.ts';
import { countObjects, emptyPrefix } from './objects.ts';

/** Those that a turn leaves rows in. */
const TABLES = ['Photo', 'Variant', 'Album', 'Run', 'RunAction', 'VariantRemains'];

/** Throws unless there are exactly so many objects below the prefix: whoever sent fewer was fast for no good reason. */
export async function assertObjects({ s3 }: Ground, prefix: string, objects: number): Promise<void> {
  assertCount(await countObjects(s3, prefix), prefix, objects);
}

export interface Left {
  readonly prefix: string;
  readonly objects: number;
}

/** The objects below the prefix, of which there have to be so many, and the library that is there. */
export async function takeAway({ s3, databaseUrl }: Ground, { prefix, objects }: Left): Promise<void> {
  assertCount(await emptyPrefix(s3, prefix), prefix, objects);
  await forgetLibrary(databaseUrl, prefix);
}

function assertCount(there: number, prefix: string, objects: number): void {
  if (there !== objects) throw new Error(`${there} objects are below ${prefix}, not ${objects}`);
}

/** Its rows, and the room they took: or PostgreSQL would see to that in the middle of somebody's turn. */
async function forgetLibrary(databaseUrl: string, prefix: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('DELETE FROM "Library" WHERE "prefix" = $1', [prefix]);
    if (rowCount === 0) return;
    await client.query('DELETE FROM "VariantRemains"');
    await client.query(`VACUUM ${TABLES.map((table) => `"${table}"`).join(', ')}`);
  } finally {
    await client.end();
  }
}

/** One more database on the server of another one, unless it is there. */
export async function makeDatabase(besides: string, url: string): Promise<void> {
  const client = new Client({ connectionString: besides });
  await client.connect();
  try {
    const name = new URL(url).pathname.slice(1);
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}
