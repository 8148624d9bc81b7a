/**
 * Prisma's schema engine as WebAssembly: real Prisma migrations without a binary to download. Loaded only when there
 * is something to migrate, as it costs 5 MB and a tenth of a second.
 */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { PrismaPg } from '@prisma/adapter-pg';
import {
  bindMigrationAwareSqlAdapterFactory,
  type ColumnType,
  ColumnTypeEnum,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import type { MigrationList, SchemaEngine } from '@prisma/schema-engine-wasm/schema_engine_bg';
import pg from 'pg';
import type { MigrationFile } from './migration-files.ts';

type EngineModule = typeof import('@prisma/schema-engine-wasm/schema_engine_bg');

/** The part of WebAssembly that is used here; TypeScript declares it only with the browser's library. */
interface WebAssemblyGlobal {
  readonly WebAssembly: {
    instantiate(
      bytes: Uint8Array,
      imports: object,
    ): Promise<{ readonly instance: { readonly exports: { __wbindgen_start(): void } } }>;
  };
}

const CHAR_TYPE = 18;
const TEXT_TYPE = 25;

/** Nothing in our schema is managed by somebody else. */
export const EVERYTHING = { externalTables: [], externalEnums: [] };

export interface EngineSession {
  readonly engine: SchemaEngine;
  /** What the database said to the first statement that failed: the engine wraps or loses it. */
  firstError(): unknown;
}

/**
 * An engine whose every statement goes through this one connection, so that a transaction and a lock begun there
 * cover all it does. The caller frees `engine` and ends the connection.
 */
export async function openEngine(client: pg.Client, schema: string): Promise<EngineSession> {
  const { SchemaEngine } = await loadEngineModule();
  const connection = new RecordedConnection(client);
  // The adapter wants a pool; a real one would quietly replace a broken connection by one without lock or transaction.
  const pool = Object.assign(new pg.Pool(), { query: connection.query.bind(connection) });
  const adapters = bindMigrationAwareSqlAdapterFactory(new OneConnection(new PrismaPg(pool, { schema }), connection));
  const engine = await SchemaEngine.new({ datamodels: undefined }, () => {}, adapters);
  return { engine, firstError: () => connection.firstError };
}

/**
 * The SQL that would turn the connection's database into this Prisma schema, or null if it is that already. Collations
 * are not seen: Prisma has no word for them.
 */
export async function differenceTo(client: pg.Client, schemaText: string): Promise<string | null> {
  const { engine } = await openEngine(client, 'public');
  try {
    const files = [{ path: 'schema.prisma', content: schemaText }];
    const { stdout } = await engine.diff({
      from: { tag: 'schemaDatasource', files, configDir: '/' },
      to: { tag: 'schemaDatamodel', files },
      script: true,
      exitCode: null,
      filters: EVERYTHING,
    });
    return stdout === null || stdout.includes('This is an empty migration') ? null : stdout;
  } finally {
    engine.free();
  }
}

/** The engine's own view of a list of migrations. */
export function migrationList(files: readonly MigrationFile[]): MigrationList {
  return {
    baseDir: '/migrations',
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
    shadowDbInitScript: '',
    migrationDirectories: files.map(({ name, sql }) => ({
      path: name,
      migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: sql } },
    })),
  };
}

/**
 * The generated module keeps its WebAssembly instance in a variable, and a second instance would pull it from under
 * the first: the query makes Node load a module of its own for each.
 */
async function loadEngineModule(): Promise<EngineModule> {
  const path = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  const bytes = await readFile(path.replace(/\.js$/, '.wasm'));
  const bindings = (await import(`${pathToFileURL(path).href}?${randomUUID()}`)) as EngineModule;
  const { WebAssembly } = globalThis as unknown as WebAssemblyGlobal;
  const { instance } = await WebAssembly.instantiate(bytes, { './schema_engine_bg.js': bindings });
  bindings.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  return bindings;
}

/** A connection that remembers its first error, and where an answer had PostgreSQL's own one-byte type. */
class RecordedConnection {
  firstError: unknown;
  /** Which columns of these rows. The adapter refuses the type, but the engine needs it to describe a schema. */
  readonly charColumns = new WeakMap<object, readonly number[]>();
  readonly #client: pg.Client;

  constructor(client: pg.Client) {
    this.#client = client;
  }

  async query(question: string | pg.QueryConfig): Promise<pg.QueryResult> {
    try {
      const answer = await this.#client.query(question);
      for (const [column, field] of (answer.fields ?? []).entries()) {
        if (field.dataTypeID !== CHAR_TYPE) continue;
        field.dataTypeID = TEXT_TYPE;
        this.charColumns.set(answer.rows, [...(this.charColumns.get(answer.rows) ?? []), column]);
      }
      return answer;
    } catch (thrown) {
      this.firstError ??= thrown;
      throw thrown;
    }
  }
}

/** Prisma's adapter, with what it gets wrong put right. */
class OneConnection implements SqlMigrationAwareDriverAdapterFactory {
  readonly provider = 'postgres';
  readonly adapterName;
  readonly #inner: PrismaPg;
  readonly #connection: RecordedConnection;

  constructor(inner: PrismaPg, connection: RecordedConnection) {
    this.adapterName = inner.adapterName;
    this.#inner = inner;
    this.#connection = connection;
  }

  async connect(): Promise<SqlDriverAdapter> {
    const adapter = await this.#inner.connect();
    // Its own cuts a script at every semicolon, those in comments and literals included.
    adapter.executeScript = async (script) => {
      await this.#connection.query(script);
    };
    const queryRaw = adapter.queryRaw.bind(adapter);
    adapter.queryRaw = async (question) => {
      const answer = await queryRaw(question);
      const chars = this.#connection.charColumns.get(answer.rows) ?? [];
      const typed = (type: ColumnType, column: number) => (chars.includes(column) ? ColumnTypeEnum.Character : type);
      return { ...answer, columnTypes: answer.columnTypes.map(typed) };
    };
    return adapter;
  }

  async connectToShadowDb(): Promise<SqlDriverAdapter> {
    throw new Error('no shadow database: whoever needs one connects to it');
  }
}
