/** A sync of photos that are named one by one. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld({ dedupeCopy: false });
});
afterEach(async () => {
  world.proxy.reset();
  await world.wipe();
  await world.query('DELETE FROM "Run"');
});
afterAll(() => world.close());

const files = (...names: string[]) => ({ album: 'a', files: names });

test('sends the file that failed again, and nothing else of its album', async () => {
  for (const name of ['bad', 'good']) world.write(`a/${name}.jpg`);
  world.proxy.fail(({ method, path }) =>
    method === 'PUT' && path.endsWith('/bad.jpg') ? { kind: 'answer', status: 403 } : null,
  );
  expect(await world.sync()).toMatchObject({ actions: { uploaded: 1, failed: 1 } });
  expect(await world.sync(files('bad.jpg'))).toMatchObject({ status: 'partial', actions: { uploaded: 0, failed: 1 } });
  world.proxy.reset();
  world.write('a/new.jpg');
  await world.deleteObject('photos/a/good.jpg');
  expect(await world.sync(files('bad.jpg'))).toMatchObject({
    status: 'succeeded',
    actions: { uploaded: 1, failed: 0 },
  });
  expect(await world.keys()).toEqual(['photos/a/bad.jpg']);
  expect(await world.states()).toEqual({ 'a/bad.jpg': 'synced', 'a/good.jpg': 'synced' });
});

test('goes by the rules that it is given', async () => {
  world.write('a/1.jpg');
  await world.sync();
  world.remove('a/1.jpg');
  world.write('a/2.jpg');
  const dry = await world.sync({ ...files('1.jpg'), direction: 'down', dryRun: true });
  expect(dry.plan).toMatchObject([{ kind: 'download', path: 'a/1.jpg' }]);
  expect(await world.sync({ ...files('1.jpg'), direction: 'down' })).toMatchObject({ actions: { downloaded: 1 } });
});

test('never replaces what a sync would leave alone', async () => {
  world.write('a/1.jpg');
  await world.sync();
  world.write('a/1.jpg', 'edited here', 1_600_000_100);
  await world.put('photos/a/1.jpg', 'and edited there');
  const report = await world.sync(files('1.jpg'));
  expect(report.conflicts).toMatchObject([{ path: 'a/1.jpg', code: 'CONFLICT' }]);
  expect(await world.read('photos/a/1.jpg')).toBe('and edited there');
});

test('leaves a file that is not on record, which may be a photo that was renamed, and says so', async () => {
  world.write('a/old.jpg');
  await world.sync();
  const [before] = await world.rows();
  world.remove('a/old.jpg');
  world.write('a/new.jpg', 'bytes of a/old.jpg');
  const report = await world.sync(files('new.jpg'));
  expect(report).toMatchObject({ status: 'partial', failures: [{ path: 'a/new.jpg', code: 'NOT_FOUND' }] });
  expect(await world.sync()).toMatchObject({ actions: { moved: 1 } });
  expect((await world.rows())[0]?.id).toBe(before?.id);
});
