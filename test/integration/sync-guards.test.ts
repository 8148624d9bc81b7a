import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createWorld, type World } from '../support/world.ts';

let world: World;
beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.close());

const DENIED = { kind: 'answer', status: 403 } as const;
const deleteAtOnce = { orphans: 'delete', deleteNow: true, overwrite: 'source', maxDelete: '100%' } as const;

/** Runs that must leave rows and objects as they are. */
async function unchangedBy(work: () => Promise<unknown>): Promise<void> {
  const [states, keys] = [await world.states(), await world.keys()];
  await work();
  world.proxy.reset();
  expect(await world.states()).toEqual(states);
  expect(await world.keys()).toEqual(keys);
}

describe('an unmounted disk', () => {
  beforeEach(async () => {
    for (const name of ['a.jpg', 'album/b.jpg', 'album/c.jpg']) world.write(name);
    await world.sync();
  });

  test('whose root is missing is refused by name', async () => {
    renameSync(world.root, `${world.root}-away`);
    await unchangedBy(async () => {
      await expect(world.sync(deleteAtOnce)).rejects.toMatchObject({ code: 'GUARD_ROOT_MISSING' });
    });
    renameSync(`${world.root}-away`, world.root);
  });

  test('whose root is empty is refused, the whole library and an album alike', async () => {
    renameSync(world.root, `${world.root}-away`);
    mkdirSync(world.root);
    await unchangedBy(async () => {
      await expect(world.sync(deleteAtOnce)).rejects.toMatchObject({ code: 'GUARD_EMPTY_ROOT' });
      await expect(world.sync({ ...deleteAtOnce, album: 'album' })).rejects.toMatchObject({ code: 'GUARD_EMPTY_ROOT' });
    });
    const runs = await world.catalog.browser.runs({}, { limit: 2 });
    expect(runs.items.map(({ status }) => status)).toEqual(['refused', 'refused']);
    expect(runs.items[0]?.report?.error?.code).toBe('GUARD_EMPTY_ROOT');
  });

  test('whose root is a file is refused', async () => {
    renameSync(world.root, `${world.root}-away`);
    writeFileSync(world.root, '');
    await unchangedBy(async () => {
      await expect(world.sync(deleteAtOnce)).rejects.toMatchObject({ code: 'GUARD_ROOT_NOT_DIRECTORY' });
    });
    rmSync(world.root);
  });

  test('is not meant when the last album was emptied on purpose and all is marked already', async () => {
    rmSync(join(world.root, 'album'), { recursive: true });
    await world.sync();
    rmSync(join(world.root, 'a.jpg'));
    await expect(world.sync()).rejects.toMatchObject({ code: 'GUARD_EMPTY_ROOT' });
  });
});

describe('a bucket that is read only in part', () => {
  beforeEach(async () => {
    for (let i = 0; i < 15; i++) world.write(`${String(i).padStart(2, '0')}.jpg`);
    await world.sync();
  });

  /** Pages of five keys; the second one is answered like this. */
  function secondPage(fault: { readonly kind: 'answer'; readonly status: number; readonly body?: string }): void {
    world.proxy.fail(({ query }) => {
      if (query.get('list-type') !== '2') return null;
      if (query.has('continuation-token')) return fault;
      return { kind: 'rewrite', body: (xml) => firstPageOf(xml, 5) };
    });
  }

  test('when its listing fails on page 2, marks, deletes and re-uploads nothing, and says which page', async () => {
    world.remove('12.jpg');
    await unchangedBy(async () => {
      secondPage({ kind: 'answer', status: 403, body: errorXml('AccessDenied') });
      const report = await world.sync(deleteAtOnce);
      expect(report).toMatchObject({
        status: 'partial',
        actions: { marked: 0, deleted: 0, reuploaded: 0, uploaded: 0, skipped: 5 },
        failures: [{ code: 'LISTING_FAILED' }],
      });
      expect(report.failures[0]?.message).toContain('page 2');
      expect(report.warnings[0]).toContain('nothing was marked as gone or deleted');
    });
  });

  test('when its first page is denied, is one error before anything starts', async () => {
    world.write('new.jpg');
    await unchangedBy(async () => {
      world.proxy.fail(({ query }) => (query.has('list-type') ? { ...DENIED, body: errorXml('AccessDenied') } : null));
      await expect(world.sync(deleteAtOnce)).rejects.toMatchObject({ code: 'BUCKET_DENIED' });
    });
  });
});

