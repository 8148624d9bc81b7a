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
  // The adapter wants a pool; a pool would quietly replace a broken connection by one without lock or transaction.
  const pool = Object.assign(new pg.Pool(), { query: client.query.bind(client) });
  const recording = new RecordingFactory(new PrismaPg(pool, { schema }), client);
  const engine = await SchemaEngine.new(
    { datamodels: undefined },
    () => {},
    bindMigrationAwareSqlAdapterFactory(recording),
  );
  return { engine, firstError: () => recording.firstError };
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

/** Runs scripts whole, and remembers the first error. */
class RecordingFactory implements SqlMigrationAwareDriverAdapterFactory {
  readonly provider = 'postgres';
  readonly adapterName;
  firstError: unknown;
  readonly #inner: PrismaPg;
  readonly #client: pg.Client;

  constructor(inner: PrismaPg, client: pg.Client) {
    this.adapterName = inner.adapterName;
    this.#inner = inner;
    this.#client = client;
  }

  async connect(): Promise<SqlDriverAdapter> {
    const adapter = await this.#inner.connect();
    adapter.executeScript = async (script) => {
      // The adapter's own cuts a script at every semicolon, those in comments and literals included.
      await this.#client.query(script).catch((error: unknown) => {
        this.firstError ??= error;
        throw error;
      });
    };
    return adapter;
  }

  async connectToShadowDb(): Promise<SqlDriverAdapter> {
    return this.#inner.connectToShadowDb();
  }
}
