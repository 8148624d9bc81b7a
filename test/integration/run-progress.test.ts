/** What a run says of itself while it goes, and how it ends when somebody asks for it. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { openDisk } from '../../src/disk/disk.ts';
import { RollcallError } from '../../src/errors.ts';
import type { CatalogPort } from '../../src/sync/catalog-port.ts';
import type { Log } from '../../src/sync/ports.ts';
import type { Progress, RunHooks } from '../../src/sync/service.ts';
import { createSyncService } from '../../src/sync/sync-service.ts';
import type { Library, SyncSettings } from '../../src/sync/types.ts';
import { never } from '../support/catalog.ts';
import { createWorld, type World } from '../support/world.ts';

let w: World;
beforeAll(async () => {
  w = await createWorld();
  // What the bucket honours is learnt once, by the first upload.
  w.write('first.jpg');
  await w.sync();
});
afterAll(() => w.close());
beforeEach(async () => {
  await w.wipe();
  await w.query('DELETE FROM "Run"');
  w.proxy.reset();
});

const SETTINGS: SyncSettings = {
  ...{ checkConcurrency: 10, uploadConcurrency: 2, existenceCheck: 'auto', maxDelete: { percent: 25 } },
  ...{ stableSeconds: 2, orphanGraceDays: 30, dedupeCopy: false },
};

/** The engine over this world, with its log's fields, and a catalog that a test may meddle with. */
function engine(meddled: Partial<CatalogPort> = {}) {
  const lines: { readonly fields: Record<string, unknown>; readonly message: string }[] = [];
  const note = (fields: object, message: string) => void lines.push({ fields: { ...fields }, message });
  const log: Log = { debug: note, info: note, warn: note, error: note };
  const service = createSyncService({
    catalog: { ...w.catalog.port, ...meddled },
    archive: w.catalog.archive,
    plans: w.catalog.plans,
    libraries: w.catalog.libraries,
    browser: w.catalog.browser,
    openDisk: (of: Library) => openDisk(of),
    openBucket: () => w.sides().bucket,
    settings: SETTINGS,
    log,
    now: Date.now,
  });
  return { service, lines };
}

/** Each upload takes so long. */
function slowUploads(ms: number): void {
  w.proxy.fail(({ method }) => (method === 'PUT' ? { kind: 'after', first: () => sleep(ms) } : null));
}

/** Somebody asks for the end of a run once it has sent a few photos; no more than a few are sent before that is asked. */
function cancelledUnderWay(): RunHooks {
  let runId = '';
  let asked: Promise<unknown> | undefined;
  let sent = 0;
  const first = async () => {
    sent += 1;
    if (sent > 3) {
      asked ??= w.catalog.browser.cancel(runId);
      await asked;
    }
    await sleep(200);
  };
  w.proxy.fail(({ method }) => (method === 'PUT' ? { kind: 'after', first } : null));
  return {
    onStart: (id) => {
      runId = id;
    },
  };
}

describe('a run that takes a while', () => {
  test('tells the history how far it is, at most every second, and nothing any more when it is over', async () => {
    const told: { readonly atMs: number; readonly progress: Progress }[] = [];
    const { service } = engine({
      pulse: (id, progress) => {
        told.push({ atMs: performance.now(), progress });
        return w.catalog.port.pulse(id, progress);
      },
    });
    for (let photo = 0; photo < 12; photo++) w.write(`a/${photo}.jpg`, Buffer.alloc(1_000, photo));
    slowUploads(500);
    const report = await service.sync({ library: 'test' }, {}, never);
    expect(report).toMatchObject({ status: 'succeeded', actions: { uploaded: 12 } });
    expect(told.length).toBeGreaterThanOrEqual(2);
    const pauses = told.slice(1).map(({ atMs }, n) => atMs - (told[n]?.atMs ?? 0));
    expect(Math.min(...pauses)).toBeGreaterThan(950);
    const last = told.at(-1)?.progress;
    expect(last).toMatchObject({ runId: report.runId, library: 'test', phase: 'working', scanned: 12 });
    expect(last).toMatchObject({ actions: { total: 12 }, bytes: { total: 12_000 }, lastPath: expect.any(String) });
    expect(told.some(({ progress: { actions } }) => actions.done > 0 && actions.done < 12)).toBe(true);
    expect(await w.catalog.browser.run(report.runId)).toMatchObject({ status: 'succeeded', progress: null });
  });

  test('is not stopped by a history that cannot be told', async () => {
    let asked = 0;
    const { service } = engine({
      pulse: async () => {
        asked += 1;
        throw new RollcallError('DATABASE_UNREACHABLE', 'away');
      },
    });
    for (let photo = 0; photo < 6; photo++) w.write(`a/${photo}.jpg`);
    slowUploads(600);
    expect(await service.sync({ library: 'test' }, {}, never)).toMatchObject({ status: 'succeeded' });
    expect(asked).toBeGreaterThan(0);
  });

  test('that is over at once tells nothing', async () => {
    let asked = 0;
    const { service } = engine({
      pulse: async () => {
        asked += 1;
        return { cancelled: false };
      },
    });
    w.write('a/1.jpg');
    // No second passes, however long the machine takes, until the run is over; then several do.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      await service.sync({ library: 'test' }, {}, never);
      await vi.advanceTimersByTimeAsync(5_000);
    } finally {
      vi.useRealTimers();
    }
    expect(asked).toBe(0);
  });

  test('has its id, its library and its album on every line of its log', async () => {
    const { service, lines } = engine();
    w.write('a/1.jpg');
    w.write('a/2.jpg');
    w.proxy.fail(({ path }) => (path.endsWith('/2.jpg') ? { kind: 'answer', status: 403 } : null));
    const album = await service.sync({ library: 'test', album: 'a' }, {}, never);
    const whole = await service.sync({ library: 'test', direction: 'both' }, {}, never);
    expect(album.status).toBe('partial');
    const ofRun = (id: string) => lines.filter(({ fields }) => fields['run'] === id);
    expect(ofRun(album.runId).length).toBeGreaterThan(2);
    expect(ofRun(whole.runId).length).toBeGreaterThan(1);
    expect(ofRun(album.runId).length + ofRun(whole.runId).length).toBe(lines.length);
    for (const { fields } of ofRun(album.runId)) expect(fields).toMatchObject({ library: 'test', album: 'a' });
    for (const { fields } of ofRun(whole.runId)) expect(fields).toMatchObject({ library: 'test', album: null });
  });
});

