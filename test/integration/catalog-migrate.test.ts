import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { migrate } from '../../src/catalog/migrate.ts';
import { PRISMA_FOLDER, readMigrations } from '../../src/catalog/migration-files.ts';
import { differenceTo, EVERYTHING, migrationList, openEngine } from '../../src/catalog/schema-engine.ts';
import { never } from '../support/catalog.ts';
import { createEmptyDatabase } from '../support/postgres.ts';

const MIGRATOR = fileURLToPath(new URL('../support/migrator.ts', import.meta.url));

let database: { url: string; drop(): Promise<void> };
let client: pg.Client;
let scratch: string;
beforeEach(async () => {
  database = await createEmptyDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  scratch = await mkdtemp(join(tmpdir(), 'rollcall-migrations-'));
});
afterEach(async () => {
  await client.end();
  await database.drop();
  await rm(scratch, { recursive: true });
});

const names = async () => (await readMigrations()).map((file) => file.name);

async function tables(schema = 'public'): Promise<string[]> {
  const sql = 'SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY 1';
  return (await client.query(sql, [schema])).rows.map((row) => row.tablename);
}

/** Our own migrations and one more. */
async function withMigration(name: string, sql: string): Promise<string> {
  await cp(join(PRISMA_FOLDER, 'migrations'), join(scratch, 'migrations'), { recursive: true });
  await mkdir(join(scratch, 'migrations', name));
  await writeFile(join(scratch, 'migrations', name, 'migration.sql'), sql);
  return scratch;
}

