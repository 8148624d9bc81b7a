import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { attachEmbedded } from '../../src/embedded/attach.ts';
import { query, World } from './embedded-world.ts';

let model: World;
let world: World;
beforeAll(async () => {
  model = new World();
  const services = await model.attach();
  await query(services.database!.url, 'CREATE TABLE photo AS SELECT 7 AS id');
  await services.close();
});
beforeEach(() => {
  world = World.like(model);
});
afterEach(() => world.dispose());
afterAll(() => model.dispose());

const never = new AbortController().signal;

describe('the embedded database', () => {
  test('starts on nothing, and a second start keeps the data and the address', async () => {
    rmSync(world.dataDir, { recursive: true });
    const first = await world.attach();
    const url = first.database!.url;
    await query(url, 'CREATE TABLE album AS SELECT 8 AS id');
    expect(first.notices).toEqual([]);
    await first.close();

    const second = await world.attach();
    expect(second.database!.url).toBe(url);
    expect(await query(url, 'SELECT id FROM album')).toEqual([{ id: 8 }]);
    expect(second.notices).toEqual([]);
  });

  test('is down with all of its processes when the last client has closed', async () => {
    const services = await world.attach();
    expect(world.running()).toEqual({ hosts: [expect.any(Number)], postmasters: [expect.any(Number)] });
    await services.close();
    expect(world.running().postmasters).toEqual([]);
    await expect(query(services.database!.url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
    expect(existsSync(join(world.dataDir, 'postgres', 'postmaster.pid'))).toBe(false);
    expect(existsSync(join(world.dataDir, 'embedded.sock'))).toBe(false);
    await world.quiet();
  });

  test('can be closed while sessions are open, which it ends', async () => {
    const services = await world.attach();
    const endless = query(services.database!.url, 'SELECT pg_sleep(3600)');
    const ended = expect(endless).rejects.toThrow(/terminat/);
    await query(services.database!.url, 'SELECT 1');
    await services.close();
    await ended;
  });

  test('orders text by code point and knows the case of letters beyond ASCII', async () => {
    const { database } = await world.attach();
    const rows = await query(database!.url, "SELECT 'a' > 'Z' AS by_code_point, lower('ÄÉ') AS lower");
    expect(rows).toEqual([{ by_code_point: true, lower: 'äé' }]);
  });

  test('lets nobody in without the password, and listens on loopback only', async () => {
    const { database } = await world.attach();
    const url = new URL(database!.url);
    expect(url.hostname).toBe('127.0.0.1');
    expect(await query(url.href, 'SHOW listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }]);
    expect(await query(url.href, 'SHOW unix_socket_directories')).toEqual([{ unix_socket_directories: '' }]);
    url.password = 'guess';
    await expect(query(url.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
  });

  test('takes another port when its own is taken, says so, and then keeps that one', async () => {
    const services = await world.attach();
    const port = new URL(services.database!.url).port;
    await services.close();
    const squatter = createServer().listen(Number(port), '127.0.0.1');
    await once(squatter, 'listening');
    try {
      const moved = await world.attach();
      const other = new URL(moved.database!.url).port;
      expect(other).not.toBe(port);
      expect(moved.notices).toEqual([expect.stringContaining(`Port ${port}`)]);
      expect(moved.notices[0]).toContain(other);
      await moved.close();
      const again = await world.attach();
      expect(new URL(again.database!.url).port).toBe(other);
      expect(again.notices).toEqual([]);
    } finally {
      squatter.close();
    }
  });
});

describe('the folder', () => {
  test('shows secrets and data to its owner only', async () => {
    const { database } = await world.attach();
    const mode = (name: string) => statSync(join(world.dataDir, name)).mode & 0o777;
    expect(readFileSync(join(world.dataDir, 'embedded.json'), 'utf8')).toContain(new URL(database!.url).password);
    expect(mode('embedded.json')).toBe(0o600);
    expect(mode('embedded.log')).toBe(0o600);
    expect(mode('postgres.log')).toBe(0o600);
    expect(mode('embedded.sock') & 0o077).toBe(0);
    expect(mode('postgres')).toBe(0o700);
    // Root's database runs as another user, who must be able to pass through but not to look around.
    expect(mode('.')).toBe(process.getuid?.() === 0 ? 0o711 : 0o700);
  });

  test('may have a name longer than a socket address', async () => {
    const longer = new World('n'.repeat(60), 'ü'.repeat(60), 'data');
    try {
      const services = await longer.attach();
      const other = longer.client();
      expect((await other.services).database).toEqual(services.database);
      await other.end();
      expect(await query(services.database!.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      expect(existsSync(join(longer.dataDir, 'embedded.sock'))).toBe(true);
    } finally {
      await longer.dispose();
    }
  });

  test.runIf(process.getuid?.() === 0)(
    'that only root can enter leaves the database elsewhere, and a notice says where and why',
    async () => {
      rmSync(world.dataDir, { recursive: true });
      chmodSync(world.folder, 0o700);
      const made: string[] = [];
      const start = async () => {
        const services = await world.attach();
        const elsewhere = /\/var\/lib\/rollcall\/\w+/.exec(services.notices[0]!)![0];
        made.push(elsewhere);
        expect(services.notices).toEqual([expect.stringContaining(`${elsewhere}/postgres`)]);
        expect(readFileSync(join(elsewhere, 'belongs-to'), 'utf8')).toBe(`${world.dataDir}\n`);
        return services;
      };
      try {
        const first = await start();
        await query(first.database!.url, 'CREATE TABLE album AS SELECT 8 AS id');
        await first.close();
        // Opening the folder later does not make a second, empty database.
        chmodSync(world.folder, 0o755);
        const second = await start();
        expect(await query(second.database!.url, 'SELECT id FROM album')).toEqual([{ id: 8 }]);
        await second.close();
        // Nor does a removed DATA_DIR come back with the old one.
        chmodSync(world.folder, 0o700);
        rmSync(world.dataDir, { recursive: true });
        const fresh = await start();
        await expect(query(fresh.database!.url, 'SELECT id FROM album')).rejects.toThrow('does not exist');
        await fresh.close();
      } finally {
        for (const folder of made) rmSync(folder, { recursive: true, force: true });
      }
    },
  );

  test.runIf(process.getuid?.() === 0)(
    'closed to the user whose files the database has is an error that says so',
    async () => {
      chmodSync(world.folder, 0o700);
      await expect(world.attach()).rejects.toThrow(`can't enter ${world.folder}`);
      expect(existsSync(join(world.dataDir, 'postgres', 'PG_VERSION'))).toBe(true);
    },
  );

  test('that can not be made is a configuration error which names DATA_DIR', async () => {
    rmSync(world.dataDir, { recursive: true });
    writeFileSync(world.dataDir, 'a file in the way');
    await expect(world.attach()).rejects.toMatchObject({ code: 'BAD_CONFIG', field: 'DATA_DIR' });
    const below = { dataDir: join(world.dataDir, 'below'), database: true, s3: false };
    await expect(attachEmbedded(below, never)).rejects.toMatchObject({ code: 'BAD_CONFIG', field: 'DATA_DIR' });
  });

  test('is not even made when no part is asked for', async () => {
    rmSync(world.dataDir, { recursive: true });
    const services = await world.attach({ database: false });
    expect(services).toMatchObject({ database: null, s3: null, notices: [] });
    expect(existsSync(world.dataDir)).toBe(false);
  });

  test('may lose embedded.json: the data stays, under a new password', async () => {
    const before = readFileSync(join(world.dataDir, 'embedded.json'), 'utf8');
    rmSync(join(world.dataDir, 'embedded.json'));
    const second = await world.attach();
    expect(before).not.toContain(new URL(second.database!.url).password);
    expect(await query(second.database!.url, 'SELECT id FROM photo')).toEqual([{ id: 7 }]);
  });

  test('may hold a damaged embedded.json: the data stays, and a notice says what is new', async () => {
    writeFileSync(join(world.dataDir, 'embedded.json'), '{"database": {"passw');
    const second = await world.attach();
    expect(second.notices).toEqual([expect.stringContaining('embedded.json')]);
    expect(await query(second.database!.url, 'SELECT id FROM photo')).toEqual([{ id: 7 }]);
  });

  test('with files of a database that does not start is an error with the end of its log', async () => {
    writeFileSync(join(world.dataDir, 'postgres', 'PG_VERSION'), '99\n');
    const failure = world.attach();
    await expect(failure).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
    await expect(failure).rejects.toThrow(/postgres\.log.*\n.*FATAL.*incompatible/s);
    await world.quiet();
  });
});
