/** Real syncs of a database on its bad days: races that are lost, connections that are killed, a line that is cut. */
import { expect, test } from 'vitest';
import { RollcallError } from '../../src/errors.ts';
import { badDays, recover, syncDuring } from '../support/bad-days.ts';
import { killConnections, type LostRace, loseRaces, winRaces } from '../support/database-faults.ts';

const world = badDays({ line: true });

const RACES: readonly (readonly [string, LostRace])[] = [
  ['deadlocks', '40P01'],
  ['serialisation failures', '40001'],
];

const TABLES = ['Photo', 'Album', 'RunAction', 'Run', 'Leftover'];

test.each(RACES.flatMap(([what, code]) => TABLES.map((table) => [what, table, code] as const)))(
  '%s when %s is written are tried again: the run does all that it set out to do',
  async (_, table, code) => {
    let lost = 0;
    const outcome = await syncDuring({
      begin: () => loseRaces(world(), code, 3, [table]),
      end: async () => {
        lost = await winRaces(world());
      },
    });
    expect(outcome).toMatchObject({ status: 'succeeded', actions: { failed: 0 } });
    expect(lost).toBe(3);
    await recover();
  },
);

test.each(RACES)('%s that never end, end the run, and the next one finishes', async (_, code) => {
  const outcome = await syncDuring({
    begin: () => loseRaces(world(), code, 1_000, ['Photo']),
    end: async () => void (await winRaces(world())),
  });
  expect(outcome).toMatchObject({ code: 'DATABASE_UNREACHABLE' });
  await recover();
});

/** After so many requests to the bucket, in the middle of everything. */
test.each([1, 3, 5, 8, 12])(
  'all connections killed at request %i: the run ends with the reason, and the next one finishes',
  async (request) => {
    const killed: Promise<number>[] = [];
    const outcome = await syncDuring({
      begin: () =>
        world().proxy.fail((_, nth) => {
          if (nth !== request) return null;
          const death = killConnections(world());
          killed.push(death);
          return { kind: 'after', first: () => death };
        }),
      end: async () => {
        world().proxy.reset();
        expect((await Promise.all(killed))[0]).toBeGreaterThan(0);
      },
    });
    expect(outcome).toBeInstanceOf(RollcallError);
    expect(['LOCK_LOST', 'DATABASE_UNREACHABLE']).toContain((outcome as RollcallError).code);
    await recover();
  },
);

test.each([1, 3, 5, 8, 12])(
  'a line that is down from request %i on: the run ends with the reason, and the next one finishes',
  async (request) => {
    const outcome = await syncDuring({
      begin: () =>
        world().proxy.fail((_, nth) => {
          if (nth === request) world().line?.cut();
          return null;
        }),
      end: () => {
        world().proxy.reset();
        world().line?.mend();
      },
    });
    expect(outcome).toBeInstanceOf(RollcallError);
    expect(['LOCK_LOST', 'DATABASE_UNREACHABLE']).toContain((outcome as RollcallError).code);
    await recover();
  },
);

test('a connection that is killed in the middle of a transaction is an error, and no end of the process', async () => {
  await world().query(`CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_sleep(30); RETURN NULL; END $$`);
  await world().query(
    'CREATE TRIGGER dawdle AFTER UPDATE OR INSERT ON "Photo" FOR EACH STATEMENT EXECUTE FUNCTION dawdle()',
  );
  let [ended, killed] = [false, 0];
  let killing = Promise.resolve();
  const outcome = await syncDuring({
    begin: () => {
      // Whatever statement dawdles, until the run has ended.
      killing = (async () => {
        while (!ended) killed += await killConnections(world(), '(INTO|UPDATE) "Photo"');
      })();
    },
    end: async () => {
      ended = true;
      await killing;
      await world().query('DROP TRIGGER dawdle ON "Photo"');
      await world().query('DROP FUNCTION dawdle');
    },
  });
  expect(killed).toBeGreaterThan(0);
  expect(outcome).toMatchObject({ code: 'DATABASE_UNREACHABLE' });
  await recover();
});
