import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Model, type ModelStep } from '../support/two-machine-model.ts';
import { createWorld, type World } from '../support/world.ts';

/** Two machines: a root and a catalog each, one bucket and prefix. */
let machines: readonly [World, World];
beforeAll(async () => {
  const first = await createWorld();
  machines = [first, await createWorld({}, { bucketOf: first })];
});
afterAll(async () => {
  await machines[1].close();
  await machines[0].close();
});
afterEach(async () => {
  for (const machine of machines) await machine.wipe();
});

/** More with SOAK_RUNS=200. */
const RUNS = Number(process.env['SOAK_RUNS'] ?? 8);
const NAMES = ['a.jpg', 'b.jpg', 'album/a.jpg', 'album/ü.jpg'];
const step: fc.Arbitrary<ModelStep> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('write' as const), on: fc.nat(1), name: fc.constantFrom(...NAMES) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('delete' as const), on: fc.nat(1), name: fc.constantFrom(...NAMES) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('sync' as const), on: fc.nat(1) }) },
);

describe.each(['never', 'known'] as const)('two machines syncing both ways, overwrite %s', (overwrite) => {
  test('come to hold what was added anywhere, byte for byte, and lose no version that policy protects', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 24 }), async (history) => {
        for (const machine of machines) {
          await machine.wipe();
          // A root with nothing at all in it is refused: it may be a disk that is not mounted.
          mkdirSync(join(machine.root, 'kept'));
        }
        const model = new Model(overwrite);
        const run = async (on: number) => {
          const machine = machines[on]!;
          const report = await machine.sync({ direction: 'both', overwrite });
          expect(report.actions.failed, JSON.stringify(report.failures)).toBe(0);
          model.sync(on);
          expect(onDisk(machine), `machine ${on} after its sync`).toEqual(model.disk(on));
          expect(await inBucket(machine), `the bucket after machine ${on}'s sync`).toEqual(model.bucket());
        };
        for (const each of history) {
          if (each.do === 'sync') await run(each.on);
          else apply(each, model);
        }
        for (let round = 0; round < 3; round++) {
          await run(0);
          await run(1);
        }
        expect(model.differing()).toEqual(model.contested());
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  });
});

/** Each write has content of its own, now shorter, now longer, now of the same length as others. */
let writes = 0;
function apply(change: Exclude<ModelStep, { do: 'sync' }>, model: Model): void {
  const machine = machines[change.on]!;
  if (change.do === 'write') {
    writes += 1;
    const content = `${change.name} ${writes}`.padEnd(20 + (writes % 3) * 5, '.');
    machine.write(change.name, content, 1_600_000_000 + writes);
    model.write(change.on, change.name, content);
  } else if (existsSync(join(machine.root, change.name))) {
    machine.remove(change.name);
    model.delete(change.on, change.name);
  }
}

function onDisk(machine: World): Record<string, string> {
  const files = readdirSync(machine.root, { recursive: true, encoding: 'utf8' })
    .map((name) => join(machine.root, name))
    .filter((path) => statSync(path).isFile());
  return Object.fromEntries(files.map((path) => [relative(machine.root, path), readFileSync(path, 'utf8')]));
}

async function inBucket(machine: World): Promise<Record<string, string>> {
  const keys = await machine.keys();
  const contents = await Promise.all(keys.map(async (key) => [key.slice('photos/'.length), await machine.read(key)]));
  return Object.fromEntries(contents);
}

test('two writers racing for one new key: one wins, the other says so, no bytes are lost', async () => {
  const [a, b] = machines;
  a.write('race.jpg', 'from machine a');
  b.write('race.jpg', 'and this is from machine b');
  const reports = await Promise.all([a.sync({ direction: 'both' }), b.sync({ direction: 'both' })]);
  const uploaded = reports.map((report) => report.actions.uploaded);
  const conflicts = reports.map((report) => report.actions.conflicts);
  expect(uploaded[0]! + uploaded[1]!).toBe(1);
  expect(conflicts[0]! + conflicts[1]!).toBe(1);
  expect(readFileSync(join(a.root, 'race.jpg'), 'utf8')).toBe('from machine a');
  expect(readFileSync(join(b.root, 'race.jpg'), 'utf8')).toBe('and this is from machine b');
  const winner = uploaded[0] === 1 ? 'from machine a' : 'and this is from machine b';
  expect(await a.read('photos/race.jpg')).toBe(winner);
});

