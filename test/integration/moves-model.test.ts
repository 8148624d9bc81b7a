import { copyFileSync, mkdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { folderOf, type ModelFile, type ModelRow, MovesModel } from '../support/moves-model.ts';
import { move, objectsOf, rotate, treeOf, writesOf } from '../support/tree.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld({ dedupeCopy: true });
});
afterAll(() => world.close());

/** More with SOAK_RUNS=200. */
const RUNS = Number(process.env['SOAK_RUNS'] ?? 8);
const PLACES = ['', 'x/', 'y/', 'x/in/', 'z/'].flatMap((folder) =>
  ['a.jpg', 'b.jpg', 'c.jpg', 'ü +.jpg'].map((name) => folder + name),
);
const FOLDERS = ['x', 'y', 'z', 'x/in', 'y/in', 'w'];

/** `which` counts among the files that are there; a change that is not possible is none. */
type Change =
  | { readonly do: 'write' | 'copy' | 'rename'; readonly which: number; readonly to: string; readonly length: number }
  | { readonly do: 'edit' | 'save anew' | 'delete'; readonly which: number; readonly length: number }
  | { readonly do: 'turn'; readonly which: number; readonly step: number; readonly of: number }
  | { readonly do: 'rename folder' | 'swap folders'; readonly from: string; readonly to: string };

const which = fc.nat(40);
/** Short ones are often of one length, and now and then there is nothing in a file. */
const length = fc.constantFrom(12, 12, 20, 35, 0);
const to = fc.constantFrom(...PLACES);
const folder = fc.constantFrom(...FOLDERS);
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ do: fc.constantFrom('write', 'copy', 'rename', 'rename', 'rename'), which, to, length }),
  fc.record({ do: fc.constantFrom('edit', 'save anew', 'delete'), which, length }),
  fc.record({
    do: fc.constant('turn' as const),
    which,
    step: fc.integer({ min: 1, max: 5 }),
    of: fc.constantFrom(2, 2, 3),
  }),
  fc.record({ do: fc.constantFrom('rename folder', 'rename folder', 'swap folders'), from: folder, to: folder }),
) as fc.Arbitrary<Change>;

/** A tree that is changed on disk and in the model alike. */
class Tree {
  readonly files = new Map<string, ModelFile>();
  #writes = 0;

  apply(change: Change): void {
    const paths = [...this.files.keys()].sort();
    if ('from' in change) {
      this.#moveFolder(change);
      return;
    }
    const path = paths[change.which % paths.length];
    if (change.do === 'write') this.#write(change.to, change.length);
    if (path === undefined) return;
    if (change.do === 'edit') this.#write(path, change.length);
    if (change.do === 'save anew') this.#saveAnew(path, change.length);
    // A library without a single photo is refused: its disk may not be mounted.
    if (change.do === 'delete' && paths.length > 1) this.#delete(path);
    if (change.do === 'rename') this.#rename(path, change.to);
    if (change.do === 'copy') this.#copy(path, change.to);
    if (change.do === 'turn') this.#turn(paths, change);
  }

  /** In place: what is there stays the same file. */
  #write(path: string, length: number): void {
    const content = this.#content(length);
    const token = this.files.get(path)?.token ?? this.#writes;
    world.write(path, content, this.#time());
    this.files.set(path, { token, content });
  }

