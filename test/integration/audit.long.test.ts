/** npm itself, asking a registry that knows of holes, of none, or of nothing at all. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const PINNED = { integrity: 'sha512-AAAA' };
const VERSIONS = { name: 'holey', versions: { '1.0.0': { name: 'holey', version: '1.0.0' } } };

let registry: Server;
let answer: { status: number; advisories: object };
let dir: string;

beforeEach(async () => {
  answer = { status: 200, advisories: {} };
  registry = createServer((request, response) => {
    request.resume().on('end', () => {
      const isAdvisories = request.url?.includes('/security/advisories/') ?? false;
      response.writeHead(isAdvisories ? answer.status : 200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(isAdvisories ? answer.advisories : VERSIONS));
    });
  }).listen(0, '127.0.0.1');
  await once(registry, 'listening');
  dir = mkdtempSync(join(tmpdir(), 'rollcall-audit-'));
  write({ 'node_modules/holey': { version: '1.0.0', ...PINNED } });
});
afterEach(() => {
  registry.close();
  registry.closeAllConnections();
  rmSync(dir, { recursive: true, force: true });
});

function write(packages: object): void {
  const root = { name: 'x', version: '1.0.0', dependencies: { holey: '1.0.0' } };
  writeFileSync(join(dir, 'package.json'), JSON.stringify(root));
  const lock = { name: 'x', version: '1.0.0', lockfileVersion: 3, requires: true, packages: { '': root, ...packages } };
  writeFileSync(join(dir, 'package-lock.json'), JSON.stringify(lock));
}

async function audit(...args: string[]): Promise<{ exitCode: number; said: string }> {
  const { port } = registry.address() as AddressInfo;
  const env = {
    ...process.env,
    npm_config_registry: `http://127.0.0.1:${port}/`,
    npm_config_fetch_retries: '0',
    npm_config_cache: join(dir, 'cache'),
  };
  const { promise, resolve } = Promise.withResolvers<{ exitCode: number; said: string }>();
  execFile(process.execPath, [join(ROOT, 'scripts/audit.ts'), ...args], { cwd: dir, env }, (error, stdout, stderr) => {
    resolve({ exitCode: Number(error?.code ?? 0), said: stdout + stderr });
  });
  return promise;
}

const advisory = (severity: string) => ({
  holey: [
    { id: 1, url: 'https://example.org/1', title: 'lets anybody in', severity, vulnerable_versions: '<2.0.0', cwe: [] },
  ],
});

describe('the audit', () => {
  test.each(['high', 'critical'])('fails for a %s hole that the registry knows, and names it', async (severity) => {
    answer.advisories = advisory(severity);
    const { exitCode, said } = await audit();
    expect(exitCode).toBe(1);
    expect(said).toContain(`${severity}: holey *: lets anybody in https://example.org/1`);
  });

  test('only tells of a lesser one', async () => {
    answer.advisories = advisory('moderate');
    expect(await audit()).toMatchObject({ exitCode: 0, said: expect.stringContaining('moderate: holey') });
  });

  test('passes where there is none', async () => {
    expect(await audit('--must-ask')).toMatchObject({
      exitCode: 0,
      said: expect.stringContaining('0 high or critical'),
    });
  });

  test('says that it could not ask, and fails for that only where it must', async () => {
    answer.status = 405;
    expect(await audit()).toMatchObject({ exitCode: 0, said: expect.stringContaining('could not be asked') });
    expect((await audit('--must-ask')).exitCode).toBe(1);
  });

  test('fails for a package that is not pinned, whoever can be asked', async () => {
    answer.status = 405;
    write({ 'node_modules/holey': { version: '1.0.0', resolved: 'git+ssh://git@example.org/holey.git#1' } });
    const { exitCode, said } = await audit();
    expect(exitCode).toBe(1);
    expect(said).toContain('holey comes from git+ssh://');
    expect(said).toContain('holey is not pinned by SHA-512');
  });
});
