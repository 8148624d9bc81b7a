/**
 * One real PostgreSQL for the whole test run, started when the first test file asks for it: the one from npm in a
 * temporary folder, or the server of TEST_DATABASE_URL. In it a database with all migrations, to be copied.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, mkdtempSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../src/catalog/migrate.ts';
import { type Account, closedFolders, serverAccount } from '../../src/embedded/account.ts';
import { postgresBinaries } from '../../src/embedded/binaries.ts';
import { makeCluster, SERVER_ENVIRONMENT } from '../../src/embedded/initdb.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A loopback address that answers with a PostgreSQL server whose role may create databases, and a template. */
    postgresDesk: string;
  }
}

interface TestServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Vitest calls this once before all test files, and what it returns after them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let server: Promise<TestServer & { readonly template: string }> | undefined;
  const desk = createHttpServer((_request, response) => {
    server ??= startServer().then(makeTemplate);
    server.then(
      ({ url, template }) => response.end(JSON.stringify({ serverUrl: url, template })),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  desk.listen(0, '127.0.0.1');
  await once(desk, 'listening');
  project.provide('postgresDesk', `http://127.0.0.1:${(desk.address() as AddressInfo).port}`);
  return async () => {
    desk.close();
    desk.closeAllConnections();
    await server?.then(({ stop }) => stop());
  };
}

/** Migrating takes a second, copying what was migrated a tenth of one. */
async function makeTemplate(server: TestServer): Promise<TestServer & { readonly template: string }> {
  const template = `rollcall_template_${randomBytes(6).toString('hex')}`;
  await queryOnce(server.url, `CREATE DATABASE ${template} TEMPLATE template0 ENCODING 'UTF8'`);
  const url = new URL(server.url);
  url.pathname = `/${template}`;
  await migrate(url.href, AbortSignal.timeout(150_000));
  const stop = async () => {
    await queryOnce(server.url, `DROP DATABASE IF EXISTS ${template}`);
    await server.stop();
  };
  return { url: server.url, template, stop };
}

async function queryOnce(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

async function startServer(): Promise<TestServer> {
  const given = process.env['TEST_DATABASE_URL'];
  if (given) return { url: given, stop: async () => {} };
  const account = await serverAccount();
  const binaries = postgresBinaries(account);
  for (let attempt = 1; ; attempt++) {
    const folder = mkdtempSync(join(temporaryRoot(account), 'rollcall-test-postgres-'));
    if (account !== null) chownSync(folder, account.uid, account.gid);
    const dataFolder = join(folder, 'data');
    const cluster = { binaries, account, dataFolder, password: 'test', durable: false };
    await makeCluster(cluster, AbortSignal.timeout(150_000));
    const port = await freePort();
    const { stop, fault } = await launch(binaries.postgres, dataFolder, port, folder, account);
    if (fault === null) return { url: `postgresql://rollcall:test@127.0.0.1:${port}/postgres`, stop };
    if (attempt === 5) throw new Error(`PostgreSQL did not start:\n${fault}`);
  }
}

/** TMPDIR may be a folder of root's that user postgres can't enter. */
function temporaryRoot(account: Account | null): string {
  return account === null || closedFolders(tmpdir(), account).length === 0 ? tmpdir() : '/tmp';
}

/** Free at this moment; whoever takes it before PostgreSQL does costs another attempt. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

/**
 * A shell in a session of its own keeps the server: when its input ends, because the tests are over or were killed in
 * whatever way, it stops the server and removes the folder.
 */
const KEEPER = `
exec 3<&0
"$1" -D "$2" -p "$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200 \\
  -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=64MB -c io_method=sync \\
  -c autovacuum=off -c log_min_messages=log &
server=$!
(cat <&3 >/dev/null; kill -INT $server) &
listener=$!
wait $server
kill $listener 2>/dev/null
rm -rf "$4"
`;

async function launch(postgres: string, dataFolder: string, port: number, folder: string, account: Account | null) {
  const keeper = spawn('/bin/sh', ['-c', KEEPER, 'keeper', postgres, dataFolder, String(port), folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
    cwd: '/',
    env: { ...SERVER_ENVIRONMENT, PATH: '/usr/local/bin:/usr/bin:/bin' },
    ...account,
  });
  const exited = once(keeper, 'exit');
  const stop = async () => {
    keeper.stdin.end();
    await exited;
  };
  let log = '';
  const ready = new Promise<boolean>((resolve, reject) => {
    keeper.stderr.on('data', (text: Buffer) => {
      log = (log + text.toString('utf8')).slice(-4000);
      if (log.includes('ready to accept connections')) resolve(true);
    });
    exited.then(() => resolve(false), reject);
  });
  if (await ready) return { stop, fault: null };
  keeper.stdin.end();
  return { stop, fault: log };
}
