import { describe, expect, test } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import { HEALTH, LIBRARY, testParts } from '../support/http-parts.ts';

const TOKEN = 'correct-horse-battery-staple';
const PATHS = ['/', '/docs', '/openapi.json', '/style.css', '/api/runs', '/api/libraries', '/api/albums', '/nothing'];

describe('with a token', () => {
  const guarded = () => {
    const parts = testParts({ auth: { token: TOKEN } });
    return { parts, app: createApp(parts) };
  };
  const bearing = (value: string) => ({ headers: { Authorization: value } });

  test.each(PATHS)('%s asks for it', async (path) => {
    const response = await guarded().app.request(path);
    expect(response.status).toBe(401);
    expect(response.headers.get('WWW-Authenticate')).toBe('Bearer realm="rollcall"');
    expect(response.headers.get('Content-Type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({ status: 401, code: 'UNAUTHORIZED', title: 'Unauthorized' });
  });

  test('nothing is synced, and no body read, without it', async () => {
    const { parts, app } = guarded();
    const request = new Request('http://localhost/api/sync', { method: 'POST', body: '{}' });
    expect((await app.request(request)).status).toBe(401);
    expect(request.bodyUsed).toBe(false);
    expect(parts.asked).toEqual([]);
  });

  test.each([
    ['the token', `Bearer ${TOKEN}`],
    ['the token after a scheme in small letters', `bearer ${TOKEN}`],
  ])('%s opens the API, under any host name and from any origin', async (_name, value) => {
    const { parts, app } = guarded();
    const headers = { Authorization: value, Host: 'photos.example.org', Origin: 'https://elsewhere.example' };
    const response = await app.request('/api/sync', { method: 'POST', headers });
    expect(response.status).toBe(200);
    expect(parts.asked).toEqual([{}]);
  });

  test.each([
    ['another token', 'Bearer wrong'],
    ['the beginning of the token', `Bearer ${TOKEN.slice(0, -1)}`],
    ['more than the token', `Bearer ${TOKEN}x`],
    ['no token', 'Bearer '],
    ['the bare token', TOKEN],
    ['another scheme', `Basic ${TOKEN}`],
    ['two tokens', `Bearer ${TOKEN} ${TOKEN}`],
  ])('%s is refused', async (_name, value) => {
    const response = await guarded().app.request('/api/runs', bearing(value));
    expect(response.status).toBe(401);
    expect(response.headers.get('WWW-Authenticate')).toContain('error="invalid_token"');
  });

  test('it never gets into the log, right or wrong', async () => {
    const { parts, app } = guarded();
    await app.request('/api/runs', bearing(`Bearer ${TOKEN}`));
    await app.request('/api/runs', bearing('Bearer almost-the-token'));
    expect(parts.lines).toHaveLength(2);
    expect(JSON.stringify(parts.lines)).not.toMatch(/correct-horse|almost-the-token/);
  });

  test('health answers strangers without telling them anything about the machine', async () => {
    const response = await guarded().app.request('/api/health');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      status: 'ok',
      version: HEALTH.version,
      parts: {
        database: { ok: true },
        bucket: { ok: true },
        roots: [{ ok: true }],
        twoWay: [{ ok: true }],
        queue: { ok: true },
      },
    });
  });

  test('health answers the bearer in full, and a wrong token like none', async () => {
    const { app } = guarded();
    expect(await (await app.request('/api/health', bearing(`Bearer ${TOKEN}`))).json()).toEqual(HEALTH);
    const stranger = await app.request('/api/health', bearing('Bearer wrong'));
    expect([stranger.status, await stranger.text()]).toEqual([200, expect.not.stringContaining('/srv')]);
  });

  test('only /api/health is open, not what looks like it', async () => {
    const { app } = guarded();
    for (const path of ['/api/health/', '/api/health/x', '/api//health', '/api/healthy', '/api/runs?/api/health']) {
      expect([path, (await app.request(path)).status]).toEqual([path, 401]);
    }
    expect((await app.request('/api/health', { method: 'POST' })).status).toBe(401);
    expect((await app.request('/api/health', { method: 'POST', ...bearing(`Bearer ${TOKEN}`) })).status).toBe(405);
  });
});

