/** Secrets planted in every setting that holds one, and a session with all its failures: none of them is ever told. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newToken, tokenLine } from '../../src/http/token-lines.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { startTestS3, type TestS3 } from '../support/s3.ts';
import { type CliWorld, cliWorld, type Running } from './cli-world.ts';

const SECRETS = {
  apiToken: 'planted-api-token-9d1c',
  awsSecret: 'planted/aws+secret/key=7f3a',
  awsSession: 'planted-aws-session-token-55aa',
  dbPassword: 'planted-database-password-3e8b',
  wrong: 'planted-wrong-value-b00c',
  file: newToken(),
};

let world: CliWorld;
let s3: TestS3;
let proxy: FaultProxy;
let database: TestDatabase;
let role: string;
/** Everything that anybody was told, by where. */
const told: [where: string, text: string][] = [];

beforeAll(async () => {
  [world, s3, database] = await Promise.all([
    cliWorld(),
    startTestS3({ secretAccessKey: SECRETS.awsSecret }),
    createTestDatabase(),
  ]);
  proxy = await startFaultProxy(s3.endpoint);
  role = `planted_${Date.now().toString(36)}`;
  await sql(`CREATE ROLE ${role} LOGIN SUPERUSER PASSWORD '${SECRETS.dbPassword}'`);
  const url = new URL(database.url);
  Object.assign(url, { username: role, password: SECRETS.dbPassword });
  writeFileSync(join(world.dir, 'tokens'), `${tokenLine(SECRETS.file, { scope: 'read', name: 'r' }, null)}\n`, {
    mode: 0o600,
  });
  Object.assign(world.env, {
    ...{ PORT: '0', DATABASE_URL: url.href, S3_BUCKET: s3.bucket, S3_ENDPOINT: proxy.endpoint, LOG_LEVEL: 'debug' },
    ...{ AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: SECRETS.awsSecret, STABLE_SECONDS: '0' },
    ...{ API_TOKEN: SECRETS.apiToken, API_TOKENS_FILE: 'tokens', PHOTOS_ROOT: `${world.dir}/photos` },
  });
  world.write('photos/2024/a.jpg', 'a');
  world.write('photos/2024/b.jpg', 'b');
});
afterAll(async () => {
  world.close();
  await sql(`DROP OWNED BY ${role} CASCADE`).catch(() => {});
  await database.drop().catch(() => {});
  await proxy.close();
  await s3.close();
});

async function sql(text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  return (await client.query(text).finally(() => client.end())).rows as Record<string, unknown>[];
}

async function run(env: Record<string, string>, ...args: string[]): Promise<number | null> {
  const before = { ...world.env };
  Object.assign(world.env, env);
  const ran = await world.run(...args);
  Object.assign(world.env, before);
  for (const name of Object.keys(env)) if (!(name in before)) delete world.env[name];
  told.push([`${args.join(' ')} ${Object.keys(env)}`, ran.stdout + ran.stderr]);
  return ran.exitCode;
}

async function ask(server: Running, path: string, token: string | null, init: RequestInit = {}): Promise<number> {
  const address = /is up at (http:\/\/\S+)/.exec(server.said())?.[1] ?? /"address":"([^"]+)"/.exec(server.said())?.[1];
  const headers = { ...(token !== null && { Authorization: `Bearer ${token}` }), 'Content-Type': 'application/json' };
  const response = await fetch(`${address}${path}`, { headers, ...init });
  const said = [...response.headers].map((pair) => pair.join(': ')).join('\n');
  told.push([`${init.method ?? 'GET'} ${path} ${response.status}`, `${said}\n${await response.text()}`]);
  return response.status;
}

/** A port at which nobody listens. */
async function closedPort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

function dbUrl(change: Partial<Record<'password' | 'port' | 'pathname' | 'username', string>>): string {
  return Object.assign(new URL(world.env['DATABASE_URL'] ?? ''), change).href;
}

