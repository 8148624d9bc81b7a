/** A saved plan that was edited, or made up: it does nothing that the catalog does not bear out. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Action } from '../../src/sync/actions.ts';
import { printPlan, readPlan, type SavedPlan } from '../../src/sync/plan-file.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.close());

/** A plan of a dry run, with these actions in the place of its own. */
async function planOf(...actions: unknown[]): Promise<SavedPlan> {
  const { plans: [plan] = [] } = (await world.sync({ dryRun: true })) as { plans?: SavedPlan[] };
  const { id, name, bucket, prefix } = world.library;
  const made: SavedPlan = plan ?? {
    ...{ version: 1, createdAt: new Date().toISOString(), library: { id, name, bucket, prefix }, album: null },
    policy: {
      ...{ direction: 'up', compare: 'existence', overwrite: 'known', orphans: 'mark' },
      ...{ deleteNow: false, moves: true, dryRun: false },
    },
    ...{ photosInScope: 1, maxDelete: { percent: 25 }, actions: [], albums: [] },
  };
  return readPlan(printPlan({ ...made, actions: actions as Action[] }));
}

const apply = (plan: SavedPlan) => world.service.apply(plan, {}, AbortSignal.timeout(150_000));

describe('an edited plan', () => {
  test('removes no object by calling it the remains of a rename that never was', async () => {
    world.write('2024/a.jpg');
    await world.sync();
    await world.put('photos/2024/precious.jpg', 'not known to the catalog');
    const [photo] = await world.rows();
    const listed = await world.sides().bucket.head('photos/2024/precious.jpg', AbortSignal.timeout(150_000));
    const plan = await planOf({
      ...{ kind: 'leftover', key: 'photos/2024/precious.jpg', path: '2024/precious.jpg', reason: 'trust me' },
      object: { size: listed?.size, etag: listed?.etag },
      photo: { id: photo?.id, key: photo?.key, etag: photo?.etag },
    });
    const report = await apply(plan);
    expect(report.failures).toMatchObject([{ path: '2024/precious.jpg', code: 'PLAN_STALE' }]);
    expect(await world.keys()).toEqual(['photos/2024/a.jpg', 'photos/2024/precious.jpg']);
  });

  test('copies nothing from an object that is not what the plan says', async () => {
    world.write('2024/a.jpg', 'the bytes of a');
    await world.sync();
    const [photo] = await world.rows();
    world.write('2024/b.jpg', 'the bytes of a');
    const stat = await world.openDisk(world.library).stat('2024/b.jpg', AbortSignal.timeout(150_000));
    const copy = (from: object, md5: string) => ({
      ...{ kind: 'copy', key: 'photos/2024/b.jpg', path: '2024/b.jpg', reason: 'trust me', md5 },
      local: { size: stat?.size, mtimeNs: stat?.mtimeNs, device: stat?.device, inode: stat?.inode },
      from: { id: photo?.id, key: photo?.key, size: Number(photo?.size), partSize: null, etag: photo?.etag, ...from },
    });
    const md5 = photo?.md5 ?? '';
    for (const one of [copy({ etag: 'ffff' }, md5), copy({ id: world.library.id }, md5), copy({}, 'f'.repeat(32))]) {
      expect((await apply(await planOf(one))).failures).toMatchObject([{ code: 'PLAN_STALE' }]);
    }
    expect(await world.keys()).toEqual(['photos/2024/a.jpg']);
    // And does what is borne out.
    expect(await apply(await planOf(copy({}, md5)))).toMatchObject({ status: 'succeeded', actions: { copied: 1 } });
    expect(await world.read('photos/2024/b.jpg')).toBe('the bytes of a');
  });

  test('changes no row that is another library’s, and deletes nothing of it', async () => {
    world.write('2024/a.jpg');
    await world.sync();
    const [photo] = await world.rows();
    const other = await world.catalog.libraries.create({
      ...{ name: 'other', root: world.root, bucket: world.bucket, prefix: 'other/', excludes: [] },
    });
    const plan = await planOf({
      ...{ kind: 'delete', key: 'other/2024/a.jpg', path: '2024/a.jpg', reason: 'trust me' },
      row: {
        id: photo?.id,
        size: Number(photo?.size),
        mtimeNs: 1n,
        md5: photo?.md5,
        etag: photo?.etag,
        partSize: null,
        state: 'synced',
      },
    }).catch((thrown: unknown) => thrown);
    expect(plan).toMatchObject({ code: 'BAD_PLAN', field: 'actions.0.key' });
    const { name, bucket, prefix } = world.library;
    const moved = readPlan(printPlan({ ...(await planOf()), library: { id: other.id, name, bucket, prefix } }));
    await expect(apply(moved)).rejects.toMatchObject({ code: 'BAD_PLAN' });
    expect(await world.keys()).toEqual(['photos/2024/a.jpg']);
  });
});
