/**
 * Writes the migration that leads from the existing ones to prisma/schema.prisma: `npm run migration -- add taken by`.
 * The existing ones are applied to a scratch database for it, on the server of DATABASE_URL or on one from npm that
 * lives only for this.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import pg from 'pg';
import { migrate } from '../src/catalog/migrate.ts';
import { PRISMA_FOLDER } from '../src/catalog/migration-files.ts';
import { differenceTo } from '../src/catalog/schema-engine.ts';
import { attachEmbedded } from '../src/embedded/attach.ts';

const stop = new AbortController();
process.once('SIGINT', () => stop.abort(new Error('stopped')));

const name = process.argv.slice(2).join('_').toLowerCase().replaceAll(/\W+/g, '_');
if (name === '') {
  console.error('Say what it does: npm run migration -- add taken by');
  process.exit(2);
}
const sql = await withServer((url) => withScratchDatabase(url, difference));
if (sql === null) console.log('prisma/schema.prisma and the migrations agree already: nothing to write.');
else await write(name, sql);

async function difference(url: string): Promise<string | null> {
  await migrate(url, stop.signal);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await differenceTo(client, await readFile(join(PRISMA_FOLDER, 'schema.prisma'), 'utf8'));
  } finally {
    await client.end();
  }
}

async function write(title: string, script: string): Promise<void> {
  const time = new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14);
  const file = join(PRISMA_FOLDER, 'migrations', `${time}_${title}`, 'migration.sql');
  await mkdir(join(file, '..'));
  await writeFile(file, `${script.trim()}\n`);
  console.log(`Wrote ${relative(process.cwd(), file)}. Read it before you commit it:`);
  console.log('- a column that holds keys or paths needs COLLATE "C" by hand, as in the first migration;');
  console.log('- it runs in one transaction, so no CREATE INDEX CONCURRENTLY.');
}

async function withServer<Answer>(work: (url: string) => Promise<Answer>): Promise<Answer> {
  const given = process.env['DATABASE_URL'];
  if (given) return work(given);
  const dataDir = await mkdtemp(join(tmpdir(), 'rollcall-migration-'));
  const services = await attachEmbedded({ dataDir, database: true, s3: false }, stop.signal);
  try {
    return await work(services.database?.url ?? '');
  } finally {
    await services.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function withScratchDatabase<Answer>(serverUrl: string, work: (url: string) => Promise<Answer>): Promise<Answer> {
  const scratch = `rollcall_scratch_${randomBytes(6).toString('hex')}`;
  const url = new URL(serverUrl);
  url.pathname = `/${scratch}`;
  url.searchParams.delete('schema');
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${scratch} ENCODING 'UTF8' TEMPLATE template0`);
    return await work(url.href);
  } finally {
    await client.query(`DROP DATABASE IF EXISTS ${scratch}`);
    await client.end();
  }
}
