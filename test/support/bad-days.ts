/** Real syncs of every kind of action through a bucket on a bad day, and the day after. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { RollcallError } from '../../src/errors.ts';
import type { Report } from '../../src/sync/types.ts';
import { type BucketFaultName, isSilent, oneFault } from './bucket-faults.ts';
import { disagreements, falseRows, impossible, type SeenSides, seenSides } from './sides.ts';
import { move, writesOf } from './tree.ts';
import { createWorld, type World, type WorldOptions } from './world.ts';

let world: World;
/** Everything that anybody ever made. */
const contents = new Set<string>();

/** `line`: that to the database can be cut. */
export function badDays(more: Pick<WorldOptions, 'line'> = {}): () => World {
  beforeAll(async () => {
    world = await createWorld(
      { existenceCheck: 'list', stableSeconds: 0 },
      { client: { retryDelayMs: 2, leastRate: 500 }, ...more },
    );
    // What the bucket honours is learnt before the bad days: those of the probe are tested with it.
    write('learns.jpg');
    await world.sync();
  });
  afterAll(() => world.close());
  beforeEach(prepare);
  return () => world;
}

/** Every kind of action that touches the bucket. */
const EVERYTHING = {
  direction: 'both',
  overwrite: 'known',
  orphans: 'delete',
  deleteNow: true,
  maxDelete: '100%',
} as const;

export function contentOf(name: string): string {
  return made(`${name} `.repeat(400));
}

/** Somebody makes this. */
export function made(content: string): string {
  contents.add(content);
  return content;
}

function write(path: string, content = contentOf(path), mtime?: number): void {
  world.write(path, content, mtime);
}

/** A library in agreement, and something for every kind of action since. */
async function prepare(): Promise<void> {
  world.proxy.reset();
  await world.wipe();
  for (const name of ['kept', 'edited', 'renamed', 'gone', 'missing', 'retouched']) write(`album/${name}.jpg`);
  await world.sync();
  write('album/edited.jpg', contentOf('edited since'), 1_650_000_000);
  move(world.root, 'album/renamed.jpg', 'other/renamed.jpg');
  rmSync(join(world.root, 'album/gone.jpg'));
  await world.deleteObject('photos/album/missing.jpg');
  await world.put('photos/album/remote.jpg', contentOf('remote'));
  await world.put('photos/album/retouched.jpg', contentOf('retouched elsewhere'));
  await world.put('photos/far/remote.jpg', contentOf('far remote'));
  write('album/new.jpg');
  write('album/copy.jpg', contentOf('album/kept.jpg'));
}

export interface BadDay {
  begin(): void | Promise<void>;
  end(): void | Promise<void>;
  /** The server was told to lie about its ETags. */
  readonly lies?: boolean;
  /** A disk that cannot remove what it has keeps temporary files. */
  readonly keepsTemporary?: boolean;
}

/** Syncs on a bad day, and holds what is left behind to what must be true of it at any time. */
export async function syncDuring(day: BadDay): Promise<Report | RollcallError> {
  const before = await seenSides(world);
  world.proxy.reset();
  await day.begin();
  const outcome = await world.sync(EVERYTHING).catch((thrown: unknown) => thrown);
  await day.end();
  // A server may still work for somebody who has stopped waiting.
  await world.proxy.quiet();
  if (outcome instanceof Error && !(outcome instanceof RollcallError)) throw outcome;
  const after = await seenSides(world);
  expect(falseRows(before, after, { etags: !day.lies }), 'rows that are not true').toEqual([]);
  expect(impossible(after, contents), 'what nobody made').toEqual([]);
  if (!day.keepsTemporary) expect(after.temporary, 'temporary files').toEqual([]);
  expect(after.uploads, 'unfinished uploads').toEqual([]);
  return outcome as Report | RollcallError;
}

/** A bad day of the bucket. */
export function syncOnBadDay(name: BucketFaultName, how: 'first' | 'always'): Promise<Report | RollcallError> {
  return syncDuring({
    begin: () => {
      world.proxy.fail(oneFault(name, how));
      // Only where there are silences to wait for: on a busy machine this process itself is silent for longer.
      if (isSilent(name)) world.waitFor(400);
    },
    end: () => {
      world.proxy.reset();
      world.waitFor(null);
    },
    lies: name === 'names a wrong ETag',
  });
}

/** Bytes that are on one side only: all that a run may have to move. */
function lacking({ disk, bucket }: SeenSides) {
  const up = [...disk].filter(([path, { content }]) => bucket.get(path)?.content !== content);
  const down = [...bucket].filter(([path, { content }]) => disk.get(path)?.content !== content);
  const sum = (entries: readonly (readonly [string, { readonly content: string }])[]) =>
    entries.reduce((bytes, [, { content }]) => bytes + content.length, 0);
  return { up: sum(up), down: sum(down) };
}

/**
 * The run after it brings everything into agreement with what was lacking, and the one after that has nothing to do.
 * `without`: what somebody removed meanwhile.
 */
export async function recover(without: readonly string[] = []): Promise<void> {
  const before = await seenSides(world);
  const report = await world.sync(EVERYTHING);
  const lacked = lacking(before);
  expect(report, JSON.stringify(report.failures)).toMatchObject({ status: 'succeeded', actions: { failed: 0 } });
  expect(report.bytes.uploaded, 'bytes uploaded').toBeLessThanOrEqual(lacked.up);
  expect(report.bytes.downloaded, 'bytes downloaded').toBeLessThanOrEqual(lacked.down);
  const after = await seenSides(world);
  expect(disagreements(after)).toEqual([]);
  expect([...after.disk.keys()].sort()).toEqual(EXPECTED.filter((path) => !without.includes(path)));
  expect(falseRows(before, after, { whole: true })).toEqual([]);
  expect(writesOf(await world.sync(EVERYTHING))).toBe(0);
}

const EXPECTED = [
  'album/copy.jpg',
  'album/edited.jpg',
  'album/kept.jpg',
  'album/missing.jpg',
  'album/new.jpg',
  'album/remote.jpg',
  'album/retouched.jpg',
  'far/remote.jpg',
  'other/renamed.jpg',
];
