/** A catalog in a database of its own, and photos to put into it. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { type Catalog, openCatalog } from '../../src/catalog/open.ts';
import type { RowChange } from '../../src/sync/catalog-port.ts';
import type { CatalogRow, Library, Scope } from '../../src/sync/types.ts';
import { createTestDatabase } from './postgres.ts';

export const never = new AbortController().signal;

export interface TestCatalog {
  readonly catalog: Catalog;
  readonly url: string;
  /** Asks the database behind the catalog's back. */
  sql<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  /** A library in a bucket of its own. */
  makeLibrary(prefix?: string): Promise<Library>;
  /** Every row in scope, as a run reads them. */
  rows(library: Library, album?: string | null): Promise<CatalogRow[]>;
  close(): Promise<void>;
}

export async function openTestCatalog(): Promise<TestCatalog> {
  const { url, drop } = await createTestDatabase();
  const catalog = await openCatalog({ url, maxConnections: 5 }, never);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return {
    catalog,
    url,
    sql: async (text, values) => (await client.query(text, values)).rows,
    makeLibrary: (prefix = 'photos/') => {
      const unique = randomUUID();
      return catalog.libraries.create({ name: unique, root: `/${unique}`, bucket: unique, prefix, excludes: [] });
    },
    rows: (library, album = null) => readAll(catalog, { library, album }),
    close: async () => {
      await client.end();
      await catalog.close();
      await drop();
    },
  };
}

export async function readAll(catalog: Catalog, scope: Scope): Promise<CatalogRow[]> {
  const rows: CatalogRow[] = [];
  for await (const batch of catalog.port.rows(scope, never).batches) rows.push(...batch);
  return rows;
}

export type Agreed = Extract<RowChange, { kind: 'agreed' }>;
export type Moved = Extract<RowChange, { kind: 'moved' }>;
export type Unsettled = Extract<RowChange, { kind: 'unsettled' }>;

export const local = { size: 1000, mtimeNs: 1_700_000_000_123_456_789n, device: 66n, inode: 42n };

/** File and object of this path agree. */
export function agreed(library: Library, path: string, facts: Partial<Agreed> = {}): Agreed {
  return {
    kind: 'agreed',
    path,
    key: library.prefix + path.normalize('NFC'),
    local,
    md5: null,
    etag: 'etag-1',
    partSize: null,
    storageClass: 'STANDARD',
    contentType: 'image/jpeg',
    photoKind: 'image',
    verified: false,
    ...facts,
  };
}

/** The photo at this path could not be brought into agreement. */
export function unsettled(library: Library, path: string, facts: Partial<Unsettled> = {}): Unsettled {
  return {
    kind: 'unsettled',
    path,
    key: library.prefix + path.normalize('NFC'),
    local,
    contentType: 'image/jpeg',
    photoKind: 'image',
    state: 'failed',
    error: 'the disk said no',
    ...facts,
  };
}

/** The object of the photo in this row was copied from where the row is to this path. */
export function moved(library: Library, row: CatalogRow, path: string, facts: Partial<Moved> = {}): Moved {
  return {
    kind: 'moved',
    id: row.id,
    path,
    key: library.prefix + path.normalize('NFC'),
    aside: false,
    from: { key: row.key, size: row.size, etag: row.etag ?? '' },
    local,
    md5: null,
    etag: row.etag ?? '',
    partSize: row.partSize,
    storageClass: 'STANDARD',
    contentType: 'image/jpeg',
    photoKind: 'image',
    ...facts,
  };
}
