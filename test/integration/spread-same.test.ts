import { mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SyncRequest } from '../../src/sync/service.ts';
import { createSpreader, type Spreader } from '../../src/sync/spread.ts';
import { type FinishedTask, sumTasks } from '../../src/sync/sum-tasks.ts';
import type { Report, SyncSettings } from '../../src/sync/types.ts';
import { createWorld, type World } from '../support/world.ts';

const SETTINGS: SyncSettings = {
  checkConcurrency: 10,
  uploadConcurrency: 5,
  existenceCheck: 'auto',
  maxDelete: { percent: 100 },
  stableSeconds: 2,
  orphanGraceDays: 30,
  dedupeCopy: true,
};

interface Side {
  readonly world: World;
  sync(request: Partial<SyncRequest>): Promise<Report>;
}

let whole: Side;
let spread: Side;

beforeAll(async () => {
  const [one, other] = await Promise.all([createWorld(SETTINGS), createWorld(SETTINGS)]);
  whole = { world: one, sync: (request) => one.sync(request) };
  const spreader = spreaderOf(other);
  spread = { world: other, sync: (request) => spreadSync(other, spreader, request) };
});
afterAll(() => Promise.all([whole.world.close(), spread.world.close()]));

function spreaderOf(world: World): Spreader {
  const { catalog } = world;
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  return createSpreader({
    catalog: catalog.port,
    archive: catalog.archive,
    plans: catalog.plans,
    libraries: catalog.libraries,
    browser: catalog.browser,
    openDisk: world.openDisk,
    openBucket: () => world.sides().bucket,
    settings: SETTINGS,
    log,
    now: () => world.clock.nowMs,
  });
}

/** What the queue does, without the queue. */
async function spreadSync(world: World, spreader: Spreader, request: Partial<SyncRequest>): Promise<Report> {
  const signal = AbortSignal.timeout(150_000);
  const parentId = await world.catalog.port.beginRun({ library: world.library, album: null, kind: 'sync', policy: {} });
  const scope = { library: world.library, album: null };
  const { report, albums } = await spreader.survey({ scope, request, parentId }, {}, signal);
  const done = { status: 'done', error: null, earlier: [] } as const;
  const tasks: FinishedTask[] = [{ album: null, last: report, ...done }];
  for (const work of albums) {
    const part = { scope: { ...scope, album: work.album }, request, parentId, work };
    tasks.push({ album: work.album, last: await spreader.part(part, {}, signal), ...done });
  }
  return sumTasks(parentId, tasks, { cancelled: false, durationMs: 0 });
}

/** More rounds: `SOAK_RUNS=200`. */
const SOAK = Number(process.env['SOAK_RUNS'] ?? 0);

/** What happens to a library between two syncs. */
type Event =
  | { readonly kind: 'write'; readonly path: string; readonly content: string }
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  | { readonly kind: 'put'; readonly path: string; readonly content: string }
  | { readonly kind: 'lose'; readonly path: string };

const paths = fc
  .tuple(fc.constantFrom('', 'a/', 'b/', 'b/c/'), fc.constantFrom('1', '2', '3'))
  .map(([folder, name]) => `${folder}${name}.jpg`);
const contents = fc.oneof(
  fc.constantFrom('one', 'two', 'other length'),
  fc.nat(1_000_000).map((n) => `all its own ${n}`),
);
const events: fc.Arbitrary<Event> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('write' as const), path: paths, content: contents }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), path: paths }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('rename' as const), path: paths, to: paths }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('put' as const), path: paths, content: contents }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose' as const), path: paths }) },
);
const requests: fc.Arbitrary<Partial<SyncRequest>> = fc.constantFrom(
  {},
  {},
  { orphans: 'delete', deleteNow: true },
  { direction: 'both' },
  { direction: 'down' },
  { moves: false },
  { compare: 'content' },
);
const histories = fc.array(fc.record({ events: fc.array(events, { maxLength: 8 }), request: requests }), {
  minLength: 1,
  maxLength: 4,
});

async function happen(world: World, event: Event, at: number): Promise<void> {
  const path = (name: string) => join(world.root, name);
  switch (event.kind) {
    case 'write':
      return world.write(event.path, event.content, at);
    case 'remove':
      return ignoring(() => world.remove(event.path));
    case 'rename':
      return ignoring(() => {
        mkdirSync(dirname(path(event.to)), { recursive: true });
        renameSync(path(event.path), path(event.to));
      });
    case 'put':
      return world.put(`photos/${event.path}`, event.content);
    case 'lose':
      return world.deleteObject(`photos/${event.path}`);
  }
}

function ignoring(work: () => void): void {
  try {
    work();
  } catch {
    // There was no such file.
  }
}

async function stateOf(world: World) {
  const rows = (await world.rows()).map(({ path, key, state, etag, size }) => ({ path, key, state, etag, size }));
  const keys = (await world.keys()).sort();
  const objects = await Promise.all(keys.map(async (key) => [key, await world.read(key)]));
  return { rows, objects };
}

/**
 * Which photo of several with the same bytes is copied depends on what is there by then: an album that comes later may find
 * what an earlier one has just sent, or that the bytes are its own already. All of these leave the photo in agreement.
 */
function saying({ status, photos, actions, bytes: _, ...report }: Report) {
  const { uploaded, reuploaded, copied, skipped, updated: _updated, ...rest } = actions;
  const agreed = uploaded + reuploaded + copied + skipped;
  const phases = [report.files_downloaded, report.files_skipped_download];
  return { status, photos, actions: { ...rest, agreed }, phases, conflicts: report.conflicts.length };
}

describe('a sync that is spread over albums', () => {
  test(
    'does and says the same as one run over the library',
    async () => {
      await fc.assert(
        fc.asyncProperty(histories, async (history) => {
          for (const { world } of [whole, spread]) {
            await world.wipe();
            // Never an empty root: that is refused, by both.
            world.write('stays.jpg');
          }
          let at = 1_600_000_000;
          for (const { events: happened, request } of history) {
            for (const event of happened) {
              at += 10;
              for (const { world } of [whole, spread]) await happen(world, event, at);
            }
            const [said, added] = [await whole.sync(request), await spread.sync(request)];
            expect(saying(added)).toEqual(saying(said));
            expect(await stateOf(spread.world)).toEqual(await stateOf(whole.world));
          }
        }),
        // The same histories each time, so that a change is judged and not its luck; others by SOAK_RUNS.
        SOAK ? { numRuns: SOAK, endOnFailure: true } : { numRuns: 8, seed: 8, interruptAfterTimeLimit: 40_000 },
      );
    },
    SOAK ? 3_600_000 : 300_000,
  );
});