test('a session of a server, its good requests and its bad ones', async () => {
  const server = world.start('serve');
  await server.says('Ctrl-C stops everything.');
  const post = (body: unknown) => ({ method: 'POST', body: JSON.stringify(body) });
  for (const token of [SECRETS.apiToken, SECRETS.file, SECRETS.wrong, null]) {
    for (const path of [
      '/api/health',
      '/metrics',
      '/openapi.json',
      '/docs',
      '/',
      '/api/libraries',
      '/api/runs',
      '/nothing',
    ]) {
      await ask(server, path, token);
    }
    await ask(server, '/api/sync', token, post({ library: 'nobody' }));
  }
  expect(await ask(server, '/api/sync', SECRETS.apiToken, post({}))).toBe(200);
  // The bucket has bad days.
  world.write('photos/2024/c.jpg', 'c');
  for (const code of ['AccessDenied', 'InternalError', 'SignatureDoesNotMatch', 'ExpiredToken']) {
    const status = code === 'InternalError' ? 500 : 403;
    proxy.fail(() => ({ kind: 'answer', status, body: `<Error><Code>${code}</Code></Error>` }));
    await ask(server, '/api/sync', SECRETS.apiToken, post({ album: '2024' }));
    await ask(server, '/api/s3/compare', SECRETS.apiToken, post({ album: '2024' }));
    await ask(server, '/api/health', SECRETS.apiToken);
  }
  proxy.fail(() => null);
  await ask(server, '/api/libraries', SECRETS.apiToken, post({ name: SECRETS.wrong.slice(0, 3), root: '/nowhere' }));
  await ask(server, '/api/overview', SECRETS.apiToken);
  server.process.kill('SIGINT');
  const { stdout, stderr } = await server.ended;
  told.push(['serve', stdout + stderr]);
});

test('commands that cannot get at the database or the bucket, and settings that are wrong', async () => {
  const port = String(await closedPort());
  expect(await run({ DATABASE_URL: dbUrl({ port }) }, 'sync')).toBe(4);
  expect(await run({ DATABASE_URL: dbUrl({ pathname: '/nothing' }) }, 'sync', '--json')).toBe(4);
  expect(
    await run({ DATABASE_URL: dbUrl({ password: SECRETS.wrong, username: 'nobody' }) }, 'status', '--verbose'),
  ).toBe(4);
  await run({ AWS_SECRET_ACCESS_KEY: SECRETS.wrong }, 'sync', '--verbose');
  await run({ AWS_SESSION_TOKEN: SECRETS.awsSession }, 'sync', '--verbose');
  await run({ S3_ENDPOINT: `http://127.0.0.1:${port}` }, 'sync', '--album', '2024');
  expect(await run({ S3_ENDPOINT: `http://me:${SECRETS.wrong}@127.0.0.1:${port}` }, 'sync')).toBe(2);
  expect(await run({ DATABASE_URL: `mysql://me:${SECRETS.wrong}@db/x` }, 'sync')).toBe(2);
  for (const name of ['PORT', 'LOG_LEVEL', 'MAX_DELETE', 'S3_PREFIX', 'RECONCILE_CRON', 'API_TOKENS_FILE']) {
    const ran = await run({ [name]: name === 'API_TOKENS_FILE' ? `no/${SECRETS.wrong}` : SECRETS.wrong }, 'serve');
    expect([name, ran]).toEqual([name, 2]);
  }
  writeFileSync(join(world.dir, 'tokens'), `read | r | ${SECRETS.file}\n`);
  expect(await run({}, 'serve')).toBe(2);
  for (const args of [['sync'], ['verify'], ['media'], ['status'], ['restore-status']]) await run({}, ...args);
});

test('none of them was told: not on a screen, in a log, in an answer, nor in the catalog', async () => {
  const logs = join(world.dir, 'logs');
  for (const name of existsSync(logs) ? readdirSync(logs) : [])
    told.push([name, readFileSync(join(logs, name), 'utf8')]);
  const tables = await sql(`SELECT table_schema, table_name FROM information_schema.tables
    WHERE table_schema IN ('public', 'pgboss') AND table_type = 'BASE TABLE'`);
  for (const { table_schema: schema, table_name: table } of tables) {
    const rows = await sql(`SELECT to_json(t)::text AS text FROM "${schema}"."${table}" t`);
    told.push([`${schema}.${table}`, rows.map(({ text }) => text).join('\n')]);
  }
  expect(told.length).toBeGreaterThan(60);
  expect(told.some(([where]) => where.endsWith('-serve.log'))).toBe(true);
  // Presigned addresses hold the key's id, its signature, and a session's token, which belongs into them: none here has one.
  for (const [name, secret] of Object.entries(SECRETS)) {
    const forms = [
      secret,
      encodeURIComponent(secret),
      JSON.stringify(secret).slice(1, -1),
      Buffer.from(secret).toString('base64'),
    ];
    const found = told.filter(([, text]) => forms.some((form) => text.includes(form))).map(([where]) => where);
    expect([name, found]).toEqual([name, []]);
  }
});
