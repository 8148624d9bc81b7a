import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { DeleteObjectCommand, HeadObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openMedia } from '../../src/media/open-media.ts';
import { mediaIntake } from '../../src/sync/media-intake.ts';
import type { MediaPort } from '../../src/sync/media-port.ts';
import { createMediaService } from '../../src/sync/media-service.ts';
import type { MediaParts } from '../../src/sync/media-work.ts';
import { never } from '../support/catalog.ts';
import { createWorld, type World } from '../support/world.ts';

let world: World;
let media: MediaPort;
let parts: MediaParts;
let red: Buffer;
let blue: Buffer;

const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const service = () => createMediaService({ ...parts, now: () => world.clock.nowMs });
const work = () => service().work(world.library, {}, () => {}, never);
const picture = (background: string) =>
  sharp({ create: { width: 800, height: 400, channels: 3, background } })
    .jpeg()
    .toBuffer();

beforeAll(async () => {
  world = await createWorld();
  media = openMedia({ maxPixels: 1_000_000, concurrency: 2 });
  parts = {
    media,
    store: world.catalog.media,
    openDisk: world.openDisk,
    openBucket: () => world.sides().bucket,
    variantsPrefix: 'variants/',
    log,
  };
  [red, blue] = await Promise.all([picture('red'), picture('blue')]);
});
afterAll(async () => {
  await media?.close();
  await world?.close();
});
beforeEach(async () => {
  await world.wipe();
  await world.query('DELETE FROM "VariantRemains"');
});

async function photo(path: string) {
  const [row] = await world.query<{ id: string }>('SELECT "id" FROM "Photo" WHERE "path" = $1', [path]);
  return world.catalog.browser.photo(row?.id ?? '');
}

async function variantKeys(): Promise<string[]> {
  const { Contents = [] } = await world.s3.client.send(
    new ListObjectsV2Command({ Bucket: world.bucket, Prefix: 'variants/' }),
  );
  return Contents.map(({ Key = '' }) => Key);
}

describe('a synced photo', () => {
  test('gets its size, placeholder and variants, once', async () => {
    world.write('a.jpg', red);
    world.write('notes.txt', 'no picture');
    await world.sync();
    expect(await work()).toMatchObject({ claimed: 1, ready: 1 });
    const found = await photo('a.jpg');
    expect(found).toMatchObject({
      media: { state: 'ready', error: null },
      width: 800,
      height: 400,
      takenFrom: 'file',
      thumbhash: expect.any(String),
      variants: [
        { name: 'thumb', width: 320, height: 160 },
        { name: 'preview', width: 800, height: 400 },
      ],
    });
    expect(await variantKeys()).toEqual(found!.variants.map(({ key }) => key).sort());
    const head = await world.s3.client.send(
      new HeadObjectCommand({ Bucket: world.bucket, Key: found!.variants[0]!.key }),
    );
    expect(head).toMatchObject({ ContentType: 'image/webp', CacheControl: 'public, max-age=31536000, immutable' });
    expect(await work()).toMatchObject({ claimed: 0 });
    expect(await world.sync()).toMatchObject({ photos: { untracked: 0 }, actions: { skipped: 2 } });
  });

  test('keeps them when it is renamed', async () => {
    world.write('a.jpg', red);
    await world.sync();
    await work();
    const before = await photo('a.jpg');
    renameSync(join(world.root, 'a.jpg'), join(world.root, 'b.jpg'));
    await world.sync();
    const after = await photo('b.jpg');
    expect(after).toMatchObject({ id: before!.id, thumbhash: before!.thumbhash, variants: before!.variants });
    expect(await work()).toMatchObject({ claimed: 0 });
  });

  test('gets new ones under new keys when its bytes change, and the old ones go', async () => {
    world.write('a.jpg', red);
    await world.sync();
    await work();
    const before = await photo('a.jpg');
    world.write('a.jpg', blue, 1_650_000_000);
    await world.sync();
    expect(await work()).toMatchObject({ claimed: 1, ready: 1 });
    const after = await photo('a.jpg');
    expect(after!.thumbhash).not.toBe(before!.thumbhash);
    expect(await variantKeys()).toEqual(after!.variants.map(({ key }) => key).sort());
    expect(after!.variants.map(({ key }) => key)).not.toEqual(before!.variants.map(({ key }) => key));
  });

  test('that is deleted takes them with it', async () => {
    for (const name of ['a.jpg', 'b.jpg']) world.write(name, red);
    await world.sync();
    await work();
    world.remove('a.jpg');
    await world.sync({ orphans: 'delete', deleteNow: true });
    const left = (await photo('b.jpg'))!.variants.map(({ key }) => key);
    expect(await variantKeys()).toEqual(left.sort());
  });

  test('that cannot be previewed says why, and is not looked at again', async () => {
    world.write('text.jpg', 'this is no picture at all');
    world.write('empty.jpg', '');
    world.write('cut.jpg', red.subarray(0, red.length / 2));
    world.write(
      'huge.jpg',
      await sharp({ create: { width: 1200, height: 900, channels: 3, background: 'red' } })
        .jpeg()
        .toBuffer(),
    );
    world.write('a.jpg', red);
    await world.sync();
    expect(await work()).toMatchObject({ claimed: 5, ready: 1, withoutPicture: 4, failed: 0 });
    for (const name of ['text.jpg', 'empty.jpg', 'cut.jpg']) {
      expect((await photo(name))!.media, name).toMatchObject({ state: 'corrupt', error: expect.any(String) });
    }
    expect((await photo('huge.jpg'))!.media).toMatchObject({
      state: 'refused',
      error: expect.stringContaining('pixels'),
    });
    expect(await work()).toMatchObject({ claimed: 0 });
    expect(await service().counts({}, never)).toMatchObject({ ready: 1, corrupt: 3, refused: 1, due: 0 });
  });

  test('that has changed on disk meanwhile is left for the next sync', async () => {
    world.write('a.jpg', red);
    await world.sync();
    world.write('a.jpg', blue, 1_650_000_000);
    expect(await work()).toMatchObject({ claimed: 1, changed: 1, ready: 0 });
    expect((await photo('a.jpg'))!.media).toBeNull();
    await world.sync();
    expect(await work()).toMatchObject({ claimed: 1, ready: 1 });
  });

  test('has the words of its sidecar, whenever that comes', async () => {
    const xmp = (rating: number) =>
      `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
       <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="${rating}"/></rdf:RDF></x:xmpmeta>`;
    world.write('a.jpg', red);
    await world.sync();
    await work();
    expect((await photo('a.jpg'))!.metadata).toMatchObject({ rating: null });
    world.write('a.xmp', xmp(4));
    await world.sync();
    expect(await work()).toMatchObject({ claimed: 1 });
    expect((await photo('a.jpg'))!.metadata).toMatchObject({ rating: 4 });
    world.write('a.jpg.xmp', xmp(2));
    await world.sync();
    await work();
    expect((await photo('a.jpg'))!.metadata).toMatchObject({ rating: 2 });
  });

  test('in a bucket that refuses variants stays due', async () => {
    world.write('a.jpg', red);
    await world.sync();
    const refused = { kind: 'answer', status: 403, body: '<Error><Code>AccessDenied</Code></Error>' } as const;
    world.proxy.fail(({ method, path }) => (method === 'PUT' && path.includes('variants') ? refused : null));
    await expect(work()).rejects.toMatchObject({ code: expect.stringMatching(/DENIED/) });
    world.proxy.reset();
    expect(await work()).toMatchObject({ claimed: 1, ready: 1 });
  });
});

