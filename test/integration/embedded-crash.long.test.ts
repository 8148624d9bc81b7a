import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { attachEmbedded } from '../../src/embedded/attach.ts';
import { query, until, World } from './embedded-world.ts';

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

const startTime = 'SELECT pg_postmaster_start_time()::text AS time';

describe('clients of the embedded services', () => {
  test('that start together share one host, which outlives the first to leave', async () => {
    const clients = Array.from({ length: 4 }, () => world.client());
    const services = await Promise.all(clients.map((client) => client.services));
    const urls = new Set(services.map(({ database }) => database!.url));
    expect(urls.size).toBe(1);
    const url = services[0]!.database!.url;
    await until(() => world.running().hosts.length === 1);
    expect(world.running().postmasters).toHaveLength(1);

    const [before] = await query(url, startTime);
    for (const client of clients.slice(1)) await client.end();
    expect(await query(url, startTime)).toEqual([before]);
    await clients[0]!.end();
    expect(world.running().postmasters).toEqual([]);
    await world.quiet();
  });

  test('that start together on nothing make one database', async () => {
    const fresh = new World();
    try {
      const clients = [fresh.client(), fresh.client()];
      const services = await Promise.all(clients.map((client) => client.services));
      expect(services[0]!.database).toEqual(services[1]!.database);
      expect(await query(services[0]!.database!.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    } finally {
      await fresh.dispose();
    }
  });

  test('that come and go all the time always find a database', async () => {
    const comeAndGo = async () => {
      for (let round = 0; round < 5; round++) {
        const services = await world.attach();
        expect(await query(services.database!.url, 'SELECT id FROM photo')).toEqual([{ id: 7 }]);
        await services.close();
      }
    };
    await Promise.all([comeAndGo(), comeAndGo(), comeAndGo()]);
    await world.quiet();
  });

  test('that are killed leave nothing running', async () => {
    const client = world.client();
    await client.services;
    client.process.kill('SIGKILL');
    await world.quiet();
  });

  test('that are killed while the first start is under way leave nothing that blocks the next', async () => {
    const fresh = new World();
    try {
      const client = fresh.client();
      client.services.catch(() => {});
      await until(() => fresh.running().hosts.length === 1);
      client.process.kill('SIGKILL');
      await fresh.quiet();
      const services = await fresh.attach();
      expect(await query(services.database!.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    } finally {
      await fresh.dispose();
    }
  });

  test('that are interrupted with Ctrl-C do not take the services of others with them', async () => {
    const [interrupted, other] = [world.client(), world.client()];
    await interrupted.services;
    const { database } = await other.services;
    // Ctrl-C signals every process of the terminal's foreground group.
    process.kill(-interrupted.process.pid!, 'SIGINT');
    await until(() => interrupted.process.signalCode === 'SIGINT');
    expect(await query(database!.url, 'SELECT id FROM photo')).toEqual([{ id: 7 }]);
    await other.end();
    await world.quiet();
  });

  test('may give up while the services start, and nothing stays behind', async () => {
    const fresh = new World();
    try {
      const abort = new AbortController();
      const attached = attachEmbedded({ dataDir: fresh.dataDir, database: true, s3: false }, abort.signal);
      const outcome = expect(attached).rejects.toMatchObject({ name: 'AbortError' });
      await until(() => fresh.running().hosts.length === 1);
      abort.abort();
      await outcome;
      await fresh.quiet();
    } finally {
      await fresh.dispose();
    }
  });
});

describe('after a crash', () => {
  test('of the host, its orphaned database is stopped and the next start has the data and the address', async () => {
    const client = world.client();
    const { database } = await client.services;
    client.process.kill('SIGSTOP');
    const { hosts, postmasters } = world.running();
    process.kill(hosts[0]!, 'SIGKILL');
    await until(() => world.running().hosts.length === 0);
    expect(world.running().postmasters).toEqual(postmasters);
    client.process.kill('SIGKILL');

    const next = await world.attach();
    expect(world.running().postmasters).toHaveLength(1);
    expect(world.running().postmasters).not.toEqual(postmasters);
    expect(next.database).toEqual(database);
    expect(next.notices).toEqual([expect.stringContaining('left running by a crash')]);
    expect(await query(next.database!.url, 'SELECT id FROM photo')).toEqual([{ id: 7 }]);
  });

  test('of host and database together, the database recovers what was committed and a notice says so', async () => {
    const client = world.client();
    const { database } = await client.services;
    await query(database!.url, 'INSERT INTO photo VALUES (8)');
    client.process.kill('SIGSTOP');
    const { hosts, postmasters } = world.running();
    for (const pid of [...hosts, ...postmasters]) process.kill(pid, 'SIGKILL');
    await world.quiet();
    client.process.kill('SIGKILL');

    const next = await world.attach();
    expect(await query(next.database!.url, 'SELECT id FROM photo ORDER BY id')).toEqual([{ id: 7 }, { id: 8 }]);
    expect(next.notices).toEqual([expect.stringContaining('recovered by itself')]);
  });

  test('a process number in postmaster.pid that now belongs to another program blocks nothing', async () => {
    const lines = [process.pid, join(world.dataDir, 'postgres'), 1, 1, '', '127.0.0.1', '', 'ready'];
    writeFileSync(join(world.dataDir, 'postgres', 'postmaster.pid'), `${lines.join('\n')}\n`);
    const { database } = await world.attach();
    expect(await query(database!.url, 'SELECT id FROM photo')).toEqual([{ id: 7 }]);
  });

  test('half-made data folders of an interrupted first start are removed', async () => {
    const fresh = new World();
    try {
      const leftover = join(fresh.dataDir, 'postgres.new-abc123', 'data');
      mkdirSync(leftover, { recursive: true });
      writeFileSync(join(leftover, 'PG_VERSION'), '18\n');
      const services = await fresh.attach();
      expect(await query(services.database!.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
      expect(() => readFileSync(join(leftover, 'PG_VERSION'))).toThrow('ENOENT');
    } finally {
      await fresh.dispose();
    }
  });

  test('of the host alone, clients that go on take up their hold again, and close as ever', async () => {
    const services = await world.attach();
    process.kill(world.running().hosts[0]!, 'SIGKILL');
    await until(async () => {
      const rows = await query(services.database!.url, 'SELECT id FROM photo').catch(() => []);
      return rows.length === 1 && world.running().hosts.length === 1;
    });
    // The orphan may have answered; the new host stops it and starts its own on the same port.
    await until(async () => {
      const [row] = await query(services.database!.url, 'SHOW data_directory').catch(() => []);
      const log = readFileSync(join(world.dataDir, 'postgres.log'), 'utf8');
      return row !== undefined && log.split('ready to accept connections').length > 3;
    });
    await services.close();
    expect(world.running().postmasters).toEqual([]);
  });

  test('of the database alone, it is started anew on the same address', async () => {
    const services = await world.attach();
    const before = world.running().postmasters;
    process.kill(before[0]!, 'SIGKILL');
    await until(async () => {
      const [pid] = world.running().postmasters;
      const rows = await query(services.database!.url, 'SELECT id FROM photo').catch(() => []);
      return pid !== undefined && pid !== before[0] && rows.length === 1;
    });
  });
});
