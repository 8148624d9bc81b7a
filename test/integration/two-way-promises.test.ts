/** What docs/operations.md tells its readers that a two-way sync does, tried. */
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createWorld, type World } from '../support/world.ts';

describe('what docs/operations.md promises', () => {
  const closers: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  async function machines(): Promise<[World, World]> {
    const one = await createWorld();
    closers.push(() => one.close());
    const two = await createWorld({}, { bucketOf: one });
    closers.push(() => two.close());
    return [one, two];
  }
  const both = { direction: 'both' } as const;

  test('without the right to delete all is synced, and two probe objects stay that nobody takes for photos', async () => {
    const [one, two] = await machines();
    one.proxy.fail(({ method, query }) =>
      (method === 'DELETE' && !query.has('uploadId')) || (method === 'POST' && query.has('delete'))
        ? { kind: 'answer', status: 403, body: '<Error><Code>AccessDenied</Code></Error>' }
        : null,
    );
    one.write('a.jpg');
    expect(await one.sync(both)).toMatchObject({ status: 'succeeded', files_uploaded: 1 });
    expect(one.logged.some((line) => line.startsWith('A probe object is left behind'))).toBe(true);
    one.write('b.jpg');
    await one.sync(both);
    expect(await one.keys()).toEqual([
      expect.stringMatching(/^photos\/\.rollcall-probe-[0-9a-f]{32}$/),
      expect.stringMatching(/^photos\/\.rollcall-probe-[0-9a-f]{32}$/),
      'photos/a.jpg',
      'photos/b.jpg',
    ]);
    expect(await two.sync(both)).toMatchObject({ files_downloaded: 2, files_uploaded: 0 });
    expect(readdirSync(two.root).sort()).toEqual(['a.jpg', 'b.jpg']);

    one.remove('a.jpg');
    const denied = await one.sync({ orphans: 'delete', deleteNow: true });
    expect(denied).toMatchObject({ status: 'partial', failures: [{ path: 'a.jpg', code: 'OBJECT_DENIED' }] });
    expect(await one.keys()).toContain('photos/a.jpg');
  });

  test.each([
    ['longer', 'the first version, and more'],
    ['as long', 'the other version'],
    ['shorter', 'second'],
  ])('an edit that is %s stays where it was made, and travels with overwrite: known', async (_name, edited) => {
    const [one, two] = await machines();
    one.write('a.jpg', 'the first version');
    await one.sync(both);
    await two.sync(both);
    const there = () => readFileSync(join(two.root, 'a.jpg'), 'utf8');
    one.write('a.jpg', edited, 1_700_000_000);
    expect(await one.sync(both)).toMatchObject({ actions: { conflicts: 1 } });
    await two.sync(both);
    expect(there()).toBe('the first version');
    expect(await one.sync({ ...both, overwrite: 'known' })).toMatchObject({ actions: { conflicts: 0, failed: 0 } });
    expect(await two.sync({ ...both, overwrite: 'known' })).toMatchObject({ actions: { conflicts: 0, failed: 0 } });
    expect(there()).toBe(edited);
  });

  test('a conflict is settled by renaming the file: then both versions are on both sides', async () => {
    const [one] = await machines();
    one.write('a.jpg', 'mine');
    await one.put('photos/a.jpg', 'theirs, longer');
    expect(await one.sync(both)).toMatchObject({ actions: { conflicts: 1 } });
    renameSync(join(one.root, 'a.jpg'), join(one.root, 'a (mine).jpg'));
    expect(await one.sync(both)).toMatchObject({ files_downloaded: 1, files_uploaded: 1 });
    expect(await one.read('photos/a (mine).jpg')).toBe('mine');
    expect(readFileSync(join(one.root, 'a.jpg'), 'utf8')).toBe('theirs, longer');
  });

  test('what is excluded here is not downloaded here', async () => {
    const [one, two] = await machines();
    one.write('private/a.jpg');
    one.write('b.jpg');
    await one.sync(both);
    await two.catalog.libraries.update(two.library.id, { excludes: ['private/'] });
    expect(await two.sync(both)).toMatchObject({ files_downloaded: 1, files_uploaded: 0 });
    expect(existsSync(join(two.root, 'private'))).toBe(false);
  });

  test('overwrite newer leaves a photo whose object may not be looked at, and goes on with the others', async () => {
    const [one] = await machines();
    for (const name of ['denied.jpg', 'edited.jpg']) one.write(name);
    await one.sync(both);
    for (const name of ['denied.jpg', 'edited.jpg']) one.write(name, 'a later and longer version of it', 4_000_000_000);
    one.write('new.jpg');
    one.proxy.fail(({ method, path }) =>
      method === 'HEAD' && path.endsWith('/denied.jpg') ? { kind: 'answer', status: 403 } : null,
    );
    const report = await one.sync({ ...both, overwrite: 'newer' });
    expect(report).toMatchObject({ status: 'partial', files_uploaded: 2 });
    expect(report.failures).toMatchObject([{ path: 'denied.jpg', code: 'OBJECT_DENIED' }]);
    expect(await one.read('photos/denied.jpg')).toBe('bytes of denied.jpg');
  });

  test('a photo deleted on every machine and in the bucket stays away', async () => {
    const [one, two] = await machines();
    for (const name of ['a.jpg', 'b.jpg']) one.write(name);
    await one.sync(both);
    await two.sync(both);
    one.remove('a.jpg');
    two.remove('a.jpg');
    expect(await one.sync({ orphans: 'delete', deleteNow: true })).toMatchObject({ actions: { deleted: 1 } });
    expect(await two.sync(both)).toMatchObject({ files_downloaded: 0, photos: { lost: 1 } });
    expect(await one.sync(both)).toMatchObject({ files_downloaded: 0, files_uploaded: 0, photos: { lost: 0 } });
    expect(await one.keys()).toEqual(['photos/b.jpg']);
  });

  test('an empty catalog adopts what is equal, and a two-way sync then takes what is only in the bucket for new', async () => {
    const [one] = await machines();
    for (const name of ['a.jpg', 'b.jpg']) one.write(name);
    await one.sync(both);
    one.remove('b.jpg');
    await one.query('DELETE FROM "Album"');
    expect(await one.sync()).toMatchObject({ actions: { adopted: 1, uploaded: 0 }, photos: { untracked: 1 } });
    expect(await one.sync(both)).toMatchObject({ files_downloaded: 1, files_uploaded: 0 });
  });
});