describe('a HEAD that is denied', () => {
  beforeEach(async () => {
    world.write('album/a.jpg');
    world.write('album/b.jpg');
    await world.sync();
  });

  test('is never read as missing: nothing is uploaded again, and the photo is named', async () => {
    await unchangedBy(async () => {
      world.proxy.fail(({ method, path }) => (method === 'HEAD' && path.endsWith('/a.jpg') ? DENIED : null));
      const report = await world.sync({ ...deleteAtOnce, album: 'album' });
      expect(report).toMatchObject({
        status: 'partial',
        actions: { reuploaded: 0, uploaded: 0, marked: 0, skipped: 1, failed: 1 },
        failures: [{ path: 'album/a.jpg', code: 'OBJECT_DENIED' }],
      });
    });
  });

  test('along with everything else is one error before anything starts', async () => {
    await unchangedBy(async () => {
      world.proxy.fail(({ method }) => (method === 'HEAD' ? DENIED : { ...DENIED, body: errorXml('AccessDenied') }));
      await expect(world.sync({ ...deleteAtOnce, album: 'album' })).rejects.toMatchObject({ code: 'BUCKET_DENIED' });
    });
  });

  test('of a photo whose file is gone does not make it lost', async () => {
    world.remove('album/a.jpg');
    await unchangedBy(async () => {
      world.proxy.fail(({ method }) => (method === 'HEAD' ? DENIED : null));
      const report = await world.sync({ ...deleteAtOnce, album: 'album' });
      expect(report.photos.lost).toBe(0);
      expect(report.actions).toMatchObject({ marked: 0, deleted: 0, failed: 2 });
    });
  });
});

describe('a photo that is hidden', () => {
  test('by a new exclude is not gone: neither marked nor deleted', async () => {
    world.write('a.jpg');
    world.write('raw/b.dng');
    await world.sync();
    await world.catalog.libraries.update(world.library.id, { excludes: ['raw/'] });
    world.remove('raw/b.dng');
    await unchangedBy(async () => {
      const report = await world.sync(deleteAtOnce);
      expect(report).toMatchObject({ photos: { orphaned: 0 }, actions: { marked: 0, deleted: 0, skipped: 1 } });
    });
  });

  test('behind a folder that became a link out of the root is not gone either', async () => {
    world.write('a.jpg');
    world.write('album/b.jpg');
    await world.sync();
    renameSync(join(world.root, 'album'), `${world.root}-elsewhere`);
    symlinkSync(`${world.root}-elsewhere`, join(world.root, 'album'));
    await unchangedBy(async () => {
      const report = await world.sync(deleteAtOnce);
      expect(report).toMatchObject({ status: 'succeeded', actions: { marked: 0, deleted: 0, failed: 0 } });
      expect(report.warnings[0]).toContain('album');
    });
  });
});

test('two names that would share a key are a conflict, and neither is uploaded', async () => {
  world.write('caf\u00e9.jpg', 'one');
  world.write('cafe\u0301.jpg', 'two');
  const report = await world.sync();
  expect(report).toMatchObject({ actions: { uploaded: 0, conflicts: 1 }, conflicts: [{ code: 'NAME_COLLISION' }] });
  expect(await world.keys()).toEqual([]);
});

test('a name that is too long for a key is refused by name, and the others are synced', async () => {
  const long = Array.from({ length: 5 }, () => 'x'.repeat(240)).join('/');
  world.write(`${long}/a.jpg`);
  world.write('b.jpg');
  const report = await world.sync();
  expect(report).toMatchObject({ status: 'partial', actions: { uploaded: 1 }, failures: [{ code: 'NAME_TOO_LONG' }] });
});

test('a file still being written is left for the next run', async () => {
  world.write('a.jpg', 'half', Date.now() / 1_000);
  world.clock.nowMs = Date.now();
  const report = await world.sync();
  expect(report).toMatchObject({ status: 'succeeded', actions: { unstable: 1, uploaded: 0 } });
  expect(report.warnings[0]).toContain('a.jpg');
  world.clock.nowMs += 5_000;
  expect((await world.sync()).actions.uploaded).toBe(1);
});

