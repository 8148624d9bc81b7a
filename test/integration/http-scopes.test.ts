/** Tokens with scopes: what each route wants, and a file of tokens that changes while the server runs. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import type { HttpParts } from '../../src/http/parts.ts';
import { isScoped, SCOPES, type Scope, scopeOfRoute } from '../../src/http/scopes.ts';
import { tokenFile } from '../../src/http/token-file.ts';
import { newToken, tokenLine } from '../../src/http/token-lines.ts';
import { ALBUM, LIBRARY, PHOTO, RUN, testParts } from '../support/http-parts.ts';

const OWN = 'correct-horse-battery-staple';
const TOKENS: Record<Scope, string> = { read: newToken(), sync: newToken(), admin: newToken() };
const LINES = SCOPES.map((scope) => tokenLine(TOKENS[scope], { scope, name: `the-${scope}` }, null));
const PAGE = {
  document: { type: 'text/html', etag: 'W/"1"', body: Buffer.from('page'), gzipped: () => Buffer.from('') },
};

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rollcall-tokens-'));
  path = join(dir, 'tokens');
  write(LINES);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function write(lines: readonly string[], mode = 0o600): void {
  writeFileSync(path, `${lines.join('\n')}\n`);
  chmodSync(path, mode);
}

function served(token: string | null = OWN, nowMs?: () => number, replaced: Partial<HttpParts> = {}) {
  const parts = testParts(replaced);
  const more = tokenFile(path, parts.log, nowMs);
  const page = () => ({ ...PAGE, assets: new Map() });
  const all = { ...parts, page, auth: { token, more } };
  const app = createApp(all);
  const call = async (given: string | null, method = 'GET', target = '/api/libraries', body?: object) => {
    const headers = {
      ...(given !== null && { Authorization: `Bearer ${given}` }),
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
    };
    return app.request(target, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
  };
  return { app, parts, call };
}

/** Every route of the app, as it was declared. */
function routesOf({ app }: ReturnType<typeof served>): { method: string; path: string }[] {
  const own = app.routes.filter(({ method }) => method !== 'ALL');
  return [...new Map(own.map(({ method, path: at }) => [`${method} ${at}`, { method, path: at }])).values()];
}

const IDS: Record<string, string> = { libraries: LIBRARY.id, albums: ALBUM.id, photos: PHOTO.id, runs: RUN.id };
const filled = (route: string) => route.replace(/\/(\w+)\/:id/, (_, kind: string) => `/${kind}/${IDS[kind]}`);

