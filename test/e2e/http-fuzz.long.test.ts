/** The requests of http-fuzz.test.ts, many more of them, to a server with its queue and its pictures. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { attackAll, readTargets } from '../support/api-attack.ts';
import { createFuzzWorld, type FuzzWorld } from '../support/fuzz-world.ts';
import { sendRaw } from '../support/raw-http.ts';

/** `FUZZ_RUNS=200` for a longer night, `FUZZ_SEED=…` to see a failure again. */
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 10);
const SEED = process.env['FUZZ_SEED'];

let world: FuzzWorld;
beforeAll(async () => {
  world = await createFuzzWorld({ queue: true });
});
afterAll(() => world.close());

test('hostile requests are answered well, and nothing that is refused has changed anything', async () => {
  const targets = await readTargets(world);
  const attack = { runs: RUNS, ...(SEED !== undefined && { seed: Number(SEED) }) };
  expect(await attackAll(world, targets, attack)).toEqual([]);
  const health = await sendRaw(world.port, { method: 'GET', target: '/api/health', headers: [], body: null });
  expect([health.status, JSON.parse(health.body)]).toMatchObject([200, { status: 'ok' }]);
}, 3_600_000);