describe('a run whose end somebody asks for', () => {
  test('drains what is in flight, leaves the rest, says so, and the next run does the rest', async () => {
    const { service } = engine();
    for (let photo = 0; photo < 40; photo++) w.write(`a/${String(photo).padStart(2, '0')}.jpg`);
    const report = await service.sync({ library: 'test' }, cancelledUnderWay(), never);
    expect(report).toMatchObject({ status: 'partial', error: { code: 'CANCELLED' }, failures: [] });
    const { uploaded } = report.actions;
    expect(uploaded).toBeGreaterThan(0);
    expect(uploaded).toBeLessThan(40);
    // Whatever reached the bucket is on record, and the other way round.
    expect((await w.keys()).length).toBe(uploaded);
    expect((await w.rows()).filter(({ etag }) => etag !== null)).toHaveLength(uploaded);
    const run = await w.catalog.browser.run(report.runId);
    expect(run).toMatchObject({ status: 'partial', cancelAt: expect.any(String), report: { error: report.error } });
    w.proxy.reset();
    expect(await service.sync({ library: 'test' }, {}, never)).toMatchObject({
      status: 'succeeded',
      actions: { uploaded: 40 - uploaded, skipped: uploaded },
    });
  });

  describe('over several libraries', () => {
    let folder: string;
    let other: Library;
    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'rollcall-other-'));
      mkdirSync(join(folder, 'x'));
      other = await w.catalog.libraries.create({
        ...{ name: 'zz other', root: folder, bucket: w.bucket, prefix: 'other/', excludes: [] },
      });
      for (let photo = 0; photo < 40; photo++) w.write(`a/${photo}.jpg`);
    });
    afterEach(async () => {
      await w.catalog.libraries.remove(other.id);
      rmSync(folder, { recursive: true });
    });

    test('begins none of those that are left', async () => {
      await cutOffAfterOne(engine());
    });

    test('begins none of those that are left, though the part hears of it before the whole', async () => {
      let [parent, partEnded] = ['', false];
      await cutOffAfterOne(
        engine({
          beginRun: async (entry) => {
            const id = await w.catalog.port.beginRun(entry);
            parent ||= id;
            return id;
          },
          pulse: async (id, progress) => {
            if (id === parent && !partEnded) throw new RollcallError('DATABASE_UNREACHABLE', 'not yet');
            return w.catalog.port.pulse(id, progress);
          },
          finishRun: async (...end) => {
            await w.catalog.port.finishRun(...end);
            partEnded = true;
          },
        }),
      );
    });

    test('begins none of those that are left, when nobody heard of it before the first had ended well', async () => {
      let parent = '';
      const { service } = engine({
        finishRun: async (...end) => {
          await w.catalog.port.finishRun(...end);
          if (end[0] !== parent) await w.catalog.browser.cancel(parent);
        },
      });
      const hooks: RunHooks = {
        onStart: (id) => {
          parent ||= id;
        },
      };
      const report = await service.sync({}, hooks, never);
      expect(report).toMatchObject({ status: 'partial', error: { code: 'CANCELLED' }, actions: { uploaded: 40 } });
      const { items } = await w.catalog.browser.runs({ parentId: parent }, { limit: 10 });
      expect(items).toMatchObject([{ libraryId: w.library.id, status: 'succeeded' }]);
    });

    async function cutOffAfterOne({ service }: ReturnType<typeof engine>): Promise<void> {
      const report = await service.sync({}, cancelledUnderWay(), never);
      expect(report).toMatchObject({ status: 'partial', error: { code: 'CANCELLED' } });
      const { items } = await w.catalog.browser.runs({ parentId: report.runId }, { limit: 10 });
      expect(items).toMatchObject([{ libraryId: w.library.id, report: { error: { code: 'CANCELLED' } } }]);
      expect(await w.catalog.browser.run(report.runId)).toMatchObject({ status: 'partial', progress: null });
    }
  });

  test('is the queued one under its own id, and not begun when it was cancelled before', async () => {
    const { service } = engine();
    w.write('a/1.jpg');
    const queued = async () => {
      const [row] = await w.query<{ id: string }>(
        `INSERT INTO "Run" ("libraryId", "kind", "status", "policy") VALUES ($1, 'sync', 'queued', '{}') RETURNING "id"`,
        [w.library.id],
      );
      return row?.id ?? '';
    };
    const [first, second] = [await queued(), await queued()];
    await w.catalog.browser.cancel(second);
    await expect(service.sync({ library: 'test', runId: second }, {}, never)).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    expect(await w.keys()).toEqual([]);
    const report = await service.sync({ library: 'test', runId: first, parentId: second }, {}, never);
    expect(report).toMatchObject({ runId: first, status: 'succeeded', actions: { uploaded: 1 } });
    expect(await w.query('SELECT 1 FROM "Run"')).toHaveLength(2);
  });
});
