import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type CliWorld, cliWorld, jsonLines } from './cli-world.ts';

let world: CliWorld;

beforeEach(async () => {
  world = await cliWorld();
  world.env['PORT'] = '0';
});
afterEach(() => world.close());

const ADDRESS = /is up at (http:\/\/\S+)/;

describe('rollcall serve, with nothing configured', () => {
  test('brings everything along, says where it is, syncs its demo library, and stops cleanly on Ctrl-C', async () => {
    const server = world.start('serve');
    await server.says('Ctrl-C stops everything.');
    const shown = await fetchWhileUp(server, async (address) => {
      const health = await fetch(`${address}/api/health`);
      expect(await health.json()).toMatchObject({ status: 'ok' });
      const synced = await fetch(`${address}/api/sync`, { method: 'POST' });
      const report = (await synced.json()) as { status: string; photos: { new: number } };
      expect(report.status).toBe('succeeded');
      expect(report.photos.new).toBeGreaterThanOrEqual(40);

      // Another command meanwhile uses what runs there.
      const status = await world.run('status');
      expect(status, status.stderr).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('nothing pending') });
    });
    expect(shown).toContain('(embedded PostgreSQL)');
    expect(shown).toContain('(embedded S3, for trying out)');
    expect(shown).toContain(join(world.dir, 'photos'));
    expect(shown).toContain(join(world.dir, '.data'));
    expect(shown).toContain('DATABASE_URL=');
    expect(shown).toContain('npx rollcall sync');
    expect(shown).toMatch(/curl -X POST http:\/\/127\.0\.0\.1:\d+\/api\/sync/);
    expect(readdirSync(join(world.dir, 'logs')).some((name) => name.endsWith('-serve.log'))).toBe(true);

    // A second start finds everything as it was left.
    const again = await world.run('status');
    expect(again, again.stderr).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('nothing pending') });
  });

  async function fetchWhileUp(server: ReturnType<CliWorld['start']>, body: (address: string) => Promise<void>) {
    const address = ADDRESS.exec(server.said())?.[1] ?? '';
    await body(address);
    server.process.kill('SIGINT');
    const ran = await server.ended;
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0, signal: null, stderr: 'Stopping…\nStopped.\n' });
    await expect(fetch(`${address}/api/health`)).rejects.toThrow();
    return ran.stdout;
  }

  test('a Ctrl-C that npm hands on a second time is still one', async () => {
    world.write('mine/a.jpg', 'a');
    world.env['PHOTOS_ROOT'] = join(world.dir, 'mine');
    const server = world.start('serve');
    await server.says('Ctrl-C stops everything.');
    server.process.kill('SIGINT');
    await server.says('Stopping…');
    server.process.kill('SIGINT');
    expect(await server.ended).toMatchObject({ exitCode: 0, signal: null });
  });

  test('Ctrl-C while it is still starting is no error', async () => {
    world.write('mine/a.jpg', 'a');
    world.env['PHOTOS_ROOT'] = join(world.dir, 'mine');
    const server = world.start('serve');
    await world.appears('.data');
    server.process.kill('SIGINT');
    expect(await server.ended).toMatchObject({ exitCode: 0, signal: null, stderr: 'Stopping…\nStopped.\n' });
  });

  test('with --json every line of standard output is JSON', async () => {
    world.write('mine/a.jpg', 'a');
    world.env['PHOTOS_ROOT'] = join(world.dir, 'mine');
    const server = world.start('serve', '--json');
    await server.says('"ready"');
    server.process.kill('SIGTERM');
    const ran = await server.ended;
    expect(ran).toMatchObject({ exitCode: 0 });
    const ready = jsonLines(ran.stdout).find((line) => line['type'] === 'ready');
    expect(ready).toMatchObject({ address: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) });
  });
});

describe('rollcall sync, with nothing configured', () => {
  test('starts what it needs for its own time and syncs a folder', async () => {
    world.write('pictures/a.jpg', 'a');
    const ran = await world.run('sync', 'pictures');
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('1 uploaded') });
    expect(existsSync(join(world.dir, 'photos'))).toBe(false);
    const again = await world.run('sync', 'pictures');
    expect(again, again.stderr).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('1 skipped') });
  });

  test('without the demo library says what to do', async () => {
    const ran = await world.run('sync');
    expect(ran).toMatchObject({ exitCode: 3 });
    expect(`${ran.stdout}${ran.stderr}`).toContain('(GUARD_ROOT_MISSING)');
    expect(ran.stderr).toContain('PHOTOS_ROOT');
  });
});