test.each(['never', 'known', 'newer'] as const)(
  'a file that was only touched is no conflict, overwrite %s',
  async (overwrite) => {
    const [a] = machines;
    a.write('touched.jpg', 'the same bytes', 1_600_000_000);
    await a.sync({ direction: 'both' });
    a.write('touched.jpg', 'the same bytes', 1_650_000_000);
    const report = await a.sync({ direction: 'both', overwrite });
    expect(report).toMatchObject({ status: 'succeeded', actions: { conflicts: 0, updated: 1 } });
    expect(report).toMatchObject({ files_uploaded: 0, files_skipped_download: 1, files_skipped_upload: 1 });
    expect((await a.sync({ direction: 'both', overwrite })).actions).toMatchObject({ updated: 0, skipped: 1 });
  },
);

test('versions that were read once and differ are not read again by the next cycle, until one changes', async () => {
  const [a] = machines;
  a.write('same-size.jpg', 'one photo');
  await a.put('photos/same-size.jpg', 'a another');
  expect((await a.sync({ direction: 'both' })).actions.conflicts).toBe(1);
  // Behind its back, and to no date or size: only a second reading could tell.
  a.write('same-size.jpg', 'a another');
  expect((await a.sync({ direction: 'both' })).actions).toMatchObject({ conflicts: 1, adopted: 0 });
  a.write('same-size.jpg', 'a another', 1_650_000_000);
  expect((await a.sync({ direction: 'both' })).actions).toMatchObject({ conflicts: 0, adopted: 1 });
});

test('what is found to differ only by its content counts in the phase that moved it', async () => {
  const [a, b] = machines;
  for (const machine of machines) machine.write('shared.jpg', 'version one');
  for (const machine of machines) await machine.sync({ direction: 'both' });
  b.write('shared.jpg', 'version two', 1_650_000_000);
  await b.sync({ direction: 'both', overwrite: 'known' });
  const report = await a.sync({ direction: 'both', overwrite: 'known' });
  expect(report).toMatchObject({ files_downloaded: 1, files_skipped_download: 0, files_skipped_upload: 1 });
  expect(onDisk(a)).toEqual({ 'shared.jpg': 'version two' });
});

test('a smaller edit goes down, an incomplete object does not', async () => {
  const [a] = machines;
  a.write('edit.jpg', 'a long first version');
  a.write('cut.jpg', 'a long first version');
  await a.sync();
  await a.put('photos/edit.jpg', 'short edit');
  await a.put('photos/cut.jpg', 'a long');
  const report = await a.sync({ direction: 'down' });
  expect(report.actions).toMatchObject({ downloaded: 1, conflicts: 1 });
  expect(onDisk(a)).toEqual({ 'edit.jpg': 'short edit', 'cut.jpg': 'a long first version' });
});

test('keys that could leave the root, or be no file, are reported by name and skipped', async () => {
  const [a] = machines;
  const evil = ['../x', '/etc/x', 'a//b', 'a/./b', 'nul\u0001ok', 'folder/', 'back\\slash', 'a/../../y', '..'];
  for (const name of evil) await a.put(`photos/${name}`, 'x');
  await a.put('photos/good.jpg', 'good');
  const report = await a.sync({ direction: 'both' });
  expect(Object.keys(onDisk(a)).sort()).toEqual(['good.jpg', 'nul\u0001ok']);
  expect(report.conflicts.map(({ path, code }) => `${code} ${path}`).sort()).toEqual(
    evil
      .filter((name) => !name.startsWith('nul'))
      .map((name) => `NAME_INVALID photos/${name}`)
      .sort(),
  );
  expect(existsSync(join(a.root, '../x'))).toBe(false);
});

test('a thousand files in sync cost one cycle one LIST and no HEAD', async () => {
  const [a] = machines;
  for (let i = 0; i < 1_000; i++) a.write(`album/${i}.jpg`, `${i}`);
  await a.sync({ direction: 'both' });
  const report = await a.sync({ direction: 'both' });
  expect(report.requests).toEqual({ head: 0, list: 1, get: 0, put: 0, copy: 0, delete: 0 });
  expect(report).toMatchObject({ files_skipped_download: 1_000, files_skipped_upload: 1_000 });
  expect(a.logged).toContain('S3 sync: All files in sync (⏭️  2000 files already exist)');
});
