import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ScopeLock } from '../../src/sync/catalog-port.ts';
import type { Library, Scope } from '../../src/sync/types.ts';
import { never, openTestCatalog, type TestCatalog } from '../support/catalog.ts';

const HOLDER = fileURLToPath(new URL('../support/lock-holder.ts', import.meta.url));

let world: TestCatalog;
const held: ScopeLock[] = [];
const children: ChildProcess[] = [];
beforeAll(async () => {
  world = await openTestCatalog();
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await Promise.all(held.splice(0).map((lock) => lock.release()));
});
afterAll(() => world.close());

async function lock(library: Library, album: string | null = null): Promise<ScopeLock> {
  const taken = await world.catalog.port.lock({ library, album }, never);
  held.push(taken);
  return taken;
}

const inProgress = { code: 'SYNC_IN_PROGRESS' };

/** A process of its own that holds the lock; answers the id of its run. */
async function startHolder(scope: Scope): Promise<{ child: ChildProcess; run: string }> {
  const child = spawn(process.execPath, [HOLDER, world.url, JSON.stringify(scope)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [said] = await once(child.stdout!, 'data');
  return { child, run: String(said).trim() };
}

describe('a lock', () => {
  const table = [
    { first: null, second: null, may: false },
    { first: null, second: 'a', may: false },
    { first: 'a', second: null, may: false },
    { first: 'a', second: 'a', may: false },
    { first: 'a', second: 'b', may: true },
    { first: '.', second: 'a', may: true },
  ];
  for (const { first, second, may } of table) {
    const [one, two] = [first ?? 'the library', second ?? 'the library'];
    test(`on ${one} ${may ? 'leaves' : 'excludes one on'} ${two}${may ? ' free' : ''}`, async () => {
      const library = await world.makeLibrary();
      const holding = await lock(library, first);
      if (!may) {
        await expect(lock(library, second)).rejects.toMatchObject(inProgress);
        await holding.release();
      }
      await lock(library, second);
    });
  }

  test('on one library says nothing about another', async () => {
    await lock(await world.makeLibrary());
    await lock(await world.makeLibrary());
  });

  test('goes to one of many who ask at the same moment', async () => {
    const library = await world.makeLibrary();
    const asked = await Promise.allSettled(Array.from({ length: 10 }, () => lock(library)));
    expect(asked.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  });

  test('that is refused names the run that is in the way', async () => {
    const library = await world.makeLibrary();
    const { run } = await startHolder({ library, album: '2024/summer' });
    const refused = lock(library);
    await expect(refused).rejects.toMatchObject(inProgress);
    await expect(refused).rejects.toThrow(`album "2024/summer" of library "${library.name}"`);
    await expect(refused).rejects.toThrow(run);
    await expect(lock(library, '2024/summer')).rejects.toThrow(run);
    await lock(library, '2024/winter');
  });

  test('dies with the process that holds it, however it dies', async () => {
    const library = await world.makeLibrary();
    const { child } = await startHolder({ library, album: null });
    await expect(lock(library)).rejects.toMatchObject(inProgress);
    child.kill('SIGKILL');
    await vi.waitFor(() => lock(library), { timeout: 100_000, interval: 50 });
  });

  test('whose connection is broken says so to its holder', async () => {
    const library = await world.makeLibrary();
    const holding = await lock(library);
    const reason = new Promise((resolve) => {
      holding.signal.addEventListener('abort', () => resolve(holding.signal.reason), { once: true });
    });
    await world.sql(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`);
    expect(await reason).toMatchObject({ code: 'LOCK_LOST', message: expect.stringContaining(library.name) });
    await holding.release();
    await lock(library);
  });

  test('that was released is no loss, and may be released again', async () => {
    const holding = await lock(await world.makeLibrary());
    await Promise.all([holding.release(), holding.release()]);
    await holding.release();
    expect(holding.signal.aborted).toBe(false);
  });

  test('outlives the signal it was asked for with: a cancelled run drains under its lock', async () => {
    const library = await world.makeLibrary();
    const asking = new AbortController();
    held.push(await world.catalog.port.lock({ library, album: null }, asking.signal));
    asking.abort();
    await expect(lock(library)).rejects.toMatchObject(inProgress);
    const again = world.catalog.port.lock({ library, album: null }, asking.signal);
    await expect(again).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('a run that a dead process left running', () => {
  beforeEach(async () => {
    await world.sql('DELETE FROM "Run"');
  });

  test('is marked as failed, and a living one is not', async () => {
    const [one, two] = [await world.makeLibrary(), await world.makeLibrary()];
    const dead = await startHolder({ library: one, album: null });
    const alive = await startHolder({ library: two, album: 'a' });
    expect(await world.catalog.closeAbandonedRuns(never)).toBe(0);
    dead.child.kill('SIGKILL');
    await vi.waitFor(async () => expect(await world.catalog.closeAbandonedRuns(never)).toBe(1), { timeout: 100_000 });
    expect(await world.catalog.browser.run(dead.run)).toMatchObject({
      status: 'failed',
      finishedAt: expect.any(String),
    });
    expect(await world.catalog.browser.run(alive.run)).toMatchObject({ status: 'running', finishedAt: null });
  });

  test('is told from a dry run and from a run over several libraries, which hold no lock, by their age', async () => {
    const library = await world.makeLibrary();
    const { beginRun } = world.catalog.port;
    const dry = await beginRun({ library, album: null, kind: 'status', policy: { dryRun: true } });
    const parent = await beginRun({ library: null, album: null, kind: 'sync', policy: { dryRun: false } });
    expect(await world.catalog.closeAbandonedRuns(never)).toBe(0);
    await world.sql(`UPDATE "Run" SET "startedAt" = now() - interval '2 hours' WHERE "id" IN ($1, $2)`, [dry, parent]);
    const part = await beginRun({ library, album: null, kind: 'sync', policy: {}, parentId: parent });
    const holding = await lock(library);
    expect(await world.catalog.closeAbandonedRuns(never)).toBe(1);
    expect(await world.catalog.browser.run(dry)).toMatchObject({ status: 'failed' });
    await world.sql(`UPDATE "Run" SET "startedAt" = now() - interval '2 hours' WHERE "id" = $1`, [part]);
    await holding.release();
    expect(await world.catalog.closeAbandonedRuns(never)).toBe(2);
    expect(await world.catalog.browser.run(parent)).toMatchObject({ status: 'failed' });
  });

  test('may have been queued over libraries that were all removed meanwhile', async () => {
    const id = randomUUID();
    const insert = `INSERT INTO "Run" ("id", "kind", "status", "policy", "startedAt")
                    VALUES ($1, 'reconcile', 'queued', '{}', now() - interval '2 hours')`;
    await world.sql(insert, [id]);
    expect(await world.catalog.closeAbandonedRuns(never)).toBe(1);
    expect(await world.catalog.browser.run(id)).toMatchObject({ status: 'failed' });
  });
});
