import { describe, expect, test } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import { testParts } from '../support/http-parts.ts';

interface Operation {
  readonly summary?: string;
  readonly security?: readonly unknown[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[];
  readonly requestBody?: { readonly required?: boolean };
  readonly responses: Record<string, { readonly description?: string; readonly content?: object }>;
}

interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly security?: readonly unknown[];
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: {
    readonly schemas: Record<string, unknown>;
    readonly securitySchemes?: Record<string, unknown>;
  };
}

const app = createApp(testParts());
const fetchDocument = async () => (await (await app.request('/openapi.json')).json()) as Document;
const operationsOf = (document: Document) =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, path, operation })),
  );

describe('the OpenAPI document', () => {
  test('says which version of OpenAPI and of Rollcall it is', async () => {
    expect(await fetchDocument()).toMatchObject({ openapi: '3.1.0', info: { title: 'Rollcall', version: '1.2.3' } });
  });

  test('has every route that the app serves, and no other', async () => {
    const served = app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
    const documented = operationsOf(await fetchDocument()).map(({ name }) => name);
    expect(documented.toSorted()).toEqual([...new Set(served)].toSorted());
    expect(documented).toContain('POST /api/sync');
    expect(documented).toContain('GET /api/albums/{id}/photos');
    expect(documented).toContain('GET /metrics');
  });

  test('describes every operation, its answers and its path parameters', async () => {
    for (const { name, path, operation } of operationsOf(await fetchDocument())) {
      expect(operation.summary, name).toBeTruthy();
      const statuses = Object.keys(operation.responses);
      expect(
        statuses.some((status) => status.startsWith('2')),
        name,
      ).toBe(true);
      expect(statuses, name).toContain('500');
      for (const [status, response] of Object.entries(operation.responses)) {
        expect(response.description, `${name} ${status}`).toBeTruthy();
        if (Number(status) >= 400 && !(path === '/api/health' && status === '503')) {
          expect(Object.keys(response.content ?? {}), `${name} ${status}`).toEqual(['application/problem+json']);
        }
      }
      const inPath = [...path.matchAll(/{(\w+)}/g)].map((match) => match[1]);
      const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
      expect(declared.map((parameter) => [parameter.name, parameter.required])).toEqual(inPath.map((id) => [id, true]));
    }
  });

  test('has no reference that leads nowhere, and no schema that nothing leads to', async () => {
    const document = await fetchDocument();
    const text = JSON.stringify(document);
    const referenced = new Set([...text.matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1]));
    const there = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`);
    expect([...referenced].toSorted()).toEqual(there.toSorted());
  });

  test('asks for no body to sync, and for one to add a library', async () => {
    const { paths } = await fetchDocument();
    expect(paths['/api/sync']?.['post']?.requestBody?.required).toBeFalsy();
    expect(paths['/api/libraries']?.['post']?.requestBody?.required).toBe(true);
  });

  test('says that a token is needed only where one is', async () => {
    const open = await fetchDocument();
    expect([open.security, open.components.securitySchemes]).toEqual([undefined, undefined]);
    const token = 'correct-horse-battery-staple';
    const guarded = createApp(testParts({ auth: { token } }));
    const response = await guarded.request('/openapi.json', { headers: { Authorization: `Bearer ${token}` } });
    const document = (await response.json()) as Document;
    expect(document.security).toEqual([{ token: [] }]);
    expect(document.components.securitySchemes).toEqual({ token: { type: 'http', scheme: 'bearer' } });
    expect(document.paths['/api/health']?.['get']?.security).toEqual([]);
    expect(JSON.stringify(document)).not.toContain(token);
  });
});

describe('the pages', () => {
  test('/docs shows every operation and every schema, and each link on it leads somewhere', async () => {
    const document = await fetchDocument();
    const page = await (await app.request('/docs')).text();
    for (const { path, operation } of operationsOf(document)) {
      expect(page).toContain(`<code>${path}</code> ${operation.summary?.replaceAll("'", '&#39;')}`);
    }
    for (const name of Object.keys(document.components.schemas)) expect(page).toContain(`<details id="${name}">`);
    for (const [, anchor] of page.matchAll(/href="#([^"]+)"/g)) expect(page).toContain(`id="${anchor}"`);
  });

  test.each(['/', '/docs'])('%s holds no script, no inline style and nothing from elsewhere', async (path) => {
    const response = await app.request(path);
    const page = await response.text();
    expect(response.headers.get('Content-Type')).toMatch(/^text\/html/);
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).not.toMatch(/<script|<style| style=| on\w+=|https?:\/\/|undefined|\[object/);
    for (const [, target] of page.matchAll(/(?:href|src)="(\/[^"]*)"/g)) {
      expect([target, (await app.request(target!)).status]).toEqual([target, 200]);
    }
  });
});
