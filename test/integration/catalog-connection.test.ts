import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrate } from '../../src/catalog/migrate.ts';
import { openCatalog } from '../../src/catalog/open.ts';
import type { RollcallError } from '../../src/errors.ts';
import { agreed, never, openTestCatalog } from '../support/catalog.ts';
import { createEmptyDatabase, createTestDatabase } from '../support/postgres.ts';

const SECRET = 'geheim&sicher';

let database: { url: string; drop(): Promise<void> };
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

/** The error of opening a catalog there; no part of it may give the password away. */
async function refusal(url: string): Promise<RollcallError> {
  const error = await migrate(url, never).then(
    () => expect.fail('it was let in'),
    (thrown: RollcallError) => thrown,
  );
  for (const secret of [SECRET, encodeURIComponent(SECRET)]) {
    expect(error.message).not.toContain(secret);
    expect(JSON.stringify(error.cause ?? null)).not.toContain(secret);
    expect(error.stack).not.toContain(secret);
  }
  return error;
}

function addressWith(change: (url: URL) => void): string {
  const url = new URL(database.url);
  change(url);
  return url.href;
}

async function query(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

async function listening(): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

describe('a database that cannot be reached', () => {
  test('because nothing listens there is named with host and port', async () => {
    const { server, port } = await listening();
    server.close();
    await once(server, 'close');
    const error = await refusal(`postgresql://me:${encodeURIComponent(SECRET)}@127.0.0.1:${port}/photos`);
    expect(error).toMatchObject({ code: 'DATABASE_UNREACHABLE', retryable: true });
    expect(error.message).toContain(`127.0.0.1:${port}`);
  });

  test('because its host does not exist is named', async () => {
    const error = await refusal(`postgresql://me:${encodeURIComponent(SECRET)}@nowhere.invalid:5432/photos`);
    expect(error.code).toBe('DATABASE_UNREACHABLE');
    expect(error.message).toContain('nowhere.invalid:5432');
  });

  test('because it hangs up is named', async () => {
    const { server, port } = await listening();
    server.on('connection', (socket) => socket.destroy());
    const error = await refusal(`postgresql://me:${encodeURIComponent(SECRET)}@127.0.0.1:${port}/photos`);
    expect(error.code).toBe('DATABASE_UNREACHABLE');
    server.close();
  });

  test('because it never answers is given up as soon as nobody wants it any more', async () => {
    const { server, port } = await listening();
    const stop = new AbortController();
    const connected = once(server, 'connection');
    const asked = migrate(`postgresql://me@127.0.0.1:${port}/photos`, stop.signal);
    const [socket] = await connected;
    stop.abort(new Error('never mind'));
    await expect(asked).rejects.toThrow('never mind');
    socket.destroy();
    server.close();
  });

  test('because its address is none is BAD_CONFIG', async () => {
    for (const url of [`postgresql://me:${SECRET}@host:notaport/x`, 'postgresql://[half/x', SECRET]) {
      expect(await refusal(url)).toMatchObject({ code: 'BAD_CONFIG', field: 'DATABASE_URL' });
    }
  });
});

describe('a database that refuses us', () => {
  test('because the user is unknown or the password wrong names the user', async () => {
    const error = await refusal(
      addressWith((url) => {
        url.username = 'nobody_here';
        url.password = SECRET;
      }),
    );
    expect(error).toMatchObject({ code: 'DATABASE_DENIED', retryable: false });
    expect(error.message).toContain('nobody_here');
  });

  test('because it does not exist is named', async () => {
    const error = await refusal(
      addressWith((url) => {
        url.pathname = '/no_such_database';
      }),
    );
    expect(error.code).toBe('DATABASE_DENIED');
    expect(error.message).toContain('no_such_database');
  });

  test('because it is not UTF-8 or too old is DATABASE_UNSUPPORTED', async () => {
    const name = `rollcall_ascii_${process.pid}`;
    const make = `CREATE DATABASE ${name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0`;
    await query(database.url, make);
    try {
      const url = addressWith((address) => {
        address.pathname = `/${name}`;
      });
      const ascii = await refusal(url);
      expect(ascii.code).toBe('DATABASE_UNSUPPORTED');
      expect(ascii.message).toContain('SQL_ASCII');
      // A server of another age: what it says of itself is looked up in this schema first.
      await query(
        url,
        `CREATE SCHEMA old; CREATE FUNCTION old.current_setting(name text) RETURNS text LANGUAGE sql AS
         $$ SELECT CASE name WHEN 'server_version' THEN '13.4' ELSE '130004' END $$;
         ALTER DATABASE ${name} SET search_path = old, pg_catalog`,
      );
      const old = await refusal(url);
      expect(old.code).toBe('DATABASE_UNSUPPORTED');
      expect(old.message).toContain('PostgreSQL 13.4');
    } finally {
      await query(database.url, `DROP DATABASE ${name}`);
    }
  });
});

describe('a catalog whose database goes away', () => {
  test('says so in every part, loses its locks, and works again when it is back', async () => {
    const world = await openTestCatalog();
    const library = await world.makeLibrary();
    const wire = await wireTo(world.url);
    const catalog = await openCatalog({ url: wire.url, maxConnections: 2 }, never);
    const lock = await catalog.port.lock({ library, album: null }, never);
    wire.cut();
    const gone = { code: 'DATABASE_UNREACHABLE' };
    await expect(catalog.ping(never)).rejects.toMatchObject(gone);
    await expect(catalog.browser.runs({}, { limit: 1 })).rejects.toMatchObject(gone);
    await expect(catalog.libraries.ensure(library)).rejects.toMatchObject(gone);
    await expect(catalog.port.apply(library, [agreed(library, 'a.jpg')])).rejects.toMatchObject(gone);
    await expect(catalog.port.lock({ library, album: 'a' }, never)).rejects.toMatchObject(gone);
    await expect.poll(() => lock.signal.reason).toMatchObject({ code: 'LOCK_LOST' });
    await lock.release();
    wire.mend();
    await catalog.port.apply(library, [agreed(library, 'a.jpg')]);
    expect(await catalog.browser.albumByPath(library.id, '.')).toMatchObject({ photos: 1 });
    await (await catalog.port.lock({ library, album: null }, never)).release();
    await catalog.close();
    wire.close();
    await world.close();
  });

  test('is not kept waiting for by whoever has stopped asking', async () => {
    const world = await openTestCatalog();
    await world.sql('BEGIN');
    await world.sql('LOCK TABLE "Photo"');
    const library = await world.makeLibrary();
    const stop = new AbortController();
    const counting = world.catalog.port.countLive({ library, album: null }, stop.signal);
    stop.abort(new Error('never mind'));
    await expect(counting).rejects.toThrow('never mind');
    await world.sql('COMMIT');
    await world.close();
  });

  test('whose lack is found when it is opened leaves no connection behind', async () => {
    const other = await createEmptyDatabase();
    await query(other.url, 'CREATE TABLE somebody_elses (id int)');
    await expect(openCatalog({ url: other.url, maxConnections: 2 }, never)).rejects.toMatchObject({
      code: 'DATABASE_MIGRATION',
    });
    await other.drop();
  });
});

/** A wire to the server that can be cut and mended; `close` takes it away. */
async function wireTo(url: string) {
  const target = new URL(url);
  const ends = new Set<Socket>();
  let isCut = false;
  const { server, port } = await listening();
  server.on('connection', (near) => {
    const far = connect(Number(target.port), target.hostname);
    for (const end of [near, far]) {
      ends.add(end);
      end.on('error', () => {}).on('close', () => [near, far].forEach((other) => void other.destroy()));
    }
    near.pipe(far);
    far.pipe(near);
    if (isCut) near.destroy();
  });
  const wired = new URL(url);
  wired.host = `127.0.0.1:${port}`;
  const setCut = (cut: boolean) => {
    isCut = cut;
    for (const end of cut ? ends : []) end.destroy();
  };
  return { url: wired.href, cut: () => setCut(true), mend: () => setCut(false), close: () => server.close() };
}