test('a second run on the same library is refused while the first one runs', async () => {
  for (let i = 0; i < 20; i++) world.write(`album/${i}.jpg`);
  let second: Promise<unknown> | null = null;
  world.proxy.fail(({ method }) => {
    if (method !== 'PUT' || second !== null) return null;
    const begun = world.service
      .sync({ album: 'album', library: 'test' }, {}, AbortSignal.timeout(150_000))
      .catch((error: unknown) => error);
    second = begun;
    return { kind: 'after', first: () => begun };
  });
  expect((await world.sync()).actions.uploaded).toBe(20);
  expect(await second).toMatchObject({ code: 'SYNC_IN_PROGRESS' });
});

test('an aborted run stops, says what it did, and the next one finishes', async () => {
  for (let i = 0; i < 40; i++) world.write(`${i}.jpg`);
  const stop = new AbortController();
  let puts = 0;
  world.proxy.fail(({ method, path }) => {
    if (method === 'PUT' && path.includes('/photos/') && !path.includes('probe') && ++puts === 10) stop.abort();
    return null;
  });
  const report = await world.sync({}, stop.signal);
  world.proxy.reset();
  expect(report).toMatchObject({ status: 'partial', error: { code: 'CANCELLED' } });
  expect(report.actions.uploaded).toBe((await world.keys()).length);
  expect(report.actions.uploaded).toBeLessThan(40);
  const next = await world.sync();
  expect(next.actions).toMatchObject({ uploaded: 40 - report.actions.uploaded, skipped: report.actions.uploaded });
});

test('an upload that is denied fails by name, and the others are done', async () => {
  for (const name of ['a.jpg', 'b.jpg', 'c.jpg']) world.write(name);
  world.proxy.fail(({ method, path }) =>
    method === 'PUT' && path.endsWith('/b.jpg') ? { ...DENIED, body: errorXml('AccessDenied') } : null,
  );
  const report = await world.sync();
  world.proxy.reset();
  expect(report).toMatchObject({
    status: 'partial',
    actions: { uploaded: 2, failed: 1 },
    failures: [{ path: 'b.jpg', code: 'OBJECT_DENIED' }],
  });
  expect(await world.states()).toEqual({ 'a.jpg': 'synced', 'b.jpg': 'failed', 'c.jpg': 'synced' });
  expect((await world.sync()).actions).toMatchObject({ uploaded: 1, skipped: 2 });
  expect(await world.states()).toMatchObject({ 'b.jpg': 'synced' });
});

test('an upload whose answer was lost is recorded as what it is, and sent only once', async () => {
  world.write('a.jpg', 'sent once');
  let lost = 0;
  world.proxy.fail(({ method, path }) =>
    method === 'PUT' && path.endsWith('/photos/a.jpg') && lost++ === 0 ? { kind: 'break-after' } : null,
  );
  const report = await world.sync();
  world.proxy.reset();
  expect(report).toMatchObject({ status: 'succeeded', actions: { failed: 0, conflicts: 0 } });
  expect(await world.read('photos/a.jpg')).toBe('sent once');
  expect(await world.states()).toEqual({ 'a.jpg': 'synced' });
});

test('an object that another writer creates in the meantime is not overwritten', async () => {
  world.write('a.jpg', 'mine');
  world.proxy.fail(({ method, path }) =>
    method === 'PUT' && path.endsWith('/photos/a.jpg')
      ? { kind: 'after', first: () => world.put('photos/a.jpg', 'theirs, first') }
      : null,
  );
  const report = await world.sync();
  world.proxy.reset();
  expect(report.actions).toMatchObject({ conflicts: 1, uploaded: 0 });
  expect(await world.read('photos/a.jpg')).toBe('theirs, first');
});

function errorXml(code: string): string {
  return `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message><RequestId>1</RequestId></Error>`;
}

/** A listing's XML cut down to its first entries, as a server with small pages would answer. */
function firstPageOf(xml: string, count: number): string {
  const entries = xml.match(/<Contents>.*?<\/Contents>/gs) ?? [];
  const [head] = xml.split('<Contents>');
  return (
    `${head?.replace('<IsTruncated>false</IsTruncated>', '')}${entries.slice(0, count).join('')}` +
    '<IsTruncated>true</IsTruncated><NextContinuationToken>two</NextContinuationToken></ListBucketResult>'
  );
}