  /** As careful programs save: another file takes the name. */
  #saveAnew(path: string, length: number): void {
    const content = this.#content(length);
    writeFileSync(this.#at(`${path}~`), content);
    utimesSync(this.#at(`${path}~`), this.#time(), this.#time());
    renameSync(this.#at(`${path}~`), this.#at(path));
    this.files.set(path, { token: this.#writes, content });
  }

  #delete(path: string): void {
    rmSync(this.#at(path));
    this.files.delete(path);
  }

  #rename(from: string, to: string): void {
    const file = this.files.get(from);
    if (file === undefined || from === to) return;
    move(world.root, from, to);
    this.files.delete(from);
    this.files.set(to, file);
  }

  #copy(from: string, to: string): void {
    if (from === to || this.files.has(to)) return;
    this.#writes += 1;
    mkdirSync(dirname(this.#at(to)), { recursive: true });
    copyFileSync(this.#at(from), this.#at(to));
    utimesSync(this.#at(to), this.#time(), this.#time());
    this.files.set(to, { token: this.#writes, content: this.files.get(from)?.content ?? '' });
  }

  #turn(paths: readonly string[], { which, step, of }: Extract<Change, { do: 'turn' }>): void {
    const turning = Array.from({ length: of }, (_, i) => paths[(which + i * step) % paths.length] ?? '');
    if (new Set(turning).size < of) return;
    const turned = turning.map((path) => this.files.get(path) as ModelFile);
    rotate(world.root, ...turning);
    for (const [i, file] of turned.entries()) this.files.set(turning[(i + 1) % of] ?? '', file);
  }

  #moveFolder({ do: how, from, to }: Extract<Change, { from: string }>): void {
    const isIn = (name: string) => (path: string) => path.startsWith(`${name}/`);
    const paths = [...this.files.keys()];
    if (from === to || isIn(from)(to) || isIn(to)(from) || !paths.some(isIn(from))) return;
    const swap = how === 'swap folders' && paths.some(isIn(to));
    if (!swap && paths.some(isIn(to))) return;
    if (swap) {
      rotate(world.root, from, to);
    } else {
      rmSync(this.#at(to), { recursive: true, force: true });
      move(world.root, from, to);
    }
    const moved = paths
      .filter((path) => isIn(from)(path) || isIn(to)(path))
      .map((path) => [path, this.files.get(path)]);
    for (const [path] of moved) this.files.delete(path as string);
    for (const [path, file] of moved as [string, ModelFile][]) {
      const [old, next] = isIn(from)(path) ? [from, to] : [to, from];
      this.files.set(next + path.slice(old.length), file);
    }
  }

  /** Bytes that were never there before, unless there are none. */
  #content(length: number): string {
    this.#writes += 1;
    return length === 0 ? '' : `bytes ${this.#writes}`.padEnd(length, '.');
  }

  /** Each write has a time of its own, long ago. */
  #time(): number {
    return 1_600_000_000 + this.#writes;
  }

  #at(path: string): string {
    return join(world.root, path);
  }
}

const EVERYTHING = { orphans: 'delete', deleteNow: true, maxDelete: '100%' } as const;

interface PhotoRow {
  readonly id: string;
  readonly albumId: string;
  readonly album: string;
  readonly path: string;
  readonly key: string;
  readonly state: string;
}

async function rowsNow(): Promise<readonly PhotoRow[]> {
  return world.query(
    'SELECT p.id, p."albumId", a.path AS album, p.path, p.key, p.state FROM "Photo" p JOIN "Album" a ON a.id = p."albumId"',
  );
}

/** Syncs, and holds what it did and left behind against the model. Answers the rows for the next time. */
async function syncAndCheck(files: ReadonlyMap<string, ModelFile>, before: ReadonlyMap<string, ModelRow>) {
  const model = new MovesModel(before, files, { knowsBirths: birthsAreKept() });
  const report = await world.sync(EVERYTHING);
  expect(report, JSON.stringify(report.failures)).toMatchObject({ status: 'succeeded', conflicts: [] });
  expect(report.photos.lost).toBe(0);

  const tree = treeOf(world.root);
  expect(tree, 'the model’s own tree').toEqual(
    Object.fromEntries([...files].map(([path, { content }]) => [path, content])),
  );
  expect(await objectsOf(world.s3.client, world.bucket, 'photos/'), 'the bucket').toEqual(tree);

  expect(await world.query('SELECT key FROM "Leftover"')).toEqual([]);
  const rows = await rowsNow();
  expect(rows.map(({ path }) => path).sort()).toEqual(Object.keys(tree).sort());
  const known = new Set([...before.values()].map(({ id }) => id));
  for (const { path, id, key, state, album } of rows) {
    expect({ path, key, state, album }).toEqual({
      path,
      key: `photos/${path}`,
      state: 'synced',
      album: folderOf(path),
    });
    const id1 = known.has(id) ? id : null;
    expect(model.idsFor(path), `the id of ${path}`).toContain(id1);
  }
  for (const [path, albumId] of model.movedAlbums()) {
    expect(rows.find(({ album }) => album === path)?.albumId, `the album ${path}`).toBe(albumId);
  }
  const { least, most } = model.newBytes();
  expect(report.bytes.uploaded, 'bytes uploaded').toBeGreaterThanOrEqual(least);
  if (most !== null) expect(report.bytes.uploaded, 'bytes uploaded').toBeLessThanOrEqual(most);
  expect(report.photos.moved, 'photos moved').toBeGreaterThanOrEqual(model.renames.length);
  return new Map(rows.map(({ path, id, albumId }) => [path, { ...(files.get(path) as ModelFile), id, albumId }]));
}

async function expectQuiet(photos: number): Promise<void> {
  const { actions, ...report } = await world.sync(EVERYTHING);
  expect(writesOf(report)).toBe(0);
  expect(Object.entries(actions).filter(([, count]) => count > 0)).toEqual(photos === 0 ? [] : [['skipped', photos]]);
}

function birthsAreKept(): boolean {
  const path = join(world.root, 'born');
  writeFileSync(path, '');
  const { birthtimeNs } = statSync(path, { bigint: true });
  rmSync(path);
  return birthtimeNs > 0n;
}

test('whatever is renamed, swapped, edited, copied, deleted and added: the bucket is the tree, and ids go with their photos', async () => {
  const rounds = fc.array(fc.array(change, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 4 });
  const first = fc.array(fc.record({ do: fc.constant('write' as const), which, to, length }), {
    minLength: 4,
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(first, rounds, async (writes, later) => {
      await world.wipe();
      const tree = new Tree();
      let rows: ReadonlyMap<string, ModelRow> = new Map();
      for (const changes of [writes, ...later]) {
        for (const each of changes) tree.apply(each);
        rows = await syncAndCheck(tree.files, rows);
      }
      await expectQuiet(rows.size);
    }),
    // The same histories each time, so that a change is judged and not its luck; others with SOAK_RUNS.
    {
      numRuns: RUNS,
      endOnFailure: process.env['SHRINK'] === undefined,
      ...(process.env['SOAK_RUNS'] === undefined && { seed: 8 }),
    },
  );
});