describe('routes', () => {
  test('each says which scope it wants, and nothing is said of a route that there is not', () => {
    const routes = routesOf(served()).map(({ method, path: at }) => `${method} ${at}`);
    expect(routes.filter((route) => !isScoped(route))).toEqual([]);
    expect(routes.length).toBeGreaterThan(40);
    expect(scopeOfRoute('POST /api/something/new')).toBe('admin');
  });

  test('let in the scope that they want and those above, and refuse the others by name, whatever is sent', async () => {
    const world = served();
    for (const { method, path: at } of routesOf(world)) {
      const wanted = scopeOfRoute(`${method} ${at}`);
      for (const scope of SCOPES) {
        const response = await world.call(TOKENS[scope], method, filled(at));
        const isEnough = wanted === 'anyone' || wanted === 'page' || SCOPES.indexOf(scope) >= SCOPES.indexOf(wanted);
        expect([method, at, scope, response.status === 403]).toEqual([method, at, scope, !isEnough]);
        expect(response.status).not.toBe(401);
        if (isEnough) continue;
        expect(response.headers.get('WWW-Authenticate')).toContain(`error="insufficient_scope", scope="${wanted}"`);
        expect(await response.json()).toMatchObject({
          ...{ code: 'FORBIDDEN_SCOPE', scope: wanted },
          detail: `${method} ${filled(at)} needs a token with the scope ${wanted}, and the token the-${scope} has the scope ${scope}`,
        });
      }
    }
  });

  test('are closed to strangers, all but health and the page', async () => {
    const world = served();
    const open: string[] = [];
    for (const { method, path: at } of routesOf(world)) {
      for (const given of [null, 'nonsense', `${TOKENS.admin}x`]) {
        const response = await world.call(given, method, filled(at));
        if (response.status !== 401) open.push(at);
      }
    }
    expect([...new Set(open)].toSorted()).toEqual(
      [
        '/',
        '/albums',
        '/albums/:id',
        '/api/health',
        '/archive',
        '/assets/:name',
        '/libraries',
        '/libraries/:id',
      ].concat(['/photos', '/photos/:id', '/runs', '/runs/:id', '/sync']),
    );
  });

  test('that read only, read only: every route of another method wants more than read', () => {
    for (const { method, path: at } of routesOf(served())) {
      if (method !== 'GET') expect([at, scopeOfRoute(`${method} ${at}`)]).not.toEqual([at, 'read']);
    }
  });

  test('a HEAD is a GET, and what there is not is told to bearers only', async () => {
    const { call } = served();
    expect((await call(TOKENS.read, 'HEAD')).status).toBe(200);
    expect((await call(null, 'HEAD')).status).toBe(401);
    expect((await call(TOKENS.read, 'GET', '/api/nothing')).status).toBe(404);
    expect((await call(TOKENS.read, 'PUT', '/api/sync')).status).toBe(405);
    expect((await call(null, 'GET', '/api/nothing')).status).toBe(401);
  });

  test('a plan that deletes objects is carried out only for an admin, and any other for whoever syncs', async () => {
    const runId = '44444444-4444-4444-8444-444444444444';
    const sum = { steps: 1, bytes: 0, usd: 0 };
    const times = { createdAt: '2024-07-01T10:00:00.000Z', expiresAt: '2024-07-02T10:00:00.000Z' };
    const plan = (group: 'delete' | 'new') =>
      ({ runId, ...times, appliedAt: null, appliedBy: null, ...sum, groups: [{ group, ...sum, told: 0 }] }) as const;
    for (const [group, ofSync] of [
      ['delete', 403],
      ['new', 200],
    ] as const) {
      const { call } = served(OWN, undefined, { plans: { find: async () => plan(group), steps: async () => null } });
      expect((await call(TOKENS.sync, 'POST', `/api/runs/${runId}/apply`)).status).toBe(ofSync);
      expect((await call(TOKENS.admin, 'POST', `/api/runs/${runId}/apply`)).status).toBe(200);
      expect((await call(TOKENS.read, 'POST', `/api/runs/${runId}/apply`)).status).toBe(403);
      expect((await call(TOKENS.read, 'GET', `/api/runs/${runId}/plan`)).status).toBe(200);
    }
  });

  test('a plan that has grown a deletion since it was looked at is for an admin too', async () => {
    const runId = '44444444-4444-4444-8444-444444444444';
    const times = { createdAt: '2024-07-01T10:00:00.000Z', expiresAt: '2024-07-02T10:00:00.000Z' };
    const found = { runId, ...times, appliedAt: null, appliedBy: null, steps: 0, bytes: 0, usd: 0, groups: [] };
    const { service } = testParts();
    const applyKept: typeof service.applyKept = async (id, hooks, signal) => {
      hooks.onPlan?.({ actions: [{ kind: 'delete' }] } as never);
      return service.applyKept(id, hooks, signal);
    };
    const { call } = served(OWN, undefined, {
      plans: { find: async () => found, steps: async () => null },
      service: { ...service, applyKept },
    });
    expect((await call(TOKENS.sync, 'POST', `/api/runs/${runId}/apply`)).status).toBe(403);
    expect((await call(TOKENS.admin, 'POST', `/api/runs/${runId}/apply`)).status).toBe(200);
  });

  test('a sync may delete objects only for an admin, and show anybody who syncs what it would', async () => {
    const { call, parts } = served();
    const deleting = await call(TOKENS.sync, 'POST', '/api/sync', { orphans: 'delete' });
    expect([deleting.status, await deleting.json()]).toMatchObject([403, { code: 'FORBIDDEN_SCOPE', scope: 'admin' }]);
    expect(parts.asked).toEqual([]);
    expect((await call(TOKENS.sync, 'POST', '/api/sync', { orphans: 'delete', dryRun: true })).status).toBe(200);
    expect((await call(TOKENS.sync, 'POST', '/api/sync', { orphans: 'mark' })).status).toBe(200);
    expect((await call(TOKENS.admin, 'POST', '/api/sync', { orphans: 'delete' })).status).toBe(200);
    expect((await call(OWN, 'POST', '/api/sync', { orphans: 'delete' })).status).toBe(200);
    expect(parts.asked).toHaveLength(4);
  });

  test('the log has the name of the token, and never a token', async () => {
    const { call, parts } = served();
    await call(TOKENS.read);
    await call(OWN);
    await call('a-wrong-one-altogether');
    expect(parts.lines.map(({ fields }) => fields['token'])).toEqual(['the-read', 'API_TOKEN', undefined]);
    const said = JSON.stringify(parts.lines);
    for (const token of [...Object.values(TOKENS), OWN, 'a-wrong-one']) expect(said).not.toContain(token);
  });

  test('health tells a bearer of any scope everything, and the document says which scope each call wants', async () => {
    const { call } = served();
    expect(JSON.stringify(await (await call(TOKENS.read, 'GET', '/api/health')).json())).toContain('/srv/photos');
    expect(JSON.stringify(await (await call('x', 'GET', '/api/health')).json())).not.toContain('/srv/photos');
    const document = (await (await call(TOKENS.read, 'GET', '/openapi.json')).json()) as {
      paths: Record<string, Record<string, { security?: unknown }>>;
    };
    expect(document.paths['/api/s3/remove']?.['post']?.security).toEqual([{ token: ['admin'] }]);
    expect(document.paths['/api/runs/{id}']?.['get']?.security).toEqual([{ token: ['read'] }]);
    expect(document.paths['/api/health']?.['get']?.security).toEqual([]);
  });
});