describe('a sweep', () => {
  test('has variants that are missing made again, and removes what is no photo’s, once it is old enough', async () => {
    world.write('a.jpg', red);
    await world.sync();
    await work();
    const before = await photo('a.jpg');
    await world.s3.client.send(new DeleteObjectCommand({ Bucket: world.bucket, Key: before!.variants[1]!.key }));
    const stray = `variants/${world.library.id}/0198c1d2-0000-4000-8000-000000000001/thumb-0000000000000000.webp`;
    await world.put(stray, 'stray');
    await world.put('variants/somebody else.webp', 'not ours');
    expect(await service().sweep(world.library, never)).toEqual({ missing: 1, removed: 0, complete: true });
    world.clock.nowMs += 2 * 3_600_000;
    expect(await service().sweep(world.library, never)).toMatchObject({ removed: 1 });
    world.clock.nowMs -= 2 * 3_600_000;
    expect(await work()).toMatchObject({ claimed: 1, ready: 1 });
    const keys = (await photo('a.jpg'))!.variants.map(({ key }) => key);
    expect(await variantKeys()).toEqual([...keys, 'variants/somebody else.webp'].sort());
    expect(await service().sweep(world.library, never)).toEqual({ missing: 0, removed: 0, complete: true });
  });

  test('concludes nothing from a listing that broke off', async () => {
    world.write('a.jpg', red);
    await world.sync();
    await work();
    const refused = { kind: 'answer', status: 403, body: '<Error><Code>AccessDenied</Code></Error>' } as const;
    world.proxy.fail(({ query }) => (query.get('prefix')?.startsWith('variants/') ? refused : null));
    await expect(service().sweep(world.library, never)).rejects.toMatchObject({
      code: expect.stringMatching(/DENIED/),
    });
    world.proxy.reset();
    expect(await service().counts({}, never)).toMatchObject({ due: 0, ready: 1 });
  });
});

test('what is uploaded is looked at from the bytes that were read for it, and never read again', async () => {
  const intake = mediaIntake(parts, never);
  let opened = 0;
  const disk = world.openDisk(world.library);
  const counting = Object.assign(Object.create(disk), {
    open: (...asked: Parameters<typeof disk.open>) => {
      opened += 1;
      return disk.open(...asked);
    },
  });
  world.write('a.jpg', red);
  await world.sync();
  await world.query('DELETE FROM "Photo"');
  await world.deleteObject('photos/a.jpg');
  const kept = intake.keeping(counting, world.library);
  const open = await kept.open('a.jpg', (await disk.stat('a.jpg', never))!, never);
  await world
    .sides()
    .bucket.upload({ key: 'photos/a.jpg', file: open, contentType: 'image/jpeg', condition: { absent: true } }, never);
  await open.close();
  await world.sync();
  await expect.poll(async () => (await photo('a.jpg'))?.media).toMatchObject({ state: 'ready' });
  expect(opened).toBe(1);
  await intake.close();
});
