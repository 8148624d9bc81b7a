/** A database of its own for a test file, on the server that global-setup.ts keeps. */
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { inject } from 'vitest';
// For the type of what is provided.
import type {} from './global-setup.ts';

/**
 * Makes a fresh, empty database. `drop` removes it again, and fails when the test left a connection to it open: a leak
 * in the code under test, as a rule. Starts the server when it is the first to need it.
 */
export async function createTestDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const serverUrl = await askForServer();
  const name = `rollcall_test_${randomBytes(6).toString('hex')}`;
  // A server of somebody else's may have another encoding by default.
  await query(serverUrl, `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => dropDatabase(serverUrl, name) };
}

async function askForServer(): Promise<string> {
  const answer = await fetch(inject('postgresDesk'));
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return text;
}

/** Without FORCE, PostgreSQL itself waits five seconds for the last connections to go before it refuses. */
async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  try {
    await query(serverUrl, `DROP DATABASE ${name}`);
  } catch (error) {
    await query(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    throw new Error('A connection to the test database was left open', { cause: error });
  }
}

async function query(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