describe('the file of tokens', () => {
  test('lets in and shuts out from the next request on, without a restart', async () => {
    const { call } = served(null);
    const fresh = newToken();
    expect((await call(fresh)).status).toBe(401);
    write([...LINES, tokenLine(fresh, { scope: 'read', name: 'fresh' }, null)]);
    expect((await call(fresh)).status).toBe(200);
    write(LINES);
    expect([(await call(fresh)).status, (await call(TOKENS.read)).status]).toEqual([401, 200]);
  });

  test('sees a change that leaves size and time as they were', async () => {
    const { call } = served();
    expect((await call(TOKENS.read)).status).toBe(200);
    for (let turn = 0; turn < 20; turn++) {
      const [one, two] = [newToken(), newToken()];
      write([tokenLine(one, { scope: 'read', name: 'n' }, null)]);
      expect((await call(one)).status).toBe(200);
      write([tokenLine(two, { scope: 'read', name: 'n' }, null)]);
      expect([(await call(one)).status, (await call(two)).status]).toEqual([401, 200]);
    }
  });

  test('two tokens of one name are both good while they are exchanged', async () => {
    const { call } = served();
    const [old, next] = [newToken(), newToken()];
    write([old, next].map((token) => tokenLine(token, { scope: 'sync', name: 'laptop' }, null)));
    expect([(await call(old)).status, (await call(next)).status]).toEqual([200, 200]);
  });

  test('a token ends when its line says so', async () => {
    let nowMs = Date.UTC(2030, 0, 30);
    const token = newToken();
    write([tokenLine(token, { scope: 'read', name: 'guest' }, '2030-01-31')]);
    const { call } = served(OWN, () => nowMs);
    // The clock of the app is its own: what is over today is over for it too.
    expect((await call(token)).status).toBe(200);
    write([tokenLine(token, { scope: 'read', name: 'guest' }, '2020-01-31')]);
    nowMs = Date.UTC(2030, 1, 1);
    expect((await call(token)).status).toBe(401);
  });

  test('that is opened to others while the server runs opens nothing any more, and that is said once', async () => {
    const { call, parts } = served();
    expect((await call(TOKENS.admin)).status).toBe(200);
    for (const mode of [0o604, 0o620, 0o666, 0o601]) {
      write(LINES, mode);
      expect([mode, (await call(TOKENS.admin)).status]).toEqual([mode, 401]);
    }
    expect((await call(OWN)).status).toBe(200);
    expect(parts.lines.filter(({ level }) => level === 'error')).toEqual([
      expect.objectContaining({ message: expect.stringContaining('others may read or change') }),
    ]);
    write(LINES);
    expect((await call(TOKENS.admin)).status).toBe(200);
  });

  test('that goes away shuts out its tokens, and lets them in again when it comes back', async () => {
    const { call } = served();
    unlinkSync(path);
    expect([(await call(TOKENS.admin)).status, (await call(OWN)).status]).toEqual([401, 200]);
    write(LINES);
    expect((await call(TOKENS.admin)).status).toBe(200);
  });

  test('that could not be opened for once is read as soon as it can be', async () => {
    const script = `
      import { closeSync, openSync } from 'node:fs';
      import { tokenFile } from '${new URL('../../src/http/token-file.ts', import.meta.url)}';
      const quiet = () => {};
      const later = () => Date.now() + 60_000;
      const source = tokenFile(process.argv[1], { debug: quiet, info: quiet, warn: quiet, error: quiet }, later);
      const open = [];
      try { for (;;) open.push(openSync('/dev/null')); } catch {}
      const without = source.entries().length;
      for (const fd of open) closeSync(fd);
      process.stdout.write(without + ' ' + source.entries().length);`;
    const command = 'ulimit -n 64 && exec "$0" --input-type=module -e "$1" "$2"';
    const { stdout } = await promisify(execFile)('sh', ['-c', command, process.execPath, script, path]);
    expect(stdout).toBe(`0 ${LINES.length}`);
  });

  test.each([
    ['is not there', () => unlinkSync(path), /cannot be read \(ENOENT\)/],
    [
      'is a folder',
      () => {
        unlinkSync(path);
        symlinkSync(dir, path);
      },
      /must name a file/,
    ],
    ['others may read', () => chmodSync(path, 0o644), /chmod 600/],
    ['has a wrong line', () => write(['# tokens', 'read | me | hunter2']), /: line 2 must have the SHA-256/],
  ])('that %s stops the start, and is named', (_what, spoil, message) => {
    spoil();
    expect(() => served()).toThrow(expect.objectContaining({ code: 'BAD_CONFIG', field: 'API_TOKENS_FILE' }));
    expect(() => served()).toThrow(message);
    expect(() => served()).not.toThrow(/hunter2/);
  });
});