describe('migrate', () => {
  test('brings an empty database to the schema, and then has nothing more to do', async () => {
    expect(await migrate(database.url, never)).toEqual(await names());
    expect(await tables()).toContain('Photo');
    expect(await migrate(database.url, never)).toEqual([]);
  });

  test('leaves a database that is exactly schema.prisma', async () => {
    await migrate(database.url, never);
    const schema = await readFile(join(PRISMA_FOLDER, 'schema.prisma'), 'utf8');
    expect(await differenceTo(client, schema)).toBeNull();
    const another = schema.replace('  takenAt ', '  takenBy String?\n  takenAt ');
    expect(await differenceTo(client, another)).toContain('ALTER TABLE "Photo" ADD COLUMN     "takenBy" TEXT');
  });

  test('leaves a history that Prisma agrees with', async () => {
    await migrate(database.url, never);
    const migrationsList = migrationList(await readMigrations());
    const { engine } = await openEngine(client, 'public');
    const question = { migrationsList, optInToShadowDatabase: false, filters: EVERYTHING };
    const diagnosis = await engine.diagnoseMigrationHistory(question).finally(() => engine.free());
    expect(diagnosis).toEqual({
      editedMigrationNames: [],
      failedMigrationNames: [],
      hasMigrationsTable: true,
      history: null,
    });
  });

  test('makes every column that is read in key order sort by bytes', async () => {
    await migrate(database.url, never);
    const { rows } = await client.query(
      `SELECT table_name || '.' || column_name AS name FROM information_schema.columns
        WHERE table_schema = 'public' AND collation_name = 'C'`,
    );
    const keys = ['ArchivedObject.key', 'Leftover.key', 'Photo.key'];
    const variants = ['Variant.key', 'VariantRemains.key'];
    expect(rows.map((row) => row.name).sort()).toEqual([
      'Album.path',
      ...keys,
      'Photo.path',
      'Upload.key',
      ...variants,
    ]);
  });

  test('is fine with many processes that start together: one applies, the others wait for it', async () => {
    const run = promisify(execFile);
    const processes = Array.from({ length: 3 }, () => run(process.execPath, [MIGRATOR, database.url]));
    const calls = Array.from({ length: 4 }, () => migrate(database.url, never));
    const applied = [
      ...(await Promise.all(processes)).map(({ stdout }) => JSON.parse(stdout)),
      ...(await Promise.all(calls)),
    ];
    expect(applied.filter((list) => list.length > 0)).toEqual([await names()]);
    expect(applied).toHaveLength(7);
  });

  test('needs no more than to read when there is nothing to do', async () => {
    await migrate(database.url, never);
    const reader = `reader_${process.pid}`;
    await client.query(
      `CREATE ROLE ${reader} LOGIN PASSWORD 'reader'; GRANT SELECT ON _prisma_migrations TO ${reader}`,
    );
    try {
      const url = new URL(database.url);
      url.username = reader;
      url.password = 'reader';
      expect(await migrate(url.href, never)).toEqual([]);
      const folder = await withMigration('20990101000000_more', 'CREATE TABLE more (id int)');
      await expect(migrate(url.href, never, folder)).rejects.toMatchObject({ code: 'DATABASE_DENIED' });
    } finally {
      await client.query(`REVOKE ALL ON _prisma_migrations FROM ${reader}; DROP ROLE ${reader}`);
    }
  });

  test('takes a migration that fails back as a whole, says why, and succeeds once it is right', async () => {
    await migrate(database.url, never);
    const before = await tables();
    const broken = await withMigration(
      '20990101000000_more',
      'CREATE TABLE more (id int); CREATE TABLE "Photo" (id int)',
    );
    const failing = migrate(database.url, never, broken);
    await expect(failing).rejects.toMatchObject({ code: 'DATABASE_MIGRATION' });
    await expect(failing).rejects.toThrow('relation "Photo" already exists');
    expect(await tables()).toEqual(before);
    await writeFile(
      join(broken, 'migrations/20990101000000_more/migration.sql'),
      "CREATE TABLE more (id text DEFAULT 'a;b'); -- a comment; with semicolons",
    );
    expect(await migrate(database.url, never, broken)).toEqual(['20990101000000_more']);
    expect(await tables()).toEqual([...before, 'more'].sort());
  });

  test('that is killed half-way leaves nothing, and the next one does it all', async () => {
    const slow = await withMigration('20990101000000_slow', 'CREATE TABLE half (id int); SELECT pg_sleep(60)');
    const stop = new AbortController();
    const migrating = migrate(database.url, stop.signal, slow);
    const asleep = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`;
    while ((await client.query(asleep)).rowCount === 0);
    stop.abort(new Error('stopped'));
    await expect(migrating).rejects.toThrow('stopped');
    // The server only sees that its client is gone when the statement ends.
    await client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event = 'PgSleep'`);
    expect(await migrate(database.url, never)).toEqual(await names());
    expect(await tables()).not.toContain('half');
  });

  test('keeps to the schema that the address names', async () => {
    await client.query('CREATE TABLE somebody_elses (id int)');
    const refused = migrate(database.url, never);
    await expect(refused).rejects.toMatchObject({ code: 'DATABASE_MIGRATION' });
    await expect(refused).rejects.toThrow('holds tables that Rollcall did not make');
    const url = `${database.url}?schema=roll%20call`;
    expect(await migrate(url, never)).toEqual(await names());
    expect(await migrate(url, never)).toEqual([]);
    expect(await tables('roll call')).toContain('Photo');
    expect(await tables()).toEqual(['somebody_elses']);
  });
});

describe('a history that is not ours', () => {
  const change = async (sql: string) => {
    await migrate(database.url, never);
    await client.query(sql);
    return migrate(database.url, never);
  };

  test('of a newer Rollcall or another program is refused', async () => {
    const asked = change(`INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at)
      VALUES ('x', 'x', '20990101000000_future', now())`);
    await expect(asked).rejects.toMatchObject({ code: 'DATABASE_MIGRATION' });
    await expect(asked).rejects.toThrow('20990101000000_future');
  });

  test('with another content is refused', async () => {
    const asked = change(`UPDATE _prisma_migrations SET checksum = 'other'`);
    await expect(asked).rejects.toMatchObject({ code: 'DATABASE_MIGRATION' });
    await expect(asked).rejects.toThrow('another content');
  });

  test('that failed is refused with its reason, until somebody has resolved it', async () => {
    const failed = `UPDATE _prisma_migrations SET finished_at = NULL, logs = E'first\\nERROR: disk full\\nlast'`;
    await expect(change(failed)).rejects.toThrow('ERROR: disk full');
    await client.query(`UPDATE _prisma_migrations SET finished_at = now()`);
    expect(await migrate(database.url, never)).toEqual([]);
  });
});
