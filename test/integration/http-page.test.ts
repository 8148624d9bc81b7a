import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readAdminPage } from '../../src/http/admin-page.ts';
import { createApp } from '../../src/http/app.ts';
import { PAGE_PATHS } from '../../src/http/page-paths.ts';
import type { HttpParts } from '../../src/http/parts.ts';
import { LIBRARY, testParts } from '../support/http-parts.ts';

const DOCUMENT = '<!doctype html><title>Rollcall</title><script type="module" src="/assets/index-abc.js"></script>';
const SCRIPT = `console.log(${JSON.stringify('x'.repeat(2_000))})`;
const TOKEN = 'correct-horse-battery-staple';
const VIEWS = PAGE_PATHS.map((path) => path.replace(':id', LIBRARY.id));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-page-'));
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), DOCUMENT);
  writeFileSync(join(folder, 'manifest.json'), '{}');
  writeFileSync(join(folder, 'assets/index-abc.js'), SCRIPT);
  writeFileSync(join(folder, 'assets/index-abc.js.map'), '{}');
});
afterAll(() => rmSync(folder, { recursive: true }));

function served(replaced: Partial<HttpParts> = {}) {
  return createApp(testParts({ page: () => readAdminPage(pathToFileURL(`${folder}/`)), ...replaced }));
}

describe('the admin page', () => {
  test.each(VIEWS)('is at %s, so that every view can be reloaded', async (path) => {
    const response = await served().request(`${path}?state=lost`);
    expect(response.status).toBe(200);
    expect(response.headers.get('Content-Type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('Cache-Control')).toBe('no-cache');
    expect(await response.text()).toBe(DOCUMENT);
  });

  test.each([
    '/nothing',
    '/albums/a/b',
    '/assets',
    '/assets/',
    '/assets/nothing.js',
    '/assets/index-abc.js.map',
    '/api',
  ])('is not at %s', async (path) => {
    const response = await served().request(path);
    expect(response.status).toBe(404);
    expect(response.headers.get('Content-Type')).toBe('application/problem+json');
    expect(response.headers.get('Cache-Control')).toBe('no-store');
  });

  test('keeps browsers from asking for its parts again, and is asked for again itself', async () => {
    const app = served();
    const script = await app.request('/assets/index-abc.js');
    expect(script.headers.get('Cache-Control')).toBe('public, max-age=31536000, immutable');
    expect(script.headers.get('Content-Type')).toBe('text/javascript; charset=utf-8');
    expect(await script.text()).toBe(SCRIPT);
    const etag = (await app.request('/')).headers.get('ETag') ?? '';
    const again = await app.request('/albums', { headers: { 'If-None-Match': etag } });
    expect([again.status, await again.text()]).toEqual([304, '']);
  });

  test('is sent small to those who can read it so', async () => {
    const response = await served().request('/assets/index-abc.js', { headers: { 'Accept-Encoding': 'br, gzip' } });
    expect(response.headers.get('Content-Encoding')).toBe('gzip');
    expect(response.headers.get('Vary')).toBe('Accept-Encoding');
    const body = Buffer.from(await response.arrayBuffer());
    expect(body.length).toBeLessThan(200);
    expect(gunzipSync(body).toString()).toBe(SCRIPT);
  });

  test('may show pictures from the buckets of the libraries and run nothing but its own scripts', async () => {
    const openBucket: HttpParts['openBucket'] = (bucket) => ({
      presign: async (key) => {
        if (bucket === 'default-bucket') throw new Error('no credentials');
        return `https://${bucket}.s3.example/${key}?signature`;
      },
    });
    const policy = (await served({ openBucket }).request('/')).headers.get('Content-Security-Policy') ?? '';
    expect(policy).toContain(`img-src 'self' https://${LIBRARY.bucket}.s3.example;`);
    expect(policy).toContain("script-src 'self'; style-src 'self';");
    expect(policy).toContain("default-src 'none'");
    const script = (await served({ openBucket }).request('/assets/index-abc.js')).headers;
    expect(script.get('Content-Security-Policy')).toContain("img-src 'self';");
    expect(script.get('X-Content-Type-Options')).toBe('nosniff');
  });

  test('comes up while the database is down', async () => {
    const down = () => Promise.reject(new Error('no database'));
    const { libraries } = testParts();
    const response = await served({ libraries: { ...libraries, list: down } }).request('/');
    expect(response.status).toBe(200);
    expect(response.headers.get('Content-Security-Policy')).toContain("img-src 'self' https://bucket.example;");
  });

  test('needs no token, and what it asks for does', async () => {
    const app = served({ auth: { token: TOKEN } });
    for (const path of [...VIEWS, '/assets/index-abc.js']) expect((await app.request(path)).status, path).toBe(200);
    for (const path of ['/api/overview', '/api/photos', '/docs', '/openapi.json', '/style.css', '/nothing']) {
      expect((await app.request(path)).status, path).toBe(401);
    }
    expect((await app.request('/albums', { method: 'POST' })).status).toBe(401);
  });

  test('is answered on this machine only where there is no token', async () => {
    expect((await served().request('/', { headers: { Host: 'rebound.example' } })).status).toBe(403);
  });

  test('is read by nobody but a browser: other methods are refused', async () => {
    const response = await served().request('/albums', { method: 'POST' });
    expect([response.status, response.headers.get('Allow')]).toEqual([405, 'GET, HEAD']);
  });
});

describe('without a built page', () => {
  test('there is a page of links at its address, and nothing at its others', async () => {
    const app = served({ page: () => null });
    const start = await app.request('/');
    expect(await start.text()).toContain('<a href="/docs">');
    expect((await app.request('/albums')).status).toBe(404);
    expect((await served({ page: () => null, auth: { token: TOKEN } }).request('/')).status).toBe(401);
  });

  test('its sources are not taken for one', () => {
    expect(readAdminPage(new URL('../../src/web/', import.meta.url))).toBeNull();
    expect(readAdminPage(pathToFileURL(`${folder}/nothing/`))).toBeNull();
  });
});
