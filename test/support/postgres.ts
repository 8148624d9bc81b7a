/** A database of its own for a test file, on the server that global-setup.ts keeps. */
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { inject } from 'vitest';
// For the type of what is provided.
import type {} from './global-setup.ts';

export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/**
 * Makes a database with this version's tables and nothing in them. `drop` removes it again, and fails when the test left
 * a connection to it open: a leak in the code under test, as a rule. Starts the server when it is the first to need it.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  const { serverUrl, template } = await askForServer();
  return create(serverUrl, template);
}

/** The same without any tables. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  const { serverUrl } = await askForServer();
  return create(serverUrl, 'template0');
}

async function create(serverUrl: string, template: string): Promise<TestDatabase> {
  const name = `rollcall_test_${randomBytes(6).toString('hex')}`;
  // A server of somebody else's may have another encoding by default.
  await query(serverUrl, `CREATE DATABASE ${name} TEMPLATE ${template} ENCODING 'UTF8'`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => dropDatabase(serverUrl, name) };
}

async function askForServer(): Promise<{ serverUrl: string; template: string }> {
  const answer = await fetch(inject('postgresDesk'));
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as { serverUrl: string; template: string };
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
