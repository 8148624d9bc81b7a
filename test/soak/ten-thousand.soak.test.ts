/** A large library through a bucket on which one request in twenty goes wrong, in every way that passes. */
import { createHash } from 'node:crypto';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mixedFaults, PASSING_FAULTS } from '../support/bucket-faults.ts';
import { seedOf } from '../support/random.ts';
import { openTestBucket, type TestBucket } from '../support/s3.ts';
import { disagreements, falseRows, seenSides } from '../support/sides.ts';
import { writesOf } from '../support/tree.ts';
import { createWorld, type World } from '../support/world.ts';

const PHOTOS = Number(process.env['PHOTOS'] ?? 10_000);
const PERCENT = 5;
const SEED = seedOf();

let bucket: TestBucket;
let world: World;
beforeAll(async () => {
  bucket = await openTestBucket();
  // Everything as the program has it, but for the silences, which are many here.
  world = await createWorld({ uploadConcurrency: 16 }, { bucketOf: { s3: bucket }, client: { idleTimeoutMs: 2_000 } });
});
afterAll(async () => {
  await world?.close();
  await bucket?.close();
}, 300_000);

/** A few hundred to a few thousand bytes that no other photo has. */
function content(index: number): Buffer {
  const seed = createHash('sha512').update(`photo ${index}`).digest();
  return Buffer.concat(Array.from({ length: 4 + (index % 60) }, () => seed));
}

test(`${PHOTOS} photos under ${PERCENT} % injected faults all arrive, byte for byte, and what was tried again is no failure`, async () => {
  console.info(`ten-thousand: SEED=${SEED} PHOTOS=${PHOTOS}`);
  for (let index = 0; index < PHOTOS; index++) {
    const path = join(world.root, `album-${Math.floor(index / 500)}/photo-${index}.jpg`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content(index));
    utimesSync(path, 1_600_000_000 + index, 1_600_000_000 + index);
  }
  let injected = 0;
  const mixture = mixedFaults({ seed: SEED, percent: PERCENT, of: PASSING_FAULTS });
  world.proxy.fail((request) => {
    const fault = mixture(request);
    if (fault !== null) injected += 1;
    return fault;
  });
  const began = Date.now();
  const before = await seenSides(world);
  const report = await world.sync({}, AbortSignal.timeout(1_500_000));
  const seconds = (Date.now() - began) / 1_000;
  const { actions, requests, retries } = report;
  console.info(`ten-thousand: ${seconds} s, ${injected} faults`, { status: report.status, retries, requests, actions });
  expect(report.failures).toEqual([]);
  expect(report).toMatchObject({ status: 'succeeded', actions: { failed: 0 } });
  // One whose answer was lost is found there by the next try: adopted.
  expect(actions.uploaded + actions.adopted).toBe(PHOTOS);
  expect(retries).toBeGreaterThan(PHOTOS / 100);
  world.proxy.reset();
  const after = await seenSides(world);
  expect(after.bucket.size).toBe(PHOTOS);
  expect(disagreements(after)).toEqual([]);
  expect(falseRows(before, after, { whole: true })).toEqual([]);
  const quiet = await world.sync();
  expect(writesOf(quiet)).toBe(0);
  expect(quiet).toMatchObject({ retries: 0, actions: { skipped: PHOTOS } });
}, 1_800_000);