describe('without a token', () => {
  const open = () => {
    const parts = testParts();
    return { parts, app: createApp(parts) };
  };
  const hosts = (names: string[]) => names.map((name) => [name]);

  test.each(
    hosts(['localhost', 'LOCALHOST:3000', '127.0.0.1', '127.0.0.1:3000', '127.1.2.3:80', '[::1]', '[::1]:3000']),
  )('Host %s is answered', async (host) => {
    expect((await open().app.request('/api/runs', { headers: { Host: host } })).status).toBe(200);
  });

  test.each(
    hosts([
      'rebound.example',
      'rebound.example:3000',
      'localhost.rebound.example',
      '127.0.0.1.rebound.example',
      'localhost@rebound.example',
      '192.168.1.5:3000',
      '0.0.0.0',
      '[::ffff:8.8.8.8]',
      '1270.0.0.1',
    ]),
  )('Host %s is refused, reads and health included', async (host) => {
    for (const path of ['/', '/api/runs', '/api/health']) {
      const response = await open().app.request(path, { headers: { Host: host } });
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({ code: 'FORBIDDEN_ORIGIN' });
    }
  });

  const writing = (headers: Record<string, string>) => ({
    method: 'POST',
    headers: { Host: 'localhost:3000', ...headers },
  });

  test.each([
    ['a command line', {}],
    ['a page of this server', { Origin: 'http://localhost:3000', 'Sec-Fetch-Site': 'same-origin' }],
    ['something the user did directly', { 'Sec-Fetch-Site': 'none' }],
  ])('%s may write', async (_name, headers) => {
    const { parts, app } = open();
    expect((await app.request('/api/sync', writing(headers))).status).toBe(200);
    expect(parts.asked).toEqual([{}]);
  });

  test.each([
    ['another site', { Origin: 'https://elsewhere.example' }],
    ['another port of this machine', { Origin: 'http://localhost:8080', 'Sec-Fetch-Site': 'same-site' }],
    ['another name of this machine', { Origin: 'http://127.0.0.1:3000' }],
    ['another scheme', { Origin: 'https://localhost:3000' }],
    ['a sandboxed frame', { Origin: 'null' }],
    ['a site that hides its origin', { 'Sec-Fetch-Site': 'cross-site' }],
  ])('%s may not write', async (_name, headers) => {
    const { parts, app } = open();
    const response = await app.request('/api/sync', writing(headers));
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: 'FORBIDDEN_ORIGIN', title: 'Forbidden' });
    expect(parts.asked).toEqual([]);
    const deletion = { ...writing(headers), method: 'DELETE' };
    expect((await app.request(`/api/libraries/${LIBRARY.id}`, deletion)).status).toBe(403);
    expect(await parts.libraries.find(LIBRARY.id)).toEqual(LIBRARY);
  });
});

describe('without a token, reading across origins', () => {
  const get = (path: string, headers: Record<string, string>) =>
    createApp(testParts()).request(path, { headers: { Host: 'localhost:3000', ...headers } });

  test.each([
    [
      'an image in another page',
      { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' },
    ],
    [
      'a script of another page',
      { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'cors', Origin: 'https://a.example' },
    ],
    ['a page on another port', { 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'cors' }],
    ['a frame', { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe' }],
    ['a browser that tells only its origin', { Origin: 'https://a.example' }],
  ])(
    '%s is refused: a request has an effect there although its answer is kept from the page',
    async (_name, headers) => {
      expect((await get('/api/archive?look=true', headers)).status).toBe(403);
      expect((await get('/', headers)).status).toBe(403);
    },
  );

  test.each([
    [
      'a link that somebody follows',
      { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' },
    ],
    ['the page itself', { 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Mode': 'cors' }],
    ['an address that was typed', { 'Sec-Fetch-Site': 'none', 'Sec-Fetch-Mode': 'navigate' }],
    ['a program', {}],
  ])('%s is answered', async (_name, headers) => {
    expect((await get('/api/runs', headers)).status).toBe(200);
  });
});

describe('headers', () => {
  test.each(['/', '/docs', '/api/health', '/nothing', '/api/sync'])('%s comes with all of them', async (path) => {
    const { headers } = await createApp(testParts()).request(path);
    expect(headers.get('Content-Security-Policy')).toContain("default-src 'none'");
    expect(headers.get('Content-Security-Policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('Content-Security-Policy')).not.toContain('unsafe');
    expect(headers.get('X-Content-Type-Options')).toBe('nosniff');
    expect(headers.get('Referrer-Policy')).toBe('no-referrer');
    expect(headers.get('X-Frame-Options')).toBe('DENY');
    expect(headers.get('Cache-Control')).toBe('no-store');
    expect(headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers.get('Access-Control-Allow-Origin')).toBeNull();
  });

  test('an unexpected error comes with them too', async () => {
    const parts = testParts({
      health: async () => {
        throw new Error('bug');
      },
    });
    const response = await createApp(parts).request('/api/health');
    expect(response.status).toBe(500);
    expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff');
  });
});
